"""Forms when something goes wrong around them: the page, the kernel, the code, the cell."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

from .card_fields import inside, paste_test_card, type_card

pytestmark = pytest.mark.long


CONNECT = """
from clover_nb import Customer, TEST_CARDS, Token, connect, forms, sandbox, use

if "practice" in globals():
    practice.stop()
practice = sandbox.start(seed=5, limits=False, customers=0)
clover = use(connect("local", **practice.connection()))
token = Token.create(card=TEST_CARDS["visa"])["id"]
ana = Customer.create(email="ana@example.com", source=token, name="Ana", phone="555-0125")["id"]
"""
CONTACT = "contact = forms.edit_contact(ana); contact"
SAVED = re.compile("^Saved:")
# What changes a customer waits until it may go: as long as it takes, on a busy machine too.
HOLD = """
import threading

go, modify = threading.Event(), clover.customers.modify

def held(*args, **kwargs):
    go.wait(60)
    return modify(*args, **kwargs)

clover.customers.modify = held
"""
COUNT_CREATES = """[
    (each["method"], each["path"]) for each in practice.requests
].count(("POST", "/v1/customers"))"""
# It may go once the next cell runs, before the form hears of that, and takes two seconds then.
GO_WITH_CELL = """
practice.fail_next("slow", method="PUT")
get_ipython().events.callbacks["pre_run_cell"].insert(0, lambda _: go.set())
"""


def button(part, name):
    return part.get_by_role("button", name=name, exact=True)


def open_while_it_saves(open_notebook):
    """A notebook, and its form of a contact, whose save lasts until ``go.set()``."""
    notebook = open_notebook([CONNECT, CONTACT], height=1200)
    contact = notebook.output(1)
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    notebook.run(HOLD)
    button(contact, "Save contact").click()
    expect(button(contact, "Saving…")).to_be_disabled()
    return notebook, contact


def test_a_page_that_is_loaded_anew_shows_what_was_typed_and_knows_no_old_token(open_notebook):
    """Nothing is said to be ready that isn't, and the button can be used again."""
    cells = [CONNECT, CONTACT, "card = forms.card_fields(); card"]
    notebook = open_notebook(cells, height=1600)
    contact, card = notebook.output(1), notebook.output(2)
    contact.get_by_label("Name", exact=True).click()
    notebook.type("!")
    type_card(card, TEST_CARDS["visa"]["number"])
    button(card, "Make a token").click()
    expect(card.get_by_text("the token is ready")).to_be_visible()
    notebook.reload()
    expect(contact.get_by_label("Name", exact=True)).to_have_value(re.compile("!"))
    expect(inside(card, "Card number")).to_have_value("")
    expect(card.get_by_text("the token is ready")).to_have_count(0)
    assert notebook.evaluate("card.token == ''") == "True"
    type_card(card, TEST_CARDS["amex"]["number"], code="1234")
    button(card, "Make a token").click()
    expect(card.get_by_text("AMEX •••• 0005: the token is ready")).to_be_visible()
    button(contact, "Save contact").click()
    expect(contact.get_by_text(SAVED)).to_be_visible()


def test_a_page_that_is_loaded_anew_while_it_is_saved_hears_of_it(open_notebook):
    """The kernel goes on, and the new page shows what came of it."""
    notebook, contact = open_while_it_saves(open_notebook)
    notebook.reload()
    expect(button(contact, "Saving…")).to_be_disabled()
    notebook.run("go.set()")
    expect(contact.get_by_text("Saved: Ana Costa")).to_be_visible()
    expect(button(contact, "Save contact")).to_be_disabled()
    contact.get_by_label("Name", exact=True).fill("Ana Rivera")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Saved: Ana Rivera")).to_be_visible()


