"""The card fields, as the kernel sees them; what the browser does is tried in a browser."""

from __future__ import annotations

import uuid

import pytest
from form_driver import FormDriver

from clover_nb import TEST_CARDS, connect, forms
from clover_nb.errors import APIConnectionError, CloverError, ValidationError
from clover_nb.forms.card_fields import CardFields, wait_for_token

VIEW = "clover-card-1"


class Browser:
    """Stands for the browser: hears what is sent to the fields, and answers as the script does."""

    def __init__(self, clover) -> None:
        self.fields = CardFields(clover, self.hear)
        self.heard: list[dict[str, object]] = []
        self.answers: list[dict[str, object]] = []

    def hear(self, content):
        self.heard.append(content)
        if content["do"] == "tokenize" and self.answers:
            answer = {"asked": content["asked"], "view": content["view"], **self.answers.pop(0)}
            self.say(**answer)

    def say(self, event, **content):
        return self.fields.receive({"event": event, **content})

    def asked(self, what):
        return [message for message in self.heard if message["do"] == what]

    def obtain(self):
        return wait_for_token(self.fields.request_token())


def a_token(clover, card="visa"):
    return clover.tokens.create(card=TEST_CARDS[card])["id"].reveal()


def made(clover, card="visa"):
    known = {"brand": TEST_CARDS[card]["brand"], "last4": TEST_CARDS[card]["number"][-4:]}
    return {"event": "token", "token": a_token(clover, card), "stale": False, **known}


def a_customer(clover, **fields):
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    return clover.customers.create(email=email, source=a_token(clover), **fields)


@pytest.fixture
def browser(clover):
    """A browser that shows card fields, into which something was typed."""
    browser = Browser(clover)
    browser.say("shown", view=VIEW)
    browser.say("edit", view=VIEW)
    return browser


@pytest.fixture
def attach(clover):
    """A form that attaches a card, as a browser shows it, with a card typed into it."""
    form = forms.attach_card(a_customer(clover)["id"], clover=clover)
    yield FormDriver(form).tick().type_card()
    form.close()


@pytest.fixture
def create(clover):
    """A form for a new customer, as a browser shows it."""
    form = forms.create_customer(clover=clover)
    yield FormDriver(form).tick()
    form.close()


def test_a_page_is_told_what_it_needs_to_show_the_fields(clover):
    """Once it has said where it is; the key is no part of the state that may be saved."""
    form = FormDriver(forms.card_fields(clover=clover))
    form.tell("card", card={"event": "hello", "view": VIEW, "origin": "http://localhost:8888"})
    (told,) = form.asked("show")
    assert told["view"] == VIEW
    assert told["sdk_url"].endswith("/sdk.js")
    assert told["api_key"] == clover.settings.api_key.reveal()
    assert told["api_key"] not in str(form.form.get_state())
    form.form.close()


def test_where_they_can_not_be_shown_the_page_is_told_why(empty_folder):
    """A setting is missing: which one, and what to do."""
    address = "https://scl.eu.clover.com"
    given = {"access_token": "x", "merchant_id": "M1", "api_key": "k", "ecommerce_url": address}
    with connect("production", writes=True, **given) as clover:
        browser = Browser(clover)
        browser.say("hello", view=VIEW, origin="http://localhost:8888")
    (told,) = browser.asked("fail")
    assert told["view"] == VIEW
    assert "CLOVER_CHECKOUT_URL" in told["message"]


def test_a_token_is_asked_for_once(clover, browser):
    """It prints masked; the same card needs no second one, another card does."""
    browser.answers = [made(clover), made(clover, "amex")]
    token = browser.obtain()
    assert token.startswith("clv_")
    assert token.reveal() not in f"{token} {token!r}"
    assert (browser.fields.brand, browser.fields.last4) == ("VISA", "4242")
    assert browser.obtain() == token
    assert len(browser.asked("tokenize")) == 1
    browser.say("edit", view=VIEW)
    assert browser.fields.token == ""
    assert browser.fields.brand is None
    assert browser.obtain() != token
    assert browser.fields.last4 == "0005"


def test_the_place_where_somebody_typed_is_asked(clover, browser):
    """The same fields may be shown twice."""
    browser.say("shown", view="clover-card-2")
    browser.say("edit", view=VIEW)
    browser.answers = [made(clover)]
    browser.obtain()
    assert browser.asked("tokenize")[0]["view"] == VIEW


