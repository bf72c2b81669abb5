"""The forms, driven as the browser drives them, on the practice sandbox."""

from __future__ import annotations

import re
import threading
import uuid
from html import escape

import pytest

from clover_nb import TEST_CARDS, connect, forms
from clover_nb.forms import values
from clover_nb.validation import contains_card_number

TOKEN = "clv_1TSTSabcdefghijkmnopqrst"


def fill(form, **values):
    for name, value in values.items():
        form.fields[name.replace("__", ".")].value = value
    for tick in form.ticks.values():
        tick.value = True


def submitted(form):
    thread = form.submit()
    assert thread is not None
    thread.join()
    return form


def messages(form):
    return {name: field.message for name, field in form.fields.items() if field.message}


def an_address():
    return f"{uuid.uuid4().hex[:12]}@example.com"


def a_token(clover, card="visa"):
    return clover.tokens.create(card=TEST_CARDS[card])["id"]


def a_customer(clover, **fields):
    return clover.customers.create(email=an_address(), source=a_token(clover), **fields)


@pytest.mark.usefixtures("default_connection")
def test_the_default_connection_serves_every_form():
    """Each form is one line in a cell."""
    for form in (forms.create_customer(), forms.attach_card(), forms.update_shipping()):
        assert "LOCAL" in form.children[0].value


def test_create_saves_and_shows_the_row(clover):
    """The row stands under the form, the token is gone, and the ticks are off again."""
    form = forms.create_customer(clover=clover)
    email = an_address()
    fill(form, email=email, source=a_token(clover), name="Ana <b>Rivera</b>")
    submitted(form)
    assert form.row["email"] == email
    assert form.row["card_last4"] == "4242"
    assert "Ana &lt;b&gt;Rivera" in form.outcome.result.value
    assert "<b>" not in form.outcome.result.value + form.status.value
    assert form.fields["source"].value == ""
    assert not form.ticks["consent"].value


def test_create_shows_every_message_beside_its_field_and_sends_nothing(clover):
    """All at once, and what was typed stays."""
    form = forms.create_customer(clover=clover)
    fill(form, email="ana@", source="tok_1", phone="none", shipping__address__city="Boston")
    before = len(clover.customers.list())
    assert form.submit() is None
    assert set(messages(form)) == {
        "email",
        "source",
        "phone",
        "shipping.address.line1",
        "shipping.address.state",
    }
    assert "Email is not an email address" in form.fields["email"].message
    assert form.fields["email"].value == "ana@"
    assert form.fields["source"].value == "tok_1"
    assert len(clover.customers.list()) == before


def test_consent_must_be_ticked(clover):
    """Its message stands below the tick."""
    form = forms.create_customer(clover=clover)
    fill(form, email=an_address(), source=TOKEN)
    form.ticks["consent"].value = False
    assert form.submit() is None
    assert "tick" in form.ticks["consent"].message


def test_a_refusal_of_clover_stands_beside_its_field(clover):
    """A spent token is about the token; what was typed stays, to be mended."""
    token = a_token(clover)
    clover.customers.create(email=an_address(), source=token)
    form = forms.create_customer(clover=clover)
    email = an_address()
    fill(form, email=email, source=token)
    submitted(form)
    assert "works once" in form.fields["source"].message
    assert form.fields["email"].value == email
    assert form.row is None


def test_a_declined_card_says_what_to_do(clover):
    """Beside the token; and the request id, which Clover's support asks for, beside the button."""
    form = forms.create_customer(clover=clover)
    fill(form, email=an_address(), source=a_token(clover, "visa_declined"))
    submitted(form)
    assert "ask for another" in form.fields["source"].message
    assert "Not saved.</div>" in form.status.value
    assert re.search(r"Clover's request id: <code>[\w-]{36}</code>", form.status.value)


