"""The forms themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd
from ipywidgets import GridBox, VBox

from clover_nb import addresses
from clover_nb.client import Clover, default
from clover_nb.errors import ValidationError
from clover_nb.forms import actions, values
from clover_nb.forms._field import Field
from clover_nb.forms._form import Form
from clover_nb.forms._job import Job, Typed
from clover_nb.forms._parts import choice, group
from clover_nb.forms._picker import Picker
from clover_nb.forms._table import Table
from clover_nb.forms._token import TokenEntry
from clover_nb.forms.actions import Done
from clover_nb.forms.values import ADDRESS_FIELDS, SHIPPING_FIELDS, Difference

_CONSENT: Final = {"consent": "The cardholder agreed that this card is kept on file"}
_SURE: Final = {"gone": "I mean to take this card off; it can't be undone"}
_NEW_EMAIL: Final = "Clover adds a new address to the record and keeps the old one."
_KEEP_ALL: Final = ("Keep the cards that are on file", values.KEEP)
_CHOOSE: Final = ("Choose a card", values.KEEP)


def create_customer(*, clover: Clover | None = None) -> Form:
    """A form that creates a customer: email, card token, name, phone, shipping address.

    An email address that belongs to somebody already is a doubt, with a button that leads there.

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
    shipping = Shipping(country=values.COUNTRY)
    at_first = {"shipping.address.country": values.COUNTRY}

    def changes(_: object, typed: Typed) -> Iterable[Difference]:
        return values.differences({**at_first, "ecomind": typed["ecomind"]}, typed)

    def act(_: object, typed: Typed, sure: bool) -> Done:  # noqa: FBT001  as of a Job
        return actions.create_customer(clover, typed, sure=sure)

    job = Job(
        title="Create a customer",
        submit="Create customer",
        busy="Creating…",
        problems=lambda _, typed: values.problems(typed, ("email", "source")),
        changes=changes,
        act=act,
        ticks=_CONSENT,
    )
    parts = [
        group("Customer", customer.values()),
        VBox([group("Card", []), token]),
        VBox([group("Shipping (optional)", []), shipping]),
    ]
    fields = {**customer, **shipping.fields}
    choices = {"ecomind": token.ecomind}
    return Form(clover, job, parts, fields=fields, token=token, choices=choices)


