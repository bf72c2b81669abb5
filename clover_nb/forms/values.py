"""What a form shows of a customer, what is wrong with what was typed, and what it would change.

Nothing here asks Clover, and nothing knows of a widget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import pandas as pd

from clover_nb import addresses, validation
from clover_nb.errors import CloverError, ValidationError
from clover_nb.forms.address_input import find_misplaced
from clover_nb.records import list_elements, month_year

Typed = Mapping[str, str]
Row = pd.Series  # one customer, as of clover_nb.to_row

_ADDRESS: Final = "shipping.address."
ADDRESS_FIELDS: Final = tuple(
    f"{_ADDRESS}{name}" for name in ("line1", "line2", "city", "state", "postal_code", "country")
)
SHIPPING_FIELDS: Final = ("shipping.name", "shipping.phone", *ADDRESS_FIELDS)
CONTACT_FIELDS: Final = ("name", "email", "phone")
COUNTRY: Final = "US"  # D: what Clover fills in where none is given
KEEP: Final = ""  # the choice of no card to replace


class FieldChange(NamedTuple):
    """A line of what will change: a field (or a heading of its own), its value now, its new one."""

    field: str
    now: str
    new: str


class FormWarning(NamedTuple):
    """What is probably wrong, and may be meant all the same.

    Attributes:
        field: Where it is shown.
        message: What is odd.
        customers: Ids of customers to look at, each with a name.
    """

    field: str
    message: str
    customers: tuple[tuple[str, str], ...] = ()


# -- what is wrong -----------------------------------------------------------------------------


def find_errors(typed: Typed, required: Iterable[str] = ()) -> dict[str, CloverError]:
    """What is wrong with each field, all at once; an empty dict when nothing is.

    Args:
        typed: What was typed; empty texts count as left out.
        required: The fields that must not be empty.

    Returns:
        The first problem of each field, by field.
    """
    found: dict[str, CloverError] = {}
    for name in required:
        if not typed.get(name):
            found[name] = ValidationError("This is required.", field=name)
    for name, value in typed.items():
        if value:
            try:
                validation.check_field(name, value)
            except ValidationError as problem:
                found[name] = problem
    for finding in _check_address(typed):
        if finding.certain:
            name = _ADDRESS + finding.part
            found.setdefault(name, ValidationError(finding.message, field=name))
    return found


def find_contact_errors(row: Row[Any], typed: Typed) -> dict[str, CloverError]:
    """What is wrong with a contact; what was there can't be emptied."""
    found = find_errors(typed)
    for name, shown in read_contact(row).items():
        if shown and not typed.get(name):
            found[name] = ValidationError("Clover has no way to empty it.", field=name)
    return found


def has_address(typed: Typed) -> bool:
    """Whether there is an address: any part of it but the country, which is filled in for all."""
    return any(typed.get(name) for name in ADDRESS_FIELDS if not name.endswith("country"))


def read_parts(typed: Typed) -> dict[str, str]:
    """What was typed of an address, by Clover's names of its parts."""
    return {name.removeprefix(_ADDRESS): typed.get(name, "") for name in ADDRESS_FIELDS}


def _check_address(typed: Typed) -> list[addresses.AddressFinding]:
    return addresses.check(read_parts(typed)) if has_address(typed) else []


def find_address_warnings(typed: Typed) -> list[FormWarning]:
    """What is odd about an address; it may be meant."""
    if not has_address(typed):
        return []
    doubts = [
        FormWarning(_ADDRESS + each.part, each.message)
        for each in _check_address(typed)
        if not each.certain
    ]
    parts = read_parts(typed)
    part, text = find_misplaced(parts)
    if part:
        label = addresses.name_parts(parts["country"])[part]
        message = f"{text} in line 1 is not what stands under {label}."
        doubts.append(FormWarning(f"{_ADDRESS}line1", message))
    return doubts


# -- what will change --------------------------------------------------------------------------


def find_changes(shown: Typed, typed: Typed) -> list[FieldChange]:
    """The fields that differ from what is shown."""
    return [
        FieldChange(name, shown.get(name, ""), value)
        for name, value in typed.items()
        if value != shown.get(name, "")
    ]


def read_contact(row: Row[Any]) -> dict[str, str]:
    """A customer's name, email and phone as a form shows them, empty where there is nothing."""
    return {name: row[name] or "" for name in CONTACT_FIELDS}


def read_note(row: Row[Any]) -> dict[str, str]:
    """The note about a customer as a form shows it."""
    return {"note": (row["note"] or "").strip()}


def read_shipping(row: Row[Any]) -> dict[str, str]:
    """A customer's shipping as a form shows it: every field, empty where there is nothing."""
    return {name: row["shipping_" + name.rpartition(".")[2]] or "" for name in SHIPPING_FIELDS}


class Card(NamedTuple):
    """What is known of a card on file; the expiry as ``"2030-08"``."""

    brand: str | None
    last4: str | None
    expiry: str | None


def read_cards(row: Row[Any] | Mapping[str, Any]) -> dict[str, Card | None]:
    """The cards on file, newest first, by their ids; ``None`` of which nothing is known."""
    known = {card["id"]: card.get for card in list_elements(row.get("cards"))}
    cards: dict[str, Card | None] = {
        key: Card(get("cardType"), get("last4"), month_year(get("expirationDate")))
        for key, get in known.items()
    }
    newest = Card(row["card_brand"], row["card_last4"], row["card_expiry"])
    return {
        key: cards.get(key, None if place else newest)
        for place, key in enumerate(row["source_ids"])
    }


def describe_cards(row: Row[Any] | Mapping[str, Any]) -> dict[str, str]:
    """The cards on file, newest first: what is known of each, in words, by its id."""
    return {
        key: f"Card {key}" if card is None else _describe_card(*card)
        for key, card in read_cards(row).items()
    }


def _describe_card(brand: str | None, last4: str | None, expiry: str | None) -> str:
    ends = f", expires {expiry}" if expiry else ""
    return f"{brand or 'Card'} •••• {last4 or '????'}{ends}"


def preview_card(row: Row[Any], typed: Typed) -> list[FieldChange]:
    """What attaching a card changes, and which card it takes the place of."""
    new = "a new card" if typed["source"] else ""
    replaced = describe_cards(row).get(typed.get("replaces", KEEP))
    if replaced:
        return [FieldChange("Card", replaced, new or "replaced by a new card")]
    return [FieldChange("Cards on file", str(row["card_count"]), "one more")] if new else []
