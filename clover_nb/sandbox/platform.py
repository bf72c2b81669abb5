"""The Platform API's customers: the same records, in its own shape."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from clover_nb.sandbox import queries
from clover_nb.sandbox.errors import PlatformRefused
from clover_nb.sandbox.merchant import Merchant, merchant_of
from clover_nb.sandbox.records import LINKS, dump

router = APIRouter(prefix="/v3/merchants/{merchant_id}/customers")

# D, O-live: a list says by which fields it can be filtered.
_LIST_HEADERS = {"X-Clover-Allowed-Filter-Fields": ", ".join(queries.FILTER_FIELDS)}


@router.get("")
async def list_customers(request: Request) -> Response:
    """List customers, oldest first; a short page is the last."""
    merchant, query = merchant_of(request), request.query_params
    limit, offset = queries.window(query)
    where, values = queries.condition(
        query, ignore_unknown=merchant.choices["unknown_filter"] == "ignore"
    )
    elements = merchant.store.page(queries.expanded(query), where, values, limit, offset)
    href = f"{LINKS}{request.url.path}?{request.url.query or f'limit={limit}'}"
    return Response(
        f'{{"elements":[{elements}],"href":{dump(href)}}}',
        headers=_LIST_HEADERS,
        media_type="application/json",
    )


@router.get("/{customer_id}")
async def get_customer(request: Request, customer_id: str) -> Response:
    """Return one customer."""
    return _record(merchant_of(request), request, customer_id)


def _record(merchant: Merchant, request: Request, customer_id: str) -> Response:
    expand = queries.expanded(request.query_params)
    found = merchant.store.page(expand, "id = ?", [customer_id], 1, 0)
    if not found:
        raise PlatformRefused(404, "Not Found", "Customer not found")
    return Response(found, media_type="application/json")
