"""A team's folder: system users of one group share a journal and a pace, and a stranger nothing."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import stat
import tempfile
import time
from collections import namedtuple
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from practice_customers import a_customer

from clover_nb import connect
from clover_nb.errors import JournalError, SettingsError
from clover_nb.journal.entries import Write
from clover_nb.journal.registry import team_journal
from clover_nb.masking import Secret
from clover_nb.transport import rate_limit

ANA, BO, EVE, GROUP = 52_001, 52_002, 52_003, 52_000
FORK = multiprocessing.get_context("fork")
HERE = {"host": "h", "merchant": None}

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


@pytest.fixture
def folder():
    """A team's folder, below one that everybody may enter."""
    top = Path(tempfile.mkdtemp(prefix="team-", dir="/tmp"))
    top.chmod(0o711)
    made = top / "desk"
    made.mkdir()
    os.chown(made, 0, GROUP)
    made.chmod(0o2770)
    yield made
    shutil.rmtree(top)


@contextmanager
def started_as(user, function, *arguments):
    """A process of another user, and the end of a pipe to it; ended if it hasn't."""
    ours, theirs = FORK.Pipe()

    def run():
        os.setgroups([GROUP] if user != EVE else [])
        os.setgid(user)
        os.setuid(user)
        os.umask(0o077)
        try:
            theirs.send(function(theirs, *arguments))
        except BaseException as error:
            theirs.send(error)
            raise

    process = FORK.Process(target=run)
    process.start()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()


def run_as(user, function, *arguments):
    """What a function returns in a process of another user."""
    with started_as(user, function, *arguments) as (process, pipe):
        result = pipe.recv()
        process.join()
    if isinstance(result, BaseException):
        raise result
    return result


def connection_of(practice, folder):
    there = practice.connection() | {"team": folder}
    return connect("local", requests_per_second=None, at_once=None, **there)


def rename(_, practice, folder, key, name):
    with connection_of(practice, folder) as clover:
        clover.customers.modify(key, name=name)


def undo_last(_, practice, folder, key):
    with connection_of(practice, folder) as clover:
        clover.undo(clover.journal.frame(customer_id=key).index[-1])
        return list(clover.journal.frame(customer_id=key)["login"])


def test_two_users_see_and_undo_each_others_changes(practice, clover, folder):
    """Whatever their umask; all files are open to the group, and to nobody else."""
    key = a_customer(clover, name="Ana")["id"]
    run_as(ANA, rename, practice, folder, key, "Bea")
    run_as(BO, rename, practice, folder, key, "Cleo")
    assert clover.customers.retrieve(key)["name"] == "Cleo"
    logins = run_as(ANA, undo_last, practice, folder, key)
    assert logins == [f"user {ANA}", f"user {BO}", f"user {ANA}"]
    assert clover.customers.retrieve(key)["name"] == "Bea"
    for path in folder.rglob("*"):
        state = path.stat()
        assert stat.S_IMODE(state.st_mode) == (0o2770 if path.is_dir() else 0o660), path
        assert state.st_gid == GROUP


def try_to_look(_, folder):
    found = []
    for action in (
        lambda: connect("local", team=folder),
        lambda: list(folder.iterdir()),
        (folder / "journal.sqlite3").read_bytes,
    ):
        try:
            action()
        except (SettingsError, PermissionError) as error:
            found.append(str(error))
    return found


def test_a_stranger_reads_nothing(practice, clover, folder):
    """A user who is none of the group: a sentence says so, and the system refuses the rest."""
    run_as(ANA, rename, practice, folder, a_customer(clover, name="Ana")["id"], "Bea")
    refused = run_as(EVE, try_to_look, folder)
    assert len(refused) == 3
    assert "is not open to this user" in refused[0]


def hold_change(pipe, practice, folder, key):
    host = practice.ecommerce_url.removeprefix("http://")
    write = Write("modify", key, {"name": "Bea"}, {"id": key, "name": "Ana"})
    journal = team_journal(Secret(folder))
    pipe.send(journal.begin(write, host=host, merchant=practice.merchant_id))
    time.sleep(600)


def outcome_of(_, practice, folder, number):
    with connection_of(practice, folder) as clover:
        return clover.journal.entry(number).outcome


def test_what_a_killed_process_left_is_settled_by_whoever_comes_next(practice, clover, folder):
    """A colleague: as long as the process lives, its change is its own; then it is looked up."""
    key = a_customer(clover, name="Ana")["id"]
    with started_as(ANA, hold_change, practice, str(folder), key) as (process, pipe):
        number = pipe.recv()
        clover.customers.modify(key, name="Bea")
        assert run_as(BO, outcome_of, practice, folder, number) == "open"
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert run_as(BO, outcome_of, practice, folder, number) == "done"


def hold_slot(pipe, folder):
    limiter = shared_limiter(folder)
    with limiter.slot():
        pipe.send("held")
        time.sleep(600)


def try_slot(_, folder):
    leave = shared_limiter(folder)._locks.try_acquire("slot0")
    return leave is not None


def shared_limiter(folder):
    return rate_limit.shared_limiter(("host", "token"), 16, 1, Secret(folder))


def test_two_users_share_one_pace(folder):
    """What one holds, the other waits for; it is free as soon as that one is killed."""
    with started_as(ANA, hold_slot, str(folder)) as (process, pipe):
        assert pipe.recv() == "held"
        assert not run_as(BO, try_slot, str(folder))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert run_as(BO, try_slot, str(folder))


def refusal(team):
    with pytest.raises(SettingsError) as caught:
        connect("local", team=team)
    assert caught.value.field == "team"
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o2750, 0o2775])
def test_a_folder_with_another_mode_is_refused(folder, mode):
    """With the command that mends it."""
    folder.chmod(mode)
    assert f"chmod 2770 {folder}" in refusal(folder)


def test_what_is_no_folder_is_refused(folder):
    """Nothing there, a file, or a name that means another folder elsewhere."""
    assert "install -d -g GROUP -m 2770" in refusal(folder / "missing")
    (folder / "file").touch()
    assert "is no folder" in refusal(folder / "file")
    assert "Name it from / on" in refusal("desk")


def test_a_network_drive_is_refused_with_the_way_out(folder, monkeypatch):
    """The nearest mount counts: a disk of this machine below it is none."""
    Partition = namedtuple("Partition", "mountpoint fstype")
    mounts = [Partition("/", "ext4"), Partition(str(folder.parent), "nfs4")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: mounts)
    message = refusal(folder)
    assert "is on a network drive (nfs4)" in message
    assert "CLOVER_TEAM=postgresql://" in message
    mounts.append(Partition(str(folder), "xfs"))
    connect("local", team=folder).close()


def test_a_link_in_place_of_the_journal_is_refused(folder, tmp_path):
    """It could lead to a file of somebody else's."""
    (folder / "journal.sqlite3").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError):
        connect("local", team=folder)
    assert not (tmp_path / "elsewhere").exists()
