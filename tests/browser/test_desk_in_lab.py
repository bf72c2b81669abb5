"""The desk in a real JupyterLab: found, changed and taken back, by mouse and by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

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
    expect(desk.get_by_text("LOCAL practice")).to_be_visible()
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
    expect(desk.get_by_text("Taken back: Ana Rivera")).to_be_visible()
    expect(desk.get_by_role("grid")).to_contain_text("Ana Rivera")

    button(desk, "New customer").click()
    expect(desk.get_by_role("heading", name="Create a customer")).to_be_visible()
    desk.get_by_label("Email").fill("bo@example.com")
    button(desk, "Use this test card").click()
    expect(desk.get_by_label("Card token")).to_have_attribute("placeholder", re.compile("•+"))
    desk.get_by_label("The cardholder agreed").check()
    button(desk, "Create customer").click()
    notebook.wait_for("desk.table.selected['email'].tolist()", "['bo@example.com']")
    expect(desk.locator(".clover-who").first).to_contain_text("bo@example.com")

    notebook.evaluate("Customer.modify(ana, name='Ana Changed')")
    button(desk, "Refresh").click()
    expect(desk.get_by_role("grid")).to_contain_text("Ana Changed")
    expect(desk.get_by_text("read just now")).to_be_visible()


def test_everything_is_done_with_the_keyboard_alone(notebook):
    """From the search to the saved change and back, with no key reaching the notebook."""
    page, desk = notebook.page, notebook.output(1)
    press, type_ = page.keyboard.press, page.keyboard.type

    def tab_to(target):
        for _ in range(30):
            press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                return
        pytest.fail("Tab does not lead there")

    desk.get_by_role("searchbox").focus()
    type_("ana.rivera@desk")
    expect(desk.get_by_text("of 1 match")).to_be_visible()
    press("ArrowDown")
    press("Enter")
    expect(desk.get_by_text("AMEX •••• 0005, expires")).to_be_visible()
    tab_to(button(desk, "Edit contact"))
    press("Enter")
    name = desk.get_by_label("Name", exact=True)
    expect(name).to_have_value("Ana Rivera")
    tab_to(name)
    type_("Ana Costa")  # Tab selects what is in a field
    press("Enter")
    expect(desk.get_by_text("Saved: Ana Costa")).to_be_visible()
    tab_to(button(desk, "Undo"))
    press("Space")
    expect(desk.get_by_text("Taken back: Ana Rivera")).to_be_visible()

    desk.get_by_role("searchbox").focus()
    tab_to(button(desk, "Take a card off"))
    press("Enter")
    card = desk.get_by_label("Card", exact=True)
    tab_to(card)
    press("ArrowDown")
    expect(desk.get_by_role("table", name="What will change")).to_contain_text("AMEX •••• 0005")
    tab_to(desk.get_by_label("I mean to take this card off"))
    press("Space")
    tab_to(button(desk, "Take card off"))
    for key in ("Escape", "d", "d"):
        press(key)
    press("Enter")
    expect(desk.get_by_text("Saved: Ana Rivera")).to_be_visible()
    notebook.wait_for("Customer.retrieve(ana)['card_count']", "0")

    desk.get_by_role("searchbox").focus()
    tab_to(button(desk, "Attach a card"))
    press("Enter")
    tab_to(button(desk, "Use this test card"))
    press("Enter")
    expect(desk.get_by_label("Card token")).to_have_attribute("placeholder", re.compile("•+"))
    tab_to(desk.get_by_label("The cardholder agreed"))
    press("Space")
    tab_to(button(desk, "Attach card"))
    press("Enter")
    notebook.wait_for("Customer.retrieve(ana)['card_count']", "1")
    assert page.locator(".jp-CodeCell").count() == 2


def test_it_is_whole_and_open_to_all(notebook):
    """With a customer and a form open, at 900 and 1400 pixels, in both themes, by axe's measure."""
    desk = notebook.output(1)
    desk.get_by_role("row").nth(3).click()
    button(desk, "Shipping address").click()
    desk.get_by_label("City").fill("x")
    expect(desk.get_by_role("table", name="What will change")).to_be_visible()
    for dark in (True, False):
        notebook.use_theme(dark=dark)
        for width in (900, 1400):
            notebook.page.set_viewport_size({"width": width, "height": 1500})
            wide = "desk => desk.scrollWidth - desk.clientWidth"
            assert desk.locator(".clover-desk").evaluate(wide) <= 1
        assert notebook.violations(".clover-desk") == []
