"""Customers as pandas rows: one schema for the JSON of both APIs.

One record becomes a :class:`pandas.Series`, many a :class:`pandas.DataFrame`.
:func:`clover_nb.records.flatten` says what each value is.
"""

from __future__ import annotations

import functools
import gc
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import ValidationError
from clover_nb.records import NUMBER, SCHEMA, TEXT, TIME, Record, carried_columns, flatten

Fields = Mapping[str, Any]

_CARD_COLUMNS: Final = ("card_count", "card_brand", "card_last4", "card_expiry", "cards")
_CARRIED: Final = "carried"  # in a row's attrs: the columns that its record tells all about
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_OBJECT: Final = np.dtype(object)
_LAST_TIME: Final = 253_402_300_799_999  # the end of the year 9999, in milliseconds

# What stands between two dollar signs in a name is no formula, in no table that is made of these.
pd.set_option("display.html.use_mathjax", False, "styler.html.mathjax", False)  # noqa: FBT003  pandas'


def to_row(record: Record) -> pd.Series[Any]:
    """Convert one customer to a row.

    Args:
        record: A customer as Clover's Ecommerce API (v1) or Platform API (v3) gives it.

    Returns:
        A Series of dtype object, named by the customer id, with the id in it too: ``row["id"]``,
        ``row["email"]``. Mind that ``row.name`` is the id and ``row["name"]`` the person. Its
        labels are the schema's columns, then the fields that the schema doesn't know, under
        Clover's names, such as ``card_additionalInfo`` for a field of the card. A
        missing value is ``None``; ``created`` is a UTC Timestamp; ``source_ids`` is a list.

    Example:
        >>> row = to_row({"id": "7QK2M9ZX4T0BC", "created": 0, "email": "ana@example.com"})
        >>> row["email"], row.name
        ('ana@example.com', '7QK2M9ZX4T0BC')
    """
    fields = flatten(record)
    if _fits_time(fields["created"]):
        fields["created"] = pd.Timestamp(fields["created"], unit="ms", tz="UTC")
    labels = _schema_labels() if len(fields) == len(SCHEMA) else pd.Index(fields)
    name = fields["id"] if isinstance(fields["id"], str) else None
    # An array is taken as it is, where a list is looked through for what it might be.
    values = np.fromiter(fields.values(), _OBJECT)
    row = pd.Series(values, index=labels, dtype=_OBJECT, name=name, copy=False)
    row.attrs[_CARRIED] = carried_columns(record)
    return row


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Convert many customers to a table.

    Args:
        records: Customers as either API gives them, mixed if need be.

    Returns:
        A DataFrame whose index, named ``id``, is the customer id; no ``id`` column. Text columns
        have dtype ``str``, ``created`` is ``datetime64[ms, UTC]``; ``source_ids`` holds the ids of
        the cards, separated by blanks. Fields that the schema doesn't know follow as columns under
        Clover's names; what is nested in them is JSON, and card tokens are masked for good, so that
        the table can be saved anywhere.

    Example:
        >>> to_frame([{"id": "7QK2M9ZX4T0BC", "name": "Ana"}])["name"].to_dict()
        {'7QK2M9ZX4T0BC': 'Ana'}
    """
    return frame_of_fields([list(map(flatten, records))])


def frame_of_fields(pages: Iterable[Sequence[Fields]]) -> pd.DataFrame:
    """Make a table of customers' fields, page after page: only one page is kept as Python objects.

    Args:
        pages: Customers as :func:`clover_nb.records.flatten` gives them.
    """
    parts: dict[str, list[pa.Array]] = {name: [] for name in SCHEMA}
    extra: dict[str, dict[int, Any]] = {}
    count = 0
    with _garbage_collection_paused():
        for page in pages:
            # The schema's fields come first in each, and in its order.
            by_column = zip(*(fields.values() for fields in page), strict=False)
            for (name, kind), values in zip(SCHEMA.items(), by_column, strict=False):
                parts[name].append(_arrow_array(values, kind))
            for position, fields in enumerate(page, count):
                if len(fields) > len(SCHEMA):
                    for name in islice(fields, len(SCHEMA), None):
                        value = fields[name]
                        plain = _text_of(value) if isinstance(value, list | dict) else value
                        extra.setdefault(name, {})[position] = plain
            count += len(page)
    known = {
        name: pa.concat_arrays(arrays) if (arrays := parts.pop(name)) else pa.array([], kind)
        for name, kind in SCHEMA.items()
    }
    index = pd.Index(_pandas_array(known.pop("id")), name="id")
    columns = {name: _pandas_array(values) for name, values in known.items()}
    others = {name: _extra_array(map(extra[name].get, range(count))) for name in sorted(extra)}
    return pd.DataFrame(columns | others, index=index)


def prepare_customers(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """A table of customers with their ids in the index alone, where a file has them as a column.

    Raises:
        ValidationError: It is no table of one index, lacks one of the columns, or has one twice.
    """
    if not isinstance(table, pd.DataFrame):
        raise ValidationError(
            f"table must be a DataFrame, not a {type(table).__name__}.",
            hint="Give one as from clover.customers.list().",
            field="table",
        )
    if table.index.nlevels > 1:
        raise ValidationError(
            "The table's index has several levels.",
            hint="table.reset_index() makes columns of them.",
            field="table",
        )
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise ValidationError(
            f"Two columns have the same heading, {twice!r}.",
            hint="Rename one, or take it away.",
            field="table",
        )
    if missing := [name for name in dict.fromkeys(columns) if name not in table.columns]:
        raise ValidationError(
            f"The table has no column {', '.join(missing)}.",
            hint="Give all columns of clover.customers.list().",
            field="table",
        )
    if "id" not in table.columns:
        return table
    return table.drop(columns="id") if table.index.name == "id" else table.set_index("id")


def index_customers(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The same, where it must be known whose each row is.

    Raises:
        ValidationError: As above, or there are no ids.
    """
    table = prepare_customers(table)
    if table.index.name != "id":
        raise ValidationError(
            "The table has no customer ids: its index must be named id, or a column.",
            hint="Give a table as from clover.customers.list().",
            field="table",
        )
    return prepare_customers(table, *columns)