def test_a_cell_that_runs_again_while_it_saves_waits_for_it(open_notebook):
    """The form shows the record as it is then, and the same customer is not made twice."""
    cells = [CONNECT, CONTACT, "create = forms.create_customer(); create"]
    notebook = open_notebook(cells, height=2000)
    contact, create = notebook.output(1), notebook.output(2)
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    notebook.run(HOLD + GO_WITH_CELL)
    button(contact, "Save contact").click()
    expect(button(contact, "Saving…")).to_be_disabled()
    notebook.run_cell(1)
    expect(contact.get_by_text("Saved: Ana Costa")).to_be_visible()
    expect(contact.get_by_label("Name", exact=True)).to_have_value("Ana Costa")
    expect(button(contact, "Save contact")).to_be_enabled()

    for again in (False, True):
        create.get_by_label("Email", exact=True).fill("bea@example.com")
        paste_test_card(create)
        create.get_by_label("The cardholder agreed").check()
        if not again:
            notebook.run("practice.fail_next('slow', method='POST', path='/v1/customers')")
        button(create, "Create customer").click()
        if not again:
            notebook.wait_for(COUNT_CREATES, "2")  # Ana's and this one
            notebook.run_cell(2)
    expect(create.get_by_text("This address belongs to a customer already.")).to_be_visible()
    assert notebook.evaluate("len(Customer.search(email='bea@example.com'))") == "1"


def test_a_form_that_another_page_closes_leaves_what_was_typed(open_notebook):
    """With a sentence that says what happened: another page doesn't show the cell's new output."""
    cells = [CONNECT, CONTACT, "forms.desk(customer_id=ana)"]
    notebook = open_notebook(cells, height=1600)
    with closing(notebook.open_second_page()) as page:
        output = page.locator(".jp-CodeCell").nth(1).locator(".jp-Cell-outputArea")
        output.get_by_label("Name", exact=True).fill("Ana Costa")
        notebook.wait_for("contact.values['texts']['name']", "'Ana Costa'")
        notebook.run_cell(1)
        expect(output.get_by_role("alert")).to_contain_text("run again in another window")
        expect(output.get_by_label("Name", exact=True)).to_have_value("Ana Costa")
        expect(output.get_by_label("Name", exact=True)).not_to_be_editable()
        expect(button(output, "Save contact")).to_be_disabled()
        first = notebook.output(1)
        expect(first.get_by_label("Name", exact=True)).to_have_value("Ana")
        expect(first.locator(".clover-form")).to_have_count(1)
        desk = page.locator(".jp-CodeCell").nth(2).locator(".jp-Cell-outputArea")
        button(desk, "Edit contact").click()
        desk.get_by_label("Phone").fill("555-0142")
        expect(notebook.output(2).get_by_label("Phone")).to_have_value("555-0142")
        notebook.run_cell(2)
        expect(desk.get_by_text("run again in another window")).to_have_count(1)
        expect(desk.get_by_label("Phone")).to_have_value("555-0142")
        expect(desk.get_by_role("grid")).to_be_visible()


def test_a_kernel_that_goes_while_it_saves_leaves_no_form_that_saves_for_ever(open_notebook):
    """It says that nobody knows whether it was saved; run again, it shows what is so."""
    notebook, contact = open_while_it_saves(open_notebook)
    notebook.restart_kernel()
    told = contact.get_by_role("alert").filter(has_text="not known whether")
    expect(told).to_contain_text("The kernel was restarted")
    expect(button(contact, "Save contact")).to_be_disabled()
    expect(contact.get_by_text("Sending to Clover…")).to_have_count(0)


@pytest.mark.parametrize("how", ["restart_kernel", "kill_kernel"])
def test_a_form_whose_kernel_is_gone_says_so_once(open_notebook, how):
    """In words, with what to do; what was typed can still be copied. No sign of a broken link."""
    notebook = open_notebook([CONNECT, CONTACT], height=1200)
    contact = notebook.output(1)
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    notebook.wait_for("contact.values['texts']['name']", "'Ana Costa'")
    notebook.take_clock()
    getattr(notebook, how)()
    if how == "kill_kernel":  # the lab doesn't tell the widgets; nobody answers
        contact.get_by_label("Name", exact=True).press("End")
        notebook.type("!")
        notebook.page.clock.fast_forward(20_000)
    told = re.compile("The kernel (was restarted|does not answer)")
    expect(contact.get_by_role("alert").filter(has_text=told)).to_be_visible()
    expect(contact.get_by_label("Name", exact=True)).to_have_value(re.compile("Ana Costa"))
    shown = "form => getComputedStyle(form, '::before').content"
    assert contact.locator(".clover-form").evaluate(shown) == "none"
    notebook.run_all()
    expect(notebook.output(1).get_by_label("Name", exact=True)).to_have_value("Ana")


