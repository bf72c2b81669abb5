"""Applying a batch: every row once, however often the machine dies in between.

A row that may have been sent is ``open`` in the journal. A change can be looked at and made again
without harm: it sets what is wanted, by the ids of what is there. A create can't, so a lost one is
looked for at the end, by its mark, in one listing of all customers.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from clover_nb import constants, errors
from clover_nb.api.platform import PlatformAPI
from clover_nb.bulk import requests
from clover_nb.bulk.fields import ADDRESS, FIELDS, NAME_PARTS, as_texts, normalize_value
from clover_nb.bulk.requests import Values, differing_fields, values_of
from clover_nb.masking import mask_text
from clover_nb.records import Record
from clover_nb.transport.http import AmbiguousWriteError
from clover_nb.transport.workers import start_job

if TYPE_CHECKING:
    from clover_nb.journal.batches import Batches, BatchRow, RowState

_CHUNK: Final = 100  # D: ids that one filter should name
_BACKLOG: Final = 3 * constants.REQUESTS_AT_ONCE  # rows that wait while the next chunk is read
_LOOK_SECONDS: Final = 0.5  # between looks at the journal, whether somebody asked to stop
_ATTEMPTS: Final = 3
_EQUAL_REFUSALS: Final = 10
_FAILED_SHARE: Final = 0.1
_ENOUGH: Final = 50  # rows, before the share counts

_MARK: Final = "externalId"  # of a create, by which it is found again
# What ends an application without being a row's fault; it goes on when it is started again.
_OUTSIDE: Final = (
    errors.AuthenticationError,
    errors.ReadOnlyError,
    errors.RateLimitError,
    errors.APIConnectionError,
    errors.ServerError,
)


class CustomerListing:
    """All customers, as they are."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._columns = {name: as_texts(table[name]) for name in FIELDS}
        self._places = {str(key): place for place, key in enumerate(table.index)}
        self._cards = table["card_count"].to_numpy()
        marks = as_texts(table[_MARK]).to_pylist() if _MARK in table.columns else []
        self.marks = {mark: key for mark, key in zip(marks, self._places, strict=False) if mark}
        emails = self._columns["email"].to_pylist()
        self.emails = {
            normalize_value("email", text): key
            for text, key in zip(emails, self._places, strict=True)
        }

    def get(self, customer_id: str | None) -> Values | None:
        """A customer's fields; ``None`` if there is no such customer."""
        place = self._places.get(customer_id or "")
        if place is None:
            return None
        return {name: str(column[place].as_py()) for name, column in self._columns.items()}

    def has_card(self, customer_id: str) -> bool:
        """Whether a customer has a card."""
        return bool(self._cards[self._places[customer_id]])

    def find_alike(self, row: BatchRow, ours: set[str | None]) -> str | None:
        """A customer with just a row's fields, who is not known to come from another row."""
        columns = [self._columns[name].to_pylist() for name in row.wanted]
        wanted = [normalize_value(name, text).casefold() for name, text in row.wanted.items()]
        for key, *values in zip(self._places, *columns, strict=True):
            pairs = zip(row.wanted, values, strict=True)
            if key not in ours and [normalize_value(n, v).casefold() for n, v in pairs] == wanted:
                return str(key)
        return None


class BatchProgress(NamedTuple):
    """How far a batch is.

    Attributes:
        done: Rows that are done.
        failed: Rows that are not, and won't be.
        left: Rows that wait.
        seconds: About how long they will take.
    """

    done: int
    failed: int
    left: int
    seconds: float


