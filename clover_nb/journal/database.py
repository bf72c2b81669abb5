"""The database of a journal: an SQLite file that processes share, or one in memory."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from weakref import ReferenceType, WeakSet, finalize, ref

import portalocker
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from clover_nb.errors import JournalError
from clover_nb.journal import tables
from clover_nb.journal.processes import ProcessRegistry

_BUSY_SECONDS: Final = 30.0
_TRUNCATE_AGAIN_SECONDS: Final = 0.5


class Database:
    """One connection to the database, which several threads may use, one at a time.

    A forked child opens it anew: neither SQLite's handles nor locks may cross a fork.

    Args:
        path: The file; ``None`` for one in memory, which ends with this object.
        retention_days: What is older is deleted when it is opened.

    Attributes:
        processes: Who writes into it.
        lock: Held while it is used.

    Raises:
        JournalError: The file can't be opened.
    """

    def __init__(self, path: Path | None, *, retention_days: float) -> None:
        self.processes = ProcessRegistry(path)
        self.lock = threading.RLock()
        self._path = path
        self._retention_days = retention_days
        self._connection: sa.Connection | None = None
        with self.connect():
            pass
        _opened.add(self)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """The connection, for this thread alone; each statement is a transaction of its own.

        Raises:
            JournalError: It can't be used.
        """
        try:
            with self.lock:
                yield self._connection or self._open()
        except (SQLAlchemyError, OSError, portalocker.LockException) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise JournalError(
                f"The journal {self._path or 'in memory'} can't be used ({reason}).",
                hint="Let your user read and write it, free some space, or move the file away; "
                "connect(journal=None) works without.",
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """The connection, for this thread alone: all that is written inside, or nothing.

        Raises:
            JournalError: It can't be used.
        """
        with self.connect() as db:
            try:
                db.exec_driver_sql("BEGIN IMMEDIATE")
                yield db
                db.exec_driver_sql("COMMIT")
            except BaseException:
                with suppress(SQLAlchemyError):  # there is none, where it could not begin
                    db.exec_driver_sql("ROLLBACK")
                raise

    def _open(self) -> sa.Connection:
        if self._path is not None:
            make_private_file(self._path)
        # A pool of none: an interrupted statement must not give the connection back to anybody.
        engine = sa.create_engine(
            "sqlite://",
            creator=self._connect_to_sqlite,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # they name people
        )
        sa.event.listen(engine, "handle_error", _keep_connection)
        with self.processes.hold_lock():  # WAL can't be set while another process does
            connection = engine.connect()
            try:
                self._prepare_tables(connection)
            except BaseException:
                connection.close()
                raise
            self.processes.clear_away()
        self._connection = connection
        self._closing = finalize(self, _close, connection, self.processes)
        return connection

    def _connect_to_sqlite(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path or ":memory:", check_same_thread=False, timeout=_BUSY_SECONDS
        )

    def _prepare_tables(self, connection: sa.Connection) -> None:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > tables.VERSION:
            raise JournalError(
                f"The journal {self._path} was written by a newer version of clover-nb.",
                hint="Update clover-nb, or name another file: connect(journal=...).",
            )
        # Survives a kill -9 of this process; a power cut may lose the newest entries.
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
            connection.exec_driver_sql(f"PRAGMA {setting}")
        if version < tables.VERSION:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            tables.migrate(connection)
            connection.exec_driver_sql("COMMIT")
        tables.delete_old(connection, self._retention_days)

    def truncate(self) -> None:
        """Empty the write-ahead log, which holds older states; again later while one is read."""
        if self._path is None:
            return
        with self.connect() as db:
            db.exec_driver_sql("PRAGMA busy_timeout = 0")
            try:
                (busy, _, _) = db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            finally:
                db.exec_driver_sql(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}")
        if busy:
            again = threading.Timer(_TRUNCATE_AGAIN_SECONDS, _truncate_again, (ref(self),))
            again.daemon = True
            again.start()

    def start_anew(self) -> None:
        """In a forked child: leave the parent's handle and locks alone, and open when needed."""
        if self._connection is not None:
            self._closing.detach()
            _inherited.append(self._connection)
        self._connection = None
        self.lock = threading.RLock()
        self.processes.forget_parent()


def _keep_connection(context: sa.ExceptionContext) -> None:
    """An interrupt does a connection no harm; one that is closed loses a database in memory."""
    context.is_disconnect = False


def make_private_file(path: Path) -> None:
    """Make a file, readable by this user alone, should it not be there; and so its folders.

    SQLite gives a database's companions the same mode.

    Args:
        path: The file.

    Raises:
        OSError: It can't be made, or is a link.
    """
    for folder in reversed([path.parent, *path.parent.parents]):
        folder.mkdir(mode=0o700, exist_ok=True)
    # A link could lead to a file whose mode is somebody else's business.
    file = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(file, 0o600)
    finally:
        os.close(file)


def _close(connection: sa.Connection, processes: ProcessRegistry) -> None:
    connection.close()
    processes.leave()


def _truncate_again(database: ReferenceType[Database]) -> None:
    living = database()
    if living is not None:
        with suppress(JournalError):
            living.truncate()


_opened: WeakSet[Database] = WeakSet()
_held: list[Database] = []
_inherited: list[Any] = []  # connections of a parent process: never used, and never closed


def _before_fork() -> None:
    """Let no other thread be within SQLite, whose own locks would stay held in the child."""
    _held.extend(_opened)
    for database in _held:
        database.lock.acquire()


def _after_fork_in_parent() -> None:
    for database in _held:
        database.lock.release()
    _held.clear()


def _after_fork_in_child() -> None:
    for database in _held:
        database.start_anew()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
