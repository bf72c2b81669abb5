"""Replacing a card, and changes that somebody else made in between."""

from __future__ import annotations

import uuid

import pandas as pd
import pytest

from clover_nb import TEST_CARDS, connect, errors, sandbox
from clover_nb.errors import ValidationError


def a_token(clover, card="visa"):
    return clover.tokens.create(card=TEST_CARDS[card])["id"]


def a_customer(clover, **fields):
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    return clover.customers.create(email=email, source=a_token(clover), **fields)


@pytest.fixture(scope="module")
def one_card_each():
    """A merchant who keeps one card for each customer."""
    with sandbox.start(seed=8, customers=0, limits=False, settings={"second_card": "refuse"}) as it:
        yield it


@pytest.fixture
def strict(one_card_each):
    with connect("local", **one_card_each.connection()) as connection:
        yield connection


def replace(clover, row, card, **options):
    token = a_token(clover, card)
    return clover.customers.replace_source(
        row["id"], row["source_ids"][0], token, consent=True, **options
    )


def test_a_card_is_replaced(clover):
    """The new one is there, the old one is not."""
    row = a_customer(clover)
    new = replace(clover, row, "mastercard")
    read = clover.customers.retrieve(row["id"])
    assert new["source_ids"] == read["source_ids"]
    assert (read["card_count"], read["card_brand"]) == (1, "MC")


def test_a_refused_card_replaces_nothing(clover):
    """The customer keeps the old one."""
    row = a_customer(clover)
    with pytest.raises(errors.CardError):
        replace(clover, row, "visa_declined")
    assert clover.customers.retrieve(row["id"])["source_ids"] == row["source_ids"]


def test_an_old_card_that_is_not_there_is_not_replaced(clover):
    """Nothing is attached either, and the token can still be used; the error names the cards."""
    row, token = a_customer(clover), a_token(clover, "mastercard")
    change = {"customer_id": row["id"], "token": token, "consent": True}
    with pytest.raises(errors.ValidationError, match=f"There are: {row['source_ids'][0]}"):
        clover.customers.replace_source(old_source_id="0000000000000", **change)
    clover.customers.replace_source(old_source_id=row["source_ids"][0], **change)


def test_where_nothing_can_be_read_an_old_card_that_is_not_there_leaves_both(practice):
    """The new card is attached by then, and the error says so."""
    given = practice.connection() | {"merchant_id": None}
    with connect("local", **given) as blind:
        row = a_customer(blind)
        row["source_ids"] = ["0000000000000"]
        with pytest.raises(errors.PartialChangeError, match="both are there") as caught:
            replace(blind, row, "mastercard")
    assert isinstance(caught.value.__cause__, errors.NotFoundError)


def test_where_one_card_is_kept_deleting_first_needs_a_yes(strict):
    """Without it nothing is changed, and the error names it; with it the card is replaced."""
    row = a_customer(strict)
    with pytest.raises(errors.AlreadyOnFileError, match="delete_first=True"):
        replace(strict, row, "mastercard")
    assert strict.customers.retrieve(row["id"])["source_ids"] == row["source_ids"]
    replace(strict, row, "mastercard", delete_first=True)
    assert strict.customers.retrieve(row["id"])["card_brand"] == "MC"


def test_a_customer_without_a_card_is_said_plainly(strict):
    """The old card is off, and the new one was refused."""
    row = a_customer(strict)
    with pytest.raises(errors.PartialChangeError, match="the customer has no card now") as caught:
        replace(strict, row, "visa_declined", delete_first=True)
    assert isinstance(caught.value.__cause__, errors.CardError)
    assert strict.customers.retrieve(row["id"])["card_count"] == 0


@pytest.mark.parametrize("consent", [False, None, 1, "yes"])
def test_consent_is_yes_and_nothing_else(clover, consent):
    """For attaching and replacing; for creating, where it is given."""
    row = a_customer(clover)
    token = a_token(clover)
    calls = [
        lambda: clover.customers.add_source(row["id"], token, consent=consent),
        lambda: clover.customers.replace_source(row["id"], "C1", token, consent=consent),
    ]
    if consent is not None:
        calls.append(
            lambda: clover.customers.create(email="a@example.com", source=token, consent=consent)
        )
    for call in calls:
        with pytest.raises(ValidationError) as caught:
            call()
        assert caught.value.field == "consent"


def test_a_record_that_is_as_expected_is_changed(clover):
    """Whether the row came from a change or was read."""
    row = a_customer(clover, name="Ana", shipping={"address": {"line1": "1 Main Street"}})
    row = clover.customers.modify(row["id"], name="Bea", expected=row)
    row = clover.customers.retrieve(row["id"])
    assert clover.customers.modify(row["id"], name="Cleo", expected=row)["name"] == "Cleo"


def test_a_row_that_came_back_from_a_file_is_as_expected(clover, tmp_path):
    """A customer without cards has an empty list of them at Clover, and nothing in the file."""
    row = clover.customers.create(email="ana@example.com", source=None, name="Ana Rivera")
    clover.customers.search(id=row["id"]).to_csv(tmp_path / "customers.csv")
    read = pd.read_csv(tmp_path / "customers.csv", index_col="id").iloc[0]
    assert clover.customers.modify(row["id"], name="Bea Rivera", expected=read)["name"][:3] == "Bea"


def test_a_record_that_somebody_else_changed_is_not(clover):
    """The error shows what changed: the field, then and now; nothing was sent."""
    row = a_customer(clover, name="Ana", phone="555-0125")
    with connect("local", **connection(clover)) as colleague:
        colleague.customers.modify(row["id"], phone="555-0126")
        colleague.customers.add_source(row["id"], a_token(clover, "amex"), consent=True)
    with pytest.raises(
        errors.EditConflictError, match="phone was '555-0125', is '555-0126'"
    ) as caught:
        clover.customers.modify(row["id"], name="Bea", expected=row)
    assert [change.field for change in caught.value.changes] == ["phone", "source_ids"]
    assert clover.customers.retrieve(row["id"])["name"] == "Ana"


def test_expected_is_this_customers_row(clover):
    """Another's, or something else, is refused by name."""
    row, other = a_customer(clover), a_customer(clover)
    nothing = {"id": row["id"], "created": row["created"]}
    for expected in (other, {}, nothing, "7QK2M9ZX4T0BC"):
        with pytest.raises(ValidationError) as caught:
            clover.customers.modify(row["id"], name="Bea", expected=expected)
        assert caught.value.field == "expected"


def test_without_a_merchant_id_nothing_can_be_compared(clover):
    """It says what is missing rather than change blindly."""
    with connect("local", **connection(clover, merchant_id=None)) as blind:
        row = a_customer(blind)
        with pytest.raises(errors.SettingsError, match="CLOVER_MERCHANT_ID"):
            blind.customers.modify(row["id"], name="Bea", expected=row)


def connection(clover, **other):
    settings = clover.settings
    names = ("access_token", "api_key", "merchant_id", "ecommerce_url", "token_url", "platform_url")
    return {name: getattr(settings, name) for name in names} | other
