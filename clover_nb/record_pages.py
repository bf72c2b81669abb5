"""Whole pages of Platform records as Arrow columns, which reads them in one go, in C++.

It gives the values that :func:`clover_nb.records.flatten` gives, for the records that every page is
full of. Those that are otherwise are told apart, for `flat`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from clover_nb.records import CONSUMED, LISTS, NUMBER, SCHEMA, TEXT, Record, masked, month_year

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


def read(records: Sequence[Any]) -> Page:
    """Customers as Clover gives them, or anything else in their place, which is odd."""
    parts = [pa.array([], _USED)]
    odd: dict[int, Record] = {}
    for start in range(0, len(records), _AT_ONCE):
        some = records[start : start + _AT_ONCE]
        try:
            part, whole = _array(some)
        except (ValueError, TypeError, OverflowError, KeyError):  # Arrow's are among them
            part, whole = pa.nulls(len(some), _USED), False
            odd |= enumerate(some, start)
        if not whole:
            odd |= {at: each for at, each in enumerate(some, start) if not _plain(each)}
        parts.append(part)
    array = pa.concat_arrays(parts)
    odd |= {at: records[at] for at in _not_one(array)}
    return _page(array, lambda name, those: [records[at][name]["elements"] for at in those], odd)


def parsed(content: bytes) -> Page | None:
    """A page as it came, read without a Python object for each value, and beside other threads.

    Returns:
        ``None`` when something is in it that can't be told so. Arrow doesn't tell ``null`` from
        nothing, so that is left alone too.
    """
    block = arrow_json.ReadOptions(use_threads=False, block_size=len(content) + 1)
    try:
        if _NULL.search(content):
            return None
        content.decode()  # Arrow itself takes any bytes for text
        table = arrow_json.read_json(pa.BufferReader(content), block, _AS_SENT)
    except ValueError:  # Arrow's error, or not UTF-8
        return None
    if len(table) != 1 or not table["elements"][0].is_valid:
        return None
    whole = table["elements"].chunk(0).flatten()
    names = {field.name for field in whole.type}
    if names & CONSUMED - _PLAIN or not _kept(whole.type):
        return None
    odd = {position: _sent(whole[position].as_py()) for position in _not_one(whole)}
    return _page(whole, lambda name, those: _some(_items(whole, name), those), odd)


def _kept(kind: pa.DataType) -> bool:
    """Whether values of a type are as they came: Arrow makes times of texts that look like one."""
    if pa.types.is_struct(kind):
        return all(_kept(field.type) for field in kind)
    if pa.types.is_list(kind):
        return _kept(kind.value_type)
    return kind in (TEXT, pa.string(), NUMBER, pa.bool_(), pa.null())


# -- Clover docs, Platform API reference: what a customer has ------------------------------------


def _listed(*texts: str) -> pa.DataType:
    return pa.struct({"elements": pa.list_(pa.struct(dict.fromkeys(texts, TEXT)))})


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
_AS_SENT: Final = arrow_json.ParseOptions(
    explicit_schema=pa.schema({"elements": pa.list_(_USED)}), unexpected_field_behavior="infer"
)
_NULL: Final = re.compile(rb"null")  # which finds it sooner than `in` does
# The names of a record's own fields by which a line can be told; the Ecommerce API has others.
_PLAIN: Final = CONSUMED - {"created", "currency", "email", "name", "phone", "shipping", "sources"}


def _array(records: Sequence[Any]) -> tuple[pa.StructArray, bool]:
    """Records as Arrow has them, and whether that is all that is in them.

    Lists are taken apart in Python, for their items' names are looked at too.
    """
    whole = set().union(*records) <= _PLAIN
    columns = pa.array(records, pa.struct(_OWN)).flatten()
    for name, (_, known) in LISTS.items():
        held = [record[name]["elements"] if name in record else () for record in records]
        items = list(chain.from_iterable(held))
        whole = whole and set().union(*items) <= known
        offsets = np.zeros(len(held) + 1, np.int32)
        np.cumsum(np.fromiter(map(len, held), np.int32, len(held)), out=offsets[1:])
        kind = _USED.field(name).type
        array = pa.array(items, kind.field("elements").type.value_type)
        lists = pa.ListArray.from_arrays(pa.array(offsets), array)
        columns.append(pa.StructArray.from_arrays([lists], fields=list(kind)))
    return pa.StructArray.from_arrays(columns, fields=list(_USED)), whole


def _plain(record: Record) -> bool:
    """Whether there is nothing in a record but what a line of the schema is made of."""
    try:
        return _PLAIN.issuperset(record) and all(
            known.issuperset(item)
            for name, (_, known) in LISTS.items()
            if name in record
            for item in record[name]["elements"]
        )
    except (KeyError, TypeError):
        return False


# -- records to columns ----------------------------------------------------------------------------


def _not_one(whole: pa.StructArray) -> list[int]:
    """The records with several email addresses, one of which may be preferred, or with no list."""
    odd = _positions(pc.greater(pc.list_value_length(_items(whole, "emailAddresses")), 1))
    for name in LISTS:
        block, items = whole.field(name), _items(whole, name)
        if items.null_count > block.null_count:
            odd += _positions(pc.and_(block.is_valid(), items.is_null()))
    return odd


def _page(
    whole: pa.StructArray,
    items: Callable[[str, Sequence[int]], list[list[Any]]],
    odd: dict[int, Record],
) -> Page:
    """The page of these records; `items` gives lists of a name as they came, by position."""
    extra = {
        field.name: _values(whole.field(field.name))
        for field in whole.type
        if field.name not in CONSUMED
    }
    firsts = {name: _First(_items(whole, name)) for name in LISTS}
    for name, (prefix, known) in LISTS.items():
        first = firsts[name]
        several = _positions(pc.greater(first.count, 1))
        extra[name] = dict(zip(several, items(name, several), strict=True))
        for field in first.fields():
            if field not in known:
                values = _values(first.field(field))
                extra[f"{prefix}_{field}"] = {
                    at: value for at, value in values.items() if at not in extra[name]
                }
    kept = {
        name: {at: masked(value) for at, value in values.items() if at not in odd}
        for name, values in extra.items()
    }
    columns = _columns(whole, firsts)
    return Page(columns, {name: values for name, values in kept.items() if values}, odd)


class _First:
    """The first item of each list of a column, or nothing."""

    def __init__(self, items: pa.ListArray) -> None:
        self.count = pc.list_value_length(items)
        self._values = items.values
        self._position = pc.if_else(pc.greater(self.count, 0), items.offsets[:-1], None)

    def fields(self) -> list[str]:
        """The names of the fields of which there are any."""
        columns = zip(self._values.type, self._values.flatten(), strict=True)
        return [field.name for field, column in columns if column.null_count < len(column)]

    def field(self, name: str) -> pa.Array:
        return self._values.field(name).take(self._position)


def _items(whole: pa.StructArray, name: str) -> pa.ListArray:
    return whole.field(name).field("elements")


def _positions(true: pa.BooleanArray) -> list[int]:
    positions: list[int] = pc.indices_nonzero(true).to_pylist()
    return positions


def _values(values: pa.Array) -> dict[int, Any]:
    """What there is, by position."""
    there = _positions(values.is_valid())
    return dict(zip(there, _some(values, there), strict=True))


def _some(values: pa.Array, those: Sequence[int]) -> list[Any]:
    """Some values as they came, by position."""
    return list(map(_sent, values.take(pa.array(those, NUMBER)).to_pylist()))


def _sent(value: Any) -> Any:  # noqa: ANN401  JSON
    """A value without what Arrow says of fields that weren't there."""
    if isinstance(value, dict):
        return {name: _sent(part) for name, part in value.items() if part is not None}
    return [_sent(part) for part in value] if isinstance(value, list) else value


