"""The fields that many changes can set, and when two values of one are the same."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clover_nb.constants import ADDRESS_FIELDS, WHOLE_ADDRESS_FIELDS
from clover_nb.errors import ValidationError
from clover_nb.records import SCHEMA, TEXT

NAME_PARTS: Final = ("first_name", "last_name")
ADDRESS: Final = tuple(f"shipping_{part}" for part in ADDRESS_FIELDS)
#: Clover's name of each field, by which it is checked.
CLOVER_NAMES: Final[Mapping[str, str]] = {
    "first_name": "firstName",
    "last_name": "lastName",
    **{f"shipping_{part}": f"shipping.address.{part}" for part in ADDRESS_FIELDS},
}
#: The columns that a plan compares and sets, in the order in which they are shown.
FIELDS: Final = ("name", *NAME_PARTS, "email", "phone", *ADDRESS)
#: The columns of :data:`~clover_nb.records.SCHEMA` that a plan leaves as they are, and why.
READ_ONLY: Final[Mapping[str, str]] = {
    name: "the Platform API does not keep it" if name.startswith("shipping_") else "it can't be set"
    for name in SCHEMA
    if name not in (*FIELDS, "id")
}

_CONTROL: Final = re.compile("[\x00-\x1f\x7f]+")
_NOT_DIGITS: Final = re.compile(r"\D+")
_MARK: Final = "v1:"  # in front of fingerprints; another way to make them gets another one
_LENGTH: Final = 6  # signs for each field


def normalize_value(field: str, text: str) -> str:
    """What is compared of a value: two spellings of the same phone are the same, for example."""
    plain = unicodedata.normalize("NFC", _CONTROL.sub(" ", text)).strip()
    if field == "phone":
        return _NOT_DIGITS.sub("", plain) or plain
    return plain.casefold() if field in ("email", "shipping_country") else plain


def find_missing_parts(values: Mapping[str, str]) -> dict[str, str]:
    """The fields without which Clover takes no address, each with a sentence; none for none at all.

    Args:
        values: The address as it would be.
    """
    if not any(values.get(name) for name in ADDRESS if name != "shipping_country"):
        return {}
    return {
        f"shipping_{part}": f"{part} is missing: Clover keeps an address with "
        f"{', '.join(WHOLE_ADDRESS_FIELDS)} alone."
        for part in WHOLE_ADDRESS_FIELDS
        if not values.get(f"shipping_{part}")
    }


def as_texts(column: pd.Series[Any]) -> pa.Array:
    """A column as texts, ``""`` where there is nothing.

    Raises:
        ValidationError: One of them has no encoding.
    """
    try:
        values = to_arrow(column)
    except UnicodeEncodeError:
        raise ValidationError(
            f"The column {column.name} holds half an emoji, which can't be stored.",
            hint="Type the value again.",
            field="table",
        ) from None
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):  # of several types
        return pa.array([_format_value(value) for value in column], TEXT)
    written = _format_values(column, values)
    return pc.fill_null(written, "") if written.null_count else written


def to_arrow(column: pd.Series[Any]) -> pa.Array:
    """A column as Arrow has it. Not by the column itself, which would hash its index for that."""
    values = column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array
    return pa.array(values, from_pandas=True)


def _format_values(column: pd.Series[Any], values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_large_string(kind) or pa.types.is_string(kind):
        return values.cast(TEXT)
    if pa.types.is_boolean(kind):
        return pc.if_else(values, "TRUE", "FALSE").cast(TEXT)
    if pa.types.is_integer(kind):
        return values.cast(TEXT)
    if pa.types.is_timestamp(kind) and kind.tz == "UTC":
        return pc.strftime(values, "%Y-%m-%dT%H:%M:%SZ").cast(TEXT)
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return pc.binary_join(values, " ").cast(TEXT)
    return pa.array([_format_value(value) for value in column], TEXT)


def fingerprint_rows(table: pd.DataFrame) -> pa.Array:
    """A mark a row, from which can be told later which of its fields still have these values."""
    columns = [as_texts(table[name]).to_pylist() for name in FIELDS]
    rows = zip(table.index, *columns, strict=True)
    return pa.array([fingerprint_row(*row) for row in rows], TEXT)


def fingerprint_row(customer_id: str, *values: str) -> str:
    """The mark of one row: the values of :data:`FIELDS`."""
    pairs = zip(FIELDS, values, strict=True)
    return _MARK + "".join(_hash_value(customer_id, field, value) for field, value in pairs)


def reads_as(mark: str, customer_id: str, field: str, value: str) -> bool | None:
    """Whether a field had this value when the mark was made; ``None`` if the mark is none."""
    if not mark.startswith(_MARK) or len(mark) != len(_MARK) + _LENGTH * len(FIELDS):
        return None
    start = len(_MARK) + _LENGTH * FIELDS.index(field)
    return mark[start : start + _LENGTH] == _hash_value(customer_id, field, value)


def _hash_value(customer_id: str, field: str, value: str) -> str:
    content = f"{customer_id}\n{field}\n{normalize_value(field, value)}".encode(
        "utf-8", "surrogatepass"
    )
    return b64encode(hashlib.blake2b(content, digest_size=4).digest())[:_LENGTH].decode()


def _format_value(value: Any) -> str:  # noqa: ANN401  whatever a cell has
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if pd.api.types.is_list_like(value):
        return " ".join(map(_format_value, value))
    if pd.isna(value):
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)
