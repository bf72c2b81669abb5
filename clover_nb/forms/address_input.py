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
    r"\b(apt|apartment|attn|bldg|building|c/o|dept|department|fl|floor|po box|room|rm|ste|suite)\b"
    r"|\bunit\b|[#\d]",
    re.IGNORECASE,
)
# Where no comma parts street and city, the city begins after a kind of street: those of the US
# Postal Service (Publication 28, C1) that seldom stand in the name of a city.
_STREETS: Final = re.compile(
    "alley|aly|ave?|avenue|blvd|boulevard|cir|circle|court|cres|crescent|ct|dr|drive|highway|hwy|"
    "lane|ln|parkway|pkwy|pl|place|plaza|plz|rd|road|row|sq|square|st|street|terr?|terrace|trail|"
    "trl|turnpike|way"
)
_CORNERS: Final = ("ne", "nw", "se", "sw")  # of a street: no city begins so
_SIDES: Final = ("n", "s", "e", "w")
_STREET_FIRST: Final = re.compile(  # before its name, which may end as a kind: Rue de la Place
    "avenida|boul|calle|camino|chemin|ch|côte|montée|paseo|rang|route|rte|rue|via"
)
_COUNTY_ROAD: Final = re.compile(r"\b(co|county|state) (road|rd|highway|hwy)\b", re.IGNORECASE)
# Where sides are of streets alone: North Vancouver is a city, and North Toronto is none.
_ONE_SIDED: Final = (
    *("brampton", "brantford", "calgary", "edmonton", "guelph", "hamilton", "kitchener", "london"),
    *("markham", "mississauga", "montreal", "montréal", "oshawa", "ottawa", "toronto", "winnipeg"),
)
# What begins a city or goes on with a street: Main Street North, Old Court Pike, County Road KK.
_GOES_ON: Final = re.compile(
    "(north|south)?(east|west)?|nord|sud|est|ouest|and|at|by|de|del|du|of|on|the|"
    "bend|bypass|city|cove|creek|crossing|ext|extension|glen|heights|hill|hills|landing|loop|mews|"
    "pass|path|park|pike|pines|point|ranches|ridge|run|trace|valley|view|village|walk|"
    r"front|lower|upper|(.)\3?"
)
_BUILDING: Final = re.compile(
    r"\b(bsmt|basement|center|centre|complex|hall|house|jr|lobby|lot|mall|penthouse|rear|space|"
    r"tower|towers|trailer|trlr)\b",
    re.IGNORECASE,
)
# Saints of cities: Broadway in St Louis, or Broadway Street in Louis.
_SAINTS: Final = re.compile(
    "albans?|albert|andrews?|ann|anthony|augustine|catharines|charles|clair|clairsville|cloud|croix|"
    "francis|gabriel|george|germain|helena?s?|henry|hyacinthe|ignace|jacob|james|jean|jerome|"
    "johns?|joseph|lambert|lawrence|leonard|louis|lucie|marys?|martin|martinville|matthews|"
    "michaels?|pauls?|peters?|petersburg|regis|rose|simons|stephens?|thomas|vincent"
)
_GERMAN: Final = re.compile(r"\D*(allee|gasse|platz|str\.?|straße|strasse|weg) \d+ ?[a-z]?\b", re.I)
_FEWEST: Final = 4  # words before a postal code: number, street, city, and one more
_CODE: Final = len("US")
_MAX_CITY: Final = 4  # words, as in Truth or Consequences


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
        text: Its parts between commas or line breaks, or with spaces alone.
        country: Where it is, unless it says so itself: a two-letter code.

    Returns:
        By Clover's names of the parts, and ``"name"`` of who stands above it; empty when it isn't
        a whole address, with street, city and postal code, or where it isn't sure which is which.
    """
    pieces, stated = _take_country(text)
    places = [stated] if stated else [*dict.fromkeys((country, *_HOME))]
    if not stated and any(map(_GERMAN.match, pieces[-2:])):
        places.insert(0, "DE")
    for place in places:
        if parts := _split_pieces(pieces, place) or _split_words(pieces, place):
            return parts
    return {}


def is_whole(text: str, country: str) -> bool:
    """Whether a text seems to be a whole address, though it may not be sure which part is which.

    Args:
        text: What stands on one line.
        country: Where it is, unless it says so itself: a two-letter code.
    """
    pieces, stated = _take_country(text)
    line = " ".join(pieces)
    for place in [stated] if stated else dict.fromkeys((country, *_HOME, "GB")):
        code, rest = _take_last_code(line, place)
        if len(rest.split()) >= _FEWEST and code:
            if place not in _HOME or _take_state(rest, place)[0]:
                return True
        elif stated and _find_codes(line.split(), place):
            return True
    return False


def _take_country(text: str) -> tuple[list[str], str]:
    """The pieces of an address, and the code of the country that it ends with, if it does."""
    pieces = [piece.strip() for piece in re.split(r"[,\n]", text) if piece.strip()]
    if not pieces:
        return [], ""
    stated = find_country_code(pieces[-1])
    if stated and (len(pieces) == 1 or not _is_state(pieces[-1])):
        return pieces[:-1], stated
    words = pieces[-1].split()
    for place in range(1, len(words)):  # the longest name first
        name, before = " ".join(words[place:]), " ".join(words[:place])
        stated = find_country_code(name)
        if (
            stated
            and not _is_state(name)
            and (len(name) > _CODE or _take_last_code(before, stated)[0])
        ):
            return [*pieces[:-1], before], stated
    return pieces, ""


def _is_state(text: str) -> bool:
    """Whether a text may be a state at home, such as Georgia, or CA."""
    return any(addresses.find_state_code(place, text) for place in _HOME)


def _split_pieces(pieces: list[str], country: str) -> dict[str, str]:
    """The parts of an address in a country, with commas between them."""
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
    if country in _HOME and not parts["state"]:
        return {}
    lines += rest
    name = lines.pop(0) if len(lines) > 1 and not _UNIT.search(lines[0]) else ""
    street = {"line1": lines[0], "line2": ", ".join(lines[1:]), "name": name}
    return {**street, **parts, "country": country}


def _split_words(pieces: list[str], country: str) -> dict[str, str]:
    """The parts of an address whose street and city no comma parts; empty where it isn't sure."""
    *before, line = pieces or [""]
    if country in _HOME:
        postal_code, line = _take_last_code(line, country)
        state, line = _take_state(line, country)
        if not line and before:  # a comma before the state alone
            line = before.pop()
        line1, line2, city = _part_city(line.split(), country) if state else ("", "", "")
    else:
        words, state, line2 = line.split(), "", ""
        places = _find_codes(words, country)
        start, end = places[0] if len(places) == 1 else (0, 0)
        line1, postal_code, city = (
            " ".join(each) for each in (words[:start], words[start:end], words[end:])
        )
        line1 = line1 if re.search(r"\d", line1) else ""
    if len(before) > 1 or _UNIT.search(" ".join([*before, city])):
        return {}
    if not (line1 and city and postal_code) or len(city.split()) > _MAX_CITY:
        return {}
    parts = {"line1": line1, "line2": line2, "city": city, "state": state, "country": country}
    parts["postal_code"] = addresses.format_postal_code(country, postal_code)
    return {} if addresses.check(parts) else {**parts, "name": "".join(before)}


