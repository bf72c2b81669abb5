"""A journal in PostgreSQL, which processes of many machines share.

A process is alive while its connection holds an advisory lock, which ends with it. A connection
that was lost is made anew by the next use.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Final
from weakref import proxy

import psycopg
import sqlalchemy as sa

from clover_nb.journal import tables
from clover_nb.journal.database import Database, newer_version_error
from clover_nb.journal.deletion import delete_old
from clover_nb.journal.processes import new_process_name
from clover_nb.masking import Secret
from clover_nb.team_database import SCHEMA, WRITES_LOCK, connect_database, describe_database

_IDLE_SECONDS: Final = 1.0
_LOCK: Final = sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))")
# Shared, so that two who ask at the same time don't take each other for the process.
_IS_FREE: Final = sa.text("SELECT pg_try_advisory_xact_lock_shared(hashtextextended(:name, 0))")


class PostgreSQLDatabase(Database):
    """The database at an address.

    Args:
        address: ``postgresql://...``
        retention_days: See :class:`Database`.
    """

    _BEGIN: ClassVar = ("BEGIN", WRITES_LOCK)
    _ERROR: ClassVar = psycopg.Error
    _HINT: ClassVar = (
        "What can't be written down isn't sent. It goes on by itself once the database can be "
        "reached and lets your role in; clover-nb doctor says more."
    )

    def __init__(self, address: Secret, *, retention_days: float) -> None:
        self._address = address
        self._description = describe_database(address.reveal())
        self._used = 0.0
        super().__init__(SessionProcesses(self), retention_days=retention_days)

    def __str__(self) -> str:
        return self._description

    def _open(self) -> sa.Connection:
        name = self.processes.register()
        # Without `self`: it would never end by itself.
        creator = partial(connect_database, self._address.reveal(), name)
        engine = self._create_engine("postgresql+psycopg", creator)
        connection = engine.connect()
        try:
            connection.execute(_LOCK, {"name": name})
            self._prepare_tables(connection)
            self.login = connection.exec_driver_sql("SELECT session_user").scalar_one()
        except BaseException:
            connection.close()
            raise
        return self._keep(connection)

    def _prepare_tables(self, connection: sa.Connection) -> None:
        if self._read_version(connection) < tables.VERSION:
            for statement in self._BEGIN:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            tables.migrate(connection)
            connection.exec_driver_sql(
                "ALTER TABLE entries ALTER COLUMN login SET DEFAULT session_user"
            )
            connection.exec_driver_sql(f"COMMENT ON TABLE entries IS '{tables.VERSION}'")
            connection.exec_driver_sql("COMMIT")
        # By the database's clock: that of one machine may be wrong, and the journal is everybody's.
        now = connection.exec_driver_sql("SELECT extract(epoch FROM now())").scalar_one()
        delete_old(connection, self._retention_days, now=float(now))

    def _read_version(self, connection: sa.Connection) -> int:
        comment = connection.exec_driver_sql(
            f"SELECT obj_description(to_regclass('{SCHEMA}.entries'))"
        ).scalar_one()
        version = int(comment or 0)
        if version > tables.VERSION:
            raise newer_version_error(self)
        return version

    def truncate(self) -> None:
        """What was deleted is the database's to clean away (VACUUM)."""

    def _drop_lost_connection(self) -> None:
        """Let the next use connect anew, and ask first whether one that was idle is still there."""
        with self.lock:
            connection, idle = self._connection, time.monotonic() - self._used
            self._used = time.monotonic()
            if connection is None:
                return
            raw: Any = connection.connection.dbapi_connection
            if idle > _IDLE_SECONDS:
                with suppress(psycopg.Error):
                    raw.execute("SELECT 1")
            if raw.closed:
                self._closing.detach()
                self._connection = None


class SessionProcesses:
    """The processes that are connected to a database; the lock of each is its connection's.

    Args:
        database: The journal's.
    """

    def __init__(self, database: PostgreSQLDatabase) -> None:
        self._database = proxy(database)
        self.name = new_process_name()

    def register(self) -> str:
        """See :class:`~clover_nb.journal.database.Processes`."""
        return self.name

    def is_alive(self, name: str) -> bool:
        """See :class:`~clover_nb.journal.database.Processes`."""
        if name == self.name:
            return True
        with self._database.connect() as db:
            return not db.execute(_IS_FREE, {"name": name}).scalar_one()

    def leave(self) -> None:
        """See :class:`~clover_nb.journal.database.Processes`; the lock has ended by now."""

    def forget_parent(self) -> None:
        """See :class:`~clover_nb.journal.database.Processes`."""
        self.name = new_process_name()
