"""The fields that many changes can set, and when two values of one are the same."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd

from clover_nb.constants import ADDRESS_FIELDS
from clover_nb.records import SCHEMA

NAME_PARTS: Final = ("first_name", "last_name")
ADDRESS: Final = tuple(f"shipping_{part}" for part in ADDRESS_FIELDS)
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


def normal(field: str, text: str) -> str:
    """What is compared of a value: two spellings of the same phone are the same, for example."""
    plain = unicodedata.normalize("NFC", _CONTROL.sub(" ", text)).strip()
    if field == "phone":
        return _NOT_DIGITS.sub("", plain) or plain
    return plain.casefold() if field in ("email", "shipping_country") else plain


def text_columns(table: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """The columns of a table as texts, ``""`` where there is nothing."""
    return {str(name): _texts(table[name]) for name in table.columns}


def fingerprints(table: pd.DataFrame) -> pd.Series[Any]:
    """A mark a row, from which can be told later which of its fields still have these values."""
    columns = [_texts(table[name]) for name in FIELDS]
    rows = zip(table.index, *columns, strict=True)
    return pd.Series([fingerprint(*row) for row in rows], index=table.index, dtype="str")


def fingerprint(customer_id: str, *values: str) -> str:
    """The mark of one row: the values of :data:`FIELDS`."""
    pairs = zip(FIELDS, values, strict=True)
    return _MARK + "".join(_hash(customer_id, field, value) for field, value in pairs)


def reads_as(mark: str, customer_id: str, field: str, value: str) -> bool | None:
    """Whether a field had this value when the mark was made; ``None`` if the mark is none."""
    if not mark.startswith(_MARK) or len(mark) != len(_MARK) + _LENGTH * len(FIELDS):
        return None
    start = len(_MARK) + _LENGTH * FIELDS.index(field)
    return mark[start : start + _LENGTH] == _hash(customer_id, field, value)


def _hash(customer_id: str, field: str, value: str) -> str:
    told = f"{customer_id}\n{field}\n{normal(field, value)}".encode("utf-8", "surrogatepass")
    return b64encode(hashlib.blake2b(told, digest_size=4).digest())[:_LENGTH].decode()


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.StringDtype):
        return column.fillna("")
    make: Callable[[Any], str] = _text
    return pd.Series([make(value) for value in column], index=column.index, dtype="str")


def _text(value: Any) -> str:  # noqa: ANN401  whatever a cell has
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if pd.api.types.is_list_like(value):
        return " ".join(map(_text, value))
    if pd.isna(value):
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)
