"""Forms over a slow network: no letter is lost, and no form is about somebody else."""

from __future__ import annotations

import ast
import re

import pytest
from playwright.sync_api import expect

from .card_fields import inside, paste_test_card, type_card

pytestmark = pytest.mark.long


CONNECT = """
from clover_nb import Customer, TEST_CARDS, Token, connect, forms, sandbox, use

if "practice" in globals():
    practice.stop()
practice = sandbox.start(seed=5, limits=False, customers=0)
clover = use(connect("local", **practice.connection()))

def a_customer(email, name):
    token = Token.create(card=TEST_CARDS["visa"])["id"]
    return Customer.create(email=email, source=token, name=name)["id"]

ana = a_customer("ana@example.com", "Ana")
bea = a_customer("bea@example.com", "Bea")
"""
FORMS = [
    "contact = forms.edit_contact(); contact",
    "attach = forms.attach_card(); attach",
    "delete = forms.delete_card(); delete",
    "shipping = forms.update_shipping(); shipping",
]
# What asks Clover waits until it may go.
HOLD = """
import threading

go, call = threading.Event(), clover.{name}

def held(*args, **kwargs):
    go.wait(60)
    return call(*args, **kwargs)

clover.{name} = held
"""
# The next messages that ask for this are lost on their way.
DISTURB = """([asked, losses]) => {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (frame) {
    const text = typeof frame === "string" ? frame : new TextDecoder().decode(frame);
    if (!text.includes(`"do":"${asked}"`)) return send.call(this, frame);
    losses -= 1;
    if (!losses) WebSocket.prototype.send = send;
    return undefined;
  };
}"""
WRITES = "[each['path'] for each in practice.requests if each['method'] != 'GET']"
LATENCIES = [0, 75, 150]
ME = "me, for the customer"


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """Four forms that ask who they are about."""
    return open_shared_notebook([CONNECT, *FORMS], run=False, height=2000)


@pytest.fixture(params=LATENCIES)
def notebook(shared, request):
    """The notebook as it is at the start, at some distance from its kernel."""
    shared.start_over()
    shared.set_latency(request.param)
    yield shared
    shared.set_latency(0)


def form(notebook, name):
    return notebook.output(1 + ["contact", "attach", "delete", "shipping"].index(name))


def button(part, name):
    return part.get_by_role("button", name=name, exact=True)


def find(notebook, part, email):
    """Type an address as a person does, and find it."""
    customer = part.get_by_label("Customer", exact=True)
    customer.click()
    notebook.page.keyboard.press("Control+a")
    notebook.type(email)
    notebook.page.keyboard.press("Enter")
    expect(part.locator(".clover-who")).to_contain_text(email)


def write_over(notebook, field, text):
    """Type a text in the place of what stands in a field."""
    field.click()
    notebook.page.keyboard.press("Control+a")
    notebook.type(text)


def writes(notebook):
    """The paths of what has changed something at Clover."""
    return ast.literal_eval(notebook.evaluate(WRITES))


def test_no_letter_is_lost_that_is_typed_while_it_is_saved(notebook):
    """In the field that is saved and in another one; browser and kernel have the same."""
    contact = form(notebook, "contact")
    find(notebook, contact, "ana@example.com")
    name, email = contact.get_by_label("Name", exact=True), contact.get_by_label("Email")
    write_over(notebook, name, "Ana Rivera")
    name.press("Enter")
    notebook.type(" de la Costa")
    write_over(notebook, email, "ana.costa.new.address@example.com")
    expect(contact.get_by_text("Saved: Ana Rivera")).to_be_visible()
    expect(name).to_have_value("Ana Rivera de la Costa")
    expect(email).to_have_value("ana.costa.new.address@example.com")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Saved: Ana Rivera de la Costa")).to_be_visible()
    seen = "Customer.retrieve(ana)[['name', 'email']].tolist()"
    typed = ["Ana Rivera de la Costa", "ana.costa.new.address@example.com"]
    assert notebook.evaluate(seen) == repr(typed)