def test_a_lost_connection_keeps_what_was_typed():
    """The token too: it was not used."""
    urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), "http://127.0.0.1:1")
    with connect("local", access_token="x", merchant_id="M1", **urls) as gone:
        form = forms.create_customer(clover=gone)
        email = an_address()
        fill(form, email=email, source=TOKEN)
        submitted(form)
    assert "could not be reached" in form.status.value
    assert (form.fields["email"].value, form.fields["source"].value) == (email, TOKEN)


def test_two_clicks_do_it_once(clover, monkeypatch):
    """While work is under way the button is disabled, and a second click does nothing."""
    entered, go = threading.Event(), threading.Event()
    calls = []
    real = clover.customers.create

    def slow(**fields):
        calls.append(fields)
        entered.set()
        assert go.wait(10)
        return real(**fields)

    monkeypatch.setattr(clover.customers, "create", slow)
    form = forms.create_customer(clover=clover)
    fill(form, email=an_address(), source=a_token(clover))
    thread = form.submit()
    assert entered.wait(10)
    assert form.button.disabled
    assert form.button.description == "Creating…"
    assert form.submit() is None
    go.set()
    thread.join()
    assert len(calls) == 1
    assert form.button.disabled, "until something is edited: the second click may come late"
    form.edited()
    assert not form.button.disabled


def test_an_unforeseen_failure_is_told_and_logged(clover, monkeypatch, caplog):
    """Nothing vanishes in a callback: the form says so, the log has the traceback."""

    def broken(**fields):
        raise RuntimeError("boom")

    monkeypatch.setattr(clover.customers, "create", broken)
    form = forms.create_customer(clover=clover)
    fill(form, email=an_address(), source=TOKEN)
    submitted(form)
    assert "not known" in form.status.value
    assert "boom" in caplog.text
    assert not form.button.disabled


def test_attach_finds_the_customer_by_email(clover):
    """Find, then attach: the row has two cards, the newest first."""
    customer = a_customer(clover)
    form = forms.attach_card(clover=clover)
    form.fields["customer"].value = customer["email"]
    form.picker.find().join()
    assert customer["id"] in form.picker.chosen.value
    fill(form, source=a_token(clover, "mastercard"))
    submitted(form)
    assert form.row["card_count"] == 2
    assert form.row["card_brand"] == "MC"


def test_attach_asks_which_when_an_address_is_shared(clover):
    """Choosing one of several makes it the customer."""
    first = a_customer(clover, name="First")
    second = clover.customers.create(email=first["email"], source=a_token(clover), name="Second")
    form = forms.attach_card(clover=clover)
    form.fields["customer"].value = first["email"]
    form.picker.find().join()
    assert "choose one" in form.fields["customer"].message
    form.picker.choose(second["id"]).join()
    assert form.picker.row["id"] == second["id"]


def test_nothing_is_sent_before_a_customer_is_found(clover):
    """And a customer typed over is no longer the chosen one."""
    customer = a_customer(clover)
    form = forms.attach_card(customer["id"], clover=clover)
    assert form.picker.row["id"] == customer["id"]
    form.picker.forget()
    fill(form, source=TOKEN)
    assert form.submit() is None
    assert "Find" in form.fields["customer"].message


def test_an_unknown_customer_is_told_beside_the_field(clover):
    """With what was looked for."""
    form = forms.update_shipping(clover=clover)
    form.fields["customer"].value = "nobody@example.com"
    form.picker.find().join()
    assert "nobody@example.com" in form.fields["customer"].message


def test_the_same_card_twice_is_no_harm(clover):
    """Clover says that it is on file, and the form that nothing needs to be done."""
    customer = a_customer(clover)
    form = forms.attach_card(customer["id"], clover=clover)
    fill(form, source=a_token(clover))
    submitted(form)
    assert "Nothing needs to be done" in form.fields["source"].message


