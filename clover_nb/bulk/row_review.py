"""What becomes of one row of a table: what it changes, and what speaks against it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

import pandas as pd
import pyarrow as pa

from clover_nb import addresses, validation
from clover_nb.bulk.columns import READ
from clover_nb.bulk.fields import (
    ADDRESS,
    CLOVER_NAMES,
    FIELDS,
    NAME_PARTS,
    as_texts,
    find_missing_parts,
    normalize_value,
    reads_as,
)
from clover_nb.bulk.rows import PlanRow, RowReason
from clover_nb.bulk.table_diff import NONE, Positions
from clover_nb.card_numbers import contains_card_number
from clover_nb.errors import ValidationError
from clover_nb.masking import mask_text

Texts = Mapping[str, pa.Array]  # columns of texts, by field

#: Where a record's several entries stand in a table; there is no such column for one alone.
LISTS: Final = {
    "email": "emailAddresses",
    "phone": "phoneNumbers",
    **dict.fromkeys(ADDRESS, "addresses"),
}

_COUNTRY: Final = "US"  # D: what Clover fills in where none is given
_SHORT_ZIP: Final = re.compile(r"(\d{3,4})(-\d{4})?")
_ZIP_DIGITS: Final = 5
_NO_EMPTYING: Final = "The Platform API takes an empty name as one that is left out."
_PARTS: Final = tuple(name.removeprefix("shipping_") for name in ADDRESS)


class BaseTable(NamedTuple):
    """A table as it was before it was edited: the place of each customer in it, and its texts."""

    positions: Positions
    texts: Texts


class RowReviewer:
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
        base: BaseTable | None,
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
            for name, column in LISTS.items()
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
            message = "A new customer needs a name, an email or a phone."
            row.reasons.append(RowReason("name", "nobody", message))
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
                message = (
                    f"{name} was changed at Clover since the table was read: it is {now[name]!r}"
                )
                message += f", was {then!r}" if then is not None else ""
                row.reasons.append(RowReason(name, "changed_since", mask_text(f"{message}.")))
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
                message = (
                    f"{name} stays: the customer has several, and the next would take its place."
                )
                row.reasons.append(RowReason(name, "not_emptied", message))

    def _check_values(self, row: PlanRow, wanted: dict[str, str], now: Mapping[str, str]) -> None:
        """Check the values by their rules, and put them into the row as they are sent."""
        for name, value in wanted.items():
            if contains_card_number(value):
                message = f"{name} holds what looks like a card number."
                row.reasons.append(RowReason(name, "card_number", message))
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
        message = f"name says {whole!r}, first and last name say {parts!r}, which counts."
        reasons.append(RowReason("name", "names_disagree", mask_text(message)))
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
        message = f"The ZIP code {whole['postal_code']} lacks a zero in front: {code} is meant."
        row.reasons.append(RowReason("shipping_postal_code", "zero_added", message))
        wanted["shipping_postal_code"] = whole["postal_code"] = code
    missing = find_missing_parts({f"shipping_{part}": value for part, value in whole.items()})
    row.reasons += [
        RowReason(name, "address_incomplete", message) for name, message in missing.items()
    ]
    if not missing:
        for part, message, certain in _find_address_flaws(whole["state"], code, whole["country"]):
            kind = "address_wrong" if certain else "address_doubtful"
            row.reasons.append(RowReason(f"shipping_{part}", kind, message))


@cache
def _find_address_flaws(
    state: str, postal_code: str, country: str
) -> list[addresses.AddressFinding]:
    """What is wrong with an address; of the street and the city it only matters that they are."""
    given = {"line1": "given", "city": "given", "state": state, "postal_code": postal_code}
    return addresses.check(given | {"country": country})
