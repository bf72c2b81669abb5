"""The forms, driven by the messages of a browser, on the practice sandbox."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pandas as pd
import pytest
from form_driver import FormDriver
from practice_requests import requests_during
from traitlets import All

import clover_nb
from clover_nb import TEST_CARDS, connect, forms, sandbox
from clover_nb.forms import values
from clover_nb.forms.runner import WORKER
from clover_nb.validation import contains_card_number

TOKEN = "clv_1TSTSabcdefghijkmnopqrst"


def an_address():
    return f"{uuid.uuid4().hex[:12]}@example.com"


def a_token(clover, card="visa"):
    return clover.tokens.create(card=TEST_CARDS[card])["id"]


def a_customer(clover, **fields):
    return clover.customers.create(email=an_address(), source=a_token(clover), **fields)


def run(main):
    """Run a coroutine on a loop, as a kernel runs its messages."""
    return asyncio.run(asyncio.wait_for(main, 20))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


@pytest.fixture
def shown(clover):
    """A function that makes a form, and drives it as a browser does."""
    made = []

    def show(name, *about, connection=clover):
        made.append(getattr(forms, name)(*about, clover=connection))
        return FormDriver(made[-1])

    yield show
    for form in made:
        form.close()


@pytest.fixture
def slow(clover, monkeypatch):
    """Holds up a call of the connection until it may go on."""

    def hold(owner, name) -> tuple[threading.Event, list[object]]:
        go, calls, real = threading.Event(), [], getattr(owner, name)

        def held(*args, **fields):
            calls.append((args, fields))
            assert go.wait(60)
            return real(*args, **fields)

        monkeypatch.setattr(owner, name, held)
        return go, calls

    return hold


@pytest.mark.usefixtures("default_connection")
def test_the_default_connection_serves_every_form():
    """Each form is one line in a cell."""
    for form in (forms.create_customer(), forms.attach_card(), forms.update_shipping()):
        assert "LOCAL" in form.spec["heading"]
        form.close()


# -- saving ------------------------------------------------------------------------------------


def test_create_saves_and_shows_the_row(clover, shown):
    """The row stands under the form, the token is gone, and the ticks are off again."""
    create, email = shown("create_customer"), an_address()
    create.type(email=email, source=a_token(clover), name="Ana <b>Rivera</b>").tick().submit()
    row = create.form.row
    assert (row["email"], row["card_last4"]) == (email, "4242")
    assert "Ana &lt;b&gt;Rivera" in create.form.outcome["result"]
    assert "<b>" not in create.form.outcome["result"] + create.form.status
    assert not create.form.token
    assert not create.texts["consent"]
    assert not create.form.has_changed


def test_create_shows_every_message_beside_its_field_and_sends_nothing(clover, shown):
    """All at once, with how many there are; the first gets the focus, and what was typed stays."""
    create = shown("create_customer")
    create.type(email="ana@", source="tok_1", phone="none", shipping__address__city="Boston")
    before = len(clover.customers.list())
    create.tick().submit()
    assert set(create.errors) == {
        *("email", "source", "phone", "shipping.address.line1", "shipping.address.state")
    }
    assert "Email is not an email address" in create.errors["email"]
    assert "5 fields need attention: Email, Phone, Card token" in create.status
    assert create.heard[-1]["name"] == "email"
    assert create.texts["email"] == "ana@"
    assert create.form.token == "tok_1"
    assert len(clover.customers.list()) == before


def test_what_is_wrong_is_said_when_a_field_is_left_and_then_at_each_edit(shown):
    """Not while it is typed for the first time, and nothing of what was not touched."""
    create = shown("create_customer")
    create.type(email="ana@")
    assert create.errors == {}
    create.tell("leave", name="email")
    assert set(create.errors) == {"email"}
    create.type(email="ana@example.com")
    assert create.errors == {}
    create.type(email="ana@example.")
    assert set(create.errors) == {"email"}
    create.tell("leave", name="phone")
    assert set(create.errors) == {"email"}


def test_consent_must_be_ticked(shown):
    """Its message stands below the tick, and goes with it."""
    create = shown("create_customer").type(email=an_address(), source=TOKEN).submit()
    assert "tick" in create.errors["consent"]
    assert "1 field needs attention" in create.status
    create.tick("consent")
    assert create.errors == {}


def test_a_refusal_of_clover_stands_beside_its_field(clover, shown):
    """A spent token is about the token; what was typed stays, to be mended."""
    token = a_token(clover)
    clover.customers.create(email=an_address(), source=token)
    create, email = shown("create_customer"), an_address()
    create.type(email=email, source=token).tick().submit()
    assert "works once" in create.errors["source"]
    assert create.texts["email"] == email
    assert create.form.row is None
    create.type(source=TOKEN)
    assert create.errors == {}


def test_a_declined_card_says_what_to_do(clover, shown):
    """Beside the token; and the request id, which Clover's support asks for, beside the button."""
    create = shown("create_customer")
    create.type(email=an_address(), source=a_token(clover, "visa_declined")).tick().submit()
    assert "ask for another" in create.errors["source"]
    assert "Not saved: Card token needs attention." in create.status
    assert "Clover's request id: <code>" in create.form.status


def test_a_lost_connection_keeps_what_was_typed(shown):
    """The token too: it was not used."""
    urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), "http://127.0.0.1:1")
    email = an_address()
    with connect("local", access_token="x", merchant_id="M1", **urls) as gone:
        create = shown("create_customer", connection=gone)
        create.type(email=email, source=TOKEN).tick().submit()
    assert "could not be reached" in create.status
    assert (create.texts["email"], create.form.token) == (email, TOKEN)


def test_two_clicks_do_it_once(clover, shown, slow):
    """While work is under way, and after it until something is edited: the second may come late."""
    go, calls = slow(clover.customers, "create")
    create, email = shown("create_customer"), an_address()
    create.type(email=email, source=a_token(clover)).tick()

    async def main():
        create.submit()
        await until(lambda: calls)
        assert create.form.busy == "submit"
        create.submit()
        create.press("Undo") if create.buttons else None
        go.set()
        await until(lambda: not create.form.is_busy)
        create.submit()

    run(main())
    assert len(calls) == 1
    assert create.form.row["email"] == email
    assert create.form.locked
    create.type(email="another@example.com")
    assert not create.form.locked


