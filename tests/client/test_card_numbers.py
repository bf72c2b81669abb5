"""What is taken for a card number."""

from __future__ import annotations

import signal

import pytest
from card_number_cases import CARDS, OTHERS, VISA, spell

from clover_nb.card_numbers import contains_card_number


@pytest.mark.parametrize("text", CARDS)
def test_a_card_number_is_recognised_as_people_write_it(text):
    """Whatever stands between the digits, beside them, and in whatever script."""
    assert contains_card_number(text)


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_no_card_number_passes(text):
    """Phones, times, ids, parcels and email addresses are not mistaken."""
    assert not contains_card_number(text)


@pytest.mark.parametrize(
    "part", ["1.1", "4.4.", "4", "1111 ", "1111-", "a", "+1", "1-@", "@1", "4\u200b", "4444a"]
)
def test_a_long_text_takes_time_in_proportion(part):
    """A megabyte of what looks like the beginning of a number, again and again.

    The bound is of processor time and far off: what grows with the square takes minutes.
    """

    def stop(*_):
        raise AssertionError("It takes more than its length allows.")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 30)
    try:
        assert not contains_card_number(part * (1_000_000 // len(part)) + "x")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_a_card_number_is_found_in_a_long_text():
    """After as many digits as there may be before it."""
    assert contains_card_number("1.1" * 30_000 + " card " + spell(VISA, "-"))