def edit_contact(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that changes a customer's name, email address or phone.

    Args:
        customer_id: The customer; left out, the form asks for an email address or an id.
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.row`` is the changed customer after it was saved.

    Raises:
        CloverError: There is no such customer, or no connection.
    """
    clover = clover or default()
    return _about(contact_form(clover, Picker(clover)), customer_id)


def update_shipping(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that changes a customer's shipping address.

    The parts of the address stand in the order of its country and are checked against each other.

    Args:
        customer_id: See :func:`edit_contact`.
        clover: See :func:`edit_contact`.

    Returns:
        The form; ``form.row`` is the changed customer after it was saved.

    Raises:
        CloverError: There is no such customer, or no connection.
    """
    clover = clover or default()
    return _about(shipping_form(clover, Picker(clover)), customer_id)


def attach_card(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that attaches a card to a customer, or puts it in the place of another.

    Args:
        customer_id: See :func:`edit_contact`.
        clover: See :func:`edit_contact`.

    Returns:
        The form; ``form.row`` is the changed customer after it was saved.

    Raises:
        CloverError: There is no such customer, or no connection.
    """
    clover = clover or default()
    return _about(attach_form(clover, Picker(clover)), customer_id)


def delete_card(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that takes a card off a customer.

    Args:
        customer_id: See :func:`edit_contact`.
        clover: See :func:`edit_contact`.

    Returns:
        The form; ``form.row`` is the changed customer after it was saved.

    Raises:
        CloverError: There is no such customer, or no connection.
    """
    clover = clover or default()
    return _about(delete_form(clover, Picker(clover)), customer_id)


def customer_table(customers: pd.DataFrame) -> Table:
    """A table of customers to search, sort and page through; ``table.selected`` is the choice.

    Args:
        customers: As from ``Customer.list()``.

    Returns:
        The table.
    """
    return Table(customers)


def _about(form: Form, customer_id: str | None) -> Form:
    if customer_id is not None and form.picker is not None:
        form.picker.pick(customer_id)
    return form


# -- each form about a customer, whoever picks it ----------------------------------------------


def contact_form(clover: Clover, picker: Picker) -> Form:
    """See :func:`edit_contact`."""
    fields = {
        "name": Field("Name"),
        "email": Field("Email", kind="email", help=_NEW_EMAIL),
        "phone": Field("Phone", kind="tel"),
    }
    job = Job(
        title="Edit the contact",
        submit="Save contact",
        busy="Saving…",
        problems=values.contact_problems,
        changes=lambda row, typed: values.differences(values.contact_of(row), typed),
        act=lambda row, typed, _: actions.edit_contact(clover, row, typed),
        shown=values.contact_of,
    )
    parts = [picker, group("Contact", fields.values())]
    return Form(clover, job, parts, fields=fields, picker=picker)


def shipping_form(clover: Clover, picker: Picker) -> Form:
    """See :func:`update_shipping`."""
    shipping = Shipping()
    job = Job(
        title="Update a shipping address",
        submit="Save address",
        busy="Saving…",
        problems=lambda _, typed: values.problems(typed),
        changes=lambda row, typed: values.differences(values.shipping_of(row), typed),
        act=lambda row, typed, sure: actions.update_shipping(clover, row, typed, sure=sure),
        shown=values.shipping_of,
    )
    picker.on_pick(lambda row: shipping.arrange(row["shipping_country"] or ""))
    parts = [picker, group("Shipping address", []), shipping]
    return Form(clover, job, parts, fields=shipping.fields, picker=picker)


def attach_form(clover: Clover, picker: Picker) -> Form:
    """See :func:`attach_card`."""
    token = TokenEntry(clover)
    replaces = choice("Other cards", [_KEEP_ALL])

    def offer(row: pd.Series[Any]) -> None:
        cards = values.cards_of(row).items()
        replaces.options = [
            _KEEP_ALL,
            *((f"Replace {told}", key) for key, told in cards),
        ]
        replaces.layout.display = None if cards else "none"

    picker.on_pick(offer)
    job = Job(
        title="Attach a card",
        submit="Attach card",
        busy="Attaching…",
        problems=lambda _, typed: values.problems({"source": typed["source"]}, ["source"]),
        changes=values.card_changes,
        act=lambda row, typed, sure: actions.attach_card(clover, row, typed, sure=sure),
        ticks=_CONSENT,
    )
    parts = [picker, VBox([group("Card", []), token]), replaces]
    choices = {"replaces": replaces, "ecomind": token.ecomind}
    return Form(clover, job, parts, fields={}, picker=picker, token=token, choices=choices)


def delete_form(clover: Clover, picker: Picker) -> Form:
    """See :func:`delete_card`."""
    card = choice("Card", [_CHOOSE])

    def offer(row: pd.Series[Any]) -> None:
        card.options = [_CHOOSE, *((told, key) for key, told in values.cards_of(row).items())]

    def problems(row: pd.Series[Any], typed: Typed) -> Mapping[str, ValidationError]:
        if row["source_ids"] and typed["card"]:
            return {}
        told = "Choose the card." if row["source_ids"] else "This customer has no card."
        return {"card": ValidationError(told)}

    def changes(row: pd.Series[Any], typed: Typed) -> Iterable[Difference]:
        told = values.cards_of(row).get(typed["card"])
        return [Difference("Card", told, "taken off")] if told else []

    picker.on_pick(offer)
    job = Job(
        title="Take a card off",
        submit="Take card off",
        busy="Taking it off…",
        problems=problems,
        changes=changes,
        act=lambda row, typed, _: actions.delete_card(clover, row, typed["card"]),
        ticks=_SURE,
    )
    return Form(
        clover,
        job,
        [picker, group("Card", [card])],
        fields={},
        picker=picker,
        choices={"card": card},
    )


class Shipping(GridBox):
    """The fields of a shipping block, the address in the order of its country.

    Attributes:
        fields: The fields, by the names that errors use.
    """

    def __init__(self, country: str = "") -> None:
        named = {
            "line1": Field("Address line 1", placeholder="415 N Mathilda Ave"),
            "line2": Field("Address line 2", help="Apartment, suite, floor"),
            "city": Field("City", placeholder="Sunnyvale"),
            "state": Field("State", placeholder="CA"),
            "postal_code": Field("ZIP code", placeholder="94085"),
            "country": Field("Country", value=country, help="Two letters, such as US"),
        }
        self._address = named
        self._recipient = [
            Field("Recipient", help="When it is not the customer"),
            Field("Recipient's phone", kind="tel"),
        ]
        names = [*ADDRESS_FIELDS, *SHIPPING_FIELDS[:2]]
        self.fields = dict(zip(names, [*named.values(), *self._recipient], strict=True))
        super().__init__()
        self.add_class("clover-grid")
        self.arrange(country)
        named["country"].on_edit(lambda: self.arrange(named["country"].value))

    def arrange(self, country: str) -> None:
        """Put the parts in the order of a country, under the names that it has for them."""
        layout = addresses.layout(country)
        for part, label in layout.items():
            self._address[part].label = label
        wanted = [*(self._address[part] for part in layout), *self._recipient]
        self.set_trait("children", wanted)  # nothing is sent where it is the order already
