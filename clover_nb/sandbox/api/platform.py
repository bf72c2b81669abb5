"""The Platform API's customers: the same records, in its own shape. Updates are POSTs (D)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastapi import APIRouter, Request, Response

from clover_nb.sandbox.api import filters, schemas
from clover_nb.sandbox.api.openapi import describe_body
from clover_nb.sandbox.api.request_body import read_json, validate
from clover_nb.sandbox.customer import LINKS, Customer
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.merchant import Merchant, get_merchant
from clover_nb.sandbox.responses import Json, json_response, to_json

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from clover_nb.sandbox.ids import WriteContext

router = APIRouter(prefix="/v3/merchants/{merchant_id}")

# D, O-live: a list says by which fields it can be filtered.
_LIST_HEADERS: Final = {"X-Clover-Allowed-Filter-Fields": ", ".join(filters.FILTER_FIELDS)}
_EXPANDS: Final = {"parameters": [filters.EXPAND]}
_LIST: Final = {
    "parameters": [*filters.page_parameters()["parameters"], filters.EXPAND, filters.FILTER]
}


class Part(NamedTuple):
    """A list that a record holds, whose entries have calls of their own."""

    path: str
    name: str
    schema: TypeAdapter[Any]


PARTS: Final = (
    Part("email_addresses", "emailAddresses", schemas.EMAIL_ADDRESS),
    Part("phone_numbers", "phoneNumbers", schemas.PHONE_NUMBER),
    Part("addresses", "addresses", schemas.ADDRESS),
)

_CLEARABLE: Final = {"address2", "address3"}


@router.get("/customers", openapi_extra=_LIST)
async def list_customers(request: Request) -> Response:
    """List customers, oldest first; a short page is the last."""
    merchant, query = get_merchant(request), request.query_params
    limit, offset = filters.parse_page(query)
    where, values = filters.parse_filters(query, merchant.settings)
    elements = merchant.store.list_records(
        filters.parse_expand(query), where, values, limit, offset
    )
    href = f"{LINKS}{request.url.path}?{request.url.query or f'limit={limit}'}"
    body = b'{"elements":[%b],"href":%b}' % (elements, to_json(href).encode())
    return _json(body, _LIST_HEADERS)


@router.get("/customers/{customer_id}", openapi_extra=_EXPANDS)
async def get_customer(request: Request) -> Response:
    """Return one customer."""
    return _record(request, request.path_params["customer_id"])


@router.post("/customers", openapi_extra=describe_body(schemas.RECORD) | _EXPANDS)
async def create_customer(request: Request) -> Response:
    """Create a customer without a card. O-live: nobody looks for duplicates."""
    merchant = get_merchant(request)
    fields = validate(schemas.RECORD, await read_json(request), merchant.settings["spelling"])
    with merchant.store.write() as context:
        customer = Customer(context.id(), context.now)
        _change(merchant, context, customer, fields)
        merchant.store.save(customer)
    return _record(request, customer.id)


@router.post("/customers/{customer_id}", openapi_extra=describe_body(schemas.RECORD) | _EXPANDS)
async def update_customer(request: Request) -> Response:
    """Change a customer; what is left out stays."""
    merchant = get_merchant(request)
    body = await read_json(request)
    customer = _customer(request)
    fields = validate(schemas.RECORD, body, merchant.settings["spelling"])
    with merchant.store.write() as context:
        _change(merchant, context, customer, fields)
        merchant.store.save(customer)
    return _record(request, customer.id)


@router.delete("/customers/{customer_id}")
async def delete_customer(request: Request) -> Response:
    """Delete a customer and the cards."""
    merchant = get_merchant(request)
    with merchant.store.write() as context:
        merchant.delete(_customer(request), context.now)
    return json_response({})  # O-fix


@router.get("/gateway")
async def gateway(request: Request) -> Response:
    """Tell whether the merchant may save cards."""
    return json_response({"supportsMultiPayToken": get_merchant(request).is_on("multipay")})


@router.post("/customers/{customer_id}/metadata", openapi_extra=describe_body(schemas.METADATA))
async def set_metadata(request: Request) -> Response:
    """Change what is noted about a customer."""
    merchant = get_merchant(request)
    body = await read_json(request)
    customer = _customer(request)
    fields = validate(schemas.METADATA, body)
    with merchant.store.write() as context:
        _note(customer, fields, context.now)
        merchant.store.save(customer)
    return json_response(customer.metadata)


def _add_part_routes(part: Part) -> None:
    @router.post(
        f"/customers/{{customer_id}}/{part.path}", openapi_extra=describe_body(part.schema)
    )
    async def add_part(request: Request) -> Response:
        return await _put_part(request, part)

    @router.post(
        f"/customers/{{customer_id}}/{part.path}/{{part_id}}",
        openapi_extra=describe_body(part.schema),
    )
    async def update_part(request: Request) -> Response:
        return await _put_part(request, part, request.path_params["part_id"])

    @router.delete(f"/customers/{{customer_id}}/{part.path}/{{part_id}}")
    async def delete_part(request: Request) -> Response:
        merchant = get_merchant(request)
        with merchant.store.write():
            customer = _customer(request)
            getattr(customer, part.name).remove(
                _entry(customer, part, request.path_params["part_id"])
            )
            merchant.store.save(customer)
        return json_response({})


for _part in PARTS:
    _add_part_routes(_part)


async def _put_part(request: Request, part: Part, part_id: str = "") -> Response:
    merchant = get_merchant(request)
    body = await read_json(request)
    customer = _customer(request)
    entries: list[Json] = getattr(customer, part.name)
    old = _entry(customer, part, part_id) if part_id else None
    fields = validate(part.schema, body, merchant.settings["spelling"])
    with merchant.store.write() as context:
        if old is None:
            entries.append(old := {"id": context.id()})
        # I: an empty text clears what is optional, and what is left out stays.
        for name in _CLEARABLE & body.keys() - fields.keys():
            old.pop(name, None)
        old |= fields | customer.owner
        if fields.get("primaryEmail"):
            for entry in entries:
                entry["primaryEmail"] = entry is old
        merchant.store.save(customer)
    return json_response(old)


def _customer(request: Request) -> Customer:
    customer = get_merchant(request).store.get_customer(request.path_params["customer_id"])
    if customer is None:
        raise APIException(ErrorCase.RECORD_MISSING)
    return customer


def _entry(customer: Customer, part: Part, part_id: str) -> Json:
    for entry in getattr(customer, part.name):
        if entry["id"] == part_id:
            found: Json = entry
            return found
    raise APIException(ErrorCase.PART_MISSING)


def _record(request: Request, customer_id: str) -> Response:
    # O-live: contacts are left out unless they are asked for, of what was just created too.
    expand = filters.parse_expand(request.query_params)
    found = get_merchant(request).store.list_records(expand, "id = ?", [customer_id], 1, 0)
    if not found:
        raise APIException(ErrorCase.RECORD_MISSING)
    return _json(found)


def _json(body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, headers=headers, media_type="application/json")


def _change(merchant: Merchant, context: WriteContext, customer: Customer, fields: Json) -> None:
    customer.first = fields.get("firstName", customer.first)
    customer.last = fields.get("lastName", customer.last)
    if merchant.settings["external_id"] == "stored":
        customer.external_id = fields.get("externalId", customer.external_id)
    if "metadata" in fields:
        _note(customer, fields["metadata"], context.now)
    for part in PARTS:
        given = fields.get(part.name)
        if isinstance(given, list):
            entries = [{"id": context.id(), **entry, **customer.owner} for entry in given]
            if merchant.settings["contacts_given"] == "add":
                entries = getattr(customer, part.name) + entries
            setattr(customer, part.name, entries)


def _note(customer: Customer, fields: Json, now: int) -> None:
    customer.metadata |= fields | {"modifiedTime": now} | customer.owner
