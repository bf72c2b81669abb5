"""Batches: many changes that were planned, and what became of each, in the journal's database.

A row is written down as ``open`` before it is sent, and with its outcome after the answer, so that
what a process left behind can be looked up, and the rest can be sent by another one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import bindparam

from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import JournalError, ValidationError
from clover_nb.journal import tables
from clover_nb.journal.entries import Fields, Write
from clover_nb.journal.fields import dump_fields, is_line_number
from clover_nb.journal.journal import Journal

#: ``planned``; ``open``: sent, or about to be; ``lost``: the answer to a create was; ``done``;
#: ``failed``: refused by Clover; ``conflict``: changed by others, not sent; ``unknown``.
RowState = Literal["planned", "open", "lost", "done", "failed", "conflict", "unknown"]
#: A batch is ``running`` until it is ``done``, or ``stopped`` with rows left.
BatchState = Literal["running", "stopped", "done"]

_B: Final = tables.batches.c
_R: Final = tables.rows.c
_INSERT: Final = sa.insert(tables.batches)
_SAVE_ROW: Final = (
    sa.update(tables.rows)
    .where(_R.batch == bindparam("its_batch"), _R.row == bindparam("its_row"))
    .values(
        {
            column: bindparam(f"new_{column.name}")
            for column in (
                _R.customer_id,
                _R.before,
                _R.state,
                _R.reason,
                _R.request_id,
                _R.changed,
                _R.verified,
            )
        }
    )
)
_OWNER: Final = sa.select(_B.process).where(_B.batch == bindparam("its_batch")).scalar_subquery()
# Where the answer to the commit was lost, it is written again, and the history must not be.
_SAVE_CHANGE: Final = _SAVE_ROW.where(
    sa.or_(_R.state != bindparam("new_state"), _R.changed != bindparam("new_changed"))
)
_BEGIN_ROW: Final = _SAVE_ROW.where(bindparam("its_process") == _OWNER)


@dataclass(slots=True)
class BatchRow:
    """A row of a batch; the fields are by the names of :func:`clover_nb.to_frame`.

    Attributes:
        row: Its number in the table that was planned.
        action: ``create``, ``modify`` or ``delete``.
        customer_id: ``None`` for a customer that is not created yet.
        before: What was there; of a change that failed, of those fields that were changed.
        wanted: What is to be there.
        cells: The row as it came.
        state: What became of it.
        reason: Why, in a sentence.
        request_id: Clover's, of the last request.
        uid: What tells a created customer from every other one.
        changed: When its state was written down.
        verified: Whether it was there when all rows were compared at the end.
    """

    row: int
    action: str
    customer_id: str | None
    before: dict[str, str]
    wanted: dict[str, str]
    cells: list[str]
    state: RowState
    reason: str | None
    request_id: str | None
    uid: str
    changed: float
    verified: bool | None


@dataclass(frozen=True)
class BatchInfo:
    """A batch without its rows."""

    number: int
    plan: str
    state: BatchState
    reason: str | None
    headings: list[str]
    undoes: int | None


class Batches:
    """The batches of one merchant.

    Args:
        journal: Where they are written down.
        host: Where the customers are.
        merchant: Whose they are.
        entries_host: What the journal's entries of the same customers have as ``host``.
    """

    def __init__(
        self, journal: Journal, host: str, merchant: str | None, *, entries_host: str
    ) -> None:
        self._journal = journal
        self._database = journal.database
        self._host = host
        self._merchant = merchant
        self._entries_host = entries_host
        self._is_ours = sa.and_(_B.host == host, _B.merchant == (merchant or ""))

    def open(
        self,
        plan: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        headings: Sequence[str],
        undoes: int | None = None,
    ) -> int:
        """Write down a plan's rows, all or none; those that are there already stay as they are.

        Args:
            plan: The plan's id: the same plan is the same batch.
            rows: With ``row``, ``action``, ``customer_id``, ``before``, ``wanted`` and ``cells``.
            headings: Of the table.
            undoes: The batch that it takes back.

        Returns:
            The batch's number.
        """
        batch = {
            "plan": plan,
            "host": self._host,
            "merchant": self._merchant or "",
            "person": self._journal.person,
            "started": time.time(),
            "state": "stopped",
            "headings": json.dumps(list(headings)),
            "undoes": undoes,
        }
        with self._database.transaction() as db:
            # Looked for first: an insert that does nothing uses up a number all the same.
            chosen = sa.select(_B.batch).where(_B.plan == plan, self._is_ours)
            number = db.execute(chosen).scalar()
            if number is None:
                number = db.execute(_INSERT, batch).inserted_primary_key[0]  # type: ignore[index]
            lines = [
                {
                    "batch": number,
                    "row": row["row"],
                    "action": row["action"],
                    "customer_id": row["customer_id"],
                    "before": dump_fields(row["before"]),
                    "wanted": dump_fields(row["wanted"]),
                    "cells": json.dumps(row["cells"]),
                    "state": "planned",
                    "uid": _mark_row(plan, row["row"]),
                    "changed": time.time(),
                }
                for row in rows
            ]
            if lines:
                tables.insert_new(db, tables.rows, lines)
            return int(number)

    def take(self, number: int) -> None:
        """Begin to apply a batch, or go on with it: one at a time a merchant.

        Raises:
            JournalError: Another one of this merchant is being applied.
        """
        process = self._journal.register_process()
        running = sa.select(_B.batch, _B.person, _B.process).where(
            _B.state == "running", self._is_ours
        )
        with self._database.transaction() as db:
            for other, person, owner in db.execute(running).all():
                if self._is_applied_by(owner, other):
                    raise JournalError(
                        f"Batch {other} is being applied by {person}.",
                        hint=f"Wait until it has ended, or stop it: clover.batch({other}).stop().",
                    )
                _update(db, other, state="stopped")
            _update(db, number, state="running", process=process, stop=0, reason=None, ended=None)
            self._journal.applying.add(number)

    def close(self, number: int, state: BatchState, reason: str | None = None) -> None:
        """End the application of a batch, unless another process has taken it meanwhile."""
        self._journal.applying.discard(number)  # also where that can't be written down
        ours = _B.process == self._database.processes.name
        with self._database.connect() as db:
            _update(db, number, ours, state=state, reason=reason, ended=time.time())

    @property
    def is_away(self) -> bool:
        """Whether the database of a team was lost, and may come back."""
        return not self._database.is_connected

    def request_stop(self, number: int) -> None:
        """Ask the process that applies a batch to stop."""
        with self._database.connect() as db:
            _update(db, number, stop=1)

    def is_stop_requested(self, number: int) -> bool:
        """Whether somebody asked for it."""
        with self._database.connect() as db:
            return bool(db.execute(sa.select(_B.stop).where(_B.batch == number)).scalar_one())

    def begin(self, number: int, row: BatchRow) -> None:
        """Write down that a row is about to be sent.

        Raises:
            JournalError: Another process has taken the batch, while a team's database was away.
        """
        values = _row_values(number, row) | {"its_process": self._database.processes.name}
        with self._database.connect() as db:
            if not db.execute(_BEGIN_ROW, values).rowcount:
                raise JournalError(
                    f"Another process goes on with batch {number}: this one seemed to have ended.",
                    hint=f"clover.batch({number}) says how far it is.",
                )

    def save(self, number: int, row: BatchRow) -> None:
        """Write down what became of a row."""
        with self._database.connect() as db:
            db.execute(_SAVE_ROW, _row_values(number, row))

    def save_change(self, number: int, row: BatchRow, write: Write, after: Fields) -> None:
        """Write down that a row has changed its customer, in the customer's history too.

        Args:
            number: The batch's.
            row: The row, which is done.
            write: The change that it has made.
            after: The customer's fields since.
        """
        with self._database.transaction() as db:
            if db.execute(_SAVE_CHANGE, _row_values(number, row)).rowcount:
                self._journal.add_done(
                    db,
                    write,
                    host=self._entries_host,
                    merchant=self._merchant,
                    after=after,
                    request_id=row.request_id,
                    batch=number,
                )

    def forget(self, row: BatchRow) -> None:
        """Delete what the journal knows of the customer whom a row has deleted."""
        emails = filter(None, [row.before.get("email")])
        hosts = {self._host, self._entries_host}
        self._journal.forget(str(row.customer_id), hosts=hosts, emails=emails)

    def info(self, number: int) -> BatchInfo:
        """One batch.

        Raises:
            ValidationError: This merchant has none with this number.
        """
        found = None
        if is_line_number(number):
            chosen = sa.select(tables.batches).where(_B.batch == int(number), self._is_ours)
            with self._database.connect() as db:
                found = db.execute(chosen).first()
        if found is None:
            raise ValidationError(
                f"There is no batch {number}.",
                hint="clover.batches() lists them; on the command line, clover-nb batches.",
                field="batch",
            )
        return BatchInfo(
            found.batch,
            found.plan,
            self._current_state(number, found.state, found.process),
            found.reason,
            json.loads(found.headings),
            found.undoes,
        )

    def rows(self, number: int) -> list[BatchRow]:
        """The rows of a batch, in the order of the table."""
        chosen = sa.select(tables.rows).where(_R.batch == number).order_by(_R.row)
        with self._database.connect() as db:
            found = db.execute(chosen).all()
        return [
            BatchRow(
                line.row,
                line.action,
                line.customer_id,
                json.loads(line.before),
                json.loads(line.wanted),
                json.loads(line.cells),
                line.state,
                line.reason,
                line.request_id,
                line.uid,
                line.changed,
                None if line.verified is None else bool(line.verified),
            )
            for line in found
        ]

    def count_states(self, number: int) -> dict[str, int]:
        """How many rows of a batch there are by state."""
        counted = sa.select(_R.state, sa.func.count()).where(_R.batch == number).group_by(_R.state)
        with self._database.connect() as db:
            found = db.execute(counted.order_by(sa.func.min(_R.row))).all()
        return {str(line.state): int(line[1]) for line in found}

    def _current_state(self, number: int, state: BatchState, process: str | None) -> BatchState:
        """A batch's state; one whose process has died is stopped."""
        dead = state == "running" and not self._is_applied_by(process or "", number)
        return "stopped" if dead else state

    def _is_applied_by(self, process: str, number: int) -> bool:
        """Whether a process that took a batch is still about it."""
        if process == self._database.processes.name:
            return number in self._journal.applying
        return self._journal.is_alive(process)

    def frame(self) -> pd.DataFrame:
        """The batches as a table, oldest first."""
        count = sa.select(sa.func.count()).where(_R.batch == _B.batch)
        shown = (_B.started, _B.ended, _B.person, _B.reason, _B.undoes)
        counts = (
            count.scalar_subquery().label("rows"),
            count.where(_R.state == "done").scalar_subquery().label("done"),
        )
        chosen = sa.select(_B.batch, _B.state, _B.process, *shown, *counts)
        with self._database.connect() as db:
            found = db.execute(chosen.where(self._is_ours).order_by(_B.batch)).all()
        names = ["batch", "state", *(column.name for column in (*shown, *counts))]
        lines = [
            (batch, self._current_state(batch, state, owner), *more)
            for batch, state, owner, *more in found
        ]
        kinds = dict.fromkeys(("state", "person", "reason"), TEXT_DTYPE)
        table = pd.DataFrame(lines, columns=names).astype({"undoes": "Int64", **kinds})
        for name in ("started", "ended"):
            stamps = pd.to_datetime(table[name].astype("float64"), unit="s", utc=True)
            table[name] = stamps.dt.as_unit("ms")
        return table.set_index("batch")


def _mark_row(plan: str, row: int) -> str:
    """What tells a row from every other: the same where another journal has the same plan."""
    return hashlib.blake2b(f"{plan}\n{row}".encode(), digest_size=16).hexdigest()


def _update(
    db: sa.Connection, number: int, *conditions: sa.ColumnElement[bool], **values: object
) -> None:
    db.execute(sa.update(tables.batches).where(_B.batch == number, *conditions).values(values))


def _row_values(number: int, row: BatchRow) -> dict[str, object]:
    return {
        "its_batch": number,
        "its_row": row.row,
        "new_customer_id": row.customer_id,
        "new_before": dump_fields(row.before),
        "new_state": row.state,
        "new_reason": row.reason,
        "new_request_id": row.request_id,
        "new_changed": row.changed,
        "new_verified": None if row.verified is None else int(row.verified),
    }
