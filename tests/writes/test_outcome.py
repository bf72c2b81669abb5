"""A change whose answer was lost: looked for, sent again where safe, or unclear."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from scripted_server import BRIEF, QUICK, said

from clover_nb import errors

KEY = "7QK2M9ZX4T0BC"
TOKEN = "clv_1TSTS"
LOST = None
DAY = 86_400_000  # milliseconds
# Whenever a test of this file begins, it is before this.
NOW = pd.Timestamp.now("UTC").value // 10**6 + DAY


OURS = {"id": "C1", "last4": "4242", "token": TOKEN}
OTHERS = {"id": "C0", "last4": "1111", "token": "clv_1OTHER"}


def record(**fields):
    """A customer as the Platform API has it."""
    email = fields.pop("email", "ana@example.com")
    cards = fields.pop("cards", [{"id": "C1", "last4": "4242"}])
    return {
        "id": KEY,
        "customerSince": NOW,
        "emailAddresses": {"elements": [{"emailAddress": email}]},
        "cards": {"elements": cards},
    } | fields


def listed(*records):
    return said({"elements": list(records)})


CREATED = said({"id": KEY, "email": "ana@example.com", "created": NOW})
USED = said({"error": {"code": "token_already_used", "message": "used"}}, 400)
CREATE, LOOK = "POST /v1/customers", "GET /v3/merchants/M1/customers"
READ, CHANGE = f"{LOOK}/{KEY}", f"PUT /v1/customers/{KEY}"


def create(scripted, answers, **settings):
    scripted.answers = answers
    with scripted.connect(merchant_id="M1", **settings) as clover:
        return clover.customers.create(email="ana@example.com", source=TOKEN, name="Ana")


def test_a_create_that_was_done_is_found(scripted):
    """Nothing is sent again; the row is read from the Platform API."""
    row = create(scripted, [LOST, listed(record(firstName="Ana", cards=[OURS]))])
    assert (row["id"], row["name"], row["card_last4"]) == (KEY, "Ana", "4242")
    assert scripted.calls == [CREATE, LOOK]


def test_a_create_that_was_not_done_is_sent_again_with_the_same_token(scripted):
    """Looked for twice, not found: the same body once more."""
    row = create(scripted, [LOST, listed(), listed(), CREATED])
    assert row["id"] == KEY
    assert scripted.calls == [CREATE, LOOK, LOOK, CREATE]
    first, *_, second = [body for _, _, _, body in scripted.requests]
    assert first == second
    assert json.loads(second)["source"] == TOKEN


def test_a_create_that_shows_late_is_found_after_the_refusal(scripted):
    """Clover says that the token was used: the first time had done it."""
    shown = listed(record(name="Ana", cards=[OURS]))
    row = create(scripted, [LOST, listed(), listed(), USED, listed(), shown])
    assert row["id"] == KEY
    assert scripted.calls == [CREATE, LOOK, LOOK, CREATE, LOOK, LOOK]


def test_a_create_that_never_shows_is_said_to_be_unclear(scripted):
    """The token was used, and nobody has it: an error that says what to do."""
    with pytest.raises(errors.OutcomeUnknownError, match="Look at the customer") as caught:
        create(scripted, [LOST, listed(), listed(), USED, listed()])
    assert caught.value.operation == "create"
    assert TOKEN not in str(caught.value) + str(caught.value.sent)


def test_a_create_that_is_refused_the_second_time_is_refused(scripted):
    """The first one was not done, and Clover says why it won't be."""
    declined = said({"error": {"code": "card_declined", "message": "no"}}, 402)
    with pytest.raises(errors.CardError):
        create(scripted, [LOST, listed(), listed(), declined])


@pytest.mark.parametrize(
    "other",
    [record(name="Ana"), record(name="Ana", cards=[OTHERS])],
    ids=["no token", "another token"],
)
def test_another_customer_is_not_taken_for_it(scripted, other):
    """The same email and name, created since: the token alone is proof."""
    create(scripted, [LOST, listed(other), listed(other), CREATED])
    assert scripted.calls == [CREATE, LOOK, LOOK, CREATE]


