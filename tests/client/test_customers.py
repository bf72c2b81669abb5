"""The customers' calls against the real practice sandbox."""

from __future__ import annotations

import json
import threading
import uuid

import numpy as np
import pandas as pd
import pytest

from clover_nb import TEST_CARDS, Customer, Token, connect, constants, errors, sandbox
from clover_nb.errors import ValidationError
from clover_nb.settings import Timeouts

SHIPPING = {
    "address": {
        "city": "Sunnyvale",
        "state": "CA",
        "line1": "415 N Mathilda Ave",
        "postal_code": "94085",
    }
}


def an_address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


def a_token(clover, card="visa"):
    return clover.tokens.create(card=TEST_CARDS[card])["id"]


def a_customer(clover, **fields):
    return clover.customers.create(email=an_address(), source=a_token(clover), **fields)


@pytest.mark.usefixtures("default_connection")
def test_the_documented_calls_run_to_the_letter():
    """The three Python snippets of Clover's page "Work with customers (SDK)"."""
    customer = Customer.create(
        email="ana@example.com", source=Token.create(card=TEST_CARDS["visa"])["id"]
    )
    assert customer["email"] == "ana@example.com"

    customer = Customer.create(
        email="ana@example.com",
        source=Token.create(card=TEST_CARDS["visa"])["id"],
        shipping={
            "address": {
                "city": "Sunnyvale",
                "state": "CA",
                "line1": "415 N Mathilda Ave",
                "postal_code": "94085",
            }
        },
        name="New Customer",
        phone="555-0125",
    )
    update = Customer.modify(customer["id"], name="Updated Name")
    shown = update.drop(["id", "created", "source_ids"]).dropna().to_dict()
    assert shown == {
        "email": "ana@example.com",
        "name": "Updated Name",
        "phone": "555-0125",
        "currency": "USD",
        "shipping_name": "Updated Name",
        "shipping_phone": "555-0125",
        "shipping_line1": "415 N Mathilda Ave",
        "shipping_city": "Sunnyvale",
        "shipping_state": "CA",
        "shipping_postal_code": "94085",
        "shipping_country": "US",
        "card_count": 1,
    }
    assert update["source_ids"] == customer["source_ids"]
    deleted = Customer.delete_source(customer["id"], customer["source_ids"][0])
    assert deleted["deleted"]


def test_a_created_customer_reads_back(clover):
    """The Platform API has the same id, with the card's brand, last 4 and expiry."""
    row = a_customer(clover, name="Ana María Rivera", phone="555-0125", shipping=SHIPPING)
    read = clover.customers.retrieve(row["id"])
    for label in ("email", "name", "phone", "shipping_line1", "shipping_country", "source_ids"):
        assert read[label] == row[label], label
    assert (read["card_brand"], read["card_last4"], read["card_expiry"]) == (
        "VISA",
        "4242",
        "2035-12",
    )


def test_modify_fills_in_the_email_from_clover(clover):
    """Another connection, which never saw the customer, changes the name alone."""
    row = a_customer(clover)
    with connect("local", **connection(clover)) as other:
        changed = other.customers.modify(row["id"], name="Other Name")
    assert (changed["email"], changed["name"]) == (row["email"], "Other Name")


def test_modify_fills_in_the_email_that_it_saw_without_a_merchant_id(clover):
    """Where nothing can be read, the last answer of this connection serves."""
    with connect("local", **connection(clover, merchant_id=None)) as blind:
        row = a_customer(blind)
        assert blind.customers.modify(row["id"], name="OutcomeCheck")["name"] == "OutcomeCheck"


def test_modify_of_a_customer_never_seen_says_to_pass_the_email(clover):
    """Without merchant id and without an earlier answer, Clover's refusal says what to do."""
    row = a_customer(clover)
    with (
        connect("local", **connection(clover, merchant_id=None)) as blind,
        pytest.raises(errors.InvalidRequestError, match="Pass email=") as caught,
    ):
        blind.customers.modify(row["id"], name="Nobody")
    assert caught.value.field == "email"


def connection(clover, **other):
    settings = clover.settings
    names = ("access_token", "api_key", "merchant_id", "ecommerce_url", "token_url", "platform_url")
    return {name: getattr(settings, name) for name in names} | other


