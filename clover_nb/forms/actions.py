"""What the forms do, as plain functions: no widget is in sight here.

They take what was typed as flat texts, by the names that errors use too (``"email"``,
``"shipping.address.city"``), and the customer as it was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from clover_nb import validation
from clover_nb.client import Clover
from clover_nb.errors import (
    AlreadyOnFileError,
    Change,
    CloverError,
    EditConflictError,
    NotFoundError,
    ValidationError,
)
from clover_nb.forms.history import describe_unanswered_create, fields_of
from clover_nb.forms.values import (
    KEEP,
    SHIPPING_FIELDS,
    FieldChange,
    FormWarning,
    Row,
    Typed,
    describe_cards,
    find_address_warnings,
    find_changes,
    has_address,
    read_contact,
    read_note,
    read_shipping,
)
from clover_nb.masking import Secret
from clover_nb.writes import conflicts
from clover_nb.writes.undo import find_undo_fields

CARD_GONE: Final = "It can't be undone: the old card would need a new token from its holder."


class ConfirmationRequired(Exception):
    """Nothing was sent: somebody must say first that it is meant."""

    def __init__(self, warnings: Iterable[FormWarning]) -> None:
        self.warnings = tuple(warnings)
        super().__init__("; ".join(each.message for each in self.warnings))


@dataclass(frozen=True)
class ActionResult:
    """A change that was made.

    Attributes:
        row: The customer as it is now.
        undo: Undoes it; ``None`` where that is impossible.
        note: Why it can't be undone, in a sentence; empty when it can.
        card_id: The card that was attached; empty when none was.
    """

    row: Row[Any] | None
    undo: Callable[[], ActionResult] | None = None
    note: str = ""
    card_id: str = ""


def _require_no_warnings(warnings: Iterable[FormWarning]) -> None:
    if found := list(warnings):
        raise ConfirmationRequired(found)


# -- doing it ----------------------------------------------------------------------------------


def create_customer(clover: Clover, _: None, typed: Typed, *, sure: bool = False) -> ActionResult:
    """Create a customer from what was typed, and read it back where that is possible.

    Raises:
        ConfirmationRequired: The address exists already or is odd, or somebody was about to create
            a customer with it, and nobody is ``sure``.
    """
    if not sure:
        _require_no_warnings(
            [*_find_doubles(clover, typed["email"]), *find_address_warnings(typed)]
        )
    plain: dict[str, Any] = {n: value for n, value in typed.items() if value and "." not in n}
    recipient = typed.get("shipping.name") or typed.get("shipping.phone")
    shipping = _build_shipping(typed) if has_address(typed) or recipient else None
    row = _read_back(clover, clover.customers.create(**plain, shipping=shipping, consent=True))
    return ActionResult(row, note="A new customer can't be undone, only changed.")


def _find_doubles(clover: Clover, email: str) -> list[FormWarning]:
    """Who has this address already, or else may have it soon."""
    if found := find_duplicates(clover, email):
        return found
    coming = describe_unanswered_create(clover, email)
    return [FormWarning("email", coming)] if coming else []


def find_duplicates(clover: Clover, email: str, own: str = "") -> list[FormWarning]:
    """Who else has this address already."""
    if not clover.settings.merchant_id:
        return []  # nothing can be read
    customers = tuple(each for each in list_customers_with(clover, email) if each[0] != own)
    if not customers:
        return []
    who = "a customer" if len(customers) == 1 else f"{len(customers)} customers"
    return [FormWarning("email", f"This address belongs to {who} already.", customers)]


def list_customers_with(clover: Clover, email: str) -> tuple[tuple[str, str], ...]:
    """Who has this address: the id of each, and a name."""
    found = _without_nan(clover.customers.search(email=email))
    return tuple((str(key), str(row["name"] or key)) for key, row in found.iterrows())


def edit_contact(
    clover: Clover, row: Row[Any], typed: Typed, *, sure: bool = False
) -> ActionResult:
    """Change a customer's name, email or phone to what was typed.

    Raises:
        ValidationError: Nothing differs from ``row``; nothing was sent.
        EditConflictError: Somebody else has changed the customer since it was read.
        ConfirmationRequired: The new address belongs to another customer, and nobody is ``sure``.
    """
    changes = find_changes(read_contact(row), typed)
    changed: dict[str, Any] = {each.field: typed[each.field] for each in changes}
    _require_change(changed)
    if "email" in changed and not sure:
        _require_no_warnings(find_duplicates(clover, changed["email"], own=row["id"]))
    return _add_undo(clover, clover.customers.modify(row["id"], **changed, expected=row))


def update_shipping(
    clover: Clover, row: Row[Any], typed: Typed, *, sure: bool = False
) -> ActionResult:
    """Change a customer's shipping to what was typed; a part that was emptied is taken off.

    Raises:
        ValidationError: Nothing differs from ``row``; nothing was sent.
        EditConflictError: Somebody else has changed the customer since it was read.
        ConfirmationRequired: The address is odd, and nobody is ``sure``.
    """
    shown = read_shipping(row)
    _require_change(find_changes(shown, typed))
    if not sure:
        _require_no_warnings(find_address_warnings(typed))
    removed = {name for name in SHIPPING_FIELDS if shown[name] and not typed.get(name)}
    shipping = _build_shipping(typed, removed)
    return _add_undo(clover, clover.customers.modify(row["id"], shipping=shipping, expected=row))


def edit_note(clover: Clover, row: Row[Any], typed: Typed, **_: object) -> ActionResult:
    """Change the note about a customer to what was typed; an empty one is taken off.

    Raises:
        ValidationError: Nothing differs from ``row``; nothing was sent.
        EditConflictError: Somebody else has changed the customer since it was read.
    """
    _require_change(find_changes(read_note(row), typed))
    return _add_undo(clover, clover.customers.modify(row["id"], note=typed["note"], expected=row))


def attach_card(clover: Clover, row: Row[Any], typed: Typed, *, sure: bool = False) -> ActionResult:
    """Attach a card to a customer, or put it in the place of another.

    ``"source"`` is the token, ``"replaces"`` the id of the card that it replaces, ``"ecomind"``
    who typed the card. Who is ``sure`` has the old card taken off before the new one is attached.

    Raises:
        EditConflictError: Somebody else has changed the customer's cards since it was read.
        ConfirmationRequired: Clover keeps one card alone, and nobody is ``sure``.
        PartialChangeError: One of two steps was made.
    """
    _require_same_cards(clover, row)
    customers, token, old = clover.customers, typed["source"], typed.get("replaces", KEEP)
    agreed: dict[str, Any] = {"consent": True, "ecomind": typed.get("ecomind")}
    if old == KEEP:
        after = _read_back(clover, customers.add_source(row["id"], token, **agreed))
        new = [key for key in after["source_ids"] if key not in row["source_ids"]]
        return ActionResult(after, card_id=new[0] if len(new) == 1 else "")
    try:
        answer = customers.replace_source(row["id"], old, token, delete_first=sure, **agreed)
    except AlreadyOnFileError as refused:
        if sure:
            raise
        message = (
            "Clover says that a card is on file. Either it is this very card, and nothing needs "
            "to be done; or one card is all that is kept, and the old one has to be taken off "
            "first. If the new one is refused then, the customer has no card."
        )
        raise ConfirmationRequired([FormWarning("source", message)]) from refused
    return ActionResult(_read_back(clover, answer), note=CARD_GONE)


def delete_card(clover: Clover, row: Row[Any], typed: Typed, **_: object) -> ActionResult:
    """Take a card, ``"card"``, off a customer. One that is gone already is as good as taken off.

    Raises:
        EditConflictError: Somebody else has changed the customer's cards since it was read.
    """
    _require_same_cards(clover, row)
    with suppress(NotFoundError):
        clover.customers.delete_source(row["id"], typed["card"])
    return ActionResult(clover.customers.retrieve(row["id"]), note=CARD_GONE)


def _require_same_cards(clover: Clover, row: Row[Any]) -> None:
    now = clover.customers.retrieve(row["id"])
    try:
        conflicts.check_conflicts({name: row[name] for name in ("id", "source_ids")}, dict(now))
    except EditConflictError as found:
        then_now = [list(describe_cards(each).values()) for each in (row, now)]
        raise EditConflictError(found.message, changes=[Change("cards", *then_now)]) from None


def _require_change(changed: object) -> None:
    if not changed:
        raise ValidationError("Nothing is changed yet.")


def _add_undo(clover: Clover, answer: Row[Any]) -> ActionResult:
    """A change of fields, and how to take it back, by its entry in the journal."""
    row, entry = _read_back(clover, answer), answer.attrs["entry"]
    try:
        find_undo_fields(clover.journal.entry(entry), dict(row))
    except CloverError as reason:
        return ActionResult(row, note=_explain_no_undo(reason))
    return ActionResult(row, lambda: _add_undo(clover, clover.undo(entry)))


def _explain_no_undo(reason: CloverError) -> str:
    message = reason.message.partition(": ")[2] or reason.message
    return f"It can't be undone: {message}"


# -- taking back any change of the journal -------------------------------------------------------


def preview_undo(clover: Clover, row: Row[Any], entry: int) -> list[FieldChange]:
    """What undoing a change would do, by labels of the row; nothing where it can't be undone."""
    try:
        body = find_undo_fields(clover.journal.entry(entry), dict(row))
    except CloverError:
        return []
    values = [(label, row.get(label) or "", new or "") for _, label, new in fields_of(body)]
    return [FieldChange(*each) for each in values if each[1] != each[2]]


