"""A customer's JSON, of either API, as plain values by the names of one schema."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from clover_nb import constants
from clover_nb.errors import InvalidResponseError
from clover_nb.masking import Secret

Record = Mapping[str, Any]

TEXT: Final = pa.large_string()
TIME: Final = pa.timestamp("ms", "UTC")
NUMBER: Final = pa.int64()

#: The columns of every row and frame, in order, and what Arrow keeps them as. ``source_ids`` is a
#: list in a row, and in a frame one text with the ids separated by blanks: a list can't be hashed,
#: and pandas hashes values to count, compare and store them.
SCHEMA: Final[dict[str, pa.DataType]] = {
    "id": TEXT,
    "created": TIME,
    "email": TEXT,
    "name": TEXT,
    "first_name": TEXT,
    "last_name": TEXT,
    "phone": TEXT,
    "currency": TEXT,
    "marketing_allowed": pa.bool_(),
    "note": TEXT,
    "shipping_name": TEXT,
    "shipping_phone": TEXT,
    "shipping_line1": TEXT,
    "shipping_line2": TEXT,
    "shipping_city": TEXT,
    "shipping_state": TEXT,
    "shipping_postal_code": TEXT,
    "shipping_country": TEXT,
    "source_ids": TEXT,
    "card_count": NUMBER,
    "card_brand": TEXT,
    "card_last4": TEXT,
    "card_expiry": TEXT,
}

# What the columns above are made of, or what says nothing about the customer: the kind of the
# object, its own address, and the merchant that was asked.
CONSUMED: Final = frozenset(
    {"id", "created", "customerSince", "email", "emailAddresses", "name", "firstName", "lastName"}
    | {"phone", "phoneNumbers", "currency", "marketingAllowed", "shipping", "addresses", "sources"}
    | {"cards", "metadata", "object", "href", "merchant"}
)
_IN_ITEMS: Final = frozenset({"id", "customer"})  # of a list, and no news of the customer
#: The Platform API's lists: how the names of our columns begin, and what they are made of, or
#: what is left out: of a card its first 6 digits, its token, and when it was changed.
LISTS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "emailAddresses": ("email", _IN_ITEMS | {"emailAddress", "primaryEmail"}),
    "phoneNumbers": ("phone", _IN_ITEMS | {"phoneNumber"}),
    "addresses": (
        "shipping",
        _IN_ITEMS | {"address1", "address2", "city", "state", "zip", "country"},
    ),
    "cards": (
        "card",
        _IN_ITEMS
        | {"cardType", "last4", "expirationDate", "first6", "token", "tokenType", "modifiedTime"},
    ),
}
_KNOWN: Final = {name: known for name, (_, known) in LISTS.items()}
_METADATA: Final = frozenset({"note", "modifiedTime", "customer"})  # of these the note is news
_NESTED: Final = (*LISTS, "sources", "shipping", "metadata")
_DEEPEST: Final = 50  # levels of nesting; Clover's own records have 5
_SHIPPING: Final = ("name", "phone", "address")
_EMPTY: Final[Mapping[str, Any]] = {}
_NO_ITEMS: Final[list[Any]] = []


def flatten(record: Record) -> dict[str, Any]:
    """One customer's fields by the schema's names: plain values, ``created`` in milliseconds.

    What the schema has no name for comes after, under Clover's: a field of the first email
    address, phone, address or card as ``email_...``, ``phone_...``, ``shipping_...`` or
    ``card_...``; a list of several, whole; what is noted besides the note as ``metadata_...``. What
    is nested otherwise than Clover has ever sent it is kept as it came.

    Raises:
        InvalidResponseError: It is no record at all.
    """
    if not isinstance(record, Mapping):
        raise InvalidResponseError("Clover answered with something other than a customer.")
    try:
        fields, beyond = _split_fields(record)
    except (AttributeError, TypeError, KeyError):
        strange = {name: record[name] for name in _NESTED if name in record}
        fields, beyond = _split_fields({k: v for k, v in record.items() if k not in strange})
        beyond |= strange
    if not beyond:
        return fields
    others = redact_tokens(beyond)
    # Should Clover ever use a name of the schema, the schema's is meant.
    return fields | {f"clover_{n}" if n in SCHEMA else n: v for n, v in others.items()}


def _split_fields(record: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema's fields, and what is beyond them."""
    get = record.get
    lists = [_list_items(get(name)) for name in LISTS]
    emails, phones, addresses, cards = lists
    shipping, metadata = get("shipping") or _EMPTY, get("metadata") or _EMPTY
    own = (shipping.get("address") or _EMPTY).get
    theirs = (addresses[0] if addresses else _EMPTY).get
    held = _list_items(get("sources")) or cards
    newest = (cards[0] if cards and isinstance(cards[0], dict) else _EMPTY).get
    first, last = get("firstName"), get("lastName")
    fields = {
        "id": get("id"),
        "created": get("created") or get("customerSince"),
        "email": get("email") or _first_value(emails, "emailAddress", "primaryEmail"),
        "name": get("name") or (f"{first} {last}" if first and last else first or last or None),
        "first_name": first,
        "last_name": last,
        "phone": get("phone") or _first_value(phones, "phoneNumber"),
        "currency": get("currency"),
        "marketing_allowed": get("marketingAllowed"),
        "note": metadata.get("note") or None,
        "shipping_name": shipping.get("name"),
        "shipping_phone": shipping.get("phone"),
        # The Platform API's address has other names (D).
        "shipping_line1": own("line1") or theirs("address1"),
        "shipping_line2": own("line2") or theirs("address2"),
        "shipping_city": own("city") or theirs("city"),
        "shipping_state": own("state") or theirs("state"),
        "shipping_postal_code": own("postal_code") or theirs("zip"),
        "shipping_country": own("country") or theirs("country"),
        "source_ids": [str(each["id"] if isinstance(each, dict) else each) for each in held],
        "card_count": len(held),
        "card_brand": newest("cardType"),
        "card_last4": newest("last4"),
        "card_expiry": month_year(newest("expirationDate")),
    }
    beyond: dict[str, Any] = {}
    if not CONSUMED.issuperset(record):
        beyond = {name: value for name, value in record.items() if name not in CONSUMED}
    for (name, known), items in zip(_KNOWN.items(), lists, strict=True):
        if len(items) > 1:
            beyond[name] = items
        elif items and not known.issuperset(items[0]):
            beyond |= _unknown_fields(name, items[0])
    if shipping:
        beyond |= _unknown_shipping(shipping)
    if not _METADATA.issuperset(metadata):
        beyond |= {f"metadata_{n}": v for n, v in metadata.items() if n not in _METADATA}
    return fields, beyond


