"""Many changes in a real JupyterLab: from a pasted table to an undone batch, by its names."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from clover_nb import sandbox
from clover_nb.constants import TEST_CARDS

# What it connects to is in a file, and another for each test.
CONNECT = """
import json
from pathlib import Path
import clover_nb
from clover_nb import forms
clover = clover_nb.use(clover_nb.connect("local", **json.loads(Path("many.json").read_text())))
"""
FORM = "form = forms.change_many()\nform"
DESK = "desk = forms.desk()\ndesk"
TABLE = "table = forms.customer_table(clover.customers.list(), page_size=10)\ntable"
TWO = "forms.change_many(clover.customers.list().iloc[:2])"
TICKED = "form = forms.change_many(table.selected) if len(table.selected) else None\nform"
CELLS = (
    "E-mail\tName\tPhone\tNotes\n"
    "new@example.com\tAna Rivera\t+1 408 555 0125\tfrom the fair\n"
    "wrong@\tBo Lee\t555-0100\t\n"
)
PHONE = "206-555-0188"
LONG = 60_000  # milliseconds: another process starts, and Clover's pace is kept


@pytest.fixture
def box(request):
    """A sandbox that outlives the kernel; with a parameter, as slow as it says."""
    latency = getattr(request, "param", 0)
    with sandbox.start(seed=3, customers=30, latency_ms=latency) as running:
        yield running


@pytest.fixture
def connect(box, tmp_path, lab):
    """A cell that connects to it, with a journal in a file: an apply is another process."""
    arguments = box.connection() | {"journal": str(tmp_path / "journal")}
    (lab.folder / "many.json").write_text(json.dumps(arguments))
    return CONNECT


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """A form, the desk, and a form about two customers; a test runs the cell of its own."""
    return open_shared_notebook([CONNECT, FORM, DESK, TWO], run=False, width=1600)


@pytest.fixture
def connected(shared, connect):
    """The notebook with a connection of its own, and no form yet."""
    shared.start_over(0)
    return shared


@pytest.fixture
def notebook(connected):
    """A form, and what it is about."""
    connected.show(1)
    return connected


def button(notebook, name: str):
    return notebook.page.get_by_role("button", name=name, exact=True)


def row(notebook, text: str):
    return notebook.page.get_by_role("row").filter(has_text=text)


def paste(notebook, cells: str) -> None:
    notebook.page.get_by_label("Or paste cells from a spreadsheet").fill(cells)
    button(notebook, "Use these cells").click()


def set_phone_of_two(notebook) -> None:
    """Give those that are ticked a phone number, and apply it."""
    page = notebook.page
    page.get_by_label("What to set").select_option(label="Phone")
    page.get_by_label("Phone", exact=True).fill(PHONE)
    button(notebook, "Review the changes").click()
    expect(button(notebook, "2 to change")).to_be_visible()
    button(notebook, "Go on to apply").click()
    button(notebook, "Apply").click()
    expect(page.get_by_text("All that was planned was sent")).to_be_visible(timeout=LONG)


def people(count: int) -> str:
    lines = (f"many{n}@example.com\tMany {n}" for n in range(count))
    return "Email\tName\n" + "\n".join(lines)


def test_from_a_pasted_table_to_an_undone_batch(notebook):
    """Each step leads to the next one, by names that a screen reader says."""
    page = notebook.page
    paste(notebook, CELLS)
    expect(page.get_by_text("pasted cells: 2 rows, 4 columns")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("email")
    expect(page.get_by_label("Notes")).to_have_value("")
    assert notebook.violations(".clover-many") == []
    page.get_by_text("The file was read wrong").click()
    page.get_by_label("Row of the headings").fill("two")
    button(notebook, "Read it again").click()
    expect(page.get_by_text("The row of the headings is a number, such as 2.")).to_be_visible()
    page.get_by_label("Row of the headings").fill("")
    button(notebook, "Review the changes").click()
    expect(button(notebook, "1 new")).to_be_visible()
    assert notebook.violations(".clover-many") == []
    button(notebook, "1 wrong").click()
    expect(row(notebook, "Bo Lee")).to_contain_text("Email is not an email address")
    expect(row(notebook, "Ana Rivera")).to_have_count(0)
    with page.expect_download() as saved:
        button(notebook, "Save the plan").click()
    assert saved.value.suggested_filename == "pasted cells.plan.jsonl"
    button(notebook, "Go on to apply").click()
    expect(page.get_by_text("1 customer, 1 request: about 5 seconds.")).to_be_visible()
    button(notebook, "Apply").click()
    expect(page.get_by_text("All that was planned was sent")).to_be_visible(timeout=LONG)
    assert notebook.evaluate("len(clover.customers.search(email='new@example.com'))") == "1"
    assert notebook.violations(".clover-many") == []

    button(notebook, "Plan to undo it").click()
    expect(button(notebook, "Go on to apply")).to_have_attribute("aria-disabled", "true")
    page.get_by_label("the customer is deleted for good (1 row)").check()
    expect(button(notebook, "1 to delete")).to_be_visible()
    button(notebook, "Go on to apply").click()
    button(notebook, "Apply").click()
    expect(page.get_by_text("All that was planned was sent")).to_be_visible(timeout=LONG)
    assert notebook.evaluate("len(clover.customers.search(email='new@example.com'))") == "0"


def test_a_button_counts_though_it_is_drawn_meanwhile(notebook):
    """A count of rows, by another count between press and release."""
    page = notebook.page
    paste(notebook, CELLS)
    button(notebook, "Review the changes").click()
    notebook.hold(button(notebook, "1 wrong"))
    counts = "[['create', 'new', 1], ['wrong', 'wrong', 7]]"
    notebook.run(f"form.rows = {{**form.rows, 'counts': {counts}}}")
    page.mouse.up()
    expect(row(notebook, "Bo Lee")).to_be_visible()
    expect(row(notebook, "Ana Rivera")).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize("box", [2000], indirect=True)
def test_neither_a_reload_nor_a_dead_kernel_ends_an_application(notebook, box, connect):
    """It is found again, stopped from the form, gone on with, and each customer made once."""
    page = notebook.page
    paste(notebook, people(90))
    button(notebook, "Review the changes").click()
    button(notebook, "Go on to apply").click()
    button(notebook, "Apply").click()
    expect(page.get_by_text(re.compile(r"^[1-9]\d* done, 0 failed"))).to_be_visible(timeout=LONG)
    notebook.reload()
    expect(page.get_by_text(re.compile(r"^[1-9]\d* done, 0 failed"))).to_be_visible()
    notebook.kill_kernel()
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect(page.get_by_text(re.compile(r"^[1-9]\d* done, 0 failed"))).to_be_visible()
    button(notebook, "Stop").click()
    expect(page.get_by_text("It has stopped. Somebody asked for it.")).to_be_visible(timeout=LONG)
    expect(button(notebook, "Stop")).to_have_count(0)

    notebook.run_cell(1)  # a new form, which offers what has stopped
    button(notebook, "Show it").click()
    button(notebook, "Go on").click()
    expect(page.get_by_text("All that was planned was sent")).to_be_visible(timeout=LONG)
    table = "clover.customers.list()"
    made = notebook.evaluate(f"{table}['email'].str.match('many').sum().item()")
    assert made == "90"
    assert len([each for each in box.requests if each["method"] == "POST"]) == 90


@pytest.mark.long
def test_a_file_larger_than_a_message_is_chosen(notebook, tmp_path):
    """11 MB come in parts; then what is wrong is said where it was chosen."""
    page, path = notebook.page, tmp_path / "big.csv"
    line = ",".join(["{0}@example.com", "Ana {0}", "x" * 200])
    lines = (line.format(number) for number in range(50_000))
    path.write_text("email,name,notes\n" + "\n".join(lines))
    assert path.stat().st_size > 11_000_000
    page.get_by_label("Choose a file, or drop it here").set_input_files(path)
    expect(page.get_by_text("big.csv: 50,000 rows, 3 columns")).to_be_visible(timeout=LONG)
    button(notebook, "Change: File").click()
    path.write_text("email,name\nonly one value\n")
    page.get_by_label("Choose a file, or drop it here").set_input_files(path)
    told = page.get_by_role("region", name="1. File").get_by_role("alert")
    expect(told).to_contain_text("Row 2 has 1 values, and there are 2 headings.")


@pytest.mark.long
def test_a_file_that_changes_while_it_is_sent_is_chosen_again(notebook, tmp_path):
    """The browser gives no more of it away; that is said where it was chosen."""
    page, path = notebook.page, tmp_path / "big.csv"
    path.write_text("email,name\n" + "ana@example.com,Ana\n" * 700_000)  # many parts
    notebook.set_latency(400)
    page.get_by_label("Choose a file, or drop it here").set_input_files(path)
    expect(page.get_by_text(re.compile("Sending big.csv: [1-9]"))).to_be_visible()
    path.write_text("email,name\nana@example.com,Ana\n")
    told = page.get_by_role("region", name="1. File").get_by_role("alert")
    expect(told).to_contain_text("big.csv can not be read: it has changed since it was chosen")
    expect(page.get_by_text("Sending big.csv")).to_have_count(0)
    notebook.set_latency(0)
    page.get_by_label("Choose a file, or drop it here").set_input_files(path)
    expect(page.get_by_text("big.csv: 1 row, 2 columns")).to_be_visible()


@pytest.mark.long
def test_with_the_keyboard_alone(notebook):
    """From the cells to the application, and no key reaches the notebook."""
    page = notebook.page

    def tab_to(target):
        for _ in range(30):
            if target.evaluate("target => target === document.activeElement"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"Tab does not lead to {target}")

    page.get_by_label("Or paste cells from a spreadsheet").focus()
    page.keyboard.insert_text("Email\tState\tZIP\tStreet\tCity\na@example.com\tNY\t94085\t1 Elm\tX")
    tab_to(button(notebook, "Use these cells"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="2. Columns")).to_be_focused()
    tab_to(button(notebook, "Review the changes"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="3. Review")).to_be_focused()
    tab_to(page.get_by_label("the address is doubtful (1 row)"))
    page.keyboard.press("Space")
    expect(button(notebook, "1 new")).to_be_visible()
    tab_to(page.get_by_label("Tick 2"))
    page.keyboard.press("Space")
    expect(page.get_by_text("1 ticked:")).to_be_visible()
    for key in ("Escape", "d", "d"):
        page.keyboard.press(key)
    tab_to(button(notebook, "Go on to apply"))
    page.keyboard.press("Enter")
    tab_to(button(notebook, "Apply"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="5. Results")).to_be_focused(timeout=LONG)
    expect(page.locator(".jp-CodeCell")).to_have_count(4)


@pytest.mark.long
def test_production_is_marked_and_asks_for_a_tick(open_notebook, connect):
    """Before the first request; the tick is asked for beside its box."""
    live = "clover.settings.__dict__.update(environment='production', writes=True)"
    notebook = open_notebook([connect, live, FORM])
    page = notebook.page
    expect(page.get_by_text("PRODUCTION: real customers")).to_be_visible()
    paste(notebook, people(1))
    button(notebook, "Review the changes").click()
    button(notebook, "Go on to apply").click()
    button(notebook, "Apply").click()
    expect(page.get_by_text("Please tick this first.")).to_be_visible()
    assert notebook.evaluate("len(clover.batches())") == "0"
    page.get_by_label("This changes live data").check()
    button(notebook, "Apply").click()
    expect(page.get_by_text("All that was planned was sent")).to_be_visible(timeout=LONG)


def test_those_that_are_ticked_in_the_desk_are_changed(connected):
    """In the place of the record, which comes back; the desk shows them as they are then."""
    notebook, page = connected, connected.page
    notebook.show(2)
    expect(page.get_by_text("of 30 customers")).to_be_visible()
    row(notebook, "@").nth(0).click()
    expect(button(notebook, "Edit contact")).to_be_visible()
    rows = page.get_by_role("grid", name="Customers").get_by_role("row")
    ids = [rows.nth(place).get_attribute("data-id") for place in (2, 4)]
    for each in ids:
        page.locator(f"tr[data-id='{each}']").get_by_role("checkbox").check()
    expect(page.get_by_text("2 ticked")).to_be_visible()
    expect(button(notebook, "Edit contact")).to_be_visible()
    button(notebook, "Change 2 customers…").click()
    expect(button(notebook, "Edit contact")).to_be_hidden()
    set_phone_of_two(notebook)
    for each in ids:
        expect(page.locator(f"tr[data-id='{each}']")).to_contain_text(PHONE)
    rows.nth(1).get_by_role("gridcell").nth(1).click()
    expect(button(notebook, "Edit contact")).to_be_visible()
    expect(button(notebook, "Change many…")).to_be_visible()


def test_a_card_number_that_is_typed_stays_in_the_browser(connected):
    """As in the other forms: it is refused, and the kernel has a few digits of it at most."""
    notebook, page, number = connected, connected.page, TEST_CARDS["visa"]["number"]
    notebook.show(3)
    page.get_by_label("What to set").select_option(label="Phone")
    page.get_by_label("Phone", exact=True).press_sequentially(number)
    button(notebook, "Review the changes").click()
    expect(page.get_by_text("That looks like a card number")).to_be_visible()
    expect(page.get_by_label("Phone", exact=True)).to_have_value("")
    expect(page.get_by_role("heading", name="1. New value")).to_be_visible()
    frames = "".join(notebook.sent)
    assert '"phone":{"text":"4' in frames
    assert number[:9] not in frames


@pytest.mark.long
def test_those_that_are_ticked_in_a_table_are_changed_in_the_next_cell(open_notebook, connect):
    """As in the desk; which are picked on another page count too."""
    notebook = open_notebook([connect, TABLE, TICKED], width=1600)
    page, rows = notebook.page, notebook.output(1).get_by_role("row")
    rows.nth(2).get_by_role("checkbox").check()
    button(notebook, "Next page").click()
    expect(page.get_by_text("11\N{EN DASH}20 of 30 customers")).to_be_visible()
    rows.nth(3).get_by_role("checkbox").check()
    notebook.wait_for("len(table.selected_ids)", "2")
    notebook.run_cell(2)
    expect(page.get_by_role("heading", name="Change 2 customers")).to_be_visible()
    set_phone_of_two(notebook)
    changed = f"clover.customers.list().loc[lambda table: table['phone'] == {PHONE!r}].index"
    assert notebook.evaluate(f"set({changed}) == set(table.selected_ids)") == "True"
