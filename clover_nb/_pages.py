"""Whole pages of plain Platform records as Arrow columns, which reads them in one go, in C++.

It gives the values that :func:`clover_nb.frames.flat` gives, for the records that every page is
full of: each contact at most once, and nothing that the schema doesn't know. Those that are
otherwise are told apart, for `flat`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

_TEXT: Final = pa.large_string()
_TIME: Final = pa.timestamp("ms", "UTC")


@dataclass(frozen=True)
class Page:
    """Some records as columns.

    Attributes:
        columns: By the schema's names, where there is anything in them; a line for each record.
        cards: The whole cards of records with several, by the records' positions.
        odd: The positions of the records whose line is not right.
    """

    columns: dict[str, pa.Array]
    cards: dict[int, list[Any]]
    odd: list[int]

    def __len__(self) -> int:
        return len(self.columns["id"])


def read(records: Sequence[Any]) -> Page | None:
    """Customers as Clover gives them; ``None`` when there is a type that Clover never sent."""
    try:
        whole = pa.array(records, _USED)
    except (ValueError, TypeError, OverflowError):  # Arrow's are among them
        return None
    several, odd = _longer(whole)
    plain = map(_SENT_NAMES.issuperset, records)
    unknown = {position for position, known in enumerate(plain) if not known}
    cards = {position: records[position]["cards"]["elements"] for position in several}
    return Page(_columns(whole), cards, sorted(unknown.union(odd)))


def parsed(content: bytes) -> Page | None:
    """A page as it came, read without a Python object for each value, and beside other threads.

    Returns:
        ``None`` when a record is odd or something is in it that Clover's reference doesn't have.
        Arrow doesn't tell ``null`` from nothing, so that is odd too.
    """
    block = arrow_json.ReadOptions(use_threads=False, block_size=len(content) + 1)
    try:
        if "null" in content.decode():  # Arrow itself takes any bytes for text
            return None
        table = arrow_json.read_json(pa.BufferReader(content), block, _AS_SENT)
    except ValueError:  # Arrow's error, or not UTF-8
        return None
    if len(table) != 1 or not table["elements"][0].is_valid:
        return None
    whole = table["elements"].chunk(0).flatten()
    several, odd = _longer(whole)
    if odd:
        return None
    cards = _cards(whole)
    return Page(_columns(whole), {at: _sent(cards[at].as_py()) for at in several}, [])


# -- Clover docs, Platform API reference: what a customer has ------------------------------------


def _listed(*texts: str, **others: pa.DataType) -> pa.DataType:
    fields = dict.fromkeys(texts, _TEXT) | others
    return pa.struct({"elements": pa.list_(pa.struct(fields))})


_ADDRESS: Final = {
    "shipping_line1": "address1",
    "shipping_line2": "address2",
    "shipping_city": "city",
    "shipping_state": "state",
    "shipping_postal_code": "zip",
    "shipping_country": "country",
}
_CARD: Final = ("id", "cardType", "last4", "expirationDate")
_OWN: Final = {
    "id": _TEXT,
    "customerSince": pa.int64(),
    "firstName": _TEXT,
    "lastName": _TEXT,
    "marketingAllowed": pa.bool_(),
}
_USED: Final = pa.struct(
    _OWN
    | {
        "emailAddresses": _listed("emailAddress"),
        "phoneNumbers": _listed("phoneNumber"),
        "addresses": _listed(*_ADDRESS.values()),
        "cards": _listed(*_CARD),
    }
)
_REFERENCE: Final = pa.struct({"id": _TEXT})
# The address of the record itself and the merchant that was asked say nothing about the customer.
_SENT: Final = pa.struct(
    _OWN
    | {
        "href": _TEXT,
        "merchant": _REFERENCE,
        "emailAddresses": _listed(
            "id", "emailAddress", primaryEmail=pa.bool_(), customer=_REFERENCE
        ),
        "phoneNumbers": _listed("id", "phoneNumber", customer=_REFERENCE),
        "addresses": _listed("id", *_ADDRESS.values(), customer=_REFERENCE),
        "cards": _listed(
            *_CARD,
            *("first6", "token", "tokenType"),
            modifiedTime=pa.int64(),
            customer=_REFERENCE,
        ),
    }
)
_SENT_NAMES: Final = frozenset(field.name for field in _SENT)
_AS_SENT: Final = arrow_json.ParseOptions(
    explicit_schema=pa.schema({"elements": pa.list_(_SENT), "href": _TEXT}),
    unexpected_field_behavior="error",
)


# -- records to columns ----------------------------------------------------------------------------


def _longer(whole: pa.StructArray) -> tuple[list[int], list[int]]:
    """The records with several cards, and those with several of anything else, or no list."""
    email, phone, address, cards = (pc.greater(_lengths(_items(whole, name)), 1) for name in _LISTS)
    odd = pc.or_(pc.or_(email, phone), address)
    for name in _LISTS:
        there = whole.field(name).is_valid()
        odd = pc.or_(odd, pc.and_(there, _items(whole, name).is_null()))
    return pc.indices_nonzero(cards).to_pylist(), pc.indices_nonzero(odd).to_pylist()


_LISTS: Final = ("emailAddresses", "phoneNumbers", "addresses", "cards")


def _items(whole: pa.StructArray, name: str) -> pa.ListArray:
    return whole.field(name).field("elements")


def _cards(whole: pa.StructArray) -> pa.ListArray:
    return _items(whole, "cards")


def _sent(value: Any) -> Any:  # noqa: ANN401  JSON
    """A value without what Arrow says of fields that weren't there."""
    if isinstance(value, dict):
        return {name: _sent(part) for name, part in value.items() if part is not None}
    return [_sent(part) for part in value] if isinstance(value, list) else value


