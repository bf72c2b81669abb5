"""Customers as pandas rows: one schema for the JSON of both APIs.

One record becomes a :class:`pandas.Series`, many a :class:`pandas.DataFrame`.
:func:`clover_nb.records.flatten` says what each value is; whole pages of plain records take a
quicker way to the same values (:mod:`clover_nb.record_pages`).
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from clover_nb import record_pages
from clover_nb.records import LIST, NUMBER, SCHEMA, TEXT, Record, flatten

CARD_COLUMNS: Final = ("source_ids", "card_count", "card_brand", "card_last4", "card_expiry")


def to_row(record: Record) -> pd.Series[Any]:
    """One customer as a row.

    Args:
        record: A customer as Clover's Ecommerce API (v1) or Platform API (v3) gives it.

    Returns:
        A Series of dtype object, named by the customer id, with the id in it too: ``row["id"]``,
        ``row["email"]``. Mind that ``row.name`` is the id and ``row["name"]`` the person. Its
        labels are the schema's columns, then the fields that the schema doesn't know, under
        Clover's names, such as ``metadata``, or ``card_additionalInfo`` for a field of the card. A
        missing value is ``None``; ``created`` is a UTC Timestamp.

    Example:
        >>> row = to_row({"id": "7QK2M9ZX4T0BC", "created": 0, "email": "ana@example.com"})
        >>> row["email"], row.name
        ('ana@example.com', '7QK2M9ZX4T0BC')
    """
    fields = flatten(record)
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
        text. Fields that the schema doesn't know follow as columns under Clover's names; card
        tokens in them are masked for good, so that the table can be saved anywhere. Parquet keeps
        every column; pandas reads the lists of ``source_ids`` back with
        ``pd.read_parquet(path, dtype_backend="pyarrow")`` alone.

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


# -- values to columns -------------------------------------------------------------------------


def of_pages(pages: Iterable[record_pages.Page | Sequence[Record]]) -> pd.DataFrame:
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
    page: record_pages.Page | Sequence[Record],
) -> tuple[dict[str, pa.Array], dict[str, dict[int, Any]]]:
    """A page's columns, and by position what the schema doesn't know.

    Plain records go the quick way, the others one by one, in their order.
    """
    if not isinstance(page, record_pages.Page):
        page = record_pages.read(page)
    if not page.odd:
        return page.columns, page.extra
    others, lists = _gathered(list(map(flatten, page.odd.values())))
    place = np.arange(len(page))
    place[list(page.odd)] = np.arange(len(page), len(page) + len(page.odd))
    back = pa.array(place)
    columns = {
        name: pa.concat_arrays([page.columns[name], others[name]]).take(back) for name in SCHEMA
    }
    extra = dict(page.extra)
    for name, values in lists.items():
        extra[name] = extra.get(name, {}) | dict(zip(page.odd, values, strict=True))
    return columns, extra


def _gathered(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, pa.Array], dict[str, list[Any]]]:
    """Rows as Arrow columns of the schema, and as lists of what the schema doesn't know."""
    known = {name: _arrow([row.get(name) for row in rows], kind) for name, kind in SCHEMA.items()}
    names = dict.fromkeys(name for row in rows for name in row if name not in SCHEMA)
    return known, {name: [row.get(name) for row in rows] for name in names}


def _arrow(values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind == LIST:
        values = [value or [] for value in values]
    elif kind == NUMBER:
        values = [value or 0 for value in values]
    try:
        return pa.array(values, kind, from_pandas=True)
    except (ValueError, TypeError, OverflowError):  # something that Clover never sent
        if kind == TEXT:
            return pa.array([None if v is None else _as_text(v) for v in values], kind)
        if kind == LIST:
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
    if values.type == TEXT:
        return pd.array(values, dtype="str")
    if values.type == LIST:
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
