"""What becomes of a table of wanted values: each row judged, by itself and beside the others."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from clover_nb import quality, validation
from clover_nb.bulk.columns import ID, ColumnMapping, match_columns
from clover_nb.bulk.fields import (
    FIELDS,
    NAME_PARTS,
    READ_ONLY,
    as_texts,
    normalize_value,
)
from clover_nb.bulk.row_review import LISTS, BaseTable, RowReviewer
from clover_nb.bulk.rows import PlanRow, RowReason
from clover_nb.bulk.table_diff import NONE, compare_rows, match_rows
from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import ValidationError
from clover_nb.masking import mask_text

Empty = Literal["keep", "clear"]


class TableReview(NamedTuple):
    """A table's rows, judged.

    Attributes:
        columns: Which column is which field.
        rows: What is to be done, or can't be, in the order of the table.
        unchanged: The other rows' customer ids, by number.
        notes: What is left out, and why, in sentences.
    """

    columns: ColumnMapping
    rows: list[PlanRow]
    unchanged: pd.Series[str]
    notes: list[str]


def review_table(
    table: pd.DataFrame,
    current: pd.DataFrame,
    *,
    key: str | Sequence[str],
    columns: Mapping[str, str | None] | None = None,
    base: pd.DataFrame | None = None,
    empty: Empty = "keep",
) -> TableReview:
    """Judge each row of a table against the customers at Clover.

    Args:
        table: Wanted values.
        current: All customers, as from ``clover.customers.list()``.
        key: The fields by which a row is somebody; the first that is filled counts.
        columns: Fields by heading; ``None`` leaves a column out.
        base: The table as it was before it was edited.
        empty: Whether an empty cell keeps what is there, or empties it.

    Raises:
        ValidationError: The columns, the key or the base can't be right.
    """
    table, found, keys = check_arguments(table, key=key, columns=columns, empty=empty)
    texts = {field: as_texts(table[found.fields[field]]) for field in keys}
    match = match_rows(texts, current, keys)
    difference = compare_rows(found, table, current, match.positions, empty_keeps=empty == "keep")
    flags = np.column_stack([*difference.changed.values(), match.positions == NONE])
    busy = np.flatnonzero(flags.any(axis=1))
    given = {field: as_texts(table[name].iloc[busy]) for field, name in found.fields.items()}
    positions = match.positions[busy]
    judge = RowReviewer(given, current, positions, _read_base(base, current))
    places: list[int] = []
    rows = []
    for line, place in enumerate(busy.tolist()):
        changed = zip(difference.changed, flags[place], strict=False)
        fields = [name for name, flag in changed if flag]
        if row := judge.review_row(line, fields, match.problems.get(place)):
            places.append(place)
            rows.append(row)
    rest = np.ones(len(table), dtype=bool)
    rest[places] = False
    numbers = _number_rows(table.index)
    for row, number in zip(rows, numbers[places].tolist(), strict=True):
        row.row = number
    _keep_cells(table, places, rows)
    unchanged = pd.Series(
        current.index.array.take(match.positions[rest]),
        index=pd.Index(numbers[rest], name="row"),
        name=ID,
        dtype=TEXT_DTYPE,
    )
    _find_same_customers(rows, unchanged)
    _find_emails_of_others(rows, current, strict="email" in keys)
    _find_probable_duplicates(rows, current)
    return TableReview(found, rows, unchanged, _describe_columns(found, difference.ignored))


def check_arguments(
    table: pd.DataFrame,
    *,
    key: str | Sequence[str],
    columns: Mapping[str, str | None] | None,
    empty: Empty,
) -> tuple[pd.DataFrame, ColumnMapping, list[str]]:
    """Refuse what can't be planned whoever is at Clover: reading them all may take minutes.

    Arguments as of :func:`review_table`.

    Returns:
        The table with its ids as a column, which column is which field, and the key's fields that
        it has.

    Raises:
        ValidationError: The table, the columns, the key or ``empty`` can't be right.
    """
    if empty not in get_args(Empty):
        raise ValidationError('empty is "keep" or "clear".', field="empty")
    table = _prepare_table(table)
    found = match_columns(table, columns)
    return table, found, _check_key(key, found)


def _prepare_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its customer ids as a column, and headings that are texts, each once."""
    if not isinstance(table, pd.DataFrame):
        raise ValidationError(
            f"table must be a DataFrame, not a {type(table).__name__}.",
            hint="clover_nb.read_table makes one of a file.",
            field="table",
        )
    if table.index.name == ID and ID not in table.columns:
        table = table.reset_index()
    headings = pd.Index([str(name) for name in table.columns])
    if not headings.is_unique:
        raise ValidationError(
            f"Two columns have the same heading, {headings[headings.duplicated()][0]!r}.",
            hint="Rename one, or take it away.",
            field="table",
        )
    return table.set_axis(headings, axis="columns")