def test_shipping_shows_what_is_and_saves_what_was_changed(clover):
    """What was saved can't be saved again; a save without a change says so."""
    shipping = {"address": {"line1": "1 Main St", "city": "Boston", "state": "MA"}}
    customer = a_customer(clover, shipping=shipping)
    form = forms.update_shipping(customer["id"], clover=clover)
    assert form.fields["shipping.address.city"].value == "Boston"
    fill(form, shipping__address__city="Cambridge", shipping__address__postal_code="02139")
    submitted(form)
    assert form.row["shipping_city"] == "Cambridge"
    assert form.row["shipping_line1"] == "1 Main St"
    assert form.submit() is None
    form.edited()
    submitted(form)
    assert "Nothing is changed" in form.status.value


def test_a_test_card_fills_the_token_field(clover):
    """Only where no real cards are."""
    form = forms.create_customer(clover=clover)
    form.token.use_test_card().join()
    token = form.fields["source"].value
    assert token.startswith("clv_")
    assert "1TSTS" not in f"{token}{form.fields['source']!r}"


def test_production_has_no_test_cards_and_asks_for_a_tick():
    """And is marked in words."""
    production = connect("production", access_token="x", merchant_id="M1", writes=True)
    form = forms.create_customer(clover=production)
    assert "PRODUCTION" in form.children[0].value
    assert "Test card" not in str(form.token.children)
    fill(form, email=an_address(), source=TOKEN)
    form.ticks["production"].value = False
    assert form.submit() is None
    assert form.ticks["production"].message


def test_a_saved_form_leaves_a_sentence(clover):
    """What a reader sees where no kernel runs, the same every run."""
    form = forms.create_customer(clover=clover)
    assert repr(form) == "<Create a customer: run this cell to use the form.>"
    bundle = form._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "run this cell" in data["text/html"]


def test_the_names_of_the_fields_are_those_of_the_errors(clover):
    """A message finds its field because both use Clover's names."""
    form = forms.create_customer(clover=clover)
    assert set(form.fields) == {"email", "name", "phone", "source", *values.SHIPPING_FIELDS}


NEVER_RIGHT = {
    "much too long": "x" * 10_000,
    "a card number": TEST_CARDS["visa"]["number"],
    "a card number among words": f"pay with {TEST_CARDS['amex']['number']} please",
    "a line break": "one\ntwo",
    "a sign that can't be stored": "one\x00two",
    "half a letter": "\ud800",
}
ALL = ("create_customer", "edit_contact", "update_shipping", "attach_card")


@pytest.mark.parametrize("typed", NEVER_RIGHT.values(), ids=NEVER_RIGHT)
@pytest.mark.parametrize("name", ALL)
def test_what_can_not_be_sent_is_told_beside_each_field(clover, practice, name, typed):
    """In any field of any form: nothing is sent, nothing is lost, and no number is repeated."""
    about = () if name == "create_customer" else (a_customer(clover)["id"],)
    form = getattr(forms, name)(*about, clover=clover)
    names = set(form.fields) - {"customer"}
    fill(form, **{each.replace(".", "__"): typed for each in names})
    sent = len(practice.requests)
    assert form.submit() is None
    assert set(messages(form)) == names
    assert {str.__str__(form.fields[each].value) for each in names - {"source"}} <= {typed}
    assert not [told for told in messages(form).values() if contains_card_number(told)]
    assert len(practice.requests) == sent


@pytest.mark.parametrize(
    "name", ["Zoë 🍀 O'Neil", "<b>Ana</b>", "'; DROP TABLE--", "مرحبا", "../../x", "Bo Jr."]
)
def test_what_is_only_unusual_is_sent_as_it_is(clover, name):
    """A name is whatever its owner says."""
    form = forms.edit_contact(a_customer(clover, name="Ana")["id"], clover=clover)
    fill(form, name=f"  {name} ")
    submitted(form)
    assert form.row["name"] == name
    assert f"Saved: {escape(name)}" in form.status.value
    assert clover.customers.retrieve(form.row["id"])["name"] == name


