"""Who writes into a journal: the user, and the process, of which can be told whether it is alive.

Each process that writes holds a lock on a file of its own beside the journal. The system frees it
when the process ends, however it ends, so a number that was given to another process, a container
under a new name or a clock that was set since can't make a dead process look alive.
"""

from __future__ import annotations

import functools
import getpass
import os
import platform
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import portalocker

from clover_nb.setting_sources import PERSON
from clover_nb.team import application_name, open_shared

_SUFFIX: Final = ".alive"
_EXCLUSIVE: Final = portalocker.LockFlags.EXCLUSIVE
_AT_ONCE: Final = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING


def user_name(login: str = "") -> str:
    """The name of who is at this machine, or at this server of a hub, as they say.

    Args:
        login: The role of a database, where there is one.
    """
    named = os.environ.get(PERSON) or os.environ.get("JUPYTERHUB_USER") or login
    return named.encode(errors="backslashreplace").decode() if named else login_name()


def login_name() -> str:
    """The name of the system's user who runs this process, whatever the environment says."""
    if hasattr(os, "geteuid"):
        return _name_of_user(os.geteuid())
    try:
        return getpass.getuser()
    except (OSError, ImportError):
        return "unknown"


@functools.cache
def _name_of_user(number: int) -> str:
    """A user's name, read once: each change is written down with it."""
    import pwd  # noqa: PLC0415  not on Windows

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # no name for this user, as in some containers
        return f"user {number}"


def new_process_name() -> str:
    """A name for this process, which no other one ever has."""
    node = re.sub(r"[^\w.]", "", platform.node())[:20]
    return f"{node}.{os.getpid()}.{secrets.token_hex(8)}"


class FileProcesses:
    """The processes that write into one journal, each with a lock on a file of its own.

    Args:
        journal: The journal's file; ``None`` for one in memory, which has this process alone.
        mode: Of the locks' files.
    """

    def __init__(self, journal: Path | None, mode: int = 0o600) -> None:
        self._journal = journal
        self._mode = mode
        self.name: str | None = None  # once it has written
        self._file: int | None = None

    def register(self) -> str:
        """This process's name, which stands in its entries; its lock is held from now on.

        Raises:
            OSError: The file can't be made.
            portalocker.LockException: This file system has no locks.
        """
        if self.name is None:
            name = new_process_name()
            if self._journal is not None:
                with self.hold_lock():  # nobody takes the file for a dead process's meanwhile
                    self._file = open_shared(self._lock_path(name), self._mode)
                    portalocker.lock(self._file, _AT_ONCE)
                    os.write(self._file, application_name().encode())
            self.name = name
        return self.name

    def is_alive(self, name: str) -> bool:
        """Whether a process still runs, on whatever machine it is."""
        if self._journal is None or name == self.name:
            return name == self.name
        try:
            file = os.open(self._lock_path(name), os.O_RDWR)
        except (OSError, ValueError):  # ended and cleared away, or the name makes no sense
            return False
        try:
            portalocker.lock(file, _AT_ONCE)
        except portalocker.LockException:
            return True
        finally:
            os.close(file)
        return False

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """One process at a time: to open the journal, or to make or clear away a lock's file."""
        if self._journal is None:
            yield
            return
        file = open_shared(self._journal.with_name(f"{self._journal.name}-lock"), self._mode)
        try:
            portalocker.lock(file, _EXCLUSIVE)
            yield
        finally:
            os.close(file)

    def clear_away(self) -> None:
        """Delete the files of processes that have ended; within :meth:`hold_lock`."""
        for name, file in self._list_files():
            if not self.is_alive(name):
                with suppress(OSError):
                    file.unlink()

    def list_alive(self) -> list[str]:
        """Of those that are alive the program and its version, the name, and whose it is."""
        return [
            _describe_file(file, name)
            for name, file in sorted(self._list_files())
            if self.is_alive(name)
        ]

    def _list_files(self) -> Iterator[tuple[str, Path]]:
        """The locks' files, each with the name of its process."""
        if self._journal is not None:
            for file in self._journal.parent.glob(f"{self._journal.name}-*{_SUFFIX}"):
                yield file.name[len(self._journal.name) + 1 : -len(_SUFFIX)], file

    def leave(self) -> None:
        """Free the lock, at the end of this process."""
        if self._file is not None and self.name is not None:
            with suppress(OSError):
                os.close(self._file)
            with suppress(OSError):
                self._lock_path(self.name).unlink()
        self._file = self.name = None

    def forget_parent(self) -> None:
        """After a fork: let go of the parent's lock, which stays the parent's, and be another."""
        if self._file is not None:
            os.close(self._file)  # closed, and not unlocked: the parent still holds it
        self._file = self.name = None

    def _lock_path(self, name: str) -> Path:
        assert self._journal is not None  # noqa: S101  those in memory have no files
        return self._journal.with_name(f"{self._journal.name}-{name}{_SUFFIX}")


def _describe_file(file: Path, name: str) -> str:
    try:
        return f"{file.read_text(errors='replace')} {name}, {file.owner()}"
    except (OSError, KeyError, NotImplementedError):  # ended meanwhile, or its user has no name
        return f"{application_name().partition(' ')[0]} {name}"
