"""The Platform API, by which Clover reads customers of a merchant: one method an endpoint.

Source: Clover docs, "Platform API reference", Customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from clover_nb import constants
from clover_nb.api.answers import require_id, wrong_record
from clover_nb.api.pagination import PageReader
from clover_nb.errors import SettingsError
from clover_nb.records import Record, is_customer, list_elements, mask_tokens
from clover_nb.settings import Settings
from clover_nb.transport.http import HTTPTransport, Response, path_of

_EXPAND: Final = ("expand", "addresses,emailAddresses,phoneNumbers,cards,metadata")

Filters = Sequence[tuple[str, str]]
Contact = Literal["email_addresses", "phone_numbers"]


# Clover's names of an address's parts, there and in the Ecommerce API (D).
_ADDRESS_NAMES: Final = {
    "line1": "address1",
    "line2": "address2",
    "city": "city",
    "state": "state",
    "postal_code": "zip",
    "country": "country",
}


class PlatformAPI:
    """The customers of one merchant, as the Platform API has them."""

    def __init__(self, transport: HTTPTransport, settings: Settings) -> None:
        self._transport = transport
        self._merchant = settings.merchant_id
        #: The host, and the merchant whose customers they are.
        self.account = (urlsplit(settings.platform_url).netloc, settings.merchant_id)

    @property
    def can_read(self) -> bool:
        """Whether a merchant id is set, without which nothing can be read."""
        return bool(self._merchant)

    def _customers_path(self, *parts: str) -> str:
        """The address of the customers, or of one.

        Raises:
            SettingsError: No merchant id is set.
        """
        if not self._merchant:
            raise SettingsError(
                "CLOVER_MERCHANT_ID is missing, and Clover reads customers by merchant.",
                hint="Set it in .env, or connect with merchant_id=; it stands in the address of "
                "Clover's dashboard, after /m/.",
                field="merchant_id",
            )
        return path_of("v3", "merchants", self._merchant, "customers", *parts)

    def get_customer(self, customer_id: str) -> Record:
        """``GET /v3/merchants/{mId}/customers/{customerId}``.

        Raises:
            NotFoundError: There is none with this id.
            InvalidResponseError: The answer is another customer's.
        """
        path = self._customers_path(customer_id)
        answer = self._transport.send("GET", "platform", path, params=[_EXPAND])
        if answer.get("id") != customer_id:
            raise wrong_record(answer)
        return mask_tokens(answer)

    def find_customers(self, *filters: str) -> list[Record]:
        """``GET /v3/merchants/{mId}/customers`` with filters such as ``emailAddress=...``, all.

        Raises:
            InvalidResponseError: Something in the answer is no customer, so it proves nothing.
        """
        found: list[Record] = []
        asked = [("filter", each) for each in filters]
        window = [*asked, ("limit", str(constants.PAGE_MAX)), _EXPAND]
        while True:
            offset = ("offset", str(len(found)))
            answer = self._transport.send(
                "GET", "platform", self._customers_path(), params=[*window, offset]
            )
            page = list_elements(answer)
            if not all(map(is_customer, page)):
                raise wrong_record(answer)
            found += map(mask_tokens, page)
            if len(page) < constants.PAGE_MAX:
                return found

    def delete_customer(self, customer_id: str) -> Response:
        """``DELETE /v3/merchants/{mId}/customers/{customerId}``."""
        return self._transport.send("DELETE", "platform", self._customers_path(customer_id))

    def create_address(self, customer_id: str, address: Mapping[str, Any]) -> Response:
        """``POST .../customers/{customerId}/addresses``, by the Ecommerce API's names of parts."""
        path, body = self._customers_path(customer_id, "addresses"), _address_body(address)
        return require_id(self._transport.send("POST", "platform", path, body=body))

    def update_address(
        self, customer_id: str, address_id: str, address: Mapping[str, Any]
    ) -> Response:
        """``POST .../customers/{customerId}/addresses/{addressId}``, as :meth:`create_address`."""
        path, body = (
            self._customers_path(customer_id, "addresses", address_id),
            _address_body(address),
        )
        return require_id(self._transport.send("POST", "platform", path, body=body), address_id)

    def delete_address(self, customer_id: str, address_id: str) -> Response:
        """``DELETE .../customers/{customerId}/addresses/{addressId}``."""
        return self._transport.send(
            "DELETE", "platform", self._customers_path(customer_id, "addresses", address_id)
        )

    def create_customer(self, customer: Mapping[str, Any]) -> Response:
        """``POST /v3/merchants/{mId}/customers``, a customer without a card.

        Args:
            customer: ``firstName``, ``lastName``, ``email``, ``phone``, ``address`` by the
                Ecommerce API's names of parts, and ``externalId``, a mark that is kept (O-live).

        Raises:
            AmbiguousWriteError: It may or may not have been made.
            CloverError: It was not made.
        """
        names = ("firstName", "lastName", "externalId")
        body: dict[str, Any] = {name: customer[name] for name in names if customer.get(name)}
        if customer.get("email"):
            body["emailAddresses"] = [{"emailAddress": customer["email"]}]
        if customer.get("phone"):
            body["phoneNumbers"] = [{"phoneNumber": customer["phone"]}]
        if customer.get("address"):
            body["addresses"] = [_address_body(customer["address"])]
        return require_id(
            self._transport.send(
                "POST", "platform", self._customers_path(), body=body, params=[_EXPAND]
            )
        )

    def update_customer(self, customer_id: str, body: Mapping[str, Any]) -> Response:
        """``POST /v3/merchants/{mId}/customers/{customerId}``: an update is a POST (O-live)."""
        path = self._customers_path(customer_id)
        return require_id(
            self._transport.send("POST", "platform", path, body=body, params=[_EXPAND]), customer_id
        )

    def update_metadata(self, customer_id: str, metadata: Mapping[str, Any]) -> Response:
        """``POST /v3/merchants/{mId}/customers/{customerId}/metadata``."""
        path = self._customers_path(customer_id, "metadata")
        return self._transport.send("POST", "platform", path, body=metadata)

    def create_contact(self, customer_id: str, kind: Contact, body: Mapping[str, Any]) -> Response:
        """``POST .../customers/{customerId}/email_addresses`` or ``/phone_numbers``."""
        path = self._customers_path(customer_id, kind)
        return require_id(self._transport.send("POST", "platform", path, body=body))

    def update_contact(
        self, customer_id: str, kind: Contact, contact_id: str, body: Mapping[str, Any]
    ) -> Response:
        """``POST .../customers/{customerId}/email_addresses/{emailId}``, or a phone's."""
        path = self._customers_path(customer_id, kind, contact_id)
        return require_id(self._transport.send("POST", "platform", path, body=body), contact_id)

    def delete_contact(self, customer_id: str, kind: Contact, contact_id: str) -> Response:
        """``DELETE .../customers/{customerId}/email_addresses/{emailId}``, or a phone's."""
        return self._transport.send(
            "DELETE", "platform", self._customers_path(customer_id, kind, contact_id)
        )

    def read_pages(self, filters: Filters = (), limit: int | None = None) -> PageReader:
        """The customers of the merchant, page after page; iterating reads them."""
        path = self._customers_path()

        def fetch_page(offset: int, rows: int) -> list[Any]:
            window = [*filters, ("limit", str(rows)), ("offset", str(offset)), _EXPAND]
            return list_elements(self._transport.send("GET", "platform", path, params=window))

        return PageReader(fetch_page, limit)


def _address_body(address: Mapping[str, Any]) -> dict[str, str]:
    """The body for an address. What is left out stays, so what is taken off is an empty text."""
    return {_ADDRESS_NAMES[part]: value or "" for part, value in address.items()}