def test_fields_that_are_shown_once_more_do_not_take_the_place_of_those_in_use(clover, browser):
    """Those say that something is typed in them; fields of a page that is gone say nothing."""
    fields = browser.fields
    browser.say("hello", view="clover-card-2", origin="http://localhost:8888")
    assert not fields.has_input
    browser.say("edit", view=VIEW)
    browser.say("shown", view="clover-card-2")
    assert fields.has_input
    browser.answers = [made(clover), {"event": "refused"}]
    browser.obtain()
    assert browser.say("hello", view="clover-card-3", origin="http://localhost:8888")
    browser.say("shown", view="clover-card-3")
    assert (fields.has_input, fields.token) == (False, "")
    with pytest.raises(ValidationError):
        browser.obtain()
    assert [each["view"] for each in browser.asked("tokenize")] == [VIEW, "clover-card-3"]


def test_fields_that_went_away_are_not_asked(browser):
    """As where the page forbids them late; nobody waits for an answer, or for what was typed."""
    browser.say("unavailable", view="clover-card-2")
    assert browser.fields.has_input
    browser.say("unavailable", view=VIEW)
    assert not browser.fields.has_input
    with pytest.raises(APIConnectionError, match="not shown in a browser"):
        browser.obtain()


def test_a_page_that_goes_away_while_it_is_asked_lets_nobody_wait(browser):
    """A page that is loaded anew says so."""
    answer = browser.fields.request_token()
    assert not answer.done()
    browser.say("hello", view="clover-card-2", origin="http://localhost:8888")
    with pytest.raises(APIConnectionError, match="did not answer"):
        wait_for_token(answer)


def test_a_browser_that_does_not_answer_is_given_up(clover, browser):
    """What it says later is no token, and is not kept."""
    with pytest.raises(APIConnectionError, match="did not answer"):
        wait_for_token(browser.fields.request_token(), 0.0)
    browser.say(**made(clover), view=VIEW, asked=browser.heard[-1]["asked"])
    assert browser.fields.token == ""


@pytest.mark.parametrize(
    ("event", "error"), [("refused", ValidationError), ("failed", APIConnectionError)]
)
def test_no_token_is_an_error_and_can_be_tried_again(clover, browser, event, error):
    """The browser says what is wrong beside the fields; here it is that nothing was sent."""
    browser.answers = [{"event": event}, made(clover)]
    with pytest.raises(error, match="Nothing was sent"):
        browser.obtain()
    assert browser.obtain().startswith("clv_")


def test_an_answer_that_comes_too_late_is_no_token(clover, browser):
    """Nobody waits for it, and the card may be another by then."""
    browser.answers = [{"event": "failed"}, {"event": "refused"}]
    for _ in range(2):
        with pytest.raises(CloverError):
            browser.obtain()
    browser.say(**made(clover), view=VIEW, asked=1)
    assert browser.fields.token == ""


def test_a_card_that_was_changed_meanwhile_needs_a_token_of_its_own(clover, browser):
    """The one that was asked for is of what stood there before."""
    browser.answers = [made(clover) | {"stale": True}, made(clover, "amex")]
    first = browser.obtain()
    assert first.startswith("clv_")
    assert browser.fields.token == ""
    assert browser.obtain() != first
    assert browser.fields.last4 == "0005"


def test_without_a_browser_it_says_so(attach, clover):
    """As where notebooks are run without a page: beside the button, and nothing is logged."""
    form = FormDriver(forms.card_fields(clover=clover))
    form.submit()
    assert "not shown in a browser" in form.status
    form.form.close()


def test_a_card_is_attached_and_who_typed_it_is_told(clover, attach):
    """The row has it; the fields are emptied, the token is forgotten."""
    attach.card_answers = [made(clover, "amex")]
    assert attach.form.has_changed
    assert "one more" in attach.form.preview
    attach.submit()
    assert (attach.form.row["card_brand"], attach.form.row["card_last4"]) == ("AMEX", "0005")
    assert attach.asked("clear")
    assert not attach.form.has_changed
    assert attach.form.token == ""
    sent = clover.journal.frame().iloc[-1]["sent"]
    assert (sent["ecomind"], sent["source"].startswith("clv_••••")) == ("moto", True)


def test_other_fields_are_checked_before_a_token_is_made(attach):
    """Nothing is sent, to nobody."""
    attach.tell("edit", {"consent": ""})
    attach.submit()
    assert attach.errors["consent"]
    assert not attach.asked("tokenize")