def undo_change(clover: Clover, entry: int) -> ActionResult:
    """Take back a change of the journal, and say how to take that back.

    Raises:
        ValidationError: It can't be taken back; the message says why.
    """
    try:
        answer = clover.undo(entry)
    except (ValidationError, EditConflictError) as reason:
        raise ValidationError(_explain_no_undo(reason)) from reason
    return _add_undo(clover, answer)


# -- finding -----------------------------------------------------------------------------------


def find_customer(clover: Clover, who: str) -> Row[Any] | pd.DataFrame:
    """The customer with this email address or id as it is now, or all that share the address.

    Raises:
        ValidationError: It is neither an address nor an id, or there is nobody.
    """
    try:
        query = (
            {"email": validation.check_email(who)}
            if "@" in who
            else {"id": validation.check_customer_id(who)}
        )
    except ValidationError as problem:
        raise ValidationError(
            "customer is neither an email address nor a customer's id.",
            hint="Type the whole address, or the 13 letters and digits of an id.",
            field="customer",
        ) from problem
    found = clover.customers.search(**query)
    if found.empty:
        raise ValidationError(
            f"There is no customer with the {next(iter(query))} {who}.",
            hint="Addresses are compared letter by letter.",
            field="customer",
        )
    return clover.customers.retrieve(found.index[0]) if len(found) == 1 else _without_nan(found)


