"""The fields of a form in a real JupyterLab: what a person types, and where it goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

CARD = TEST_CARDS["visa"]["number"]
# No card number by Luhn, and it begins otherwise than CARD: earlier widgets are saved too.
MISTYPED = TEST_CARDS["mastercard"]["number"][:-1] + "0"
IN_FOURS = " ".join(re.findall("....", CARD))

FORM = """
from clover_nb import connect, forms
clover = connect("local")
form = forms.create_customer(clover=clover); form
"""
NAME = "form.values['texts']['name']"


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """A form with a text, an address, and a token that can be pasted."""
    return open_shared_notebook([FORM, "'the second cell'"], run=False, height=1400)


@pytest.fixture
def notebook(shared):
    """The notebook as it is at the start."""
    shared.start_over()
    shared.page.get_by_label("Paste a token").check()
    return shared


def name_field(notebook):
    return notebook.page.get_by_label("Name", exact=True)


def paste(notebook, field, text: str) -> None:
    """Paste as a person does, from the clipboard."""
    page = notebook.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    field.press("Control+v")


def test_a_click_after_typing_sees_the_whole_text(notebook):
    """A kernel that lags behind the typing still knows the whole text at the click."""
    notebook.set_latency(150)
    typed = "Zoë O'Neil 🍀 <b>&amp; مرحبا"
    name_field(notebook).press_sequentially(f"  {typed} ")
    notebook.page.get_by_role("button", name="Create customer").click()
    expect(notebook.page.get_by_text("fields need attention")).to_be_visible()
    assert notebook.evaluate(NAME) == repr(f"  {typed} ")


def test_held_digits_arrive_before_a_click(notebook):
    """A long number that is no card's is held back while it is typed, but not from a click."""
    field = name_field(notebook)
    for number in ("+14155550123456", "4085550125", "1732435200000", MISTYPED):
        field.fill("")
        field.press_sequentially(number)
        # As assistive technology clicks: without moving the focus first.
        notebook.page.get_by_role("button", name="Create customer").dispatch_event("click")
        notebook.wait_for(NAME, repr(number))
        expect(field).to_have_value(number)


@pytest.mark.parametrize("label", ["Name", "Card token"])
def test_a_card_number_stays_in_the_browser(notebook, label):
    """A card number, typed or pasted, is refused before anything of it is sent."""
    field = notebook.page.get_by_label(label, exact=True)
    note = notebook.page.locator(".clover-field").filter(has=field).locator(".clover-message")
    refusal = re.compile("^That looks like a card number")

    for text in (CARD, IN_FOURS, IN_FOURS.replace(" ", "-"), f"Ana {CARD} 12/35 123"):
        paste(notebook, field, text)
        expect(field).to_have_value("Ana" if text.startswith("Ana") else "")
        expect(note).to_have_text(refusal)
        field.fill("x")
        expect(note).not_to_have_text(refusal)
        field.fill("")
    for text in (CARD, IN_FOURS):
        field.press_sequentially(text)
        field.press("Enter")
        expect(field).to_have_value("")
        expect(note).to_have_text(refusal)
    field.press_sequentially(CARD)
    expect(field).to_have_value("")  # by itself, after a pause

    notebook.wait_for(f"{NAME}, form.token == ''", "('', True)")  # messages overtake each other
    frames = "".join(notebook.sent)
    assert "comm_msg" in frames
    assert CARD[:9] not in re.sub(r"[^0-9a-z]", "", frames)
    assert CARD[:9] not in re.sub(r"[^0-9a-z]", "", notebook.saved())


def test_a_secret_is_in_no_saved_file_and_not_sent_back(notebook):
    """A token reaches the kernel and nothing else; one that is there shows as bullets."""
    page, field = notebook.page, notebook.page.get_by_label("Card token")
    name_field(notebook).press_sequentially("Ana Rivera")
    expect(field).to_have_attribute("type", "password")
    field.press_sequentially("clv_TYPED1")
    notebook.wait_for("form.token == 'clv_TYPED1'", "True")
    assert "Ana Rivera" in notebook.saved(), "the state of the widgets is saved"
    assert "TYPED1" not in notebook.saved()
    assert "TYPED1" not in "".join(notebook.received)
    assert "TYPED1" not in notebook.evaluate("form, form.token")

    field.press("Escape")
    expect(field).to_have_value("")
    notebook.wait_for("form.token == ''", "True")

    page.get_by_role("button", name="Use this test card").click()
    expect(field).to_have_attribute("placeholder", re.compile("•+"))
    expect(field).to_have_value("")
    assert notebook.evaluate("form.token.startswith('clv_')") == "True"
    assert "clv_1" not in "".join(notebook.received)
    field.press("Backspace")
    notebook.wait_for("form.token == ''", "True")
    expect(field).not_to_have_attribute("placeholder", re.compile("•+"))


def test_keys_stay_in_the_form(notebook):
    """No key typed in a field is a command of the notebook, but saving is."""
    page, field = notebook.page, name_field(notebook)
    notebook.saved()
    prompts = page.locator(".jp-InputArea-prompt")
    counts = prompts.all_inner_texts()
    field.focus()
    for key in ("Escape", "d", "d", "a", "b", "x", "Shift+Enter", "Control+Enter"):
        page.keyboard.press(key)
    expect(field).to_have_value("ddabx")
    expect(field).to_be_focused()
    expect(page.locator(".jp-CodeCell")).to_have_count(2)
    expect(prompts).to_have_text(counts)

    dirty = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.model.dirty = true }")
    page.keyboard.press("Control+s")
    page.wait_for_function(f"() => !({dirty})()")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Phone", exact=True)).to_be_focused()


def test_a_message_stands_with_its_field_and_is_announced(notebook):
    """When the field is left; each edit after that is checked, and the message goes in time."""
    field = notebook.page.get_by_label("Email")
    note = notebook.page.locator(".clover-field").filter(has=field).get_by_role("status")
    expect(note).to_have_count(1)  # it is there before there is a message, or nothing is announced
    field.press_sequentially("ana@")
    expect(field).to_have_attribute("aria-invalid", "false")
    field.press("Tab")
    expect(field).to_have_accessible_description(re.compile("not an email address"))
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(note).to_contain_text("not an email address")
    field.press("End")
    field.press_sequentially("example.com")
    expect(field).to_have_attribute("aria-invalid", "false")
    expect(note).to_have_text("")


def test_pasted_line_breaks_become_spaces(notebook):
    """Lines and cells that are pasted are joined with spaces, and nothing of them is lost."""
    field = name_field(notebook)
    paste(notebook, field, "12\tMain St\r\n  Springfield\n")
    expect(field).to_have_value("12 Main St Springfield")
    long = "x" * 10_000
    paste(notebook, field, long)
    notebook.wait_for(f"{NAME} == '12 Main St Springfield' + 'x' * {len(long)}", "True")
