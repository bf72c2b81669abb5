"""What the forms' buttons do, as plain functions: no widget is in sight here.

They take what was typed as flat texts, by the names that errors use too (``"email"``,
``"shipping.address.city"``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from clover_nb import rules
from clover_nb.client import Clover
from clover_nb.errors import CloverError, InvalidInput
from clover_nb.settings import Secret

Typed = Mapping[str, str]

_ADDRESS: Final = "shipping.address."
ADDRESS_FIELDS: Final = tuple(
    f"{_ADDRESS}{name}" for name in ("line1", "line2", "city", "state", "postal_code", "country")
)
SHIPPING_FIELDS: Final = ("shipping.name", "shipping.phone", *ADDRESS_FIELDS)
_WHOLE_ADDRESS: Final = tuple(f"{_ADDRESS}{name}" for name in ("line1", "city", "state"))


def problems(typed: Typed, required: Iterable[str]) -> dict[str, InvalidInput]:
    """What is wrong with each field, all at once; an empty dict when nothing is.

    Args:
        typed: What was typed; empty texts count as left out.
        required: The fields that must not be empty.

    Returns:
        The first problem of each field, by field.
    """
    found = {}
    for name in required:
        if not typed.get(name):
            found[name] = InvalidInput("This is required.", field=name)
    for name, value in typed.items():
        if value:
            try:
                rules.check(name, value)
            except InvalidInput as problem:
                found[name] = problem
    return found


def address_required(typed: Typed) -> tuple[str, ...]:
    """The parts that an address needs once any of it (but the country) is given."""
    begun = any(typed.get(name) for name in ADDRESS_FIELDS if not name.endswith("country"))
    return _WHOLE_ADDRESS if begun else ()


def create_customer(clover: Clover, typed: Typed) -> pd.Series[Any]:
    """Create a customer from what was typed, and read it back where that is possible."""
    plain: dict[str, Any] = {n: value for n, value in typed.items() if value and "." not in n}
    shipping = _shipping(typed) if address_required(typed) or typed.get("shipping.name") else None
    return _read_back(clover, clover.customers.create(**plain, shipping=shipping))


def attach_card(clover: Clover, customer_id: str, token: str, *, consent: bool) -> pd.Series[Any]:
    """Attach a card to a customer, and read the card's brand back where that is possible."""
    return _read_back(clover, clover.customers.add_source(customer_id, token, consent=consent))


def update_shipping(clover: Clover, now: pd.Series[Any], typed: Typed) -> pd.Series[Any]:
    """Change a customer's shipping to what was typed; a part that was emptied is taken off.

    Args:
        clover: The connection.
        now: The customer as it was shown.
        typed: All of ``SHIPPING_FIELDS``.

    Raises:
        InvalidInput: Nothing differs from ``now``; nothing was sent.
    """
    shown = shipping_of(now)
    if all(typed.get(name, "") == shown[name] for name in SHIPPING_FIELDS):
        raise InvalidInput("Nothing is changed yet.")
    removed = {name for name in SHIPPING_FIELDS if shown[name] and not typed.get(name)}
    changed = clover.customers.modify(now["id"], shipping=_shipping(typed, removed))
    return _read_back(clover, changed)


def shipping_of(row: pd.Series[Any]) -> dict[str, str]:
    """A customer's shipping as the form shows it: every field, empty where there is nothing."""
    return {name: row["shipping_" + name.rpartition(".")[2]] or "" for name in SHIPPING_FIELDS}


def find_customers(clover: Clover, who: str) -> pd.DataFrame:
    """The customers with this email address, or with this id.

    Raises:
        InvalidInput: It is neither an address nor an id, or there is nobody.
    """
    try:
        query = {"email": rules.email(who)} if "@" in who else {"id": rules.customer_id(who)}
    except InvalidInput as problem:
        raise InvalidInput(
            "customer is neither an email address nor a customer's id.",
            hint="Type the whole address, or the 13 letters and digits of an id.",
            field="customer",
        ) from problem
    found = clover.customers.search(**query)
    if found.empty:
        raise InvalidInput(
            f"There is no customer with the {next(iter(query))} {who}.",
            hint="Addresses are compared letter by letter.",
            field="customer",
        )
    return found


def make_test_token(clover: Clover, card: Mapping[str, str]) -> Secret:
    """A token of a published test card, to practise with."""
    return Secret(clover.tokens.create(card=card)["id"].reveal())


def _shipping(typed: Typed, removed: Iterable[str] = ()) -> dict[str, Any]:
    given: dict[str, str | None] = {
        name: value for name, value in typed.items() if value and name.startswith("shipping.")
    }
    given |= dict.fromkeys(removed)
    parts = {name.removeprefix("shipping."): value for name, value in given.items()}
    address = {n.removeprefix("address."): v for n, v in parts.items() if n.startswith("address.")}
    whole: dict[str, Any] = {n: v for n, v in parts.items() if not n.startswith("address.")}
    return whole | ({"address": address} if address else {})


def _read_back(clover: Clover, answer: pd.Series[Any]) -> pd.Series[Any]:
    """The customer as the Platform API has it, with the card; else as the change answered it.

    The change is done by now: a read that fails must not look like a change that failed.
    """
    try:
        read = clover.customers.retrieve(answer["id"])
    except CloverError:
        return answer
    return read.where(read.notna(), answer.reindex(read.index))
