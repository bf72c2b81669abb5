"""The field in a real JupyterLab: what a person types, and where it goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

CARD = TEST_CARDS["visa"]["number"]
# No card number by Luhn, and it begins otherwise than CARD: earlier widgets are saved too.
MISTYPED = TEST_CARDS["mastercard"]["number"][:-1] + "0"
IN_FOURS = " ".join(re.findall("....", CARD))

FIELDS = """
import time
from ipywidgets import Button, VBox
from clover_nb.forms._field import Field

name, token = Field("Name", help="First and last"), Field("Card token", kind="secret")
button, seen = Button(description="Send"), []
button.on_click(lambda _: seen.append(name.value))
name.on_submit(lambda: seen.append(f"enter {name.value}"))
name.on_cancel(lambda: seen.append("escape"))
VBox([name, token, button])
"""


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """Two fields and a button."""
    return open_shared_notebook([FIELDS, "'the second cell'"], run=False)


@pytest.fixture
def notebook(shared):
    """The notebook as it is at the start."""
    shared.start_over()
    return shared


def paste(notebook, label: str, text: str) -> None:
    """Paste as a person does, from the clipboard."""
    page = notebook.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    page.get_by_label(label).press("Control+v")


def test_click_after_typing_sees_the_whole_text(notebook):
    """A kernel that lags behind the typing still knows the whole text at the click."""
    notebook.evaluate("name.on_edit(lambda: time.sleep(0.05))")
    typed = "Zoë O'Neil 🍀 <b>&amp; مرحبا"
    field = notebook.page.get_by_label("Name")
    field.press_sequentially(f"  {typed} ")
    notebook.page.get_by_role("button", name="Send", exact=True).click()
    field.press("End")
    field.press_sequentially("!")
    field.press("Enter")
    field.press("Escape")
    notebook.wait_for("seen", repr([typed, f"enter {typed} !", "escape"]))


def test_held_digits_arrive_before_a_click(notebook):
    """A long number that is no card's is held back while it is typed, but not from a click."""
    field = notebook.page.get_by_label("Name")
    for number in ("+14155550123456", "4085550125", "1732435200000", MISTYPED):
        field.fill("")
        field.press_sequentially(number)
        # As assistive technology clicks: without moving the focus first.
        notebook.page.get_by_role("button", name="Send", exact=True).dispatch_event("click")
        notebook.wait_for("seen[-1:]", repr([number]))
        expect(field).to_have_value(number)


@pytest.mark.parametrize("label", ["Name", "Card token"])
def test_card_number_stays_in_the_browser(notebook, label):
    """A card number, typed or pasted, is refused before anything of it is sent."""
    field = notebook.page.get_by_label(label)
    refusal = notebook.page.get_by_text("That looks like a card number")
    variable = {"Name": "name", "Card token": "token"}[label]

    for text in (CARD, IN_FOURS, IN_FOURS.replace(" ", "-"), f"Ana {CARD} 12/35 123"):
        paste(notebook, label, text)
        expect(field).to_have_value("Ana" if text.startswith("Ana") else "")
        expect(refusal).to_be_visible()
        field.fill("x")
        expect(refusal).to_be_hidden()
        field.fill("")
    for text in (CARD, IN_FOURS):
        field.press_sequentially(text)
        field.press("Enter")
        expect(field).to_have_value("")
        expect(refusal).to_be_visible()
        notebook.wait_for(f"{variable}.message.startswith('That looks like a card')", "True")
    field.press_sequentially(CARD)
    expect(field).to_have_value("")  # by itself, after a pause

    assert notebook.evaluate(f"{variable}.value == '', seen") == "(True, [])"
    frames = "".join(notebook.sent)
    assert "comm_msg" in frames
    assert CARD[:9] not in re.sub(r"[^0-9a-z]", "", frames)
    assert CARD[:9] not in re.sub(r"[^0-9a-z]", "", notebook.saved())


def test_secret_is_in_no_saved_file_and_not_sent_back(notebook):
    """A secret reaches the kernel and nothing else; code that sets one shows bullets."""
    page, field = notebook.page, notebook.page.get_by_label("Card token")
    expect(field).to_have_attribute("type", "password")
    field.press_sequentially("clv_TYPED1")
    notebook.wait_for("token.value == 'clv_TYPED1'", "True")
    assert '"Name"' in notebook.saved(), "the state of the widgets is saved"
    assert "TYPED1" not in notebook.saved()
    assert "TYPED1" not in "".join(notebook.received)
    assert "TYPED1" not in notebook.evaluate("token, token.value")

    page.evaluate("() => 0")
    notebook.evaluate("token.clear()")
    expect(field).to_have_value("")
    assert notebook.evaluate("token.value == ''") == "True"

    notebook.evaluate("setattr(token, 'value', ''.join(['clv_', 'SET', '2']))")
    expect(field).to_have_attribute("placeholder", re.compile("•+"))
    expect(field).to_have_value("")
    assert "clv_SET2" not in "".join(notebook.received)
    assert "clv_SET2" not in notebook.saved()
    assert notebook.evaluate("token.value == 'clv_SET2'") == "True"
    field.press("Backspace")
    notebook.wait_for("token.value == ''", "True")
    expect(field).to_have_attribute("placeholder", "")


def test_keys_stay_in_the_field(notebook):
    """No key typed in the field is a command of the notebook, but saving is."""
    page, field = notebook.page, notebook.page.get_by_label("Name")
    notebook.saved()
    counts = page.locator(".jp-InputArea-prompt").all_inner_texts()
    field.focus()
    for key in ("Escape", "d", "d", "Escape", "a", "b", "x", "Shift+Enter", "Control+Enter"):
        page.keyboard.press(key)
    expect(field).to_have_value("ddabx")
    expect(field).to_be_focused()
    assert page.locator(".jp-CodeCell").count() == 2
    assert page.locator(".jp-InputArea-prompt").all_inner_texts() == counts

    dirty = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.model.dirty = true }")
    page.keyboard.press("Control+s")
    page.wait_for_function(f"() => !({dirty})()")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Card token")).to_be_focused()


def test_message_stands_with_the_field(notebook):
    """A message is tied to its input, has a tone, and goes with the next edit."""
    field = notebook.page.get_by_label("Name")
    expect(field).to_have_accessible_description("First and last")
    notebook.evaluate("setattr(name, 'message', '<i>Too</i> short')")
    expect(field).to_have_accessible_description(re.compile("<i>Too</i> short"))
    expect(field).to_have_attribute("aria-invalid", "true")
    notebook.evaluate("setattr(name, 'tone', 'warning')")
    expect(field).to_have_attribute("aria-invalid", "false")
    expect(notebook.page.get_by_role("status").filter(has_text="Too")).to_be_visible()
    field.press("z")
    expect(field).to_have_accessible_description("First and last")
    assert notebook.evaluate("name.message, name.value") == "('', 'z')"

    notebook.evaluate("setattr(name, 'value', 'from code'), name.focus()")
    expect(field).to_have_value("from code")
    expect(field).to_be_focused()
    notebook.evaluate("setattr(name, 'disabled', True)")
    expect(field).to_be_disabled()


def test_pasted_line_breaks_become_spaces(notebook):
    """Lines that are pasted are joined with spaces, and nothing of them is lost."""
    field = notebook.page.get_by_label("Name")
    paste(notebook, "Name", "12 Main St\r\n  Springfield\n")
    expect(field).to_have_value("12 Main St Springfield")
    long = "x" * 10_000
    paste(notebook, "Name", long)
    notebook.wait_for(f"name.value == '12 Main St Springfield' + 'x' * {len(long)}", "True")
