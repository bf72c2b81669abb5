"""The Ecommerce API: keys, tokens, and customers with a card on file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from clover_nb.sandbox import cards
from clover_nb.sandbox.api import filters as queries
from clover_nb.sandbox.api import request_body as bodies
from clover_nb.sandbox.api import schemas as shapes
from clover_nb.sandbox.api.openapi import takes
from clover_nb.sandbox.customer import Customer
from clover_nb.sandbox.errors import Case, Refused
from clover_nb.sandbox.ids import HISTORY_ENDS
from clover_nb.sandbox.merchant import Merchant, answer, merchant_of

if TYPE_CHECKING:
    from clover_nb.sandbox.ids import Moment

router = APIRouter()
# I: no page has these calls; the setting `undocumented_calls` adds them.
undocumented = APIRouter()


@router.get("/pakms/apikey")
async def api_key(request: Request) -> Response:
    """Return the public key that tokens are made with; it never expires."""
    keys = merchant_of(request).keys
    return answer(
        {
            "apiAccessKey": keys.api_key,
            "merchantUuid": keys.merchant_id,
            "developerAppUuid": keys.app_id,
            "active": True,
            "createdTime": HISTORY_ENDS,
            "modifiedTime": HISTORY_ENDS,
        }
    )


@router.post("/v1/tokens", openapi_extra=takes(shapes.TOKEN))
async def create_token(request: Request) -> Response:
    """Make a single-use token of a test card."""
    merchant = merchant_of(request)
    return answer(cards.tokenize(merchant.store, await bodies.read(request), merchant.choices))


@router.post("/v1/customers", openapi_extra=takes(shapes.CUSTOMER_CREATE))
async def create_customer(request: Request) -> Response:
    """Create a customer with a card on file."""
    merchant = merchant_of(request)
    fields = bodies.check(shapes.CUSTOMER_CREATE, await bodies.read(request))
    with merchant.store.write() as moment:
        customer = Customer(moment.id(), moment.now)
        _change(merchant, moment, customer, fields)
    return answer(customer.ecommerce(merchant.choices))


@router.put("/v1/customers/{customer_id}", openapi_extra=takes(shapes.CUSTOMER_UPDATE))
async def update_customer(request: Request) -> Response:
    """Change a customer's profile, attach a card, or both."""
    merchant = merchant_of(request)
    body = await bodies.read(request)
    customer = _customer(request)
    if not merchant.on("put_requires_email"):
        body["email"] = body.get("email") or customer.email
    fields = bodies.check(shapes.CUSTOMER_UPDATE, body)
    if merchant.on("put_requires_source") and "source" not in fields:
        raise Refused(Case.SOURCE_MISSING, param="source")
    with merchant.store.write() as moment:
        _change(merchant, moment, customer, fields)
    return answer(customer.ecommerce(merchant.choices))


@router.delete("/v1/customers/{customer_id}/sources/{source_id}")
async def delete_source(request: Request) -> Response:
    """Revoke a card; the Platform API forgets it too."""
    store, source_id = merchant_of(request).store, request.path_params["source_id"]
    with store.write():
        customer = store.customer(request.path_params["customer_id"])
        left = [card for card in customer.cards if card["id"] != source_id] if customer else []
        # I: a card that was revoked once is unknown.
        if customer is None or len(left) == len(customer.cards):
            raise Refused(Case.SOURCE_MISSING_ON_REVOKE)
        customer.cards = left
        store.save(customer)
    return answer({"deleted": True, "id": source_id, "object": "deletedcard"})


@undocumented.get("/v1/customers", openapi_extra=queries.parameters(10, 100))
async def list_customers(request: Request) -> Response:
    """List customers, as the Ecommerce API pages other lists. D: 10, at most 100 a page."""
    merchant = merchant_of(request)
    limit, offset = queries.window(request.query_params, default=10, largest=100)
    found = merchant.store.customers(limit, offset)
    views = [customer.ecommerce(merchant.choices) for customer in found]
    return answer({"object": "list", "data": views, "has_more": len(found) == limit})


@undocumented.get("/v1/customers/{customer_id}")
async def get_customer(request: Request) -> Response:
    """Return a customer."""
    merchant = merchant_of(request)
    return answer(_customer(request).ecommerce(merchant.choices))


@undocumented.delete("/v1/customers/{customer_id}")
async def delete_customer(request: Request) -> Response:
    """Delete a customer, as Clover's Node SDK asks for it."""
    merchant = merchant_of(request)
    with merchant.store.write():
        customer = _customer(request)
        merchant.store.delete(customer)
    return answer({"deleted": True, "id": customer.id, "object": "customer"})


def _customer(request: Request) -> Customer:
    customer = merchant_of(request).store.customer(request.path_params["customer_id"])
    if customer is None:
        raise Refused(Case.CUSTOMER_MISSING)
    return customer


def _change(merchant: Merchant, moment: Moment, customer: Customer, fields: dict[str, Any]) -> None:
    if source := fields.get("source"):
        cards.attach(merchant.store, moment, customer, source, merchant.choices)
    _rename(customer, fields, legacy=merchant.on("names_of_2019"))
    if email := fields.get("email"):
        _add_email(customer, email, moment.id(), merchant.choices["new_email"])
    if phone := fields.get("phone"):
        # I: a customer has one phone here; an update replaces it.
        first = customer.phoneNumbers[0] if customer.phoneNumbers else {"id": moment.id()}
        customer.phoneNumbers[:1] = [first | {"phoneNumber": phone} | customer.owner]
    if "shipping" in fields:
        customer.ship_to(fields["shipping"], moment.id())
    merchant.store.save(customer)


def _rename(customer: Customer, fields: dict[str, Any], *, legacy: bool) -> None:
    customer.first = (
        fields.get("firstName") or (legacy and fields.get("first_name")) or customer.first
    )
    customer.last = fields.get("lastName") or (legacy and fields.get("last_name")) or customer.last
    # I: the full name wins over its parts.
    customer.name = fields.get("name", customer.name)


def _add_email(customer: Customer, email: str, email_id: str, place: str) -> None:
    """Add an address (O-live: an update adds it); one that is known only moves."""
    others = [entry for entry in customer.emailAddresses if entry["emailAddress"] != email]
    known = [entry for entry in customer.emailAddresses if entry["emailAddress"] == email]
    entry = known[0] if known else {"id": email_id, "emailAddress": email, **customer.owner}
    entries = {"first": [entry, *others], "last": [*others, entry], "replace": [entry]}[place]
    customer.emailAddresses = [e | {"primaryEmail": e is entries[0]} for e in entries]