def test_shipping_is_sent_whole(clover):
    """Changing the city keeps the street; a part given as None is taken off."""
    row = a_customer(
        clover,
        shipping={
            **SHIPPING,
            "name": "Warehouse",
            "address": SHIPPING["address"] | {"line2": "B2"},
        },
    )
    changed = clover.customers.modify(
        row["id"], shipping={"address": {"city": "San José", "line2": None}}
    )
    assert changed["shipping_city"] == "San José"
    assert changed["shipping_line1"] == "415 N Mathilda Ave"
    assert changed["shipping_line2"] is None
    assert changed["shipping_name"] == "Warehouse"


def test_a_second_card_needs_consent(clover):
    """Without it nothing is sent; with it the card is added."""
    row = a_customer(clover)
    token = a_token(clover, "mastercard")
    with pytest.raises(ValidationError, match="consent") as caught:
        clover.customers.add_source(row["id"], token, consent=False)
    assert caught.value.field == "consent"
    assert clover.customers.add_source(row["id"], token, consent=True)["card_count"] == 2
    assert clover.customers.retrieve(row["id"])["card_brand"] == "MC"


def test_the_same_card_again_and_a_declined_card_are_errors_of_their_own(clover):
    """409 and 402, each with what to do."""
    row = a_customer(clover)
    with pytest.raises(errors.AlreadyOnFileError):
        clover.customers.add_source(row["id"], a_token(clover), consent=True)
    with pytest.raises(errors.CardError):
        clover.customers.add_source(row["id"], a_token(clover, "visa_declined"), consent=True)


def test_a_spent_token_is_refused(clover):
    """A token works once."""
    token = a_token(clover)
    clover.customers.create(email=an_address(), source=token)
    with pytest.raises(errors.InvalidRequestError) as caught:
        clover.customers.create(email=an_address(), source=token)
    assert caught.value.field == "source"


def test_unknown_ids_are_not_found(clover):
    """Reading, changing and deleting say so."""
    for call in (
        lambda: clover.customers.retrieve("0000000000000"),
        lambda: clover.customers.modify("0000000000000", name="X", email="x@example.com"),
        lambda: clover.customers.delete_source("0000000000000", "0000000000000"),
    ):
        with pytest.raises(errors.NotFoundError):
            call()


def test_list_reads_all_pages_and_limit_counts_rows(clover, monkeypatch):
    """Pages of any size give the same table; limit is rows in all."""
    whole = clover.customers.list()
    assert len(whole) >= 200
    monkeypatch.setattr(constants, "PAGE_MAX", 7)
    assert list(clover.customers.list(limit=20).index) == list(whole.index[:20])
    assert list(clover.customers.list(limit=14).index) == list(whole.index[:14])
    assert clover.customers.list(limit=0).empty


def test_a_list_survives_pages_that_go_wrong(monkeypatch):
    """Each page is read again until it is whole, and the rows stand in Clover's order."""
    monkeypatch.setattr(constants, "PAGE_MAX", 10)
    quick = {
        "timeouts": Timeouts(retry_delay=0.01, max_retry_delay=0.1),
        "requests_per_second": None,
    }
    with (
        sandbox.start(seed=5, customers=205, limits=False) as running,
        connect("local", **running.connection(), **quick) as clover,
    ):
        whole = clover.customers.list()
        for kind in ("truncated", "html", "reset-before", 500, 429):
            running.fail_next(kind, times=4, path="/customers")
        again = clover.customers.list()
    assert len(whole) == 205
    pd.testing.assert_frame_equal(again, whole)


@pytest.mark.parametrize("limit", [np.int64(3), np.uint8(3), np.array([3, 4]).min()])
def test_a_limit_may_be_of_numpy(clover, limit):
    """As the length of something, or a minimum, often is."""
    assert len(clover.customers.list(limit=limit)) == 3


@pytest.mark.parametrize("limit", [-1, 1.5, "10", True, np.float64(3), np.bool_(1), pd.NA])
def test_a_limit_that_is_no_number_of_rows_is_refused(clover, limit):
    """Before anything is sent."""
    with pytest.raises(ValidationError, match="limit"):
        clover.customers.list(limit=limit)


