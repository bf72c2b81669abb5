"""Whole pages of Platform records as Arrow columns, which reads them in one go, in C++.

It gives the values that :func:`clover_nb._records.flat` gives, for the records that every page is
full of. Those that are otherwise are told apart, for `flat`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from clover_nb._records import CONSUMED, LISTS, NUMBER, SCHEMA, TEXT, Record, masked, month_year

# Records that are read at once, few enough to be in the processor's cache when they are checked.
_AT_ONCE: Final = 1000


@dataclass(frozen=True)
class Page:
    """Some records as columns.

    Attributes:
        columns: Those of the schema, a line for each record.
        extra: What the schema has no column for, by Clover's names and the records' positions.
        odd: The records whose line is not right, by position.
    """

    columns: dict[str, pa.Array]
    extra: dict[str, dict[int, Any]]
    odd: dict[int, Record]

    def __len__(self) -> int:
        return len(self.columns["id"])


def read(records: Sequence[Any]) -> Page | None:
    """Customers as Clover gives them; ``None`` when there is a type that Clover never sent."""
    parts: list[pa.StructArray] = []
    odd: dict[int, Record] = {}
    try:
        for start in range(0, len(records), _AT_ONCE):
            some = records[start : start + _AT_ONCE]
            parts.append(pa.array(some, _USED))
            if not _all_known(some):
                odd |= {
                    position: record
                    for position, record in enumerate(some, start)
                    if not _all_known([record])
                }
    except (ValueError, TypeError, OverflowError):  # Arrow's are among them
        return None
    whole = pa.concat_arrays(parts or [pa.array([], _USED)])
    odd |= {position: records[position] for position in _not_one(whole)}
    return _page(whole, lambda name, position: records[position][name]["elements"], odd)


def parsed(content: bytes) -> Page | None:
    """A page as it came, read without a Python object for each value, and beside other threads.

    Returns:
        ``None`` when something is in it that Clover's reference doesn't have. Arrow doesn't tell
        ``null`` from nothing, so that is left alone too.
    """
    block = arrow_json.ReadOptions(use_threads=False, block_size=len(content) + 1)
    try:
        if b"null" in content:
            return None
        content.decode()  # Arrow itself takes any bytes for text
        table = arrow_json.read_json(pa.BufferReader(content), block, _AS_SENT)
    except ValueError:  # Arrow's error, or not UTF-8
        return None
    if len(table) != 1 or not table["elements"][0].is_valid:
        return None
    whole = table["elements"].chunk(0).flatten()
    odd = {position: _sent(whole[position].as_py()) for position in _not_one(whole)}
    return _page(whole, lambda name, position: _sent(_items(whole, name)[position].as_py()), odd)


# -- Clover docs, Platform API reference: what a customer has ------------------------------------


def _struct(*texts: str, **others: pa.DataType) -> pa.DataType:
    return pa.struct(dict.fromkeys(texts, TEXT) | others)


def _listed(*texts: str, **others: pa.DataType) -> pa.DataType:
    return pa.struct({"elements": pa.list_(_struct(*texts, **others))})


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
    "id": TEXT,
    "customerSince": NUMBER,
    "firstName": TEXT,
    "lastName": TEXT,
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
_REFERENCE: Final = _struct("id")
_SENT: Final = pa.struct(
    _OWN
    | {
        "href": TEXT,
        "merchant": _REFERENCE,
        "orders": _listed("id"),
        "emailAddresses": _listed(
            "id",
            "emailAddress",
            primaryEmail=pa.bool_(),
            verifiedTime=NUMBER,
            customer=_REFERENCE,
        ),
        "phoneNumbers": _listed("id", "phoneNumber", customer=_REFERENCE),
        "addresses": _listed("id", *_ADDRESS.values(), "address3", customer=_REFERENCE),
        "cards": _listed(
            *_CARD,
            *("first6", "token", "tokenType", "firstName", "lastName"),
            modifiedTime=NUMBER,
            additionalInfo=_struct("default", "zip", isPurchaseCard=pa.bool_()),
            customer=_REFERENCE,
        ),
        "metadata": _struct(
            *("businessName", "note"),
            **dict.fromkeys(("dobYear", "dobMonth", "dobDay", "modifiedTime"), NUMBER),
            customer=_REFERENCE,
        ),
    }
)
_AS_SENT: Final = arrow_json.ParseOptions(
    explicit_schema=pa.schema({"elements": pa.list_(_SENT), "href": TEXT}),
    unexpected_field_behavior="error",
)
_PLAIN: Final = frozenset(field.name for field in _SENT) & CONSUMED


def _all_known(records: Iterable[Record]) -> bool:
    """Whether there is nothing in the records but what a line of the schema is made of."""
    try:
        return set().union(*records) <= _PLAIN and all(
            set().union(*_each(records, name)) <= known for name, (_, known) in LISTS.items()
        )
    except (KeyError, TypeError):  # not a list, or not of objects
        return False


def _each(records: Iterable[Record], name: str) -> Iterable[Record]:
    return chain.from_iterable(record[name]["elements"] for record in records if name in record)


# -- records to columns ----------------------------------------------------------------------------


def _not_one(whole: pa.StructArray) -> list[int]:
    """The records with several email addresses, one of which may be preferred, or with no list."""
    odd = pc.greater(_lengths(_items(whole, "emailAddresses")), 1)
    for name in LISTS:
        odd = pc.or_(odd, pc.and_(whole.field(name).is_valid(), _items(whole, name).is_null()))
    return _positions(odd)


def _page(
    whole: pa.StructArray, items: Callable[[str, int], list[Any]], odd: dict[int, Record]
) -> Page:
    """The page of these records; `items` gives one of a record's lists as it came."""
    extra = {
        field.name: _values(whole.field(field.name))
        for field in whole.type
        if field.name not in CONSUMED
    }
    for name, (prefix, known) in LISTS.items():
        held = _items(whole, name)
        several = pc.greater(_lengths(held), 1)
        extra[name] = {at: masked(items(name, at)) for at in _positions(several)}
        for field in held.type.value_type:
            if field.name not in known:
                only = pc.if_else(several, None, _first(held).field(field.name))
                extra[f"{prefix}_{field.name}"] = _values(only)
    return Page(
        _columns(whole),
        {
            name: kept
            for name, values in extra.items()
            if (kept := {at: value for at, value in values.items() if at not in odd})
        },
        odd,
    )