@pytest.mark.parametrize("task", ["create", "search", "retrieve", "undo"])
def test_an_unforeseen_failure_is_told(clover, shown, monkeypatch, task):
    """Nothing vanishes: the form says whether something was sent, and can be used again."""

    def broken(*_, **__):
        raise KeyError("boom")

    ana = a_customer(clover, name="Ana")
    if task == "create":
        form = shown("create_customer").type(email=an_address(), source=TOKEN).tick()
        monkeypatch.setattr(clover.customers, "create", broken)
        form.submit()
    elif task == "search":
        form = shown("edit_contact")
        monkeypatch.setattr(clover.customers, "search", broken)
        form.find(ana["email"])
    elif task == "retrieve":
        form = shown("create_customer").type(email=ana["email"], source=TOKEN).tick().submit()
        monkeypatch.setattr(clover.customers, "retrieve", broken)
        form.press("Show Ana")
    else:
        form = shown("edit_contact", ana["id"]).type(name="Bo").submit()
        monkeypatch.setattr(type(clover), "undo", broken)
        form.press("Undo")
    sent = "not known whether" if task in ("create", "undo") else "Nothing was sent"
    assert sent in form.status
    assert not form.form.busy
    assert not form.form.is_busy


def test_no_widget_is_written_by_another_thread(clover, shown):
    """However long the work takes: results are applied where messages are handled."""
    writers = set()
    contact = shown("edit_contact", a_customer(clover, name="Ana")["id"])
    create = shown("create_customer")
    for each in (contact, create):
        each.form.observe(lambda _: writers.add(threading.current_thread().name), All)

    async def idle(driver: FormDriver):
        await until(lambda: not driver.form.busy)

    async def main():
        contact.type(name="Bo").submit()
        await idle(contact)
        contact.press("Undo")
        await idle(contact)
        contact.find("nobody@example.com")
        await idle(contact)
        create.tell("test_card")
        await idle(create)
        create.type(email=an_address()).tick().submit()
        await idle(create)

    run(main())
    assert create.form.row is not None
    assert writers
    assert WORKER not in writers
    assert writers == {threading.current_thread().name}


def test_what_is_asked_for_again_is_not_done_again_but_shown(clover, shown):
    """The answer was lost, perhaps: all of it is sent. Undoing again would be a change."""
    ana = a_customer(clover, name="Ana")
    contact = shown("edit_contact", ana["id"]).type(name="Bo").submit()
    shows: list[str] = []
    contact.form.send_state = lambda names=None: names is None and shows.append(contact.status)
    contact.press("Undo")
    contact.repeat()
    assert clover.customers.retrieve(ana["id"])["name"] == "Ana"
    assert shows == ["Undone: Ana"]


# -- letters -----------------------------------------------------------------------------------


def test_what_goes_to_the_browser_says_which_edits_it_knows_of(shown):
    """Values never travel without, so that an older one can be told from a newer one."""
    contact = shown("create_customer").type(name="A").type(name="An")
    assert contact.form.values == {
        "texts": {**contact.texts, "name": "An"},
        "seen": {contact.view: 2},
        "begun": {},
    }


def test_what_is_typed_while_it_is_sent_is_kept(clover, shown, slow):
    """It is not what was saved, and can be saved next."""
    ana = a_customer(clover, name="Ana")
    go, calls = slow(clover.customers, "modify")
    contact = shown("edit_contact", ana["id"]).type(name="Bo")

    async def main():
        contact.submit()
        await until(lambda: calls)
        contact.type(phone="555-0177", name="Bob")
        go.set()
        await until(lambda: not contact.form.is_busy)

    run(main())
    assert contact.form.row["name"] == "Bo"
    assert (contact.texts["name"], contact.texts["phone"]) == ("Bob", "555-0177")
    assert not contact.form.locked
    contact.submit()
    assert contact.form.row["name"] == "Bob"


def test_what_the_person_saw_is_what_is_sent(clover, shown):
    """A form that has just changed is to be looked at first."""
    ana = a_customer(clover, name="Ana")
    contact = shown("edit_contact", ana["id"]).type(name="Bo")
    older = dict(contact.texts)
    contact.type(name="Bob")
    contact.tell("submit", texts=older, about=ana["id"])
    assert "Nothing was sent: the form has just changed" in contact.status
    contact.tell("submit", texts=contact.texts, about="another")
    assert "Nothing was sent: the form has just changed" in contact.status
    assert clover.customers.retrieve(ana["id"])["name"] == "Ana"


# -- who it is about ---------------------------------------------------------------------------


def test_attach_finds_the_customer_by_email(clover, shown):
    """Find, then attach: the row has two cards, the newest first."""
    customer = a_customer(clover)
    attach = shown("attach_card").find(customer["email"])
    assert customer["id"] in attach.form.who
    attach.type(source=a_token(clover, "mastercard")).tick().submit()
    assert attach.form.row["card_count"] == 2
    assert attach.form.row["card_brand"] == "MC"


def test_attach_asks_which_when_an_address_is_shared(clover, shown):
    """Choosing one of several makes it the customer."""
    first = a_customer(clover, name="First")
    second = clover.customers.create(email=first["email"], source=a_token(clover), name="Second")
    attach = shown("attach_card").find(first["email"])
    assert "choose one" in attach.errors["customer"]
    assert {key for key, _ in attach.form.choices["customer"]} == {first["id"], second["id"]}
    attach.tell("pick", id=second["id"])
    assert attach.form.about == second["id"]
    assert attach.form.choices["customer"] == []


def test_one_of_several_is_offered_also_when_it_is_not_known_since_when_it_is(
    clover, shown, monkeypatch
):
    """Clover leaves the moment out of an old customer; the id tells it from the others."""
    first = a_customer(clover, name="First")
    second = clover.customers.create(email=first["email"], source=a_token(clover), name="Second")
    search = clover.customers.search
    timeless = lambda **query: search(**query).assign(created=pd.NaT)  # noqa: E731  one call
    monkeypatch.setattr(clover.customers, "search", timeless)
    attach = shown("attach_card").find(first["email"])
    assert dict(attach.form.choices["customer"]) == {
        first["id"]: f"First ({first['id']})",
        second["id"]: f"Second ({second['id']})",
    }


