"""One rate for all processes of a user: locks in files, which end with their process."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import pytest

from clover_nb.runtime_folder import runtime_folder
from clover_nb.transport import rate_limit, rate_limit_locks
from clover_nb.transport.rate_limit_locks import AccountLocks, FileLocks

HOLDERS = Path(__file__).with_name("holders.py")
ACCOUNT = ("https://address.example", "the-token-of-this-account")


def forget_accounts(monkeypatch):
    """As in a process that has used no account: what an earlier test used may not be freed yet."""
    monkeypatch.setattr(rate_limit_locks, "_warned", False)
    monkeypatch.setattr(rate_limit, "_accounts", WeakValueDictionary())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A runtime folder of this test's own."""
    forget_accounts(monkeypatch)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "clover-nb"


@contextmanager
def holder(action, at_once=5):
    """A process that holds all slots, killed at the end if it isn't dead already."""
    command = [sys.executable, HOLDERS, action, "0", str(at_once)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = iter(process.stdout.readline, "ready\n")
            yield process, list(lines)
        finally:
            process.kill()


def take(count=5):
    """Take so many slots at once; hangs where one is held."""
    limiter = rate_limit.shared_limiter(ACCOUNT, None, count)
    with ExitStack() as held:
        for _ in range(count):
            held.enter_context(limiter.slot())


def is_held(folder, name):
    """Whether somebody holds a lock."""
    (path,) = folder.glob("rate-*")
    leave = FileLocks(path.name.removeprefix("rate-")).try_acquire(name)
    if leave is not None:
        leave()
    return leave is None


def state(folder):
    """The account's schedule."""
    (path,) = folder.glob("rate-*/state")
    return json.loads(path.read_text())


def test_six_processes_keep_to_one_rate_and_to_five_at_once(folder, tmp_path):
    """By the schedule's own clock, however busy the machine is; and all get their turns."""
    marks = tmp_path / "marks"
    marks.mkdir()
    command = [sys.executable, HOLDERS, "turns", "30", "5", str(marks)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    most = [int(process.communicate()[0]) for process in processes]
    assert 1 < max(most) <= 5
    begun = state(folder)["begun"]
    assert len(begun) == 60
    assert max(sum(first <= time < first + 1 for time in begun) for first in begun) <= 30


@pytest.mark.parametrize("action", ["hold", "wait"])
def test_a_killed_process_holds_no_slot(folder, action):
    """Nor does it stand at the gate, where it was killed while it waited for a slot."""
    with holder(action) as (process, _):
        while action == "wait" and not is_held(folder, "gate"):
            time.sleep(0.001)
        assert all(is_held(folder, f"slot{number}") for number in range(5))
        process.kill()
        process.wait()
        take()


def test_a_forked_child_does_not_hold_what_its_parent_held(folder):
    """The parent is killed; its child lives on, with none of the parent's locks."""
    with holder("fork") as (process, (child,)):
        try:
            process.kill()
            process.wait()
            take()
            os.kill(int(child), 0)  # it lives
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_a_child_that_knows_nothing_of_it_keeps_no_lock(folder):
    """Made by a library that forks without Python's knowledge: the parent unlocks as it closes."""
    limiter = rate_limit.shared_limiter(ACCOUNT, None, 1)
    with limiter.slot():
        (file,) = rate_limit_locks._files
        copy = os.dup(file)  # of the same open file, as a child's
    try:
        take(1)
    finally:
        os.close(copy)


def in_child(function):
    """What a function returns in a forked child."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply_async(function).get(timeout=60)


def take_one():
    take(1)
    return True


def test_within_a_process_a_forked_child_begins_anew(folder, monkeypatch):
    """Without files: the locks of threads that are not there hold nobody up."""
    monkeypatch.setattr(rate_limit_locks, "runtime_folder", refuse)
    with pytest.warns(UserWarning, match="for itself"):
        limiter = rate_limit.shared_limiter(ACCOUNT, None, 1)
    with limiter.slot():
        assert in_child(take_one)


def refuse():
    raise PermissionError("no folder")


def test_after_a_refusal_all_processes_wait(folder):
    """The `retry-after` that one was given stands in the schedule of all."""
    rate_limit.shared_limiter(ACCOUNT, 16, 5).slow_down(3000)
    script = "from holders import *; print(rate_limit.shared_limiter(ACCOUNT, 16, 5)._locks.update("
    script += "lambda state: state.next - time.monotonic()))"
    environment = os.environ | {"PYTHONPATH": str(HOLDERS.parent)}
    told = subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)
    assert 1000 < float(told) <= 3000


def test_names_tell_nothing_of_the_token(folder):
    """A hash of address and token names the folder; others can't look into it."""
    with rate_limit.shared_limiter(ACCOUNT, 16, 5).slot():
        pass
    names = [str(path) for path in folder.rglob("*")]
    assert len(names) == 4
    assert not any("token" in name or "address" in name for name in names)
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))} == {0}


