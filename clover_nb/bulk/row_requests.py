"""The requests by which a row is applied: the Platform API's, one for each kind of thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from clover_nb.api.platform import Contact, PlatformAPI
from clover_nb.bulk.fields import ADDRESS, FIELDS, normalize_value
from clover_nb.journal.entries import Fields, Write
from clover_nb.records import Record, flatten, list_elements

if TYPE_CHECKING:
    from clover_nb.journal.batches import BatchRow

Values = Mapping[str, str]

# The Platform API's lists, what an entry is called in each, and how its calls are.
_CONTACTS: Final[Mapping[str, tuple[str, str, Contact]]] = {
    "email": ("emailAddresses", "emailAddress", "email_addresses"),
    "phone": ("phoneNumbers", "phoneNumber", "phone_numbers"),
}
_NAMES: Final = {"first_name": "firstName", "last_name": "lastName"}
_PLAIN: Final = frozenset({*_NAMES, *_CONTACTS})


def values_of(record: Record) -> dict[str, str]:
    """A record's fields as texts."""
    fields = flatten(record)
    return {name: str(fields[name] or "") for name in FIELDS}


def differing_fields(now: Values, wanted: Values) -> list[str]:
    """The fields that are not as wanted."""
    return [
        name
        for name in wanted
        if normalize_value(name, now[name]) != normalize_value(name, wanted[name])
    ]


def create_customer(api: PlatformAPI, wanted: Values, uid: str) -> Record:
    """Create a customer without a card, with a mark by which it can be found again.

    Raises:
        AmbiguousWriteError: It may or may not have been made.
    """
    customer: dict[str, Any] = {
        _NAMES.get(name, name): wanted[name] for name in _PLAIN & wanted.keys()
    }
    return api.create_customer(customer | {"address": _address_values(wanted), "externalId": uid})


def modify_customer(api: PlatformAPI, record: Record, wanted: Values) -> Record | None:
    """Change what is not as wanted. Doing it again does it once.

    Args:
        api: The API.
        record: The customer as the API has it.
        wanted: Fields.

    Returns:
        The last answer.

    Raises:
        AmbiguousWriteError: A request may or may not have been applied.
    """
    key = str(record["id"])
    differs = differing_fields(values_of(record), wanted)
    answer: Record | None = None
    if names := {_NAMES[name]: wanted[name] for name in differs if name in _NAMES}:
        answer = api.update_customer(key, names)
    for name, (items, field, kind) in _CONTACTS.items():
        if name in differs:
            entry = _find_primary(list_elements(record.get(items)))
            if entry is None:
                answer = api.create_contact(key, kind, {field: wanted[name]})
            elif wanted[name]:
                answer = api.update_contact(key, kind, entry["id"], {field: wanted[name]})
            else:
                answer = api.delete_contact(key, kind, entry["id"])
    if any(name in ADDRESS for name in differs):
        answer = _set_address(api, record, wanted)
    return answer


def describe_change(row: BatchRow, now: Values) -> tuple[Write, Fields]:
    """A row that is done as the journal has a change, and the customer's fields since.

    Args:
        row: The row.
        now: The customer's fields as they were when they were last read.
    """
    address = {n.removeprefix("shipping_"): row.wanted[n] for n in ADDRESS if n in row.wanted}
    sent: dict[str, Any] = {
        _NAMES.get(name, name): row.wanted[name] for name in _PLAIN & row.wanted.keys()
    }
    if address:
        sent["shipping"] = {"address": address}
    before = _with_name({**now, **row.before}) if row.action != "create" else None
    after = _with_name({**now, **row.wanted}) if row.action != "delete" else {}
    key = row.customer_id
    return Write(row.action, key, sent, before, api="platform"), {**after, "id": key}


def _with_name(values: Values) -> dict[str, str]:
    names = (values.get("first_name"), values.get("last_name"))
    return {**values, "name": " ".join(filter(None, names))}


def _set_address(api: PlatformAPI, record: Record, wanted: Values) -> Record:
    key, now = str(record["id"]), values_of(record)
    whole = {name: wanted.get(name, now[name]) for name in ADDRESS}
    entry = next(iter(list_elements(record.get("addresses"))), None)
    if entry is None:
        return api.create_address(key, _address_values(whole))
    if any(text for name, text in whole.items() if name != "shipping_country"):
        parts = {name.removeprefix("shipping_"): text for name, text in whole.items()}
        return api.update_address(key, entry["id"], parts)
    return api.delete_address(key, entry["id"])


def _address_values(values: Values) -> dict[str, str]:
    found = {name.removeprefix("shipping_"): values.get(name, "") for name in ADDRESS}
    return {part: text for part, text in found.items() if text}


def _find_primary(entries: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The entry that a row shows: the primary one, or else the first."""
    primary = [entry for entry in entries if entry.get("primaryEmail")]
    return next(iter(primary or entries), None)