def test_what_a_person_stated_about_one_customer_ends_with_that_customer(clover, shown):
    """Consent, who typed the card, the card itself, and the tick for a warning."""
    ana, bea = a_customer(clover), a_customer(clover)
    attach = shown("attach_card", ana["id"]).type(source=TOKEN).tick()
    attach.tell("edit", {"ecomind": "moto"})
    attach.find(bea["email"])
    assert attach.form.about == bea["id"]
    assert (attach.texts["consent"], attach.texts["ecomind"]) == ("", "ecom")
    assert attach.form.token == ""
    delete = shown("delete_card", ana["id"]).tick()
    assert delete.form.has_changed, "a tick counts as typed"
    assert not delete.form.show(bea)
    delete.tell("cancel")
    assert delete.texts["gone"] == ""
    assert delete.form.show(bea)


def test_who_typed_the_card_counts_as_typed(clover, shown):
    """And goes with Escape."""
    attach = shown("attach_card", a_customer(clover)["id"])
    attach.tell("edit", {"ecomind": "ecom"})
    assert attach.form.has_changed
    attach.tell("cancel")
    assert attach.texts["ecomind"] == "moto"
    assert not attach.form.has_changed


def test_editing_the_picker_forgets_the_customer(clover, shown):
    """And nothing can be sent before one is found."""
    customer = a_customer(clover)
    attach = shown("attach_card", customer["id"])
    assert attach.form.about == customer["id"]
    attach.tell("edit", {"customer": f"x{customer['email']}"})
    assert (attach.form.about, attach.form.who, attach.form.customer) == ("", "", None)
    attach.type(source=TOKEN).tick().submit()
    assert set(attach.errors) == {"customer"}
    assert "Find" in attach.errors["customer"]


def test_an_edit_of_the_picker_drops_the_search_that_is_under_way(clover, shown, slow):
    """The form is never about somebody else than its field says; a second search is done."""
    ana, bea = a_customer(clover, name="Ana"), a_customer(clover, name="Bea")
    contact = shown("edit_contact")
    go, calls = slow(clover.customers, "search")

    async def main():
        contact.find(ana["email"])
        await until(lambda: calls)
        contact.tell("edit", {"customer": bea["email"]})
        assert contact.form.busy == ""
        contact.tell("find")
        await until(lambda: len(calls) == 2)
        go.set()
        await until(lambda: contact.form.about)
        await asyncio.sleep(0.05)

    run(main())
    assert contact.form.about == bea["id"]
    assert contact.texts["name"] == "Bea"


def test_a_picker_that_is_edited_while_it_is_saved_names_whom_the_form_is_about(
    clover, shown, slow
):
    """What comes over a slow network after the button: nothing else begins, nobody is sent to."""
    ana, bea = a_customer(clover, name="Ana"), a_customer(clover, name="Bea")
    go, calls = slow(clover.customers, "modify")
    contact = shown("edit_contact", ana["id"]).type(name="Anna")

    async def main():
        contact.submit()
        await until(lambda: calls)
        contact.find(bea["email"])
        assert contact.form.busy == "submit"
        go.set()
        await until(lambda: not contact.form.is_busy)

    run(main())
    assert "Saved: Anna" in contact.status
    assert (contact.form.about, contact.texts["customer"]) == ("", bea["email"])
    contact.tell("find")
    assert (contact.form.about, contact.texts["name"]) == (bea["id"], "Bea")


def test_what_was_typed_about_another_customer_can_be_brought_back(clover, shown):
    """It is put aside, and never sent to the wrong one."""
    ana, bea = a_customer(clover, name="Ana"), a_customer(clover, name="Bea")
    contact = shown("edit_contact", ana["id"]).type(name="Ana Costa").find(bea["email"])
    assert contact.texts["name"] == "Bea"
    assert "What you typed about Ana was put aside" in contact.status
    contact.press("Bring it back")
    assert (contact.form.about, contact.texts["name"]) == (ana["id"], "Ana Costa")
    assert contact.texts["customer"] == ana["id"]


def test_the_same_customer_found_again_keeps_what_was_typed(clover, shown):
    """As when an address was touched by mistake."""
    ana = a_customer(clover, name="Ana")
    contact = shown("edit_contact", ana["id"]).type(name="Ana Costa").find(ana["email"])
    assert contact.texts["name"] == "Ana Costa"
    assert contact.form.has_changed


def test_an_unknown_customer_is_told_beside_the_field(shown):
    """With what was looked for."""
    assert (
        "nobody@example.com"
        in shown("update_shipping").find("nobody@example.com").errors["customer"]
    )


def test_a_form_that_is_held_is_not_moved_away_from_what_is_typed(clover, shown):
    """Until that is saved."""
    ana, bea = a_customer(clover, name="Ana"), a_customer(clover, name="Bea")
    contact = shown("edit_contact", ana["id"])
    contact.type(name="Ana Costa")
    assert not contact.form.show(bea)
    assert contact.form.show(ana)
    contact.submit()
    assert contact.form.row["id"] == ana["id"]
    assert contact.form.show(bea)
    assert contact.texts["name"] == "Bea"


# -- the address -------------------------------------------------------------------------------


def test_shipping_shows_what_is_and_saves_what_was_changed(clover, shown):
    """What was saved can't be saved again; a save without a change says so."""
    address = {"address": {"line1": "1 Main St", "city": "Boston", "state": "MA"}}
    customer = a_customer(clover, shipping=address)
    shipping = shown("update_shipping", customer["id"])
    assert shipping.texts["shipping.address.city"] == "Boston"
    change = {"shipping__address__city": "Cambridge", "shipping__address__postal_code": "02139"}
    shipping.type(**change).submit()
    assert shipping.form.row["shipping_city"] == "Cambridge"
    assert shipping.form.row["shipping_line1"] == "1 Main St"
    shipping.submit()
    assert "Saved" in shipping.status
    shipping.type(shipping__address__city="x").type(shipping__address__city="Cambridge").submit()
    assert "Nothing is changed" in shipping.status


