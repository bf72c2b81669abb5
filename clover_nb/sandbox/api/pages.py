"""The first page, for people, and the description of the API, for tools."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from clover_nb.sandbox.api.openapi import build_openapi
from clover_nb.sandbox.merchant import get_merchant

if TYPE_CHECKING:
    from starlette.requests import Request

SUMMARY: Final = (
    "A practice server that answers as Clover does for customers with a card on file. Everybody in "
    "it is invented, it takes no money, and it is on this computer alone. It is not made by Clover."
)
LIMITATIONS: Final = (
    (
        "No charges, orders, refunds or gift cards: it knows customers, their cards and card "
        "tokens. Test cards that only matter when they are charged are saved like any other."
    ),
    "No OAuth: the one access token expires when a test says so, and has every permission.",
    (
        "Card numbers come as they are, not encrypted, and only Clover's published test numbers "
        "are taken. Number and CVV are stored nowhere."
    ),
    (
        "Of Clover's hosted iframe it has the four fields of a card, made after what Clover "
        "documents: no names, street addresses, bank accounts, Apple Pay, Google Pay or reCAPTCHA."
    ),
    "One merchant, one app: of Clover's limits it keeps those for a token.",
    (
        "A card that the Platform API got is shown as it was given: nothing looks its token up. "
        "There are no orders to expand."
    ),
    "The columns of customers.csv are a guess.",
    (
        "Nobody gets mail when a card is saved. Webhooks go to an address on this machine alone, "
        "and are not registered with a code first."
    ),
    "Plain HTTP, without TLS, on 127.0.0.1.",
)


async def get_first_page(request: Request) -> HTMLResponse:
    """Say what this is, and which calls there are."""
    limitations = "".join(f"<li>{html.escape(text)}" for text in LIMITATIONS)
    calls = "".join(
        f"<tr><td>{each.method}<td><code>{html.escape(each.path)}</code>"
        f"<td>{html.escape(each.summary)}"
        for each in request.app.state.operations
    )
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Clover sandbox</title>"
        "<body style='font: 1em/1.5 sans-serif; max-width: 60em; margin: 2em auto'>"
        f"<h1>Clover sandbox</h1><p>{html.escape(SUMMARY)}</p>"
        "<h2>Its calls</h2><p>For tools: <a href=openapi.json>openapi.json</a></p>"
        f"<table>{calls}</table><h2>What it doesn't do</h2><ul>{limitations}</ul>"
    )


async def get_openapi(request: Request) -> JSONResponse:
    """Describe the API."""
    merchant_id = get_merchant(request).credentials.merchant_id
    return JSONResponse(build_openapi(request.app.state.operations, merchant_id))


routes = [Route("/", get_first_page), Route("/openapi.json", get_openapi)]