def _columns(whole: pa.StructArray) -> dict[str, pa.Array]:
    cards = _cards(whole)
    email, phone, address, card = (_first(_items(whole, name)) for name in _LISTS)
    first, last = whole.field("firstName"), whole.field("lastName")
    return {
        "id": whole.field("id"),
        "created": whole.field("customerSince").cast(_TIME),
        "email": email.field("emailAddress"),
        "name": _joined(first, last),
        "first_name": first,
        "last_name": last,
        "phone": phone.field("phoneNumber"),
        "marketing_allowed": whole.field("marketingAllowed"),
        **{name: address.field(theirs) for name, theirs in _ADDRESS.items()},
        "source_ids": pa.ListArray.from_arrays(
            cards.offsets, cards.values.field("id").cast("string")
        ),
        "card_count": _lengths(cards),
        "card_brand": card.field("cardType"),
        "card_last4": card.field("last4"),
        "card_expiry": _expiry(card.field("expirationDate")),
    }


def _lengths(items: pa.ListArray) -> pa.Array:
    return pc.fill_null(pc.list_value_length(items), 0)


def _first(items: pa.ListArray) -> pa.StructArray:
    """The first item of each list, or nothing."""
    position = pc.if_else(pc.greater(_lengths(items), 0), items.offsets[:-1], None)
    taken = items.values.take(position)
    return pa.StructArray.from_arrays(taken.flatten(), fields=list(taken.type))


def _joined(first: pa.Array, last: pa.Array) -> pa.Array:
    first, last = (pc.if_else(pc.equal(part, ""), None, part) for part in (first, last))
    return pc.coalesce(pc.binary_join_element_wise(first, last, _text(" ")), first, last)


def _expiry(month_year: pa.Array) -> pa.Array:
    """MMYY as YYYY-MM."""
    month = pc.utf8_slice_codeunits(month_year, 0, 2)
    year = pc.utf8_slice_codeunits(pc.utf8_slice_codeunits(month_year, 2), -2)
    year = pc.binary_join_element_wise(_text("20"), year, _text(""))
    both = pc.binary_join_element_wise(year, pc.utf8_lpad(month, 2, "0"), _text("-"))
    return pc.if_else(pc.greater(pc.utf8_length(year), 2), both, None)


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, _TEXT)
