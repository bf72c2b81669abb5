"""Sending a row of a batch, until it is known what became of it.

A change can be looked at and made again without harm: it sets what is wanted, by the ids of what is
there. A create can't, so one whose answer is lost is looked for at the end of the batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from clover_nb import errors
from clover_nb.api.platform import PlatformAPI
from clover_nb.bulk import requests
from clover_nb.bulk.batch_rows import BatchRows
from clover_nb.bulk.requests import Values, differing_fields, values_of
from clover_nb.bulk.row_checks import GONE, RowCheck, check_delete, check_modify
from clover_nb.bulk.rows import list_calls
from clover_nb.records import Record, flatten
from clover_nb.transport.http import AmbiguousWriteError

if TYPE_CHECKING:
    from clover_nb.journal.batches import BatchRow

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

    def read_records(self, rows: Iterable[BatchRow]) -> dict[str, Record]:
        """The customers of rows that change one, by one request."""
        ids = [row.customer_id for row in rows if row.action == "modify" and row.customer_id]
        if not ids:
            return {}
        named = ",".join(f"'{key}'" for key in ids)
        return {str(each["id"]): each for each in self._api.find_customers(f"id in ({named})")}

    def apply_row(self, row: BatchRow, record: Record | None) -> None:
        """Send a row, if it is still to be sent.

        Args:
            row: The row.
            record: The customer as it was just read.

        Raises:
            APIError: Clover refused it; or one of :data:`OUTSIDE`.
            CloverError: One of :data:`OUTSIDE`.
        """
        if row.action == "modify":
            check = check_modify(row, values_of(record)) if record else GONE
            if not self._rows.save_check(row, check):
                return
            # What is as wanted already, this row has perhaps changed before it was interrupted.
            now = check.now or {}
            row.before |= {name: now[name] for name in differing_fields(now, row.wanted)}
        # Nothing brings back who is deleted, so each is looked at right before.
        if row.action == "delete" and not self._rows.save_check(row, self._check_delete(row)):
            return
        self._rows.begin(row)
        try:
            self._send_until_known(row, record)
        except OUTSIDE:
            raise
        except errors.APIError as refused:
            self._rows.save_refusal(row, refused, self._read_changed(row))
            raise

    def _check_delete(self, row: BatchRow) -> RowCheck:
        try:
            record = self._api.get_customer(str(row.customer_id))
        except errors.NotFoundError:
            return check_delete(row, None, has_card=False)
        return check_delete(row, values_of(record), has_card=bool(flatten(record)["card_count"]))

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
                    self._rows.save(row, "planned")
                raise
            else:
                return
            time.sleep(self._pause)
            if row.action == "modify":
                record = self._api.get_customer(str(row.customer_id))
                if not self._rows.save_check(row, check_modify(row, values_of(record))):
                    return
        told = "The answer was lost several times; look at the customer."
        self._rows.save(row, "unknown", told)

    def _send_once(self, row: BatchRow, record: Record | None) -> None:
        answer: Record | None = None
        if row.action == "create":
            answer = requests.create_customer(self._api, row.wanted, row.uid)
            row.customer_id = str(answer["id"])
        elif row.action == "delete":
            with suppress(errors.NotFoundError):  # gone already
                answer = self._api.delete_customer(str(row.customer_id))
        elif record is not None:
            answer = requests.modify_customer(self._api, record, row.wanted)
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
