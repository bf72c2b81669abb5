"""Invented people: always the same ones, with the blemishes that real lists of customers have.

Most people have a name, an address, a phone and one card; some lack one of these, a few have two
cards. There are more new ones every month, most of all before the holidays, and in the last year
one state grows more than the others. Of each `BLOCK` people, exactly those of `FLAWS` have an
address that can't be right, and those of `TWINS` are in the list a second time;
`rows.expected_flaws` tells which.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from bisect import bisect_right
from itertools import accumulate, pairwise
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from clover_nb import constants
from clover_nb.sandbox.sample_data.names import (
    CULTURE_OF,
    CULTURES,
    DOMAINS,
    PLACES,
    SHORT,
    STREETS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clover_nb.sandbox.responses import Json

BLOCK: Final = 200
# By their places in a block: what is wrong with the address.
FLAWS: Final = {
    7: "other state",
    21: "no city",
    38: "lost zero",
    52: "other postal code",
    77: "no state",
    90: "other state",
    109: "short postal code",
    126: "no city",
    143: "other state",
    158: "lost zero",
    171: "other postal code",
    188: "no postal code",
}
# By the places of the second records: how many places before is the first, and what they share.
TWINS: Final = {
    45: (29, "email"),
    83: (14, "phone"),
    102: (61, "place"),
    135: (8, "email"),
    166: (47, "phone"),
    193: (33, "place"),
}
_ORIGINALS: Final = frozenset(place - back for place, (back, _) in TWINS.items())

# Of 256 people, how many lack it, or have it.
_NAMELESS: Final = 8
_WITHOUT_ADDRESS: Final = 32
_WITHOUT_PHONE: Final = 40
_WITHOUT_CARD: Final = 50
_WITHOUT_EMAIL: Final = 6  # of those without a card: Clover saves none without an email
_WITH_TWO_CARDS: Final = 10
_MOVERS: Final = 45  # in the last year

_YEARS: Final = 3
_GROWTH: Final = 1.025  # a month
# New customers from January to December, relative to each other.
_SEASON: Final = (0.8, 0.8, 0.95, 1, 1.05, 1, 0.9, 0.85, 1, 1.1, 1.35, 1.5)
_BOOM: Final = "TX"
# Cards are good for five years; some expire soon, and a few have expired.
_MONTHS_EXPIRED, _MONTHS_GOOD = 3, 57
_STRIDE: Final = 577  # walks through all names in a mixed order; shares no factor with their number
_HOP: Final = 47  # and through the places


class SamplePerson(NamedTuple):
    """Who was invented, as typed; what is missing is empty.

    `cards` are what their records show, newest first, as Clover names it. `flaw` is what is wrong
    with the address. `twin` is how many places before them the same person came first, with
    `shared` in common; 0 for nobody.
    """

    first: str
    last: str
    email: str
    phone: str
    street: str
    city: str
    state: str
    postal_code: str
    country: str
    since: int
    cards: tuple[Json, ...]
    flaw: str = ""
    twin: int = 0
    shared: str = ""


def generate_people(count: int, start: int, ends: int) -> Iterator[SamplePerson]:
    """Invent people, oldest customers first.

    Args:
        count: How many.
        start: How many there are already.
        ends: Until when they became customers, in ms: three years before, and since.
    """
    random = Random(start)  # noqa: S311  no secrets
    calendar, wallet = _SignupCalendar(ends), _list_cards(ends)
    block: list[SamplePerson] = []
    for index in range(count):
        time, move, *dice = random.randbytes(11)  # each for one thing
        seq, position = start + index + 1, index % BLOCK
        if position == 0:
            block.clear()
        since, lately = calendar.find_time((index + time / 256) / count)
        person = _make_person(seq, dice, since, wallet, whole=position in _ORIGINALS)
        if lately and move < _MOVERS and person.country == "US" and person.street:
            place = _BOOMING[move % len(_BOOMING)]
            person = person._replace(
                city=place.city, state=place.state, postal_code=place.postal_codes[0]
            )
        if position in FLAWS:
            person = _add_flaw(person, FLAWS[position], seq)
        elif position in TWINS:
            back, shared = TWINS[position]
            person = _make_duplicate(person, block[position - back], shared, seq)._replace(
                twin=back
            )
        block.append(person)
        yield person


def _make_person(
    seq: int, dice: list[int], since: int, wallet: list[Json], *, whole: bool
) -> SamplePerson:
    no_name, at, street, number, no_phone, domain, card, face, expiry = dice
    place, phones = _SLOTS[seq * _HOP % len(_SLOTS)]
    if place.country in CULTURE_OF:
        names = _OF_CULTURE[CULTURE_OF[place.country]]
        first, last, mailbox = names[seq // len(_SLOTS) * _STRIDE % len(names)]
        mailbox = f"{mailbox}{seq}"
    else:
        first, last, mailbox = _NAMES[seq * _STRIDE % len(_NAMES)]
        mailbox = f"{mailbox}{seq // len(_NAMES) or ''}"
    cards: tuple[Json, ...] = ()
    if card >= _WITHOUT_CARD:
        cards = (wallet[(face * 256 + expiry) % len(wallet)],)
        if card >= 256 - _WITH_TWO_CARDS:
            cards += (wallet[(expiry * 256 + face) % len(wallet)],)
    email = f"{mailbox}@{DOMAINS[domain % len(DOMAINS)]}"
    phone = f"{phones}{seq // len(_SLOTS) % 100:02}" if phones else ""
    if not whole:
        if card < _WITHOUT_EMAIL:
            email = ""
        if no_phone < _WITHOUT_PHONE:
            phone = ""
        if no_name < _NAMELESS:
            first = last = ""
        if at < _WITHOUT_ADDRESS:
            return SamplePerson(first, last, email, phone, "", "", "", "", "", since, cards)
    home = f"{100 + at * 7 + number % 7} {STREETS[street % len(STREETS)]}"
    code = place.postal_codes[street // 16 % len(place.postal_codes)]
    return SamplePerson(
        first, last, email, phone, home, place.city, place.state, code, place.country, since, cards
    )


def _add_flaw(person: SamplePerson, flaw: str, seq: int) -> SamplePerson:
    """The person, at home in the United States or Canada, with something wrong in the address."""
    choice = _LEADING_ZERO if flaw == "lost zero" else _AMERICAN
    place = choice[seq % len(choice)]
    other = _AMERICAN[(seq + 1) % len(_AMERICAN)]
    while (other.state, other.country) == (place.state, place.country):
        other = _AMERICAN[(_AMERICAN.index(other) + 1) % len(_AMERICAN)]
    city, state, code = place.city, place.state, place.postal_codes[0]
    if flaw == "other state":
        state = other.state
    elif flaw == "other postal code":
        code = other.postal_codes[0]
    elif flaw == "no city":
        city = ""
    elif flaw == "no state":
        state = ""
    elif flaw == "no postal code":
        code = ""
    elif flaw == "lost zero":
        code = code.lstrip("0")  # as a spreadsheet leaves it
    else:
        code = code[:-1]
    street = person.street or f"{100 + seq % 900} {STREETS[seq % len(STREETS)]}"
    return person._replace(
        street=street, city=city, state=state, postal_code=code, country=place.country, flaw=flaw
    )


def _make_duplicate(
    person: SamplePerson, original: SamplePerson, shared: str, seq: int
) -> SamplePerson:
    """The original once more, as a `person` of today, typed by somebody else."""
    person = person._replace(shared=shared)
    name = original.first, original.last
    if shared == "email":
        return person._replace(
            first=name[0][0] + ".", last=name[1], email=original.email.capitalize(), phone=""
        )
    first, last = name if len(name[0]) > len(name[1]) else (name[0], _misspell_name(name[1]))
    if first == name[0] and last == name[1]:
        first = _misspell_name(first)
    email = f"{_make_mailbox(f'{name[1]}_{name[0]}')}{seq}@{DOMAINS[seq % len(DOMAINS)]}"
    person = person._replace(first=first, last=last, email=email)
    if shared == "phone":
        person = person._replace(street="", city="", state="", postal_code="", country="")
        digits = original.phone.replace("-", "")
        plain = original.phone.startswith("+")
        typed = original.phone if plain else f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
        return person._replace(phone=typed)
    number, *words, kind = original.street.split()
    return person._replace(
        phone="",
        street=" ".join([number, *words, SHORT[kind]]),
        city=original.city,
        state=original.state,
        postal_code=original.postal_code,
        country=original.country,
    )


def _misspell_name(name: str) -> str:
    middle = len(name) // 2
    return name[:middle] + name[middle + 1 :]


class _SignupCalendar:
    """Which share of the people came until when."""

    def __init__(self, ends: int) -> None:
        end = dt.datetime.fromtimestamp(ends / 1000, dt.UTC)
        first = end.year * 12 + end.month - 1 - _YEARS * 12
        months = range(first, first + _YEARS * 12 + 2)
        begins = [dt.datetime(m // 12, m % 12 + 1, 1, tzinfo=dt.UTC).timestamp() for m in months]
        # The last month ends early.
        self._spans = [
            (begin, min(end.timestamp(), after) - begin, after - begin)
            for begin, after in pairwise(begins)
        ]
        weights = [
            _GROWTH**number * _SEASON[month % 12] * length / whole
            for number, (month, (_, length, whole)) in enumerate(
                zip(months, self._spans, strict=False)
            )
        ]
        total = sum(weights)
        self._shares = [0.0, *accumulate(weight / total for weight in weights)]

    def find_time(self, share: float) -> tuple[int, bool]:
        """Return the time (ms) of the person after this share, and whether in the last year."""
        month = min(bisect_right(self._shares, share), len(self._spans)) - 1
        begin, length, _ = self._spans[month]
        low, high = self._shares[month : month + 2]
        within = (share - low) / (high - low)
        return int((begin + length * within) * 1000), month >= len(self._spans) - 13


def _list_cards(ends: int) -> list[Json]:
    """What a record shows of each test card that isn't declined, with each expiry."""
    end = dt.datetime.fromtimestamp(ends / 1000, dt.UTC)
    first = end.year * 12 + end.month - 1 - _MONTHS_EXPIRED
    months = range(first, first + _MONTHS_EXPIRED + _MONTHS_GOOD)
    return [
        {
            "first6": card["number"][:6],
            "last4": card["number"][-4:],
            "cardType": card["brand"],
            "expirationDate": f"{month % 12 + 1:02}{month // 12 % 100:02}",
        }
        for month in months
        for name, card in constants.TEST_CARDS.items()
        if name not in constants.DECLINED_CARDS
    ]


def _list_names(culture: str) -> list[tuple[str, str]]:
    firsts, lasts = CULTURES[culture]
    return [(first, last) for first in firsts.split() for last in lasts.split()]


def _make_mailbox(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().replace("ł", "l"))
    return "".join(sign for sign in plain if sign.isascii() and (sign.isalnum() or sign in "._"))


# With the start of an email address each, which differs between the two.
_OF_CULTURE: Final = {
    culture: [
        (first, last, _make_mailbox(f"{last}.{first}")) for first, last in _list_names(culture)
    ]
    for culture in CULTURE_OF.values()
}
_NAMES: Final = [
    (first, last, _make_mailbox(f"{first}.{last}"))
    for culture in CULTURES
    for first, last in _list_names(culture)
]
# Places, and the start of the telephone numbers of some of those who live there.
_SLOTS: Final = [(place, phones) for place in PLACES for phones in place.phones]
_AMERICAN: Final = [place for place in PLACES if place.country in {"US", "CA"}]
_BOOMING: Final = [place for place in _AMERICAN if place.state == _BOOM]
_LEADING_ZERO: Final = [place for place in _AMERICAN if place.postal_codes[0].startswith("0")]