def test_what_will_change_is_shown_before_it_is_sent(clover):
    """Field, now and new, as it is typed; nothing when nothing differs. A token isn't shown."""
    customer = a_customer(clover, name="Ana <b>")
    form = forms.edit_contact(customer["id"], clover=clover)
    assert form.preview.value == ""
    form.fields["name"].value = "Bo & Co"
    form.edited()
    for told in ("<td>Name</td>", "<td>Ana &lt;b&gt;</td>", "<td>Bo &amp; Co</td>"):
        assert told in form.preview.value
    form.fields["name"].value = "Ana <b>"
    form.edited()
    assert form.preview.value == ""
    create = forms.create_customer(clover=clover)
    fill(create, source=TOKEN)
    create.edited()
    assert "<td>a new card</td>" in create.preview.value
    assert TOKEN not in create.preview.value


def test_a_change_is_taken_back_with_a_button(clover):
    """And the button is there only where it can be."""
    customer = a_customer(clover, name="Ana", phone="555-0125")
    form = forms.edit_contact(customer["id"], clover=clover)
    assert form.outcome.undo.button.layout.display == "none"
    fill(form, name="Bo")
    submitted(form)
    assert form.outcome.undo.button.layout.display is None
    form.outcome.undo.take().join()
    assert "Taken back: Ana" in form.status.value
    assert form.fields["name"].value == "Ana"
    assert clover.customers.retrieve(customer["id"])["name"] == "Ana"
    fill(form, email=f"new.{customer['email']}")
    form.edited()
    submitted(form)
    assert form.outcome.undo.button.layout.display == "none"
    assert "taken back: Clover adds" in form.status.value


def test_a_conflict_is_shown_and_what_was_typed_survives_it(clover):
    """Three values: as it was read, as it is, and what is typed, which is sent only then."""
    customer = a_customer(clover, name="Ana", phone="555-0125")
    form = forms.edit_contact(customer["id"], clover=clover)
    fill(form, name="Bo")
    clover.customers.modify(customer["id"], phone="555-0199")
    submitted(form)
    assert "changed by somebody else" in form.status.value
    assert "<td>555-0125</td><td>555-0199</td>" in form.outcome.conflict.value
    form.outcome.reload.take().join()
    assert (form.fields["name"].value, form.fields["phone"].value) == ("Bo", "555-0199")
    submitted(form)
    assert "Saved: Bo" in form.status.value
    assert clover.customers.retrieve(customer["id"])["phone"] == "555-0199"


@pytest.mark.parametrize("name", ["attach_card", "delete_card"])
def test_cards_changed_in_between_are_shown_and_left_alone(clover, name):
    """Neither is another put on top, nor one taken off, before the person has seen it."""
    customer = a_customer(clover)
    form = getattr(forms, name)(customer["id"], clover=clover)
    after = clover.customers.add_source(customer["id"], a_token(clover, "amex"), consent=True)
    fill(form, **({"source": a_token(clover, "mastercard")} if form.token else {}))
    if not form.token:
        form._choices["card"].value = customer["source_ids"][0]
    submitted(form)
    assert "changed by somebody else" in form.status.value
    assert (
        "<td>Cards</td><td>VISA •••• 4242, expires 2035-12</td>"
        "<td>AMEX •••• 0005, expires 2035-12, VISA •••• 4242, expires 2035-12</td>"
    ) in form.outcome.conflict.value
    assert set(clover.customers.retrieve(customer["id"])["source_ids"]) == set(after["source_ids"])
    form.outcome.reload.take().join()
    submitted(form)
    assert "Saved" in form.status.value
    assert form.row["card_count"] == (3 if form.token else 1)


