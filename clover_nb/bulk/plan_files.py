"""The file of a plan: JSON Lines, a header and then a line a row, with a checksum over all."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from clover_nb.bulk.rows import PlanRow, RowReason
from clover_nb.errors import ValidationError
from clover_nb.files import check_path, convert_read_errors, replace_file

_FORMAT: Final = 1
_KIND: Final = "clover-nb plan"
_HEADER: Final = (
    *("plan", "merchant", "host", "person", "created", "source"),
    *("headings", "columns", "notes"),
)

Contents = tuple[dict[str, Any], list[PlanRow], list[tuple[int, str]]]


def new_id() -> str:
    """An id that no other plan has."""
    return uuid.uuid4().hex


def current_time() -> str:
    """The time, in ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def write_plan_file(
    path: str | os.PathLike[str],
    header: Mapping[str, Any],
    rows: Iterable[PlanRow],
    unchanged: Iterable[tuple[Any, str]],
) -> None:
    """Write a plan whole or not at all, readable by this user alone.

    Raises:
        ValidationError: The file can't be written.
    """
    lines = [_dump_json(_as_json(row)) for row in rows]
    lines += [_dump_json({"row": row, "action": "unchanged", "id": key}) for row, key in unchanged]
    body = b"".join(lines)
    first = {"kind": _KIND, "format": _FORMAT} | dict(header)
    first["sha256"] = _hash_contents(first, body)
    with replace_file(check_path(path), is_private=True) as part:
        part.write_bytes(_dump_json(first) + body)


def read_plan_file(path: str | os.PathLike[str]) -> Contents:
    """Read a plan.

    Raises:
        ValidationError: It is none, was altered, or comes from a newer version.
    """
    path = check_path(path)
    with convert_read_errors(path):
        first, _, body = path.read_bytes().partition(b"\n")
    try:
        header = orjson.loads(first)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("kind") != _KIND:
        raise _no_plan_error(path)
    if header.get("format") != _FORMAT:
        raise ValidationError(
            f"{path.name} was written by a newer version of clover-nb.",
            hint="Update clover-nb, or plan the table anew.",
            field="path",
        )
    if header.pop("sha256", None) != _hash_contents(header, body):
        raise ValidationError(
            f"{path.name} was altered after it was saved.",
            hint="Change the table, and plan it anew; plan.accept and plan.skip decide on rows.",
            field="path",
        )
    try:
        lines = [orjson.loads(line) for line in body.splitlines()]
        unchanged = [(each["row"], each["id"]) for each in lines if each["action"] == "unchanged"]
        rows = [_from_json(each) for each in lines if each["action"] != "unchanged"]
        known = {name: header[name] for name in _HEADER}
    except (ValueError, KeyError, TypeError):
        raise _no_plan_error(path) from None
    return known, rows, unchanged


def _no_plan_error(path: Path) -> ValidationError:
    return ValidationError(
        f"{path.name} is no plan.",
        hint="A plan is what plan.save or clover-nb plan --out has written.",
        field="path",
    )


def _hash_contents(header: Mapping[str, Any], body: bytes) -> str:
    return hashlib.sha256(_dump_json(header) + body).hexdigest()


def _dump_json(value: Any) -> bytes:  # noqa: ANN401  JSON
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def _as_json(row: PlanRow) -> dict[str, Any]:
    return row.as_json() | {"decision": row.decision, "cells": row.cells}


def _from_json(line: Mapping[str, Any]) -> PlanRow:
    return PlanRow(
        row=line["row"],
        action=line["action"],
        customer_id=line["id"],
        before=line["before"],
        wanted=line["wanted"],
        reasons=[RowReason(**reason) for reason in line["reasons"]],
        decision=line["decision"],
        cells=line["cells"],
    )
