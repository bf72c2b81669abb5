"""Invented people: always the same set, under ids of the sandbox's own.

They are written as ready rows, by joining text: 100,000 of them take little longer than storing
them does. A random byte decides one thing each: most people have a name, an address, a phone and
one card; some lack one of these, a few have two cards.
"""

from __future__ import annotations

import unicodedata
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from clover_nb import vendor
from clover_nb.sandbox.identity import HISTORY_ENDS, Bits
from clover_nb.sandbox.names import CULTURES, DOMAINS, PLACES, STREETS
from clover_nb.sandbox.records import LINKS

if TYPE_CHECKING:
    from collections.abc import Iterator

_HISTORY: Final = 3 * 365 * 24 * 3600 * 1000  # three years, in ms
_GROWTH: Final = 1 / 1.6  # there are more new customers every month
_STRIDE: Final = 577  # walks through all names in a mixed order: shares no factor with their number

# Of 256 people, how many lack it, or have it.
_NAMELESS: Final = 8
_WITHOUT_ADDRESS: Final = 32
_WITHOUT_PHONE: Final = 40
_WITHOUT_CARD: Final = 50
_WITH_TWO_CARDS: Final = 10


class _Name(NamedTuple):
    first: str
    last: str
    mailbox: str


class _Dice(NamedTuple):
    """Eight random bytes, each for one thing."""

    place: int
    time: int
    name: int
    address: int
    street: int
    phone: int
    card: int
    face: int


def invent(count: int, start: int, key: bytes, merchant_id: str) -> Iterator[tuple[Any, list[Any]]]:
    """Make people, as ready rows.

    Args:
        count: How many.
        start: How many rows there are already.
        key: What their ids are made from.
        merchant_id: Whose customers they are.

    Yields:
        A row of `customers`, and its rows of `contacts`.
    """
    random, bits = Random(start), Bits(Random(key).randbytes)  # noqa: S311  no secrets
    names, faces = _names(), _faces()
    href = f"{LINKS}/v3/merchants/{merchant_id}/customers/"
    for index in range(count):
        dice = _Dice(*random.randbytes(8))
        seq = start + index + 1
        customer = bits.id()
        owner = f'"customer":{{"id":"{customer}"}}}}'
        name = names[seq * _STRIDE % len(names)]
        place = PLACES[dice.place % len(PLACES)]
        since = _since((index + dice.time / 256) / count)

        email = f"{name.mailbox}{seq // len(names) or ''}@{DOMAINS[dice.phone % len(DOMAINS)]}"
        contacts = [(seq, "emailAddress", email)]
        emails = f'{{"id":"{bits.id()}","emailAddress":"{email}","primaryEmail":true,{owner}'
        phones = address = cards = named = ""
        if dice.name >= _NAMELESS:
            named = f'"firstName":"{name.first}","lastName":"{name.last}",'
        if dice.address >= _WITHOUT_ADDRESS:
            street = (
                f"{100 + dice.address * 7 + dice.street % 7} {STREETS[dice.street % len(STREETS)]}"
            )
            address = (
                f'{{"id":"{bits.id()}","country":"{place.country}","address1":"{street}",'
                f'"city":"{place.city}","state":"{place.state}","zip":"{place.postal_code}",{owner}'
            )
        if dice.phone >= _WITHOUT_PHONE:
            phone = f"{place.area_code}-555-01{dice.card % 100:02}"
            contacts.append((seq, "phoneNumber", phone))
            phones = f'{{"id":"{bits.id()}","phoneNumber":"{phone}",{owner}'
        if dice.card >= _WITHOUT_CARD:
            cards = _card(bits, faces, dice.face, since) + owner
            if dice.card >= 256 - _WITH_TWO_CARDS:
                cards += "," + _card(bits, faces, dice.face + 1, since) + owner

        head = (
            f'{{"id":"{customer}","href":"{href}{customer}",{named}'
            f'"marketingAllowed":false,"customerSince":{since}'
        )
        row = (
            seq,
            customer,
            since,
            name.first if named else "",
            name.last if named else "",
            head,
            f',"addresses":{{"elements":[{address}]}}',
            f',"emailAddresses":{{"elements":[{emails}]}}',
            f',"phoneNumbers":{{"elements":[{phones}]}}',
            f',"cards":{{"elements":[{cards}]}}',
            "",
            "{}",
        )
        yield row, contacts


def _since(share: float) -> int:
    return HISTORY_ENDS - _HISTORY + int(_HISTORY * share**_GROWTH)


def _card(bits: Bits, faces: list[str], number: int, since: int) -> str:
    return (
        f'{{"id":"{bits.id()}",{faces[number % len(faces)]},'
        f'"expirationDate":"{number % 12 + 1:02}{26 + number % 6}","token":"{bits.token()}",'
        f'"tokenType":"MULTIPAY","modifiedTime":{since},'
    )


def _names() -> list[_Name]:
    return [
        _Name(first, last, _mailbox(f"{first}.{last}"))
        for firsts, lasts in CULTURES
        for first in firsts.split()
        for last in lasts.split()
    ]


def _mailbox(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().replace("ł", "l"))
    return "".join(sign for sign in plain if sign.isascii() and (sign.isalnum() or sign == "."))


def _faces() -> list[str]:
    """What a record shows of each test card that isn't declined."""
    return [
        f'"first6":"{card["number"][:6]}","last4":"{card["number"][-4:]}",'
        f'"cardType":"{card["brand"]}"'
        for name, card in vendor.TEST_CARDS.items()
        if name not in vendor.DECLINED_CARDS
    ]
