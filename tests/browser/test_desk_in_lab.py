"""The desk in a real JupyterLab: found, changed and taken back, by mouse and by keyboard alone."""

from __future__ import annotations

import ast
import itertools
import re

import pandas as pd
import pytest
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

from .card_fields import TITLES, inside, paste_test_card, type_card

CONNECT = """
from clover_nb import Customer, TEST_CARDS, Token, connect, forms, use
clover = use(connect("local", seed=5))
token = Token.create(card=TEST_CARDS["amex"])["id"]
ana = Customer.create(email="ana.rivera@desk.example.com", source=token, name="Ana Rivera")["id"]
customers = Customer.list()
"""
DESK = "desk = forms.desk(customers); desk"


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """A desk with 201 customers."""
    return open_shared_notebook([CONNECT, DESK], run=False, height=1500)


@pytest.fixture
def notebook(shared):
    """The notebook as it is at the start."""
    shared.start_over()
    return shared


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def test_a_customer_is_found_shown_changed_and_the_change_taken_back(notebook):
    """As support staff do it all day; a new one too, which is selected then."""
    desk = notebook.output(1)
    expect(desk.get_by_text("LOCAL practice").first).to_be_visible()
    desk.get_by_role("searchbox").fill("rivera 0005 desk")
    expect(desk.get_by_text("1\N{EN DASH}1 of 1 match (of 201 customers)")).to_be_visible()
    desk.get_by_role("row").filter(has_text="ana.rivera@desk").click()
    cards = desk.get_by_role("table", name="Cards")
    expect(cards).to_contain_text(re.compile("AMEX •••• 0005.*12/35"))
    expect(desk.get_by_role("table", name="History")).to_contain_text("created")

    button(desk, "Edit contact").click()
    desk.get_by_label("Name", exact=True).fill("Ana Costa")
    button(desk, "Save contact").click()
    expect(desk.get_by_text("Saved: Ana Costa")).to_be_visible()
    expect(desk.get_by_role("grid")).to_contain_text("Ana Costa")
    expect(desk.get_by_role("table", name="History")).to_contain_text(
        "name: Ana Rivera → Ana Costa"
    )
    button(desk, "Undo").click()
    expect(desk.get_by_text("Undone: Ana Rivera")).to_be_visible()
    expect(desk.get_by_role("grid")).to_contain_text("Ana Rivera")

    history = desk.get_by_role("table", name="History")
    expect(history).to_contain_text("changed, undone since")
    history.get_by_role("button", name="Undo: change undone, last name: Costa → Rivera").click()
    preview = desk.get_by_role("table", name="What will change")
    expect(preview).to_contain_text(re.compile("Last name.*Rivera.*Costa"))
    button(desk, "Undo this change").dblclick()
    expect(desk.get_by_text("Undone: Ana Costa")).to_be_visible()
    expect(desk.get_by_role("grid")).to_contain_text("Ana Costa")
    expect(desk.get_by_label("Name", exact=True)).to_have_value("Ana Costa")
    undone = "clover.journal.frame(customer_id=ana)['operation'].tolist().count('undo')"
    assert notebook.evaluate(undone) == "2"

    button(desk, "New customer").click()
    expect(desk.get_by_role("heading", name="Create a customer")).to_be_visible()
    desk.get_by_label("Email").fill("bo@example.com")
    type_card(desk, TEST_CARDS["visa"]["number"])
    desk.get_by_label("The cardholder agreed").check()
    button(desk, "Create customer").click()
    notebook.wait_for("desk.table.selected['email'].tolist()", "['bo@example.com']")
    expect(desk.locator(".clover-who").first).to_contain_text("bo@example.com")

    notebook.evaluate("Customer.modify(ana, name='Ana Changed')")
    button(desk, "Refresh").click()
    expect(desk.get_by_role("grid")).to_contain_text("Ana Changed")
    expect(desk.get_by_text("read just now")).to_be_visible()