def test_the_address_stands_as_in_the_country_of_its_customer(clover, shown):
    """Whoever is picked, and as soon as another country is typed."""
    address = {"line1": "1-1 Chiyoda", "city": "Chiyoda", "state": "Tokyo", "country": "JP"}
    yuki = a_customer(clover, shipping={"address": address | {"postal_code": "100-0001"}})
    shipping = shown("update_shipping")
    assert shipping.form.arranged["shipping.address.state"] == "State"
    shipping.find(yuki["email"])
    assert shipping.form.arranged["shipping.address.state"] == "Prefecture"
    assert next(iter(shipping.form.arranged)) == "shipping.address.postal_code"
    shipping.type(shipping__address__country="us")
    assert shipping.form.arranged["shipping.address.state"] == "State"


def test_a_recipient_whom_clover_does_not_show_is_said_to_be_so(clover, shown, practice):
    """Beside the field: it may be there, and it stays."""
    address = {"line1": "1 Main St", "city": "Boston", "state": "MA", "postal_code": "02108"}
    customer = a_customer(clover, shipping={"name": "Warehouse", "address": address})
    with connect("local", **practice.connection()) as elsewhere:
        shipping = shown("update_shipping", customer["id"], connection=elsewhere)
        assert "Not shown by Clover" in shipping.form.hints["shipping.name"]
        shipping.type(shipping__name="Ana")
        assert "can't be undone: Clover doesn't show" in shipping.preview
    assert "shipping.name" not in shown("update_shipping", a_customer(clover)["id"]).form.hints


ADDRESS = {"line1": "1 Main St", "city": "Boston", "state": "MA", "postal_code": "02108"}


def read_address(form):
    """What stands in the inputs for an address."""
    parts = ("line1", "line2", "city", "state", "postal_code", "country")
    return [form.texts[f"shipping.address.{part}"] for part in parts]


def test_a_whole_address_in_line_1_is_split_shown_and_taken_back_in_one_step(clover, shown):
    """Each part says where it came from; what was taken back is not split again."""
    shipping = shown("update_shipping", a_customer(clover, shipping={"address": ADDRESS})["id"])
    before = read_address(shipping)
    pasted = "Lee Ng, 301 Front St W, Toronto, Ontario m5v2t6, Canada"
    shipping.type(shipping__address__line1=pasted).tell("leave", name="shipping.address.line1")
    assert read_address(shipping) == ["301 Front St W", "", "Toronto", "ON", "M5V 2T6", "CA"]
    assert shipping.texts["shipping.name"] == "Lee Ng"
    assert shipping.errors["shipping.address.city"] == "Was: Boston"
    assert "Province ON" in shipping.status
    shipping.press("Back to what I typed")
    assert read_address(shipping) == [pasted, *before[1:]]
    assert shipping.texts["shipping.name"] == ""
    shipping.tell("leave", name="shipping.address.line1")
    assert read_address(shipping)[0] == pasted
    shipping.submit()
    assert "M5V 2T6 in line 1" in shipping.errors["shipping.address.line1"]
    assert shipping.form.has_warnings
    shipping.tick("sure").submit()
    assert shipping.form.row["shipping_line1"] == pasted


def test_an_address_without_commas_is_split_where_that_is_sure_and_doubted_else(clover, shown):
    """The doubt stands beside line 1 at once, and goes with the next edit; nothing is moved."""
    shipping = shown("update_shipping", a_customer(clover, shipping={"address": ADDRESS})["id"])
    line1, before = "shipping.address.line1", read_address(shipping)
    unsure = "12 Broadway New York NY 10004"
    shipping.type(shipping__address__line1=unsure).tell("leave", name=line1)
    assert read_address(shipping) == [unsure, *before[1:]]
    assert shipping.form.errors[line1][0] == "warning"
    assert "put a comma before the city" in shipping.errors[line1]
    sure = "12 Broadway, New York NY 10004"
    shipping.type(shipping__address__line1=sure)
    assert line1 not in shipping.errors
    shipping.tell("leave", name=line1)
    assert read_address(shipping) == ["12 Broadway", "", "New York", "NY", "10004", "US"]
    run_on = "742 Evergreen Terrace Springfield IL 62704"
    shipping.type(shipping__address__line1=run_on).tell("leave", name=line1)
    assert read_address(shipping)[:5] == ["742 Evergreen Terrace", "", "Springfield", "IL", "62704"]
    shipping.press("Back to what I typed")
    assert read_address(shipping)[:4] == [run_on, "", "New York", "NY"]


def test_names_are_sent_as_codes_and_that_is_said_and_can_be_taken_back(clover, shown):
    """On leaving the field, and without leaving it; a name that was kept is refused as any."""
    address = ADDRESS | {
        "city": "Toronto",
        "state": "ON",
        "postal_code": "M5V 3L9",
        "country": "CA",
    }
    shipping = shown("update_shipping", a_customer(clover, shipping={"address": address})["id"])
    shipping.type(shipping__address__postal_code="m5v2t6", shipping__address__state="Québec")
    assert "M5V 2T6" in shipping.preview
    assert "QC" in shipping.preview
    shipping.tell("leave", name="shipping.address.state")
    assert shipping.texts["shipping.address.state"] == "QC"
    assert shipping.errors["shipping.address.state"] == "Was: Québec"
    shipping.press("Back to what I typed")
    assert shipping.texts["shipping.address.state"] == "Québec"
    assert "Québec" in shipping.preview
    shipping.type(shipping__address__state="Ontario").submit()
    assert shipping.form.row["shipping_state"] == "ON"
    assert shipping.form.row["shipping_postal_code"] == "M5V 2T6"
    shipping.type(shipping__address__country="france").tell(
        "leave", name="shipping.address.country"
    )
    assert shipping.texts["shipping.address.country"] == "FR"
    shipping.type(
        shipping__address__country="Canada", shipping__address__postal_code="0210"
    ).submit()
    assert "not a postal code of Canada" in shipping.errors["shipping.address.postal_code"]


def test_what_stands_in_a_record_is_not_respelled_by_looking_at_it(clover, shown):
    """Only what a person has typed is."""
    address = ADDRESS | {"state": "Massachusetts"}
    shipping = shown("update_shipping", a_customer(clover, shipping={"address": address})["id"])
    shipping.tell("leave", name="shipping.address.state")
    assert shipping.texts["shipping.address.state"] == "Massachusetts"
    assert shipping.preview == ""


# -- cards -------------------------------------------------------------------------------------


