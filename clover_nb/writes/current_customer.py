"""What a customer is before a change, as far as it can be known, and after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from clover_nb.api.platform import PlatformAPI
from clover_nb.constants import ADDRESS_FIELDS, RECIPIENT_FIELDS
from clover_nb.journal.entries import Fields, Write
from clover_nb.records import Record, flatten, list_elements
from clover_nb.validation import drop_missing
from clover_nb.writes.executor import WriteExecutor
from clover_nb.writes.outcome import WriteResult
from clover_nb.writes.shipping import known_recipient


class CurrentCustomer(NamedTuple):
    """A customer before a change: the fields, the address, and the Platform API's id of it."""

    fields: dict[str, Any] | None
    address: dict[str, Any]
    address_id: str | None


class CurrentCustomerReader:
    """Reads customers before they are changed: from Clover, the journal, or the last answer.

    Without a merchant id nothing can be read, and what the Ecommerce API answered last to this
    connection is all that is known.
    """

    def __init__(self, platform: PlatformAPI, writes: WriteExecutor) -> None:
        self._platform = platform
        self._writes = writes
        self._answers: dict[str, Record] = {}  # by customer id

    def read(self, customer_id: str, *, fresh: bool = False) -> CurrentCustomer:
        """A customer as Clover has it; what was answered last will not do for ``fresh``."""
        if not self._platform.can_read and not fresh:
            answer = self._answers.get(customer_id)
            address = _as_block(_as_block((answer or {}).get("shipping")).get("address"))
            return CurrentCustomer(flatten(answer) if answer else None, address, None)
        record = self._platform.get_customer(customer_id)
        fields = flatten(record)
        address = {part: fields[f"shipping_{part}"] for part in ADDRESS_FIELDS}
        addresses = list_elements(record.get("addresses"))
        first = addresses[0] if addresses and isinstance(addresses[0], dict) else {}
        for part in ("name", "phone"):  # the Platform API has none: they are not empty but unknown
            del fields[f"shipping_{part}"]
        return CurrentCustomer(fields, {k: v for k, v in address.items() if v}, first.get("id"))

    def find_recipient(self, customer_id: str, before: Fields | None) -> Fields | None:
        """The recipient, where it is known for sure; without reading, as it was seen last."""
        if self._platform.can_read:
            return known_recipient(self._writes.entries_of(customer_id), before or {})
        shipping = _as_block(self._answers.get(customer_id, {}).get("shipping"))
        return {part: shipping[part] for part in RECIPIENT_FIELDS if part in shipping}

    def complete_record(self, result: WriteResult, write: Write) -> Record:
        """What was answered, with the recipient, or the note, which the API that did it lacks."""
        record, before = result.record, write.before or {}
        if result.api == "ecommerce" and (note := before.get("note")):
            record = {**record, "metadata": {"note": note}}
        if result.api == "platform":
            if write.api == "ecommerce" and "shipping" in write.sent:
                sent = write.sent["shipping"]
                shipping = {part: sent[part] for part in RECIPIENT_FIELDS if part in sent}
            else:
                shipping = {part: before.get(f"shipping_{part}") for part in RECIPIENT_FIELDS}
            record = {**record, "shipping": drop_missing(shipping)}
        if not self._platform.can_read:
            self._answers[record["id"]] = record
        return record

    def forget(self, customer_id: str) -> None:
        """Forget what was answered of a customer who is deleted."""
        self._answers.pop(customer_id, None)


def _as_block(value: object) -> dict[str, Any]:
    """A block of an answer; an empty one for whatever is none."""
    return dict(value) if isinstance(value, Mapping) else {}
