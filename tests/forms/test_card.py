"""The card fields, as the kernel sees them; what the browser does is tried in a browser."""

from __future__ import annotations

import queue
import threading
import uuid

import pytest

from clover_nb import TEST_CARDS, connect, forms
from clover_nb.errors import APIConnectionError, CloverError, ValidationError
from clover_nb.forms import _card
from clover_nb.forms._card import CardFields
from clover_nb.forms._keys import Keys
from clover_nb.forms._token import TokenEntry

VIEW = "clover-card-1"


class Browser:
    """Stands for the browser: hears what is sent to a widget, and answers as the script does."""

    def __init__(self, fields: CardFields) -> None:
        self.fields = fields
        self.heard: list[dict[str, object]] = []
        self.next = queue.SimpleQueue()
        self.answers: list[dict[str, object]] = []
        fields.send = self.hear

    def hear(self, content, _buffers=None):
        self.heard.append(content)
        self.next.put(content)
        if content["do"] == "tokenize" and self.answers:
            answer = {"asked": content["asked"], "view": content["view"], **self.answers.pop(0)}
            threading.Thread(target=self.say, kwargs=answer).start()

    def say(self, event, **content):
        data = {"method": "custom", "content": {"event": event, **content}}
        self.fields._handle_msg({"content": {"data": data}, "buffers": []})

    def asked(self, what):
        return [message for message in self.heard if message["do"] == what]


def a_token(clover, card="visa"):
    return clover.tokens.create(card=TEST_CARDS[card])["id"].reveal()


def made(clover, card="visa"):
    known = {"brand": TEST_CARDS[card]["brand"], "last4": TEST_CARDS[card]["number"][-4:]}
    return {"event": "token", "token": a_token(clover, card), "stale": False, **known}


@pytest.fixture
def browser(clover):
    """A browser that shows card fields, into which something was typed."""
    browser = Browser(CardFields(clover))
    browser.say("shown", view=VIEW)
    browser.say("edit", view=VIEW)
    return browser


@pytest.fixture
def attach(clover):
    """A form that attaches a card, and the browser that shows it."""
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    row = clover.customers.create(email=email, source=a_token(clover))
    form = forms.attach_card(row["id"], clover=clover)
    browser = Browser(form.token.card)
    browser.say("shown", view=VIEW)
    browser.say("edit", view=VIEW)
    form.ticks["consent"].value = True
    return form, browser


def submitted(form):
    thread = form.submit()
    assert thread is not None
    thread.join()
    return form


def test_a_page_is_told_what_it_needs_to_show_the_fields(clover):
    """Once it has said where it is; the key is no part of the state that may be saved."""
    browser = Browser(CardFields(clover))
    browser.say("hello", view=VIEW, origin="http://localhost:8888")
    told = browser.next.get(timeout=10)
    assert (told["do"], told["view"]) == ("show", VIEW)
    assert told["sdk_url"].endswith("/sdk.js")
    assert told["api_key"] == clover.settings.api_key.reveal()
    assert told["api_key"] not in str(browser.fields.get_state())


def test_where_they_can_not_be_shown_the_page_is_told_why(monkeypatch, empty_folder):
    """A setting is missing: which one, and what to do."""
    clover = connect(
        "production",
        access_token="x",
        merchant_id="M1",
        api_key="k",
        writes=True,
        ecommerce_url="https://scl.eu.clover.com",
    )
    browser = Browser(CardFields(clover))
    browser.say("hello", view=VIEW, origin="http://localhost:8888")
    told = browser.next.get(timeout=10)
    assert (told["do"], told["view"]) == ("fail", VIEW)
    assert "CLOVER_CHECKOUT_URL" in told["message"]


def test_a_token_is_asked_for_once(clover, browser):
    """It prints masked; the same card needs no second one, another card does."""
    browser.answers = [made(clover), made(clover, "amex")]
    token = browser.fields.obtain()
    assert token.startswith("clv_")
    assert (
        token.reveal() not in f"{token} {token!r} {browser.fields!r} {browser.fields.get_state()}"
    )
    assert (browser.fields.brand, browser.fields.last4) == ("VISA", "4242")
    assert browser.fields.obtain() == token
    assert len(browser.asked("tokenize")) == 1
    browser.say("edit", view=VIEW)
    assert browser.fields.token == ""
    assert browser.fields.brand is None
    assert browser.fields.obtain() != token
    assert browser.fields.last4 == "0005"


