"""Whatever is put into whatever parameter: a row, or an error of our tree that names the field."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clover_nb import TEST_CARDS, constants
from clover_nb.errors import CloverError, ValidationError

KEY = "7QK2M9ZX4T0BC"
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=20)
    | st.dates()
    | st.sampled_from([pd.NA, pd.NaT, "clv_1TSTS", "ana@example.com", "US", "555-0125", "ecom"])
)
names = st.text(max_size=8) | st.sampled_from(
    [*constants.SHIPPING_FIELDS, *constants.ADDRESS_FIELDS]
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | scalars, inner, max_size=3),
    max_leaves=8,
)
some_text = st.text() | st.sampled_from(["ana@example.com", "415 N Mathilda Ave", "94085", "CA"])
address = st.fixed_dictionaries({}, optional=dict.fromkeys(constants.ADDRESS_FIELDS, some_text))
shipping = st.fixed_dictionaries(
    {}, optional={"name": some_text, "phone": some_text, "address": address}
)
fields = st.dictionaries(
    st.sampled_from(constants.CUSTOMER_FIELDS) | st.text(max_size=8),
    anything | some_text,
    max_size=4,
) | st.fixed_dictionaries({}, optional={"shipping": shipping, "name": some_text})

many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def token(clover):
    return clover.tokens.create(card=TEST_CARDS["visa"])["id"]


def outcome_of(call):
    try:
        return call()
    except CloverError as error:
        return error


def a_row_or_an_error(call):
    """Any other exception fails the test."""
    outcome = outcome_of(call)
    if isinstance(outcome, CloverError):
        assert str(outcome)
        assert outcome.field is not None or not isinstance(outcome, ValidationError)
    else:
        assert isinstance(outcome, pd.Series | pd.DataFrame)


@many
@given(fields)
def test_creating_with_anything(clover, given_fields):
    """Names, texts and nesting of any kind."""
    required = {"email": "ana@example.com", "source": "clv_1TSTSunknown"}
    a_row_or_an_error(lambda: clover.customers.create(**(required | given_fields)))


@many
@given(fields)
def test_changing_with_anything(clover, token, given_fields):
    """What is accepted comes back as it was sent."""
    with suppress(CloverError):
        clover.customers.create(email="ana@example.com", source=token)
    row = clover.customers.search(email="ana@example.com").index[0]
    a_row_or_an_error(lambda: clover.customers.modify(row, **given_fields))


@many
@given(anything, anything)
def test_ids_and_cards_of_anything(clover, one, other):
    """Each other call, with each parameter."""
    for call in (
        lambda: clover.customers.retrieve(one),
        lambda: clover.customers.add_source(one, other, consent=True),
        lambda: clover.customers.add_source(KEY, one, consent=other),
        lambda: clover.customers.replace_source(KEY, one, other, consent=True),
        lambda: clover.customers.delete_source(one, other),
        lambda: clover.customers.delete_source(KEY, one),
        lambda: clover.customers.modify(one, name="X"),
        lambda: clover.customers.modify(KEY, name="X", expected=one),
        lambda: clover.customers.search(email=one),
        lambda: clover.customers.search(name=one),
        lambda: clover.customers.list(limit=one if not isinstance(one, int) else -1),
        lambda: clover.tokens.create(card=one),
        lambda: clover.undo(one),
    ):
        a_row_or_an_error(call)
    if not isinstance(one, str) or one != one.strip():
        with pytest.raises(ValidationError):
            clover.customers.delete(one if not isinstance(one, str) else None)
