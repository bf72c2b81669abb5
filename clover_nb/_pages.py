"""Whole pages of plain Platform records as Arrow columns, which reads them in one go, in C++.

It gives the values that :func:`clover_nb.frames.flat` gives, for the records that every page is
full of: each contact at most once, and nothing that the schema doesn't know. Those that are
otherwise are told apart, for `flat`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

_TEXT: Final = pa.string()


def _listed(**fields: pa.DataType) -> pa.DataType:
    return pa.struct({"elements": pa.list_(pa.struct(fields))})


_ADDRESS: Final = {
    "shipping_line1": "address1",
    "shipping_line2": "address2",
    "shipping_city": "city",
    "shipping_state": "state",
    "shipping_postal_code": "zip",
    "shipping_country": "country",
}
_RECORD: Final = pa.struct(
    {
        "id": _TEXT,
        "customerSince": pa.int64(),
        "firstName": _TEXT,
        "lastName": _TEXT,
        "marketingAllowed": pa.bool_(),
        "emailAddresses": _listed(emailAddress=_TEXT),
        "phoneNumbers": _listed(phoneNumber=_TEXT),
        "addresses": _listed(**dict.fromkeys(_ADDRESS.values(), _TEXT)),
        "cards": _listed(id=_TEXT, cardType=_TEXT, last4=_TEXT, expirationDate=_TEXT),
    }
)
_LISTS: Final = ("emailAddresses", "phoneNumbers", "addresses", "cards")
# The address of the record itself and the merchant that was asked say nothing about the customer.
_PLAIN: Final = frozenset({field.name for field in _RECORD} | {"href", "merchant"})


def read(records: Sequence[Any]) -> tuple[dict[str, pa.Array], list[int]] | None:
    """The columns of plain records, and which records are not plain.

    Args:
        records: Customers as Clover gives them.

    Returns:
        The columns by the schema's names, where there is anything in them, with a line for each
        record; and the positions of those whose line is not right. ``None`` when there is a type
        that Clover never sent.
    """
    try:
        whole = pa.array(records, _RECORD)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None
    lists = [whole.field(name).field("elements") for name in _LISTS]
    odd = pc.invert(pa.array(list(map(_PLAIN.issuperset, records)), pa.bool_()))
    for items in lists:
        odd = pc.or_(odd, pc.greater(_lengths(items), 1))
    email, phone, address, card = map(_only, lists)
    first, last = whole.field("firstName"), whole.field("lastName")
    columns = {
        "id": whole.field("id"),
        "created": whole.field("customerSince").cast(pa.timestamp("ms", "UTC")),
        "email": email.field("emailAddress"),
        "name": _joined(first, last),
        "first_name": first,
        "last_name": last,
        "phone": phone.field("phoneNumber"),
        "marketing_allowed": whole.field("marketingAllowed"),
        **{name: address.field(theirs) for name, theirs in _ADDRESS.items()},
        "source_ids": _ids(lists[-1]),
        "card_count": _lengths(lists[-1]),
        "card_brand": card.field("cardType"),
        "card_last4": card.field("last4"),
        "card_expiry": _expiry(card.field("expirationDate")),
    }
    return columns, pc.indices_nonzero(odd).to_pylist()


def _lengths(items: pa.Array) -> pa.Array:
    return pc.fill_null(pc.list_value_length(items), 0)


def _only(items: pa.Array) -> pa.StructArray:
    """The first item of each list, or nothing."""
    position = pc.if_else(pc.greater(_lengths(items), 0), items.offsets[:-1], None)
    taken = items.values.take(position)
    return pa.StructArray.from_arrays(taken.flatten(), fields=list(taken.type))


def _joined(first: pa.Array, last: pa.Array) -> pa.Array:
    first, last = (pc.if_else(pc.equal(part, ""), None, part) for part in (first, last))
    return pc.coalesce(pc.binary_join_element_wise(first, last, " "), first, last)


def _ids(cards: pa.Array) -> pa.Array:
    """The cards' ids: the same lists, of another value."""
    return pa.ListArray.from_arrays(cards.offsets, cards.values.field("id"))


def _expiry(month_year: pa.Array) -> pa.Array:
    """MMYY as YYYY-MM."""
    month = pc.utf8_slice_codeunits(month_year, 0, 2)
    year = pc.utf8_slice_codeunits(pc.utf8_slice_codeunits(month_year, 2), -2)
    both = pc.binary_join_element_wise(
        pc.binary_join_element_wise("20", year, ""), pc.utf8_lpad(month, 2, "0"), "-"
    )
    return pc.if_else(pc.greater(pc.utf8_length(year), 0), both, None)