def test_the_place_where_somebody_typed_is_asked(clover, browser):
    """The same fields may be shown twice."""
    browser.say("shown", view="clover-card-2")
    browser.say("edit", view=VIEW)
    browser.answers = [made(clover)]
    browser.fields.obtain()
    assert browser.asked("tokenize")[0]["view"] == VIEW


def test_fields_that_are_shown_once_more_do_not_take_the_place_of_those_in_use(clover, browser):
    """Those say that something is typed in them; fields of a page that is gone say nothing."""
    fields = browser.fields
    browser.say("hello", view="clover-card-2", origin="http://localhost:8888")
    assert not fields.begun
    browser.say("edit", view=VIEW)
    browser.say("shown", view="clover-card-2")
    assert fields.begun
    browser.answers = [made(clover), {"event": "refused"}]
    fields.obtain()
    browser.say("hello", view="clover-card-3", origin="http://localhost:8888")
    browser.say("shown", view="clover-card-3")
    assert (fields.begun, fields.token) == (False, "")
    with pytest.raises(ValidationError):
        fields.obtain()
    assert [each["view"] for each in browser.asked("tokenize")] == [VIEW, "clover-card-3"]


def test_fields_that_went_away_are_not_asked(browser):
    """As where the page forbids them late; nobody waits for an answer, or for what was typed."""
    browser.say("unavailable", view="clover-card-2")
    assert browser.fields.begun
    browser.say("unavailable", view=VIEW)
    assert not browser.fields.begun
    with pytest.raises(APIConnectionError, match="not shown in a browser"):
        browser.fields.obtain()


def test_a_browser_that_does_not_answer_is_given_up(clover, browser, monkeypatch):
    """What it says later is no token, and is not kept."""
    monkeypatch.setattr(_card, "_BROWSER_SECONDS", 0.0)
    with pytest.raises(APIConnectionError, match="did not answer"):
        browser.fields.obtain()
    browser.say(**made(clover), view=VIEW, asked=browser.heard[-1]["asked"])
    assert (browser.fields.token, browser.fields._answer) == ("", {})


@pytest.mark.parametrize(
    ("event", "error"), [("refused", ValidationError), ("failed", APIConnectionError)]
)
def test_no_token_is_an_error_and_can_be_tried_again(clover, browser, event, error):
    """The browser says what is wrong beside the fields; here it is that nothing was sent."""
    browser.answers = [{"event": event}, made(clover)]
    with pytest.raises(error, match="Nothing was sent"):
        browser.fields.obtain()
    assert browser.fields.obtain().startswith("clv_")


def test_an_answer_that_comes_too_late_is_no_token(clover, browser):
    """Nobody waits for it, and the card may be another by then."""
    browser.answers = [{"event": "failed"}, {"event": "refused"}]
    for _ in range(2):
        with pytest.raises(CloverError):
            browser.fields.obtain()
    browser.say(**made(clover), view=VIEW, asked=1)
    assert browser.fields.token == ""


def test_a_card_that_was_changed_meanwhile_needs_a_token_of_its_own(clover, browser):
    """The one that was asked for is of what stood there before."""
    browser.answers = [made(clover) | {"stale": True}, made(clover, "amex")]
    first = browser.fields.obtain()
    assert first.startswith("clv_")
    assert browser.fields.token == ""
    assert browser.fields.obtain() != first
    assert browser.fields.last4 == "0005"


def test_without_a_browser_it_says_so(clover):
    """As where notebooks are run without a page."""
    with pytest.raises(APIConnectionError, match="not shown in a browser"):
        CardFields(clover).obtain()


def test_a_card_is_attached_and_who_typed_it_is_told(clover, attach):
    """The row has it; the fields are emptied, the token is forgotten."""
    form, browser = attach
    browser.answers = [made(clover, "amex")]
    assert form.dirty
    assert "one more" in form.preview.value
    submitted(form)
    assert (form.row["card_brand"], form.row["card_last4"]) == ("AMEX", "0005")
    assert browser.asked("clear")
    assert not form.dirty
    assert form.fields["source"].value == ""
    sent = clover.journal.frame().iloc[-1]["sent"]
    assert (sent["ecomind"], sent["source"].startswith("clv_••••")) == ("moto", True)


def test_other_fields_are_checked_before_a_token_is_made(clover, attach):
    """Nothing is sent, to nobody."""
    form, browser = attach
    form.ticks["consent"].value = False
    assert form.submit() is None
    assert form.ticks["consent"].message
    assert not browser.asked("tokenize")


