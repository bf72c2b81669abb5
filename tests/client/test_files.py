"""Files are written whole or not at all, and what can't be is said in a sentence."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from clover_nb import quality, read_plan, read_table, save_table, to_frame
from clover_nb.bulk.plan import make_plan
from clover_nb.errors import ValidationError

TABLE = to_frame({"id": f"{n:013}", "name": "Ana Rivera", "phone": "555-0125"} for n in range(2000))
FULL_DISK = """
import resource, signal, sys
import clover_nb
from clover_nb.bulk.plan import make_plan
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
table = clover_nb.to_frame({"id": f"{n:013}", "name": "Ana Rivera"} for n in range(2000))
plan = make_plan(table[["name"]], table[:0], merchant="M", host="h")
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
save = {
    "save_table": lambda path: clover_nb.save_table(table, path),
    "save_csv": lambda path: clover_nb.quality.save_csv(table, path),
    "plan.save": plan.save,
}[sys.argv[1]]
try:
    save(sys.argv[2])
except clover_nb.errors.ValidationError as error:
    sys.exit(f"{error.field}: {error}")
"""
SAVES = {
    "save_table": save_table,
    "save_csv": quality.save_csv,
    "plan.save": lambda table, path: plan_of(table).save(path),
}
OTHER_USER = 65534


@pytest.fixture
def open_folder():
    """A folder that every user may enter, which pytest's own may not."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def plan_of(table):
    return make_plan(table[["name"]], table[:0], merchant="M", host="h")


@pytest.mark.parametrize(
    ("save", "name"),
    [
        ("save_table", "customers.csv"),
        ("save_table", "customers.xlsx"),
        ("save_csv", "customers.csv"),
        ("plan.save", "plan.jsonl"),
    ],
)
def test_a_full_disk_leaves_the_file_that_was_there(tmp_path, save, name):
    """And nothing beside it."""
    path = tmp_path / name
    path.write_text("as it was")
    command = [sys.executable, "-c", FULL_DISK, save, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(f"path: {path} can't be written (File too large)"), done.stderr
    assert path.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
@pytest.mark.parametrize(
    ("path", "told"),
    [
        (None, "must be the name of a file"),
        (b"customers.csv", "must be the name of a file"),
        (3, "must be the name of a file"),
        ("a\0b.csv", "must be the name of a file"),
        ("nowhere/customers.csv", "there is no folder"),
        (".", "neither in|Is a directory"),
    ],
)
def test_what_can_not_be_a_file_to_write_is_an_error_of_the_tree(tmp_path, save, path, told):
    """Which names the parameter."""
    path = str(tmp_path / path) if isinstance(path, str) else path
    with pytest.raises(ValidationError, match=told) as caught:
        save(TABLE.head(2), path)
    assert caught.value.field == "path"


@pytest.mark.parametrize("read", [read_table, read_plan])
@pytest.mark.parametrize("path", [None, b"a.csv", 3, "a\0b", pd.NA])
def test_what_can_not_be_a_file_to_read_is_an_error_of_the_tree(read, path):
    """Which names the parameter."""
    with pytest.raises(ValidationError, match="must be the name of a file") as caught:
        read(path)
    assert caught.value.field == "path"


def test_a_file_keeps_its_permissions_and_a_link_leads_where_it_did(tmp_path):
    """A new one is as any other of this user."""
    shared, link, new = (tmp_path / name for name in ("shared.csv", "link.csv", "new.csv"))
    shared.write_text("")
    shared.chmod(0o640)
    link.symlink_to(shared)
    os.umask(umask := os.umask(0o022))
    for path in (link, new):
        save_table(TABLE.head(2), path)
    assert link.is_symlink()
    assert len(read_table(shared)) == 2
    assert oct(shared.stat().st_mode)[-3:] == "640"
    assert new.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_table_is_written_where_no_file_is(tmp_path):
    """To a pipe, such as /dev/stdout, which stays one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", pipe]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        quality.save_csv(TABLE.head(2), pipe)
        assert reader.communicate()[0].count("Ana Rivera") == 2
    assert pipe.is_fifo()


def test_a_table_is_written_to_a_command_that_reads_it():
    """By /dev/stdout, which is a link to a pipe without a name."""
    code = (
        "import clover_nb as c, pandas as p; c.quality.save_csv(p.Series(['Ana']), '/dev/stdout')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Ana" in done.stdout, done.stderr


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_a_file_that_must_not_be_written_stays_as_it_is(save, open_folder):
    """Though its folder would let another one take its place."""
    path = open_folder / "customers.csv"
    path.write_text("as it was")
    for each, mode in ((path, 0o444), (open_folder, 0o777)):
        each.chmod(mode)

    def save_as_another_user():
        os.setuid(OTHER_USER)
        with pytest.raises(ValidationError, match="Permission denied"):
            save(TABLE.head(2), path)

    child = multiprocessing.get_context("fork").Process(target=save_as_another_user)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert path.read_text() == "as it was"


def test_a_name_that_ends_in_gz_is_compressed(tmp_path):
    """As pandas does."""
    quality.save_csv(TABLE, tmp_path / "customers.csv.gz")
    assert (tmp_path / "customers.csv.gz").read_bytes().startswith(b"\x1f\x8b")
    assert len(pd.read_csv(tmp_path / "customers.csv.gz")) == len(TABLE)
