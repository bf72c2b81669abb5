"""Applying a batch: every row once, however often the machine dies in between.

A row that may have been sent is ``open`` in the journal. A change can be looked at and made again
(:mod:`clover_nb.bulk.row_sender`). A create can't, so a lost one is looked for at the end, by its
mark, in one listing of all customers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, Final

import pandas as pd

from clover_nb import constants, errors
from clover_nb.api.platform import PlatformAPI
from clover_nb.bulk.batch_progress import BatchProgress, ProgressReporter
from clover_nb.bulk.batch_rows import BatchRows
from clover_nb.bulk.fields import ADDRESS
from clover_nb.bulk.row_checks import CustomerListing, check_row, describe_differences, is_as_wanted
from clover_nb.bulk.row_requests import differing_fields, values_of
from clover_nb.bulk.row_sender import ATTEMPTS, OUTSIDE, RowReading, RowSender
from clover_nb.bulk.rows import list_calls
from clover_nb.masking import mask_text

if TYPE_CHECKING:
    from clover_nb.journal.batches import Batches, BatchRow

# D: one filter should name at most 100 ids. What others change after this look is not noticed,
# as long as it is not stale.
_CHUNK: Final = 50
_BACKLOG: Final = 3 * constants.REQUESTS_AT_ONCE  # rows that wait while the next chunk is read
_LOOK_SECONDS: Final = 0.5  # between looks at the journal, whether somebody asked to stop
_EQUAL_REFUSALS: Final = 10
_FAILED_SHARE: Final = 0.1
_ENOUGH: Final = 50  # rows, before the share counts


class _BatchStop(Exception):
    """Rows that were not sent stay planned."""


class RefusalLimits:
    """Says when a batch is to stop because Clover refuses too much of it."""

    def __init__(self) -> None:
        self._refusals: list[str] = []  # since the last row that was done

    def add_success(self) -> None:
        """Count a row that was not refused."""
        self._refusals = []

    def add_refusal(self, refused: errors.APIError) -> str:
        """Count a refusal; why to stop, or ``""``."""
        self._refusals.append(f"{refused.status} {refused.code} {refused.message}")
        equal = self._refusals[-_EQUAL_REFUSALS:].count(self._refusals[-1])
        if equal < _EQUAL_REFUSALS:
            return ""
        return f"{_EQUAL_REFUSALS} rows in a row were refused alike: {refused.message}"

    def check_share(self, done: int, failed: int) -> str:
        """Why to stop for the share that failed, or ``""``."""
        ended = done + failed
        is_much = ended >= _ENOUGH and failed >= _FAILED_SHARE * ended
        return f"{failed} of {ended} rows were refused." if is_much else ""


class BatchRunner:
    """Applies one batch.

    Args:
        api: How it is sent.
        batches: Where it is written down.
        number: The batch's.
        list_customers: Reads all customers.
        pause: Seconds before a write counts as not applied: it may show late.
        listing_wait: Seconds that a lost create may be on its way, after which it is looked for.
        progress: Told now and then how far it is.
    """

    def __init__(
        self,
        api: PlatformAPI,
        batches: Batches,
        number: int,
        *,
        list_customers: Callable[[], pd.DataFrame],
        pause: float,
        listing_wait: float,
        progress: Callable[[BatchProgress], object] | None = None,
    ) -> None:
        self._api = api
        self._batches = batches
        self._number = number
        self._list_customers = list_customers
        self._listing_wait = listing_wait
        self._rows = BatchRows(batches, number)
        self._sender = RowSender(api, self._rows, pause)
        self._reporter = ProgressReporter(progress, self._rows.interrupt)
        self._limits = RefusalLimits()
        self._stopping = threading.Event()
        self._reason = ""
        self._sent = 0
        self._began = 0.0

    def run(self) -> None:
        """Apply what is left of the batch, in a thread that no Ctrl-C interrupts.

        Ctrl-C, or an error of ``progress``, is raised there between two rows.

        Raises:
            JournalError: Another batch of this merchant is being applied.
        """
        self._reporter.run(self._apply_batch)

    def _apply_batch(self) -> None:
        self._batches.take(self._number)
        self._rows.read()
        try:
            if self._rows.has_left():
                self._apply_rows()
            if any(row.verified is None for row in self._rows.select("done")):
                self._verify_rows()
        except (_BatchStop, KeyboardInterrupt, *OUTSIDE) as stop:
            reason = mask_text(str(stop)) or "It was interrupted."
            self._rows.close("stopped", reason)
        except BaseException as error:
            reason = mask_text(str(error)) or type(error).__name__
            self._rows.close("stopped", reason)
            raise
        else:
            self._rows.close("done")

    def _apply_rows(self) -> None:
        for row in self._rows.select("open", "unknown"):
            row.state = "lost" if row.action == "create" or _adds_entry(row) else "planned"
        self._resolve_lost()
        self._began = time.monotonic()
        for _ in range(ATTEMPTS):
            there = self._read_listing() if self._rows.select("planned") else None
            rows = [
                row
                for row in self._rows.select("planned")
                if there and self._rows.save_check(row, check_row(row, there))
            ]
            first = _first_of_each_kind(rows)
            for row in first:
                self._send_alone(row)
            sent = {row.row for row in first}
            self._send_rows([row for row in rows if row.row not in sent])
            if not self._rows.select("lost"):
                break
            self._resolve_lost()
        for row in self._rows.select("lost"):
            message = "The answer was lost several times; look whether the customer is there."
            self._rows.save(row, "unknown", message)

    def _read_listing(self) -> CustomerListing:
        return CustomerListing(self._list_customers())

    # -- sending -----------------------------------------------------------------------------------

    def _send_alone(self, row: BatchRow) -> None:
        """Send the first row of its kind alone, and read it back: Clover may do something else."""
        self._check_stop()
        self._send_rows([row])
        if row.state != "done" or row.customer_id is None or row.action == "delete":
            return
        now = values_of(self._api.get_customer(row.customer_id))
        if wrong := differing_fields(now, row.wanted):
            differences = describe_differences(now, row.wanted, wrong)
            self._rows.save(row, "failed", mask_text(f"Clover did something else: {differences}."))
            raise _BatchStop(f"Row {row.row}, the first of its kind, was sent alone. {row.reason}")

    def _send_rows(self, rows: Sequence[BatchRow]) -> None:
        """Send rows, several at once; the next chunk is read meanwhile."""
        chunks = _split_chunks(rows)
        pending: set[Future[None]] = set()
        with ThreadPoolExecutor(constants.REQUESTS_AT_ONCE, "clover-nb batch") as pool:
            try:
                chunk = next(chunks, [])
                reading = pool.submit(self._sender.read_customers, chunk)
                while chunk:
                    readings = reading.result()
                    following = next(chunks, [])
                    reading = pool.submit(self._sender.read_customers, following)
                    pending |= {pool.submit(self._apply_row, row, readings) for row in chunk}
                    pending = self._wait_for_futures(pending, _BACKLOG if following else 0)
                    chunk = following
            except BaseException:
                self._stopping.set()
                raise
        self._reporter.report(self._measure_progress)

    def _wait_for_futures(self, pending: set[Future[None]], backlog: int) -> set[Future[None]]:
        while len(pending) > backlog:
            ended, pending = wait(pending, _LOOK_SECONDS, FIRST_COMPLETED)
            for future in ended:
                future.result()
            self._check_stop()
        return pending

    def _check_stop(self) -> None:
        self._reporter.report(self._measure_progress)
        self._check_share()
        if self._stopping.is_set():
            raise _BatchStop(self._reason)
        if self._rows.is_stop_requested():
            raise _BatchStop("Somebody asked for it.")

    def _measure_progress(self) -> BatchProgress:
        each = (time.monotonic() - self._began) / self._sent if self._sent else 0.0
        return BatchProgress.from_counts(self._rows.count_states(), each)

    def _apply_row(self, row: BatchRow, readings: Mapping[str, RowReading]) -> None:
        if self._stopping.is_set():
            return
        try:
            self._sender.apply_row(row, readings.get(row.customer_id or "", RowReading()))
        except OUTSIDE as error:  # no other would be made
            self._stop(mask_text(str(error)))
        except errors.APIError as refused:
            self._stop(self._limits.add_refusal(refused))
            self._check_share()
        else:
            self._sent += 1
            self._limits.add_success()

    def _check_share(self) -> None:
        counts = self._rows.count_states()
        self._stop(self._limits.check_share(counts["done"], counts["failed"]))

    def _stop(self, reason: str) -> None:
        """Send no further row, if there is a reason."""
        if reason:
            self._reason = reason
            self._stopping.set()

    # -- creates whose answer was lost -------------------------------------------------------------

    def _resolve_lost(self) -> None:
        """Look for all of them in one listing, once none can be on its way any more."""
        lost = self._rows.select("lost")
        if not lost:
            return
        until = max(row.changed for row in lost) + self._listing_wait
        while (rest := until - time.time()) > 0:
            time.sleep(min(rest, _LOOK_SECONDS))
            self._check_stop()
        there = self._read_listing()
        creates = self._rows.select_creates()
        ours = {row.customer_id for row in creates}
        kept = any(row.uid in there.marks for row in creates)
        for row in lost:
            if row.action != "create":
                row.state = "planned"  # in the journal it stays begun, for who goes on after a kill
            elif row.uid in there.marks:
                row.customer_id = there.marks[row.uid]
                self._rows.save_change(row, {})
            elif not kept and (like := there.find_alike(row, ours)):
                message = f"Customer {like} has the same fields, and may be the one: look at it."
                self._rows.save(row, "unknown", message)
            else:
                self._rows.save(row, "planned")

    # -- at the end --------------------------------------------------------------------------------

    def _verify_rows(self) -> None:
        """Compare all rows that are done with what is there."""
        there = self._read_listing()
        for row in self._rows.select("done"):
            row.verified = is_as_wanted(row, there)
            reason = None if row.verified else "It was done, and is not there as it was sent."
            self._rows.save(row, "done", reason)
            if row.action == "delete" and row.verified:
                self._rows.forget(row)


def _adds_entry(row: BatchRow) -> bool:
    """Whether a change makes a new entry, which must not be made twice."""
    return any(
        any(row.wanted.get(name) for name in group)
        and not any(row.before.get(name) for name in group)
        for group in (("email",), ("phone",), ADDRESS)
    )


def _first_of_each_kind(rows: Sequence[BatchRow]) -> list[BatchRow]:
    kinds: dict[tuple[str, frozenset[str]], BatchRow] = {}
    for row in rows:
        kinds.setdefault(
            (row.action, list_calls(row.wanted if row.action == "modify" else ())), row
        )
    return list(kinds.values())


def _split_chunks(rows: Sequence[BatchRow]) -> Iterator[list[BatchRow]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, _CHUNK)):
        yield chunk