def test_a_choice_outlives_the_look_at_the_record_unless_its_card_is_gone(clover):
    """A card that was to be replaced must not be kept unasked."""
    customer = a_customer(clover)
    form = forms.attach_card(customer["id"], clover=clover)
    replaces, old = form._choices["replaces"], customer["source_ids"][0]
    replaces.value = old
    fill(form, source=TOKEN)
    clover.customers.add_source(customer["id"], a_token(clover, "amex"), consent=True)
    submitted(form)
    form.outcome.reload.take().join()
    assert replaces.value == old
    assert form.fields["source"].value == TOKEN
    clover.customers.delete_source(customer["id"], old)
    submitted(form)
    form.outcome.reload.take().join()
    assert replaces.value == ""


def test_a_doubt_passes_only_by_a_tick_for_the_same_words(clover):
    """The tick goes with the next edit."""
    customer = a_customer(clover, name="Ana")
    form = forms.create_customer(clover=clover)
    fill(form, email=customer["email"], source=a_token(clover))
    submitted(form)
    assert "belongs to a customer already" in form.fields["email"].message
    assert form.fields["email"].tone == "warning"
    assert [each.description for each in form.outcome.links.children] == ["Show Ana"]
    form.outcome.links.children[0].click()
    assert customer["id"] in form.outcome.result.value
    form.overrule.value = True
    form.edited()
    assert not form.overrule.value
    submitted(form)
    assert form.row is None
    form.overrule.value = True
    submitted(form)
    assert form.row["email"] == customer["email"]


def test_escape_puts_a_form_back_and_that_can_be_undone(clover):
    """Nothing is sent, and nothing typed is lost but a token."""
    customer = a_customer(clover, name="Ana")
    form = forms.edit_contact(customer["id"], clover=clover)
    fill(form, name="Bo")
    form.cancel()
    assert form.fields["name"].value == "Ana"
    assert "Cancelled" in form.status.value
    form.outcome.undo.take().join()
    assert form.fields["name"].value == "Bo"
    assert clover.customers.retrieve(customer["id"])["name"] == "Ana"


def test_what_is_typed_while_it_is_sent_is_kept(clover, monkeypatch):
    """It is not what was saved."""
    customer = a_customer(clover, name="Ana")
    form = forms.edit_contact(customer["id"], clover=clover)
    modify = clover.customers.modify

    def typing(*args, **fields):
        form.fields["phone"].value = "555-0177"
        return modify(*args, **fields)

    monkeypatch.setattr(clover.customers, "modify", typing)
    fill(form, name="Bo")
    submitted(form)
    assert form.row["phone"] is None
    assert form.fields["phone"].value == "555-0177"
    assert not form.button.disabled


def test_half_done_shows_what_the_customer_has_now(clover, practice):
    """The new card is there, and the old one too."""
    customer = a_customer(clover)
    form = forms.attach_card(customer["id"], clover=clover)
    fill(form, source=a_token(clover, "mastercard"))
    form._choices["replaces"].value = customer["source_ids"][0]
    practice.fail_next(401, method="DELETE")
    submitted(form)
    assert "both are there" in form.status.value
    assert "request id" in form.status.value
    assert len(form.picker.row["source_ids"]) == 2


def test_a_card_is_taken_off(clover):
    """After it was chosen and ticked."""
    customer = a_customer(clover)
    form = forms.delete_card(customer["id"], clover=clover)
    fill(form)
    assert form.submit() is None
    assert "Choose the card" in form.status.value
    form._choices["card"].value = customer["source_ids"][0]
    assert "VISA •••• 4242" in form.preview.value
    submitted(form)
    assert form.row["card_count"] == 0
    form.edited()
    fill(form)
    assert form.submit() is None
    assert "has no card" in form.status.value


def test_the_address_stands_as_in_its_country(clover):
    """As soon as the country is typed."""
    form = forms.update_shipping(a_customer(clover)["id"], clover=clover)
    state, country = (form.fields[f"shipping.address.{part}"] for part in ("state", "country"))
    assert state.label == "State"
    data = {"method": "custom", "content": {"event": "edit", "text": "jp"}}
    country._handle_msg({"content": {"data": data}, "buffers": []})
    assert state.label == "Prefecture"
