"""Invented people as ready rows of the sandbox's tables.

They are written by joining text: 100,000 of them take little longer than storing them does.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from clover_nb.sandbox.customer import LINKS
from clover_nb.sandbox.ids import IdGenerator, WriteContext, derive_key
from clover_nb.sandbox.sample_data.people import Person, generate_people

if TYPE_CHECKING:
    from collections.abc import Iterator


def generate_rows(
    count: int, start: int, ends: int, key: bytes, merchant_id: str
) -> Iterator[tuple[Any, list[Any]]]:
    """Make people, as ready rows.

    Args:
        count: How many.
        start: How many rows there are already.
        ends: When the newest of them became customers, in ms.
        key: What their ids are made from.
        merchant_id: Whose customers they are.

    Yields:
        A row of `customers`, and its rows of `contacts`.
    """
    bits = IdGenerator(Random(key).randbytes)  # noqa: S311  no secrets
    href = f"{LINKS}/v3/merchants/{merchant_id}/customers/"
    for seq, person in enumerate(generate_people(count, start, ends), start + 1):
        first, last, email, phone, street, *_, since, held, _, _, _ = person
        customer, address_id, email_id, phone_id, *card_ids = bits.ids(6)
        owner = f'"customer":{{"id":"{customer}"}}}}'
        named = emails = phones = address = cards = ""
        contacts = []
        if first:
            named = f'"firstName":"{first}","lastName":"{last}",'
        if street:
            address = f'{{"id":"{address_id}",{_address(person)},{owner}'
        if email:
            contacts.append((seq, "emailAddress", email))
            emails = f'{{"id":"{email_id}","emailAddress":"{email}","primaryEmail":true,{owner}'
        if phone:
            contacts.append((seq, "phoneNumber", phone))
            phones = f'{{"id":"{phone_id}","phoneNumber":"{phone}",{owner}'
        for card_id, card in zip(card_ids, held, strict=False):
            cards += (
                f'{"," if cards else ""}{{"id":"{card_id}",{card},"token":"{bits.token()}",'
                f'"tokenType":"MULTIPAY","modifiedTime":{since},{owner}'
            )
        head = (
            f'{{"id":"{customer}","href":"{href}{customer}",{named}'
            f'"marketingAllowed":false,"customerSince":{since}'
        )
        row = (
            seq,
            customer,
            since,
            None,
            first,
            last,
            head,
            f',"addresses":{{"elements":[{address}]}}',
            f',"emailAddresses":{{"elements":[{emails}]}}',
            f',"phoneNumbers":{{"elements":[{phones}]}}',
            f',"cards":{{"elements":[{cards}]}}',
            "",
            "{}",
        )
        yield row, contacts


def _address(person: Person) -> str:
    _, _, _, _, street, city, state, code, country, *_ = person
    if not person.flaw:
        return (
            f'"country":"{country}","address1":"{street}",'
            f'"city":"{city}","state":"{state}","zip":"{code}"'
        )
    parts = {"country": country, "address1": street, "city": city, "state": state, "zip": code}
    return ",".join(f'"{name}":"{text}"' for name, text in parts.items() if text)


def expected_flaws(seed: int, *counts: int) -> dict[str, tuple[Person, str]]:
    """Return who was invented by a sandbox with a seed, for tests of what looks for blemishes.

    Args:
        seed: The sandbox's.
        counts: How many people it began with, and how many each call of `Sandbox.seed` then added,
            before anything else was written.

    Returns:
        By id: the person, and the id of the record that is the same person; else "".
    """
    known: dict[str, tuple[Person, str]] = {}
    for tick, count in enumerate(counts, 1):
        context, start = WriteContext(derive_key(seed), tick, fixed=True), len(known)
        rows = generate_rows(count, start, context.now, context.take(16), "")
        ids = [row[1] for row, _ in rows]
        for index, person in enumerate(generate_people(count, start, context.now)):
            known[ids[index]] = (person, ids[index - person.twin] if person.twin else "")
    return known
