"""Customers as pandas rows: one schema for the JSON of both APIs.

One record becomes a :class:`pandas.Series`, many a :class:`pandas.DataFrame`. Both are filled
column by column from the same functions, so that they can't differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa

Record = Mapping[str, Any]

_TEXT: Final = pa.large_string()
_TIME: Final = pa.timestamp("ms", "UTC")
_NUMBER: Final = pa.int64()
_LIST: Final = pa.list_(pa.string())

#: The columns of every row and frame, in order, and what Arrow keeps them as.
SCHEMA: Final[dict[str, pa.DataType]] = {
    "id": _TEXT,
    "created": _TIME,
    "email": _TEXT,
    "name": _TEXT,
    "first_name": _TEXT,
    "last_name": _TEXT,
    "phone": _TEXT,
    "currency": _TEXT,
    "marketing_allowed": pa.bool_(),
    "shipping_name": _TEXT,
    "shipping_phone": _TEXT,
    "shipping_line1": _TEXT,
    "shipping_line2": _TEXT,
    "shipping_city": _TEXT,
    "shipping_state": _TEXT,
    "shipping_postal_code": _TEXT,
    "shipping_country": _TEXT,
    "source_ids": _LIST,
    "card_count": _NUMBER,
    "card_brand": _TEXT,
    "card_last4": _TEXT,
    "card_expiry": _TEXT,
}
CARD_COLUMNS: Final = ("source_ids", "card_count", "card_brand", "card_last4", "card_expiry")

# What the columns above are made of, or what says nothing about the customer: the kind of the
# object, its own address, and the merchant that was asked.
_CONSUMED: Final = frozenset(
    {"id", "created", "customerSince", "email", "emailAddresses", "name", "firstName", "lastName"}
    | {"phone", "phoneNumbers", "currency", "marketingAllowed", "shipping", "addresses", "sources"}
    | {"cards", "object", "href", "merchant"}
)
_LISTS: Final = ("emailAddresses", "phoneNumbers", "addresses", "cards")
_EMPTY: Final[Mapping[str, Any]] = {}

# The Platform API's address has other names than the Ecommerce API's `shipping` (D).
_PLATFORM_ADDRESS: Final = {
    "line1": "address1",
    "line2": "address2",
    "city": "city",
    "state": "state",
    "postal_code": "zip",
    "country": "country",
}


def flat(record: Record) -> dict[str, Any]:
    """One customer's fields by the schema's names: plain values, ``created`` in milliseconds."""
    return {name: values[0] for name, values in _columns([record]).items()}


def to_row(record: Record) -> pd.Series[Any]:
    """One customer as a row.

    Args:
        record: A customer as Clover's Ecommerce API (v1) or Platform API (v3) gives it.

    Returns:
        A Series of dtype object, named by the customer id, with the id in it too: ``row["id"]``,
        ``row["email"]``. Mind that ``row.name`` is the id and ``row["name"]`` the person. Its
        labels are the schema's columns, then the fields that the schema doesn't know, under
        Clover's names. A missing value is ``None``; ``created`` is a UTC Timestamp.

    Example:
        >>> row = to_row({"id": "7QK2M9ZX4T0BC", "created": 0, "email": "ana@example.com"})
        >>> row["email"], row.name
        ('ana@example.com', '7QK2M9ZX4T0BC')
    """
    columns = {name: values[0] for name, values in _columns([record]).items()}
    if columns["created"] is not None:
        columns["created"] = pd.Timestamp(columns["created"], unit="ms", tz="UTC")
    labels = _ROW_LABELS if len(columns) == len(_ROW_LABELS) else pd.Index(columns)
    return pd.Series(list(columns.values()), index=labels, dtype=object, name=columns["id"])


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Many customers as a table.

    Args:
        records: Customers as either API gives them, mixed if need be.

    Returns:
        A DataFrame whose index, named ``id``, is the customer id; no ``id`` column. Text columns
        have dtype ``str``, ``created`` is ``datetime64[ms, UTC]``, ``source_ids`` an Arrow list of
        text. Fields that the schema doesn't know follow as columns under Clover's names.
    """
    return _frame(_columns(list(records)))


def upsert(table: pd.DataFrame, row: pd.Series[Any]) -> pd.DataFrame:
    """The table with the row in it: in its old place when the customer is there, else at the end.

    An answer to a change doesn't carry all that a table may know (the card's brand, say), so a
    value that the row lacks is kept from the table. Card columns are not kept once the customer's
    cards have changed.

    Args:
        table: As from :func:`to_frame`; it is not changed.
        row: As from :func:`to_row`.

    Returns:
        A new DataFrame with the dtypes of :func:`to_frame`.
    """
    values = {label: value for label, value in row.items() if _present(value)}
    key = str(row["id"])
    position = table.index.get_indexer(pd.Index([key]))[0]
    if position < 0:
        return _concat([table, _frame({"id": [key]} | {str(k): [v] for k, v in values.items()})])
    old = table.iloc[position]
    moved = "source_ids" in values and list(old["source_ids"]) != list(values["source_ids"])
    kept = {
        label: value
        for label, value in old.items()
        if _present(value) and not (moved and label in CARD_COLUMNS)
    }
    merged = {"id": key} | kept | values
    new = _frame({str(label): [value] for label, value in merged.items()})
    return _concat([table.iloc[:position], new, table.iloc[position + 1 :]])


def _present(value: object) -> bool:
    return isinstance(value, list | dict) or not bool(pd.isna(value))  # type: ignore[call-overload]  # any scalar


