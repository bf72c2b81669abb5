"""Secrets in rows and tables, and typed signs that would turn text around."""

from __future__ import annotations

import copy
import json
import pickle

import pandas as pd
import pytest

from clover_nb import TEST_CARDS, validation
from clover_nb.errors import ValidationError
from clover_nb.masking import OpaqueSecret, Secret

TOKEN = "clv_1TSTSabcdefghijkmnopqrst"


@pytest.fixture
def secret():
    return OpaqueSecret(TOKEN)


@pytest.mark.parametrize(
    "table",
    [
        lambda row: pd.DataFrame([row]),
        lambda row: pd.concat([pd.DataFrame([row]), pd.DataFrame([row])]),
        lambda row: pd.concat([row, row], axis=1),
        lambda row: pd.DataFrame([row.to_dict()]),
        lambda row: pd.DataFrame([row]).convert_dtypes(),
        lambda row: pd.DataFrame([row]).astype("str"),
        lambda row: pd.DataFrame([row]).map(str),
        lambda row: pd.DataFrame({"id": pd.Series([row["id"]], dtype="object").infer_objects()}),
        lambda row: row.to_frame().T,
        lambda row: pd.DataFrame([row]).copy(deep=True),
    ],
)
def test_a_table_of_tokens_shows_none(secret, table):
    """Printed, copied, converted, and saved as CSV, JSON, HTML or a pickle."""
    made = table(pd.Series({"id": secret, "card_brand": "VISA"}, name="token"))
    shown = [
        repr(made),
        made.to_html(),
        made.to_csv(),
        made.to_json(orient="split"),
        repr(pickle.dumps(made)),
    ]
    shown += [str(made.to_dict("tight")), made.to_string()]
    assert not [text for text in shown if TOKEN[4:] in text]


def test_a_secret_of_a_row_is_equal_to_its_text(secret):
    """It can be compared, counted and looked up; only `reveal` gives it out."""
    assert secret == TOKEN == secret.reveal()
    assert secret == OpaqueSecret(TOKEN) == Secret(TOKEN)
    assert secret != OpaqueSecret("clv_other")
    assert {secret: 1}[TOKEN] == 1
    assert f"{secret} {secret!s} {secret!r}" == "clv_•••• clv_•••• 'clv_••••'"
    assert not isinstance(secret, str)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    with pytest.raises(TypeError):
        json.dumps({"id": secret})


def test_every_call_takes_a_token_of_a_row(clover):
    """As a source of a new customer and of a second card, through the forms' check too."""
    token, other = (
        clover.tokens.create(card=TEST_CARDS[card])["id"] for card in ("visa", "mastercard")
    )
    row = clover.customers.create(email="ana@example.com", source=token)
    again = clover.customers.add_source(row["id"], other, consent=True)
    assert again["card_count"] == 2
    assert validation.check_source(OpaqueSecret(TOKEN)) == TOKEN


def test_a_token_from_a_saved_table_is_refused(secret):
    """What a pickle holds in its place is no token, and is said to be none."""
    saved = pickle.loads(pickle.dumps(secret))  # noqa: S301  made here
    with pytest.raises(ValidationError, match="not a card token"):
        validation.check_source(saved)


@pytest.mark.parametrize("sign", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"])
@pytest.mark.parametrize("field", ["name", "phone", "shipping.address.city"])
def test_a_typed_sign_that_turns_text_around_is_refused(field, sign):
    """With a word that says what it is, for nobody sees it."""
    with pytest.raises(ValidationError, match="direction") as caught:
        validation.check_field(field, f"555{sign}0125")
    assert caught.value.field == field


def test_names_from_right_to_left_pass():
    """With the marks that such names need."""
    for name in ("\u05e9\u05dc\u05d5\u05dd", "عمر", "\u200f\u05e9\u05dc\u05d5\u05dd\u200e (2)"):
        assert validation.check_field("name", name) == name