def test_the_same_card_twice_is_no_harm(clover, shown):
    """Clover says that it is on file, and the form that nothing needs to be done."""
    attach = shown("attach_card", a_customer(clover)["id"])
    attach.type(source=a_token(clover)).tick().submit()
    assert "Nothing needs to be done" in attach.errors["source"]


def test_an_attached_card_is_removed_by_the_form_for_that_alone(clover, shown):
    """Never by Undo: it would be gone for good by one click."""
    customer = a_customer(clover)
    attach = shown("attach_card", customer["id"])
    attach.type(source=a_token(clover, "mastercard")).tick().submit()
    assert attach.buttons == ["Remove this card"]
    attach.press("Remove this card")
    assert attach.form.spec["submit"] == "Remove card"
    assert "MC •••• 3294" in attach.form.preview
    attach.submit()
    assert "tick" in attach.errors["gone"]
    assert clover.customers.retrieve(customer["id"])["card_count"] == 2
    attach.tick().submit()
    assert attach.form.row["card_brand"] == "VISA"
    attach.type(card=customer["source_ids"][0])
    attach.press("Back") if "Back" in attach.buttons else None


def test_a_card_is_removed(clover, shown):
    """After it was chosen and ticked; before that it says that it can't be undone."""
    customer = a_customer(clover)
    delete = shown("delete_card", customer["id"]).tick().submit()
    assert "Choose the card" in delete.errors["card"]
    delete.type(card=customer["source_ids"][0])
    assert "VISA •••• 4242" in delete.form.preview
    assert "can't be undone" in delete.preview
    delete.submit()
    assert delete.form.row["card_count"] == 0
    assert delete.buttons == []
    delete.type(card="x").tick().submit()
    assert "has no card" in delete.errors["card"]


def test_what_was_ticked_about_one_card_is_not_so_of_another(clover, shown):
    """Nor when the card is gone by the time of the click: each card is agreed to by itself."""
    customer = a_customer(clover)
    clover.customers.add_source(customer["id"], a_token(clover, "amex"), consent=True)
    delete = shown("delete_card", customer["id"])
    visa, amex = (key for key, _ in delete.form.choices["card"][:0:-1])
    delete.type(card=visa).tick().type(card=amex)
    assert delete.texts["gone"] == ""
    delete.submit()
    assert set(delete.errors) == {"gone"}
    delete.tick()
    clover.customers.delete_source(customer["id"], amex)
    delete.submit().press("Reload, keep my edits")
    assert (delete.texts["card"], delete.texts["gone"]) == ("", "")
    assert clover.customers.retrieve(customer["id"])["source_ids"] == [visa]


def test_a_test_card_fills_the_token(shown):
    """Only where no real cards are; the token is in no state."""
    create = shown("create_customer")
    create.tell("test_card")
    assert create.form.token.startswith("clv_")
    assert (create.form.has_token, create.texts["way"]) == (True, "paste")
    assert "1TSTS" not in f"{create.form.get_state()}{create.form!r}"


def test_half_done_shows_what_the_customer_has_now(clover, shown, practice):
    """The new card is there, and the old one too."""
    customer = a_customer(clover)
    attach = shown("attach_card", customer["id"])
    attach.type(source=a_token(clover, "mastercard"), replaces=customer["source_ids"][0]).tick()
    practice.fail_next(401, method="DELETE")
    attach.submit()
    assert "both are there" in attach.status
    assert "request id" in attach.form.status
    assert len(attach.form.customer["source_ids"]) == 2


# -- production --------------------------------------------------------------------------------


@pytest.fixture
def production():
    with connect("production", access_token="x", merchant_id="M1", writes=True) as connection:
        yield connection


def test_production_has_no_test_cards_and_asks_for_a_tick(shown, production):
    """And is marked in words."""
    create = shown("create_customer", connection=production)
    assert "PRODUCTION" in create.form.spec["heading"]
    assert create.form.spec["testCards"] == []
    assert ["production", "This changes live data"] in map(list, create.form.spec["confirmations"])
    create.type(email=an_address(), source=TOKEN).tick("consent").submit()
    assert set(create.errors) == {"production"}


def test_read_only_production_is_announced_before_anything_is_typed(shown):
    """And nothing is made a token, nothing sent."""
    with connect("production", access_token="x", merchant_id="M1") as production:
        create = shown("create_customer", connection=production)
        assert "Read-only" in create.form.spec["readOnly"]
        create.type_card().type(email=an_address()).tick().submit()
        assert create.asked("tokenize") == []
        assert create.form.busy == ""


def test_undo_asks_for_the_same_tick_as_the_change(clover, shown, monkeypatch):
    """On production."""
    ana = a_customer(clover, name="Ana")
    monkeypatch.setattr(type(clover), "environment", "production")
    monkeypatch.setattr(type(clover.settings), "may_write", True)
    contact = shown("edit_contact", ana["id"]).type(name="Bo").tick().submit()
    contact.press("Undo")
    assert "tick" in contact.errors["production"]
    assert clover.customers.retrieve(ana["id"])["name"] == "Bo"
    contact.tick("production").press("Undo")
    assert "Undone: Ana" in contact.status
    assert clover.customers.retrieve(ana["id"])["name"] == "Ana"


# -- what is shown -----------------------------------------------------------------------------


def test_a_saved_form_leaves_a_sentence(shown):
    """What a reader sees where no kernel runs, the same every run."""
    form = shown("create_customer").form
    assert repr(form) == "<Create a customer: run this cell to use the form.>"
    bundle = form._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "run this cell" in data["text/html"]


def test_a_note_has_lines_and_is_taken_off(clover, shown):
    """By emptying it."""
    ana = a_customer(clover, name="Ana")
    form = shown("edit_note", ana["id"]).type(note="Calls after 5 pm.\nHas a dog.").submit()
    assert clover.customers.retrieve(ana["id"])["note"] == "Calls after 5 pm.\nHas a dog."
    form.type(note="").submit()
    assert clover.customers.retrieve(ana["id"])["note"] is None


def test_the_names_of_the_fields_are_those_of_the_errors(shown):
    """A message finds its field because both use Clover's names."""
    texts = shown("create_customer").texts
    assert {"email", "name", "phone", *values.SHIPPING_FIELDS} <= texts.keys()


