"""A batch: a plan that was applied, or is being applied, row by row."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from clover_nb import quality
from clover_nb.bulk import workbooks
from clover_nb.bulk.batch_progress import FAILED, BatchProgress
from clover_nb.bulk.columns import ID, suggest_columns
from clover_nb.bulk.fields import ADDRESS, NAME_PARTS, find_missing_parts
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.row_checks import CustomerListing
from clover_nb.bulk.row_requests import differing_fields
from clover_nb.bulk.rows import PlanRow, RowReason, name_customer
from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import ValidationError
from clover_nb.files import check_path

if TYPE_CHECKING:
    from clover_nb.bulk.changes import BulkChanges
    from clover_nb.journal.batches import BatchRow, BatchState


class Batch:
    """What became of a plan. Made by ``clover.customers.apply`` and ``clover.batch``.

    Attributes:
        number: By which ``clover.batch`` finds it again.
    """

    def __init__(self, number: int, changes: BulkChanges) -> None:
        self._changes = changes
        self._batches = changes.batches
        self._info = self._batches.info(number)
        self.number = self._info.number  # Python's, and not one of numpy's

    @property
    def state(self) -> BatchState:
        """``running``, ``done``, or ``stopped`` with rows left."""
        return self._batches.info(self.number).state

    @property
    def reason(self) -> str | None:
        """Why it stopped."""
        return self._batches.info(self.number).reason

    @property
    def plan_id(self) -> str:
        """The id of the plan that it applies."""
        return self._info.plan

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each outcome; quicker than :meth:`frame`."""
        return self._batches.count_states(self.number)

    @property
    def progress(self) -> BatchProgress:
        """How many rows are done, failed and left."""
        return BatchProgress.from_counts(self.counts)

    def frame(self) -> pd.DataFrame:
        """The batch as a table, a line a row.

        Returns:
            A DataFrame indexed by ``row``, with ``action``, ``outcome`` (``planned``, ``open``,
            ``lost``, ``done``, ``failed``, ``conflict`` or ``unknown``), ``id``, ``customer`` (a
            name or an email, as far as the row has one), ``reason``, ``request_id`` and
            ``verified``: whether it was there when all was compared at the end.
        """
        fields = self._find_fields()
        lines = [
            (
                row.row,
                row.action,
                row.state,
                row.customer_id,
                _name_row(row, fields),
                row.reason,
                row.request_id,
                row.verified,
            )
            for row in self._batches.rows(self.number)
        ]
        names = ["row", "action", "outcome", "id", "customer", "reason", "request_id", "verified"]
        kinds = dict.fromkeys(names, TEXT_DTYPE) | {"row": "int64", "verified": "boolean"}
        return pd.DataFrame(lines, columns=names).astype(kinds).set_index("row")

    def _find_fields(self) -> list[str]:
        """What each column of the table is, by its heading; ``""`` where that is not sure."""
        headings = self._info.headings
        found = suggest_columns(pd.DataFrame(columns=headings, dtype=TEXT_DTYPE)).fields
        fields = {heading: field for field, heading in found.items()}
        return [fields.get(heading, "") for heading in headings]

    def failed(self) -> pd.DataFrame:
        """The rows that were refused, are in conflict, or of which it is not known."""
        table = self.frame()
        return table[table["outcome"].isin(FAILED)]

    def save_failed(self, path: str | os.PathLike[str]) -> None:
        """Save the rows that failed as they came, with ``row``, ``id`` and ``reason``.

        The file can be mended and planned again.

        Args:
            path: The file: ``.csv`` or ``.xlsx``.

        Raises:
            ValidationError: The name ends otherwise, or the file can't be written.
        """
        path = check_path(path)
        headings = list(self._info.headings)
        added = [name for name in ("row", ID, "reason") if name not in headings]
        lines = []
        for row in self._batches.rows(self.number):
            if row.state in FAILED:
                more = {"row": str(row.row), ID: row.customer_id or "", "reason": row.reason or ""}
                cells = dict(zip(headings, row.cells, strict=False)) | {n: more[n] for n in added}
                lines.append([cells.get(name, "") for name in [*headings, *added]])
        columns = [*headings, *added]
        if path.suffix.lower() == ".csv":
            table = pd.DataFrame(lines, columns=columns, dtype=TEXT_DTYPE)
            quality.save_csv(table.set_index(columns[0]), path)
        elif path.suffix.lower() == ".xlsx":
            workbooks.write_sheet(columns, list(zip(*lines, strict=True)), path)
        else:
            raise ValidationError(f"{path.name} ends neither in .csv nor in .xlsx.", field="path")

    def resume(self, *, progress: Callable[[BatchProgress], object] | None = None) -> None:
        """Go on with what is left, as applying its plan again does.

        Args:
            progress: As of ``clover.customers.apply``.

        Raises:
            ReadOnlyError: A connection to production that is not allowed to write.
            JournalError: A batch of this merchant is being applied.
        """
        self._changes.apply_batch(self.number, progress=progress)

    def stop(self) -> None:
        """Let what is under way finish, and keep the rest for later. Works from anywhere."""
        self._batches.request_stop(self.number)

    def plan_undo(self) -> Plan:
        """Plan to take the batch back: a plan like any other; nothing is sent.

        What was changed becomes what it was before; what has been changed again since is a
        conflict. A customer who was created becomes a delete, which must be accepted.

        Returns:
            The plan.
        """
        there = CustomerListing(self._changes.list_customers())
        rows = self._batches.rows(self.number)
        planned = [_undo_row(row, there) for row in rows if row.state == "done"]
        # Of a change that was refused, earlier requests may have been made.
        parts = [row for row in rows if row.state == "failed" and row.action == "modify"]
        undone = [
            _undo_row(row, there) for row in parts if row.before and there.get(row.customer_id)
        ]
        planned += [row for row in undone if row.action != "unchanged"]
        host, merchant = self._changes.account
        unchanged = {row.row: row.customer_id or "" for row in planned if row.action == "unchanged"}
        return Plan(
            merchant=merchant,
            host=host,
            source={"undoes": self.number},
            headings=self._info.headings,
            columns={},
            notes=[f"Takes back batch {self.number}."],
            rows=[row for row in planned if row.action != "unchanged"],
            unchanged=pd.Series(
                list(unchanged.values()),
                index=pd.Index(list(unchanged), dtype="int64", name="row"),
                name=ID,
                dtype=TEXT_DTYPE,
            ),
        )

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {state}" for state, count in self.counts.items())
        return f"<Batch {self.number}: {self.state}; {counts or 'no rows'}>"