def _number_rows(index: pd.Index[Any]) -> npt.NDArray[np.int64]:
    """The numbers of a file's rows, where each has one of its own; else from 1."""
    is_numbered = index.name == "row" and pd.api.types.is_integer_dtype(index) and index.is_unique
    return np.array(index if is_numbered else range(1, len(index) + 1), dtype=np.int64)


def _check_key(key: object, columns: ColumnMapping) -> list[str]:
    key = [key] if isinstance(key, str) else key
    if not isinstance(key, Sequence) or not all(isinstance(field, str) for field in key) or not key:
        raise ValidationError(
            "key must be the name of a field, or several.",
            hint=f'Such as "email", or ("id", "email"). There are: {", ".join((ID, *FIELDS))}.',
            field="key",
        )
    for field in key:
        validation.check_name(field, (ID, *FIELDS))
    known = [field for field in key if field in columns.fields]
    if not known or not set(columns.fields) & {*FIELDS}:
        likely = [f"{heading!r}: {field!r}" for heading, field in columns.likely.items()]
        named = ", ".join(likely) or "'E-mail': 'email'"
        missing = f"none of {', '.join(key)}" if not known else "no field that can be set"
        raise ValidationError(
            f"The table has {missing} among its headings.",
            hint=f"Say which column it is, such as columns={{{named}}}.",
            field="columns",
        )
    return known


def _read_base(base: pd.DataFrame | None, current: pd.DataFrame) -> BaseTable | None:
    if base is None:
        return None
    is_table = isinstance(base, pd.DataFrame)
    if is_table and base.index.name != ID and ID in base.columns:
        base = base.set_index(ID)
    if not is_table or base.index.name != ID or not _is_unique(base):
        raise ValidationError(
            "base has no customer ids, or one of them or of the headings twice.",
            hint="Give the table as clover.customers.list() made it.",
            field="base",
        )
    held = {name: as_texts(base[name]) for name in FIELDS if name in base.columns}
    return BaseTable(base.index.get_indexer(current.index), held)


def _is_unique(table: pd.DataFrame) -> bool:
    return table.index.is_unique and table.columns.is_unique


def _keep_cells(table: pd.DataFrame, places: list[int], rows: Sequence[PlanRow]) -> None:
    """The input of each row that is not unchanged, without card numbers and tokens."""
    chosen = table.iloc[places]
    columns = [as_texts(chosen[name]).to_pylist() for name in table.columns]
    for row, cells in zip(rows, zip(*columns, strict=True), strict=True):
        row.cells = list(map(mask_text, cells))


def _describe_columns(columns: ColumnMapping, ignored: Iterable[str]) -> list[str]:
    notes = [
        f"Column {columns.read_only[name]!r} is ignored: {READ_ONLY[name]}." for name in ignored
    ]
    if columns.left_out:
        notes.append(f"Left out: {', '.join(columns.left_out)}.")
    for heading, field in columns.likely.items():
        notes.append(
            f"{heading!r} looks like {field}: columns={{{heading!r}: {field!r}}} takes it."
        )
    return notes


# -- rows beside each other ------------------------------------------------------------------------