@pytest.mark.parametrize(
    ("other", "is_ours"),
    [
        (record(name="Ana"), True),
        (record(name="Ana", customerSince=NOW - 2 * DAY), False),
        (record(name="ana"), False),
        (record(name="Ana", email="other@example.com"), False),
        (record(name="Ana", cards=[OTHERS]), False),
    ],
    ids=["alike", "older", "another spelling", "another address", "another token"],
)
def test_where_the_token_was_used_one_new_customer_can_be_it(scripted, other, is_ours):
    """Exactly what was sent, created since, no other token: then it is the one."""
    found = listed(other)
    answers = [LOST, found, found, USED, found, found, found, found]
    if is_ours:
        assert create(scripted, answers)["id"] == KEY
    else:
        with pytest.raises(errors.OutcomeUnknownError):
            create(scripted, answers)


def test_the_very_token_is_proof_whatever_the_clock_says(scripted):
    """A sandbox with a time of its own shows the token that was sent."""
    old = record(customerSince=0, cards=[{"id": "C1", "token": TOKEN}])
    assert create(scripted, [LOST, listed(old)])["id"] == KEY


def test_a_wrong_clock_here_does_not_matter(scripted):
    """Clover's `Date` tells how wrong it is: here it is a day behind."""
    tomorrow = NOW + DAY
    date = pd.Timestamp(tomorrow, unit="ms").strftime("%a, %d %b %Y %H:%M:%S GMT")
    an_hour_old = record(name="Ana", customerSince=tomorrow - 3_600_000)
    _, kind, body, _ = listed(an_hour_old)
    found = (200, kind, body, {"Date": date})
    with pytest.raises(errors.OutcomeUnknownError):
        create(scripted, [LOST, found, found, USED, found])


@pytest.mark.parametrize("settings", [{}, {"journal": None}], ids=["journal", "no journal"])
def test_two_creates_do_not_take_the_same_customer(scripted, settings):
    """What one of them was found to be is not the other's."""
    found = listed(record(name="Ana"))
    with scripted.connect(merchant_id="M1", **settings) as clover:
        fields = {"email": "ana@example.com", "name": "Ana"}
        scripted.answers = [LOST, found, found, USED, *[found] * 4]
        assert clover.customers.create(source="clv_1TSTSa", **fields)["id"] == KEY
        scripted.answers = [LOST, found, found, USED, found]
        with pytest.raises(errors.OutcomeUnknownError):
            clover.customers.create(source="clv_1TSTSb", **fields)


def test_lost_again_and_again_ends(scripted):
    """Time is bounded, and the error says that it is unclear."""
    scripted.answers = [said({}, 500)]
    with scripted.connect(merchant_id="M1", timeouts=BRIEF) as clover:
        with pytest.raises(errors.OutcomeUnknownError):
            clover.customers.create(email="ana@example.com", source=TOKEN)
        assert list(clover.journal.frame()["outcome"]) == ["unknown"]


def test_on_unknown_raise_neither_looks_nor_sends_again(scripted):
    """For people who look themselves."""
    with pytest.raises(errors.OutcomeUnknownError):
        create(scripted, [LOST, listed()], on_unknown="raise")
    assert scripted.calls == [CREATE]


def change(scripted, answers, *, before=None, call="modify", **fields):
    scripted.answers = [said(before or record(name="Ana")), *answers]
    with scripted.connect(merchant_id="M1", timeouts=QUICK) as clover:
        if call == "modify":
            return clover.customers.modify(KEY, **fields)
        return getattr(clover.customers, call)(KEY, **fields)


ANSWER = said({"id": KEY, "name": "New"})


def test_a_modify_that_was_done_is_found(scripted):
    """The record shows what was sent."""
    row = change(scripted, [LOST, said(record(name="New"))], name="New")
    assert row["name"] == "New"
    assert scripted.calls == [READ, CHANGE, READ]


