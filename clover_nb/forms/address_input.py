"""What people type of an address, made what Clover takes: its parts, and codes for names.

Nothing here is certain, so a form says what it has changed and lets a person take it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from clover_nb import addresses

# What people call countries besides the data's names and codes.
_ALSO: Final = {"usa": "US", "u.s.a.": "US", "u.s.": "US", "america": "US"} | dict.fromkeys(
    ("uk", "u.k.", "great britain", "england", "scotland", "wales"), "GB"
)
_HOME: Final = ("US", "CA")  # where an address without a country may be
_UNIT: Final = re.compile(
    r"\b(apt|apartment|bldg|building|c/o|dept|department|fl|floor|po box|room|rm|ste|suite|unit)\b"
    r"|[#\d]",
    re.IGNORECASE,
)


def find_country_code(text: str) -> str:
    """The code of a country, by its code or a name of it; empty where there is no such."""
    wanted = text.strip().casefold()
    names = {name.casefold(): code for code, name in addresses.list_countries()}
    codes = {code.casefold(): code for code in names.values()}
    return _ALSO.get(wanted) or names.get(wanted) or codes.get(wanted, "")


def normalize_parts(typed: Mapping[str, str]) -> dict[str, str]:
    """The parts that Clover takes in another spelling: codes of country and state, postal code.

    Args:
        typed: By Clover's names of the parts.

    Returns:
        The parts that change.
    """
    stated = find_country_code(typed["country"])
    country = stated or typed["country"].upper() or "US"
    spelled = {
        "country": stated,
        "state": addresses.find_state_code(country, typed["state"]),
        "postal_code": addresses.format_postal_code(country, typed["postal_code"]),
    }
    return {part: text for part, text in spelled.items() if text and text != typed[part]}


def split_address(text: str, country: str) -> dict[str, str]:
    """The parts of a whole address on one line, or on several.

    Args:
        text: Its parts between commas or line breaks.
        country: Where it is, unless it says so itself: a two-letter code.

    Returns:
        By Clover's names of the parts, and ``"name"`` of who stands above it; empty when it isn't
        a whole address, with street, city and postal code.
    """
    pieces = [piece.strip() for piece in re.split(r"[,\n]", text) if piece.strip()]
    places = dict.fromkeys((country, *_HOME))
    stated = find_country_code(pieces[-1]) if pieces else ""
    is_state = any(addresses.find_state_code(place, pieces[-1]) for place in places if stated)
    if not stated or is_state:  # such as Georgia, or CA
        for place in places:
            if parts := _split_pieces(pieces, place, needs_state=place != country):
                return parts
    return _split_pieces(pieces[:-1], stated, needs_state=False) if stated else {}


def _split_pieces(pieces: list[str], country: str, *, needs_state: bool) -> dict[str, str]:
    """The parts of an address in a country that nothing in it names."""
    lines, rest = pieces[:1], pieces[1:]
    parts = {"state": "", "postal_code": "", "city": ""}
    while rest and not parts["city"]:
        piece = rest.pop()
        if not parts["postal_code"]:
            parts["postal_code"], piece = _take_postal_code(piece, country)
        if not parts["state"]:
            parts["state"], piece = _take_state(piece, country)
        parts["city"] = piece
    if not (lines and parts["city"] and parts["postal_code"]) or _UNIT.search(parts["city"]):
        return {}
    if needs_state and not parts["state"]:
        return {}
    lines += rest
    name = lines.pop(0) if len(lines) > 1 and not _UNIT.search(lines[0]) else ""
    street = {"line1": lines[0], "line2": ", ".join(lines[1:]), "name": name}
    return {**street, **parts, "country": country}


def _take_postal_code(piece: str, country: str) -> tuple[str, str]:
    """The postal code at an end of a piece, and what else is in it."""
    words = piece.split()
    for count in (2, 1):
        for code, others in ((words[-count:], words[:-count]), (words[:count], words[count:])):
            if len(code) == count and addresses.fits_postal_code(country, " ".join(code)):
                return addresses.format_postal_code(country, " ".join(code)), " ".join(others)
    return "", piece


def _take_state(piece: str, country: str) -> tuple[str, str]:
    """The state at the end of a piece, by its code or a name of it, and what stands before it."""
    words = piece.split()
    for place in range(len(words)):
        if code := addresses.find_state_code(country, " ".join(words[place:])):
            return code, " ".join(words[:place])
    return "", piece


def find_misplaced(typed: Mapping[str, str]) -> tuple[str, str]:
    """A postal code or a city in line 1, where another one stands in the field for it.

    Args:
        typed: By Clover's names of the parts.

    Returns:
        The part and what line 1 says; two empty texts when nothing is odd.
    """
    found = _find_tail(typed["line1"], find_country_code(typed["country"]) or "US")
    for part in ("postal_code", "city"):
        if found[part] and not _is_same(found[part], typed[part]):
            return part, found[part]
    return "", ""


def _find_tail(line: str, country: str) -> Mapping[str, str]:
    """The postal code and the city at the end of a line, each empty where there is none."""
    if whole := split_address(line, country):
        return whole
    first, *others = (piece.strip() for piece in line.split(","))
    code, last = _take_postal_code(others[-1] if others else first, country)
    state, city = _take_state(last, country)
    city = city or (others[-2] if len(others) > 1 else "")
    is_city = others and not _UNIT.search(city)
    return {"postal_code": code if others or state else "", "city": city if is_city else ""}


def _is_same(one: str, other: str) -> bool:
    """Whether two texts are the same but for case and spacing; a ZIP's last four may be missing."""
    first, second = (re.sub(r"[\W_]", "", text).casefold() for text in (one, other))
    return first == second or (first.isdigit() and first[:5] == second[:5])