def test_search_finds_by_each_field(clover):
    """Email, name, phone and id."""
    phone = f"555-{uuid.uuid4().int % 10**7:07}"
    row = a_customer(clover, name=f"Zoë {uuid.uuid4().hex}", phone=phone)
    for query in (
        {"email": row["email"]},
        {"name": row["name"]},
        {"phone": phone},
        {"id": row["id"]},
    ):
        assert list(clover.customers.search(**query).index) == [row["id"]]
    assert clover.customers.search(email="nobody@example.com").empty


def test_search_by_something_else_is_refused(clover):
    """With the nearest right name."""
    with pytest.raises(ValidationError, match="Did you mean email"):
        clover.customers.search(mail="x")
    with pytest.raises(ValidationError, match="Search by one of"):
        clover.customers.search()


@pytest.mark.parametrize(
    ("call", "field", "meant"),
    [
        (lambda calls: calls.create(emial="ana@example.com", source="clv_1"), "emial", "email"),
        (lambda calls: calls.modify("7QK2M9ZX4T0BC", first_name="Ana"), "first_name", "firstName"),
        (lambda calls: calls.add_source("7QK2M9ZX4T0BC", "clv_1", consnt=1), "consnt", "consent"),
        (lambda calls: calls.list(limits=3), "limits", "limit"),
        (lambda calls: calls.retrieve(customerId="7QK2M9ZX4T0BC"), "customerId", "customer_id"),
    ],
)
@pytest.mark.usefixtures("default_connection")
def test_a_misspelled_argument_is_refused_with_the_right_name(clover, call, field, meant):
    """Whoever has no type checker learns it here; nothing is sent."""
    for calls in (clover.customers, Customer):
        with pytest.raises(ValidationError, match=f"Did you mean {meant}") as caught:
            call(calls)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda calls: calls.create(), "email"),
        (lambda calls: calls.create(email="ana@example.com"), "source"),
        (lambda calls: calls.create(email="ana@example.com", source=None), "source"),
        (lambda calls: calls.modify(), "customer_id"),
        (lambda calls: calls.delete_source("7QK2M9ZX4T0BC"), "source_id"),
    ],
)
@pytest.mark.usefixtures("default_connection")
def test_a_missing_argument_is_said_to_be_missing(clover, call, field):
    """By its name."""
    for calls in (clover.customers, Customer):
        with pytest.raises(ValidationError, match=f"{field} is missing") as caught:
            call(calls)
        assert caught.value.field == field


@pytest.mark.parametrize(
    "expected_from",
    [
        lambda table, key: table.loc[key],
        lambda table, key: next(row for label, row in table.iterrows() if label == key),
        lambda table, key: table.loc[[key]].iloc[0],
        lambda table, key: table.reset_index().set_index("id", drop=False).loc[key],
        lambda table, key: table.reset_index().query("id == @key").iloc[0],
    ],
)
def test_the_row_of_a_table_may_be_expected(clover, expected_from):
    """It is what a person has read, as well as a row of `retrieve`."""
    row = a_customer(clover, name="Ana Rivera", shipping=SHIPPING)
    clover.customers.add_source(row["id"], a_token(clover, "mastercard"), consent=True)
    expected = expected_from(clover.customers.search(email=row["email"]), row["id"])
    changed = clover.customers.modify(row["id"], name="Ana Moss", expected=expected)
    assert changed["name"] == "Ana Moss"
    with pytest.raises(errors.EditConflictError) as caught:
        clover.customers.modify(row["id"], name="Ana Rivera", expected=expected)
    assert [change.field for change in caught.value.changes] == ["name"]


def test_text_comes_back_unchanged_from_both_apis(clover):
    """Emoji, right-to-left text, quotes and tags, trimmed outside."""
    name = '<script>alert(1)</script> 🍀 "עברית" O\'Brien'
    row = a_customer(clover, name=f"  {name} ")
    assert row["name"] == name
    assert clover.customers.retrieve(row["id"])["name"] == name