def test_no_letter_is_lost_that_is_typed_while_a_change_is_undone(notebook):
    """Nor while the record is read again; and nothing is sent meanwhile."""
    contact = form(notebook, "contact")
    find(notebook, contact, "ana@example.com")
    name, phone = contact.get_by_label("Name", exact=True), contact.get_by_label("Phone")
    write_over(notebook, name, "Ana Rivera")
    name.press("Enter")
    expect(contact.get_by_text("Saved: Ana Rivera")).to_be_visible()
    notebook.run(HOLD.format(name="undo"))
    button(contact, "Undo").click()
    phone.click()
    notebook.type("555-0125")
    button(contact, "Save contact").click(force=True)  # it is disabled for now
    notebook.wait_for("contact.values['texts']['phone']", "'555-0125'")
    notebook.run("go.set()")
    expect(contact.get_by_text("Undone: Ana")).to_be_visible()
    expect(phone).to_have_value("555-0125")
    notebook.evaluate("Customer.modify(ana, name='Ana of a colleague')")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Not saved. You changed this customer a moment ago")).to_be_visible()
    button(contact, "Reload, keep my edits").click()
    phone.click()
    phone.press("End")
    notebook.type("-4")
    expect(contact.get_by_text("with what you typed")).to_be_visible()
    expect(phone).to_have_value("555-0125-4")
    expect(name).to_have_value("Ana of a colleague")
    assert notebook.evaluate("contact.values['texts']['phone']") == "'555-0125-4'"
    seen = "Customer.retrieve(ana)[['name', 'phone']].tolist()"
    assert notebook.evaluate(seen) == repr(["Ana of a colleague", None])


def test_what_was_stated_about_one_customer_ends_with_that_customer(notebook):
    """Consent, that it can't be undone, who typed the card, and the card."""
    attach, delete = form(notebook, "attach"), form(notebook, "delete")
    find(notebook, attach, "ana@example.com")
    attach.get_by_label("The cardholder agreed").check()
    attach.get_by_label("Typed by").select_option(label="the customer")
    paste_test_card(attach)
    attach.get_by_label("Type the card").check()
    type_card(attach, "4242424242424242")
    find(notebook, attach, "bea@example.com")
    expect(attach.get_by_label("The cardholder agreed")).not_to_be_checked()
    expect(attach.get_by_label("Typed by").locator("option:checked")).to_have_text(ME)
    expect(inside(attach, "Card number")).to_have_value("")
    attach.get_by_label("Paste a token").check()
    expect(attach.get_by_label("Card token")).not_to_have_attribute("placeholder", re.compile("•"))
    find(notebook, delete, "ana@example.com")
    delete.get_by_label("I mean to remove this card").check()
    find(notebook, delete, "bea@example.com")
    expect(delete.get_by_label("I mean to remove this card")).not_to_be_checked()


def test_escape_takes_back_what_was_stated(notebook):
    """A tick and a choice count as typed."""
    attach = form(notebook, "attach")
    find(notebook, attach, "ana@example.com")
    attach.get_by_label("Typed by").select_option(label="the customer")
    attach.get_by_label("The cardholder agreed").check()
    attach.get_by_label("The cardholder agreed").press("Escape")
    expect(attach.get_by_text("Cancelled: nothing was sent.")).to_be_visible()
    expect(attach.get_by_label("The cardholder agreed")).not_to_be_checked()
    expect(attach.get_by_label("Typed by").locator("option:checked")).to_have_text(ME)


def test_a_form_is_about_whom_its_field_names(notebook):
    """Whatever is typed while a search is under way; and a second search is done."""
    contact = form(notebook, "contact")
    customer = contact.get_by_label("Customer", exact=True)
    customer.click()
    notebook.type("ana@example.com")
    notebook.run(HOLD.format(name="customers.search"))
    button(contact, "Find").click()
    expect(button(contact, "Looking…")).to_be_visible()
    write_over(notebook, customer, "bea@example.com")
    expect(button(contact, "Find")).to_be_visible()
    notebook.run("go.set()")
    notebook.page.keyboard.press("Enter")
    expect(contact.locator(".clover-who")).to_contain_text("bea@example.com")
    notebook.wait_for(
        "[each for each in __import__('threading').enumerate() if each.name == 'clover-nb-worker']",
        "[]",
    )
    expect(contact.get_by_label("Name", exact=True)).to_have_value("Bea")
    write_over(notebook, customer, "ana@example.com")
    expect(contact.locator(".clover-who")).to_have_count(0)
    expect(contact.get_by_label("Name", exact=True)).to_be_disabled()


