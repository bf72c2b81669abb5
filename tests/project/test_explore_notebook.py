"""The answers in the exploring notebook are right for the people who were invented."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from clover_nb import connect, quality
from clover_nb.sandbox.sample_data.rows import expected_flaws

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_explore_customers.ipynb"


@pytest.fixture(scope="module")
def answers():
    """What the notebook shows, by the code that shows it."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    return {
        cell.source: output.data
        for cell in cells
        for output in cell.get("outputs", [])
        if output.output_type == "execute_result"
    }


@pytest.fixture(scope="module")
def known():
    """Who was invented for it."""
    return expected_flaws(5, 200, 1800)


def told(answers, code):
    """The text of the only answer whose code contains this."""
    (data,) = [data for source, data in answers.items() if code in source]
    return data["text/plain"]


def shown(answers, code):
    """The table of the only answer whose code contains this: its lines, as lists of cells."""
    (data,) = [data for source, data in answers.items() if code in source]
    lines = re.findall(r"<tr.*?</tr>", data["text/html"], re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in lines]


def counted(answers, code):
    """A table of two lines: what, and how many."""
    what, *_, many = shown(answers, code)
    return dict(zip(what[1:], map(int, many[1:]), strict=True))


def created(milliseconds):
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)


def test_how_many_came_each_month(answers, known):
    """The numbers of the first plot."""
    real = Counter(created(person.since).timetuple()[:2] for person, _ in known.values())
    lines = shown(answers, "by_month.T")[2:]
    assert {
        (int(year), month): int(many)
        for year, *numbers in lines
        for month, many in enumerate(numbers, start=1)
    } == real
    years = Counter(str(created(person.since).year) for person, _ in known.values())
    assert counted(answers, "by_month.sum()") == years


def test_how_many_have_no_card(answers, known):
    """As many as were invented without one."""
    without = sum(not person.cards for person, _ in known.values())
    assert told(answers, "have no card:").startswith(f"'{without} of {len(known)} customers")


def test_which_state_grew_most(answers, known):
    """By new customers this year and the year before."""
    americans = [person for person, _ in known.values() if person.country == "US"]
    new = {state: Counter() for state in {person.state for person in americans if person.state}}
    for person in americans:
        if person.state:
            new[person.state][created(person.since).year] += 1
    state = max(new, key=lambda state: new[state][2025] - new[state][2024])
    assert told(answers, "grew most:") == (
        f"'{state} grew most: {new[state][2025]} new customers in 2025, {new[state][2024]} in 2024'"
    )
    for state, *years, growth in shown(answers, "grown = by_year")[2:]:
        assert [int(many) for many in years] == [new[state][year] for year in (2023, 2024, 2025)]
        assert int(growth) == new[state][2025] - new[state][2024]


def test_who_is_probably_the_same_person(answers, known):
    """The pairs that it counts are those who were invented twice, and each that it shows is one."""
    real = Counter(person.shared for person, twin in known.values() if twin)
    assert counted(answers, 'twins.value_counts("why")') == real
    _, *pairs = shown(answers, 'twins.groupby("why")')
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
    """Month by month, of the newest cards, in the text of the chart."""
    (data,) = [data for code, data in answers.items() if "plot_card_expiry" in code]
    months = dict(re.findall(r"(\d{4}-\d\d) (\d+)", data["text/html"].partition(" src=")[0]))
    newest = (p.cards[0]["expirationDate"] for p, _ in known.values() if p.cards)
    real = Counter(f"20{text[2:]}-{text[:2]}" for text in newest)
    assert months == {m: str(n) for m, n in real.items() if "2025-07" <= m <= "2026-06"}


def test_each_sale_is_counted_once(answers):
    """As many after the join as before it, and the fiftieth ones are by nobody who is known."""
    sales, unknown = re.findall(r"\d+", told(answers, 'customer"'))[:2]
    assert int(sales) == 6014
    assert int(unknown) == pytest.approx(int(sales) / 50, abs=30)


def test_a_cohort_has_no_future(answers):
    """What lies after the day of the lesson is empty, and nothing else is."""
    lines = shown(answers, "share.iloc")[2:]
    assert [line[0] for line in lines] == [
        f"{y}Q{q}" for y in (2023, 2024, 2025) for q in range(1, 5)
    ]
    for number, (_, *shares) in enumerate(lines):
        past = min(8, len(lines) - number)
        assert all(share.endswith("%") for share in shares[:past])
        assert not any(shares[past:])


def test_where_their_mail_goes(answers, known):
    """By what stands behind the @."""
    real = Counter(p.email.partition("@")[2] for p, _ in known.values() if p.email)
    lines = shown(answers, 'str.partition("@")')[2:]
    assert {domain: int(many) for domain, many, _ in lines} == real