def _concat(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    filled = [part.reindex(columns=columns).astype(parts[0].dtypes) for part in parts if len(part)]
    return pd.concat(filled) if filled else parts[0]


# -- JSON to columns ---------------------------------------------------------------------------


def _columns(records: Sequence[Record]) -> dict[str, list[Any]]:
    shipping = [record.get("shipping") or _EMPTY for record in records]
    own_address = [each.get("address") or _EMPTY for each in shipping]
    emails, phones, addresses, cards = (
        [elements(record.get(name)) for record in records] for name in _LISTS
    )
    sources = [_source_ids(record, held) for record, held in zip(records, cards, strict=True)]
    newest = [held[0] if held and isinstance(held[0], Mapping) else _EMPTY for held in cards]
    columns: dict[str, list[Any]] = {
        "id": [record.get("id") for record in records],
        "created": [record.get("created") or record.get("customerSince") for record in records],
        "email": [
            record.get("email") or _first(each, "emailAddress", "primaryEmail")
            for record, each in zip(records, emails, strict=True)
        ],
        "name": [record.get("name") or _joined(record) for record in records],
        "first_name": [record.get("firstName") for record in records],
        "last_name": [record.get("lastName") for record in records],
        "phone": [
            record.get("phone") or _first(each, "phoneNumber")
            for record, each in zip(records, phones, strict=True)
        ],
        "currency": [record.get("currency") for record in records],
        "marketing_allowed": [record.get("marketingAllowed") for record in records],
        "shipping_name": [each.get("name") for each in shipping],
        "shipping_phone": [each.get("phone") for each in shipping],
        "source_ids": sources,
        "card_count": [len(ids) for ids in sources],
        "card_brand": [card.get("cardType") for card in newest],
        "card_last4": [card.get("last4") for card in newest],
        "card_expiry": [
            expiry(month_year[:2], month_year[2:])  # MMYY
            for month_year in [card.get("expirationDate") or "" for card in newest]
        ],
    }
    first_address = [each[0] if each else _EMPTY for each in addresses]
    for field, platform in _PLATFORM_ADDRESS.items():
        columns[f"shipping_{field}"] = [
            own.get(field) or first.get(platform)
            for own, first in zip(own_address, first_address, strict=True)
        ]
    columns = {name: columns[name] for name in SCHEMA}
    for position, record in enumerate(records):
        for name, value in _unknown(record):
            columns.setdefault(name, [None] * len(records))[position] = value
    return columns


def elements(value: object) -> list[Any]:
    """The items of a list in any of Clover's spellings: bare, ``elements`` or ``data``."""
    if isinstance(value, Mapping):
        value = value.get("elements", value.get("data"))
        if isinstance(value, Mapping):  # 2019: {"data": {"elements": [...]}}
            value = value.get("elements")
    return list(value) if isinstance(value, list) else []


def _source_ids(record: Record, cards: Sequence[Any]) -> list[str]:
    held = elements(record.get("sources")) or cards
    return [str(card["id"] if isinstance(card, Mapping) else card) for card in held]


def _first(items: Sequence[Any], field: str, preferred: str = "") -> Any:  # noqa: ANN401  JSON
    for item in items:
        if preferred and item.get(preferred):
            return item.get(field)
    return items[0].get(field) if items else None


def _joined(record: Record) -> str | None:
    return " ".join(filter(None, (record.get("firstName"), record.get("lastName")))) or None


def expiry(month: object, year: object) -> str | None:
    """A card's month and year, in any number of digits, as ``YYYY-MM``, which sorts."""
    if not month or not year:
        return None
    return f"20{str(year)[-2:]}-{month!s:0>2}"


def _unknown(record: Record) -> Iterable[tuple[str, Any]]:
    """What the schema has no column for: kept under Clover's name."""
    for name in record.keys() - _CONSUMED:
        yield name, record[name]
    for name in _LISTS:
        if len(items := elements(record.get(name))) > 1:
            yield name, items
    shipping = record.get("shipping")
    if shipping:
        address = shipping.get("address") or _EMPTY
        for part, known in ((shipping, ("name", "phone", "address")), (address, _PLATFORM_ADDRESS)):
            for name in part.keys() - set(known):
                yield f"shipping_{name}", part[name]


# -- columns to pandas -------------------------------------------------------------------------


def _frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    ids = columns["id"]
    index = pd.Index(_array(ids, _TEXT), name="id")
    known = {
        name: _array(columns.get(name) or [None] * len(ids), kind)
        for name, kind in SCHEMA.items()
        if name != "id"
    }
    extra = {
        name: pd.Series(values, dtype=object, index=index)
        for name, values in columns.items()
        if name not in SCHEMA
    }
    return pd.DataFrame(known | extra, index=index)


def _array(values: list[Any], kind: pa.DataType) -> Any:  # noqa: ANN401  a pandas array
    if kind == _NUMBER:
        return pd.array([value or 0 for value in values], dtype="int64")
    if kind == _TEXT:
        return pd.array(_arrow(values, kind), dtype="str")
    if kind == _TIME:
        return _arrow(values, kind).to_pandas().array
    if kind == _LIST:
        return pd.arrays.ArrowExtensionArray(_arrow([value or [] for value in values], kind))
    return pd.array(values, dtype="boolean")


def _arrow(values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # a type that Clover never sent
        if kind == _TEXT:
            return pa.array([None if v is None else str(v) for v in values], kind)
        return pa.array([v if isinstance(v, int) else None for v in values], kind)


_ROW_LABELS: Final = pd.Index(SCHEMA)
