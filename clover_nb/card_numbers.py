"""Telling card numbers from other digits, so that none is sent, kept or shown.

The browser has the same rule, in ``forms/static/card_numbers.js``; a test compares the two.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import Final

# The numbers of the issuers (ISO/IEC 7812): how they begin, and how long they are.
_ISSUED: Final = re.compile(
    r"4(\d{12}|\d{15}|\d{18})"  # Visa
    r"|(5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|(6011|64[4-9]\d|65\d{2})\d{12,15}"  # Discover
    r"|35(2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|62\d{14,17}"  # China UnionPay
)
# Digits as people write them on a card: between two stand at most three signs of any kind.
_RUN: Final = re.compile(r"\+?[0-9](?:(?:[^\w+@]|_){0,3}[0-9])*")
# The part before the @ of an email address, from its beginning.
_LOCAL_PART: Final = re.compile(r"(?<![A-Za-z0-9_.+%-])[A-Za-z0-9_.+%-]+@(?=[A-Za-z0-9])", re.ASCII)
_INVISIBLE: Final = frozenset({"Cf", "Mn", "Mc", "Me"})  # zero-width signs, and marks on others
_FILLERS: Final = frozenset("\u115f\u1160")  # letters of Hangul that can't be seen
_SHORTEST_CARD: Final = 13
_LONGEST_CARD: Final = 19
_LONGEST_PHONE: Final = 15  # digits, after "+" (ITU-T E.164)
_FIRST_GROUP: Final = 4  # digits that a card's first group has at least: two phones have fewer
_CODES: Final = (0, 3, 4)  # digits of the security code that may be attached
_LONGEST: Final = _LONGEST_CARD + max(_CODES)
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

NO_CARD_NUMBERS: Final = (
    "Card numbers never belong here: use a card token (clv_...), which Clover makes in the browser."
)


def contains_card_number(text: str) -> bool:
    """Whether a text holds a card number: an issuer's prefix and length, and the Luhn check.

    Up to three signs between the digits are looked through, zero-width ones all; an expiry and a
    security code may stand beside it. A phone with ``+``, a time in milliseconds and the digits of
    an email address with letters are not mistaken for one. It takes time in proportion to the text.
    """
    if len(text) < _SHORTEST_CARD or sum(map(str.isdigit, text)) < _SHORTEST_CARD:
        return False
    plain = _plain_digits(text)
    if "@" in plain:
        plain = _LOCAL_PART.sub(_without_letters, plain)
    runs = (run for run in _RUN.findall(plain) if len(run) >= _SHORTEST_CARD)
    return any(map(_holds_card_number, runs))


def _plain_digits(text: str) -> str:
    """The text with the digits of any script as ASCII, and without what can't be seen."""
    if text.isascii():
        return text
    signs = [
        str(unicodedata.decimal(sign, sign))
        for sign in unicodedata.normalize("NFKC", text)
        if unicodedata.category(sign) not in _INVISIBLE and sign not in _FILLERS
    ]
    return "".join(signs)


def _without_letters(local_part: re.Match[str]) -> str:
    """An address with a letter before the @ has no card number there; digits alone may be one."""
    found = local_part[0]
    return "x@" if re.search("[A-Za-z]", found) else found


def _holds_card_number(run: str) -> bool:
    groups = re.findall("[0-9]+", run)
    # Digits that stand one by one are one group.
    groups = [
        part
        for single, those in groupby(groups, key=lambda group: len(group) == 1)
        for part in (["".join(those)] if single else those)
    ]
    count = sum(map(len, groups))
    if run.startswith("+") and count <= _LONGEST_PHONE:
        return False
    if count <= _LONGEST and _ends_card("".join(groups), groups[-1]):
        return True
    for start, first in enumerate(groups):  # an expiry or a phone may stand before it
        if len(first) < _FIRST_GROUP:
            continue
        digits = ""
        for group in groups[start : start + _LONGEST]:
            digits += group
            if len(digits) > _LONGEST:
                break
            if _ends_card(digits, group):
                return True
    return False


def _ends_card(digits: str, last_group: str) -> bool:
    """Whether digits are a card number, alone or with a security code attached to their end."""
    return any(_is_card(digits[: len(digits) - code]) for code in _CODES if code < len(last_group))


def _is_card(digits: str) -> bool:
    return _ISSUED.fullmatch(digits) is not None and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[each] for each in numbers[1::2])) % 10 == 0
