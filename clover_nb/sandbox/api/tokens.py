"""The token service: single-use tokens of test cards."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any, Final

from clover_nb import constants
from clover_nb.sandbox.api import schemas
from clover_nb.sandbox.api.openapi import Operation
from clover_nb.sandbox.api.request_body import read_json, validate_body
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.merchant import Merchant, get_merchant
from clover_nb.sandbox.responses import json_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from clover_nb.sandbox.ids import WriteContext

_FULL_YEAR: Final = 4  # digits

# D: any future expiry and any CVV are good for a test card.
_NAMES: Final = {card["number"]: name for name, card in constants.TEST_CARDS.items()}


async def create_token(request: Request) -> Response:
    """Make a single-use token of a test card."""
    # O-code: programs send other content types.
    body = await read_json(request, any_type=True)
    return json_response(_make_token(get_merchant(request), body))


operations = [
    Operation("POST", "/v1/tokens", create_token, credential="apikey", body=schemas.TOKEN)
]


def _make_token(merchant: Merchant, body: dict[str, Any]) -> dict[str, Any]:
    """Store a token for a test card, never the number or the CVV."""
    card = {key: str(value) for key, value in validate_body(schemas.TOKEN, body)["card"].items()}
    number = card.get("number", "")
    if not re.fullmatch("[0-9]{12,19}", number):
        raise APIException(ErrorCase.INVALID_NUMBER, param="number")
    if number not in _NAMES:
        raise APIException(ErrorCase.TEST_CARDS_ONLY, param="number")
    withdrawn = _NAMES[number] in constants.WITHDRAWN_CARDS
    if withdrawn and merchant.settings["withdrawn_cards"] == "refuse":
        raise APIException(ErrorCase.INVALID_NUMBER, param="number")
    with merchant.store.write() as context:
        month, year = _check_expiry(card, context, merchant.settings["expired_cards"])
        without = "cvv" not in body["card"] and merchant.settings["cvv_left_out"] == "accept"
        if not without and not re.fullmatch("[0-9]{3,4}", card.get("cvv", "")):
            raise APIException(ErrorCase.INCORRECT_CVC, param="cvv")
        face = {
            "exp_month": month,
            "exp_year": year,
            "first6": number[:6],
            "last4": number[-4:],
            "brand": constants.TEST_CARDS[_NAMES[number]]["brand"],
        }
        token = context.token()
        merchant.store.add_token(token, json.dumps(face | {"without_cvv": without}))
    return {"id": token, "object": "token", "card": face}


def _check_expiry(
    card: dict[str, str], context: WriteContext, expired_cards: str
) -> tuple[str, str]:
    """Return month and year in full."""
    month, year = card.get("exp_month", ""), card.get("exp_year", "")
    if not re.fullmatch("0?[1-9]|1[0-2]", month):
        raise APIException(ErrorCase.INVALID_MONTH, param="exp_month")
    if not re.fullmatch("(19|20)?[0-9]{2}", year):
        raise APIException(ErrorCase.INVALID_YEAR, param="exp_year")
    month, year = month.zfill(2), year if len(year) == _FULL_YEAR else f"20{year}"
    today = dt.datetime.fromtimestamp(context.now / 1000, dt.UTC)
    if expired_cards == "refuse" and (int(year), int(month)) < (today.year, today.month):
        raise APIException(ErrorCase.CARD_EXPIRED, param="exp_year")
    return month, year
