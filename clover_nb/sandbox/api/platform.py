"""The Platform API's customers: the same records, in its own shape. Updates are POSTs (D)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastapi import APIRouter, Request, Response

from clover_nb.sandbox.api import filters as queries
from clover_nb.sandbox.api import schemas as shapes
from clover_nb.sandbox.api.openapi import takes
from clover_nb.sandbox.api.request_body import check, read
from clover_nb.sandbox.customer import LINKS, Customer, Json, dump
from clover_nb.sandbox.errors import Case, Refused
from clover_nb.sandbox.merchant import answer, merchant_of

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from clover_nb.sandbox.ids import Moment

router = APIRouter(prefix="/v3/merchants/{merchant_id}")

# D, O-live: a list says by which fields it can be filtered.
_LIST_HEADERS: Final = {"X-Clover-Allowed-Filter-Fields": ", ".join(queries.FILTER_FIELDS)}
_EXPANDS: Final = {"parameters": [queries.EXPAND]}
_LIST: Final = {"parameters": [*queries.parameters()["parameters"], queries.EXPAND, queries.FILTER]}


class Part(NamedTuple):
    """A list that a record holds, whose entries have calls of their own."""

    path: str
    name: str
    shape: TypeAdapter[Any]


PARTS: Final = (
    Part("email_addresses", "emailAddresses", shapes.EMAIL_ADDRESS),
    Part("phone_numbers", "phoneNumbers", shapes.PHONE_NUMBER),
    Part("addresses", "addresses", shapes.ADDRESS),
)


@router.get("/customers", openapi_extra=_LIST)
async def list_customers(request: Request) -> Response:
    """List customers, oldest first; a short page is the last."""
    merchant, query = merchant_of(request), request.query_params
    limit, offset = queries.window(query)
    ignore = merchant.choices["unknown_filter"] == "ignore"
    where, values = queries.condition(query, ignore_unknown=ignore)
    elements = merchant.store.page(queries.expanded(query), where, values, limit, offset)
    href = f"{LINKS}{request.url.path}?{request.url.query or f'limit={limit}'}"
    body = b'{"elements":[%b],"href":%b}' % (elements, dump(href).encode())
    return _json(body, _LIST_HEADERS)


@router.get("/customers/{customer_id}", openapi_extra=_EXPANDS)
async def get_customer(request: Request) -> Response:
    """Return one customer."""
    return _record(request, request.path_params["customer_id"])


@router.post("/customers", openapi_extra=takes(shapes.RECORD) | _EXPANDS)
async def create_customer(request: Request) -> Response:
    """Create a customer without a card. O-live: nobody looks for duplicates."""
    merchant = merchant_of(request)
    fields = check(shapes.RECORD, await read(request))
    with merchant.store.write() as moment:
        customer = Customer(moment.id(), moment.now)
        _change(customer, fields, moment)
        merchant.store.save(customer)
    return _record(request, customer.id)


@router.post("/customers/{customer_id}", openapi_extra=takes(shapes.RECORD) | _EXPANDS)
async def update_customer(request: Request) -> Response:
    """Change a customer. I: a list that is given replaces the one that was there."""
    merchant = merchant_of(request)
    body = await read(request)
    customer = _customer(request)
    fields = check(shapes.RECORD, body)
    with merchant.store.write() as moment:
        _change(customer, fields, moment)
        merchant.store.save(customer)
    return _record(request, customer.id)


@router.delete("/customers/{customer_id}")
async def delete_customer(request: Request) -> Response:
    """Delete a customer and the cards."""
    merchant = merchant_of(request)
    with merchant.store.write():
        merchant.store.delete(_customer(request))
    return answer({})  # O-fix


@router.get("/gateway")
async def gateway(request: Request) -> Response:
    """Tell whether the merchant may save cards."""
    return answer({"supportsMultiPayToken": merchant_of(request).on("multipay")})


@router.post("/customers/{customer_id}/metadata", openapi_extra=takes(shapes.METADATA))
async def set_metadata(request: Request) -> Response:
    """Change what is noted about a customer."""
    merchant = merchant_of(request)
    body = await read(request)
    customer = _customer(request)
    fields = check(shapes.METADATA, body)
    with merchant.store.write() as moment:
        _note(customer, fields, moment.now)
        merchant.store.save(customer)
    return answer(customer.metadata)


def _add_part_routes(part: Part) -> None:
    @router.post(f"/customers/{{customer_id}}/{part.path}", openapi_extra=takes(part.shape))
    async def add(request: Request) -> Response:
        return await _put_part(request, part)

    @router.post(
        f"/customers/{{customer_id}}/{part.path}/{{part_id}}", openapi_extra=takes(part.shape)
    )
    async def change(request: Request) -> Response:
        return await _put_part(request, part, request.path_params["part_id"])

    @router.delete(f"/customers/{{customer_id}}/{part.path}/{{part_id}}")
    async def remove(request: Request) -> Response:
        merchant = merchant_of(request)
        with merchant.store.write():
            customer = _customer(request)
            getattr(customer, part.name).remove(
                _entry(customer, part, request.path_params["part_id"])
            )
            merchant.store.save(customer)
        return answer({})


for _part in PARTS:
    _add_part_routes(_part)


async def _put_part(request: Request, part: Part, part_id: str = "") -> Response:
    merchant = merchant_of(request)
    body = await read(request)
    customer = _customer(request)
    entries: list[Json] = getattr(customer, part.name)
    old = _entry(customer, part, part_id) if part_id else None
    fields = check(part.shape, body)
    with merchant.store.write() as moment:
        if old is None:
            entries.append(old := {"id": moment.id()})
        old |= fields | customer.owner
        if fields.get("primaryEmail"):
            for entry in entries:
                entry["primaryEmail"] = entry is old
        merchant.store.save(customer)
    return answer(old)


def _customer(request: Request) -> Customer:
    customer = merchant_of(request).store.customer(request.path_params["customer_id"])
    if customer is None:
        raise Refused(Case.RECORD_MISSING)
    return customer


def _entry(customer: Customer, part: Part, part_id: str) -> Json:
    for entry in getattr(customer, part.name):
        if entry["id"] == part_id:
            found: Json = entry
            return found
    raise Refused(Case.PART_MISSING)


def _record(request: Request, customer_id: str) -> Response:
    # O-live: contacts are left out unless they are asked for, of what was just created too.
    expand = queries.expanded(request.query_params)
    found = merchant_of(request).store.page(expand, "id = ?", [customer_id], 1, 0)
    if not found:
        raise Refused(Case.RECORD_MISSING)
    return _json(found)


def _json(body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, headers=headers, media_type="application/json")


def _change(customer: Customer, fields: Json, moment: Moment) -> None:
    customer.first = fields.get("firstName", customer.first)
    customer.last = fields.get("lastName", customer.last)
    if "metadata" in fields:
        _note(customer, fields["metadata"], moment.now)
    for part in PARTS:
        given = fields.get(part.name)
        if isinstance(given, list):
            entries = [{"id": moment.id(), **entry, **customer.owner} for entry in given]
            setattr(customer, part.name, entries)


def _note(customer: Customer, fields: Json, now: int) -> None:
    customer.metadata |= fields | {"modifiedTime": now} | customer.owner
