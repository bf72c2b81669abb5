"""The journal's file, shared by processes that come, fork and are killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import uuid

import pytest
from batch_rows import QUICK

from clover_nb import TEST_CARDS, connect, errors
from clover_nb.errors import JournalError, ValidationError
from clover_nb.journal import registry as journals
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal

HERE = {"host": "h", "merchant": None}


def a_write(name="Ana"):
    return Write("modify", "X", {"name": name})


def run(code, *arguments, **options):
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True, **options)


OPEN = """
import sys, time
from pathlib import Path
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal
sys.stdin.readline()
journal = Journal(Path(sys.argv[1]))
for _ in range(20):
    journal.end(journal.begin(Write("modify", "X", {}), host="h", merchant=None), "done")
"""


def open_new(files, start):
    for file in files:
        start.wait()
        child(file, 0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_six_processes_open_a_new_journal_at_once(tmp_path):
    """All succeed, again and again, and each writes."""
    files = [tmp_path / f"journal-{turn}" for turn in range(5)]
    context = multiprocessing.get_context("fork")
    start = context.Barrier(6)
    workers = [context.Process(target=open_new, args=(files, start)) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert [len(Journal(file).frame()) for file in files] == [120] * 5


def test_a_number_is_never_used_twice(tmp_path):
    """Another process cleans up what is old; whoever is about to end an entry ends their own."""
    slow = Journal(tmp_path / "journal")
    entry = slow.begin(a_write(), **HERE)
    with sqlite3.connect(tmp_path / "journal") as db:
        db.execute("UPDATE entries SET time = 0")
    db.close()
    other = Journal(tmp_path / "journal", retention_days=1)
    new = other.begin(a_write("Bea"), **HERE)
    assert new > entry
    slow.end(entry, "done")
    assert list(other.frame()["outcome"]) == ["done", "open"]
    del slow
    last = Journal(tmp_path / "journal", retention_days=0).begin(a_write(), **HERE)
    assert last > new


def test_an_entry_that_is_complete_stays_as_it_is(tmp_path):
    """Two processes that look up the same entry don't undo each other's result."""
    journal = Journal(tmp_path / "journal")
    entry = journal.begin(a_write(), **HERE)
    journal.end(entry, "done")
    journal.end(entry, "unknown")
    assert journal.entry(entry).outcome == "done"


HOLD = """
import sys, time
from pathlib import Path
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal
journal = Journal(Path(sys.argv[1]))
print(journal.begin(Write("modify", "X", {}), host="h", merchant=None), flush=True)
sys.stdin.readline()
"""


def test_who_is_alive_is_told_by_a_lock_that_dies_with_its_process(tmp_path, monkeypatch):
    """Whatever the machine is called: a container under a new name sees both."""
    file = tmp_path / "journal"
    monkeypatch.setattr("platform.node", lambda: "a-container-under-a-new-name")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        number = int(worker.stdout.readline())
        journal = Journal(file)
        assert journal.is_under_way(journal.entry(number))
        assert not journal.list_unresolved(**HERE)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert [entry.number for entry in journal.list_unresolved(**HERE)] == [number]
    assert len(list(tmp_path.glob("*.alive"))) == 1  # the dead one's
    Journal(file)
    assert not list(tmp_path.glob("*.alive"))


def test_a_process_that_ends_leaves_no_lock(tmp_path):
    """Its file is gone, and the companions of the database too."""
    run(OPEN, tmp_path / "journal", input=b"\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal", "journal-lock"]


def test_an_entry_that_an_interrupt_left_is_looked_up_in_the_same_process(tmp_path):
    """It was written down, and nobody is about to end it."""
    journal = Journal(tmp_path / "journal")
    entry = journal.begin(a_write(), **HERE)
    assert not journal.list_unresolved(**HERE)
    journal._under_way.clear()  # as if `begin` had been interrupted at its end
    assert [each.number for each in journal.list_unresolved(**HERE)] == [entry]


# -- a deleted person ------------------------------------------------------------------------------


def contents(folder, but=()):
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.name not in but)


def test_a_deleted_person_leaves_no_trace(practice, tmp_path):
    """Not in the database, not in its log, not in attempts that were refused."""
    email, name = f"zaphod-{uuid.uuid4().hex[:8]}@example.com", "Zaphod Beeblebrox"
    with connect("local", journal=tmp_path / "journal", **practice.connection()) as clover:

        def token(card):
            return clover.tokens.create(card=TEST_CARDS[card])["id"]

        with pytest.raises(errors.CardError):
            clover.customers.create(email=email, source=token("visa_declined"), name=name)
        row = clover.customers.create(email=email, source=token("visa"), name=name)
        other = clover.customers.create(email="ford@example.com", source=token("visa"), name="Ford")
        for number in range(20):
            clover.customers.modify(row["id"], name=f"{name} {number}")
        reader = sqlite3.connect(tmp_path / "journal", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        clover.customers.delete(row["id"])
        assert b"Zaphod" not in str(clover.journal.frame().to_dict()).encode()
        reader.close()  # an older reader, which has ended
        deadline = time.monotonic() + 30
        while b"aphod" in contents(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert b"aphod" not in contents(tmp_path)
        table = clover.journal.frame()
        assert list(table["operation"]) == ["create"] * 3 + ["modify"] * 20 + ["delete"]
        assert table["sent"].iloc[0] == {}
        [kept] = clover.journal.frame(customer_id=other["id"])["after"]
        assert kept["name"] == "Ford"


# -- forks -----------------------------------------------------------------------------------------


def child(file, number):
    journal = journals.shared_journal(file)
    for _ in range(20):
        journal.end(journal.begin(a_write(f"child {number}"), **HERE), "done")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_opens_the_journal_anew(tmp_path):
    """While the parent's other threads write, and hold its lock."""
    file = tmp_path / "journal"
    journal = journals.shared_journal(file)
    mine = journal.begin(a_write("parent"), **HERE)
    over = threading.Event()

    def write():
        while not over.wait(0.002):
            journal.end(journal.begin(a_write("thread"), **HERE), "done")

    writer = threading.Thread(target=write)
    writer.start()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=child, args=(file, number)) for number in range(4)]
    for each in children:
        each.start()
    for each in children:
        each.join()
    over.set()
    writer.join()
    assert [each.exitcode for each in children] == [0] * 4
    names = journal.frame()["sent"].map(lambda sent: sent["name"])
    assert names.str.startswith("child").sum() == 80
    assert len(set(journal.frame()["process"])) == 5
    assert journal.is_under_way(journal.entry(mine))
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_a_child_that_outlives_its_parent_does_not_keep_it_alive(tmp_path):
    """The parent's lock ends with the parent, though the child was forked while it was held."""
    code = """
import os, sys, time
from pathlib import Path
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal
journal = Journal(Path(sys.argv[1]))
number = journal.begin(Write("modify", "X", {}), host="h", merchant=None)
pid = os.fork()
if pid:
    os.write(1, b"%d %d\\n" % (number, pid))
    os.kill(os.getpid(), 9)
os.write(1, b"forked\\n")
sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, tmp_path / "journal"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        said = sorted(parent.stdout.readline() for _ in range(2))
        number, orphan = map(int, said[0].split())
        parent.wait()
        os.kill(orphan, 0)  # it is there
        journal = Journal(tmp_path / "journal")
        alive = journal.is_under_way(journal.entry(number))
        parent.stdin.write(b"\n")
    assert not alive


# -- files and lines that make no sense ------------------------------------------------------------


def test_parent_folders_are_the_users_alone(tmp_path):
    """Under any umask."""
    code = "import os; os.umask(0)\n" + OPEN
    run(code, tmp_path / "a" / "b" / "journal", input=b"\n")
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in (tmp_path / "a" / "b").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_in_its_place_is_not_followed(tmp_path):
    """The mode of another file is not touched."""
    other = tmp_path / "other"
    other.write_bytes(b"")
    other.chmod(0o644)
    (tmp_path / "journal").symlink_to(other)
    with pytest.raises(JournalError):
        Journal(tmp_path / "journal")
    assert stat.S_IMODE(other.stat().st_mode) == 0o644
    assert other.read_bytes() == b""


def test_what_is_no_file_keeps_its_mode(tmp_path):
    """As /dev/null, which a journal in its place would close to all others; a pipe is here."""
    os.mkfifo(tmp_path / "journal")
    (tmp_path / "journal").chmod(0o666)
    with pytest.raises(JournalError, match="it is no file"):
        Journal(tmp_path / "journal")
    assert stat.S_IMODE((tmp_path / "journal").stat().st_mode) == 0o666


def test_half_an_emoji_can_be_written_down(tmp_path):
    """As JSON writes it; it reads back as it was."""
    journal = Journal(tmp_path / "journal")
    entry = journal.begin(a_write("Ana \ud83d"), **HERE)
    assert journal.entry(entry).write.sent == {"name": "Ana \ud83d"}
    assert journal.frame()["sent"].iloc[0] == {"name": "Ana \ud83d"}


NONSENSE = ["x", "'not json'", "'[1, 2]'", "x'00ff'", "NULL", "1e999", "-1", "'{\"email\": 5}'"]


@pytest.mark.parametrize("value", NONSENSE[1:])
def test_lines_that_make_no_sense_do_no_harm(practice, tmp_path, value):
    """After a bad disk: the table and the next change work, and what can't be told is unknown."""
    file = tmp_path / "journal"
    with connect("local", journal=file, timeouts=QUICK, **practice.connection()) as clover:
        token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
        row = clover.customers.create(email="ana@example.com", source=token)
        clover.customers.modify(row["id"], name="Ana")
    columns = [
        "time", "person", "operation", "customer_id", "before", "sent", "after", "request_id",
        "consent", "undoes", "process", "api", "answered_by", "token_digest", "clover_time",
    ]  # fmt: skip
    with sqlite3.connect(file) as db:
        for column in columns:
            db.execute(
                "INSERT INTO entries (time, host, merchant, operation, customer_id, outcome, sent) "
                "SELECT time, host, merchant, operation, customer_id, 'open', sent FROM entries "
                "WHERE entry IN (1, 2)"
            )
            db.execute(
                f"UPDATE entries SET {column} = {value} WHERE outcome = 'open' "  # noqa: S608  above
                "AND entry > (SELECT max(entry) - 2 FROM entries)"
            )
    db.close()
    with connect("local", journal=file, timeouts=QUICK, **practice.connection()) as clover:
        table = clover.journal.frame()
        assert len(table) == 2 + 2 * len(columns)
        assert not (table["outcome"].iloc[2:] == "open").any()
        clover.customers.modify(row["id"], name="Bea")
        assert clover.journal.frame()["outcome"].iloc[-1] == "done"


