"""The Platform API's customers: the same records, in its own shape. Updates are POSTs (D)."""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from starlette.responses import Response

from clover_nb.sandbox.api import filters, schemas
from clover_nb.sandbox.api.openapi import Operation
from clover_nb.sandbox.api.request_body import read_json, validate_body
from clover_nb.sandbox.customer import API_HOST, WEB_HOST, Customer
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.merchant import Merchant, get_merchant
from clover_nb.sandbox.responses import PLATFORM_JSON, Json, json_response, to_json

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from starlette.requests import Request

    from clover_nb.sandbox.ids import WriteContext

# D, O-live: a list says by which fields it can be filtered.
_LIST_HEADERS: Final = {"X-Clover-Allowed-Filter-Fields": ", ".join(filters.FILTER_FIELDS)}
_CSV_HEADINGS: Final = (
    "Customer ID",
    "First Name",
    "Last Name",
    "Email Address",
    "Phone Number",
    "Address Line 1",
    "Address Line 2",
    "City",
    "State",
    "Zip",
    "Country",
    "Customer Since",
)
_ADDRESS: Final = ("address1", "address2", "city", "state", "zip", "country")
_CLEARABLE: Final = {"address2", "address3", "firstName", "lastName", "expirationDate"}


class RecordPart(NamedTuple):
    """A list that a record holds, whose entries have calls of their own."""

    path: str
    name: str
    schema: TypeAdapter[Any]


PARTS: Final = (
    RecordPart("email_addresses", "emailAddresses", schemas.EMAIL_ADDRESS),
    RecordPart("phone_numbers", "phoneNumbers", schemas.PHONE_NUMBER),
    RecordPart("addresses", "addresses", schemas.ADDRESS),
    RecordPart("cards", "cards", schemas.CARD),
)


async def get_merchant_record(request: Request) -> Response:
    """Return the merchant; programs ask for it to check a token."""
    merchant_id = get_merchant(request).credentials.merchant_id
    href = f"{WEB_HOST}/v3/merchants/{merchant_id}"
    return _platform_json({"href": href, "id": merchant_id, "name": "Sandbox"})


async def list_customers(request: Request) -> Response:
    """List customers, oldest first; a short page is the last."""
    merchant, query = get_merchant(request), request.query_params
    limit, offset = filters.parse_page(query)
    order = filters.parse_order(query, merchant.settings)
    where, values = filters.parse_filters(query, merchant.settings)
    expand = filters.parse_expand(query)
    elements = merchant.store.list_records(
        expand, where, values, order=order, limit=limit, offset=offset
    )
    href = to_json(_make_href(request, limit, offset))
    body = b'{"elements":[%b],"href":%b}' % (elements, href.encode())
    return Response(body, headers=_LIST_HEADERS, media_type=PLATFORM_JSON)


def _make_href(request: Request, limit: int, offset: int) -> str:
    # O-live: a list's link is http, without what is expanded, and ends with the limit that holds.
    query = [("filter", text) for text in request.query_params.getlist("filter")]
    if order := request.query_params.get("orderBy"):
        query.append(("orderBy", order))
    if offset:
        query.append(("offset", str(offset)))
    query.append(("limit", str(limit)))
    return f"http://{API_HOST}{request.url.path}?{urlencode(query, quote_via=quote)}"


