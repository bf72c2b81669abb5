"""Customers as pandas rows: one schema for the JSON of both APIs.

One record becomes a :class:`pandas.Series`, many a :class:`pandas.DataFrame`. :func:`flat` says
what each value is; whole pages of plain records take a quicker way to the same values
(:mod:`clover_nb._pages`).
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from clover_nb import _pages, vendor
from clover_nb.settings import Secret

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
_NESTED: Final = (*_LISTS, "sources", "shipping")
_EMPTY: Final[Mapping[str, Any]] = {}


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
    fields = flat(record)
    if type(fields["created"]) is int:
        with suppress(ValueError, OverflowError):  # no time that can be: as it came
            fields["created"] = pd.Timestamp(fields["created"], unit="ms", tz="UTC")
    labels = _ROW_LABELS if len(fields) == len(_ROW_LABELS) else pd.Index(fields)
    return pd.Series(list(fields.values()), index=labels, dtype=object, name=fields["id"])


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Many customers as a table.

    Args:
        records: Customers as either API gives them, mixed if need be.

    Returns:
        A DataFrame whose index, named ``id``, is the customer id; no ``id`` column. Text columns
        have dtype ``str``, ``created`` is ``datetime64[ms, UTC]``, ``source_ids`` an Arrow list of
        text. Fields that the schema doesn't know follow as columns under Clover's names.

    Example:
        >>> to_frame([{"id": "7QK2M9ZX4T0BC", "name": "Ana"}])["name"].to_dict()
        {'7QK2M9ZX4T0BC': 'Ana'}
    """
    return of_pages([list(records)])


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

    Example:
        >>> table = to_frame([{"id": "7QK2M9ZX4T0BC", "name": "Ana"}])
        >>> upsert(table, to_row({"id": "7QK2M9ZX4T0BC", "name": "Bea"}))["name"].tolist()
        ['Bea']
    """
    values = {label: value for label, value in row.items() if _present(value)}
    key = str(row["id"])
    position = table.index.get_indexer(pd.Index([key]))[0]
    if position < 0:
        return _concat([table, _line({"id": key} | values)])
    old = table.iloc[position]
    moved = "source_ids" in values and list(old["source_ids"]) != list(values["source_ids"])
    kept = {
        label: value
        for label, value in old.items()
        if _present(value) and not (moved and label in CARD_COLUMNS)
    }
    merged = {"id": key} | kept | values
    return _concat([table.iloc[:position], _line(merged), table.iloc[position + 1 :]])


def _line(row: Mapping[Any, Any]) -> pd.DataFrame:
    return _frame(*_gathered([{str(label): value for label, value in row.items()}]))


def _present(value: object) -> bool:
    return isinstance(value, list | dict) or not bool(pd.isna(value))  # type: ignore[call-overload]  # any scalar


def _concat(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    filled = [part.reindex(columns=columns).astype(parts[0].dtypes) for part in parts if len(part)]
    return pd.concat(filled) if filled else parts[0]


# -- JSON to values ----------------------------------------------------------------------------


def flat(record: Record) -> dict[str, Any]:
    """One customer's fields by the schema's names: plain values, ``created`` in milliseconds.

    What is nested otherwise than Clover has ever sent it is kept as it came, under Clover's name.
    """
    try:
        return _flat(record)
    except (AttributeError, TypeError, KeyError):
        strange = {name: record[name] for name in _NESTED if name in record}
        return _flat({k: v for k, v in record.items() if k not in strange}) | strange


def _flat(record: Record) -> dict[str, Any]:
    get = record.get
    emails, phones, addresses, cards = (_items(get(name)) for name in _LISTS)
    shipping = get("shipping") or _EMPTY
    own = (shipping.get("address") or _EMPTY).get
    theirs = (addresses[0] if addresses else _EMPTY).get
    held = _items(get("sources")) or cards
    newest = (cards[0] if cards and isinstance(cards[0], dict) else _EMPTY).get
    month_year = newest("expirationDate") or ""
    first, last = get("firstName"), get("lastName")
    fields = {
        "id": get("id"),
        "created": get("created") or get("customerSince"),
        "email": get("email") or _first(emails, "emailAddress", "primaryEmail"),
        "name": get("name") or (f"{first} {last}" if first and last else first or last or None),
        "first_name": first,
        "last_name": last,
        "phone": get("phone") or _first(phones, "phoneNumber"),
        "currency": get("currency"),
        "marketing_allowed": get("marketingAllowed"),
        "shipping_name": shipping.get("name"),
        "shipping_phone": shipping.get("phone"),
        # The Platform API's address has other names (D).
        "shipping_line1": own("line1") or theirs("address1"),
        "shipping_line2": own("line2") or theirs("address2"),
        "shipping_city": own("city") or theirs("city"),
        "shipping_state": own("state") or theirs("state"),
        "shipping_postal_code": own("postal_code") or theirs("zip"),
        "shipping_country": own("country") or theirs("country"),
        "source_ids": [str(each["id"] if isinstance(each, dict) else each) for each in held],
        "card_count": len(held),
        "card_brand": newest("cardType"),
        "card_last4": newest("last4"),
        "card_expiry": expiry(month_year[:2], month_year[2:]),  # MMYY
    }
    if len(cards) > 1:
        mask_tokens(record)
    if not _CONSUMED.issuperset(record):
        fields |= {name: value for name, value in record.items() if name not in _CONSUMED}
    for name, items in zip(_LISTS, (emails, phones, addresses, cards), strict=True):
        if len(items) > 1:
            fields[name] = items
    if shipping:
        fields |= _unknown_shipping(shipping)
    return fields


def elements(value: object) -> list[Any]:
    """The items of a list in any of Clover's spellings: bare, ``elements`` or ``data``."""
    if isinstance(value, dict):
        value = value.get("elements", value.get("data"))
        if isinstance(value, dict):  # 2019: {"data": {"elements": [...]}}
            value = value.get("elements")
    return value if isinstance(value, list) else []


