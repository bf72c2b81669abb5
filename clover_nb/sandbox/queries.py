"""The query of a Platform list: `limit`, `offset`, `expand` and `filter`, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from clover_nb import vendor
from clover_nb.sandbox.errors import Case, Refused
from clover_nb.sandbox.openapi import query_parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import QueryParams

    from clover_nb.sandbox.records import Json

# D and O-live: the fields that customers can be filtered by, as a column or a contact.
_COLUMNS: Final = {
    "id": "id",
    "customerSince": "since",
    "firstName": "first",
    "lastName": "last",
    "fullName": "trim(first || ' ' || last)",
    "marketingAllowed": "'false'",
    "deletedTime": "''",
}
_CONTACTS: Final = ("emailAddress", "phoneNumber")
FILTER_FIELDS: Final = (*_COLUMNS, *_CONTACTS)

# D: filters may compare, or name a set: id in ('A','B').
_COMPARISON: Final = re.compile(r"\s*(\w+)\s*(<=|>=|!=|=|<|>)(.*)", re.DOTALL)
_MEMBERSHIP: Final = re.compile(r"\s*(\w+)\s+in\s*\((.*)\)\s*", re.DOTALL | re.IGNORECASE)
_LARGEST: Final = 2**63 - 1  # SQLite's


def parameters(default: int = vendor.PAGE_DEFAULT, largest: int = vendor.PAGE_MAX) -> Json:
    """Describe the window of a list, for a route's `openapi_extra`."""
    limit = {"type": "integer", "minimum": 0, "maximum": largest, "default": default}
    offset = {"type": "integer", "minimum": 0, "maximum": _LARGEST, "default": 0}
    return {"parameters": [query_parameter("limit", limit), query_parameter("offset", offset)]}


_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
EXPAND: Final = query_parameter("expand", {"type": "string"}, example=",".join(vendor.EXPANDS))
FILTER: Final = query_parameter("filter", _TEXTS, style="form", explode=True)


def _number(query: QueryParams, name: str, default: int, largest: int) -> int:
    """Read a whole number from 0 to `largest`; O-live: a larger one is refused, not clamped."""
    text = query.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"-?[0-9]+", text, re.ASCII):
        raise Refused(Case.QUERY_INVALID, f"{name} must be a whole number")
    if text.startswith("-"):
        raise Refused(Case.QUERY_INVALID, f"{name} cannot be negative")
    if len(text) > len(str(largest)) or int(text) > largest:
        raise Refused(Case.QUERY_INVALID, f"{name} cannot be greater than {largest}")
    return int(text)


def window(
    query: QueryParams, default: int = vendor.PAGE_DEFAULT, largest: int = vendor.PAGE_MAX
) -> tuple[int, int]:
    """Return `limit` and `offset`."""
    return _number(query, "limit", default, largest), _number(query, "offset", 0, _LARGEST)


def expanded(query: QueryParams) -> list[str]:
    """Return what to expand; O-live: unknown names are ignored."""
    asked = ",".join(query.getlist("expand")).split(",")
    return [name for name in vendor.EXPANDS if name in map(str.strip, asked)]


def condition(query: QueryParams, *, ignore_unknown: bool) -> tuple[str, list[Any]]:
    """Return the filters as SQL, and the values of its question marks."""
    clauses = ["TRUE"]
    values: list[Any] = []
    for text in query.getlist("filter"):
        field, operator, wanted = _parse(text)
        if field not in FILTER_FIELDS:
            if ignore_unknown:
                continue
            known = ", ".join(FILTER_FIELDS)
            raise Refused(Case.QUERY_INVALID, f"cannot filter by {field}; the fields are: {known}")
        clauses.append(_clause(field, operator, len(wanted)))
        values += map(_whole, wanted) if field == "customerSince" else wanted
    return " AND ".join(clauses), values


def _parse(text: str) -> tuple[str, str, Sequence[str]]:
    if found := _MEMBERSHIP.fullmatch(text):
        return found[1], "in", [_unquoted(value) for value in found[2].split(",")]
    if found := _COMPARISON.fullmatch(text):
        return found[1], found[2], [_unquoted(found[3])]
    raise Refused(Case.QUERY_INVALID, "a filter is written field=value, or field in ('a','b')")


def _clause(field: str, operator: str, count: int) -> str:
    right = f"in ({', '.join('?' * count)})" if operator == "in" else f"{operator} ?"
    if field in _COLUMNS:
        return f"{_COLUMNS[field]} {right}"
    negated, right = ("NOT ", "= ?") if operator == "!=" else ("", right)
    contacts = f"SELECT seq FROM contacts WHERE field = '{field}'"  # noqa: S608  a field of ours
    return f"seq {negated}IN ({contacts} AND value {right})"


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _whole(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,18}", text, re.ASCII):
        raise Refused(Case.QUERY_INVALID, "customerSince is compared with a time in milliseconds")
    return int(text)
