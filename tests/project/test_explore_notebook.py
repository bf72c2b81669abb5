"""The answers in the exploring notebook are right for the people who were invented."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from clover_nb import connect, quality
from clover_nb.sandbox.rows import truth

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_explore_customers.ipynb"


@pytest.fixture(scope="module")
def answers():
    """What the notebook shows, by the code that shows it."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    return {cell.source: cell.outputs[-1].data for cell in cells if cell.get("outputs")}


@pytest.fixture(scope="module")
def known():
    """Who was invented for it."""
    return truth(5, 200, 1800)


def told(answers, code):
    """The text of the only answer whose code contains this."""
    (data,) = [data for source, data in answers.items() if code in source]
    return data["text/plain"]


def shown(answers, code):
    """The lines of the table of the only answer whose code contains this: lists of cells."""
    (data,) = [data for source, data in answers.items() if code in source]
    lines = re.findall(r"<tr.*?</tr>", data["text/html"].partition("<tbody>")[2], re.DOTALL)
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", line) for line in lines]


def counted(answers, code):
    """A table of two columns: what, and how many."""
    return {what: int(many) for what, many in shown(answers, code)}


def test_how_many_have_no_card(answers, known):
    """As many as were invented without one."""
    without = sum(not person.cards for person, _ in known.values())
    assert told(answers, "have no card:").startswith(f"'{without} of {len(known)} customers")


def test_which_state_grew_most(answers, known):
    """By new customers this year and the year before."""
    new = {2024: Counter(), 2025: Counter()}
    for person, _ in known.values():
        year = dt.datetime.fromtimestamp(person.since / 1000, dt.UTC).year
        if person.country == "US" and person.state and year in new:
            new[year][person.state] += 1
    state = max(new[2025], key=lambda state: new[2025][state] - new[2024][state])
    assert told(answers, "grew most:") == (
        f"'{state} grew most: {new[2025][state]} new customers in 2025, {new[2024][state]} in 2024'"
    )


def test_who_is_probably_the_same_person(answers, known):
    """The pairs that it counts are those who were invented twice, and each that it shows is one."""
    real = Counter(person.shared for person, twin in known.values() if twin)
    assert counted(answers, 'twins.value_counts("why")') == real
    pairs = shown(answers, 'twins.groupby("why")')
    assert len(pairs) == 9
    for _, one, other, *_ in pairs:
        assert known[other][1] == one


def test_the_pairs_are_the_ones_that_were_invented(known):
    """All of them, in the table that the notebook looks at."""
    with connect("local", seed=5, requests_per_second=None) as clover:
        clover.sandbox.seed(1_800)
        twins = quality.duplicates(clover.customers.list(limit=None))
    found = {frozenset(pair) for pair in twins[["id", "other_id"]].to_numpy()}
    assert found == {frozenset((one, twin)) for one, (_, twin) in known.items() if twin}


def test_which_cards_expire_soon(answers, known):
    """Month by month, of the newest cards."""
    months = counted(answers, 'expiring = expiring[: f"{today')
    newest = (re.search(r'Date":"(..)(..)"', p.cards[0]) for p, _ in known.values() if p.cards)
    real = Counter(f"20{found[2]}-{found[1]}" for found in newest)
    assert months == {month: n for month, n in real.items() if month <= "2026-06"}