def test_tokens_are_made_of_test_cards_alone(clover):
    """Any other number is refused without being sent or shown."""
    number = "4" + "0" * 14 + "2"
    with pytest.raises(ValidationError, match="TEST_CARDS") as caught:
        clover.tokens.create(card={"number": number, "exp_month": "12", "exp_year": "2035"})
    assert number not in str(caught.value)


def test_no_token_is_made_in_python_on_production():
    """Card numbers are typed in the browser there."""
    production = connect("production", access_token="x", api_key="y", writes=True)
    with pytest.raises(ValidationError, match="production"):
        production.tokens.create(card=TEST_CARDS["visa"])


def test_tokens_and_cards_print_masked(clover):
    """Neither the token row nor a test card shows its value."""
    token = clover.tokens.create(card=TEST_CARDS["visa"])
    assert token["id"].reveal() not in repr(token) + str(token.to_dict()) + f"{token['id']}"
    assert TEST_CARDS["visa"]["number"] not in repr(TEST_CARDS) + str(TEST_CARDS["visa"])


def test_the_api_key_is_asked_for_once(scripted):
    """Clover's key does not expire: two tokens need one key."""
    key = json.dumps({"apiAccessKey": "0" * 32}).encode()
    token = json.dumps({"id": "clv_1TSTS", "card": {"exp_month": "1", "exp_year": "35"}}).encode()
    kind = "application/json"
    scripted.answers += [(200, kind, key), (200, kind, token), (200, kind, token)]
    with scripted.connect() as clover:
        assert clover.tokens.create(card=TEST_CARDS["visa"])["card_expiry"] == "2035-01"
        clover.tokens.create(card=TEST_CARDS["visa"])
    assert [path for _, path, _, _ in scripted.requests] == [
        "/pakms/apikey",
        "/v1/tokens",
        "/v1/tokens",
    ]


def test_connections_share_nothing(scripted):
    """Two accounts in many threads: each request carries its own token."""
    scripted.answers += [(200, "application/json", b'{"elements": []}')] * 80
    accounts = [scripted.connect(merchant_id=f"M{number}") for number in range(2)]
    accounts = [
        connect(
            "local",
            **connection(account, access_token=f"token-{number}"),
            requests_per_second=None,
        )
        for number, account in enumerate(accounts)
    ]

    def read(account):
        for _ in range(10):
            account.customers.list()

    threads = [threading.Thread(target=read, args=(accounts[i % 2],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scripted.requests) == 80
    for _, path, headers, _ in scripted.requests:
        merchant = path.split("/")[3]
        assert headers["Authorization"] == f"Bearer token-{merchant[1:]}"


@pytest.mark.parametrize("customer_id", ["", "../../v1/customers", "a b", None, 5, float("nan")])
def test_an_id_that_can_not_be_one_is_refused(clover, customer_id):
    """It never becomes part of an address."""
    with pytest.raises(ValidationError) as caught:
        clover.customers.modify(customer_id, name="X")
    assert caught.value.field == "customer_id"


def test_nothing_to_change_is_refused(clover):
    """An empty change isn't sent."""
    with pytest.raises(ValidationError, match="Nothing is to be changed"):
        clover.customers.modify("7QK2M9ZX4T0BC")


def test_a_seeded_connection_is_private_and_repeats_itself():
    """The same calls on the same seed give the same rows, ids and times included."""

    def story():
        with connect("local", seed=3) as clover:
            token = clover.tokens.create(card=TEST_CARDS["amex"])["id"]
            row = clover.customers.create(email="ana@example.com", source=token, name="Ana")
            return row.to_dict(), clover.customers.list().to_csv()

    assert story() == story()


def test_an_oddly_nested_answer_does_no_harm(scripted):
    """Shipping that is text is kept under Clover's name, and the next change is made."""
    odd = json.dumps({"id": "7QK2M9ZX4T0BC", "email": "ana@example.com", "shipping": "soon"})
    scripted.answers += [(200, "application/json", odd.encode())] * 2
    with scripted.connect() as clover:
        clover.customers.modify("7QK2M9ZX4T0BC", email="ana@example.com", name="Ana")
        changed = clover.customers.modify("7QK2M9ZX4T0BC", shipping={"name": "Ana"})
    assert changed["shipping"] == "soon"
    assert json.loads(scripted.requests[1][3])["shipping"] == {"name": "Ana"}
