"""Many changes in a real JupyterLab: from a pasted table to an undone batch, and what goes wrong."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from clover_nb import sandbox
from clover_nb.constants import TEST_CARDS

CONNECT = """
import clover_nb
from clover_nb import forms
clover = clover_nb.use(clover_nb.connect("local", **{arguments!r}))
"""
FORM = "form = forms.change_many()\nform"
DESK = "desk = forms.desk()\ndesk"
CELLS = (
    "E-mail\tName\tPhone\tNotes\n"
    "new@example.com\tAna Rivera\t+1 408 555 0125\tfrom the fair\n"
    "wrong@\tBo Lee\t555-0100\t\n"
)
LONG = 60_000  # milliseconds: another process starts, and Clover's pace is kept


@pytest.fixture
def box(request):
    """A sandbox that outlives the kernel; with a parameter, as slow as it says."""
    latency = getattr(request, "param", 0)
    with sandbox.start(seed=3, customers=30, latency_ms=latency) as running:
        yield running


@pytest.fixture
def connect(box, tmp_path):
    """A cell that connects to it, with a journal in a file: an apply is another process."""
    return CONNECT.format(arguments=box.connection() | {"journal": str(tmp_path / "journal")})


@pytest.fixture
def notebook(open_notebook, connect):
    """A form, and what it is about."""
    return open_notebook([connect, FORM])


def button(notebook, name: str):
    return notebook.page.get_by_role("button", name=name, exact=True)


def row(notebook, text: str):
    return notebook.page.get_by_role("row").filter(has_text=text)


def paste(notebook, cells: str) -> None:
    notebook.page.get_by_label("Or paste cells from a spreadsheet").fill(cells)
    button(notebook, "Use these cells").click()


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
    notebook.run_all()
    expect(page.get_by_text(re.compile(r"^[1-9]\d* done, 0 failed"))).to_be_visible()
    button(notebook, "Stop").click()
    expect(page.get_by_text("It has stopped. Somebody asked for it.")).to_be_visible(timeout=LONG)
    expect(button(notebook, "Stop")).to_have_count(0)

    notebook.run_all()  # a new form, which offers what has stopped
    button(notebook, "Show it").click()
    button(notebook, "Go on").click()
    expect(page.get_by_text("All that was planned was sent")).to_be_visible(timeout=LONG)
    table = "clover.customers.list()"
    made = notebook.evaluate(f"{table}['email'].str.match('many').sum().item()")
    assert made == "90"
    assert len([each for each in box.requests if each["method"] == "POST"]) == 90
