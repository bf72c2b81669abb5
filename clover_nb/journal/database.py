"""The database of a journal, whatever its kind: one connection, which threads take turns with."""

from __future__ import annotations

import functools
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Protocol
from weakref import WeakSet, finalize

import portalocker
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from clover_nb.errors import JournalError


class Processes(Protocol):
    """The processes that write into one journal."""

    @property
    def name(self) -> str | None:
        """This process's, once it has written."""

    def register(self) -> str:
        """This process's name, which stands in its entries; it counts as alive from now on."""

    def is_alive(self, name: str) -> bool:
        """Whether a process still runs, on whatever machine it is."""

    def leave(self) -> None:
        """At the end of this process."""

    def forget_parent(self) -> None:
        """After a fork: be another one than the parent."""


class Database(ABC):
    """One connection to the database, which several threads may use, one at a time.

    A forked child opens it anew: neither handles nor locks may cross a fork.

    Args:
        processes: Who writes into it.
        retention_days: What is older is deleted when it is opened.

    Attributes:
        processes: Who writes into it.
        lock: Held while it is used.

    Raises:
        JournalError: It can't be opened.
    """

    #: What begins a transaction during which nobody else writes.
    _BEGIN: ClassVar[tuple[str, ...]]
    _HINT: ClassVar[str]
    #: What the driver raises.
    _ERROR: ClassVar[type[Exception]]
    #: Who the database says that this is; empty where it doesn't know.
    login: str = ""

    def __init__(self, processes: Processes, *, retention_days: float) -> None:
        self.processes = processes
        self.lock = threading.RLock()
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
                self._drop_lost_connection()
                yield self._connection or self._open()
        except (SQLAlchemyError, self._ERROR, OSError, portalocker.LockException) as error:
            self._drop_lost_connection()
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise JournalError(
                f"The journal {self} can't be used ({str(reason).strip()}).", hint=self._HINT
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """The connection, for this thread alone: all that is written inside, or nothing.

        Raises:
            JournalError: It can't be used.
        """
        with self.connect() as db:
            try:
                for statement in self._BEGIN:
                    db.exec_driver_sql(statement)
                yield db
                db.exec_driver_sql("COMMIT")
            except BaseException:
                with suppress(SQLAlchemyError):  # there is none, where it could not begin
                    db.exec_driver_sql("ROLLBACK")
                raise

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection; none after it was lost, until it is used again."""
        return self._connection is not None

    @abstractmethod
    def __str__(self) -> str:
        """Where it is, as it stands in a sentence."""

    @abstractmethod
    def _open(self) -> sa.Connection:
        """Connect, and make or migrate the tables."""

    def _create_engine(self, dialect: str, creator: Any) -> sa.Engine:  # noqa: ANN401  the driver's
        # A pool of none: an interrupted statement must not give the connection back to anybody.
        engine = sa.create_engine(
            f"{dialect}://",
            creator=creator,
            poolclass=NullPool,
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # they name people
        )
        sa.event.listen(engine, "handle_error", _keep_connection)
        return engine

    def _keep(self, connection: sa.Connection) -> sa.Connection:
        """Use a connection from now on, until this object ends."""
        self._connection = connection
        self._closing = finalize(self, _close, connection, self.processes)
        return connection

    @abstractmethod
    def _drop_lost_connection(self) -> None:
        """Let the next use connect anew; files aren't lost."""

    @abstractmethod
    def truncate(self) -> None:
        """Leave nothing of what was deleted, where files hold older states."""

    def start_anew(self) -> None:
        """In a forked child: leave the parent's handle and locks alone, and open when needed."""
        if self._connection is not None:
            self._closing.detach()
            _inherited.append(self._connection)
        self._connection = None
        self.lock = threading.RLock()
        self.processes.forget_parent()


def execute_prepared(
    db: sa.Connection, statement: sa.Insert | sa.Update, values: Mapping[str, Any]
) -> Any:  # noqa: ANN401  the driver's cursor
    """Execute a statement of each change, which SQLAlchemy would take longer for than SQLite does.

    Args:
        db: The connection.
        statement: The same one each time.
        values: Texts and numbers, which no dialect converts.
    """
    text, constants, order = _compile_statement(statement, db.dialect, tuple(values))
    given = {**constants, **values}
    driver: Any = db.connection.driver_connection
    return driver.execute(text, tuple(given[name] for name in order) if order else given)


@functools.lru_cache
def _compile_statement(
    statement: sa.Insert | sa.Update, dialect: sa.Dialect, names: tuple[str, ...]
) -> tuple[str, dict[str, Any], Sequence[str] | None]:
    """The statement's text, the values that it has itself, and the order where they have none."""
    columns = [name for name in names if name in statement.table.c]
    compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
    return str(compiled), compiled.params, compiled.positiontup


def newer_version_error(database: Database) -> JournalError:
    """Of a database that this program would not know how to read."""
    return JournalError(
        f"The journal {database} was written by a newer version of clover-nb.",
        hint="Update clover-nb, or name another file: connect(journal=...).",
    )


def _keep_connection(context: sa.ExceptionContext) -> None:
    """An interrupt does a connection no harm; one that is closed loses a database in memory."""
    context.is_disconnect = False


def _close(connection: sa.Connection, processes: Processes) -> None:
    connection.close()
    processes.leave()


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
