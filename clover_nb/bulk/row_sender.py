"""Sending a row of a batch, until it is known what became of it.

A change can be looked at and made again without harm: it sets what is wanted, by the ids of what is
there. A create can't, so one whose answer is lost is looked for at the end of the batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from clover_nb import errors
from clover_nb.api.platform import PlatformAPI
from clover_nb.bulk import row_requests
from clover_nb.bulk.batch_rows import BatchRows
from clover_nb.bulk.row_checks import GONE, check_delete, check_modify
from clover_nb.bulk.row_requests import Values, differing_fields, values_of
from clover_nb.bulk.rows import list_calls
from clover_nb.records import Record, flatten
from clover_nb.transport.http import AmbiguousWriteError

if TYPE_CHECKING:
    from clover_nb.journal.batches import BatchRow

#: So old a reading is not relied on: slow requests or a journal that was away lie in between.
STALE_SECONDS: Final = 30.0
#: How often a row is sent whose answer is lost each time.
ATTEMPTS: Final = 3
#: What ends an application without being a row's fault; it goes on when it is started again.
OUTSIDE: Final = (
    errors.AuthenticationError,
    errors.ReadOnlyError,
    errors.RateLimitError,
    errors.APIConnectionError,
    errors.ServerError,
)


class RowReading(NamedTuple):
    """The customer of a row, as read from Clover.

    Attributes:
        record: The customer; ``None`` where there is none, or nobody has looked.
        at: When, by the monotonic clock.
    """

    record: Record | None = None
    at: float = float("-inf")

    @property
    def is_stale(self) -> bool:
        """Whether others have had long enough to change the customer since."""
        return time.monotonic() - self.at > STALE_SECONDS


class RowSender:
    """Sends the rows of one batch.

    Args:
        api: How.
        rows: Where it is written down what became of each.
        pause: Seconds before a write counts as not applied: it may show late.
    """

    def __init__(self, api: PlatformAPI, rows: BatchRows, pause: float) -> None:
        self._api = api
        self._rows = rows
        self._pause = pause

    def read_customers(self, rows: Iterable[BatchRow]) -> dict[str, RowReading]:
        """The customers of rows that change one, by one request."""
        ids = [row.customer_id for row in rows if row.action == "modify" and row.customer_id]
        if not ids:
            return {}
        named, at = ",".join(f"'{key}'" for key in ids), time.monotonic()
        found = {str(each["id"]): each for each in self._api.find_customers(f"id in ({named})")}
        return {key: RowReading(found.get(key), at) for key in ids}

    def apply_row(self, row: BatchRow, reading: RowReading) -> None:
        """Send a row, if it is still to be sent.

        Args:
            row: The row.
            reading: The customer, if somebody has looked.

        Raises:
            APIError: Clover refused it; or one of :data:`OUTSIDE`.
            CloverError: One of :data:`OUTSIDE`.
        """
        if row.action == "create":
            self._rows.begin(row)
        else:
            while True:
                # Nothing brings back who is deleted, so each is looked at right before.
                if row.action == "delete" or reading.is_stale:
                    reading = self._read_customer(row)
                if not self._check_row(row, reading.record):
                    return
                self._rows.begin(row)  # which waits while the journal is away
                if not reading.is_stale:
                    break
                self._rows.withdraw(row)
        try:
            self._send_until_known(row, reading.record)
        except OUTSIDE:
            raise
        except errors.APIError as refused:
            self._rows.save_refusal(row, refused, self._read_changed(row))
            raise

    def _read_customer(self, row: BatchRow) -> RowReading:
        at = time.monotonic()
        try:
            return RowReading(self._api.get_customer(str(row.customer_id)), at)
        except errors.NotFoundError:
            return RowReading(None, at)

    def _check_row(self, row: BatchRow, record: Record | None) -> bool:
        """Whether a row is to be sent; why it is not is written down."""
        now = values_of(record) if record else None
        if row.action == "delete":
            has_card = bool(record and flatten(record)["card_count"])
            return self._rows.save_check(row, check_delete(row, now, has_card=has_card))
        if not self._rows.save_check(row, check_modify(row, now) if now else GONE):
            return False
        # What is as wanted already, this row has perhaps changed before it was interrupted.
        now = now or {}
        row.before |= {name: now[name] for name in differing_fields(now, row.wanted)}
        return True

    def _send_until_known(self, row: BatchRow, record: Record | None) -> None:
        for attempt in range(ATTEMPTS):
            try:
                self._send_once(row, record)
            except AmbiguousWriteError:
                if row.action == "create":
                    self._rows.save(row, "lost")
                    return
            except OUTSIDE:
                if not attempt and not _takes_several(row):  # else it stays begun
                    self._rows.withdraw(row)
                raise
            else:
                return
            time.sleep(self._pause)
            if row.action == "modify":
                record = self._api.get_customer(str(row.customer_id))
                if not self._rows.save_check(row, check_modify(row, values_of(record))):
                    return
        message = "The answer was lost several times; look at the customer."
        self._rows.save(row, "unknown", message)

    def _send_once(self, row: BatchRow, record: Record | None) -> None:
        answer: Record | None = None
        if row.action == "create":
            answer = row_requests.create_customer(self._api, row.wanted, row.uid)
            row.customer_id = str(answer["id"])
        elif row.action == "delete":
            with suppress(errors.NotFoundError):  # gone already
                answer = self._api.delete_customer(str(row.customer_id))
        elif record is not None:
            answer = row_requests.modify_customer(self._api, record, row.wanted)
        now = values_of(record) if record else {}
        self._rows.save_change(row, now, getattr(answer, "request_id", None))

    def _read_changed(self, row: BatchRow) -> Values | None:
        """The fields of a customer of whom earlier requests of a row can have changed something."""
        if not _takes_several(row):
            return None
        try:
            return values_of(self._api.get_customer(str(row.customer_id)))
        except errors.NotFoundError:
            return None


def _takes_several(row: BatchRow) -> bool:
    return row.action == "modify" and len(list_calls(row.wanted)) > 1