def _items(value: object) -> list[Any]:
    items = elements(value)
    if value and not items and not isinstance(value, dict | list):
        raise TypeError("A list was expected.")
    return items


def mask_tokens(record: Record) -> Record:
    """The same record; the tokens of its cards print masked from now on."""
    for card in elements(record.get("cards")):
        if isinstance(card, dict) and isinstance(token := card.get("token"), str):
            card["token"] = Secret(token)
    return record


def _first(items: Sequence[Any], field: str, preferred: str = "") -> Any:  # noqa: ANN401  JSON
    for item in items:
        if preferred and item.get(preferred):
            return item.get(field)
    return items[0].get(field) if items else None


def expiry(month: object, year: object) -> str | None:
    """A card's month and year, in any number of digits, as ``YYYY-MM``, which sorts."""
    if not month or not year:
        return None
    return f"20{str(year)[-2:]}-{month!s:0>2}"


def _unknown_shipping(shipping: Record) -> dict[str, Any]:
    address = shipping.get("address") or _EMPTY
    return {
        f"shipping_{name}": part[name]
        for part, known in ((shipping, _SHIPPING), (address, vendor.ADDRESS_FIELDS))
        for name in part
        if name not in known
    }


_SHIPPING: Final = ("name", "phone", "address")


# -- values to columns -------------------------------------------------------------------------


def of_pages(pages: Iterable[_pages.Page | Sequence[Record]]) -> pd.DataFrame:
    """The pages of a list as one table, as :func:`to_frame` of all their records would be."""
    with _gc_paused():
        parts = [_part(page) for page in pages] or [_part([])]
        known = {name: pa.concat_arrays([columns[name] for columns, _ in parts]) for name in SCHEMA}
        extra: dict[str, list[Any]] = {}
        start = 0
        for columns, others in parts:
            for name, values in others.items():
                whole = extra.setdefault(name, [None] * len(known["id"]))
                for position, value in values.items():
                    whole[start + position] = value
            start += len(columns["id"])
        return _frame(known, extra)


