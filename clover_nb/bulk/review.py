"""What becomes of each row of a table: what it changes, and what speaks against it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from clover_nb import addresses, quality, validation
from clover_nb.bulk.columns import ID, READ, ColumnMapping, match_columns
from clover_nb.bulk.fields import (
    ADDRESS,
    CLOVER_NAMES,
    FIELDS,
    NAME_PARTS,
    READ_ONLY,
    as_texts,
    find_missing_parts,
    normalize_value,
    reads_as,
)
from clover_nb.bulk.rows import PlanRow, RowReason
from clover_nb.bulk.table_diff import NONE, Positions, compare_rows, match_rows
from clover_nb.card_numbers import contains_card_number
from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import ValidationError
from clover_nb.masking import mask_text

Empty = Literal["keep", "clear"]
Texts = Mapping[str, pa.Array]  # columns of texts, by field

_COUNTRY: Final = "US"  # D: what Clover fills in where none is given
_SHORT_ZIP: Final = re.compile(r"(\d{3,4})(-\d{4})?")
_ZIP_DIGITS: Final = 5
_NO_EMPTYING: Final = "The Platform API takes an empty name as one that is left out."


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
    judge = _RowReviewer(given, current, positions, _read_base(base, current))
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


def _read_base(base: pd.DataFrame | None, current: pd.DataFrame) -> _BaseTable | None:
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
    return _BaseTable(base.index.get_indexer(current.index), held)


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


# -- row by row ------------------------------------------------------------------------------------


class _BaseTable(NamedTuple):
    """A table as it was before it was edited: the place of each customer in it, and its texts."""

    positions: Positions
    texts: Texts


class _RowReviewer:
    """Judges rows one by one.

    Args:
        given: The texts of the rows that differ in any way, by field.
        current: All customers.
        positions: Whose each row is.
        base: The table before it was edited.
    """

    def __init__(
        self,
        given: Texts,
        current: pd.DataFrame,
        positions: Positions,
        base: _BaseTable | None,
    ) -> None:
        self._given = given
        self._ids = current.index
        self._positions = positions
        # Of the fields that the table lacks too: an address is judged as a whole.
        self._current = {
            name: as_texts(pd.Series(current[name].array.take(positions, allow_fill=True)))
            for name in FIELDS
        }
        self._several = {
            name: current[column].notna().to_numpy()
            for name, column in _LISTS.items()
            if column in current.columns
        }
        self._base = base

    def review_row(
        self, line: int, fields: Sequence[str], problem: RowReason | None
    ) -> PlanRow | None:
        """What becomes of a row; ``None`` if nothing does.

        Args:
            line: Its place among the rows that differ.
            fields: Those whose text differs and is to be set.
            problem: Why it can't be told whose it is.
        """
        if problem:
            return PlanRow(0, "modify", reasons=[problem])
        given = {name: str(self._given[name][line].as_py()) for name in fields}
        if self._positions[line] == NONE:
            return self._review_new(given)
        return self._review_existing(line, given)

    def _review_new(self, given: dict[str, str]) -> PlanRow:
        given = {name: value.strip() for name, value in given.items() if value.strip()}
        row = PlanRow(0, "create")
        wanted = _with_name_parts(given, dict.fromkeys(NAME_PARTS, ""), row.reasons)
        wanted = {name: value for name, value in wanted.items() if value}
        if not wanted.keys() & {*NAME_PARTS, "email", "phone"}:
            told = "A new customer needs a name, an email or a phone."
            row.reasons.append(RowReason("name", "nobody", told))
        self._check_values(row, wanted, dict.fromkeys(FIELDS, ""))
        return row

    def _review_existing(self, line: int, given: dict[str, str]) -> PlanRow | None:
        now = {name: str(column[line].as_py()) for name, column in self._current.items()}
        position = int(self._positions[line])
        row = PlanRow(0, "modify", str(self._ids[position]))
        if "shipping_postal_code" in given:
            given["shipping_postal_code"] = _with_zero(given, now)
        given = {
            name: value
            for name, value in given.items()
            if normalize_value(name, value) != normalize_value(name, now[name])
        }
        given = self._keep_edited(row, line, given, now)
        wanted = _with_name_parts(given, now, row.reasons)
        wanted = {
            name: value
            for name, value in wanted.items()
            if normalize_value(name, value) != normalize_value(name, now[name])
        }
        if not wanted:
            return None
        self._check_emptied(row, wanted, position)
        self._check_values(row, wanted, now)
        return row

    def _keep_edited(
        self, row: PlanRow, line: int, given: dict[str, str], now: Mapping[str, str]
    ) -> dict[str, str]:
        """What was edited since the table was read; what others changed meanwhile is a conflict."""
        kept = {}
        for name, value in given.items():
            edited = self._is_edited(line, name, value)
            if edited is False:
                continue
            kept[name] = value
            if edited and self._is_edited(line, name, now[name]):
                then = self._base_value(line, name)
                told = f"{name} was changed at Clover since the table was read: it is {now[name]!r}"
                told += f", was {then!r}" if then is not None else ""
                row.reasons.append(RowReason(name, "changed_since", mask_text(f"{told}.")))
        return kept

    def _is_edited(self, line: int, name: str, value: str) -> bool | None:
        """Whether a value differs from the one that was read; ``None`` if that is not known."""
        if self._base is not None:
            then = self._base_value(line, name)
            return (
                None
                if then is None
                else normalize_value(name, then) != normalize_value(name, value)
            )
        if READ not in self._given:
            return None
        customer_id = str(self._ids[self._positions[line]])
        same = reads_as(str(self._given[READ][line].as_py()), customer_id, name, value)
        return None if same is None else not same

    def _base_value(self, line: int, name: str) -> str | None:
        if self._base is None or name not in self._base.texts:
            return None
        position = int(self._base.positions[self._positions[line]])
        return None if position == NONE else str(self._base.texts[name][position].as_py())

    def _check_emptied(self, row: PlanRow, wanted: Mapping[str, str], position: int) -> None:
        for name in NAME_PARTS:
            if name in wanted and not wanted[name]:
                row.reasons.append(RowReason(name, "not_emptied", f"{name} stays: {_NO_EMPTYING}"))
        for name, several in self._several.items():
            if several[position] and name in wanted and not wanted[name]:
                told = f"{name} stays: the customer has several, and the next would take its place."
                row.reasons.append(RowReason(name, "not_emptied", told))

    def _check_values(self, row: PlanRow, wanted: dict[str, str], now: Mapping[str, str]) -> None:
        """Check the values by their rules, and put them into the row as they are sent."""
        for name, value in wanted.items():
            if contains_card_number(value):
                told = f"{name} holds what looks like a card number."
                row.reasons.append(RowReason(name, "card_number", told))
                wanted[name] = mask_text(value)
            elif value:
                try:
                    wanted[name] = validation.check_field(CLOVER_NAMES.get(name, name), value)
                except ValidationError as error:
                    row.reasons.append(RowReason(name, "invalid", str(error)))
        if any(name in wanted for name in ADDRESS):
            _check_address(row, wanted, now)
        order = [name for name in FIELDS if name in wanted]
        row.wanted = {name: wanted[name] for name in order}
        row.before = {name: mask_text(now[name]) for name in order}


#: Where a record's several entries stand in a table; there is no such column for one alone.
_LISTS: Final = {
    "email": "emailAddresses",
    "phone": "phoneNumbers",
    **dict.fromkeys(ADDRESS, "addresses"),
}


def _with_name_parts(
    given: Mapping[str, str], now: Mapping[str, str], reasons: list[RowReason]
) -> dict[str, str]:
    """First and last name in the place of the whole one, which is divided at its last space."""
    wanted = {name: value for name, value in given.items() if name != "name"}
    if "name" not in given:
        return wanted
    whole = " ".join(given["name"].split())
    if not wanted.keys() & {*NAME_PARTS}:
        first, _, last = whole.rpartition(" ")
        return wanted | {"first_name": first or last, "last_name": last if first else ""}
    parts = " ".join(filter(None, (wanted.get(name, now[name]).strip() for name in NAME_PARTS)))
    if normalize_value("name", parts) != normalize_value("name", whole):
        told = f"name says {whole!r}, first and last name say {parts!r}, which counts."
        reasons.append(RowReason("name", "names_disagree", mask_text(told)))
    return wanted


def _with_zero(given: Mapping[str, str], now: Mapping[str, str]) -> str:
    """A ZIP code with the zero in front that a spreadsheet took away, where it is Clover's."""
    code = given["shipping_postal_code"].strip()
    zero = code.zfill(_ZIP_DIGITS)
    return zero if zero == now["shipping_postal_code"] else given["shipping_postal_code"]


