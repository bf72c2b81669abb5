"""The rows of a batch that is being applied: in memory, and before that in the journal."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from clover_nb.bulk.row_checks import RowCheck
from clover_nb.bulk.row_requests import Values, describe_change, differing_fields
from clover_nb.errors import APIError, JournalError
from clover_nb.masking import mask_text

if TYPE_CHECKING:
    from clover_nb.journal.batches import Batches, BatchRow, BatchState, RowState

log = logging.getLogger(__name__)

_LEFT: Final = ("planned", "open", "lost", "unknown")
_AGAIN_SECONDS: Final = 0.5  # until the journal is asked again


class BatchRows:
    """The rows of one batch. While a team's database is away, writing waits for it.

    Args:
        batches: Where they are written down.
        number: The batch's.
    """

    def __init__(self, batches: Batches, number: int) -> None:
        self._batches = batches
        self._number = number
        self._rows: list[BatchRow] = []
        self._begun: set[int] = set()  # rows that were sent, or perhaps
        self._inherited: set[int] = set()  # of these, by whoever applied the batch before
        self._is_interrupted = threading.Event()

    def read(self) -> None:
        """Read them all."""
        self._rows = self._batches.rows(self._number)
        self._inherited = {row.row for row in self.select("open", "lost", "unknown")}
        self._begun = set(self._inherited)

    def select(self, *states: RowState) -> list[BatchRow]:
        """The rows of these states."""
        return [row for row in self._rows if row.state in states]

    def has_left(self) -> bool:
        """Whether there are rows that are not finished."""
        return any(row.state in _LEFT for row in self._rows)

    def select_creates(self) -> list[BatchRow]:
        """The rows of new customers, whatever their state."""
        return [row for row in self._rows if row.action == "create"]

    def count_states(self) -> Counter[RowState]:
        """How many rows there are of each state."""
        return Counter(row.state for row in self._rows)

    def begin(self, row: BatchRow) -> None:
        """Write down that a row is about to be sent.

        Raises:
            JournalError: Another process has taken the batch meanwhile.
        """
        self._begun.add(row.row)
        row.state, row.reason, row.changed = "open", None, time.time()
        self._write(self._batches.begin, self._number, row)

    def withdraw(self, row: BatchRow) -> None:
        """Write down that a row that was begun was not sent; it may have been before."""
        if row.row not in self._inherited:
            self.save(row, "planned")

    def save(self, row: BatchRow, state: RowState, reason: str | None = None) -> None:
        """Write down what became of a row."""
        if state == "planned":  # it was surely not made
            self._begun.discard(row.row)
            self._inherited.discard(row.row)
        row.state, row.reason, row.changed = state, reason, time.time()
        self._write(self._batches.save, self._number, row)

    def save_check(self, row: BatchRow, check: RowCheck) -> bool:
        """Return whether a row is to be sent; why it is not is written down."""
        if check.verdict == "found" and row.row in self._begun:
            self.save_change(row, check.now or {})
        elif check.verdict == "found":  # by somebody else
            self.save(row, "done")
        elif check.verdict != "send":
            self.save(row, check.verdict, check.reason)
        return check.verdict == "send"

    def save_change(self, row: BatchRow, now: Values, request_id: str | None = None) -> None:
        """Write down that a row is done, in the customer's history too.

        Args:
            row: The row.
            now: The customer's fields when they were last read.
            request_id: Clover's.
        """
        row.request_id = request_id
        row.state, row.reason, row.changed = "done", None, time.time()
        self._write(self._batches.save_change, self._number, row, *describe_change(row, now))

    def save_refusal(self, row: BatchRow, refused: APIError, now: Values | None) -> None:
        """Write down that Clover refused a row, and what earlier requests have changed.

        Args:
            row: The row.
            refused: By which error.
            now: The customer's fields since, if anything can have been changed.
        """
        made = {
            name: text
            for name, text in row.wanted.items()
            if now and not differing_fields(now, {name: text})
            if differing_fields(row.before, {name: text})
        }
        partly = f"Only {', '.join(made)} changed. " if made else ""
        row.request_id = refused.request_id
        if row.action == "modify":
            row.before = {name: row.before[name] for name in made}
        row.state, row.reason = "failed", mask_text(f"{partly}{refused}")
        row.changed = time.time()
        if now and made:
            change = describe_change(replace(row, wanted=made), now)
            self._write(self._batches.save_change, self._number, row, *change)
        else:
            self._write(self._batches.save, self._number, row)

    def forget(self, row: BatchRow) -> None:
        """Delete what the journal knows of the customer whom a row has deleted."""
        self._write(self._batches.forget, row)

    def close(self, state: BatchState, reason: str | None = None) -> None:
        """Write down that the application has ended."""
        self._write(self._batches.close, self._number, state, reason)

    def is_stop_requested(self) -> bool:
        """Whether somebody asked the batch to stop, as far as the journal can be read."""
        try:
            return self._batches.is_stop_requested(self._number)
        except JournalError:
            if not self._batches.is_away:
                raise
            return False

    def interrupt(self) -> None:
        """Wait for no database any more."""
        self._is_interrupted.set()

    def _write(self, write: Callable[..., None], *values: object) -> None:
        is_away = False
        while True:
            try:
                write(*values)
            except JournalError as error:
                if not self._batches.is_away or self._is_interrupted.is_set():
                    raise
                if not is_away:
                    log.warning("The batch waits until it can go on by itself: %s", error)
                is_away = True
                time.sleep(_AGAIN_SECONDS)
            else:
                return
