"""What is refused before anything is sent."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from clover_nb import validation
from clover_nb.constants import TEST_CARDS
from clover_nb.errors import ValidationError

FIELDS = ["email", "source", "name", "phone", "firstName", "lastName", "ecomind"]
PARTS = ["shipping.name", "shipping.phone", "shipping.address.line1", "shipping.address.city"]


@pytest.mark.parametrize("field", [*FIELDS, *PARTS])
@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        pd.NA,
        5,
        ["x"],
        {"x": 1},
        b"x",
        True,
        "",
        "   ",
        "x" * 10_000,
        TEST_CARDS["visa"]["number"],
        "a\x00b",
        "a\nb",
        "\ud800",
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(field, value):
    """Whatever is wrong, the message names the field and doesn't show a card number."""
    with pytest.raises(ValidationError) as caught:
        validation.check_field(field, value)
    assert caught.value.field == field
    assert field in str(caught.value)
    assert TEST_CARDS["visa"]["number"] not in str(caught.value)


@pytest.mark.parametrize("field", ["name", "shipping.name", "shipping.address.line1"])
def test_text_is_text(field):
    """Emoji, right-to-left text, quotes and tags pass as they are, trimmed outside."""
    text = '<b>O\'Brien</b> "عمر" 🍀  twice'
    assert validation.check_field(field, f"  {text} ") == text


@pytest.mark.parametrize("sign", ["\u200b", "\u2060", "\ufeff", "\u00ad"])
def test_signs_that_nobody_sees_are_not_sent(sign):
    """They come along with what is pasted, and would hide a name or a phone from every search."""
    given = {"name": f"{sign} Ana{sign} Li ", "phone": f"555{sign}-0125", "email": f"a@b.com{sign}"}
    sent = {"name": "Ana Li", "phone": "555-0125", "email": "a@b.com"}
    assert validation.check_customer(given) == sent
    assert validation.check_source(f"clv_1TSTS{sign}") == "clv_1TSTS"
    with pytest.raises(ValidationError, match="name is empty"):
        validation.check_text("name", sign)
    family = "\N{MAN}\u200d\N{GIRL}"
    assert validation.check_text("name", family) == family


@pytest.mark.parametrize("address", ["ana", "ana@", "@example.com", "a b@example.com", "a@b@c.com"])
def test_a_malformed_email_is_refused(address):
    """It can't reach anybody."""
    with pytest.raises(ValidationError, match="email is not an email address"):
        validation.check_email(address)


@pytest.mark.parametrize("token", ["tok_visa", "clv_", "CLV_1TSTS", "clv_1TSTS/../..", "1TSTS"])
def test_a_malformed_token_is_refused(token):
    """Only the documented prefix, letters and digits can be a token."""
    with pytest.raises(ValidationError, match="source is not a card token") as caught:
        validation.check_source(token)
    assert "1TSTS" not in str(caught.value)


@pytest.mark.parametrize("number", ["555-0125", "+1 (408) 555-0125 ext. 12", "408.555.0125x7"])
def test_phones_pass_in_any_spelling(number):
    """The seed's own number is no valid one to a telephone library, and must pass."""
    assert validation.check_phone(number) == number


@pytest.mark.parametrize(
    ("given", "field", "meant"),
    [
        ({"first_name": "Ana"}, "first_name", "firstName"),
        ({"phoneNumber": "1"}, "phoneNumber", "phone"),
        ({"e_mail": "x"}, "e_mail", "email"),
        ({"shiping": {}}, "shiping", "shipping"),
        ({"shipping": {"adress": {}}}, "shipping.adress", "address"),
        (
            {"shipping": {"address": {"postalCode": ""}}},
            "shipping.address.postalCode",
            "postal_code",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_right_one(given, field, meant):
    """A typing error is not sent and silently ignored."""
    with pytest.raises(ValidationError, match=f"Did you mean {meant}") as caught:
        validation.check_customer(given)
    assert caught.value.field == field


@pytest.mark.parametrize("value", [["415 N Mathilda Ave"], "415 N Mathilda Ave", 5])
def test_an_address_that_is_not_a_dict_is_refused(value):
    """The field is named, and what a dict should hold."""
    with pytest.raises(
        ValidationError, match=r"shipping.address must be a dict with line1"
    ) as caught:
        validation.check_customer({"shipping": {"address": value}})
    assert caught.value.field == "shipping.address"


def test_none_is_missing_where_something_is_required():
    """`email=None` is said to be missing."""
    with pytest.raises(ValidationError, match="email is missing") as caught:
        validation.check_customer({"email": None}, required=["email"])
    assert caught.value.field == "email"


@pytest.mark.parametrize(
    ("check", "value", "told"),
    [
        (validation.check_source, pd.Series({"id": "clv_1"}), r'a whole row.*token\["id"\]'),
        (validation.check_customer_id, pd.Series({"id": "A"}), r'a whole row.*row\["id"\]'),
        (validation.check_customer_id, "A B " * 9, "a text of 36 characters"),
        (lambda value: validation.check_text("name", value), np.int64(5), "a number. Put it in"),
        (lambda value: validation.check_text("name", value), Decimal(5), "a number. Put it in"),
    ],
)
def test_what_is_given_in_place_of_a_text_is_named_in_words(check, value, told):
    """And what to give instead."""
    with pytest.raises(ValidationError, match=told):
        check(value)
