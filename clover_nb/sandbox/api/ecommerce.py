"""The Ecommerce API: keys, tokens, and customers with a card on file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clover_nb.sandbox import cards
from clover_nb.sandbox.api import filters, schemas
from clover_nb.sandbox.api.openapi import Operation
from clover_nb.sandbox.api.request_body import read_json, validate_body
from clover_nb.sandbox.customer import Customer, split_name
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.ids import HISTORY_ENDS
from clover_nb.sandbox.merchant import Merchant, get_merchant
from clover_nb.sandbox.responses import Json, json_response

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from starlette.requests import Request
    from starlette.responses import Response

    from clover_nb.sandbox.ids import WriteContext


async def get_api_key(request: Request) -> Response:
    """Return the public key that tokens are made with; it never expires."""
    keys = get_merchant(request).credentials
    return json_response(
        {
            "apiAccessKey": keys.api_key,
            "merchantUuid": keys.merchant_id,
            "developerAppUuid": keys.app_id,
            "active": True,
            "createdTime": HISTORY_ENDS,
            "modifiedTime": HISTORY_ENDS,
        }
    )


async def create_customer(request: Request) -> Response:
    """Create a customer with a card on file."""
    merchant = get_merchant(request)
    fields = _validate_fields(merchant, schemas.CUSTOMER_CREATE, await read_json(request))
    with merchant.store.write() as context:
        customer = Customer(context.id(), context.now)
        _apply_fields(merchant, context, customer, fields)
        if merchant.settings["recipient"] == "stays":
            customer.shipping = {"name": customer.name, "phone": customer.phone} | customer.shipping
            merchant.store.save(customer)
    return json_response(customer.to_ecommerce(merchant.settings))


async def update_customer(request: Request) -> Response:
    """Change a customer's profile, attach a card, or both."""
    merchant = get_merchant(request)
    body = await read_json(request)
    customer = _get_customer(request)
    if not merchant.is_on("put_requires_email"):
        body["email"] = body.get("email") or customer.email
    fields = _validate_fields(merchant, schemas.CUSTOMER_UPDATE, body)
    if merchant.is_on("put_requires_source") and "source" not in fields:
        raise APIException(ErrorCase.SOURCE_MISSING, param="source")
    with merchant.store.write() as context:
        _apply_fields(merchant, context, customer, fields)
    return json_response(customer.to_ecommerce(merchant.settings))


async def delete_source(request: Request) -> Response:
    """Revoke a card; the Platform API forgets it too."""
    store, source_id = get_merchant(request).store, request.path_params["source_id"]
    with store.write():
        customer = store.get_customer(request.path_params["customer_id"])
        left = [card for card in customer.cards if card["id"] != source_id] if customer else []
        # I: a card that was revoked once is unknown.
        if customer is None or len(left) == len(customer.cards):
            raise APIException(ErrorCase.SOURCE_MISSING_ON_REVOKE)
        customer.cards = left
        store.save(customer)
    return json_response({"deleted": True, "id": source_id, "object": "deletedcard"})


async def list_customers(request: Request) -> Response:
    """List customers, as the Ecommerce API pages other lists. D: 10, at most 100 a page."""
    merchant = get_merchant(request)
    limit, offset = filters.parse_page(request.query_params, default=10, largest=100)
    found = merchant.store.list_customers(limit, offset)
    views = [customer.to_ecommerce(merchant.settings) for customer in found]
    return json_response({"object": "list", "data": views, "has_more": len(found) == limit})


async def get_customer(request: Request) -> Response:
    """Return a customer."""
    merchant = get_merchant(request)
    return json_response(_get_customer(request).to_ecommerce(merchant.settings))


async def delete_customer(request: Request) -> Response:
    """Delete a customer, as Clover's Node SDK asks for it."""
    merchant = get_merchant(request)
    with merchant.store.write() as context:
        customer = _get_customer(request)
        merchant.delete(customer, context.now)
    return json_response({"deleted": True, "id": customer.id, "object": "customer"})


def _validate_fields(merchant: Merchant, schema: TypeAdapter[Any], body: Json) -> Json:
    return validate_body(schema, body, merchant.settings["spelling"])


def _get_customer(request: Request) -> Customer:
    customer = get_merchant(request).store.get_customer(request.path_params["customer_id"])
    if customer is None:
        raise APIException(ErrorCase.CUSTOMER_MISSING)
    return customer


def _apply_fields(
    merchant: Merchant, context: WriteContext, customer: Customer, fields: Json
) -> None:
    if source := fields.get("source"):
        cards.attach_card(merchant.store, context, customer, source, merchant.settings)
    _set_name(customer, fields, legacy=merchant.is_on("names_of_2019"))
    if email := fields.get("email"):
        _add_email(customer, email, context.id(), merchant.settings["new_email"])
    if phone := fields.get("phone"):
        # I: a customer has one phone here; an update replaces it.
        first = customer.phoneNumbers[0] if customer.phoneNumbers else {"id": context.id()}
        customer.phoneNumbers[:1] = [first | {"phoneNumber": phone} | customer.owner]
    if "shipping" in fields:
        customer.set_shipping(fields["shipping"], context.id())
    merchant.store.save(customer)


def _set_name(customer: Customer, fields: Json, *, legacy: bool) -> None:
    # I: a full name is split; a first or last name beside it wins over its part.
    if name := fields.get("name"):
        customer.first, customer.last = split_name(name)
    first = fields.get("firstName") or (legacy and fields.get("first_name"))
    last = fields.get("lastName") or (legacy and fields.get("last_name"))
    customer.first = first or customer.first
    customer.last = last or customer.last


def _add_email(customer: Customer, email: str, email_id: str, place: str) -> None:
    """Add an address (O-live: an update adds it); one that is known only moves."""
    others = [entry for entry in customer.emailAddresses if entry["emailAddress"] != email]
    known = [entry for entry in customer.emailAddresses if entry["emailAddress"] == email]
    entry = known[0] if known else {"id": email_id, "emailAddress": email, **customer.owner}
    entries = {"first": [entry, *others], "last": [*others, entry], "replace": [entry]}[place]
    customer.emailAddresses = [e | {"primaryEmail": e is entries[0]} for e in entries]


operations = [
    Operation("GET", "/pakms/apikey", get_api_key),
    Operation("POST", "/v1/customers", create_customer, body=schemas.CUSTOMER_CREATE),
    Operation("PUT", "/v1/customers/{customer_id}", update_customer, body=schemas.CUSTOMER_UPDATE),
    Operation("DELETE", "/v1/customers/{customer_id}/sources/{source_id}", delete_source),
]
# By the settings that add them: no page has these calls.
optional_operations = {
    "undocumented_calls": [
        Operation(
            "GET", "/v1/customers", list_customers, parameters=filters.page_parameters(10, 100)
        ),
        Operation("GET", "/v1/customers/{customer_id}", get_customer),
        Operation("DELETE", "/v1/customers/{customer_id}", delete_customer),
    ],
    "update_by_post": [
        Operation(
            "POST", "/v1/customers/{customer_id}", update_customer, body=schemas.CUSTOMER_UPDATE
        )
    ],
}