NEVER_RIGHT = {
    "much too long": "x" * 10_000,
    "a card number": TEST_CARDS["visa"]["number"],
    "a card number among words": f"pay with {TEST_CARDS['amex']['number']} please",
    "a line break": "one\ntwo",
    "a sign that can't be stored": "one\x00two",
    "half a letter": "\ud800",
}
FIELDS = {
    "create_customer": ("email", "name", "phone", "source", *values.SHIPPING_FIELDS),
    "edit_contact": ("email", "name", "phone"),
    "edit_note": ("note",),
    "update_shipping": values.SHIPPING_FIELDS,
    "attach_card": ("source",),
}


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        pytest.param(name, typed, id=f"{name}-{what}")
        for name, (what, typed) in itertools.product(FIELDS, NEVER_RIGHT.items())
        if (name, what) != ("edit_note", "a line break")
    ],
)
def test_what_can_not_be_sent_is_told_beside_each_field(clover, shown, practice, name, typed):
    """In any field of any form: nothing is sent, nothing is lost, and no number is repeated."""
    about = () if name == "create_customer" else (a_customer(clover)["id"],)
    form, names = shown(name, *about), set(FIELDS[name])
    form.type(**{each.replace(".", "__"): typed for each in names}).tick()
    with requests_during(practice) as sent:
        form.submit()
    assert sent == []
    assert set(form.errors) == names
    assert {form.texts[each] for each in names - {"source"}} <= {typed}
    assert not [told for told in form.errors.values() if contains_card_number(told)]
    assert not contains_card_number(form.form.preview)


@pytest.mark.parametrize(
    "name", ["Zoë 🍀 O'Neil", "<b>Ana</b>", "'; DROP TABLE--", "مرحبا", "../../x", "Bo Jr."]
)
def test_what_is_only_unusual_is_sent_as_it_is(clover, shown, name):
    """A name is whatever its owner says, and reads in its own direction."""
    contact = shown("edit_contact", a_customer(clover, name="Ana")["id"])
    contact.type(name=f"  {name} ").submit()
    assert contact.form.row["name"] == name
    assert clover.customers.retrieve(contact.form.row["id"])["name"] == name
    assert contact.form.status.count("<bdi>") == contact.form.who.count("<bdi>") - 3 == 1
    assert "<b>" not in contact.form.status + contact.form.who + contact.form.preview


def test_what_will_change_is_shown_before_it_is_sent(clover, shown):
    """Field, now and new, as it is typed; nothing when nothing differs. A token isn't shown."""
    contact = shown("edit_contact", a_customer(clover, name="Ana <b>")["id"])
    assert contact.form.preview == ""
    contact.type(name="Bo & Co")
    for told in (">Name</td>", ">Ana &lt;b&gt;</td>", ">Bo &amp; Co</span>"):
        assert told in contact.form.preview
    contact.type(name="Ana <b>")
    assert contact.form.preview == ""
    create = shown("create_customer").type(source=TOKEN)
    assert ">a new card</span>" in create.form.preview
    assert TOKEN not in create.form.preview


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"name": "Bo"}, None),
        ({"email": "new@example.com"}, "keeps the old"),
        ({"phone": "555-0125"}, "empty"),
    ],
)
def test_what_can_not_be_undone_says_so_before(clover, shown, typed, why):
    """And there is no Undo after it; else there is."""
    contact = shown("edit_contact", a_customer(clover, name="Ana")["id"]).type(**typed)
    assert ("can't be undone" in contact.preview) == bool(why)
    assert (why or "") in contact.preview
    contact.submit()
    assert ("Undo" in contact.buttons) == (why is None)
    if why:
        assert "can't be undone" in contact.status


def test_undo_is_withdrawn_by_an_edit(clover, shown):
    """It would be of a form that says something else by now."""
    customer = a_customer(clover, name="Ana")
    contact = shown("edit_contact", customer["id"]).type(name="Bo").submit()
    assert contact.buttons == ["Undo"]
    contact.type(phone="555-0125")
    assert contact.buttons == []
    contact.type(phone="").type(name="Cleo").submit().press("Undo")
    assert "Undone: Bo" in contact.status
    assert contact.texts["name"] == "Bo"


def test_an_address_of_somebody_else_warns_before_it_is_saved(clover, shown):
    """As when creating; the record itself may keep its own."""
    ana, bea = a_customer(clover, name="Ana"), a_customer(clover, name="Bea")
    contact = shown("edit_contact", ana["id"]).type(email=bea["email"]).submit()
    assert "belongs to a customer already" in contact.errors["email"]
    assert clover.customers.retrieve(ana["id"])["email"] == ana["email"]
    assert contact.buttons == ["Show Bea"]
    contact.tell("edit", {"sure": "yes"})
    contact.submit()
    assert contact.form.row["email"] == bea["email"]


def test_a_taken_address_is_said_on_leaving_its_field(clover, shown):
    """With whose it is; the next edit ends it, and one's own is none."""
    ana = a_customer(clover, name="Ana")
    create = shown("create_customer").type(email=ana["email"])
    assert "email" not in create.errors
    create.tell("leave", name="email")
    assert create.errors["email"] == "This address belongs to a customer already. (Ana)"
    create.type(email=an_address()).tell("leave", name="email")
    assert "email" not in create.errors
    contact = shown("edit_contact", ana["id"])
    contact.type(email=ana["email"].upper()).tell("leave", name="email")
    assert "email" not in contact.errors


def test_a_conflict_is_shown_and_what_was_typed_survives_it(clover, shown):
    """Three values: as it was read, as it is, and what is typed, which is sent only then."""
    customer = a_customer(clover, name="Ana", phone="555-0125")
    contact = shown("edit_contact", customer["id"]).type(name="Bo")
    clover.customers.modify(customer["id"], phone="555-0199")
    contact.submit()
    assert "Not saved. You changed this customer a moment ago" in contact.status
    assert ">555-0125</td><td dir='auto'>555-0199</td>" in contact.form.outcome["conflict"]
    contact.press("Reload, keep my edits")
    assert (contact.texts["name"], contact.texts["phone"]) == ("Bo", "555-0199")
    contact.submit()
    assert "Saved: Bo" in contact.status
    assert clover.customers.retrieve(customer["id"])["phone"] == "555-0199"


CHANGE = """
import json, sys
from clover_nb import connect

with connect("local", **json.loads(sys.argv[1])) as clover:
    clover.customers.modify(sys.argv[2], phone="555-0199")
"""


