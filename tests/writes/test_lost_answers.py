"""A real network that loses requests and answers, and colleagues who write in between."""

from __future__ import annotations

import json

import pytest
from lossy_proxy import lossy_proxy
from practice_customers import a_customer, a_token, an_email, hide_tokens, outcomes

from clover_nb import connect, errors, sandbox
from clover_nb.errors import EditConflictError, OutcomeUnknownError

# -- changes ---------------------------------------------------------------------------------------

ADDRESS = {"line1": "1 main st", "city": "Boston", "state": "MA", "postal_code": "02108"}
SPELLINGS = {
    "name": ({"name": "ana rivera"}, {"name": "Ana Rivera"}),
    "phone": ({"phone": "555-0125"}, {"phone": "(555) 0125"}),
    "street": (
        {"shipping": {"address": ADDRESS}},
        {"shipping": {"address": {"line1": "1 Main St."}}},
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("loss", ["request", "answer"])
def test_a_change_of_spelling_alone_is_made(near, proxy, colleague, spelling, loss):
    """What was the same but for capitals and punctuation proves nothing: it is there at the end."""
    old, new = SPELLINGS[spelling]
    row = a_customer(near, **old)
    getattr(proxy, f"lose_{loss}")("PUT")
    near.customers.modify(row["id"], **new)
    shown = colleague.customers.retrieve(row["id"])
    wanted = new["shipping"]["address"]["line1"] if "shipping" in new else next(iter(new.values()))
    assert wanted in (shown["name"], shown["phone"], shown["shipping_line1"])
    assert outcomes(near) == ["done", "done"]
    assert len([call for call in proxy.calls if call.startswith("PUT")]) == 1


def test_a_colleagues_change_is_not_overwritten(near, proxy, colleague):
    """The change arrived, its answer was lost, and somebody set another name: theirs stays."""
    row = a_customer(near, name="Ana")
    theirs = lambda: colleague.customers.modify(row["id"], name="Cleo")  # noqa: E731
    proxy.lose_answer("PUT", then=theirs)
    with pytest.raises(EditConflictError, match="name is 'Cleo'") as caught:
        near.customers.modify(row["id"], name="Bea")
    assert caught.value.changes == [("name", "Ana", "Cleo")]
    assert colleague.customers.retrieve(row["id"])["name"] == "Cleo"
    assert len([call for call in proxy.calls if call.startswith("PUT")]) == 1
    assert outcomes(near) == ["done", "unknown"]


def test_a_colleagues_change_in_place_of_a_lost_one_is_not_overwritten(near, proxy, colleague):
    """The request never arrived: what is there is neither as before nor as sent."""
    row = a_customer(near, name="Ana", phone="555-0125")
    proxy.lose_request("PUT", then=lambda: colleague.customers.modify(row["id"], phone="555-0126"))
    with pytest.raises(EditConflictError) as caught:
        near.customers.modify(row["id"], name="Bea", phone="555-0127")
    assert caught.value.changes == [("phone", "555-0125", "555-0126")]
    shown = colleague.customers.retrieve(row["id"])
    assert (shown["name"], shown["phone"]) == ("Ana", "555-0126")


def test_expected_is_compared_again_before_a_second_sending(near, proxy, colleague):
    """Somebody changed another field meanwhile: the decision was made on the old record."""
    row = a_customer(near, name="Ana", phone="555-0125")
    proxy.lose_request("PUT", then=lambda: colleague.customers.modify(row["id"], phone="555-0126"))
    with pytest.raises(EditConflictError) as caught:
        near.customers.modify(row["id"], name="Bea", expected=row)
    assert [change.field for change in caught.value.changes] == ["phone"]
    assert colleague.customers.retrieve(row["id"])["name"] == "Ana"


def test_a_field_that_nobody_named_is_left_to_the_colleague(near, proxy, colleague):
    """Without expected, the lost change of a name is sent again beside a new phone."""
    row = a_customer(near, name="Ana", phone="555-0125")
    proxy.lose_request("PUT", then=lambda: colleague.customers.modify(row["id"], phone="555-0126"))
    near.customers.modify(row["id"], name="Bea")
    shown = colleague.customers.retrieve(row["id"])
    assert (shown["name"], shown["phone"]) == ("Bea", "555-0126")


def test_the_address_that_is_filled_in_does_not_move_a_colleagues_back(near, proxy, colleague):
    """Clover wants an email on every change; sending the old one again would put it first."""
    row, email = a_customer(near, name="Ana"), an_email()
    proxy.lose_request("PUT", then=lambda: colleague.customers.modify(row["id"], email=email))
    with pytest.raises(EditConflictError) as caught:
        near.customers.modify(row["id"], name="Bea")
    assert [change.field for change in caught.value.changes] == ["email"]
    assert colleague.customers.retrieve(row["id"])["email"] == email


def test_values_that_change_nothing_are_sent_again(near, proxy):
    """Nothing visible differs, so that a second time changes nothing either."""
    row = a_customer(near, name="Ana")
    proxy.lose_request("PUT")
    assert near.customers.modify(row["id"], name="Ana")["name"] == "Ana"
    assert outcomes(near) == ["done", "done"]


@pytest.mark.parametrize("loss", ["request", "answer"])
def test_a_recipient_can_not_be_looked_up(near, proxy, loss):
    """The Platform API does not show it: it is unclear, and not sent again."""
    row = a_customer(near, name="Ana")
    getattr(proxy, f"lose_{loss}")("PUT")
    with pytest.raises(OutcomeUnknownError):
        near.customers.modify(row["id"], shipping={"name": "Warehouse"})
    assert len([call for call in proxy.calls if call.startswith("PUT")]) == int(loss == "answer")


def test_a_form_of_clovers_own_is_unclear(tmp_path):
    """What was sent came back in another spelling: Clover's, or somebody's. Not sent again."""
    tidy = {"spelling": "normalized"}
    with (
        sandbox.start(customers=0, limits=False, settings=tidy) as running,
        lossy_proxy(running) as proxy,
        proxy.connect(journal=tmp_path / "journal") as clover,
    ):
        row = a_customer(clover, name="Ana Rivera", phone="5555550125")
        for field, value in (("name", "bea  costa"), ("phone", "555.555.0126")):
            proxy.lose_answer("PUT")
            with pytest.raises(OutcomeUnknownError):
                clover.customers.modify(row["id"], **{field: value})
        assert len([call for call in proxy.calls if call.startswith("PUT")]) == 2
        shown = clover.customers.retrieve(row["id"])
        assert (shown["name"], shown["phone"]) == ("Bea Costa", "(555) 555-0126")
        proxy.lose_request("PUT")  # and one that never arrived is sent again
        clover.customers.modify(row["id"], name="cleo diaz")
        assert clover.customers.retrieve(row["id"])["name"] == "Cleo Diaz"


# -- creates and cards -----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["request", "answer"])
def test_a_create_does_not_take_a_colleagues_customer(near, proxy, colleague, loss):
    """Somebody created the same email and name within the second: ours is a customer of its own."""
    email = an_email()
    fields = {"email": email, "name": "Ana Rivera"}
    theirs = lambda: colleague.customers.create(source=a_token(colleague, "amex"), **fields)  # noqa: E731
    getattr(proxy, f"lose_{loss}")("POST", "/v1/customers", then=theirs)
    row = near.customers.create(source=a_token(near), **fields)
    found = colleague.customers.search(email=email)
    assert len(found) == 2
    assert found.loc[row["id"], "card_last4"] == "4242"
    assert outcomes(near) == ["done"]


@pytest.mark.parametrize("loss", ["request", "answer"])
def test_a_card_is_not_taken_for_a_colleagues(near, proxy, colleague, loss):
    """Somebody attached another card within the second: both are there at the end."""
    row = a_customer(near)
    theirs = lambda: colleague.customers.add_source(row["id"], a_token(near, "amex"), consent=True)  # noqa: E731
    getattr(proxy, f"lose_{loss}")("PUT", then=theirs)
    near.customers.add_source(row["id"], a_token(near, "mastercard"), consent=True)
    brands = {"amex": "AMEX", "mastercard": "MC", "visa": "VISA"}
    assert colleague.customers.retrieve(row["id"])["card_count"] == 3
    cards = near.customers._platform.get_customer(row["id"])["cards"]["elements"]
    assert {card["cardType"] for card in cards} == set(brands.values())


@pytest.fixture
def tokenless(tmp_path):
    """A sandbox whose clock is right and whose cards show no token, and a connection to it."""
    with (
        sandbox.start(customers=0, limits=False) as running,
        lossy_proxy(running) as proxy,
        proxy.connect(journal=tmp_path / "journal") as clover,
    ):
        proxy.rewrite = hide_tokens
        yield proxy, clover


def test_without_tokens_a_create_is_known_by_its_second_refusal(tokenless):
    """The token was used, and one new customer alone can have come of it."""
    proxy, clover = tokenless
    email = an_email()
    proxy.lose_answer("POST", "/v1/customers")
    row = clover.customers.create(email=email, source=a_token(clover), name="Ana")
    assert list(clover.customers.search(email=email).index) == [row["id"]]
    assert proxy.writes() == ["POST /v1/customers"] * 2


def test_without_tokens_two_that_are_alike_are_unclear(tokenless):
    """A colleague's customer can be ours as well as ours: neither is taken."""
    proxy, clover = tokenless
    fields = {"email": an_email(), "name": "Ana"}

    def theirs():
        with connect("local", journal=None, **proxy.sandbox.connection()) as colleague:
            colleague.customers.create(source=a_token(colleague, "amex"), **fields)

    proxy.lose_answer("POST", "/v1/customers", then=theirs)
    with pytest.raises(OutcomeUnknownError):
        clover.customers.create(source=a_token(clover), **fields)
    assert outcomes(clover) == ["unknown"]


@pytest.mark.parametrize("journals", ["shared", "none"])
def test_without_tokens_a_customer_that_one_create_has_is_no_others(tokenless, tmp_path, journals):
    """Another connection made it, with the same values: it is not taken a second time."""
    proxy, _ = tokenless
    settings = {"journal": tmp_path / "journal" if journals == "shared" else None}
    fields = {"email": an_email(), "name": "Ana"}
    with proxy.connect(**settings) as one, proxy.connect(**settings) as other:
        first = one.customers.create(source=a_token(one), **fields)
        proxy.lose_answer("POST", "/v1/customers")
        second = other.customers.create(source=a_token(other), **fields)
    assert first["id"] != second["id"]


def test_without_tokens_a_card_is_sent_again_or_unclear(tokenless):
    """A new card without a token proves nothing, and neither does "a card is on file"."""
    proxy, clover = tokenless
    row = a_customer(clover)
    proxy.lose_request("PUT")
    clover.customers.add_source(row["id"], a_token(clover, "amex"), consent=True)
    proxy.lose_answer("PUT")
    with pytest.raises(OutcomeUnknownError):
        clover.customers.add_source(row["id"], a_token(clover, "mastercard"), consent=True)
    assert clover.customers.retrieve(row["id"])["card_count"] == 3


def test_an_email_filter_that_finds_nobody_loses_no_create(tmp_path):
    """A team saw Clover's sandbox answer so: the customer is found by its token all the same."""
    settings = {"email_filter": "empty"}
    with (
        sandbox.start(customers=0, limits=False, settings=settings) as running,
        lossy_proxy(running) as proxy,
        proxy.connect(journal=tmp_path / "journal") as clover,
    ):
        proxy.lose_answer("POST", "/v1/customers")
        row = a_customer(clover)
        assert list(clover.customers.list().index) == [row["id"]]
        assert outcomes(clover) == ["done"]


def test_a_card_taken_off_is_found_gone_though_customers_stay_marked(tmp_path):
    """Where a deleted customer is still shown, marked, a lost delete counts as done."""
    with (
        sandbox.start(customers=0, limits=False, settings={"deleted": "marked"}) as running,
        lossy_proxy(running) as proxy,
        proxy.connect(journal=tmp_path / "journal") as clover,
    ):
        row = a_customer(clover)
        proxy.lose_answer("DELETE")
        assert clover.customers.delete(row["id"])["deleted"]
        assert len([call for call in proxy.calls if call.startswith("DELETE")]) == 1


@pytest.mark.parametrize("loss", ["request", "answer"])
def test_an_address_that_is_changed_alone_is_changed_once(near, proxy, colleague, loss):
    """By the Platform API's call: lost before or after, it is there at the end."""
    row = a_customer(colleague, shipping={"name": "Warehouse", "address": ADDRESS})
    getattr(proxy, f"lose_{loss}")("POST", "/addresses/")
    near.customers.modify(row["id"], shipping={"address": {"line1": "2 Oak Ave"}})
    assert colleague.customers.retrieve(row["id"])["shipping_line1"] == "2 Oak Ave"
    assert [call.split(" ")[0] for call in proxy.writes()] == ["POST"]


# -- answers that lie ------------------------------------------------------------------------------


def test_an_answer_about_another_customer_is_not_believed(near, proxy):
    """A read is an error; a write is looked up, and comes out as it is."""
    row, other = a_customer(near, name="Ana"), a_customer(near)
    proxy.rewrite = lambda content: content.replace(row["id"].encode(), other["id"].encode())
    with pytest.raises(errors.InvalidResponseError):
        near.customers.retrieve(row["id"])
    proxy.rewrite = bytes

    def lie_once(content):
        proxy.rewrite = bytes
        return content.replace(row["id"].encode(), other["id"].encode())

    near.customers.retrieve(row["id"])
    original = proxy.pick

    def pick(method, path, body):
        if method == "PUT":
            proxy.rewrite = lie_once
        return original(method, path, body)

    proxy.pick = pick
    changed = near.customers.modify(row["id"], name="Bea")
    assert (changed["id"], changed["name"]) == (row["id"], "Bea")


def test_changes_need_consent_to_a_card(clover):
    """`modify(source=)` keeps a card as `add_source` does, and asks as it does."""
    row, token = a_customer(clover), a_token(clover, "mastercard")
    with pytest.raises(errors.ValidationError) as caught:
        clover.customers.modify(row["id"], source=token)
    assert caught.value.field == "consent"
    assert clover.customers.modify(row["id"], source=token, consent=True)["card_count"] == 2
    entry = clover.journal.frame().iloc[-1]
    assert entry["consent"]


def test_a_fresh_connection_reads_before_it_writes(practice, tmp_path):
    """The connection of another day changes a name alone: nothing else is sent but the email."""
    with connect("local", **practice.connection()) as one:
        row = a_customer(one, phone="555-0125")
    with lossy_proxy(practice) as proxy, proxy.connect(journal=tmp_path / "j") as other:
        other.customers.modify(row["id"], name="Bea")
        assert other.journal.frame().iloc[-1]["sent"] == {"email": row["email"], "name": "Bea"}


def test_a_record_without_an_id_proves_nothing(practice, scripted, brief):
    """The create was made, its answer lost, and what shows its token is no customer."""
    with lossy_proxy(practice) as proxy:
        there = practice.connection() | {"platform_url": scripted.url, "ecommerce_url": proxy.url}
        with connect("local", **there, requests_per_second=None, timeouts=brief) as clover:
            token = a_token(clover)
            mangled = {"id": {"elements": [5]}, "cards": {"elements": [{"token": token.reveal()}]}}
            found = json.dumps({"elements": [mangled]}).encode()
            scripted.answers = [(200, "application/json", found)]
            proxy.lose_answer("POST")
            with pytest.raises(OutcomeUnknownError):
                clover.customers.create(email=an_email(), source=token)