def upsert(table: pd.DataFrame, row: pd.Series[Any]) -> pd.DataFrame:
    """Put a row into a table: in its old place when the customer is there, else at the end.

    An answer to a change doesn't carry all that a table may know (the card's brand, say), so a
    value that the row lacks is kept from the table; unless the answer would have carried it, as it
    does the phone: then it was removed. Card columns are not kept once the customer's cards have
    changed. Columns of your own stay as they are, and are empty for a new customer.

    Args:
        table: As from :func:`to_frame`, with any columns besides; it is not changed. The ids may
            also be a column, as after ``reset_index`` or in a file.
        row: As from :func:`to_row`, or a row of such a table.

    Returns:
        A new DataFrame whose index is the id, with the dtypes of the table, but for one that can't
        hold what the row has.

    Raises:
        ValidationError: The table or the row says not who is who, or a customer is in it twice.

    Example:
        >>> table = to_frame([{"id": "7QK2M9ZX4T0BC", "name": "Ana"}])
        >>> upsert(table, to_row({"id": "7QK2M9ZX4T0BC", "name": "Bea"}))["name"].tolist()
        ['Bea']
    """
    table = index_customers(table)
    if not table.index.is_unique:
        raise ValidationError(
            f"Customer {table.index[table.index.duplicated()][0]} is in the table twice.",
            hint="Give a table with one row a customer.",
            field="table",
        )
    key = row.get("id", row.name) if isinstance(row, pd.Series) else None
    known = {*SCHEMA} - {"id", *_CARD_COLUMNS}  # neither a token nor the answer to a delete
    if not isinstance(key, str) or not known & {*row.index}:
        raise ValidationError(
            "row is not the row of a customer.",
            hint="Give one as customers.retrieve and customers.modify return.",
            field="row",
        )
    position = int(table.index.get_indexer(pd.Index([key]))[0])
    fields: dict[str, Any] = dict.fromkeys(SCHEMA)
    gone: set[object] = set(row.attrs.get(_CARRIED, ()))
    if position >= 0:
        old = table.iloc[position]
        if "source_ids" in row and _join_ids(row["source_ids"]) != old.get("source_ids"):
            gone.update(_CARD_COLUMNS)
        if row.get("name") != old.get("name"):
            gone.update(("first_name", "last_name"))
        fields |= {name: old[name] for name in SCHEMA if name in old and name not in gone}
    fields |= {str(name): value for name, value in row.items() if _is_present(value)}
    fields |= {"id": key, "card_count": fields["card_count"] or 0}
    line = frame_of_fields([[{name: _none_if_missing(value) for name, value in fields.items()}]])
    for name in ({*line.columns} & {*table.columns}) - {*SCHEMA}:
        if not isinstance(value := fields[name], str):
            cast = _cast_column(pd.Series([value], line.index), table[name].dtype)
            if cast.dtype == table[name].dtype:  # such as a time, which a line has as text
                line[name] = cast
    index = table.index.append(line.index) if position < 0 else table.index
    parts = [table, line]
    if position >= 0:
        parts = [table.iloc[:position], line, table.iloc[position + 1 :]]
    names = [*table.columns, *(name for name in line.columns if name not in table)]
    own = {*table.columns} - {*SCHEMA, *row.index} - gone  # or what is kept of Clover's
    joined = {
        name: _lengthen_array(table[name].array, len(index))
        if name in own
        else _join_columns(parts, name)
        for name in names
    }
    result = pd.DataFrame(joined, index=index)
    result.attrs = dict(table.attrs)
    return result


