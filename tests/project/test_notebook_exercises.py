"""What a reader does in a lesson: answers that are checked, and a case that is worked."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

from clover_nb import client

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_first_customers.ipynb"
ANSWER = re.compile(r"```python\n(.*?)```", re.DOTALL)

# For each exercise, what somebody could do instead: in part right, or something else.
WRONG = [
    [
        'Customer.create(email="kim@example.com", source=token_of("discover"))',
        'Customer.create(email="kim.tran@example.com", source=token_of("jcb"), name="Kim Tran")',
    ],
    [
        'Customer.modify(customer["id"], phone="555-0189")',
        'Customer.modify(customers.index[0], phone="555-0188")',
    ],
    [
        "houston = customers",
        'houston = customers[customers["shipping_city"] == "Houston"].head(3)',
        'houston = customers[customers["shipping_state"] == "TX"]',
    ],
]
DESK_LESSON = NOTEBOOK.with_name("06_support_desk.ipynb")
# What the text lets the reader do in the desk, before the cells that follow it.
WORKED_CASE = """
address = {"line1": "700 5th Avenue", "postal_code": "98104"}
done = Customer.modify(caller, shipping={"address": address})
clover.undo(done.attrs["entry"])
"""
TOKEN_OF = 'token_of = lambda card: Token.create(card=TEST_CARDS[card])["id"]'


def result_of(source, names):
    """Run a cell, and return what a notebook shows below it."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102  our own notebook
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307


@pytest.fixture
def lesson(monkeypatch):
    """The notebook, run up to its exercises: the names in its kernel, and the cells after that."""
    monkeypatch.setattr(client, "_default", [])
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    start = next(n for n, cell in enumerate(cells) if cell.source.startswith("## Your turn"))
    names: dict[str, object] = {}
    for cell in cells[:start]:
        if cell.cell_type == "code":
            result_of(cell.source, names)
    result_of(TOKEN_OF, names)
    yield names, cells[start:]
    names["clover"].close()


def test_a_check_turns_green_with_a_right_answer_alone(lesson):
    """Red without an answer and with each wrong one, green with the answer that is given there."""
    names, cells = lesson
    answers = [code for cell in cells for code in ANSWER.findall(cell.source)]
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    places, checks = code[::2], code[1::2]
    for place, wrong, answer, check in zip(places, WRONG, answers, checks, strict=True):
        for attempt in (place, *wrong):
            result_of(attempt, names)
            assert "not yet" in set(result_of(check, names)), attempt
        result_of(answer, names)
        assert set(result_of(check, names)) == {"right"}


def test_a_check_notices_what_was_not_to_be_changed(lesson):
    """The phone of the second exercise, and the name with it."""
    names, cells = lesson
    (check,) = [cell.source for cell in cells if '"the name is as it was":' in cell.source]
    result_of('Customer.modify(customer["id"], phone="555-0188", name="Somebody Else")', names)
    said = result_of(check, names)
    assert said["the number is new"] == "right"
    assert said["the name is as it was"] == "not yet"


def test_the_lesson_of_the_desk_goes_on_after_the_case_was_worked(monkeypatch):
    """Its cells take back their own change, not the reader's."""
    monkeypatch.setattr(client, "_default", [])
    names: dict[str, object] = {}
    for cell in nbformat.read(DESK_LESSON, as_version=4).cells:
        if cell.cell_type == "code":
            result_of(cell.source, names)
            if cell.source.startswith("customers ="):
                result_of(WORKED_CASE, names)
    assert names["before"]["shipping_line1"] == names["shown"]["shipping_line1"]
    assert names["before"]["shipping_line1"] != names["moved"]["shipping_line1"]
    names["clover"].close()