def _columns(whole: pa.StructArray, firsts: dict[str, _First]) -> dict[str, pa.Array]:
    email, phone, address, card = (first.field for first in firsts.values())
    first, last = whole.field("firstName"), whole.field("lastName")
    cards = _items(whole, "cards")
    columns = {
        "id": whole.field("id"),
        "created": whole.field("customerSince").cast(SCHEMA["created"]),
        "email": email("emailAddress"),
        "name": _joined(first, last),
        "first_name": first,
        "last_name": last,
        "phone": phone("phoneNumber"),
        "marketing_allowed": whole.field("marketingAllowed"),
        **{name: address(theirs) for name, theirs in _ADDRESS.items()},
        "source_ids": pa.ListArray.from_arrays(
            cards.offsets, cards.values.field("id").cast("string")
        ),
        "card_count": pc.fill_null(firsts["cards"].count, 0).cast(NUMBER),
        "card_brand": card("cardType"),
        "card_last4": card("last4"),
        "card_expiry": _expiry(card("expirationDate")),
    }
    nothing = {name: kind for name, kind in SCHEMA.items() if name not in columns}
    return columns | {name: pa.nulls(len(whole), kind) for name, kind in nothing.items()}


def _joined(first: pa.Array, last: pa.Array) -> pa.Array:
    first, last = (pc.if_else(pc.equal(part, ""), None, part) for part in (first, last))
    return pc.coalesce(pc.binary_join_element_wise(first, last, pa.scalar(" ", TEXT)), first, last)


def _expiry(digits: pa.Array) -> pa.Array:
    """There are few months, however many cards."""
    months = digits.dictionary_encode()
    told = pa.array([month_year(each) for each in months.dictionary.to_pylist()], TEXT)
    return told.take(months.indices)