def _unknown_fields(name: str, item: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """What the only item of a list holds that the schema has no field for."""
    prefix, known = LISTS[name]
    if not isinstance(item, dict):
        return {}
    return {f"{prefix}_{field}": item[field] for field in item if field not in known}


def list_elements(value: object) -> list[Any]:
    """The items of a list in any of Clover's spellings: bare, ``elements`` or ``data``."""
    if isinstance(value, dict):
        value = value["elements"] if "elements" in value else value.get("data")
        if isinstance(value, dict):  # 2019: {"data": {"elements": [...]}}
            value = value.get("elements")
    return value if isinstance(value, list) else []


def _list_items(value: object) -> list[Any]:
    if value is None:
        return _NO_ITEMS
    items = list_elements(value)
    if value and not items and not isinstance(value, dict | list):
        raise TypeError("A list was expected.")
    return items


def mask_tokens(record: Record) -> Record:
    """The same record; the tokens of its cards print masked from now on."""
    for card in list_elements(record.get("cards")):
        if isinstance(card, dict) and isinstance(token := card.get("token"), str):
            card["token"] = Secret(token)
    return record


def redact_tokens(value: Any, level: int = 0) -> Any:  # noqa: ANN401  JSON
    """The same for a row or a table, which may be saved anywhere: without card tokens in clear."""
    if isinstance(value, str):
        return _MASKED if value.startswith(constants.TOKEN_PREFIX) else value
    if level > _DEEPEST:
        return "(nested too deep)"  # nothing of Clover's, and more than Python's stack may take
    if isinstance(value, dict):
        return {
            name: _MASKED if name == "token" and part else redact_tokens(part, level + 1)
            for name, part in value.items()
        }
    return [redact_tokens(part, level + 1) for part in value] if isinstance(value, list) else value


_MASKED: Final = str(Secret(constants.TOKEN_PREFIX))


def _first_value(items: Sequence[Any], field: str, preferred: str = "") -> Any:  # noqa: ANN401  JSON
    for item in items:
        if preferred and item.get(preferred):
            return item.get(field)
    return items[0].get(field) if items else None


@functools.lru_cache(1024)  # of customers, a thousand share a few
def month_year(digits: str | None) -> str | None:
    """A Platform card's ``MMYY`` as :func:`format_expiry` says it."""
    return format_expiry(digits[:2], digits[2:]) if digits else None


def is_customer(record: object) -> bool:
    """Whether something in a list is a customer at all: an object with an id."""
    return isinstance(record, dict) and isinstance(record.get("id"), str) and bool(record["id"])


#: The columns that an API's answer tells all about, by a name in it: what is missing was removed.
_CARRIED: Final[dict[str, tuple[str, ...]]] = {
    "object": ("email", "name", "phone"),  # the Ecommerce API's
    "sources": ("source_ids", "card_count"),
    "shipping": tuple(name for name in SCHEMA if name.startswith("shipping_")),
    "customerSince": ("name", "first_name", "last_name"),  # the Platform API's
    # And the list itself, which is a column where there are several.
    "emailAddresses": ("email", "emailAddresses"),
    "phoneNumbers": ("phone", "phoneNumbers"),
    "addresses": ("addresses", *(f"shipping_{name}" for name in constants.ADDRESS_FIELDS)),
    "cards": ("source_ids", "card_count", "card_brand", "card_last4", "card_expiry", "cards"),
    "metadata": ("note",),
}


def carried_columns(record: Record) -> list[str]:
    """The columns that a record tells all about: where it has no value, the customer has none."""
    names = record.keys() & _CARRIED.keys()
    if "customerSince" in record:  # the Platform API's: what it has of shipping was added here
        names.discard("shipping")
    return [column for name in names for column in _CARRIED[name]]


def format_expiry(month: object, year: object) -> str | None:
    """A card's month and year, in any number of digits, as ``YYYY-MM``, which sorts."""
    if not month or not year:
        return None
    return f"20{str(year)[-2:]}-{month!s:0>2}"


def _unknown_shipping(shipping: Record) -> dict[str, Any]:
    address = shipping.get("address") or _EMPTY
    return {
        f"shipping_{name}": part[name]
        for part, known in ((shipping, _SHIPPING), (address, constants.ADDRESS_FIELDS))
        for name in part
        if name not in known
    }