async def download_customers(request: Request) -> Response:
    """Download all customers as a table. I: which columns it has."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_CSV_HEADINGS)
    for customer in get_merchant(request).store.list_customers(-1, 0):
        address = customer.addresses[0] if customer.addresses else {}
        contacts = (customer.first, customer.last, customer.email, customer.phone)
        parts = (address.get(name, "") for name in _ADDRESS)
        table.writerow((customer.id, *contacts, *parts, customer.since))
    headers = {"Content-Disposition": 'attachment; filename="customers.csv"'}
    return Response(text.getvalue(), headers=headers, media_type="text/csv")


async def get_customer(request: Request) -> Response:
    """Return one customer."""
    return _respond_with_record(request, request.path_params["customer_id"])


async def create_customer(request: Request) -> Response:
    """Create a customer without a card. O-live: nobody looks for duplicates."""
    merchant = get_merchant(request)
    fields = validate_body(schemas.RECORD, await read_json(request), merchant.settings["spelling"])
    with merchant.store.write() as context:
        customer = Customer(context.id(), context.now)
        _apply_fields(merchant, context, customer, fields)
        merchant.store.save(customer)
    return _respond_with_record(request, customer.id)


async def update_customer(request: Request) -> Response:
    """Change a customer; what is left out stays."""
    merchant = get_merchant(request)
    body = await read_json(request)
    customer = _get_customer(request)
    fields = validate_body(schemas.RECORD, body, merchant.settings["spelling"])
    with merchant.store.write() as context:
        _apply_fields(merchant, context, customer, fields)
        merchant.store.save(customer)
    return _respond_with_record(request, customer.id)


async def delete_customer(request: Request) -> Response:
    """Delete a customer and the cards."""
    merchant = get_merchant(request)
    with merchant.store.write() as context:
        merchant.delete(_get_customer(request), context.now)
    return _platform_json({})  # O-fix


async def get_gateway(request: Request) -> Response:
    """Tell whether the merchant may save cards."""
    return _platform_json({"supportsMultiPayToken": get_merchant(request).is_on("multipay")})


async def get_metadata(request: Request) -> Response:
    """Return what is noted about a customer."""
    return _platform_json(_get_customer(request).metadata)


async def set_metadata(request: Request) -> Response:
    """Change what is noted about a customer."""
    merchant = get_merchant(request)
    body = await read_json(request)
    customer = _get_customer(request)
    fields = validate_body(schemas.METADATA, body)
    with merchant.store.write() as context:
        for name in body.keys() - fields.keys():  # I: as for an entry, an empty text clears
            customer.metadata.pop(name, None)
        _set_metadata(customer, fields, context.now)
        merchant.store.save(customer)
    return _platform_json(customer.metadata)


async def save_part(request: Request, part: RecordPart) -> Response:
    """Add an entry, or change one. An address changes alone: the recipient stays."""
    merchant = get_merchant(request)
    body = await read_json(request)
    customer = _get_customer(request)
    entries: list[Json] = getattr(customer, part.name)
    part_id = request.path_params.get("part_id")
    entry = _get_entry(customer, part, part_id) if part_id else None
    fields = validate_body(part.schema, body, merchant.settings["spelling"])
    with merchant.store.write() as context:
        if entry is None:
            entry = {"id": context.id()}
            # O-code: programs read the newest card first.
            entries.insert(0 if part.name == "cards" else len(entries), entry)
        # I: an empty text clears what is optional, and what is left out stays.
        for name in _CLEARABLE & body.keys() - fields.keys():
            entry.pop(name, None)
        entry |= fields | customer.owner
        if part.name == "cards":
            entry["modifiedTime"] = context.now
        if fields.get("primaryEmail"):
            for each in entries:
                each["primaryEmail"] = each is entry
        merchant.store.save(customer)
    return _platform_json(entry)


async def delete_part(request: Request, part: RecordPart) -> Response:
    """Delete an entry."""
    merchant = get_merchant(request)
    with merchant.store.write():
        customer = _get_customer(request)
        entry = _get_entry(customer, part, request.path_params["part_id"])
        getattr(customer, part.name).remove(entry)
        merchant.store.save(customer)
    return _platform_json({})


def _get_customer(request: Request) -> Customer:
    customer = get_merchant(request).store.get_customer(request.path_params["customer_id"])
    if customer is None:
        raise APIException(ErrorCase.RECORD_MISSING)
    return customer


def _get_entry(customer: Customer, part: RecordPart, part_id: str) -> Json:
    for entry in getattr(customer, part.name):
        if entry["id"] == part_id:
            found: Json = entry
            return found
    raise APIException(ErrorCase.PART_MISSING)


def _platform_json(body: Json) -> Response:
    return json_response(body, media_type=PLATFORM_JSON)


def _respond_with_record(request: Request, customer_id: str) -> Response:
    # O-live: contacts are left out unless they are asked for, of what was just created too.
    expand = filters.parse_expand(request.query_params)
    store = get_merchant(request).store
    found = store.list_records(expand, "id = ?", [customer_id])
    if not found:
        raise APIException(ErrorCase.RECORD_MISSING)
    return Response(found, media_type=PLATFORM_JSON)


def _apply_fields(
    merchant: Merchant, context: WriteContext, customer: Customer, fields: Json
) -> None:
    customer.first = fields.get("firstName", customer.first)
    customer.last = fields.get("lastName", customer.last)
    if merchant.settings["external_id"] == "stored":
        customer.external_id = fields.get("externalId", customer.external_id)
    if "metadata" in fields:
        _set_metadata(customer, fields["metadata"], context.now)
    for part in PARTS:
        given = fields.get(part.name)
        if isinstance(given, dict) and merchant.settings["wrapped_contacts"] == "taken":
            given = given["elements"]
        if isinstance(given, list):
            entries = [{"id": context.id(), **entry, **customer.owner} for entry in given]
            if merchant.settings["contacts_given"] == "add":
                entries = getattr(customer, part.name) + entries
            setattr(customer, part.name, entries)


def _set_metadata(customer: Customer, fields: Json, now: int) -> None:
    customer.metadata |= fields | {"modifiedTime": now} | customer.owner


_MERCHANT: Final = "/v3/merchants/{merchant_id}"
_ALL: Final = f"{_MERCHANT}/customers"
_ONE: Final = f"{_ALL}/{{customer_id}}"
_EXPAND: Final = (filters.EXPAND,)
_LIST: Final = (*filters.page_parameters(), filters.EXPAND, filters.FILTER, filters.ORDER)


def _make_part_operations(part: RecordPart) -> list[Operation]:
    path = f"{_ONE}/{part.path}"
    save, delete = partial(save_part, part=part), partial(delete_part, part=part)
    return [
        Operation("POST", path, save, body=part.schema),
        Operation("POST", f"{path}/{{part_id}}", save, body=part.schema),
        Operation("DELETE", f"{path}/{{part_id}}", delete),
    ]


operations = [
    Operation("GET", _MERCHANT, get_merchant_record),
    Operation("GET", f"{_MERCHANT}/gateway", get_gateway),
    Operation("GET", _ALL, list_customers, parameters=_LIST),
    Operation("GET", f"{_ALL}.csv", download_customers, media_type="text/csv"),
    Operation("POST", _ALL, create_customer, body=schemas.RECORD, parameters=_EXPAND),
    Operation("GET", _ONE, get_customer, parameters=_EXPAND),
    Operation("POST", _ONE, update_customer, body=schemas.RECORD, parameters=_EXPAND),
    Operation("DELETE", _ONE, delete_customer),
    Operation("GET", f"{_ONE}/metadata", get_metadata),
    Operation("POST", f"{_ONE}/metadata", set_metadata, body=schemas.METADATA),
    *(operation for part in PARTS for operation in _make_part_operations(part)),
]