class _BatchStop(Exception):
    """Rows that were not sent stay planned."""


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
        self._pause = pause
        self._listing_wait = listing_wait
        self._progress = progress
        self._reports: SimpleQueue[BatchProgress | BaseException | None] = SimpleQueue()
        self._replies: SimpleQueue[BaseException | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._reason = ""
        self._refusals: list[str] = []  # since the last row that was done
        self._rows: list[BatchRow] = []
        self._begun: set[int] = set()  # rows that were sent, or perhaps
        self._sent = 0
        self._began = 0.0

    def run(self) -> None:
        """Apply what is left of the batch, in a thread that no Ctrl-C interrupts.

        Ctrl-C, or an error of ``progress``, is handed to it, and raised there between two rows.

        Raises:
            JournalError: Another batch of this merchant is being applied.
        """
        start_job(self._run_job)
        while True:
            try:
                told = self._reports.get()
                if not isinstance(told, BatchProgress):
                    break
                if self._progress:
                    self._progress(told)
                self._replies.put(None)
            except BaseException as error:  # noqa: BLE001  it is raised by the other thread
                self._replies.put(error)
        if told is not None:
            raise told

    def _run_job(self) -> None:
        try:
            self._apply_batch()
        except BaseException as error:  # noqa: BLE001  it is raised by the thread that waits
            self._reports.put(error)
        else:
            self._reports.put(None)

    def _apply_batch(self) -> None:
        self._batches.take(self._number)
        self._rows = self._batches.rows(self._number)
        try:
            if self._select_rows():
                self._apply_rows()
            if any(row.verified is None for row in self._select_rows("done")):
                self._verify_rows()
        except (_BatchStop, KeyboardInterrupt, *_OUTSIDE) as stop:
            told = mask_text(str(stop)) or "It was interrupted."
            self._batches.close(self._number, "stopped", told)
        except BaseException as error:
            told = mask_text(str(error)) or type(error).__name__
            self._batches.close(self._number, "stopped", told)
            raise
        else:
            self._batches.close(self._number, "done")

    def _select_rows(self, *states: RowState) -> list[BatchRow]:
        states = states or ("planned", "open", "lost", "unknown")
        return [row for row in self._rows if row.state in states]

    def _apply_rows(self) -> None:
        self._begun = {row.row for row in self._select_rows("open", "lost", "unknown")}
        for row in self._select_rows("open", "unknown"):
            row.state = "lost" if row.action == "create" or _adds_entry(row) else "planned"
        self._resolve_lost()
        self._began = time.monotonic()
        for _ in range(_ATTEMPTS):
            rows = self._compare_rows(self._select_rows("planned"))
            first = _first_of_each_kind(rows)
            for row in first:
                self._send_alone(row)
            sent = {row.row for row in first}
            self._send_rows([row for row in rows if row.row not in sent])
            if not self._select_rows("lost"):
                break
            self._resolve_lost()
        for row in self._select_rows("lost"):
            told = "The answer was lost several times; look whether the customer is there."
            self._save_row(row, "unknown", told)

    # -- what is there -----------------------------------------------------------------------------

    def _read_listing(self) -> CustomerListing:
        return CustomerListing(self._list_customers())

    def _compare_rows(self, rows: Sequence[BatchRow]) -> list[BatchRow]:
        """Read everybody again; what others have changed meanwhile is a conflict, and not sent."""
        there = self._read_listing() if rows else None
        return [row for row in rows if there and self._may_send(row, there)]

    def _may_send(self, row: BatchRow, there: CustomerListing) -> bool:
        """Whether a row is still to be sent."""
        now = there.get(row.customer_id)
        if row.action == "create":
            email = normalize_value("email", row.wanted.get("email", ""))
            owner = there.emails.get(email) if email and not row.before.get("email") else None
            if owner:
                self._save_row(row, "conflict", f"Customer {owner} has this email by now.")
            return owner is None
        if row.action == "delete":
            return self._may_delete(row, now, there)
        if now is None:
            self._save_row(row, "failed", "The customer is not there any more.")
            return False
        return self._may_modify(row, now)

    def _may_modify(self, row: BatchRow, now: Values) -> bool:
        left = differing_fields(now, row.wanted)
        if not left:
            self._save_found(row, now)
            return False
        moved = [name for name in left if differing_fields(now, {name: row.before[name]})]
        if moved:
            told = "; ".join(f"{name} was {row.before[name]!r}, is {now[name]!r}" for name in moved)
            self._save_row(row, "conflict", mask_text(f"Changed since it was planned: {told}."))
        return not moved

    def _may_delete(self, row: BatchRow, now: Values | None, there: CustomerListing) -> bool:
        if now is None:
            self._save_found(row, None)
            return False
        if there.has_card(str(row.customer_id)):
            self._save_row(row, "conflict", "A card was attached since.")
            return False
        if moved := differing_fields(now, row.before):
            self._save_row(row, "conflict", f"Changed since it was planned: {', '.join(moved)}.")
            return False
        return True

    # -- sending -----------------------------------------------------------------------------------

    def _send_alone(self, row: BatchRow) -> None:
        """Send the first row of its kind alone, and read it back: Clover may do something else."""
        self._check_stop()
        self._send_rows([row])
        if row.state != "done" or row.customer_id is None or row.action == "delete":
            return
        now = values_of(self._api.get_customer(row.customer_id))
        if wrong := differing_fields(now, row.wanted):
            told = "; ".join(f"{name} is {now[name]!r}, not {row.wanted[name]!r}" for name in wrong)
            self._save_row(row, "failed", mask_text(f"Clover did something else: {told}."))
            raise _BatchStop(f"Row {row.row}, the first of its kind, was sent alone. {row.reason}")

    def _send_rows(self, rows: Sequence[BatchRow]) -> None:
        """Send rows, several at once; the next chunk is read meanwhile."""
        chunks = _split_chunks(rows)
        pending: set[Future[None]] = set()
        with ThreadPoolExecutor(constants.REQUESTS_AT_ONCE, "clover-nb batch") as pool:
            try:
                chunk = next(chunks, [])
                reading = pool.submit(self._read_records, chunk)
                while chunk:
                    records = reading.result()
                    following = next(chunks, [])
                    reading = pool.submit(self._read_records, following)
                    pending |= {pool.submit(self._apply_row, row, records) for row in chunk}
                    pending = self._wait_for_futures(pending, _BACKLOG if following else 0)
                    chunk = following
            except BaseException:
                self._stopping.set()
                raise
        self._report_progress()

    def _wait_for_futures(self, pending: set[Future[None]], backlog: int) -> set[Future[None]]:
        while len(pending) > backlog:
            ended, pending = wait(pending, _LOOK_SECONDS, FIRST_COMPLETED)
            for future in ended:
                future.result()
            self._check_stop()
        return pending

    def _check_stop(self) -> None:
        self._report_progress()
        self._check_share()
        if self._stopping.is_set():
            raise _BatchStop(self._reason)
        if self._batches.is_stop_requested(self._number):
            raise _BatchStop("Somebody asked for it.")

    def _report_progress(self) -> None:
        if self._progress is None:
            with suppress(Empty):
                self._raise_reply(self._replies.get_nowait())
            return
        counts = Counter(row.state for row in self._rows)
        left = counts["planned"] + counts["open"] + counts["lost"]
        each = (time.monotonic() - self._began) / self._sent if self._sent else 0.0
        failed = counts["failed"] + counts["conflict"] + counts["unknown"]
        self._reports.put(BatchProgress(counts["done"], failed, left, left * each))
        self._raise_reply(self._replies.get())

    def _raise_reply(self, error: BaseException | None) -> None:
        if error is not None:
            raise error

    def _read_records(self, rows: Iterable[BatchRow]) -> dict[str, Record]:
        ids = [row.customer_id for row in rows if row.action == "modify" and row.customer_id]
        if not ids:
            return {}
        named = ",".join(f"'{key}'" for key in ids)
        return {str(each["id"]): each for each in self._api.find_customers(f"id in ({named})")}

    def _apply_row(self, row: BatchRow, records: Mapping[str, Record]) -> None:
        """Send one row, and write down what became of it."""
        if self._stopping.is_set():
            return
        record = records.get(row.customer_id or "")
        if row.action == "modify":
            if record is None:
                self._save_row(row, "failed", "The customer is not there any more.")
                return
            now = values_of(record)
            if not self._may_modify(row, now):
                return
            # What is as wanted already, this row has perhaps changed before it was interrupted.
            row.before |= {name: now[name] for name in differing_fields(now, row.wanted)}
        self._begun.add(row.row)
        self._save_row(row, "open")
        try:
            self._send_row(row, record)
        except _OUTSIDE as error:
            self._back_to_plan(row, error)
        except errors.APIError as error:
            self._save_refusal(row, error)
        else:
            self._sent += 1
            self._refusals = []

    def _send_row(self, row: BatchRow, record: Record | None) -> None:
        if row.action == "create":
            try:
                answer = requests.create_customer(self._api, row.wanted, row.uid)
            except AmbiguousWriteError:
                self._save_row(row, "lost")
                return
            row.customer_id = str(answer["id"])
            self._save_change(row, {}, answer)
        elif row.action == "delete":
            self._delete_customer(row)
        else:
            assert record is not None  # noqa: S101  it was just read
            self._modify_customer(row, record)

    def _modify_customer(self, row: BatchRow, record: Record) -> None:
        for _ in range(_ATTEMPTS):
            try:
                answer = requests.modify_customer(self._api, record, row.wanted)
            except AmbiguousWriteError:
                time.sleep(self._pause)
                record = self._api.get_customer(str(row.customer_id))
                if not self._may_modify(row, values_of(record)):
                    return
            else:
                self._save_change(row, values_of(record), answer)
                return
        self._save_row(row, "unknown", "The answer was lost several times; look at the customer.")

    def _delete_customer(self, row: BatchRow) -> None:
        key = str(row.customer_id)
        for _ in range(_ATTEMPTS):
            try:
                answer = self._api.delete_customer(key)
            except AmbiguousWriteError:
                time.sleep(self._pause)
            except errors.NotFoundError:
                self._save_found(row, None)
                return
            else:
                self._save_change(row, {}, answer)
                return
        self._save_row(row, "unknown", "The answer was lost several times; look at the customer.")

    def _save_found(self, row: BatchRow, now: Values | None) -> None:
        """What is as wanted already is done: by this row, if it was begun, or by somebody else."""
        if row.row in self._begun:
            self._save_change(row, now or {}, None)
        else:
            self._save_row(row, "done")

    def _save_change(self, row: BatchRow, now: Values, answer: Record | None) -> None:
        row.request_id = getattr(answer, "request_id", None)
        row.state, row.reason, row.changed = "done", None, time.time()
        write, after = requests.describe_change(row, now)
        self._batches.save_change(self._number, row, write, after)

    def _back_to_plan(self, row: BatchRow, error: errors.CloverError) -> None:
        """It was not made, and no other would be: stop."""
        self._save_row(row, "planned")
        self._reason = mask_text(str(error))
        self._stopping.set()

    def _save_refusal(self, row: BatchRow, error: errors.APIError) -> None:
        row.request_id = error.request_id
        self._save_row(row, "failed", mask_text(str(error)))
        self._refusals.append(f"{error.status} {error.code} {error.message}")
        if self._refusals[-_EQUAL_REFUSALS:].count(self._refusals[-1]) >= _EQUAL_REFUSALS:
            self._reason = f"{_EQUAL_REFUSALS} rows in a row were refused alike: {error.message}"
            self._stopping.set()
        self._check_share()

    def _check_share(self) -> None:
        counts = Counter(row.state for row in self._rows)
        ended = counts["done"] + counts["failed"]
        if ended >= _ENOUGH and counts["failed"] >= _FAILED_SHARE * ended:
            self._reason = f"{counts['failed']} of {ended} rows were refused."
            self._stopping.set()

    def _save_row(self, row: BatchRow, state: RowState, reason: str | None = None) -> None:
        row.state, row.reason, row.changed = state, reason, time.time()
        self._batches.save(self._number, row)

    # -- creates whose answer was lost -------------------------------------------------------------

    def _resolve_lost(self) -> None:
        """Look for all of them in one listing, once none can be on its way any more."""
        lost = self._select_rows("lost")
        if not lost:
            return
        until = max(row.changed for row in lost) + self._listing_wait
        while (rest := until - time.time()) > 0:
            time.sleep(min(rest, _LOOK_SECONDS))
            self._check_stop()
        there = self._read_listing()
        ours = {row.customer_id for row in self._rows if row.action == "create"}
        kept = any(row.uid in there.marks for row in self._rows)
        for row in lost:
            if row.action != "create":
                row.state = "planned"  # in the journal it stays begun, for who goes on after a kill
            elif row.uid in there.marks:
                row.customer_id = there.marks[row.uid]
                self._save_change(row, {}, None)
            elif not kept and (like := there.find_alike(row, ours)):
                told = f"Customer {like} has the same fields, and may be the one: look at it."
                self._save_row(row, "unknown", told)
            else:
                self._save_row(row, "planned")

    # -- at the end --------------------------------------------------------------------------------

    def _verify_rows(self) -> None:
        """Compare all rows that are done with what is there."""
        there = self._read_listing()
        for row in self._select_rows("done"):
            now = there.get(row.customer_id)
            if row.action == "delete":
                row.verified = now is None
            else:
                row.verified = now is not None and not differing_fields(now, row.wanted)
            told = None if row.verified else "It was done, and is not there as it was sent."
            self._save_row(row, "done", told)
            if row.action == "delete" and row.verified:
                self._batches.forget(row)


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
        names = {_GROUPS.get(name, name) for name in row.wanted if row.action == "modify"}
        kinds.setdefault((row.action, frozenset(names)), row)
    return list(kinds.values())


_GROUPS: Final = dict.fromkeys(NAME_PARTS, "name") | dict.fromkeys(ADDRESS, "address")


def _split_chunks(rows: Sequence[BatchRow]) -> Iterator[list[BatchRow]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, _CHUNK)):
        yield chunk
