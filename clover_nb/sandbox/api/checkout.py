"""Clover's hosted card fields, for practice: the script that a page loads, and the fields' iframes.

What is typed into a field goes from its iframe to ``/v1/tokens``, and never to the page around it.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from secrets import compare_digest
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from clover_nb import vendor
from clover_nb.sandbox.api.request_body import check, read
from clover_nb.sandbox.errors import Case, Refused
from clover_nb.sandbox.merchant import answer, merchant_of

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

router = APIRouter(include_in_schema=False)

_FILES: Final = Path(__file__).parents[1] / "static"
_SCRIPT: Final = "text/javascript; charset=utf-8"
# D: the elements of a card that Clover's page on the hosted iframe mounts. The attributes help
# people and password managers to fill them in.
_FIELDS: Final = {
    "CARD_NUMBER": ("Card number", "cc-number", "1234 1234 1234 1234"),
    "CARD_DATE": ("Expiry, month and year", "cc-exp", "MM/YY"),
    "CARD_CVV": ("Security code", "cc-csc", "123"),
    "CARD_POSTAL_CODE": ("Postal code", "postal-code", "94085"),
}


class Page(TypedDict):
    """A page that may show the fields, by its origin, such as `http://127.0.0.1:8888`."""

    origin: str


_PAGE: Final = TypeAdapter(Page)


@router.get("/sdk.js")
async def sdk() -> Response:
    """Return the script that gives a page its `Clover`."""
    return Response(_text("sdk.js"), media_type=_SCRIPT)


@router.get("/checkout/field.js")
async def field_script() -> Response:
    """Return the script inside each iframe."""
    return Response(_text("field.js"), media_type=_SCRIPT)


@router.get("/checkout/field.css")
async def field_style() -> Response:
    """Return the look that a field has before the page dresses it."""
    return Response(_text("field.css"), media_type="text/css; charset=utf-8")


@router.post("/checkout/pages")
async def let_in(request: Request) -> Response:
    """Let a page show the fields; who holds the access token may ask for it."""
    merchant = merchant_of(request)
    bearer = f"Bearer {merchant.keys.access_token}"
    if not compare_digest(request.headers.get("authorization", "").encode(), bearer.encode()):
        raise Refused(Case.BEARER_INVALID)
    merchant.pages.add(_origin(check(_PAGE, await read(request))["origin"]))
    return answer({})


@router.get("/checkout/{kind}")
async def field(request: Request) -> Response:
    """Return the page in the iframe of one field. Only pages that were let in can show it."""
    kind = request.path_params["kind"]
    if kind not in _FIELDS:
        raise Refused(Case.NOT_FOUND)
    pages = merchant_of(request).pages
    ancestors = " ".join(sorted(pages)) or "'none'"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(_document(kind, pages), headers=headers, media_type="text/html; charset=utf-8")


def _origin(text: str) -> str:
    """Check an origin: it goes into a header and a page."""
    parts = urlsplit(text)
    known = parts.scheme in {"http", "https"} and text == f"{parts.scheme}://{parts.netloc}"
    if not known or not re.fullmatch(r"[\w.\-\[\]:]+", parts.netloc, re.ASCII):
        raise Refused(Case.BODY_INVALID, "origin is not that of a web page", param="origin")
    return text


def _document(kind: str, pages: AbstractSet[str]) -> str:
    label, fills, example = _FIELDS[kind]
    brands = html.escape(json.dumps(vendor.BRAND_PREFIXES))
    keys = "text" if kind == "CARD_POSTAL_CODE" else "numeric"
    return (
        f'<!doctype html><html lang=en data-type={kind} data-pages="{" ".join(sorted(pages))}" '
        f'data-brands="{brands}"><meta charset=utf-8><title>{label}</title>'
        "<link rel=stylesheet href=field.css>"
        f'<body class={kind.lower().replace("_", "-")}><input aria-label="{label}" '
        f'autocomplete={fills} inputmode={keys} placeholder="{example}" aria-describedby=error>'
        "<p id=error hidden></p>"
        f"{_test_cards() if kind == 'CARD_NUMBER' else ''}"
        "<script src=field.js></script>"
    )


def _test_cards() -> str:
    """Offer test cards to who practises; Clover's own field has no such choice."""
    options = "".join(
        f"<option value={card['number']} data-cvv={card['cvv']}>{_name(name, card)}"
        for name, card in vendor.TEST_CARDS.items()
    )
    return (
        "<output aria-label=Brand></output>"
        f"<select aria-label='Fill in a test card'><option value=''>Test cards{options}</select>"
    )


def _name(name: str, card: vendor.TestCard) -> str:
    what = ", declined" if name in vendor.DECLINED_CARDS else ""
    return f"{card['brand']} {card['number'][-4:]}{what}"


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")
