"""What the processes that use one account share: the gate, the slots, and the schedule.

They are files in a folder of this user, locked with ``flock``: a lock ends with its process,
however that ends. The folder is named by a hash of address and token. Where files can't be used,
the process keeps to the limits for itself, and says so once.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from weakref import WeakSet

import portalocker

from clover_nb.runtime_folder import runtime_folder
from clover_nb.team import FILE_MODE, FOLDER_MODE, open_shared

T = TypeVar("T")
Release = Callable[[], None]

_STATE_SIZE: Final = 4096
_STALE_SECONDS: Final = 24 * 60 * 60


@dataclass
class RateState:
    """The schedule of an account. Moments are by the machine's monotonic clock.

    Attributes:
        next: When the next request may begin.
        begun: When the last ones began.
        lowest: The lowest rate in use,
        lowest_until: and until when it is taken to be.
        slower: The share by which refusals have slowed it down,
        slower_since: and when that was.
    """

    next: float = 0.0
    begun: list[float] = field(default_factory=list)
    lowest: float = float("inf")
    lowest_until: float = 0.0
    slower: float = 0.0
    slower_since: float = 0.0

    def reset_if_future(self, now: float) -> None:
        """Forget it all if it lies in the future: the clock begins anew when the machine does."""
        if max(self.slower_since, *self.begun[-1:], 0.0) > now:
            self.__dict__.update(asdict(RateState()))

    @classmethod
    def from_bytes(cls, content: bytes) -> RateState:
        """Read it; a new one, should it make no sense."""
        try:
            values = dict(json.loads(content))
            begun = [float(each) for each in values.pop("begun", ())]
            return cls(begun=begun, **{name: float(value) for name, value in values.items()})
        except (ValueError, TypeError):
            return cls()

    def to_bytes(self) -> bytes:
        """Write it at one length, so that one step overwrites it all."""
        return json.dumps(asdict(self)).encode().ljust(_STATE_SIZE)


def hash_account(account: tuple[str, ...]) -> str:
    """A name of an account that tells nothing of its token."""
    return hashlib.sha256(b"\0".join(part.encode() for part in account)).hexdigest()[:32]


class AccountLocks:
    """The locks and the schedule of one account: in files, or within this process.

    Args:
        account: What tells accounts apart: the addresses and the access token.
        team: A team's folder, in place of this user's own.
    """

    def __init__(self, account: tuple[str, ...], team: Path | None = None) -> None:
        self._kept: FileLocks | ThreadLocks
        try:
            self._kept = FileLocks(hash_account(account), team)
        except OSError as problem:
            self.keep_in_process(problem)

    def keep_in_process(self, problem: OSError) -> None:
        """Use no files from now on.

        Args:
            problem: Why not.
        """
        global _warned  # noqa: PLW0603  once a process
        self._kept = ThreadLocks()
        if not _warned:
            _warned = True
            warnings.warn(
                "This process keeps to Clover's limits for itself, without regard to others that "
                f"use the same token, for they can't share files: {problem}",
                stacklevel=2,
            )

    def acquire(self, name: str) -> Release:
        """Wait for a lock.

        Raises:
            OSError: The file can't be used.
        """
        return self._kept.acquire(name)

    def try_acquire(self, name: str) -> Release | None:
        """Take a lock, or return ``None`` if it is taken.

        Raises:
            OSError: The file can't be used.
        """
        return self._kept.try_acquire(name)

    def update(self, change: Callable[[RateState], T]) -> T:
        """Change the schedule, alone.

        Raises:
            OSError: The file can't be used.
        """
        return self._kept.update(change)


_warned = False


class ThreadLocks:
    """Locks among the threads of this process."""

    def __init__(self) -> None:
        self.forget()
        _thread_locks.add(self)

    def forget(self) -> None:
        """Begin anew."""
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._state = RateState()

    def acquire(self, name: str) -> Release:
        """See `AccountLocks`."""
        lock = self._locks[name]
        lock.acquire()
        return lock.release

    def try_acquire(self, name: str) -> Release | None:
        """See `AccountLocks`."""
        lock = self._locks[name]
        return lock.release if lock.acquire(blocking=False) else None

    def update(self, change: Callable[[RateState], T]) -> T:
        """See `AccountLocks`."""
        with self._locks["state"]:
            return change(self._state)


class FileLocks:
    """Locks among the processes of this user, or of a team.

    Args:
        name: The account's.
        team: The team's folder.
    """

    def __init__(self, name: str, team: Path | None = None) -> None:
        self._name = name
        self._team = team
        self._mode = FILE_MODE if team else 0o600
        self._folder = self._make_folder()
        self._remove_stale()

    def _make_folder(self) -> Path:
        folder = (self._team or runtime_folder()) / f"rate-{self._name}"
        if self._team and not folder.exists():  # with its mode from the first moment on
            new = Path(tempfile.mkdtemp(prefix=".rate-", dir=self._team))
            new.chmod(FOLDER_MODE)
            try:
                new.rename(folder)
            except OSError:  # a colleague was quicker
                new.rmdir()
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def acquire(self, name: str) -> Release:
        """See `AccountLocks`."""
        return partial(_unlock_file, self._lock_file(name, portalocker.LockFlags.EXCLUSIVE))

    def try_acquire(self, name: str) -> Release | None:
        """See `AccountLocks`."""
        flags = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING
        try:
            return partial(_unlock_file, self._lock_file(name, flags))
        except portalocker.AlreadyLocked:
            return None

    def update(self, change: Callable[[RateState], T]) -> T:
        """See `AccountLocks`."""
        file = self._lock_file("state", portalocker.LockFlags.EXCLUSIVE)
        try:
            state = RateState.from_bytes(os.read(file, _STATE_SIZE))
            result = change(state)
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, state.to_bytes())
        finally:
            _unlock_file(file)
        return result

    def _lock_file(self, name: str, flags: portalocker.LockFlags) -> int:
        while True:
            file = self._open_file(name)
            _files.add(file)
            try:
                portalocker.lock(file, flags)
            except portalocker.LockException as problem:
                _close_file(file)
                if isinstance(problem, portalocker.AlreadyLocked):
                    raise
                raise OSError(str(problem)) from None
            if os.fstat(file).st_nlink:
                return file
            _unlock_file(file)  # it was removed as stale before it was locked

    def _open_file(self, name: str) -> int:
        try:
            return open_shared(self._folder / name, self._mode)
        except FileNotFoundError:  # the folder was removed
            return open_shared(self._make_folder() / name, self._mode)

    def _remove_stale(self) -> None:
        """Remove the folders of accounts that nobody has used for a day."""
        for state in self._folder.parent.glob("rate-*/state"):
            with suppress(OSError):  # another process is about it too
                if state.stat().st_mtime < time.time() - _STALE_SECONDS:
                    shutil.rmtree(state.parent)


def _unlock_file(file: int) -> None:
    """Unlock, and close: a child that was forked in between may have a copy of the open file."""
    try:
        portalocker.unlock(file)
    finally:
        _close_file(file)


def _close_file(file: int) -> None:
    _files.discard(file)
    os.close(file)


_files: set[int] = set()  # all that this process has open here
_thread_locks: WeakSet[ThreadLocks] = WeakSet()


def _start_anew() -> None:
    """A forked child lets go of what its parent holds: nothing in it is the child's."""
    while _files:
        os.close(_files.pop())
    for locks in list(_thread_locks):
        locks.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