def test_a_card_that_nobody_has_typed_is_missing_with_all_else(create):
    """Where it alone is missing, its fields say so."""
    create.tell("card", card={"event": "shown", "view": VIEW})
    create.submit()
    assert create.errors["source"] == create.errors["email"] == "This is required."
    create.card_answers = [{"event": "refused"}]
    create.type(email="ana@example.com").submit()
    assert create.asked("tokenize")


def test_a_card_that_can_not_be_made_a_token_attaches_nothing(clover, attach):
    """The form says that nothing was sent."""
    before = attach.form.customer
    attach.card_answers = [{"event": "refused"}]
    attach.submit()
    assert "Nothing was sent" in attach.status
    assert clover.customers.retrieve(before["id"])["card_count"] == before["card_count"]
    assert not attach.form.locked


def test_a_declined_card_says_so_below_the_fields_and_keeps_them(clover, attach):
    """Once the card is changed, the message goes and another token is made."""
    attach.card_answers = [made(clover, "visa_declined"), made(clover, "amex")]
    attach.submit()
    assert "declined" in attach.errors["source"]
    assert not attach.asked("clear")
    attach.type_card()
    assert attach.errors == {}
    attach.submit()
    assert attach.form.row["card_brand"] == "AMEX"


def test_a_warning_does_not_cost_a_second_token(clover, create):
    """A new customer with a known address: the token waits until somebody is sure."""
    known = a_customer(clover)
    create.type_card().type(email=known["email"])
    create.card_answers = [made(clover)]
    create.submit()
    assert "already" in create.errors["email"]
    create.tell("edit", {"sure": "yes"})
    create.submit()
    assert create.form.row["card_last4"] == "4242"
    assert len(create.asked("tokenize")) == 1


def test_a_token_can_be_pasted_instead(create):
    """Then it was the customer who typed the card, unless somebody says otherwise."""
    assert (create.texts["way"], create.texts["ecomind"]) == ("type", "moto")
    create.type(source="clv_1TSTSpasted")
    assert (create.texts["way"], create.texts["ecomind"]) == ("paste", "ecom")
    assert create.form.token == "clv_1TSTSpasted"
    create.tell("cancel")
    assert (create.form.token, create.form.has_changed) == ("", False)


def test_what_is_typed_is_not_forgotten_while_the_other_way_is_looked_at(attach):
    """The desk would else open another form without a word; to cancel empties both."""
    attach.tell("edit", {"way": "paste"})
    assert attach.form.has_changed
    attach.tell("cancel")
    assert attach.asked("clear")
    assert not attach.form.has_changed


@pytest.fixture
def alone(clover):
    """The card fields with a button of their own, and a card typed into them."""
    form = forms.card_fields(clover=clover)
    yield FormDriver(form).type_card()
    form.close()


def test_alone_the_fields_have_a_button_that_makes_one_token(clover, alone):
    """For code: the token prints masked, and a second click makes no second one."""
    alone.card_answers = [{"event": "refused"}, made(clover)]
    alone.submit()
    assert "Nothing was sent" in alone.status
    alone.submit()
    assert "VISA •••• 4242: the token is ready." in alone.status
    assert alone.form.locked
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    row = clover.customers.create(email=email, source=alone.form.token)
    assert row["card_count"] == 1
    alone.type_card()
    assert not alone.form.locked
    assert alone.status == ""
    assert (alone.form.token, alone.form.brand, alone.form.last4) == ("", None, None)


def test_alone_a_page_that_is_loaded_anew_has_no_token_and_says_so(clover, alone):
    """The fields are empty again, and the button makes another one."""
    alone.card_answers = [made(clover)]
    alone.submit()
    hello = {"event": "hello", "view": "clover-card-2", "origin": "http://localhost:8888"}
    alone.tell("card", card=hello)
    assert (alone.form.token, alone.status, alone.form.locked) == ("", "", False)


def test_alone_a_card_that_was_changed_meanwhile_can_be_made_a_token_again(clover, alone):
    """It is not said to be ready."""
    alone.card_answers = [made(clover) | {"stale": True}, made(clover, "amex")]
    alone.submit()
    assert "was changed" in alone.status
    assert not alone.form.locked
    alone.submit()
    assert "AMEX •••• 0005" in alone.status
