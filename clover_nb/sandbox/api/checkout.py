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

from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from clover_nb import constants
from clover_nb.sandbox.api.request_body import read_json, validate_body
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.merchant import get_merchant
from clover_nb.sandbox.responses import json_response

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from starlette.requests import Request

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


class PageBody(TypedDict):
    """A page that may show the fields, by its origin, such as `http://127.0.0.1:8888`."""

    origin: str


_PAGE: Final = TypeAdapter(PageBody)


async def get_sdk(_request: Request) -> Response:
    """Return the script that gives a page its `Clover`."""
    return Response(_read_file("sdk.js"), media_type=_SCRIPT)


async def get_field_script(_request: Request) -> Response:
    """Return the script inside each iframe."""
    return Response(_read_file("field.js"), media_type=_SCRIPT)


async def get_field_style(_request: Request) -> Response:
    """Return the look that a field has before the page dresses it."""
    return Response(_read_file("field.css"), media_type="text/css; charset=utf-8")


async def allow_origin(request: Request) -> Response:
    """Let a page show the fields; who holds the access token may ask for it."""
    merchant = get_merchant(request)
    bearer = f"Bearer {merchant.credentials.access_token}"
    if not compare_digest(request.headers.get("authorization", "").encode(), bearer.encode()):
        raise APIException(ErrorCase.BEARER_INVALID)
    merchant.origins.add(_check_origin(validate_body(_PAGE, await read_json(request))["origin"]))
    return json_response({})


async def get_field(request: Request) -> Response:
    """Return the page in the iframe of one field. Only pages that were let in can show it."""
    kind = request.path_params["kind"]
    if kind not in _FIELDS:
        raise APIException(ErrorCase.NOT_FOUND)
    origins = get_merchant(request).origins
    ancestors = " ".join(sorted(origins)) or "'none'"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(
        _make_document(kind, origins), headers=headers, media_type="text/html; charset=utf-8"
    )


def _check_origin(text: str) -> str:
    """Check an origin: it goes into a header and a page."""
    parts = urlsplit(text)
    known = parts.scheme in {"http", "https"} and text == f"{parts.scheme}://{parts.netloc}"
    if not known or not re.fullmatch(r"[\w.\-\[\]:]+", parts.netloc, re.ASCII):
        raise APIException(
            ErrorCase.BODY_INVALID, "origin is not that of a web page", param="origin"
        )
    return text


def _make_document(kind: str, origins: AbstractSet[str]) -> str:
    label, fills, example = _FIELDS[kind]
    brands = html.escape(json.dumps(constants.BRAND_PREFIXES))
    keys = "text" if kind == "CARD_POSTAL_CODE" else "numeric"
    return (
        f'<!doctype html><html lang=en data-type={kind} data-pages="{" ".join(sorted(origins))}" '
        f'data-brands="{brands}"><meta charset=utf-8><title>{label}</title>'
        "<link rel=stylesheet href=field.css>"
        f'<body class={kind.lower().replace("_", "-")}><input aria-label="{label}" '
        f'autocomplete={fills} inputmode={keys} placeholder="{example}" aria-describedby=error>'
        "<p id=error hidden></p>"
        f"{_make_test_card_menu() if kind == 'CARD_NUMBER' else ''}"
        "<script src=field.js></script>"
    )


def _make_test_card_menu() -> str:
    """Offer test cards to who practises; Clover's own field has no such choice."""
    options = "".join(
        f"<option value={card['number']} data-cvv={card['cvv']}>{_label_card(name, card)}"
        for name, card in constants.TEST_CARDS.items()
    )
    return (
        "<output aria-label=Brand></output>"
        "<select disabled aria-label='Fill in a test card'>"
        f"<option value=''>Test cards{options}</select>"
    )


def _label_card(name: str, card: constants.TestCard) -> str:
    what = ", declined" if name in constants.DECLINED_CARDS else ""
    return f"{card['brand']} {card['number'][-4:]}{what}"


def _read_file(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


routes = [
    Route("/sdk.js", get_sdk),
    Route("/checkout/field.js", get_field_script),
    Route("/checkout/field.css", get_field_style),
    Route("/checkout/pages", allow_origin, methods=["POST"]),
    Route("/checkout/{kind}", get_field),
]