def test_a_card_that_nobody_has_typed_is_missing_with_all_else(clover):
    """Where it alone is missing, its fields say so."""
    form = forms.create_customer(clover=clover)
    browser = Browser(form.token.card)
    browser.say("shown", view=VIEW)
    assert form.submit() is None
    assert form.token.message == form.fields["email"].message == "This is required."
    form.fields["email"].value = "ana@example.com"
    form.ticks["consent"].value = True
    browser.answers = [{"event": "refused"}]
    submitted(form)
    assert browser.asked("tokenize")


def test_a_card_that_can_not_be_made_a_token_attaches_nothing(clover, attach):
    """The form says that nothing was sent."""
    form, browser = attach
    before = form.picker.row["card_count"]
    browser.answers = [{"event": "refused"}]
    submitted(form)
    assert "Nothing was sent" in form.status.value
    assert clover.customers.retrieve(form.picker.row["id"])["card_count"] == before
    assert not form.button.disabled


def test_a_declined_card_says_so_below_the_fields_and_keeps_them(clover, attach):
    """Once the card is changed, the message goes and another token is made."""
    form, browser = attach
    browser.answers = [made(clover, "visa_declined"), made(clover, "amex")]
    submitted(form)
    assert "declined" in form.token.card.message
    assert not browser.asked("clear")
    browser.say("edit", view=VIEW)
    assert form.token.card.message == ""
    submitted(form)
    assert form.row["card_brand"] == "AMEX"


def test_a_doubt_does_not_cost_a_second_token(clover):
    """A new customer with a known address: the token waits until somebody is sure."""
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    clover.customers.create(email=email, source=a_token(clover))
    form = forms.create_customer(clover=clover)
    browser = Browser(form.token.card)
    browser.say("shown", view=VIEW)
    browser.say("edit", view=VIEW)
    browser.answers = [made(clover)]
    form.fields["email"].value = email
    form.ticks["consent"].value = True
    submitted(form)
    assert "already" in form.fields["email"].message
    form.overrule.value = True
    submitted(form)
    assert form.row["card_last4"] == "4242"
    assert len(browser.asked("tokenize")) == 1


def test_a_token_can_be_pasted_instead(clover):
    """Then it was the customer who typed the card, unless somebody says otherwise."""
    entry = TokenEntry(clover)
    assert (entry.typing, entry.ecomind.value) == (True, "moto")
    heard = []
    entry.on_edit(lambda: heard.append(entry.value))
    entry.value = "clv_1TSTSpasted"
    assert (entry.typing, entry.ecomind.value) == (False, "ecom")
    assert heard
    assert entry.obtain() == "clv_1TSTSpasted"
    entry.clear()
    assert (entry.value, entry.begun) == ("", False)


def test_what_is_typed_is_not_forgotten_while_the_other_way_is_looked_at(clover, attach):
    """The desk would else open another form without a word; to cancel empties both."""
    form, browser = attach
    form.token.ways.value = "Paste a token"
    assert form.dirty
    form.cancel()
    assert browser.asked("clear")
    assert not form.dirty


def test_alone_the_fields_have_a_button_that_makes_one_token(clover):
    """For code: the token prints masked, and a second click makes no second one."""
    form = forms.card_fields(clover=clover)
    browser = Browser(form.fields)
    browser.say("shown", view=VIEW)
    browser.say("edit", view=VIEW)
    browser.answers = [{"event": "refused"}, made(clover)]
    form.make().join()
    assert "Nothing was sent" in form.status.value
    form.make().join()
    assert "VISA •••• 4242" in form.status.value
    assert form.button.disabled
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    row = clover.customers.create(email=email, source=form.token)
    assert row["card_count"] == 1
    browser.say("edit", view=VIEW)
    assert not form.button.disabled
    assert (form.token, form.brand, form.last4) == ("", None, None)
    assert any(isinstance(part, Keys) for part in form.children), "its keys are kept from Jupyter"


def test_alone_a_card_that_was_changed_meanwhile_can_be_made_a_token_again(clover):
    """It is not said to be ready."""
    form = forms.card_fields(clover=clover)
    browser = Browser(form.fields)
    browser.say("edit", view=VIEW)
    browser.answers = [made(clover) | {"stale": True}, made(clover, "amex")]
    form.make().join()
    assert "was changed" in form.status.value
    assert not form.button.disabled
    form.make().join()
    assert "AMEX •••• 0005" in form.status.value
