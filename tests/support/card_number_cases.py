"""Texts with and without a card number, for the rule in Python and the one in the browser."""

from __future__ import annotations

import random

from clover_nb.constants import TEST_CARDS

NUMBERS = sorted({card["number"] for card in TEST_CARDS.values()})
VISA = TEST_CARDS["visa"]["number"]

SEPARATORS = {
    "none": "",
    "blank": " ",
    "three blanks": "   ",
    "tab": "\t",
    "dash": "-",
    "dot": ".",
    "slash": "/",
    "spaced slash": " / ",
    "underscore": "_",
    "comma": ", ",
    "en dash": "\u2013",
    "em space": "\u2003",
    "no-break space": "\u00a0",
    "zero-width space": "\u200b",
    "many zero-width signs": "\u200b\u2060\ufeff\u200d\u00ad",
    "brackets": ")(",
    "a Hangul filler": "\u3164",
}


def spell(number: str, separator: str, size: int = 4) -> str:
    """A number in groups of this size."""
    return separator.join(number[i : i + size] for i in range(0, len(number), size))


CARDS = [spell(number, separator) for number in NUMBERS for separator in SEPARATORS.values()]
CARDS += [
    pattern.format(spelled)
    for spelled in (VISA, spell(VISA, " "))
    for pattern in (
        "card: {}, thanks",
        "{} 12 35 123",
        "12/35 {}",
        "123 {}",
        "+1 408 555 0125 {}",
        "{}123",  # the security code attached
        "{}/123",
        "({})",
        "[{}]",
        "{}, ana@example.com",
    )
]
CARDS += [
    spell(VISA, " ", 1),
    "123 " + spell(VISA, "-", 1),
    spell(VISA, " ", 2),
    TEST_CARDS["amex"]["number"] + "1234",
    spell(VISA, ".") + "@example.com",
    VISA.translate({ord("0") + i: ord("\uff10") + i for i in range(10)}),  # full-width digits
    VISA.translate({ord("0") + i: ord("\u0660") + i for i in range(10)}),  # Arabic digits
    VISA.translate({ord("0") + i: ord("\u0966") + i for i in range(10)}),  # Devanagari digits
    "".join(f"{digit}\ufe0f\u20e3" for digit in VISA),  # keycap emoji
]

OTHERS = [
    "",
    "no digits",
    "555-0125",
    "+1 408 555 0125",
    "+1 408 555 0125, +1 408 555 0199",
    "408-555-0125 / 408-555-0199",
    "+42 424 242 424 242 4",
    "1580489482717",  # a time in milliseconds
    "2026-11-24 08:00:30",
    "94085",
    "7QK2M9ZX4T0BC",
    "1Z999AA10123456784",  # a parcel
    "s52.12341764188400@example.com",
    VISA[:-1] + "1",  # fails the Luhn check
    VISA + "00000",  # too long for one
    spell(VISA, "    "),  # so far apart, they are not one number
    "ana " * 4 + VISA[:12],
]


def random_texts(count: int, seed: int = 1) -> list[str]:
    """Texts made of digits, groups of cards, separators of all kinds, and addresses."""
    draw = random.Random(seed)  # noqa: S311  not a secret
    groups = [number[i : i + 4] for number in NUMBERS for i in range(0, len(number), 4)]
    pieces = [*groups, *NUMBERS, *"0123456789", "12/35", "+", "+1", "@", "@example.com", "a", "é"]
    pieces += [*SEPARATORS.values(), "\uff14", "\u0664", "\ufe0f\u20e3", "½", "²", "日", "👍🏽"]
    return ["".join(draw.choices(pieces, k=draw.randint(1, 14))) for _ in range(count)]
