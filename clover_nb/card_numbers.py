"""Telling card numbers from other digits, so that none is sent, kept or shown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from stdnum import luhn

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
# Digits as people write them on a card and beside it.
_RUN: Final = re.compile(r"\+?\d(?:[ .\-\u00a0\u2009]{0,2}\d)*")
_SHORTEST_CARD: Final = 13
_LONGEST_CARD: Final = 19
_LONGEST_PHONE: Final = 15  # digits, after "+" (ITU-T E.164)

NO_CARD_NUMBERS: Final = (
    "Card numbers never belong here: use a card token (clv_...), which Clover makes in the browser."
)


def contains_card_number(text: str) -> bool:
    """Whether a text holds a card number: an issuer's prefix and length, and the Luhn check.

    Spaces, dots and dashes between the digits are looked through. A phone with ``+`` and a time
    in milliseconds are not mistaken for one.
    """
    if len(text) < _SHORTEST_CARD or sum(map(str.isdigit, text)) < _SHORTEST_CARD:
        return False
    plain = "".join(str(unicodedata.digit(sign, sign)) for sign in text)  # of any script
    return any(map(_holds_card_number, _RUN.findall(plain)))


def _holds_card_number(run: str) -> bool:
    groups = re.findall(r"\d+", run)
    if run.startswith("+") and sum(map(len, groups)) <= _LONGEST_PHONE:
        return False
    for start in range(len(groups)):  # an expiry or a security code may stand around it
        digits = ""
        for group in groups[start:]:
            digits += group
            if len(digits) > _LONGEST_CARD:
                break
            if _ISSUED.fullmatch(digits) and luhn.is_valid(digits):
                return True
    return False
