"""What the forms' buttons do, as plain functions on the practice sandbox."""

from __future__ import annotations

import uuid

import pytest

from clover_nb import TEST_CARDS
from clover_nb.errors import InvalidInput, NoAnswer
from clover_nb.forms import actions

ADDRESS = {
    "shipping.address.line1": "415 N Mathilda Ave",
    "shipping.address.line2": "Floor 2",
    "shipping.address.city": "Sunnyvale",
    "shipping.address.state": "CA",
    "shipping.address.postal_code": "94085",
    "shipping.address.country": "US",
}


def typed(clover, **other):
    """A filled-in form: every field is there, empty where nothing was typed."""
    empty = dict.fromkeys(("name", "phone", *actions.SHIPPING_FIELDS), "")
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    return empty | {"email": f"{uuid.uuid4().hex[:12]}@example.com", "source": token} | other


def created(clover, given):
    """A customer that is there already."""
    return actions.create_customer(clover, given).row


def contact(row, **other):
    """A form for the contact, filled in."""
    return actions.contact_of(row) | other


def test_a_customer_is_created_and_read_back_with_the_card(clover):
    """Email and token are enough; the row knows the card's brand."""
    row = created(clover, typed(clover))
    assert (row["card_brand"], row["card_last4"]) == ("VISA", "4242")
    assert row["shipping_line1"] is None


def test_a_country_alone_is_no_address(clover):
    """The country is filled in beforehand, and must not make an address of itself."""
    given = typed(clover) | {"shipping.address.country": "US"}
    assert created(clover, given)["shipping_country"] is None


def test_a_customer_is_created_with_everything(clover):
    """Each field ends up where it belongs, the recipient too."""
    given = typed(clover, name="Ana Rivera", phone="555-0125") | ADDRESS
    row = created(clover, given | {"shipping.name": "Warehouse"})
    assert row["name"] == "Ana Rivera"
    assert row["shipping_name"] == "Warehouse"
    assert row["shipping_line2"] == "Floor 2"
    assert row["shipping_country"] == "US"


def test_problems_are_found_all_at_once():
    """Each field has its own message; empty ones only where they are required."""
    found = actions.problems(
        {"email": "ana", "source": "", "phone": "abc", "name": "", "shipping.name": "ok"},
        ["email", "source"],
    )
    assert set(found) == {"email", "source", "phone"}
    assert all(problem.field == name for name, problem in found.items())


def test_an_address_once_begun_must_be_whole():
    """A city without a street reaches nobody; a country alone is no address."""
    assert actions.problems({"shipping.address.country": "US"}) == {}
    begun = actions.problems({"shipping.address.city": "Boston", "shipping.address.country": "US"})
    assert set(begun) == {"shipping.address.line1", "shipping.address.state"}


def test_shipping_is_changed_and_emptied_parts_are_taken_off(clover):
    """What was emptied in the form is gone afterwards; the rest is as typed."""
    row = created(clover, typed(clover) | ADDRESS)
    given = actions.shipping_of(row) | {
        "shipping.address.line2": "",
        "shipping.address.city": "San José",
    }
    changed = actions.update_shipping(clover, row, given).row
    assert changed["shipping_city"] == "San José"
    assert changed["shipping_line2"] is None
    assert changed["shipping_line1"] == "415 N Mathilda Ave"


def test_saving_without_a_change_sends_nothing(clover):
    """The message says so."""
    row = created(clover, typed(clover) | ADDRESS)
    with pytest.raises(InvalidInput, match="Nothing is changed"):
        actions.update_shipping(clover, row, actions.shipping_of(row))


def test_customers_are_found_by_email_and_by_id(clover):
    """Several may share an address."""
    first = created(clover, typed(clover))
    again = typed(clover, email=first["email"])
    second = actions.create_customer(clover, again, sure=True).row
    by_email = actions.find_customers(clover, first["email"])
    assert set(by_email.index) == {first["id"], second["id"]}
    assert list(actions.find_customers(clover, first["id"]).index) == [first["id"]]


@pytest.mark.parametrize("who", ["nobody@example.com", "0000000000000", "a b", "", "x@"])
def test_nobody_is_said_beside_the_field(clover, who):
    """An unknown or impossible customer is a message about the field `customer`."""
    with pytest.raises(InvalidInput) as caught:
        actions.find_customers(clover, who)
    assert caught.value.field == "customer"


def test_a_change_that_was_done_is_not_reported_as_failed(clover, monkeypatch):
    """When only the reading back fails, the change's own answer is shown."""

    def fail(customer_id):
        raise NoAnswer("gone")

    given = typed(clover, name="Ana")
    monkeypatch.setattr(clover.customers, "retrieve", fail)
    assert created(clover, given)["name"] == "Ana"
