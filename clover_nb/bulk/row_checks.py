"""Comparing a batch's rows with what is at Clover: before they are sent, and at the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import pandas as pd

from clover_nb.bulk.fields import FIELDS, as_texts, normalize_value
from clover_nb.bulk.row_requests import Values, differing_fields
from clover_nb.masking import mask_text

if TYPE_CHECKING:
    from clover_nb.journal.batches import BatchRow

_MARK: Final = "externalId"  # of a create, by which it is found again


class CustomerListing:
    """All customers, as they are."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._columns = {name: as_texts(table[name]) for name in FIELDS}
        self._places = {str(key): place for place, key in enumerate(table.index)}
        self._cards = table["card_count"].to_numpy()
        marks = as_texts(table[_MARK]).to_pylist() if _MARK in table.columns else []
        self.marks = {mark: key for mark, key in zip(marks, self._places, strict=False) if mark}
        emails = self._columns["email"].to_pylist()
        self.emails = {
            normalize_value("email", text): key
            for text, key in zip(emails, self._places, strict=True)
        }

    def get(self, customer_id: str | None) -> Values | None:
        """A customer's fields; ``None`` if there is no such customer."""
        place = self._places.get(customer_id or "")
        if place is None:
            return None
        return {name: str(column[place].as_py()) for name, column in self._columns.items()}

    def has_card(self, customer_id: str | None) -> bool:
        """Whether a customer is there, and has a card."""
        place = self._places.get(customer_id or "")
        return place is not None and bool(self._cards[place])

    def find_alike(self, row: BatchRow, ours: set[str | None]) -> str | None:
        """A customer with just a row's fields, who is not known to come from another row."""
        columns = [self._columns[name].to_pylist() for name in row.wanted]
        wanted = [normalize_value(name, text).casefold() for name, text in row.wanted.items()]
        for key, *values in zip(self._places, *columns, strict=True):
            pairs = zip(row.wanted, values, strict=True)
            if key not in ours and [normalize_value(n, v).casefold() for n, v in pairs] == wanted:
                return str(key)
        return None


class RowCheck(NamedTuple):
    """Whether a row is to be sent.

    Attributes:
        verdict: ``send``; ``found``: all is as wanted already; or why it is not sent.
        reason: In a sentence.
        now: The customer's fields.
    """

    verdict: Literal["send", "found", "conflict", "failed"]
    reason: str | None = None
    now: Values | None = None


GONE: Final = RowCheck("failed", "The customer is not there any more.")


def check_row(row: BatchRow, there: CustomerListing) -> RowCheck:
    """Whether a row is to be sent, by what is there."""
    now = there.get(row.customer_id)
    if row.action == "create":
        if row.uid in there.marks:  # by the same plan, of which another journal knows
            row.customer_id = there.marks[row.uid]
            return RowCheck("found")
        email = normalize_value("email", row.wanted.get("email", ""))
        owner = there.emails.get(email) if email and not row.before.get("email") else None
        message = f"Customer {owner} has this email by now."
        return RowCheck("conflict", message) if owner else RowCheck("send")
    if row.action == "delete":
        return check_delete(row, now, has_card=there.has_card(row.customer_id))
    return GONE if now is None else check_modify(row, now)


def check_modify(row: BatchRow, now: Values) -> RowCheck:
    """Whether a change is to be sent, by the customer's fields."""
    left = differing_fields(now, row.wanted)
    if not left:
        return RowCheck("found", now=now)
    moved = [name for name in left if differing_fields(now, {name: row.before[name]})]
    changes = "; ".join(f"{name} was {row.before[name]!r}, is {now[name]!r}" for name in moved)
    if changes:
        return RowCheck("conflict", mask_text(f"Changed since it was planned: {changes}."))
    return RowCheck("send", now=now)


def check_delete(row: BatchRow, now: Values | None, *, has_card: bool) -> RowCheck:
    """Whether a delete is to be sent, by the customer's fields; ``None`` where there is nobody."""
    if now is None:
        return RowCheck("found")
    if has_card:
        return RowCheck("conflict", "A card was attached since.")
    moved = ", ".join(differing_fields(now, row.before))
    return (
        RowCheck("conflict", f"Changed since it was planned: {moved}.")
        if moved
        else RowCheck("send")
    )


def is_as_wanted(row: BatchRow, there: CustomerListing) -> bool:
    """Whether a row that is done is there as it was sent."""
    now = there.get(row.customer_id)
    if row.action == "delete":
        return now is None
    return now is not None and not differing_fields(now, row.wanted)


def describe_differences(now: Values, wanted: Values, names: Iterable[str]) -> str:
    """What Clover has in place of what was sent."""
    return "; ".join(f"{name} is {now[name]!r}, not {wanted[name]!r}" for name in names)
