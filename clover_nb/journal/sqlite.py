"""A journal in an SQLite file that processes of one machine share, or in memory."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar, Final
from weakref import ReferenceType, ref

import sqlalchemy as sa

from clover_nb.errors import JournalError
from clover_nb.journal import tables
from clover_nb.journal.database import Database, newer_version_error
from clover_nb.journal.deletion import delete_old
from clover_nb.journal.processes import FileProcesses
from clover_nb.team import open_shared

_BUSY_SECONDS: Final = 30.0
_TRUNCATE_AGAIN_SECONDS: Final = 0.5


class SQLiteDatabase(Database):
    """The database in a file.

    Args:
        path: The file; ``None`` for one in memory, which ends with this object.
        retention_days: See :class:`Database`.
        mode: The file's; a team's is open to its group.
    """

    _BEGIN: ClassVar = ("BEGIN IMMEDIATE",)
    _ERROR: ClassVar = sqlite3.Error
    _HINT: ClassVar = (
        "Let your user read and write it, free some space, or move the file away; "
        "connect(journal=None) works without."
    )

    def __init__(self, path: Path | None, *, retention_days: float, mode: int) -> None:
        self._path = path
        self._mode = mode
        self._files = FileProcesses(path, mode)
        super().__init__(self._files, retention_days=retention_days)

    def __str__(self) -> str:
        return str(self._path or "in memory")

    def _open(self) -> sa.Connection:
        if self._path is not None:
            make_private_file(self._path, self._mode)
        where = self._path or ":memory:"
        # Without `self`: it would never end by itself.
        creator = partial(sqlite3.connect, where, check_same_thread=False, timeout=_BUSY_SECONDS)
        engine = self._create_engine("sqlite", creator)
        with self._files.hold_lock():  # WAL can't be set while another process does
            connection = engine.connect()
            try:
                self._prepare_tables(connection)
            except BaseException:
                connection.close()
                raise
            self._files.clear_away()
        return self._keep(connection)

    def _prepare_tables(self, connection: sa.Connection) -> None:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > tables.VERSION:
            raise newer_version_error(self)
        # Survives a kill -9 of this process; a power cut may lose the newest entries.
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
            connection.exec_driver_sql(f"PRAGMA {setting}")
        if version < tables.VERSION:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            tables.migrate(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {tables.VERSION}")
            connection.exec_driver_sql("COMMIT")
        delete_old(connection, self._retention_days, now=time.time())

    def _drop_lost_connection(self) -> None:
        """There is none: one in memory must not be dropped."""

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


def make_private_file(path: Path, mode: int = 0o600) -> None:
    """Make a file, readable by this user alone, should it not be there; and so its folders.

    SQLite gives a database's companions the same mode.

    Args:
        path: The file.
        mode: Another one, of a file that a group shares.

    Raises:
        OSError: It can't be made, or is a link.
    """
    for folder in reversed([path.parent, *path.parent.parents]):
        folder.mkdir(mode=0o700, exist_ok=True)
    os.close(open_shared(path, mode))


def _truncate_again(database: ReferenceType[SQLiteDatabase]) -> None:
    living = database()
    if living is not None:
        with suppress(JournalError):
            living.truncate()
