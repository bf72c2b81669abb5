"""Many changes in a real JupyterLab: from a pasted table to an undone batch, and what goes wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

CONNECT = """
import clover_nb
from clover_nb import forms
clover = clover_nb.use(clover_nb.connect("local", seed=3, journal="journal.sqlite3"))
"""
FORM = "form = forms.change_many()\nform"
CELLS = (
    "E-mail\tName\tPhone\tNotes\n"
    "new@example.com\tAna Rivera\t+1 408 555 0125\tfrom the fair\n"
    "wrong@\tBo Lee\t555-0100\t\n"
)


@pytest.fixture
def notebook(open_notebook, tmp_path):
    """A form on a sandbox of its own, whose journal is a file: an apply is another process."""
    path = repr(str(tmp_path / "journal.sqlite3"))
    return open_notebook([CONNECT.replace('"journal.sqlite3"', path), FORM])


def button(notebook, name: str):
    return notebook.page.get_by_role("button", name=name, exact=True)


def paste(notebook, cells: str) -> None:
    box = notebook.page.get_by_label("Or paste cells from a spreadsheet")
    box.fill(cells)
    button(notebook, "Use these cells").click()


def test_from_a_pasted_table_to_an_undone_batch(notebook):
    """Each step leads to the next one, by names that a screen reader says."""
    page = notebook.page
    paste(notebook, CELLS)
    expect(page.get_by_text("pasted cells: 2 rows, 4 columns")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("email")
    expect(page.get_by_label("Notes")).to_have_value("")
    button(notebook, "Review the changes").click()
    expect(button(notebook, "1 new")).to_be_visible()
    button(notebook, "1 wrong").click()
    expect(page.get_by_role("row").filter(has_text="Bo Lee")).to_contain_text(
        "Email is not an email address"
    )
    expect(page.get_by_role("row").filter(has_text="Ana Rivera")).to_have_count(0)
    button(notebook, "Go on to apply").click()
    expect(page.get_by_text("1 customer, 1 request: about 5 seconds.")).to_be_visible()
    button(notebook, "Apply").click()
    expect(page.get_by_text("All that was planned was sent")).to_be_visible(timeout=60_000)
    assert notebook.evaluate("len(clover.customers.search(email='new@example.com'))") == "1"
    button(notebook, "Plan to undo it").click()
    page.get_by_label("the customer is deleted for good (1 row)").check()
    button(notebook, "Go on to apply").click()
    button(notebook, "Apply").click()
    expect(page.get_by_text("All that was planned was sent")).to_be_visible(timeout=60_000)
    assert notebook.evaluate("len(clover.customers.search(email='new@example.com'))") == "0"