def _part(
    page: _pages.Page | Sequence[Record],
) -> tuple[dict[str, pa.Array], dict[str, dict[int, Any]]]:
    """A page's columns, and by position what the schema doesn't know.

    Plain records go the quick way, the others one by one, in their order.
    """
    if isinstance(page, _pages.Page):
        return _of_schema(page), _several_cards(page)
    quick = _pages.read(page)
    odd = list(range(len(page))) if quick is None else quick.odd
    others, lists = _gathered([flat(page[position]) for position in odd])
    extra = {name: dict(zip(odd, values, strict=True)) for name, values in lists.items()}
    if quick is None:
        return others, extra
    columns = _of_schema(quick)
    if odd:
        place = np.arange(len(page))
        place[odd] = np.arange(len(page), len(page) + len(odd))
        back = pa.array(place)
        columns = {
            name: pa.concat_arrays([columns[name], others[name]]).take(back) for name in SCHEMA
        }
    for name, values in _several_cards(quick).items():
        extra[name] = values | extra.get(name, {})
    return columns, extra


def _of_schema(page: _pages.Page) -> dict[str, pa.Array]:
    return {
        name: page.columns[name].cast(kind) if name in page.columns else pa.nulls(len(page), kind)
        for name, kind in SCHEMA.items()
    }


def _several_cards(page: _pages.Page) -> dict[str, dict[int, Any]]:
    for cards in page.cards.values():
        mask_tokens({"cards": cards})
    return {"cards": page.cards} if page.cards else {}


def _gathered(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, pa.Array], dict[str, list[Any]]]:
    """Rows as Arrow columns of the schema, and as lists of what the schema doesn't know."""
    known = {name: _arrow([row.get(name) for row in rows], kind) for name, kind in SCHEMA.items()}
    names = dict.fromkeys(name for row in rows for name in row if name not in SCHEMA)
    return known, {name: [row.get(name) for row in rows] for name in names}


def _arrow(values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind == _LIST:
        values = [value or [] for value in values]
    elif kind == _NUMBER:
        values = [value or 0 for value in values]
    try:
        return pa.array(values, kind, from_pandas=True)
    except (ValueError, TypeError, OverflowError):  # something that Clover never sent
        if kind == _TEXT:
            return pa.array([None if v is None else _as_text(v) for v in values], kind)
        if kind == _LIST:
            return pa.array([list(map(_as_text, value)) for value in values], kind)
        return pa.array([value if _fits(value, kind) else None for value in values], kind)


def _fits(value: object, kind: pa.DataType) -> bool:
    try:
        pa.scalar(value, kind)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def _as_text(value: object) -> str:
    """Any value as a text that Arrow can hold, which is one that has a meaning (no half emoji)."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def _frame(known: Mapping[str, pa.Array], extra: Mapping[str, list[Any]]) -> pd.DataFrame:
    index = pd.Index(_pandas(known["id"]), name="id")
    columns = {name: _pandas(values) for name, values in known.items() if name != "id"}
    others = {name: pd.Series(values, dtype=object, index=index) for name, values in extra.items()}
    return pd.DataFrame(columns | others, index=index)


def _pandas(values: pa.Array) -> Any:  # noqa: ANN401  a pandas array
    if values.type == _TEXT:
        return pd.array(values, dtype="str")
    if values.type == _LIST:
        return pd.arrays.ArrowExtensionArray(values)
    if values.type == pa.bool_():
        return pd.array(values.to_numpy(zero_copy_only=False), dtype="boolean")
    return values.to_pandas().array


@contextmanager
def _gc_paused() -> Iterator[None]:
    """A hundred thousand new objects are no garbage: looking for some takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_ROW_LABELS: Final = pd.Index(SCHEMA)