@pytest.mark.parametrize(
    ("journal", "person", "told"),
    [
        ("journal", None, "a moment ago under your own name"),
        ("journal", "Cy Li", "Not saved. Cy Li"),
        ("another", "Cy Li", "changed by somebody else"),
    ],
)
def test_a_conflict_says_who_has_made_the_change(practice, tmp_path, journal, person, told):
    """As far as the journal knows; of a change that is not in it, that it was somebody else."""
    settings = practice.connection() | {"journal": str(tmp_path / journal)}
    name = {} if person is None else {"CLOVER_PERSON": person}
    with connect("local", **practice.connection(), journal=tmp_path / "journal") as clover:
        customer = a_customer(clover, name="Ana")
        contact = FormDriver(forms.edit_contact(customer["id"], clover=clover)).type(name="Bo")
        other = [sys.executable, "-c", CHANGE, json.dumps(settings), customer["id"]]
        subprocess.run(other, check=True, env=os.environ | name)
        contact.submit()
        assert told in contact.status
        contact.press("Reload, keep my edits").submit()
        assert "Saved: Bo" in contact.status
        contact.form.close()


@pytest.mark.parametrize("name", ["attach_card", "delete_card"])
def test_cards_changed_in_between_are_shown_and_left_alone(clover, shown, name):
    """Neither is another put on top, nor one taken off, before the person has seen it."""
    customer = a_customer(clover)
    form = shown(name, customer["id"])
    after = clover.customers.add_source(customer["id"], a_token(clover, "amex"), consent=True)
    if name == "attach_card":
        form.type(source=a_token(clover, "mastercard"))
    else:
        form.type(card=customer["source_ids"][0])
    form.tick().submit()
    assert "Not saved. You changed this customer a moment ago" in form.status
    assert "AMEX •••• 0005, expires 2035-12, VISA" in form.form.outcome["conflict"]
    assert set(clover.customers.retrieve(customer["id"])["source_ids"]) == set(after["source_ids"])
    form.press("Reload, keep my edits").submit()
    assert "Saved" in form.status
    assert form.form.row["card_count"] == (3 if name == "attach_card" else 1)


def test_a_choice_outlives_the_look_at_the_record_unless_its_card_is_gone(clover, shown):
    """A card that was to be replaced must not be kept unasked."""
    customer = a_customer(clover)
    attach, old = shown("attach_card", customer["id"]), customer["source_ids"][0]
    attach.type(source=TOKEN, replaces=old).tick()
    clover.customers.add_source(customer["id"], a_token(clover, "amex"), consent=True)
    attach.submit().press("Reload, keep my edits")
    assert attach.texts["replaces"] == old
    assert attach.form.token == TOKEN
    clover.customers.delete_source(customer["id"], old)
    attach.submit().press("Reload, keep my edits")
    assert attach.texts["replaces"] == ""


def test_two_forms_about_one_customer_are_saved_crosswise(clover, shown):
    """What was typed into one outlives what the other saves, and is no conflict with oneself."""
    ana, bea = a_customer(clover, name="Ana"), a_customer(clover, name="Bea")
    contact, note = shown("edit_contact", ana["id"]), shown("edit_note", ana["id"])
    delete, other = shown("delete_card", ana["id"]), shown("edit_note", bea["id"])
    contact.type(name="Ana Costa")
    note.type(note="Calls on Mondays").submit()
    assert "Saved" in note.status
    assert contact.texts["name"] == "Ana Costa"
    assert "Another form here has changed this customer" in contact.status
    assert other.status == delete.status == ""
    assert other.form.customer["id"] == bea["id"]
    contact.submit()
    assert "Saved: Ana Costa" in contact.status
    note.press("Undo")
    assert "Undone" in note.status
    delete.type(card=ana["source_ids"][0]).tick().submit()
    assert "Saved" in delete.status
    now = clover.customers.retrieve(ana["id"])
    assert (now["name"], now["note"], now["source_ids"]) == ("Ana Costa", None, [])


def test_a_form_of_another_connection_follows_no_save(practice, clover, shown):
    """Its customer of the same id may be another merchant's."""
    ana = a_customer(clover, name="Ana")
    with connect("local", **practice.connection()) as another:
        contact = shown("edit_contact", ana["id"], connection=another)
        note = shown("edit_note", ana["id"])
        note.type(note="Calls on Mondays").submit()
        assert "Saved" in note.status
        assert contact.status == ""
        assert contact.form.customer["note"] is None


async def save_during(first, second, go):
    """Save one form, and another one while the first waits to go on."""
    first.submit()
    second.submit()
    await until(lambda: not second.form.is_busy)
    go.set()
    await until(lambda: not first.form.is_busy)


def test_a_form_that_another_one_overtakes_says_so(clover, shown, monkeypatch):
    """While it is sent, over a slow line: what was typed is kept, and the next click saves it."""
    ana = a_customer(clover, name="Ana")
    contact, note = shown("edit_contact", ana["id"]), shown("edit_note", ana["id"])
    contact.type(name="Ana Costa")
    note.type(note="Calls on Mondays")
    go, modify = threading.Event(), clover.customers.modify

    def hold_contact(customer_id, **fields):
        assert "name" not in fields or go.wait(60)
        return modify(customer_id, **fields)

    monkeypatch.setattr(clover.customers, "modify", hold_contact)

    run(save_during(contact, note, go))
    assert "Saved" in note.status
    assert contact.status.startswith("Not saved yet. Another form here has changed")
    assert contact.texts["name"] == "Ana Costa"
    contact.submit()
    assert "Saved: Ana Costa" in contact.status


def test_what_overtook_an_earlier_save_is_no_reason_of_a_later_conflict(clover, shown, monkeypatch):
    """The note was saved before the answer about the name came; later, somebody else is it."""
    ana = a_customer(clover, name="Ana")
    contact, note = shown("edit_contact", ana["id"]), shown("edit_note", ana["id"])
    contact.type(name="Ana Costa")
    note.type(note="Calls on Mondays")
    stored, go, modify = threading.Event(), threading.Event(), clover.customers.modify

    def delay_answer(customer_id, expected, **fields):
        if "note" in fields:  # it has looked before the name was stored
            assert stored.wait(60)
            return modify(customer_id, **fields)
        row = modify(customer_id, expected=expected, **fields)
        stored.set()
        assert go.wait(60)
        return row

    monkeypatch.setattr(clover.customers, "modify", delay_answer)
    run(save_during(contact, note, go))
    assert "Saved: Ana Costa" in contact.status
    modify(ana["id"], name="Ana Silva")
    contact.press("Undo")
    assert "Not saved. You changed this customer a moment ago" in contact.status
    assert "Ana Silva" in contact.form.outcome["conflict"]