@pytest.mark.parametrize("number", [2**80, -(2**80), 2**63, 0, -1, 1.5, "1", None, True])
def test_an_entry_that_can_not_be_is_an_error_of_the_tree(clover, number):
    """Whatever is given for it."""
    for call in (clover.undo, clover.resolve, clover.journal.entry):
        with pytest.raises(ValidationError) as caught:
            call(number)
        assert caught.value.field == "entry"


def test_a_write_costs_two_statements(scripted, tmp_path):
    """One when it begins and one when it ends."""
    answer = json.dumps({"id": "7QK2M9ZX4T0BC"}).encode()
    scripted.answers = [(200, "application/json", answer)]
    with scripted.connect(journal=tmp_path / "journal") as clover:
        clover.customers.create(email="ana@example.com", source="clv_1TSTSa")
        statements = []
        sqlite = clover.journal.database._connection.connection.driver_connection
        sqlite.set_trace_callback(statements.append)
        clover.customers.create(email="ana@example.com", source="clv_1TSTSb")
        sqlite.set_trace_callback(None)
    assert [statement.split()[0] for statement in statements] == ["INSERT", "UPDATE"]


def test_what_is_remembered_without_a_journal_is_bounded():
    """The newest writes of an account, as long as the process runs, and what is under way."""
    account = (uuid.uuid4().hex,)
    first = journals.unkept_journal(account).begin(a_write(), **HERE)
    for _ in range(1300):
        journal = journals.unkept_journal(account)
        journal.end(journal.begin(a_write(), **HERE), "done")
    assert 1000 <= len(journal.frame()) < 1200
    assert journal.entry(first).outcome == "open"
