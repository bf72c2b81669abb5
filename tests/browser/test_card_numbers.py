"""The browser's rule for card numbers is Python's."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_number_cases import CARDS, OTHERS, random_texts

from clover_nb import forms
from clover_nb.card_numbers import contains_card_number


@pytest.fixture
def ask(chromium):
    """A function that evaluates something where the browser's rule is loaded."""
    [folder] = forms.__path__
    page = chromium.new_page()
    page.add_script_tag(content=(Path(folder) / "static/card_numbers.js").read_text("utf-8"))
    yield page.evaluate
    page.close()


def test_both_rules_agree(ask):
    """On every spelling of the published numbers, and on thousands of texts drawn at random."""
    texts = [*CARDS, *OTHERS, *random_texts(5000)]
    found = ask("(texts) => texts.map((text) => findCard(text) >= 0)", texts)
    expected = list(map(contains_card_number, texts))
    assert 500 < sum(expected) < len(texts) - 500
    answers = zip(texts, expected, found, strict=True)
    assert [text for text, ours, theirs in answers if ours != theirs] == []


def test_the_browser_says_where_a_number_begins(ask):
    """What was typed before it can be kept."""
    before = "é👍\u200bAna "
    starts = ask("(texts) => texts.map(findCard)", [before + text for text in CARDS[:16]])
    assert set(starts) == {len(before.encode("utf-16-le")) // 2}
