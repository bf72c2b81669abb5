"""Which call changes a shipping block, so that nothing is lost that nobody named.

The Ecommerce API replaces ``shipping`` as a whole, and the Platform API shows its address alone:
the recipient's name and phone, the carrier and the tracking number can't be read. So the block is
sent whole by PUT only where the rest of it is known for sure. Elsewhere an address is changed by
the Platform API's own call for it (D), which can't touch a recipient. Nothing is written in order
to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from clover_nb import constants
from clover_nb.constants import RECIPIENT_FIELDS, WHOLE_ADDRESS_FIELDS
from clover_nb.errors import ValidationError
from clover_nb.journal.entries import API, Entry, Fields
from clover_nb.masking import HIDDEN
from clover_nb.writes.conflicts import COMPARED, find_changes

# What a block is known by: cards and notes say nothing of shipping.
_SIGNS: Final = tuple(label for label in COMPARED if label not in ("source_ids", "note"))
# All that the Platform API wants of an address but what it fills in itself.
_REQUIRED: Final = tuple(part for part in WHOLE_ADDRESS_FIELDS if part != "country")


class ShippingChange(NamedTuple):
    """What is sent to change a shipping block.

    Attributes:
        sent: The block.
        api: The Ecommerce API takes it whole; the Platform API its address alone.
    """

    sent: dict[str, Any]
    api: API


def choose_shipping_call(
    given: Mapping[str, Any], address: Fields, recipient: Fields | None
) -> ShippingChange | None:
    """Say how a block is changed.

    Args:
        given: The parts to change; ``None`` takes a part off.
        address: The address as it is.
        recipient: The other parts as they are; ``None`` where they are not known.

    Returns:
        The change; ``None`` where no part is named.

    Raises:
        ValidationError: The address can be changed alone only when it is whole.
    """
    named = given.get("address", {})
    if named is None:
        named = dict.fromkeys(constants.ADDRESS_FIELDS)
    merged = {**address, **named}
    if recipient is not None or any(part in given for part in RECIPIENT_FIELDS):
        others = {part: given.get(part, (recipient or {}).get(part)) for part in RECIPIENT_FIELDS}
        return ShippingChange(_drop_empty({**others, "address": _drop_empty(merged)}), "ecommerce")
    if not named:
        return None
    if any(merged.values()):
        merged["country"] = merged.get("country") or "US"  # D: as Clover fills it in
        _require_whole(merged)
    return ShippingChange({"address": merged}, "platform")


def known_recipient(entries: Iterable[Entry], now: Fields) -> dict[str, Any] | None:
    """The recipient, carrier and tracking number, where the journal knows them for sure.

    They are those of the last block that was written, if the record is as the last answer left it
    and the last answer that shows them agrees.

    Args:
        entries: The customer's entries, newest first.
        now: The customer's fields as they are.
    """
    newest: Fields | None = None
    answered: Fields | None = None
    for entry in entries:
        if entry.outcome in ("refused", "not done") or entry.write.operation == "delete_source":
            continue
        if entry.outcome != "done" or entry.after is None:
            return None
        if newest is None:
            newest = entry.after
            if find_changes(newest, now, _SIGNS):
                return None
        if answered is None and entry.answered_by == "ecommerce":
            answered = entry.after
        write = entry.write
        if write.api == "ecommerce" and (write.operation == "create" or "shipping" in write.sent):
            block = write.sent.get("shipping") or {}
            recipient = {part: block[part] for part in RECIPIENT_FIELDS if block.get(part)}
            return recipient if _matches_answer(recipient, answered) else None
    return None


def recipient_fields(recipient: Fields | None) -> dict[str, Any]:
    """A recipient as the fields of a row; none where it is not known."""
    return (
        {} if recipient is None else {f"shipping_{p}": recipient.get(p) for p in RECIPIENT_FIELDS}
    )


def _matches_answer(recipient: Fields, answered: Fields | None) -> bool:
    """Whether an answer shows this recipient; it echoes the customer's for one not given (D)."""
    if HIDDEN in recipient.values():
        return False
    return answered is None or all(
        answered.get(f"shipping_{part}")
        in ((recipient[part],) if part in recipient else _possible_echoes(part, answered))
        for part in RECIPIENT_FIELDS
    )


def _possible_echoes(part: str, shown: Fields) -> tuple[Any, ...]:
    return (None, shown.get(part)) if part in ("name", "phone") else (None,)


def _require_whole(address: Fields) -> None:
    for part in _REQUIRED:
        if not address.get(part):
            raise ValidationError(
                f"shipping.address.{part} is missing.",
                hint="Clover does not show who the recipient is, so the address is changed by "
                "itself, and whole. Give this part too, or name the recipient.",
                field=f"shipping.address.{part}",
            )


def _drop_empty(block: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if value not in (None, {})}