def row_of(table: pd.DataFrame, customer_id: str) -> Row[Any]:
    """A customer of a table as a row of its own."""
    line = _without_nan(table.loc[[customer_id]]).iloc[0]
    fields = {"id": customer_id, **line, "source_ids": line["source_ids"].split()}
    return pd.Series(fields, dtype=object, name=customer_id)


def _without_nan(table: pd.DataFrame) -> pd.DataFrame:
    """A table without NaN, whose truth would be that of a text."""
    return table.astype(object).where(table.notna(), None)


def make_test_token(clover: Clover, card: Mapping[str, str]) -> Secret:
    """A token of a published test card, to practise with."""
    return Secret(clover.tokens.create(card=card)["id"].reveal())


def _build_shipping(typed: Typed, removed: Iterable[str] = ()) -> dict[str, Any]:
    given: dict[str, str | None] = {
        name: value for name, value in typed.items() if value and name.startswith("shipping.")
    }
    given |= dict.fromkeys(removed)
    parts = {name.removeprefix("shipping."): value for name, value in given.items()}
    address = {n.removeprefix("address."): v for n, v in parts.items() if n.startswith("address.")}
    whole: dict[str, Any] = {n: v for n, v in parts.items() if not n.startswith("address.")}
    return whole | ({"address": address} if address else {})


def _read_back(clover: Clover, answer: Row[Any]) -> Row[Any]:
    """The customer as every later read shows it; else as the change answered it.

    The change is done by now: a read that fails must not look like a change that failed.
    """
    try:
        return clover.customers.retrieve(answer["id"])
    except CloverError:
        return answer