def _find_same_customers(rows: Sequence[PlanRow], unchanged: pd.Series[str]) -> None:
    """Two rows of one customer; the later would undo the earlier."""
    by_id: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.customer_id:
            by_id[row.customer_id].append(row.row)
    again = unchanged[unchanged.isin(list(by_id))]
    for number, customer_id in zip(again.index.tolist(), again, strict=True):
        by_id[customer_id].append(number)
    for row in rows:
        others = [each for each in by_id.get(row.customer_id or "", ()) if each != row.row]
        if others:
            message = f"Row {others[0]} is the same customer."
            row.reasons.append(RowReason(ID, "same_customer", message))


def _find_emails_of_others(rows: Sequence[PlanRow], current: pd.DataFrame, *, strict: bool) -> None:
    """A customer's new email that is another customer's.

    Args:
        rows: All rows.
        current: All customers.
        strict: Whether the email tells who a row is, so that the row is two customers.
    """
    changing = [row for row in rows if row.action == "modify" and row.wanted.get("email")]
    if not changing:
        return
    asked = {normalize_value("email", row.wanted["email"]) for row in changing}
    owners = _find_second_emails(current) | {
        email: customer_id
        for email, customer_id in zip(
            (normalize_value("email", text) for text in as_texts(current["email"]).to_pylist()),
            current.index,
            strict=True,
        )
        if email in asked
    }
    for row in changing:
        owner = owners.get(normalize_value("email", row.wanted["email"]))
        if owner is not None and owner != row.customer_id:
            code = "two_customers" if strict else "email_of_another"
            message = f"The id is one customer's, and the email that of {owner}."
            row.reasons.append(RowReason("email", code, message))


def _find_second_emails(current: pd.DataFrame) -> dict[str, str]:
    """Whose each email is that stands beside a customer's primary one."""
    column = LISTS["email"]
    if column not in current.columns:
        return {}
    several = current[current[column].notna()]
    return {
        normalize_value("email", str(each.get("emailAddress"))): str(customer_id)
        for customer_id, primary, listed in zip(
            several.index, several["email"], several[column], strict=True
        )
        for each in json.loads(listed)
        if isinstance(each, dict) and each.get("emailAddress") not in (None, "", primary)
    }


def _find_probable_duplicates(rows: Sequence[PlanRow], current: pd.DataFrame) -> None:
    """New customers who are probably there already, or twice in the table."""
    new = {f"row {row.row}": row for row in rows if row.action == "create" and row.wanted}
    if not new:
        return
    lines = [_as_customer(row.wanted) for row in new.values()]
    created = pd.DataFrame(lines, index=pd.Index(list(new), name=ID), dtype=TEXT_DTYPE)
    fields = list(created.columns)
    others = current[fields]
    alike = np.zeros(len(others), dtype=bool)
    for field in ("email", "phone", "shipping_postal_code"):
        asked = {normalize_value(field, text) for text in created[field]} - {""}
        held = [
            normalize_value(field, text) in asked for text in as_texts(others[field]).to_pylist()
        ]
        alike |= np.array(held, dtype=bool)
    pairs = quality.duplicates(pd.concat([others[alike], created]))
    for one, other, name, why in zip(
        pairs["id"], pairs["other_id"], pairs["name"], pairs["why"], strict=True
    ):
        if other in new:
            message = (
                f"Probably {one} ({name}): the same {why}."
                if one not in new
                else (f"Probably the same as {one}: the same {why}.")
            )
            new[other].reasons.append(
                RowReason(why.partition(",")[0], "probable_duplicate", message)
            )
    seconds = _find_second_emails(current)
    for row in new.values():
        if owner := seconds.get(normalize_value("email", row.wanted.get("email", ""))):
            message = f"Probably {owner}, who has this email beside another one."
            row.reasons.append(RowReason("email", "probable_duplicate", message))


def _as_customer(wanted: Mapping[str, str]) -> dict[str, str]:
    names = " ".join(filter(None, (wanted.get(name, "") for name in NAME_PARTS)))
    asked = ("email", "phone", "shipping_line1", "shipping_postal_code")
    return {"name": names} | {field: wanted.get(field, "") for field in asked}
