"""Generated people as rows of the sandbox's tables."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from clover_nb.sandbox.customer import Customer
from clover_nb.sandbox.ids import IdGenerator, WriteContext, derive_key
from clover_nb.sandbox.sample_data.people import SamplePerson, generate_people

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
    ids = IdGenerator(Random(key).randbytes)  # noqa: S311  no secrets
    for seq, person in enumerate(generate_people(count, start, ends), start + 1):
        customer = _make_customer(person, ids)
        contacts = [(seq, *contact) for contact in customer.contacts()]
        yield (seq, *customer.to_columns(merchant_id)), contacts


def _make_customer(person: SamplePerson, ids: IdGenerator) -> Customer:
    customer_id, address_id, email_id, phone_id, *card_ids = ids.ids(6)
    customer = Customer(customer_id, person.since, person.first, person.last)
    owner = customer.owner
    if person.street:
        address = {
            "country": person.country,
            "address1": person.street,
            "city": person.city,
            "state": person.state,
            "zip": person.postal_code,
        }
        if person.flaw:
            address = {name: text for name, text in address.items() if text}
        customer.addresses = [{"id": address_id, **address, **owner}]
    if person.email:
        email = {"id": email_id, "emailAddress": person.email, "primaryEmail": True, **owner}
        customer.emailAddresses = [email]
    if person.phone:
        customer.phoneNumbers = [{"id": phone_id, "phoneNumber": person.phone, **owner}]
    customer.cards = [
        {
            "id": card_id,
            **card,
            "token": ids.token(),
            "tokenType": "MULTIPAY",
            "modifiedTime": person.since,
            **owner,
        }
        for card_id, card in zip(card_ids, person.cards, strict=False)
    ]
    return customer


def expected_flaws(seed: int, *counts: int) -> dict[str, tuple[SamplePerson, str]]:
    """Return who was invented by a sandbox with a seed, for tests of what looks for blemishes.

    Args:
        seed: The sandbox's.
        counts: How many people it began with, and how many each call of `Sandbox.seed` then added,
            before anything else was written.

    Returns:
        By id: the person, and the id of the record that is the same person; else "".
    """
    known: dict[str, tuple[SamplePerson, str]] = {}
    for tick, count in enumerate(counts, 1):
        context, start = WriteContext(derive_key(seed), tick, fixed=True), len(known)
        rows = generate_rows(count, start, context.now, context.take(16), "")
        ids = [row[1] for row, _ in rows]
        for index, person in enumerate(generate_people(count, start, context.now)):
            known[ids[index]] = (person, ids[index - person.twin] if person.twin else "")
    return known