def _lengthen_array(values: Any, length: int) -> Any:  # noqa: ANN401  pandas arrays
    """The same values, and a missing one more where there is one row more."""
    places = [*range(len(values)), *[-1] * (length - len(values))]
    return pd.api.extensions.take(values, np.array(places), allow_fill=True)


def _join_columns(parts: Sequence[pd.DataFrame], name: str) -> Any:  # noqa: ANN401  a pandas array
    """A column of all parts in the dtype of the first that has it, or else by its values."""
    dtype = next(part[name].dtype for part in parts if name in part)
    columns = [
        _cast_column(part[name] if name in part else pd.Series([None] * len(part)), dtype)
        for part in parts
    ]
    if all(column.dtype == dtype for column in columns):
        return pd.concat(columns).array
    return _extra_array(_none_if_missing(value) for column in columns for value in column)


def _cast_column(column: pd.Series[Any], dtype: Any) -> pd.Series[Any]:  # noqa: ANN401  any dtype
    """The column in another dtype, should no value change; times without a zone are of UTC."""
    is_category = isinstance(dtype, pd.CategoricalDtype)
    if column.dtype == dtype or (is_category and not column.dropna().isin(dtype.categories).all()):
        return column
    is_naive = isinstance(dtype, np.dtype) and dtype.kind == "M"
    try:
        if is_naive and isinstance(column.dtype, pd.DatetimeTZDtype):
            column = column.dt.tz_localize(None)
        cast = column.astype(dtype)
        back = cast.astype(column.dtype)
    except (TypeError, ValueError, NotImplementedError):  # the last is Arrow's, of a list
        return column
    known = column.notna()
    is_same = pd.api.types.is_datetime64_any_dtype(dtype) or back[known].equals(column[known])
    return cast if is_same and cast.notna().equals(known) else column


def _is_present(value: object) -> bool:
    return isinstance(value, list | dict) or not bool(pd.isna(value))  # type: ignore[call-overload]  # any scalar


def _none_if_missing(value: Any) -> Any:  # noqa: ANN401  whatever a cell has
    if not _is_present(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


# -- values to columns -------------------------------------------------------------------------


def _arrow_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Convert the values of a column of the schema."""
    if type(values[0]) is list:
        values = list(map(_join_ids, values))
    try:
        array = pa.array(values, kind, from_pandas=True)
    except (ValueError, TypeError, OverflowError):  # something that Clover never sent
        return pa.array(map(_CONVERTERS[kind], values), kind)
    if kind == TIME and not all(map(_fits_time, values)):
        return pa.array(map(_time_of, values), kind)
    return array


def _join_ids(ids: object) -> str:
    """Card ids as a frame holds them; a list of anything else is kept as JSON."""
    try:
        return " ".join(ids) if isinstance(ids, list) else str(ids)
    except TypeError:
        return str(_text_of(ids))


def _fits_time(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LAST_TIME


def _time_of(value: object) -> object:
    return value if _fits_time(value) or isinstance(value, pd.Timestamp) else None


def _bool_of(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text_of(value: object) -> str | None:
    """Any value as a text that can be stored: what is nested as JSON, half an emoji replaced."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _SURROGATE.sub("\ufffd", text)


def _number_of(value: object) -> int:
    return value if type(value) is int else 0


_CONVERTERS: Final = {TEXT: _text_of, TIME: _time_of, NUMBER: _number_of, pa.bool_(): _bool_of}

# What pandas keeps a column of as it is; everything else becomes text.
_KINDS: Final = {int: "Int64", bool: "boolean", float: "Float64"}


def _extra_array(values: Iterable[Any]) -> Any:  # noqa: ANN401  a pandas array
    """Convert a column that the schema doesn't know, so that pandas can hash, sort and store it."""
    values = list(values)
    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) == 1 and (dtype := _KINDS.get(kinds.pop())):
        with suppress(OverflowError, TypeError):  # a number of more than 64 bits
            return pd.array(values, dtype=dtype)  # type: ignore[call-overload]  # one of three
    return pd.array([_text_of(value) for value in values], dtype=TEXT_DTYPE)


def _pandas_array(values: pa.Array) -> Any:  # noqa: ANN401  a pandas array
    if values.type == TEXT:
        return pd.array(values, dtype=TEXT_DTYPE)
    if values.type == pa.bool_():
        return pd.array(values.to_numpy(zero_copy_only=False), dtype="boolean")
    return values.to_pandas().array


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """A hundred thousand new objects are no garbage: looking for some takes half of the time."""
    was_on = gc.isenabled()
    try:
        gc.disable()  # within: an interrupt right after it would leave it off for good
        yield
    finally:
        if was_on:
            gc.enable()


@functools.cache
def _schema_labels() -> pd.Index[str]:
    """The labels of a row, made once: making them takes longer than the row."""
    return pd.Index(SCHEMA)