BROKEN = {
    "customers.modify": ("Save contact", "it is not known whether this was done"),
    "customers.search": ("Find", "Nothing was sent"),
    "customers.retrieve": ("Reload, keep my edits", "Nothing was sent"),
    "undo": ("Undo", "it is not known whether this was done"),
}
BREAK = """
def broken(*_, **__):
    raise KeyError("boom")

def break_down(name):
    owner, _, method = ("clover." + name).rpartition(".")
    setattr(eval(owner), method, broken)
"""


@pytest.mark.parametrize("name", BROKEN)
def test_what_nobody_foresaw_ends_in_a_sentence(open_notebook, name):
    """It says whether something was sent, and the form can be used again."""
    label, told = BROKEN[name]
    notebook = open_notebook([CONNECT, BREAK, CONTACT], height=1200)
    contact = notebook.output(2)
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    if label == "Undo":
        button(contact, "Save contact").click()
        expect(contact.get_by_text(SAVED)).to_be_visible()
    if label == "Reload, keep my edits":
        notebook.evaluate("Customer.modify(ana, phone='555-0199')")
        button(contact, "Save contact").click()
        expect(button(contact, label)).to_be_visible()
    notebook.evaluate(f"break_down({name!r})")
    button(contact, label).click()
    expect(contact.get_by_role("alert").filter(has_text=told)).to_be_visible()
    expect(button(contact, "Find")).to_be_enabled()
    if label == "Find":  # nobody is found, so the form is about nobody; what was typed stays
        expect(contact.get_by_label("Name", exact=True)).to_have_value("Ana Costa")
        return
    contact.get_by_label("Phone").fill("555-0142")
    expect(button(contact, "Save contact")).to_be_enabled()


RUN_UNTIL_SAVED = """() => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const code = `
import time
end = time.monotonic() + 60
while contact.row is None and time.monotonic() < end:
    time.sleep(0.05)
was_saved = contact.row is not None
`;
  kernel.requestExecute({ code });
}"""


def test_a_form_saves_while_a_cell_runs(open_notebook):
    """However long that one takes: it waits for the form here."""
    notebook = open_notebook([CONNECT, CONTACT], height=1200)
    contact = notebook.output(1)
    notebook.page.evaluate(RUN_UNTIL_SAVED)
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Saved: Ana Costa")).to_be_visible()
    assert notebook.evaluate("was_saved") == "True"


def test_a_cell_that_runs_fifty_times_leaves_nothing_behind(open_notebook):
    """The form of the run before is closed, and close() closes all of it."""
    cells = [CONNECT, "create = forms.create_customer(); create", "forms.attach_card(ana)"]
    notebook = open_notebook(cells)
    before = notebook.living_widgets()
    for _ in range(50):
        notebook.run_all()
    assert notebook.living_widgets() == before
    notebook.evaluate("create.close()")
    assert notebook.living_widgets() == before - 1
    expect(notebook.output(1).locator(".clover-form")).to_have_count(0)


def test_no_thread_but_that_of_the_messages_writes_a_form(open_notebook):
    """Neither while it saves, nor while it finds, undoes or reads again."""
    watch = """
import threading
from traitlets import All
writers = set()
contact.observe(lambda _: writers.add(threading.current_thread().name), All)
"""
    notebook = open_notebook([CONNECT, CONTACT, watch], height=1200)
    contact = notebook.output(1)
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    button(contact, "Save contact").click()
    expect(contact.get_by_text(SAVED)).to_be_visible()
    button(contact, "Undo").click()
    expect(contact.get_by_text("Undone: Ana")).to_be_visible()
    contact.get_by_label("Customer").fill("ana@example.com")
    expect(contact.locator(".clover-who")).to_have_count(0)
    button(contact, "Find").click()
    expect(contact.locator(".clover-who")).to_be_visible()
    writers = notebook.evaluate("sorted(writers)")
    assert writers != "[]"
    assert "clover-nb" not in writers


def test_read_only_production_is_announced_before_anything_is_typed(open_notebook):
    """Nothing can be typed, and no card is made a token."""
    production = """
from clover_nb import connect, forms
production = connect("production", access_token="x", merchant_id="M1")
forms.create_customer(clover=production)
"""
    notebook = open_notebook([production], height=1400)
    create = notebook.output(0)
    expect(create.get_by_role("status").filter(has_text="Read-only")).to_be_visible()
    expect(create.get_by_label("Email")).to_be_disabled()
    expect(button(create, "Create customer")).to_be_disabled()
    expect(create.locator("iframe")).to_have_count(0)
    assert notebook.violations(".clover-form") == []
