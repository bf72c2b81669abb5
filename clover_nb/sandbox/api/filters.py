"""The query of a Platform list: `limit`, `offset`, `expand` and `filter`, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from clover_nb import constants
from clover_nb.sandbox.api.openapi import describe_parameter
from clover_nb.sandbox.errors import APIException, ErrorCase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import QueryParams

    from clover_nb.sandbox.responses import Json

# D and O-live: the fields that customers can be filtered by, as a column or a contact.
_COLUMNS: Final = {
    "id": "id",
    "customerSince": "since",
    "firstName": "first",
    "lastName": "last",
    "fullName": "trim(first || ' ' || last)",
    "marketingAllowed": "'false'",
    "deletedTime": "deleted",
}
_CONTACTS: Final = ("emailAddress", "phoneNumber")
FILTER_FIELDS: Final = (*_COLUMNS, *_CONTACTS)

# D: filters compare, or name a set: id in ('A','B'). The expression stands in /docs too.
_OPERATORS: Final = "=|!=|<=|>=|<|>"
_TIMES: Final = ("customerSince", "deletedTime")
_TEXT_FIELDS: Final = "|".join(name for name in FILTER_FIELDS if name not in _TIMES)
_FILTER: Final = (
    rf"({'|'.join(_TIMES)}) *({_OPERATORS}) *(-?[0-9]{{1,18}})"
    rf"|({_TEXT_FIELDS}) *({_OPERATORS})([\s\S]*)"
    rf"|({_TEXT_FIELDS}) +(in) *\(([\s\S]*)\)"
)
_KNOWN: Final = re.compile(f"({'|'.join(FILTER_FIELDS)})\\b")
_LARGEST: Final = 2**63 - 1  # SQLite's


def page_parameters(
    default: int = constants.PAGE_DEFAULT, largest: int = constants.PAGE_MAX
) -> tuple[Json, ...]:
    """Describe the window of a list."""
    limit = {"type": "integer", "minimum": 0, "maximum": largest, "default": default}
    offset = {"type": "integer", "minimum": 0, "maximum": _LARGEST, "default": 0}
    return describe_parameter("limit", limit), describe_parameter("offset", offset)


_FILTERS: Final = {"type": "array", "items": {"type": "string", "pattern": f"^({_FILTER})$"}}
EXPAND: Final = describe_parameter(
    "expand", {"type": "string"}, example=",".join(constants.EXPANDS)
)
FILTER: Final = describe_parameter("filter", _FILTERS, style="form", explode=True)
_ORDER: Final = "(customerSince|firstName|lastName|id)(?: +(ASC|DESC))?"
ORDER: Final = describe_parameter("orderBy", {"type": "string", "pattern": f"^{_ORDER}$"})


def _parse_number(query: QueryParams, name: str, default: int, largest: int) -> int:
    """Read a whole number from 0 to `largest`; O-live: a larger limit is refused, not clamped."""
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]+", text, re.ASCII):
        raise APIException(ErrorCase.QUERY_INVALID, f"{name} must be a whole number")
    if text.startswith("-"):
        raise APIException(ErrorCase.QUERY_INVALID, f"{name} cannot be negative")
    if len(text) > len(str(largest)) or int(text) > largest:
        raise APIException(ErrorCase.QUERY_INVALID, f"{name} cannot be greater than {largest}")
    return int(text)


def parse_page(
    query: QueryParams, default: int = constants.PAGE_DEFAULT, largest: int = constants.PAGE_MAX
) -> tuple[int, int]:
    """Return `limit` and `offset`."""
    return _parse_number(query, "limit", default, largest), _parse_number(
        query, "offset", 0, _LARGEST
    )


def parse_expand(query: QueryParams) -> list[str]:
    """Return what to expand; O-live: unknown names in `expand` are ignored."""
    asked = ",".join(query.getlist("expand")).split(",")
    return [name for name in constants.EXPANDS if name in map(str.strip, asked)]


def parse_order(query: QueryParams, settings: Mapping[str, str]) -> str:
    """Return `orderBy` as SQL. O-code: programs order customers by `customerSince DESC`."""
    text = query.get("orderBy")
    if text is None:
        return "since DESC, seq DESC" if settings["list_order"] == "newest" else "since, seq"
    found = re.fullmatch(_ORDER, text)
    if not found:
        raise APIException(
            ErrorCase.QUERY_INVALID,
            f"cannot order by {text!r}; write FIELD ASC or FIELD DESC; "
            "the fields are: customerSince, firstName, lastName, id",
        )
    direction = found[2] or "ASC"
    return f"{_COLUMNS[found[1]]} {direction}, seq {direction}"


def parse_filters(query: QueryParams, settings: Mapping[str, str]) -> tuple[str, list[Any]]:
    """Return the filters as SQL, and the values of its question marks."""
    clauses = []
    values: list[Any] = []
    for text in query.getlist("filter"):
        found = re.fullmatch(_FILTER, text)
        if found:
            field, operator, wanted = (part for part in found.groups() if part is not None)
            wanted = wanted.split(",") if operator == "in" else [wanted]
            if field in _CONTACTS and settings["email_filter"] == "empty":
                clauses.append("FALSE")
                continue
            clauses.append(_make_clause(field, operator, len(wanted)))
            values += map(int if field in _TIMES else _strip_quotes, wanted)
        elif settings["unknown_filter"] == "refuse" or _KNOWN.match(text):
            raise APIException(
                ErrorCase.QUERY_INVALID,
                f"cannot filter by {text!r}; write FIELD=VALUE, or FIELD in ('A','B'); "
                f"the fields are: {', '.join(FILTER_FIELDS)}; times are in milliseconds",
            )
    if not any(clause.startswith("deleted ") for clause in clauses):
        clauses.append("since >= 0")  # who is not deleted
    return " AND ".join(clauses), values


def _make_clause(field: str, operator: str, count: int) -> str:
    right = f"in ({', '.join('?' * count)})" if operator == "in" else f"{operator} ?"
    if field in _COLUMNS:
        return f"{_COLUMNS[field]} {right}"
    negated, right = ("NOT ", "= ?") if operator == "!=" else ("", right)
    contacts = f"SELECT seq FROM contacts WHERE field = '{field}'"  # noqa: S608  a field of ours
    return f"seq {negated}IN ({contacts} AND value {right})"


def _strip_quotes(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
