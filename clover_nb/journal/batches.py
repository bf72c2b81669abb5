"""Batches: many changes that were planned, and what became of each, in the journal's database.

A row is written down as ``open`` before it is sent, and with its outcome after the answer, so that
what a process left behind can be looked up, and the rest can be sent by another one.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import JournalError, ValidationError
from clover_nb.journal.processes import user_name
from clover_nb.journal.store import Journal, dump_fields

#: ``planned``; ``open``: sent, or about to be; ``lost``: the answer to a create was; ``done``;
#: ``failed``: refused by Clover; ``conflict``: changed by others, not sent; ``unknown``.
RowState = Literal["planned", "open", "lost", "done", "failed", "conflict", "unknown"]
#: A batch is ``running`` until it is ``done``, or ``stopped`` with rows left.
BatchState = Literal["running", "stopped", "done"]

_ROW: Final = (
    "row, action, customer_id, before, wanted, cells, state, reason, request_id, uid, changed, "
    "verified"
)
_SHOWN: Final = "batch, state, process, started, ended, person, reason, undoes"


@dataclass(slots=True)
class BatchRow:
    """A row of a batch; the fields are by the names of :func:`clover_nb.to_frame`.

    Attributes:
        row: Its number in the table that was planned.
        action: ``create``, ``modify`` or ``delete``.
        customer_id: ``None`` for a customer that is not created yet.
        before: What was there.
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
    """

    def __init__(self, journal: Journal, host: str, merchant: str | None) -> None:
        self._journal = journal
        self._account = (host, merchant or "")

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
        with self._journal.transaction() as db:
            values = (plan, *self._account, user_name(), time.time(), json.dumps(list(headings)))
            db.execute(
                "INSERT OR IGNORE INTO batches "
                "(plan, host, merchant, person, started, state, headings, undoes) "
                "VALUES (?, ?, ?, ?, ?, 'stopped', ?, ?)",
                (*values, undoes),
            )
            (number,) = db.execute(
                "SELECT batch FROM batches WHERE plan = ? AND host = ? AND merchant = ?",
                (plan, *self._account),
            ).fetchone()
            db.executemany(
                f"INSERT OR IGNORE INTO rows (batch, {_ROW}) "  # noqa: S608  constants
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'planned', NULL, NULL, ?, ?, NULL)",
                (
                    (
                        number,
                        row["row"],
                        row["action"],
                        row["customer_id"],
                        dump_fields(row["before"]),
                        dump_fields(row["wanted"]),
                        json.dumps(row["cells"]),
                        uuid.uuid4().hex,
                        time.time(),
                    )
                    for row in rows
                ),
            )
            return int(number)

    def take(self, number: int) -> None:
        """Begin to apply a batch, or go on with it: one at a time a merchant.

        Raises:
            JournalError: Another one of this merchant is being applied.
        """
        process = self._journal.process()
        with self._journal.transaction() as db:
            running = db.execute(
                "SELECT batch, person, process FROM batches "
                "WHERE state = 'running' AND host = ? AND merchant = ?",
                self._account,
            ).fetchall()
            for other, person, owner in running:
                if self._journal.is_alive(owner):
                    raise JournalError(
                        f"Batch {other} is being applied by {person}.",
                        hint=f"Wait until it has ended, or stop it: clover.batch({other}).stop().",
                    )
                db.execute("UPDATE batches SET state = 'stopped' WHERE batch = ?", (other,))
            db.execute(
                "UPDATE batches SET state = 'running', process = ?, stop = 0, reason = NULL, "
                "ended = NULL WHERE batch = ?",
                (process, number),
            )

    def close(self, number: int, state: BatchState, reason: str | None = None) -> None:
        """End the application of a batch."""
        with self._journal.transaction() as db:
            db.execute(
                "UPDATE batches SET state = ?, reason = ?, ended = ? WHERE batch = ?",
                (state, reason, time.time(), number),
            )

    def request_stop(self, number: int) -> None:
        """Ask the process that applies a batch to stop."""
        with self._journal.transaction() as db:
            db.execute("UPDATE batches SET stop = 1 WHERE batch = ?", (number,))

    def is_stop_requested(self, number: int) -> bool:
        """Whether somebody asked for it."""
        with self._journal.transaction() as db:
            (stop,) = db.execute("SELECT stop FROM batches WHERE batch = ?", (number,)).fetchone()
            return bool(stop)

    def save(self, number: int, row: BatchRow) -> None:
        """Write down what became of a row."""
        with self._journal.transaction() as db:
            db.execute(
                "UPDATE rows SET customer_id = ?, before = ?, state = ?, reason = ?, "
                "request_id = ?, changed = ?, verified = ? WHERE batch = ? AND row = ?",
                (
                    row.customer_id,
                    dump_fields(row.before),
                    row.state,
                    row.reason,
                    row.request_id,
                    row.changed,
                    row.verified,
                    number,
                    row.row,
                ),
            )

    def info(self, number: int) -> BatchInfo:
        """One batch.

        Raises:
            ValidationError: This merchant has none with this number.
        """
        with self._journal.transaction() as db:
            found = db.execute(
                "SELECT batch, plan, state, reason, headings, undoes, process FROM batches "
                "WHERE batch = ? AND host = ? AND merchant = ?",
                (int(number), *self._account),
            ).fetchone()
        if found is None:
            raise ValidationError(
                f"There is no batch {number}.", hint="clover.batches() lists them.", field="batch"
            )
        batch, plan, state, reason, headings, undoes, process = found
        state = self._current_state(state, process)
        return BatchInfo(batch, plan, state, reason, json.loads(headings), undoes)

    def rows(self, number: int) -> list[BatchRow]:
        """The rows of a batch, in the order of the table."""
        with self._journal.transaction() as db:
            found = db.execute(
                f"SELECT {_ROW} FROM rows WHERE batch = ? ORDER BY row",  # noqa: S608  constants
                (number,),
            ).fetchall()
        return [
            BatchRow(
                row,
                action,
                key,
                json.loads(before),
                json.loads(wanted),
                json.loads(cells),
                state,
                reason,
                request_id,
                uid,
                changed,
                None if verified is None else bool(verified),
            )
            for row, action, key, before, wanted, cells, state, reason, request_id, uid, changed, verified in found  # noqa: E501
        ]

    def _current_state(self, state: BatchState, process: str | None) -> BatchState:
        """A batch's state; one whose process has died is stopped."""
        dead = state == "running" and not self._journal.is_alive(process or "")
        return "stopped" if dead else state

    def frame(self) -> pd.DataFrame:
        """The batches as a table, oldest first."""
        with self._journal.transaction() as db:
            found = db.execute(
                f"SELECT {_SHOWN}, (SELECT count(*) FROM rows WHERE rows.batch = batches.batch), "  # noqa: S608  constants
                "(SELECT count(*) FROM rows WHERE rows.batch = batches.batch AND rows.state = "
                "'done') FROM batches WHERE host = ? AND merchant = ? ORDER BY batch",
                self._account,
            ).fetchall()
        names = ["batch", "state", *_SHOWN.split(", ")[3:], "rows", "done"]
        found = [
            (batch, self._current_state(state, owner), *more)
            for batch, state, owner, *more in found
        ]
        kinds = dict.fromkeys(("state", "person", "reason"), TEXT_DTYPE)
        table = pd.DataFrame(found, columns=names).astype({"undoes": "Int64", **kinds})
        for name in ("started", "ended"):
            stamps = pd.to_datetime(table[name].astype("float64"), unit="s", utc=True)
            table[name] = stamps.dt.as_unit("ms")
        return table.set_index("batch")