def test_a_modify_that_was_not_done_is_sent_again(scripted):
    """A PUT of the same values sets them once more."""
    same = said(record(name="Ana"))
    change(scripted, [LOST, same, same, ANSWER], name="New")
    assert scripted.calls == [READ, CHANGE, READ, READ, CHANGE]


def test_what_can_not_be_seen_proves_nothing(scripted):
    """The recipient's name is not in the Platform API, so it is unclear, and not sent again."""
    with pytest.raises(errors.OutcomeUnknownError):
        change(scripted, [LOST, said(record(name="Ana"))], shipping={"name": "Warehouse"})
    assert scripted.calls == [READ, CHANGE, READ]


def test_an_attached_card_is_found_by_its_token(scripted):
    """A card that was not there before, and shows the token."""
    two = said(record(name="Ana", cards=[OURS | {"id": "C2"}, {"id": "C1"}]))
    row = change(scripted, [LOST, two], call="add_source", token=TOKEN, consent=True)
    assert row["source_ids"] == ["C2", "C1"]
    assert scripted.calls == [READ, CHANGE, READ]


def test_a_card_that_is_on_file_the_second_time_was_attached_the_first(scripted):
    """409 to what was sent again: look, and it is there."""
    one, two = said(record()), said(record(cards=[OURS | {"id": "C2"}, {"id": "C1"}]))
    conflict = said({"message": "409"}, 409)
    answers = [LOST, one, one, conflict, two]
    row = change(scripted, answers, call="add_source", token=TOKEN, consent=True)
    assert row["card_count"] == 2


def test_a_token_that_was_on_the_customer_before_proves_nothing(scripted):
    """Whoever sends the token of a card on file: the name must have been set, too."""
    before = record(name="Ana", cards=[OURS])
    same = said(before)
    fields = {"name": "New", "source": TOKEN, "consent": True}
    change(scripted, [LOST, same, same, ANSWER], before=before, **fields)
    assert scripted.calls == [READ, CHANGE, READ, READ, CHANGE]


def test_a_merchant_of_one_card_each_refuses_the_second_time_too(scripted):
    """409 to what was sent again, and the card is not there: it means another card."""
    one, conflict = said(record()), said({"message": "409"}, 409)
    with pytest.raises(errors.AlreadyOnFileError):
        change(
            scripted, [LOST, one, one, conflict, one], call="add_source", token=TOKEN, consent=True
        )


REVOKE = f"DELETE /v1/customers/{KEY}/sources/C1"
NONE = said({"message": "Not Found"}, 404)


def test_a_deleted_card_is_found_gone(scripted):
    """It is not on the customer any more."""
    gone = said(record(cards=[]))
    assert change(scripted, [LOST, gone], call="delete_source", source_id="C1")["deleted"]
    assert scripted.calls == [READ, REVOKE, READ]


def test_a_card_that_was_never_there_is_not_found(scripted):
    """404 to what was sent again, of a card that was not there before: it means itself."""
    there = said(record(cards=[OTHERS]))
    answers = [LOST, there, there, NONE]
    with pytest.raises(errors.NotFoundError):
        change(
            scripted, answers, before=record(cards=[OTHERS]), call="delete_source", source_id="C1"
        )


def test_a_card_that_is_unknown_the_second_time_was_deleted_the_first(scripted):
    """404 to what was sent again."""
    there = said(record())
    answers = [LOST, there, there, NONE]
    assert change(scripted, answers, call="delete_source", source_id="C1")["deleted"]
    assert scripted.calls == [READ, REVOKE, READ, READ, REVOKE]


def test_a_deleted_customer_is_found_gone(scripted):
    """Reading it gives 404."""
    assert change(scripted, [LOST, NONE], call="delete")["deleted"]
    assert scripted.calls == [READ, f"DELETE /v3/merchants/M1/customers/{KEY}", READ]


def test_an_unknown_customer_the_first_time_is_an_error(scripted):
    """404 means done only for what was sent before."""
    scripted.answers = [NONE]
    with scripted.connect() as clover, pytest.raises(errors.NotFoundError):
        clover.customers.delete_source(KEY, "C1")