def test_times_are_in_the_persons_own_time_zone(notebook):
    """In the history and in the details, with the zone's name; UTC is under the mouse."""
    desk = notebook.output(1)
    zone = notebook.page.context.new_cdp_session(notebook.page)
    zone.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    try:
        select(desk, ANA)
        history = desk.get_by_role("table", name="History")
        expect(history).to_contain_text("created")
        at = pd.Timestamp(
            notebook.evaluate(
                "clover.journal.frame(customer_id=ana)['time'].iloc[0].isoformat()"
            ).strip("'")
        )
        there = f"{at.tz_convert('Asia/Kolkata'):%Y-%m-%d %H:%M} GMT+5:30"
        expect(history.get_by_role("row", name=f"{there} ")).to_contain_text("created")
        expect(history.get_by_text(there)).to_have_attribute("title", f"{at:%Y-%m-%d %H:%M} UTC")
        created = desk.locator(".clover-row > div", has_text=re.compile("^Created"))
        expect(created).to_contain_text(re.compile(r" GMT\+5:30$"))
    finally:
        zone.send("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_a_note_is_written_in_lines_and_taken_back(notebook):
    """Enter begins a line, Ctrl+Enter saves; what is known of the customer shows it."""
    desk = notebook.output(1)
    select(desk, ANA)
    button(desk, "Note").click()
    field = desk.get_by_label("Note", exact=True)
    field.press_sequentially("Calls late.\nSpeaks Spanish.")
    field.press("Control+Enter")
    expect(desk.get_by_text("Saved: Ana Rivera")).to_be_visible()
    expect(desk.locator(".clover-row").first).to_contain_text("Speaks Spanish.")
    saved = "Customer.retrieve(ana)['note']"
    assert ast.literal_eval(notebook.evaluate(saved)) == "Calls late.\nSpeaks Spanish."
    expect(desk.get_by_role("table", name="History")).to_contain_text("note: nothing → Calls late.")
    button(desk, "Undo").click()
    expect(desk.get_by_text("Undone: Ana Rivera")).to_be_visible()
    expect(desk.locator(".clover-row").first).not_to_contain_text("Speaks Spanish.")
    field.fill(TEST_CARDS["visa"]["number"])
    expect(desk.get_by_text("card number")).to_be_visible()
    expect(field).to_have_value("")


class Keyboard:
    """A person without a mouse."""

    def __init__(self, page):
        self.press, self.type = page.keyboard.press, page.keyboard.type

    def tab_to(self, target):
        """Press Tab until the focus is there, unless it is."""
        expect(target).to_be_visible()  # else Tab passes it by
        for _ in range(41):
            if target.evaluate(STOP):
                return
            self.press("Tab")
        pytest.fail("Tab does not lead there")

    def open_form(self, opener, first):
        """Press a button; the focus goes to the first field of its form, and Tab on from there."""
        self.tab_to(opener)
        self.press("Enter")
        expect(first).to_be_focused()
        first.evaluate("() => { window.stops = []; }")


STOP = """target => {
  const stop = document.activeElement;
  window.stops ??= [];
  if (window.stops.at(-1) !== stop) window.stops.push(stop);
  return stop === target;
}"""

# Where the focus has been since a form was opened, and what labels it has, all at one moment.
WALKED = """desk => {
  const labels = [...desk.querySelectorAll(".clover-form .clover-label label")];
  return {
    stops: window.stops.map((element) => {
      const { left, top, bottom } = element.getBoundingClientRect();
      return { left, top, bottom, field: element.labels?.[0]?.textContent };
    }),
    fields: labels.filter((each) => each.checkVisibility()).map((each) => each.textContent),
  };
}"""


def expect_natural_walk(desk):
    """Each stop is below the one before it or beside it to the right, and each field is one."""
    walked = desk.evaluate(WALKED)
    pairs = itertools.pairwise(walked["stops"])
    assert [(a, b) for a, b in pairs if b["top"] < a["bottom"] and b["left"] <= a["left"]] == []
    assert set(walked["fields"]) <= {stop["field"] for stop in walked["stops"]}


@pytest.fixture
def keyboard(notebook):
    """The keyboard, with the search focused."""
    notebook.output(1).get_by_role("searchbox").focus()
    return Keyboard(notebook.page)


def test_a_customer_is_found_changed_and_given_a_card_with_the_keyboard_alone(notebook, keyboard):
    """From the search to the saved change and back, with no key reaching the notebook."""
    desk, press, tab_to = notebook.output(1), keyboard.press, keyboard.tab_to
    keyboard.type("ana.rivera@desk")
    expect(desk.get_by_text("of 1 match")).to_be_visible()
    press("ArrowDown")
    press("Enter")
    expect(desk.get_by_role("table", name="Cards")).to_contain_text("AMEX •••• 0005")
    name = desk.get_by_label("Name", exact=True)
    keyboard.open_form(button(desk, "Edit contact"), name)
    expect(name).to_have_value("Ana Rivera")
    press("Control+A")
    keyboard.type("Ana Costa")
    press("Enter")
    expect(desk.get_by_text("Saved: Ana Costa")).to_be_visible()
    row = desk.get_by_role("row", selected=True)
    expect(row).to_be_focused()
    tab_to(button(desk, "Undo"))
    press("Space")
    expect(desk.get_by_text("Undone: Ana Rivera")).to_be_visible()
    expect(row).to_be_focused()
    tab_to(desk.get_by_role("button", name="Undo: change undone"))
    press("Enter")
    expect(button(desk, "Undo this change")).to_be_focused()
    press("Enter")
    expect(desk.get_by_text("Undone: Ana Costa")).to_be_visible()

    desk.get_by_role("searchbox").focus()
    keyboard.open_form(button(desk, "Remove a card"), desk.get_by_label("Card", exact=True))
    press("ArrowDown")
    expect(desk.get_by_role("table", name="What will change")).to_contain_text("AMEX •••• 0005")
    tab_to(desk.get_by_label("I mean to remove this card"))
    press("Space")
    tab_to(button(desk, "Remove card"))
    for key in ("d", "d"):
        press(key)
    press("Enter")
    expect(desk.get_by_text("Saved: Ana Costa")).to_be_visible()
    notebook.wait_for("Customer.retrieve(ana)['card_count']", "0")

    desk.get_by_role("searchbox").focus()
    keyboard.open_form(button(desk, "Attach a card"), desk.get_by_label("Type the card"))
    expect_card_fields(desk)
    tab_to(desk.get_by_title("Card number"))
    for text in (TEST_CARDS["visa"]["number"], "1234", "987", "60614"):
        keyboard.type(text)
        press("Tab")
    tab_to(desk.get_by_label("The cardholder agreed"))
    press("Space")
    tab_to(button(desk, "Attach card"))
    press("Enter")
    notebook.wait_for("Customer.retrieve(ana)['card_count']", "1")
    expect(notebook.page.locator(".jp-CodeCell")).to_have_count(2)


def test_a_customer_is_created_and_given_an_address_with_the_keyboard_alone(notebook, keyboard):
    """Tab goes through each form from top to bottom and from left to right, past no field."""
    desk, press, tab_to = notebook.output(1), keyboard.press, keyboard.tab_to

    def fill(label, text):
        field = desk.get_by_label(label, exact=True)
        tab_to(field)
        keyboard.type(text)
        expect(field).to_have_value(text)

    keyboard.open_form(button(desk, "New customer"), desk.get_by_label("Email", exact=True))
    expect_card_fields(desk)
    for label, text in {"Email": "bo@example.com", "Name": "Bo Li", "Phone": "555-0125"}.items():
        fill(label, text)
    for title, text in zip(
        TITLES, (TEST_CARDS["visa"]["number"], "1234", "987", "60614"), strict=True
    ):
        tab_to(desk.get_by_title(title))
        keyboard.type(text)
    fill("Address line 1", "1 Main St")
    for label, text in {"City": "Boston", "State": "MA", "ZIP code": "02108"}.items():
        fill(label, text)
    tab_to(desk.get_by_label("The cardholder agreed"))
    press("Space")
    tab_to(button(desk, "Create customer"))
    expect_natural_walk(desk)
    press("Enter")
    expect(desk.get_by_text("Saved: Bo Li")).to_be_visible()
    notebook.wait_for("desk.row['shipping_city'], desk.row['card_brand']", "('Boston', 'VISA')")

    desk.get_by_role("searchbox").focus()
    state = desk.get_by_label("State", exact=True)
    keyboard.open_form(button(desk, "Shipping address"), desk.get_by_label("Address line 1"))
    expect(state).to_have_value("MA")
    tab_to(state)
    keyboard.type("CA")
    tab_to(button(desk, "Save address"))
    expect_natural_walk(desk)
    press("Enter")
    expect(desk.get_by_text("Not sent yet.")).to_be_visible()
    state.focus()
    tab_to(desk.get_by_role("checkbox", name="Save anyway"))
    press("Space")
    tab_to(button(desk, "Save address"))
    press("Enter")
    notebook.wait_for("Customer.retrieve(desk.row['id'])['shipping_state']", "'CA'")
    expect(notebook.page.locator(".jp-CodeCell")).to_have_count(2)


def select(desk, email):
    """Search for a customer and click on the row."""
    desk.get_by_role("searchbox").fill(email)
    expect(desk.get_by_text("of 1 match")).to_be_visible()
    desk.get_by_role("row").filter(has_text=email).click()
    expect(desk.locator(".clover-who").first).to_contain_text(email)


def expect_card_fields(desk):
    """Wait for all card fields: before, nothing takes what is typed."""
    for title in TITLES:
        expect(inside(desk, title)).to_be_editable()


# Whom the open form is about; the kernel may be exchanging it at this moment.
ABOUT = "(lambda form: form and form.customer['id'])(desk.form)"
LATENCIES = [400, *(pytest.param(each, marks=pytest.mark.long) for each in (0, 75, 150))]
ANA, BEA = "ana.rivera@desk", "bea@desk"
MAKE_BEA = """
second = Token.create(card=TEST_CARDS["visa"])["id"]
bea = Customer.create(email="bea@desk.example.com", source=second, name="Bea Li")["id"]
desk.table.data = Customer.list()
"""


@pytest.mark.parametrize("latency", LATENCIES)
def test_a_save_of_one_takes_nobody_away_from_another(notebook, latency):
    """The person has gone on to Bea, with her form open, before Ana's change is saved."""
    desk = notebook.output(1)
    notebook.run(MAKE_BEA)
    desk.get_by_role("searchbox").fill("@desk.example")
    expect(desk.get_by_text("of 2 matches")).to_be_visible()
    row = desk.get_by_role("row")
    row.filter(has_text=ANA).click()
    button(desk, "Edit contact").click()
    name = desk.get_by_label("Name", exact=True)
    expect(name).to_have_value("Ana Rivera")
    notebook.set_latency(latency)
    name.select_text()
    notebook.type("Ana Costa")
    button(desk, "Save contact").click()
    row.filter(has_text=BEA).click()
    expect(name).to_have_value("Bea Li")
    expect(row.filter(has_text=ANA)).to_contain_text("Ana Costa")
    expect(desk.locator(".clover-who").first).to_contain_text("bea@desk")
    expect(row.filter(has_text=BEA)).to_have_attribute("aria-selected", "true")
    notebook.wait_for(f"{ABOUT} == desk.row['id'] == bea", "True")
    name.select_text()
    notebook.type("Bea Costa")
    name.press("Escape")
    expect(name).to_have_value("Bea Li")
    expect(desk.locator(".clover-who")).to_contain_text(["bea@desk"] * 2)  # desk and form


@pytest.mark.parametrize("latency", [pytest.param(0, marks=pytest.mark.long), 400])
def test_what_was_agreed_to_for_one_is_not_agreed_to_for_another(notebook, latency):
    """The tick and who typed the card end with the customer; texts come back with theirs."""
    desk = notebook.output(1)
    notebook.run(MAKE_BEA)
    desk.get_by_role("searchbox").fill("@desk.example")
    expect(desk.get_by_text("of 2 matches")).to_be_visible()
    row = desk.get_by_role("row")
    row.filter(has_text=ANA).click()
    button(desk, "Attach a card").click()
    agreed = desk.get_by_label("The cardholder agreed")
    expect(agreed).to_be_enabled()
    notebook.set_latency(latency)
    desk.get_by_label("Typed by").select_option("the customer")
    agreed.check()
    row.filter(has_text=BEA).click()
    expect(desk.locator(".clover-who").first).to_contain_text("bea@desk")
    notebook.wait_for(f"{ABOUT} == bea", "True")
    expect(agreed).not_to_be_checked()
    expect(desk.get_by_label("Typed by")).to_have_value("moto")
    row.filter(has_text=ANA).click()
    notebook.wait_for(f"{ABOUT} == ana", "True")
    expect(desk.locator(".clover-who")).to_contain_text([ANA] * 2)  # desk and form
    expect(agreed).not_to_be_checked()


def test_a_save_leaves_the_table_where_it_is(notebook):
    """On its page, with the row selected and in sight."""
    desk = notebook.output(1)
    button(desk, "Next page").click()
    expect(desk.get_by_text("11\N{EN DASH}20 of")).to_be_visible()
    desk.get_by_role("row").nth(4).click()
    expect(desk.get_by_role("row", selected=True)).to_be_focused()
    key = desk.get_by_role("row", selected=True).get_attribute("data-id")
    button(desk, "Edit contact").click()
    desk.get_by_label("Phone").fill("555-0100")
    button(desk, "Save contact").click()
    expect(desk.get_by_text("Saved: ")).to_be_visible()
    expect(desk.get_by_text("11\N{EN DASH}20 of")).to_be_visible()
    row = desk.locator(f"tr[data-id='{key}']")
    expect(row).to_contain_text("555-0100")
    expect(row).to_have_attribute("aria-selected", "true")


@pytest.mark.long
def test_it_weighs_little(open_notebook):
    """With a record and a form open: comms, and bytes over the wire."""
    notebook = open_notebook([CONNECT, DESK], run=False)
    notebook.run_cell(0)
    notebook.received.clear()
    notebook.run_cell(1)
    desk = notebook.output(1)
    select(desk, ANA)
    button(desk, "Edit contact").click()
    expect(desk.get_by_label("Name", exact=True)).to_have_value("Ana Rivera")
    expect(desk.get_by_role("table", name="History")).to_contain_text("created")
    assert 0 < notebook.opened_comms() <= 12
    assert notebook.received_bytes() <= 200_000


def test_running_its_cell_again_leaves_nothing_behind(notebook):
    """Three times, each with a record and a form."""
    code = "desk = forms.desk(customers); desk.select(ana); desk.open_form('Edit contact')"
    cell = "{'cellId': 'the cell'}"
    again = f"[run_cell({code!r}, {cell}) for _ in range(%s)] and 0"
    notebook.run(RUN_CELL)
    notebook.evaluate(again % 1)
    before = notebook.living_widgets()
    notebook.evaluate(again % 3)
    assert notebook.living_widgets() <= before


RUN_CELL = """
def run_cell(code, metadata):
    shell = get_ipython()
    header = shell.parent_header
    shell.set_parent({**header, "metadata": metadata})
    shell.run_cell(code)
    shell.set_parent(header)
"""


@pytest.mark.long
@pytest.mark.parametrize("how", ["restart_kernel", "kill_kernel"])
def test_without_its_kernel_it_says_one_sentence(open_notebook, how):
    """And shows no sign of a broken link; the cells run again as ever."""
    notebook = open_notebook([CONNECT, DESK])
    desk = notebook.output(1)
    select(desk, ANA)
    button(desk, "Edit contact").click()
    expect(desk.get_by_label("Name", exact=True)).to_have_value("Ana Rivera")
    getattr(notebook, how)()
    said = desk.get_by_text("The kernel was restarted or is gone.").locator("visible=true")
    expect(said).to_have_count(1)
    assert desk.evaluate(BROKEN_SIGNS) == 0
    notebook.run_all()
    select(desk, ANA)
    expect(desk.get_by_role("table", name="History")).to_contain_text("created")


BROKEN_SIGNS = """root => [root, ...root.querySelectorAll("*")].filter((each) => {
  const { content, display } = getComputedStyle(each, "::before");
  const broken = each.matches(".jupyter-widgets-disconnected") || /broken|unlink/.test(content);
  return broken && content !== "none" && display !== "none";
}).length"""


def test_a_reload_shows_the_same_customer_and_form(notebook):
    """The kernel has kept both, and what was typed."""
    desk = notebook.output(1)
    select(desk, ANA)
    button(desk, "Edit contact").click()
    name = desk.get_by_label("Name", exact=True)
    name.fill("Ana Costa")
    notebook.wait_for("desk.form.values['texts']['name']", "'Ana Costa'")
    notebook.reload()
    expect(name).to_have_value("Ana Costa")
    expect(desk.locator(".clover-who").first).to_contain_text(ANA)
    expect(desk.get_by_role("row", selected=True)).to_contain_text(ANA)
    button(desk, "Save contact").click()
    expect(desk.get_by_text("Saved: Ana Costa")).to_be_visible()


def test_an_unexpected_error_ends_in_a_sentence(notebook):
    """Refresh doesn't read for ever, and works the next time."""
    desk = notebook.output(1)
    expect(button(desk, "Refresh")).to_be_visible()
    notebook.evaluate("setattr(clover.customers, 'list', lambda: {}['nothing'])")
    button(desk, "Refresh").click()
    expect(desk.get_by_text("Something unexpected went wrong. Nothing was sent.")).to_be_visible()
    expect(button(desk, "Refresh")).to_be_enabled()
    notebook.evaluate("delattr(clover.customers, 'list')")
    button(desk, "Refresh").click()
    expect(desk.get_by_text("read just now")).to_be_visible()
    expect(desk.get_by_text("Something unexpected")).to_have_count(0)


def test_the_focus_is_never_lost(notebook):
    """When a form closes it goes to the button that opened it, and after a save to the row."""
    desk = notebook.output(1)
    select(desk, "ana.rivera@desk")
    button(desk, "Edit contact").click()
    desk.get_by_label("Name", exact=True).fill("Ana Costa")
    desk.get_by_label("Name", exact=True).press("Enter")
    expect(desk.get_by_text("Saved: Ana Costa")).to_be_visible()
    expect(desk.get_by_role("row", selected=True)).to_be_focused()
    history = desk.get_by_role("table", name="History")
    undo = history.get_by_role("button", name="Undo: changed")
    undo.press("Enter")
    expect(button(desk, "Undo this change")).to_be_focused()
    desk.page.keyboard.press("Escape")
    expect(button(desk, "Undo this change")).to_have_count(0)
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(button(desk, "Undo this change")).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(history).to_contain_text("changed, undone since")
    expect(button(desk, "Undo this change")).to_be_focused()
    undone = history.get_by_role("button", name="Undo: change undone")
    undone.press("Enter")
    expect(desk.get_by_role("table", name="What will change")).to_contain_text("Costa")
    button(desk, "New customer").click()
    expect(desk.get_by_role("heading", name="Create a customer")).to_be_visible()
    desk.get_by_label("Email").fill("cleo@example.com")
    paste_test_card(desk)
    desk.get_by_label("The cardholder agreed").check()
    button(desk, "Create customer").press("Enter")
    expect(desk.locator(".clover-who").first).to_contain_text("cleo@example.com")
    expect(desk.get_by_role("row", selected=True)).to_be_focused()


def test_a_key_that_is_held_presses_one_button(notebook):
    """Enter on a change of the history shows its undo; who lets go late hasn't undone anything."""
    desk, keyboard = notebook.output(1), notebook.page.keyboard
    notebook.run("for name in ('Ana One', 'Ana Two'): Customer.modify(ana, name=name)")
    select(desk, ANA)
    desk.get_by_role("button", name=re.compile("Undo: changed.*Ana One . Ana Two")).focus()
    keyboard.down("Enter")
    expect(button(desk, "Undo this change")).to_be_focused()
    keyboard.down("Enter")  # again without its release, as a key that is held repeats
    keyboard.up("Enter")
    notebook.wait_for("desk.undo_form.is_busy", "False")
    assert notebook.evaluate("Customer.retrieve(ana)['name']") == "'Ana Two'"


def test_the_focus_goes_to_the_undo_that_was_asked_for(notebook):
    """And not to the button of the one that was open, which Enter would press."""
    desk = notebook.output(1)
    notebook.run("for each in ('555-0100', '555-0101'): Customer.modify(ana, phone=each)")
    notebook.run("Customer.modify(ana, name='Ana One')")
    select(desk, ANA)
    desk.get_by_role("button", name="Undo: changed, phone: 555-0100").press("Enter")
    expect(button(desk, "Undo this change")).to_be_focused()
    seen = notebook.page.evaluate_handle(FOCUSED)
    notebook.set_latency(400)
    desk.get_by_role("button", name="Undo: changed, name").press("Enter")
    expect(desk.get_by_role("table", name="What will change")).to_contain_text("Rivera")
    expect(button(desk, "Undo this change")).to_be_focused()
    assert seen.evaluate("seen => seen.map((each) => each.isConnected)") == [True]


# The buttons of undos that get the focus from now on.
FOCUSED = """() => {
  const seen = [];
  const note = ({ target }) => target.matches(".clover-primary") && seen.push(target);
  document.querySelector(".clover-desk").addEventListener("focusin", note);
  return seen;
}"""


def test_a_button_of_the_history_counts_though_it_is_drawn_meanwhile(notebook):
    """By news between press and release; the same of a row, which a longer message moves."""
    desk, mouse = notebook.output(1), notebook.page.mouse
    notebook.evaluate("Customer.modify(ana, name='Ana Costa').name")
    select(desk, ANA)
    notebook.hold(desk.get_by_role("button", name="Undo: changed"))
    notebook.run("desk.history += '<p>And more.</p>'")
    mouse.up()
    expect(button(desk, "Undo this change")).to_be_visible()
    desk.get_by_role("searchbox").fill("")
    expect(desk.get_by_text("10 of 201 customers")).to_be_visible()
    other = desk.get_by_role("grid").get_by_role("row").nth(4)
    key = other.get_attribute("data-id")
    notebook.hold(other)
    notebook.run("desk.outage = 'Clover can not be reached. ' * 30")
    mouse.up()
    notebook.wait_for("desk.table.selected_id", repr(key))


def test_what_happens_is_announced(notebook):
    """Messages stand in a live region, which was there before them."""
    desk = notebook.output(1)
    live = desk.locator(".clover-desk > .clover-actions [aria-live=polite]")
    expect(live).to_have_count(1)
    select(desk, ANA)
    button(desk, "Edit contact").click()
    desk.get_by_label("Name", exact=True).fill("Ana Costa")
    button(desk, "Shipping address").click()
    expect(live).to_have_text(
        "What you typed about Ana Rivera is kept: it is there under Edit contact."
    )


def test_a_name_is_text_in_the_heading_and_the_history(notebook):
    """Of its own direction, whatever somebody typed into it."""
    desk = notebook.output(1)
    notebook.evaluate("Customer.modify(ana, name='<b>\u05d0\u05d1</b>').name")
    select(desk, ANA)
    who = desk.locator(".clover-who").first
    expect(who).to_contain_text("<b>\u05d0\u05d1</b>")
    expect(desk.get_by_role("table", name="History")).to_contain_text("<b>\u05d0\u05d1</b>")
    expect(desk.locator(".clover-desk b")).to_have_count(0)
    expect(who.locator("bdi").first).to_have_css("unicode-bidi", "isolate")


def test_the_saved_notebook_holds_no_secret(notebook):
    """With all that the widgets hold in it: while a token waits in a field, and after its use."""
    desk = notebook.output(1)
    select(desk, ANA)
    button(desk, "Edit contact").click()
    desk.get_by_label("Phone").fill("555-0177")
    button(desk, "Save contact").click()
    expect(desk.get_by_text("Saved: Ana Rivera")).to_be_visible()
    button(desk, "Attach a card").click()
    paste_test_card(desk)
    desk.get_by_label("The cardholder agreed").check()
    button(desk, "Attach card").click()
    expect(desk.get_by_text("Saved: Ana Rivera")).to_be_visible()
    button(desk, "New customer").click()
    expect(desk.get_by_role("heading", name="Create a customer")).to_be_visible()
    desk.get_by_label("Paste a token").check()
    desk.get_by_label("Card token").fill("clv_1TSTStypedbysomebody")
    notebook.wait_for("'typed' in desk.form.token.reveal()", "True")
    saved = notebook.saved()
    assert "555-0177" in saved, "the state of the widgets is saved"
    assert not re.search(r"clv_\w", saved)
    secret = "clover.settings.access_token.reveal()"
    assert ast.literal_eval(notebook.evaluate(secret)) not in saved
    assert not [card for card in TEST_CARDS.values() if card["number"] in saved]


def test_it_is_whole_and_open_to_all(notebook):
    """With two forms open, one pane below the other and beside it, in both themes, by axe."""
    desk = notebook.output(1)
    notebook.evaluate("Customer.modify(ana, name='Ana Costa')")
    select(desk, ANA)
    desk.get_by_role("button", name="Undo: changed, name: Ana Rivera → Ana Costa").click()
    expect(button(desk, "Undo this change")).to_be_visible()
    button(desk, "Shipping address").click()
    desk.get_by_label("City").fill("x")
    expect(desk.get_by_role("table", name="What will change")).to_have_count(2)
    whole = "desk => desk.scrollWidth - desk.clientWidth <= 1"
    drawn = desk.locator(".clover-desk").element_handle()
    for dark in (True, False):
        notebook.use_theme(dark=dark)
        for width in (900, 1400, 1900):
            notebook.resize(width, 1500)
            notebook.page.wait_for_function(whole, arg=drawn)
        assert notebook.violations(".clover-desk") == []