def test_a_warning_passes_only_by_a_tick_for_the_same_words(clover, shown):
    """The tick goes with the next edit."""
    customer = a_customer(clover, name="Ana")
    create = shown("create_customer").type(email=customer["email"], source=a_token(clover)).tick()
    create.submit()
    assert create.form.errors["email"][0] == "warning"
    assert "Fix it, or tick to save anyway" in create.status
    assert create.form.has_warnings
    create.press("Show Ana")
    assert customer["id"] in create.form.outcome["result"]
    create.tell("edit", {"sure": "yes"})
    create.type(name="Bo")
    assert create.texts["sure"] == ""
    create.submit()
    assert create.form.row is None
    create.tell("edit", {"sure": "yes"})
    create.submit()
    assert create.form.row["email"] == customer["email"]


def test_escape_puts_a_form_back_and_that_can_be_undone(clover, shown):
    """Nothing is sent, and nothing typed is lost but a token."""
    customer = a_customer(clover, name="Ana")
    contact = shown("edit_contact", customer["id"]).type(name="Bo")
    contact.tell("cancel")
    assert contact.texts["name"] == "Ana"
    assert "Cancelled" in contact.status
    contact.press("Undo")
    assert contact.texts["name"] == "Bo"
    assert clover.customers.retrieve(customer["id"])["name"] == "Ana"


def test_a_create_whose_outcome_is_unknown_can_be_looked_up(shown, brief):
    """By its address: it is there, or it can be sent again."""
    with sandbox.start(limits=False, customers=0) as own:
        clover = connect("local", timeouts=brief, **own.connection())
        create = shown("create_customer", connection=clover)
        create.type(email=an_address(), source=a_token(clover)).tick()
        own.fail_next(500, 50, method="POST", path="customers")
        create.submit()
        assert "not known whether" in create.status
        create.press("Look the customer up")
        assert "Nobody has this address" in create.status
        clover.close()


@pytest.mark.parametrize("name", ["create_customer", "attach_card", "card_fields"])
def test_a_closed_form_leaves_no_widget(clover, shown, name):
    """However often a cell is run again; what all forms share is kept once."""
    import ipywidgets  # noqa: PLC0415  counted here alone

    living = ipywidgets.widgets.widget._instances
    getattr(forms, name)(clover=clover).close()
    before = len(living)
    for _ in range(50):
        getattr(forms, name)(clover=clover).close()
    assert len(living) == before


def test_a_form_that_is_closed_while_it_saves_says_what_came_of_it(clover, shown, slow, capsys):
    """And is closed only then: a cell that runs again shows the record as the change left it."""
    ana = a_customer(clover, name="Ana")
    contact = shown("edit_contact", ana["id"]).type(name="Ana Costa")
    go, calls = slow(clover.customers, "modify")

    async def main():
        contact.submit()
        await until(lambda: calls)
        threading.Timer(0.1, go.set).start()
        contact.form.close()

    run(main())
    assert clover.customers.retrieve(ana["id"])["name"] == "Ana Costa"
    told = capsys.readouterr().out
    assert told.startswith("Edit the contact: a change is under way")
    assert "Saved: Ana Costa" in told


@pytest.mark.parametrize("name", ["edit_note", "change_many"])
def test_a_form_whose_end_is_not_waited_for_is_closed_all_the_same(name):
    """The kernel is interrupted while the cell runs again."""
    command = [sys.executable, "-c", INTERRUPTED, name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["closed: True"], done.stderr
    assert ("It was not waited for" in done.stdout) == (name == "edit_note")


INTERRUPTED = """
import asyncio, os, signal, sys, threading, time, traceback
from clover_nb import connect, forms

main_thread = threading.get_ident()
form = getattr(forms, sys.argv[1])(clover=connect("local", seed=1))

def interrupt():
    while "finish_write" not in str(traceback.extract_stack(sys._current_frames()[main_thread])):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

async def close():
    form._runner.write(threading.Event().wait, print)
    threading.Thread(target=interrupt).start()
    form.close()
    print("closed:", form.comm is None)

asyncio.new_event_loop().run_until_complete(close())
"""


def test_a_form_that_is_closed_while_it_waits_for_its_card_sends_nothing(clover, shown, capsys):
    """Nobody will answer any more, so nobody is waited for."""
    ana = a_customer(clover)
    attach = shown("attach_card", ana["id"]).type_card().tick()

    async def main():
        attach.submit()
        assert attach.form.is_busy
        attach.form.close()

    run(main())
    assert "Nothing was sent" in capsys.readouterr().out
    assert clover.customers.retrieve(ana["id"])["card_count"] == 1


def test_a_create_passes_few_files_and_calls_from_click_to_wire(clover, shown):
    """What a reader of the code has to follow. Looking for duplicates is reads of its own."""
    home = str(Path(clover_nb.__file__).parent)
    create = shown("create_customer")
    create.type(email=an_address(), source=a_token(clover), name="Ana").tick()
    calls, files, searching = [], set(), []

    def watch(frame, event, _):
        name, function = frame.f_code.co_filename, frame.f_code.co_name
        searches = function in ("list_customers_with", "describe_unanswered_create")
        if searches and event in ("call", "return"):
            searching[:] = [frame] if event == "call" else []
        if event != "call" or searching or files:
            return
        if name.startswith(home) and not function.startswith("<"):
            calls.append(function)
        if name.endswith("transport/workers.py"):  # the thread of the network has it now
            while (frame := frame.f_back) is not None:
                files.update({frame.f_code.co_filename} if home in frame.f_code.co_filename else ())

    sys.setprofile(watch)
    create.submit()
    sys.setprofile(None)
    assert create.form.row is not None
    assert 5 <= len(files) <= 12
    assert 50 <= len(calls) <= 200