def _take_last_code(line: str, country: str) -> tuple[str, str]:
    """The postal code at the end of a line, and what stands before it."""
    words = line.split()
    for count in (2, 1):
        code = " ".join(words[-count:])
        if len(words) > count and addresses.fits_postal_code(country, code):
            return code, " ".join(words[:-count])
    return "", line


def _find_codes(words: list[str], country: str) -> list[tuple[int, int]]:
    """Where postal codes may stand between street and city: start and end of each."""
    return [
        (start, start + count)
        for count in (1, 2)
        for start in range(1, len(words) - count)
        if addresses.fits_postal_code(country, " ".join(words[start : start + count]))
    ]


def _part_city(words: list[str], country: str) -> tuple[str, str, str]:
    """Street, unit and city of a line; empty texts unless one place alone can be between them."""
    unsure = ("", "", "")
    bare = [word.strip(".").casefold() for word in words]
    places = [place for place, word in enumerate(bare) if place > 1 and _STREETS.fullmatch(word)]
    line = " ".join(words)
    if len(places) != 1 or not re.match(r"\d", line) or _COUNTY_ROAD.search(line):
        return unsure
    if _STREET_FIRST.fullmatch(bare[1]):
        return unsure
    end = places[0] + 1
    after = (*bare[end:], "", "")
    if after[0] in _SIDES and (country == "US" or after[1] not in _ONE_SIDED):
        return unsure  # E Lansing is a city, E Main a street
    if after[0] in _CORNERS or after[0] in _SIDES:
        end += 1
    street, rest = " ".join(words[:end]), words[end:]
    unit = re.match(
        r"(#\S+|(?:apt|suite|ste|unit|fl|floor|rm|room)\.? #?(?:\d\S*|[a-z])) ",
        " ".join(rest),
        re.IGNORECASE,
    )
    if unit:
        rest = " ".join(rest)[unit.end() :].split()
    city = " ".join(rest)
    first = rest[0].strip(".").casefold() if rest else ""
    if _GOES_ON.fullmatch(first) or _BUILDING.search(city):
        return unsure
    if bare[places[0]] == "st" and _SAINTS.fullmatch(first):
        return unsure
    return street, unit[1] if unit else "", city


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
