"""Sending one write: which of Clover's calls makes it, and what the answer says."""

from __future__ import annotations

from typing import Final, NamedTuple

from clover_nb import errors
from clover_nb.api.answers import wrong_record
from clover_nb.api.ecommerce import EcommerceAPI
from clover_nb.api.platform import PlatformAPI
from clover_nb.journal.entries import API, Fields, Write
from clover_nb.records import Record, flatten
from clover_nb.transport.http import AmbiguousWriteError, Response
from clover_nb.writes.outcome import UNREADABLE

_METADATA: Final = "metadata_"  # how the names of the fields begin that are noted with the note


class WriteResult(NamedTuple):
    """What a write has led to.

    Attributes:
        record: The customer since, or what was deleted.
        api: Which API says so.
        fields: The record's, where they were read already.
        entry: Its number in the journal.
    """

    record: Record
    api: API
    fields: Fields | None = None
    entry: int = 0


class WriteSender:
    """Sends the writes of one connection, each once.

    Args:
        ecommerce: The API that creates and changes customers.
        platform: The API that changes what the other can't, and reads it back.
    """

    def __init__(self, ecommerce: EcommerceAPI, platform: PlatformAPI) -> None:
        self._ecommerce = ecommerce
        self._platform = platform

    def send(self, write: Write) -> WriteResult:
        """Send a write.

        Raises:
            AmbiguousWriteError: The answer was lost or makes no sense: it may have been made.
            CloverError: It was not made.
        """
        key = write.customer_id or ""
        if write.operation == "create" and write.api == "platform":
            address = write.sent.get("shipping", {}).get("address")
            customer = self._platform.create_customer({**write.sent, "address": address})
            return WriteResult(customer, "platform")
        if write.operation == "create":
            return _parse_answer(self._ecommerce.create_customer(write.sent))
        if write.operation == "delete":
            return WriteResult(self._platform.delete_customer(key), "platform")
        if write.operation == "delete_source":
            return WriteResult(
                self._ecommerce.delete_source(key, write.sent["source_id"]), "ecommerce"
            )
        if write.api == "platform":
            return self._send_part(write, key)
        return _parse_answer(self._ecommerce.update_customer(key, write.sent))

    def _send_part(self, write: Write, key: str) -> WriteResult:
        """Change an address or the note alone, and read the customer back."""
        address = write.sent.get("shipping", {}).get("address")
        if address is None:
            # No source says whether what is left out stays, so all that is known is sent along.
            noted = {
                name.removeprefix(_METADATA): value
                for name, value in (write.before or {}).items()
                if name.startswith(_METADATA)
            }
            self._platform.update_metadata(key, noted | {"note": write.sent["note"]})
        elif write.address_id is None:
            self._platform.create_address(key, address)
        elif any(address.values()):
            self._platform.update_address(key, write.address_id, address)
        else:
            self._platform.delete_address(key, write.address_id)
        try:
            return WriteResult(self._platform.get_customer(key), "platform")
        except errors.CloverError as error:  # made, most likely: it must not look failed
            raise AmbiguousWriteError(error) from None


def _parse_answer(answer: Response) -> WriteResult:
    """An answer that makes sense; one that makes none does not tell what was done."""
    try:
        return WriteResult(answer, "ecommerce", flatten(answer))
    except UNREADABLE:
        raise AmbiguousWriteError(wrong_record(answer)) from None