def _check_address(row: PlanRow, wanted: dict[str, str], now: Mapping[str, str]) -> None:
    whole = {part: wanted.get(f"shipping_{part}", now[f"shipping_{part}"]) for part in _PARTS}
    if not any(value for part, value in whole.items() if part != "country"):
        if not now["shipping_line1"] and "shipping_country" in wanted:
            del wanted["shipping_country"]  # alone, it is no address
        return
    if not whole["country"]:
        wanted["shipping_country"] = whole["country"] = _COUNTRY
    code = whole["postal_code"]
    if whole["country"] == _COUNTRY and (short := _SHORT_ZIP.fullmatch(code)):
        code = short[1].zfill(_ZIP_DIGITS) + (short[2] or "")
        told = f"The ZIP code {whole['postal_code']} lacks a zero in front: {code} is meant."
        row.reasons.append(RowReason("shipping_postal_code", "zero_added", told))
        wanted["shipping_postal_code"] = whole["postal_code"] = code
    missing = find_missing_parts({f"shipping_{part}": value for part, value in whole.items()})
    row.reasons += [RowReason(name, "address_incomplete", told) for name, told in missing.items()]
    if not missing:
        for part, message, certain in _find_address_flaws(whole["state"], code, whole["country"]):
            kind = "address_wrong" if certain else "address_doubtful"
            row.reasons.append(RowReason(f"shipping_{part}", kind, message))


_PARTS: Final = tuple(name.removeprefix("shipping_") for name in ADDRESS)


@cache
def _find_address_flaws(
    state: str, postal_code: str, country: str
) -> list[addresses.AddressFinding]:
    """What is wrong with an address; of the street and the city it only matters that they are."""
    given = {"line1": "given", "city": "given", "state": state, "postal_code": postal_code}
    return addresses.check(given | {"country": country})


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
            told = f"Row {others[0]} is the same customer."
            row.reasons.append(RowReason(ID, "same_customer", told))


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
    owners = {
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
            told = f"The id is one customer's, and the email that of {owner}."
            row.reasons.append(RowReason("email", code, told))


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
            told = (
                f"Probably {one} ({name}): the same {why}."
                if one not in new
                else (f"Probably the same as {one}: the same {why}.")
            )
            new[other].reasons.append(RowReason(why.partition(",")[0], "probable_duplicate", told))


def _as_customer(wanted: Mapping[str, str]) -> dict[str, str]:
    names = " ".join(filter(None, (wanted.get(name, "") for name in NAME_PARTS)))
    asked = ("email", "phone", "shipping_line1", "shipping_postal_code")
    return {"name": names} | {field: wanted.get(field, "") for field in asked}