def _items(whole: pa.StructArray, name: str) -> pa.ListArray:
    return whole.field(name).field("elements")


def _lengths(items: pa.ListArray) -> pa.Array:
    return pc.fill_null(pc.list_value_length(items), 0)


def _positions(true: pa.BooleanArray) -> list[int]:
    positions: list[int] = pc.indices_nonzero(true).to_pylist()
    return positions


def _values(values: pa.Array) -> dict[int, Any]:
    """What there is, by position."""
    there = _positions(values.is_valid())
    return (
        dict(zip(there, map(_sent, values.take(there).to_pylist()), strict=True)) if there else {}
    )


def _sent(value: Any) -> Any:  # noqa: ANN401  JSON
    """A value without what Arrow says of fields that weren't there."""
    if isinstance(value, dict):
        return {name: _sent(part) for name, part in value.items() if part is not None}
    return [_sent(part) for part in value] if isinstance(value, list) else value


def _columns(whole: pa.StructArray) -> dict[str, pa.Array]:
    cards = _items(whole, "cards")
    email, phone, address, card = (_first(_items(whole, name)) for name in LISTS)
    first, last = whole.field("firstName"), whole.field("lastName")
    columns = {
        "id": whole.field("id"),
        "created": whole.field("customerSince").cast(SCHEMA["created"]),
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
        "card_count": _lengths(cards).cast(NUMBER),
        "card_brand": card.field("cardType"),
        "card_last4": card.field("last4"),
        "card_expiry": _expiry(card.field("expirationDate")),
    }
    nothing = {name: kind for name, kind in SCHEMA.items() if name not in columns}
    return columns | {name: pa.nulls(len(whole), kind) for name, kind in nothing.items()}


def _first(items: pa.ListArray) -> pa.StructArray:
    """The first item of each list, or nothing."""
    position = pc.if_else(pc.greater(_lengths(items), 0), items.offsets[:-1], None)
    taken = items.values.take(position)
    return pa.StructArray.from_arrays(taken.flatten(), fields=list(taken.type))


def _joined(first: pa.Array, last: pa.Array) -> pa.Array:
    first, last = (pc.if_else(pc.equal(part, ""), None, part) for part in (first, last))
    return pc.coalesce(pc.binary_join_element_wise(first, last, pa.scalar(" ", TEXT)), first, last)


def _expiry(digits: pa.Array) -> pa.Array:
    """There are few months, however many cards."""
    months = digits.dictionary_encode()
    told = pa.array([month_year(each) for each in months.dictionary.to_pylist()], TEXT)
    return told.take(months.indices)
