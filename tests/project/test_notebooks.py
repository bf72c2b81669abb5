"""The notebooks as they are committed: run, clean, and without secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest

from clover_nb import rules

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    """The tests below look at something."""
    assert [path.name for path in NOTEBOOKS][:2] == ["01_first_customers.ipynb", "02_forms.ipynb"]


def test_each_cell_was_run_in_order(notebook):
    """A cell that was never run: nbval compares nothing of it."""
    assert [cell.execution_count for cell in code(notebook)] == list(
        range(1, len(code(notebook)) + 1)
    )


def test_no_cell_failed(notebook):
    """A reader sees no traceback, and nothing on standard error."""
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert not [out for out in outputs if out.output_type == "error" or out.get("name") == "stderr"]


def test_nothing_of_one_machine_or_one_run_is_kept(notebook):
    """No widget state, no view that needs a living kernel, no path, no version of Python."""
    text = nbformat.writes(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert "application/vnd.jupyter.widget" not in text
    assert not re.search(r"/home/|/root|/Users/|/tmp|\\\\Users|0x[0-9a-f]{8}|127\.0\.0\.1", text)


def test_no_secret_and_no_card_number_is_kept(notebook):
    """Tokens print masked, and card numbers are named, never spelled."""
    text = nbformat.writes(notebook)
    assert not re.search(r"clv_\w", text)
    assert not re.search(r"\b[0-9a-f]{32}\b", text)
    assert not any(map(rules.looks_like_card_number, text.splitlines()))


def test_a_notebook_stays_small(notebook):
    """It opens at once."""
    assert len(json.dumps(notebook)) < 300_000
