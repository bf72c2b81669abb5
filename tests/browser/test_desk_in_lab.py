"""The desk in a real JupyterLab: found, changed and taken back, by mouse and by keyboard alone."""

from __future__ import annotations

import ast
import itertools
import re

import pytest
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

from .card_fields import TITLES, paste_test_card, type_card

CONNECT = """
from clover_nb import Customer, TEST_CARDS, Token, connect, forms, use
clover = use(connect("local", seed=5))
token = Token.create(card=TEST_CARDS["amex"])["id"]
ana = Customer.create(email="ana.rivera@desk.example.com", source=token, name="Ana Rivera")["id"]
customers = Customer.list()
"""


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """A desk with 201 customers."""
    return open_shared_notebook(
        [CONNECT, "desk = forms.desk(customers); desk"], run=False, height=1500
    )


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
    expect(desk.get_by_text("AMEX •••• 0005, expires 2035-12")).to_be_visible()
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
    history.get_by_role("button", name="Undo: change undone, name: Ana Costa → Ana Riv").click()
    preview = desk.get_by_role("table", name="What will change")
    expect(preview).to_contain_text(re.compile("Name.*Ana Rivera.*Ana Costa"))
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


class Keyboard:
    """A person without a mouse."""

    def __init__(self, page):
        self.press, self.type = page.keyboard.press, page.keyboard.type

    def tab_to(self, target):
        """Press Tab until the focus is there; the stops on the way, with their places."""
        stops = []
        for _ in range(40):
            self.press("Tab")
            stops.append(target.evaluate(STOP))
            if stops[-1]["here"]:
                return stops
        pytest.fail("Tab does not lead there")


STOP = """target => {
  const element = document.activeElement;
  const { left, top, height } = element.getBoundingClientRect();
  const below = top - document.querySelector('.clover-desk').getBoundingClientRect().top;
  const field = element.labels?.[0]?.textContent;
  return { here: element === target, left, top: below, bottom: below + height, field };
}"""


def unnatural(stops):
    """The stops that are neither below the one before them nor beside it to the right."""
    pairs = itertools.pairwise(stops)
    return [(a, b) for a, b in pairs if b["top"] < a["bottom"] and b["left"] <= a["left"]]


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
    expect(desk.get_by_text("AMEX •••• 0005, expires")).to_be_visible()
    tab_to(button(desk, "Edit contact"))
    press("Enter")
    name = desk.get_by_label("Name", exact=True)
    expect(name).to_have_value("Ana Rivera")
    tab_to(name)
    keyboard.type("Ana Costa")  # Tab selects what is in a field
    press("Enter")
    expect(desk.get_by_text("Saved: Ana Costa")).to_be_visible()
    tab_to(button(desk, "Undo"))
    press("Space")
    expect(desk.get_by_text("Undone: Ana Rivera")).to_be_visible()
    tab_to(desk.get_by_role("button", name="Undo: change undone"))
    press("Enter")
    expect(button(desk, "Undo this change")).to_be_focused()
    press("Enter")
    expect(desk.get_by_text("Undone: Ana Costa")).to_be_visible()

    desk.get_by_role("searchbox").focus()
    tab_to(button(desk, "Remove a card"))
    press("Enter")
    card = desk.get_by_label("Card", exact=True)
    tab_to(card)
    press("ArrowDown")
    expect(desk.get_by_role("table", name="What will change")).to_contain_text("AMEX •••• 0005")
    tab_to(desk.get_by_label("I mean to remove this card"))
    press("Space")
    tab_to(button(desk, "Remove card"))
    for key in ("Escape", "d", "d"):
        press(key)
    press("Enter")
    expect(desk.get_by_text("Saved: Ana Costa")).to_be_visible()
    notebook.wait_for("Customer.retrieve(ana)['card_count']", "0")

    desk.get_by_role("searchbox").focus()
    tab_to(button(desk, "Attach a card"))
    press("Enter")
    tab_to(desk.get_by_title("Card number"))
    for text in (TEST_CARDS["visa"]["number"], "1234", "987", "60614"):
        keyboard.type(text)
        press("Tab")
    tab_to(desk.get_by_label("The cardholder agreed"))
    press("Space")
    tab_to(button(desk, "Attach card"))
    press("Enter")
    notebook.wait_for("Customer.retrieve(ana)['card_count']", "1")
    assert notebook.page.locator(".jp-CodeCell").count() == 2


