"""A customer, as both APIs see it.

The record is the Platform API's; what only the Ecommerce API knows of it is in `shipping`. It is
stored as ready pieces of the Platform's JSON, so that a read only joins them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from clover_nb import constants
from clover_nb.sandbox.responses import Json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

# Platform's name of each part of an address, and Ecommerce's.
ADDRESS_NAMES: Final = {
    "address1": "line1",
    "address2": "line2",
    "city": "city",
    "state": "state",
    "zip": "postal_code",
    "country": "country",
}

# The pieces beside the head, in the order of the table's columns.
LISTS: Final = ("addresses", "emailAddresses", "phoneNumbers", "cards")

# I: links carry the names that Clover's sandbox has, so that the same requests give the same bodies
# whatever the port. O-live: a record's own link is on the web host, whichever was asked.
API_HOST: Final = constants.HOSTS["sandbox"].platform.partition("//")[2]
WEB_HOST: Final = "https://sandbox.dev.clover.com"


@dataclass(slots=True)
class Customer:
    """One customer, changed in place and then saved."""

    id: str
    since: int
    first: str = ""
    last: str = ""
    external_id: str = ""
    deleted: int | None = None
    addresses: list[Json] = field(default_factory=list)
    emailAddresses: list[Json] = field(default_factory=list)  # noqa: N815  Clover's name
    phoneNumbers: list[Json] = field(default_factory=list)  # noqa: N815  Clover's name
    cards: list[Json] = field(default_factory=list)
    metadata: Json = field(default_factory=dict)
    shipping: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first} {self.last}" if self.first and self.last else self.first or self.last

    @property
    def email(self) -> str:
        """The primary address, or else the first."""
        ranked = sorted(self.emailAddresses, key=lambda entry: not entry.get("primaryEmail"))
        return str(ranked[0]["emailAddress"]) if ranked else ""

    @property
    def phone(self) -> str:
        """The first number."""
        return str(self.phoneNumbers[0]["phoneNumber"]) if self.phoneNumbers else ""

    def to_columns(self, merchant_id: str) -> tuple[str | int | None, ...]:
        """Return the columns of the table, but for the first, which numbers the rows.

        The last ones are ready JSON: the head, each of `LISTS`, and the metadata are joined to the
        record.
        """
        head: Json = {
            "id": self.id,
            "href": f"{WEB_HOST}/v3/merchants/{merchant_id}/customers/{self.id}",
            "firstName": self.first,
            "lastName": self.last,
            "marketingAllowed": False,  # O-live: it ignores what is given
            "customerSince": self.since,
            "externalId": self.external_id,
            "deletedTime": self.deleted,
        }
        lists = (f',"{name}":{{"elements":{to_json(getattr(self, name))}}}' for name in LISTS)
        metadata = f',"metadata":{to_json(self.metadata)}' if self.metadata else ""
        return (
            self.id,
            None if self.deleted else self.since,  # lists leave out who has none
            self.deleted,
            self.first,
            self.last,
            to_json({k: v for k, v in head.items() if v not in {"", None}})[:-1],
            *lists,
            metadata,
            to_json(self.shipping),
        )

    @classmethod
    def from_json(cls, record: str, shipping: str) -> Customer:
        """Read back what was stored.

        Args:
            record: All pieces but the shipping, joined and closed.
            shipping: The shipping.
        """
        stored = json.loads(record)
        return cls(
            id=stored["id"],
            since=stored["customerSince"],
            first=stored.get("firstName", ""),
            last=stored.get("lastName", ""),
            external_id=stored.get("externalId", ""),
            deleted=stored.get("deletedTime"),
            metadata=stored.get("metadata", {}),
            shipping=json.loads(shipping),
            **{name: stored[name]["elements"] for name in LISTS},
        )

    def contacts(self) -> list[tuple[str, str]]:
        """What filters find the customer by: the field, and its value."""
        emails = [("emailAddress", entry["emailAddress"]) for entry in self.emailAddresses]
        return emails + [("phoneNumber", entry["phoneNumber"]) for entry in self.phoneNumbers]

    def set_shipping(self, shipping: Json, address_id: str) -> None:
        """Replace the whole `shipping`, and with it the Platform's first address.

        I: a part that is left out is forgotten, the recipient and the tracking number too.
        """
        self.shipping = dict(shipping)
        if self.addresses:
            address_id = self.addresses.pop(0)["id"]
        if given := shipping.get("address"):
            # D: the country is filled in with US.
            address = self.shipping["address"] = {"country": "US"} | given
            named = {
                ours: address[theirs] for ours, theirs in ADDRESS_NAMES.items() if theirs in address
            }
            self.addresses.insert(0, {"id": address_id} | named | self.owner)

    def _get_address(self) -> Json:
        first = self.addresses[0] if self.addresses else {}
        return {theirs: first[ours] for ours, theirs in ADDRESS_NAMES.items() if ours in first}

    @property
    def owner(self) -> Json:
        """What each part of the record carries of its customer."""
        return {"customer": {"id": self.id}}

    def to_ecommerce(self, settings: Mapping[str, str]) -> Json:
        """The Ecommerce API's view of the record.

        Args:
            settings: The values of the sandbox's settings.
        """
        legacy = settings["names_of_2019"] == "on"
        ids = [card["id"] for card in self.cards]
        own = (
            {} if settings["shipping_follows"] == "ecommerce" else {"address": self._get_address()}
        )
        view: Json = {
            "id": self.id,
            "object": "customer",
            "created": self.since,
            "currency": settings["currency"],
            "email": self.email,
            "phone": self.phone,
            "name": self.name,
            "firstName": self.first if legacy else "",
            "lastName": self.last if legacy else "",
        }
        sources: Json = {"object": "list", "data": ids}
        if settings["sources"] == "elements":
            sources["data"] = {"elements": ids}
        if settings["has_more"] == "on":
            sources["has_more"] = False
        # D: the recipient's name and phone are the customer's unless they were given.
        name = self.name or ("null null" if legacy else "")
        shipping = {"name": name, "phone": self.phone} | self.shipping | own
        view |= {
            "sources": sources,
            "shipping": {key: value for key, value in shipping.items() if value},
        }
        if settings["empty_shipping"] == "left out":
            view["shipping"] = view["shipping"] or ""
        return {key: value for key, value in view.items() if value != ""}


def split_name(name: str) -> tuple[str, str]:
    """Return first and last name. I: split at the last space, so that a space joins them again."""
    first, space, last = name.rpartition(" ")
    return (first, last) if space else (last, "")