def test_an_address_is_pasted_split_taken_back_and_saved_once(notebook):
    """What is typed while it is split stays; and when an answer is lost, nothing is doubled."""
    shipping, page = form(notebook, "shipping"), notebook.page
    find(notebook, shipping, "ana@example.com")
    line1, line2 = (shipping.get_by_label(f"Address line {line}") for line in (1, 2))
    city, run_on = shipping.get_by_label("City"), "742 Evergreen Terrace Springfield IL 62704"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", run_on)
    line1.click()
    page.keyboard.press("Control+v")
    line2.click()
    notebook.type("Apt 12, the blue door")
    expect(city).to_have_value("Springfield")
    expect(line1).to_have_value("742 Evergreen Terrace")
    expect(line2).to_have_value("Apt 12, the blue door")
    button(shipping, "Back to what I typed").click()
    expect(line1).to_have_value(run_on)
    expect(city).to_have_value("")
    expect(line2).to_have_value("Apt 12, the blue door")
    write_over(notebook, line1, "742 Evergreen Terrace, Springfield IL 62704")
    city.click()
    expect(city).to_have_value("Springfield")
    before = writes(notebook)
    notebook.run("practice.fail_next('reset-after', method='PUT')")
    button(shipping, "Save address").dblclick()
    expect(shipping.get_by_text("Saved: Ana")).to_be_visible()
    seen = "Customer.retrieve(ana)[['shipping_line1', 'shipping_city', 'shipping_postal_code']]"
    assert notebook.evaluate(f"{seen}.tolist()") == repr(
        ["742 Evergreen Terrace", "Springfield", "62704"]
    )
    sent = writes(notebook)[len(before) :]
    assert [path.startswith("/v1/customers/") for path in sent] == [True], sent


@pytest.fixture
def near(shared):
    """The notebook as it is at the start, beside its kernel."""
    shared.start_over()
    return shared


def test_a_token_can_be_sent_before_the_kernel_has_heard_that_one_is_pasted(near):
    """What goes along with that choice is so at once, and the form has not changed meanwhile."""
    attach = form(near, "attach")
    find(near, attach, "ana@example.com")
    attach.get_by_label("The cardholder agreed").check()
    token = ast.literal_eval(near.evaluate("Token.create(card=TEST_CARDS['jcb'])['id'].reveal()"))
    near.set_latency(300)
    attach.get_by_label("Paste a token").check()
    attach.get_by_label("Card token").fill(token)
    attach.get_by_label("Card token").press("Enter")
    near.set_latency(0)
    expect(attach.get_by_text("Saved: Ana")).to_be_visible()
    expect(attach.get_by_label("Typed by")).to_have_value("ecom")


@pytest.mark.parametrize("asked", ["submit", "edit"])
def test_what_is_lost_on_its_way_is_sent_again(near, asked):
    """A save by itself, which is said meanwhile; a letter along with the save."""
    contact = form(near, "contact")
    find(near, contact, "ana@example.com")
    name = contact.get_by_label("Name", exact=True)
    if asked == "submit":
        name.fill("Ana Costa")
    near.page.evaluate(DISTURB, [asked, 2 if asked == "submit" else 1])
    if asked == "edit":
        name.fill("Ana Costa")
    name.press("Enter")
    if asked == "submit":
        expect(contact.get_by_role("alert").filter(has_text="has not received")).to_be_visible()
    expect(contact.get_by_text("Saved: Ana Costa")).to_be_visible()
    expect(contact.get_by_role("alert").filter(has_text="has not received")).to_have_count(0)
    assert [path.startswith("/v1/customers/") for path in writes(near)[-1:]] == [True]
    assert near.evaluate("Customer.retrieve(ana)['name']") == "'Ana Costa'"


def test_what_is_asked_for_again_as_no_answer_came_is_done_once(near):
    """A save, and undoing it, which would be redone."""
    contact = form(near, "contact")
    find(near, contact, "ana@example.com")
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    near.wait_for("contact.values['texts']['name']", "'Ana Costa'")
    before = writes(near)
    for press, told in (("Save contact", "Saved"), ("Undo", "Undone")):
        near.set_latency(3000)
        button(contact, press).click()
        expect(contact.get_by_role("alert").filter(has_text="has not received")).to_be_visible()
        near.set_latency(0)
        expect(contact.get_by_text(f"{told}: Ana")).to_be_visible()
    contact.get_by_label("Phone").fill("555-0125")  # which is heard after all that
    near.wait_for("contact.values['texts']['phone'], contact.is_busy", "('555-0125', False)")
    assert len(writes(near)) - len(before) == 2