def test_accounts_wait_for_each_other_never(folder):
    """Each has a folder of its own."""
    with (
        rate_limit.shared_limiter(("a", "x"), 16, 1).slot(),
        rate_limit.shared_limiter(("a", "y"), 16, 1).slot(),
        rate_limit.shared_limiter(("b", "x"), 16, 1).slot(),
    ):
        assert len(list(folder.iterdir())) == 3


def test_connections_to_one_account_share_its_slots(folder):
    """Whatever their rates."""
    with rate_limit.shared_limiter(ACCOUNT, 16, 1).slot():
        assert is_held(folder, "slot0")
        limiter = rate_limit.shared_limiter(ACCOUNT, None, 2)
        with limiter.slot():
            assert is_held(folder, "slot1")


def test_what_nobody_has_used_for_a_day_is_removed(folder):
    """Practice makes a new account each time."""
    for account in (("a", "old"), ("a", "new")):
        with rate_limit.shared_limiter(account, 16, 5).slot():
            pass
    old, new = sorted(folder.iterdir())
    os.utime(old / "state", times=(time.time() - 100_000,) * 2)
    AccountLocks(("a", "another"))
    assert not old.exists()
    assert new.exists()


def test_a_removed_folder_is_made_again(folder):
    """A cleaner of temporary files has been there."""
    limiter = rate_limit.shared_limiter(ACCOUNT, 16, 5)
    for path in folder.iterdir():
        path.rmdir()
    folder.rmdir()
    with limiter.slot():
        assert is_held(folder, "slot0")


def test_a_lock_that_was_removed_is_taken_anew(folder):
    """Who waited for it gets the lock that all others take."""
    limiter = rate_limit.shared_limiter(ACCOUNT, None, 1)
    with limiter.slot():
        (gate,) = folder.glob("rate-*/gate")
        leave = limiter._locks.acquire("gate")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(limiter._locks.acquire, "gate")
            while len(rate_limit_locks._files) < 3:
                time.sleep(0.001)
            gate.unlink()
            leave()
            release = waiting.result()
        assert is_held(folder, "gate")
        release()


# -- where there is no folder to trust -------------------------------------------------------------


@pytest.fixture
def temporary(monkeypatch):
    """The folder of temporary files, which anybody may write, and no other."""
    forget_accounts(monkeypatch)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        Path(folder).chmod(0o1777)
        yield Path(folder) / f"clover-nb-{os.getuid()}"


as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can act for another user")


def test_without_a_runtime_folder_there_is_one_in_the_temporary_one(temporary):
    """It is the user's alone."""
    assert runtime_folder() == temporary
    assert temporary.stat().st_mode & 0o777 == 0o700
    assert runtime_folder() == temporary


def make_link(path):
    (path.parent / "elsewhere").mkdir(mode=0o700)
    path.symlink_to(path.parent / "elsewhere")


def make_open(path):
    path.mkdir()
    path.chmod(0o770)


def make_file(path):
    path.touch(mode=0o600)


def make_foreign(path):
    path.mkdir(mode=0o700)
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize(
    "make", [make_link, make_open, make_file, pytest.param(make_foreign, marks=as_root)]
)
def test_what_others_may_have_put_there_is_refused(temporary, make):
    """The process keeps to the limits for itself, and says so once."""
    make(temporary)
    with pytest.warns(UserWarning, match="keeps to Clover's limits for itself"):
        limiter = rate_limit.shared_limiter(ACCOUNT, 16, 5)
    rate_limit.shared_limiter(("another", "account"), 16, 5)  # a second warning would be an error
    with limiter.slot():
        pass
    assert not temporary.is_dir() or not list(temporary.iterdir())


@as_root
def test_another_user_gets_a_folder_of_their_own(temporary):
    """And none of what this user's processes hold."""
    assert runtime_folder() == temporary

    def as_another():
        os.setgid(12345)
        os.setuid(12345)
        assert runtime_folder() == temporary.with_name("clover-nb-12345")
        with pytest.raises(PermissionError):
            list(temporary.iterdir())

    child = multiprocessing.get_context("fork").Process(target=as_another)
    child.start()
    child.join()
    assert child.exitcode == 0


def test_files_that_fail_later_are_done_without(folder):
    """A full disk, for one: the request goes on, and the next ones too."""
    limiter = rate_limit.shared_limiter(ACCOUNT, 16, 5)
    for path in folder.iterdir():
        path.rmdir()
    folder.rmdir()
    folder.touch()
    with pytest.warns(UserWarning, match="for itself"), limiter.slot():
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with limiter.slot():
            limiter.slow_down(0)


def test_threads_of_a_process_share_their_slots_too(folder):
    """A lock of a file is held by who opened it, not by the process."""
    limiter = rate_limit.shared_limiter(ACCOUNT, None, 2)
    running, most, lock = [], [], threading.Lock()

    def turn(number):
        with limiter.slot():
            with lock:
                running.append(number)
                most.append(len(running))
            time.sleep(0.005)
            with lock:
                running.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(turn, range(40)))
    assert max(most) == 2
