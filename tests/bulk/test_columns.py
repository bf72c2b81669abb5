"""Headings are matched to fields when they are sure, and asked about when they are not."""

from __future__ import annotations

import pandas as pd
import pytest

from clover_nb.bulk.columns import match_columns
from clover_nb.errors import ValidationError


def table(**columns):
    return pd.DataFrame(columns, dtype="str")


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("email", "email"),
        ("E-mail", "email"),
        ("First Name", "first_name"),
        ("firstName", "first_name"),
        ("Surname", "last_name"),
        ("ZIP", "shipping_postal_code"),
        ("Telefon", "phone"),
        ("Téléphone", "phone"),
        ("Address 1", "shipping_line1"),
        ("State/Province", None),
        ("Customer ID", "id"),
    ],
)
def test_a_heading_is_told_by_its_name_and_by_synonyms(heading, field):
    """Without case, accents and signs."""
    found = match_columns(table(**{heading: ["x"]}))
    assert found.fields == ({field: heading} if field else {})
    assert found.left_out == ([] if field else [heading])


def test_our_own_name_wins_over_another_spelling():
    """As in a table that has both."""
    found = match_columns(table(**{"E-mail": ["x"], "email": ["y"]}))
    assert found.fields == {"email": "email"}
    assert found.left_out == ["E-mail"]


def test_two_columns_that_can_be_the_same_field_are_asked_about():
    """Not one of them taken."""
    both = table(Mobile=["1"], Telephone=["2"])
    with pytest.raises(ValidationError, match="'Mobile' and 'Telephone' can both be phone"):
        match_columns(both)
    found = match_columns(both, {"Mobile": "phone", "Telephone": None})
    assert found.fields == {"phone": "Mobile"}


def test_a_column_is_what_it_is_said_to_be():
    """And a name that is none is refused with the nearest."""
    found = match_columns(table(Contact=["a@example.com"]), {"Contact": "email"})
    assert found.fields == {"email": "Contact"}
    with pytest.raises(ValidationError, match="Did you mean 'Contact'"):
        match_columns(table(Contact=["x"]), {"Contakt": "email"})
    with pytest.raises(ValidationError, match="Did you mean email"):
        match_columns(table(Contact=["x"]), {"Contact": "emial"})
    with pytest.raises(ValidationError, match="two columns as the same field"):
        match_columns(table(A=["x"], B=["y"]), {"A": "email", "B": "email"})


def test_a_column_of_emails_is_suggested_and_not_taken():
    """It may be somebody else's address."""
    found = match_columns(table(Seller=["a@example.com", "b@example.com", ""], Note=["x", "", ""]))
    assert found.likely == {"Seller": "email"}
    assert "email" not in found.fields


def test_what_cant_be_set_is_told_from_what_is_unknown():
    """And the columns of a file of failed rows are neither."""
    found = match_columns(table(created=["x"], card_last4=["1"], colour=["red"], reason=["r"]))
    assert found.read_only == {"created": "created", "card_last4": "card_last4"}
    assert found.left_out == ["colour"]
