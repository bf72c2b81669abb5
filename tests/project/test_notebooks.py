"""The notebooks as they are committed: run, clean, and without secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest

from clover_nb import errors
from clover_nb.card_numbers import contains_card_number

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    """The tests below look at something: at the lessons that the README lists, in its order."""
    readme = (NOTEBOOKS[0].parents[1] / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\(notebooks/(\d\d_\w+\.ipynb)\)", readme)
    assert [path.name for path in NOTEBOOKS] == listed


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
    assert not any(map(contains_card_number, text.splitlines()))


def test_a_cell_is_a_few_lines_without_helpers(notebook):
    """What has to be programmed belongs into the package."""
    for cell in code(notebook):
        assert len(cell.source.splitlines()) <= 16
        assert not re.search(r"^\s*(def|class|async|while)\b|lambda", cell.source, re.MULTILINE)
        assert max(map(len, cell.source.splitlines())) <= 110  # it is seen without scrolling


def test_a_notebook_stays_small(notebook):
    """It opens at once."""
    assert len(json.dumps(notebook)) < 300_000


def test_each_error_is_provoked_and_explained():
    """All those of the tree: in the table of docs/errors.md, and in code there or in the lesson."""
    (lesson,) = [path for path in NOTEBOOKS if path.stem == "07_when_things_go_wrong"]
    page = (lesson.parents[1] / "docs" / "errors.md").read_text(encoding="utf-8")
    source = page + "".join(cell.source for cell in code(nbformat.read(lesson, as_version=4)))
    tree = [value for value in vars(errors).values() if isinstance(value, type)]
    for error in (each for each in tree if issubclass(each, errors.CloverError)):
        explained = rf"^\| `{error.__name__}` \|" if not error.__subclasses__() else error.__name__
        assert re.search(explained, page, re.MULTILINE), error
        assert error.__subclasses__() or f"except errors.{error.__name__} as" in source, error