def _name_row(row: BatchRow, fields: Sequence[str]) -> str | None:
    cells = dict(zip(fields, row.cells, strict=False))
    return name_customer(cells | row.before | {n: v for n, v in row.wanted.items() if v}) or None


def _undo_row(row: BatchRow, there: CustomerListing) -> PlanRow:
    now = there.get(row.customer_id)
    if row.action == "delete" or now is None:
        message = "A customer that is gone can't be brought back."
        return PlanRow(row.row, "modify", row.customer_id, reasons=[RowReason(ID, "gone", message)])
    made = {name: row.wanted[name] for name in row.before} if row.state == "failed" else row.wanted
    moved = [
        RowReason(name, "changed_since", f"{name} was changed again since: it is {now[name]!r}.")
        for name in differing_fields(now, made)
    ]
    if row.action == "create":
        message = "The customer was created by the batch, and will be deleted for good."
        reasons = [RowReason(ID, "deletes", message), *moved]
        if there.has_card(str(row.customer_id)):
            reasons.append(RowReason(ID, "has_card", "A card was attached since."))
        return PlanRow(row.row, "delete", row.customer_id, dict(row.wanted), {}, reasons)
    wanted = {name: row.before[name] for name in differing_fields(now, row.before)}
    if not wanted:
        return PlanRow(row.row, "unchanged", row.customer_id)
    reasons = [reason for reason in moved if reason.field in wanted]
    reasons += [
        RowReason(name, "not_emptied", f"{name} stays: the Platform API has no way to empty it.")
        for name in NAME_PARTS
        if name in wanted and not wanted[name]
    ]
    if any(name in ADDRESS for name in wanted):
        missing = find_missing_parts({**now, **wanted})
        reasons += [RowReason(name, "address_incomplete", text) for name, text in missing.items()]
    before = {name: now[name] for name in wanted}
    return PlanRow(row.row, "modify", row.customer_id, before, wanted, reasons)
