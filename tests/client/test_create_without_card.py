"""A customer without a card: `source=None`, given explicitly, is the Platform API's create."""

from __future__ import annotations

import uuid

import pytest
from practice_requests import requests_during

from clover_nb import connect, sandbox
from clover_nb.errors import OutcomeUnknownError, SettingsError, ValidationError

ADDRESS = {
    "line1": "12 Main Street",
    "city": "Boston",
    "state": "MA",
    "postal_code": "02101",
    "country": "US",
}


def somebody():
    return f"{uuid.uuid4().hex}@example.com"


def test_a_customer_without_a_card_is_created_whole_in_one_request(clover, practice):
    """Name, email, phone and address."""
    with requests_during(practice) as requests:
        row = clover.customers.create(
            source=None,
            email=somebody(),
            name="Ana Maria Rivera",
            phone="408-555-0125",
            shipping={"address": ADDRESS},
        )
    (sent,) = requests
    assert (sent["method"], sent["path"].rpartition("/")[2]) == ("POST", "customers")
    read = clover.customers.retrieve(row.name)
    assert (read["first_name"], read["last_name"]) == ("Ana Maria", "Rivera")
    assert (read["shipping_line1"], read["shipping_postal_code"]) == ("12 Main Street", "02101")
    assert read["card_count"] == 0
    assert clover.journal.frame(customer_id=row.name)["outcome"].to_list() == ["done"]


def test_a_card_that_is_left_out_stays_an_error(clover):
    """Nobody gets a customer without a card by mistake."""
    with pytest.raises(ValidationError, match="source is missing"):
        clover.customers.create(email=somebody())
    with pytest.raises(ValidationError, match="source is empty"):
        clover.customers.create(email=somebody(), source="")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "name"),
        ({"name": "A", "shipping": {"address": {"city": "Boston"}}}, "shipping.address.line1"),
        ({"name": "A", "shipping": {"name": "B"}}, "shipping.name"),
        ({"name": "A", "ecomind": "moto"}, "ecomind"),
        ({"email": "wrong@"}, "email"),
        ({"nmae": "A"}, "nmae"),
    ],
    ids=str,
)
def test_what_it_cant_keep_is_refused_before_sending(clover, practice, given, field):
    """With the field."""
    with requests_during(practice) as sent, pytest.raises(ValidationError) as refused:
        clover.customers.create(source=None, **given)
    assert refused.value.field == field
    assert sent == []


@pytest.mark.parametrize("by", ["email", "phone", "name"])
def test_a_lost_answer_is_found_by_the_mark_and_never_sent_again(by):
    """Whatever the customer was given; where it can't be found, it is unknown."""
    given = {"email": somebody(), "phone": "408-555-0133", "name": "Lost Answer"}
    with (
        sandbox.start(seed=2, customers=5, limits=False) as box,
        connect("local", **box.connection(), requests_per_second=None) as clover,
    ):
        box.fail_next("reset-after", times=1, method="POST", path="/customers")
        row = clover.customers.create(source=None, **{by: given[by]})
        assert clover.customers.retrieve(row.name)[by] == given[by]
        box.fail_next("reset-before", times=1, method="POST", path="/customers")
        with pytest.raises(OutcomeUnknownError):
            clover.customers.create(source=None, **{by: given[by]})
        assert len(clover.customers.list()) == 6


def test_without_a_merchant_id_it_is_said(practice):
    """The Platform API needs it."""
    connection = practice.connection()
    del connection["merchant_id"]
    with connect("local", **connection) as clover, pytest.raises(SettingsError) as refused:
        clover.customers.create(source=None, email=somebody())
    assert refused.value.field == "merchant_id"