def test_a_customer_is_created_and_given_an_address_with_the_keyboard_alone(notebook, keyboard):
    """Tab goes through each form from top to bottom and from left to right, past no field."""
    desk, press, tab_to = notebook.output(1), keyboard.press, keyboard.tab_to

    def fill(label, text):
        field = desk.get_by_label(label, exact=True)
        stops.extend(tab_to(field))
        keyboard.type(text)
        expect(field).to_have_value(text)

    tab_to(button(desk, "New customer").locator("visible=true"))
    press("Enter")
    email = desk.get_by_label("Email", exact=True)
    stops = tab_to(email)[-1:]
    keyboard.type("bo@example.com")
    for label, text in {"Name": "Bo Li", "Phone": "555-0125"}.items():
        fill(label, text)
    for title, text in zip(
        TITLES, (TEST_CARDS["visa"]["number"], "1234", "987", "60614"), strict=True
    ):
        stops += tab_to(desk.get_by_title(title))
        keyboard.type(text)
    fill("Address line 1", "1 Main St")
    for label, text in {"City": "Boston", "State": "MA", "ZIP code": "02108"}.items():
        fill(label, text)
    stops += tab_to(desk.get_by_label("The cardholder agreed"))
    press("Space")
    stops += tab_to(button(desk, "Create customer"))
    assert unnatural(stops) == []
    fields = (
        desk.locator(".clover-form .clover-label label").locator("visible=true").all_text_contents()
    )
    assert set(fields) <= {stop["field"] for stop in stops}
    press("Enter")
    expect(desk.get_by_text("Saved: Bo Li")).to_be_visible()
    notebook.wait_for("desk.row['shipping_city'], desk.row['card_brand']", "('Boston', 'VISA')")

    desk.get_by_role("searchbox").focus()
    tab_to(button(desk, "Shipping address"))
    press("Enter")
    state = desk.get_by_label("State", exact=True)
    expect(state).to_have_value("MA")
    stops = tab_to(desk.get_by_label("Address line 1"))[-1:]
    stops += tab_to(state)
    keyboard.type("CA")
    stops += tab_to(button(desk, "Save address"))
    assert unnatural(stops) == []
    fields = (
        desk.locator(".clover-form .clover-label label").locator("visible=true").all_text_contents()
    )
    assert set(fields) <= {stop["field"] for stop in stops}
    press("Enter")
    expect(desk.get_by_text("Not sent yet.")).to_be_visible()
    state.focus()
    tab_to(desk.get_by_role("checkbox", name="Save anyway"))
    press("Space")
    tab_to(button(desk, "Save address"))
    press("Enter")
    notebook.wait_for("Customer.retrieve(desk.row['id'])['shipping_state']", "'CA'")
    assert notebook.page.locator(".jp-CodeCell").count() == 2


def test_the_saved_notebook_holds_no_secret(notebook):
    """With all that the widgets hold in it: while a token waits in a field, and after its use."""
    desk = notebook.output(1)
    desk.get_by_role("searchbox").fill("ana.rivera@desk")
    desk.get_by_role("row").filter(has_text="ana.rivera@desk").click()
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
    """With two forms open, at 900 and 1400 pixels, in both themes, by axe's measure."""
    desk = notebook.output(1)
    notebook.evaluate("Customer.modify(ana, name='Ana Costa')")
    desk.get_by_role("searchbox").fill("ana.rivera@desk")
    desk.get_by_role("row").filter(has_text="ana.rivera@desk").click()
    desk.get_by_role("button", name="Undo: changed, name: Ana Rivera → Ana Costa").click()
    expect(button(desk, "Undo this change")).to_be_visible()
    button(desk, "Shipping address").click()
    desk.get_by_label("City").fill("x")
    expect(desk.get_by_role("table", name="What will change")).to_have_count(2)
    for dark in (True, False):
        notebook.use_theme(dark=dark)
        for width in (900, 1400):
            notebook.page.set_viewport_size({"width": width, "height": 1500})
            wide = "desk => desk.scrollWidth - desk.clientWidth"
            assert desk.locator(".clover-desk").evaluate(wide) <= 1
        assert notebook.violations(".clover-desk") == []
