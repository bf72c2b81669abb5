"""The forms themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from clover_nb.client import Clover, default
from clover_nb.errors import CloverError, InvalidInput
from clover_nb.forms import actions
from clover_nb.forms._field import Field
from clover_nb.forms._form import Form, Typed, group, shipping_fields
from clover_nb.forms._picker import Picker
from clover_nb.forms._table import Table
from clover_nb.forms._token import TokenEntry

_CONSENT: Final = {"consent": "The cardholder agreed that this card is kept on file"}


def create_customer(*, clover: Clover | None = None) -> Form:
    """A form that creates a customer: email, card token, name, phone, shipping address.

    Args:
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.row`` is the new customer after it was saved.

    Raises:
        SettingsError: There is no connection, and the settings don't allow one.
    """
    clover = clover or default()
    token = TokenEntry(clover)
    customer = {
        "email": Field("Email", kind="email", required=True, placeholder="ana@example.com"),
        "name": Field("Name", placeholder="Ana Rivera"),
        "phone": Field("Phone", kind="tel", placeholder="555-0125"),
    }
    shipping = shipping_fields()

    def check(typed: Typed) -> Mapping[str, CloverError]:
        required = ("email", "source", *actions.address_required(typed))
        return actions.problems(typed, required)

    return Form(
        clover,
        "Create a customer",
        [
            group("Customer", customer.values()),
            group("Card", [token]),
            group("Shipping (optional)", shipping.values()),
        ],
        fields={**customer, **shipping},
        token=token,
        ticks=_CONSENT,
        submit="Create customer",
        busy="Creating…",
        check=check,
        act=lambda typed: actions.create_customer(clover, typed),
    )


def attach_card(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that attaches a card to a customer.

    Args:
        customer_id: The customer; left out, the form asks for an email address or an id.
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.row`` is the changed customer after it was saved.

    Raises:
        CloverError: There is no such customer, or no connection.
    """
    clover = clover or default()
    token = TokenEntry(clover)
    picker = Picker(clover, on_pick=lambda _: form.edited())

    def act(typed: Typed) -> pd.Series[Any]:
        return actions.attach_card(clover, _picked(picker)["id"], typed["source"], consent=True)

    form = Form(
        clover,
        "Attach a card",
        [picker, group("Card", [token])],
        fields={},
        picker=picker,
        token=token,
        ticks=_CONSENT,
        submit="Attach card",
        busy="Attaching…",
        check=lambda typed: (
            _check_picked(picker) | actions.problems(_of(typed, "source"), ["source"])
        ),
        act=act,
    )
    if customer_id is not None:
        picker.pick(customer_id)
    return form


def update_shipping(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that changes a customer's shipping address.

    Args:
        customer_id: The customer; left out, the form asks for an email address or an id.
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.row`` is the changed customer after it was saved.

    Raises:
        CloverError: There is no such customer, or no connection.
    """
    clover = clover or default()
    shipping = shipping_fields()

    def show(row: pd.Series[Any]) -> None:
        for name, value in actions.shipping_of(row).items():
            shipping[name].value = value
        form.edited()

    def act(typed: Typed) -> pd.Series[Any]:
        picker.row = actions.update_shipping(clover, _picked(picker), typed)
        return picker.row

    picker = Picker(clover, on_pick=show)
    form = Form(
        clover,
        "Update a shipping address",
        [picker, group("Shipping address", shipping.values())],
        fields=shipping,
        picker=picker,
        ticks={},
        submit="Save address",
        busy="Saving…",
        check=lambda typed: (
            _check_picked(picker)
            | actions.problems(_of(typed, *shipping), actions.address_required(typed))
        ),
        act=act,
    )
    if customer_id is not None:
        picker.pick(customer_id)
    return form


def customer_table(customers: pd.DataFrame) -> Table:
    """A table of customers to search, sort and page through; ``table.selected`` is the choice.

    Args:
        customers: As from ``Customer.list()``.

    Returns:
        The table.
    """
    return Table(customers)


def _picked(picker: Picker) -> pd.Series[Any]:
    if picker.row is None:
        raise InvalidInput("Find the customer first.", field="customer")
    return picker.row


def _check_picked(picker: Picker) -> dict[str, CloverError]:
    try:
        _picked(picker)
    except InvalidInput as problem:
        return {"customer": problem}
    return {}


def _of(typed: Typed, *names: str) -> Typed:
    return {name: typed[name] for name in names}
