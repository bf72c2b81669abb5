"""The table in a real JupyterLab: searching, sorting, paging and selecting."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

TABLE = """
import pandas as pd
from clover_nb.forms._table import Table

people = pd.DataFrame({
    "name": [f"Person {n:02}" for n in range(60)],
    "email": [f"p{n:02}@example.com" for n in range(60)],
    "phone": [f"555-01{n:02}" for n in range(60)],
}, index=pd.Index([f"ID{n:02}" for n in range(60)], name="id"))
people.loc["ID07", "name"] = "José <script>alert(1)</script>"
people.loc["ID08", "name"] = None
table, chosen = Table(people, page_size=20), []
table.on_select(chosen.append)
table
"""


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """Sixty people, twenty a page."""
    return open_shared_notebook([TABLE], run=False)


@pytest.fixture
def notebook(shared):
    """The notebook as it is at the start."""
    shared.start_over()
    return shared


def row(notebook, text: str):
    """The row that holds this text."""
    return notebook.page.get_by_role("row").filter(has_text=text)


def test_search_sort_page_and_select(notebook):
    """What is asked for is shown, and the choice stays with its customer."""
    page, status = notebook.page, notebook.page.get_by_role("status")
    expect(status).to_have_text("1\N{EN DASH}20 of 60 customers")
    page.get_by_role("button", name="Next page").click()
    expect(status).to_have_text("21\N{EN DASH}40 of 60 customers")
    row(notebook, "Person 25").click()
    notebook.wait_for("table.selected.name.tolist(), chosen", "(['Person 25'], ['ID25'])")

    page.get_by_role("searchbox").press_sequentially("example 55501 2")
    expect(status).to_have_text("1\N{EN DASH}15 of 15 matches (of 60 customers)")
    expect(row(notebook, "Person 25")).to_have_attribute("aria-selected", "true")
    name = page.get_by_role("columnheader", name="Name")
    name.get_by_role("button").click()
    expect(name).to_have_attribute("aria-sort", "ascending")
    name.get_by_role("button").click()
    expect(name).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("row").nth(1)).to_contain_text("Person 52")
    expect(row(notebook, "Person 25")).to_have_attribute("aria-selected", "true")

    page.get_by_role("searchbox").fill("JOSE")
    expect(status).to_have_text("1\N{EN DASH}1 of 1 match (of 60 customers)")
    expect(row(notebook, "José <script>alert(1)</script>")).to_be_visible()
    assert notebook.evaluate("table.selected_id") == "'ID25'"

    notebook.evaluate("setattr(table, 'data', people.drop('ID25'))")
    expect(status).to_have_text("1\N{EN DASH}1 of 1 match (of 59 customers)")
    notebook.wait_for("table.selected_id, len(table.selected), chosen", "('', 0, ['ID25', ''])")


def test_keyboard_alone(notebook):
    """Every part is reached and worked without a mouse, and no key reaches the notebook."""
    page = notebook.page
    page.get_by_role("searchbox").focus()
    page.keyboard.type("person")
    expect(page.get_by_role("status")).to_have_text(
        "1\N{EN DASH}20 of 58 matches (of 60 customers)"
    )
    page.keyboard.press("ArrowDown")
    expect(row(notebook, "Person 00")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    notebook.wait_for("table.selected_id", "'ID01'")
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    expect(row(notebook, "Person 22")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row(notebook, "Person 21")).to_be_focused()
    for key in ("Escape", "d", "d", "b"):
        page.keyboard.press(key)
    page.keyboard.press("Space")
    notebook.wait_for("table.selected_id", "'ID21'")
    assert page.locator(".jp-CodeCell").count() == 1

    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Customer id")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Customer id")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(page.get_by_role("button", name="Customer id")).to_be_focused()


def test_card_number_is_not_searched_for(notebook):
    """A card number in the search box is refused before it is sent."""
    search, number = notebook.page.get_by_role("searchbox"), TEST_CARDS["amex"]["number"]
    search.press_sequentially(number, delay=40)  # each letter is searched for meanwhile
    search.press("Enter")
    expect(search).to_have_value("")
    expect(notebook.page.get_by_text("That looks like a card number")).to_be_visible()
    assert number[:12] not in re.sub(r"\D", "", "".join(notebook.sent))
    search.fill("5550133")
    expect(row(notebook, "Person 33")).to_be_visible()


def test_saved_notebook_shows_the_table_without_script(open_notebook, lab):
    """Opened where the widget can't run, the saved notebook shows the first page as text."""
    notebook = open_notebook([TABLE])
    notebook.saved()
    copy = lab.folder / "copy-from-somebody.ipynb"
    copy.write_text(notebook.path.read_text().replace("import pandas", "import  pandas"))
    notebook.page.goto(f"{lab.url}lab/workspaces/copy/tree/{copy.name}")
    shown = notebook.page.locator(".jp-RenderedHTML")
    expect(shown).to_contain_text("20 of 60 customers; run this cell to search and sort")
    expect(shown.get_by_role("row").nth(8)).to_contain_text("José <script>alert(1)</script>")
