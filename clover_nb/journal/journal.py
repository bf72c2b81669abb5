"""The audit log: one line for each change, kept on this machine or by the team.

A change is written down before it is sent and completed after its answer, so that a program that
dies in between leaves a line that says so. Card tokens are masked in it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.exc import SQLAlchemyError

from clover_nb.errors import JournalError, ValidationError
from clover_nb.journal import tables
from clover_nb.journal.claims import CustomerClaims
from clover_nb.journal.database import Database, execute_prepared
from clover_nb.journal.deletion import delete_customer
from clover_nb.journal.entries import API, Entry, Fields, Outcome, Write, describe_author
from clover_nb.journal.fields import dump_fields, is_line_number, parse_fields, parse_number
from clover_nb.journal.frame import make_frame, select_lines
from clover_nb.journal.processes import login_name, user_name
from clover_nb.journal.registry import RETENTION_DAYS
from clover_nb.journal.sqlite import SQLiteDatabase
from clover_nb.masking import Secret

_CLEAN_EVERY: Final = 100

_E: Final = tables.entries.c
_INSERT: Final = sa.insert(tables.entries)
_END: Final = (
    sa.update(tables.entries)
    # Not IN, which would be written anew each time.
    .where(
        _E.entry == bindparam("number"),
        sa.or_(
            _E.outcome == "open",
            _E.outcome == "unknown",
            # Who got Clover's answer knows better than who looked up what became of it: a process
            # that lost its connection to the journal for a while looked dead meanwhile.
            sa.and_(_E.checked == 1, bindparam("is_answered", type_=sa.Integer) == 1),
        ),
    )
    .values(
        outcome=bindparam("new_outcome"),
        customer_id=sa.func.coalesce(bindparam("new_id", type_=sa.Text), _E.customer_id),
        after=bindparam("new_after"),
        request_id=sa.func.coalesce(bindparam("new_request_id", type_=sa.Text), _E.request_id),
        answered_by=bindparam("new_answered_by"),
        checked=bindparam("new_checked"),
    )
)


class Journal:
    """The journal of one file, database or local sandbox. It may be used from several threads.

    Args:
        path: The file; ``None`` keeps it in memory, where it ends with its last connection. Or the
            address of a PostgreSQL database.
        retention_days: Older entries are deleted when it is opened.
        max_entries: Older entries than so many are deleted as others are written.
        mode: The file's; a team's is open to its group.

    Attributes:
        path: The file; ``None`` for any other place.
        database: Where it is kept.
        person: Who writes, as they say.
        claims: Which create has made which customer.
        applying: The batches that this process applies.

    Raises:
        JournalError: The file can't be opened.
    """

    def __init__(
        self,
        path: Path | Secret | None = None,
        *,
        retention_days: float = RETENTION_DAYS,
        max_entries: int | None = None,
        mode: int = 0o600,
    ) -> None:
        self.path = None if isinstance(path, Secret) else path
        self.database: Database
        if isinstance(path, Secret):
            from clover_nb.journal.postgresql import PostgreSQLDatabase  # noqa: PLC0415  an extra

            self.database = PostgreSQLDatabase(path, retention_days=retention_days)
        else:
            self.database = SQLiteDatabase(path, retention_days=retention_days, mode=mode)
        self._max_entries = max_entries
        self.person = user_name(self.database.login)
        self.claims = CustomerClaims(self.database)
        self.applying: set[int] = set()
        self._unwritten: list[dict[str, Any]] = []  # of entries whose end could not be written
        self._under_way: set[int] = set()  # entries that this process is about to end

    def frame(self, *, customer_id: str | None = None) -> pd.DataFrame:
        """The journal as a table, oldest first.

        Args:
            customer_id: Of this customer alone; left out, of all.

        Returns:
            A DataFrame whose index, named ``entry``, is the number that ``clover.undo`` takes.
            ``time`` is UTC; ``person`` who ran it, ``host`` and ``merchant`` where; ``operation``
            and ``customer_id`` what; ``outcome`` one of ``open``, ``done``, ``refused``,
            ``not done`` and ``unknown``; ``before``, ``sent`` and ``after`` are dicts or ``None``,
            with card tokens masked; ``request_id`` is Clover's; ``consent`` whether the
            cardholder's was stated; ``undoes`` another entry's number; ``process`` which one wrote
            it; ``login`` who the database or the system says that ``person`` is.
        """
        with self._connect() as db:
            lines = db.execute(select_lines(customer_id)).all()
        return make_frame(lines)

    @property
    def author(self) -> str:
        """Who writes, as the entries have it."""
        return describe_author(self.person, self.database.login or login_name())

    def register_process(self) -> str:
        """Let others tell whether this process is alive, by the name that is returned."""
        with self.database.connect():
            return self.database.processes.register()

    def is_alive(self, process: str) -> bool:
        """Whether a process that writes into this journal still runs."""
        with self.database.connect():
            return self.database.processes.is_alive(process)

    def __repr__(self) -> str:
        return f"<Journal: {self.database}>"

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        """The database's connection, once all is written down that could not be, if it can now."""
        with self.database.connect() as db:
            with suppress(SQLAlchemyError):  # a disk that is full can be read
                while self._unwritten:
                    db.execute(_END, self._unwritten[0])
                    self._under_way.discard(int(self._unwritten.pop(0)["number"]))
            yield db

    # -- writing ---------------------------------------------------------------------------------

    def begin(
        self,
        write: Write,
        *,
        host: str,
        merchant: str | None,
        clover_time: float | None = None,
    ) -> int:
        """Write down what is about to be sent.

        Args:
            write: The change.
            host: Where it goes.
            merchant: Whose customer it is.
            clover_time: The time by Clover's clock, where it is known. This machine's may be wrong.

        Raises:
            JournalError: It can't be written.
        """
        with self._connect() as db:
            line = self._make_line(write, host, merchant, "open") | {"clover_time": clover_time}
            made = execute_prepared(db, _INSERT, line)
            entry = int(made.fetchone()[0] if made.description else made.lastrowid)
            self._under_way.add(entry)
            if self._max_entries and entry % _CLEAN_EVERY == 0:
                oldest = _E.entry <= entry - self._max_entries
                db.execute(sa.delete(tables.entries).where(oldest, _E.outcome != "open"))
            return entry

    def _make_line(
        self, write: Write, host: str, merchant: str | None, outcome: Outcome
    ) -> dict[str, object]:
        return {
            "time": time.time(),
            "person": self.person,
            "host": host,
            "merchant": merchant,
            "operation": write.operation,
            "customer_id": write.customer_id,
            "outcome": outcome,
            "before": dump_fields(write.before),
            "sent": dump_fields(write.sent),
            "consent": None if write.consent is None else int(write.consent),
            "undoes": write.undoes,
            "process": self.database.processes.register(),
            "api": write.api,
            "token_digest": write.token_digest,
            **({} if self.database.login else {"login": login_name()}),
        }

    def end(
        self,
        entry: int,
        outcome: Outcome,
        *,
        customer_id: str | None = None,
        after: Fields | None = None,
        answered_by: API | None = None,
        request_id: str | None = None,
        checked: bool = False,
    ) -> None:
        """Complete an entry; one that is complete already stays as it is.

        Raises:
            JournalError: It can't be written.
        """
        line = {
            "number": entry,
            "new_outcome": outcome,
            "new_id": customer_id,
            "new_after": dump_fields(after),
            "new_request_id": request_id,
            "new_answered_by": answered_by,
            "new_checked": int(checked),
            "is_answered": int(not checked and outcome in ("done", "refused")),
        }
        try:
            with self._connect() as db:
                execute_prepared(db, _END, line)
                self._under_way.discard(entry)
        except JournalError:
            self._unwritten.append(line)  # as soon as there is a connection, or room
            raise

    def add_done(
        self,
        db: sa.Connection,
        write: Write,
        *,
        host: str,
        merchant: str | None,
        after: Fields,
        request_id: str | None,
        batch: int,
    ) -> None:
        """Write down what a batch has changed, which keeps account of its rows itself.

        Args:
            db: Within a transaction.
            write: The change.
            host: Where it went.
            merchant: Whose customer it is.
            after: The customer's fields since.
            request_id: Clover's.
            batch: The batch's number.
        """
        line = self._make_line(write, host, merchant, "done") | {
            "after": dump_fields(after),
            "answered_by": write.api,
            "request_id": request_id,
            "batch": batch,
        }
        db.execute(_INSERT, line)

    def forget(
        self, customer_id: str, *, hosts: Collection[str], emails: Iterable[str] = ()
    ) -> None:
        """Delete what the journal knows of a person; that something was changed stays.

        Nothing of it is left in the journal's files once those who still read an older state of
        them have ended.

        Args:
            customer_id: The customer.
            hosts: Where: of the Ecommerce API, as entries have it, and of the Platform API.
            emails: The person's addresses: attempts to create a customer with one of them, which
                have no customer's id, are of the same person.
        """
        with self.database.transaction() as db:
            delete_customer(db, customer_id, hosts=hosts, emails=emails)
        self.database.truncate()

    # -- reading ---------------------------------------------------------------------------------

    def entry(self, number: int) -> Entry:
        """One entry.

        Raises:
            ValidationError: There is none with this number.
        """
        if is_line_number(number):
            for found in self._read_entries(_E.entry == int(number)):
                return found
        raise ValidationError(
            f"The journal has no entry {number}.",
            hint="clover.journal.frame() shows them; the number is the first column.",
            field="entry",
        )

    def list_unresolved(self, *, host: str, merchant: str | None) -> list[Entry]:
        """Entries that nobody will end any more, and those that nobody has looked up yet."""
        unclear = sa.or_(_E.outcome == "open", sa.and_(_E.outcome == "unknown", _E.checked == 0))
        merchants = _E.merchant.is_not_distinct_from(merchant)
        found = self._read_entries(_E.host == host, merchants, unclear)
        return [each for each in found if not self.is_under_way(each)]

    def is_under_way(self, entry: Entry) -> bool:
        """Whether somebody is about to end an entry: a process that is alive."""
        if entry.outcome != "open":
            return False
        with self.database.connect():
            if entry.process == self.database.processes.name:  # an interrupt may have left it
                return entry.number in self._under_way
            return self.database.processes.is_alive(entry.process)

    def find_change_by_others(self, customer_id: str, *, host: str, after: int) -> Entry | None:
        """The newest change of a customer that another process has made, or ``None``.

        Args:
            customer_id: The customer.
            host: Where.
            after: The entry after which it is looked for.
        """
        mine = self.register_process()
        found = self._read_entries(
            _E.host == host,
            _E.customer_id == customer_id,
            _E.entry > after,
            _E.outcome == "done",
            _E.process != mine,
        )
        return found[-1] if found else None

    def find_unanswered_create(self, email: str, *, host: str, since: float) -> Entry | None:
        """The newest create of a customer that Clover has not answered, or ``None``.

        Also one that was looked up and not found, as it may have been on its way still.

        Args:
            email: The customer's.
            host: Where.
            since: How old it may be, in seconds since 1970.
        """
        is_unclear = sa.or_(
            _E.outcome.in_(("open", "unknown")), sa.and_(_E.outcome == "not done", _E.checked == 1)
        )
        of_creates = (_E.host == host, _E.operation == "create", _E.time >= since)
        for entry in reversed(self._read_entries(*of_creates, is_unclear)):
            if str(entry.write.sent.get("email")).casefold() == email.casefold():
                return entry
        return None

    def of_customer(self, customer_id: str, *, host: str | None = None) -> Iterator[Entry]:
        """The entries of one customer, newest first; of one host, or of all."""
        there = [] if host is None else [_E.host == host]
        return reversed(self._read_entries(_E.customer_id == customer_id, *there))

    def _read_entries(self, *conditions: sa.ColumnElement[bool]) -> list[Entry]:
        chosen = sa.select(tables.entries).where(*conditions).order_by(_E.entry)
        with self._connect() as db:
            return [_make_entry(line) for line in db.execute(chosen)]


def _make_entry(line: sa.Row[Any]) -> Entry:
    write = Write(
        str(line.operation),
        line.customer_id,
        parse_fields(line.sent) or {},
        parse_fields(line.before),
        line.consent,
        line.undoes,
        line.api,
        line.token_digest,
    )
    return Entry(
        line.entry,
        line.time,
        line.host,
        line.merchant,
        line.outcome,
        write,
        parse_fields(line.after),
        line.answered_by,
        parse_number(line.clover_time),
        str(line.process),
        describe_author(line.person, line.login),
    )
