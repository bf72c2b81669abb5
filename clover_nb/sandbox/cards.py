"""Card tokens: what a test card becomes, and when it may be saved."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any, Final

from clover_nb import vendor
from clover_nb.sandbox.api import schemas as shapes
from clover_nb.sandbox.api.request_body import check
from clover_nb.sandbox.errors import Case, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clover_nb.sandbox.customer import Customer
    from clover_nb.sandbox.ids import Moment
    from clover_nb.sandbox.store import Store

# D: any future expiry and any CVV are good for a test card.
_NAMES: Final = {card["number"]: name for name, card in vendor.TEST_CARDS.items()}
_DECLINED: Final = frozenset(
    vendor.TEST_CARDS[name]["number"][:6] + vendor.TEST_CARDS[name]["number"][-4:]
    for name in vendor.DECLINED_CARDS
)


def tokenize(store: Store, body: dict[str, Any], choices: Mapping[str, str]) -> dict[str, Any]:
    """Store a token for a test card, never the number or the CVV, and return Clover's answer.

    Args:
        store: Where.
        body: What was sent.
        choices: The values of the sandbox's settings.

    Raises:
        Refused: No test card, or one of its fields is wrong.
    """
    card = {key: str(value) for key, value in check(shapes.TOKEN, body)["card"].items()}
    number = card.get("number", "")
    if not re.fullmatch("[0-9]{12,19}", number):
        raise Refused(Case.INVALID_NUMBER, param="number")
    if number not in _NAMES:
        raise Refused(Case.TEST_CARDS_ONLY, param="number")
    if _NAMES[number] in vendor.WITHDRAWN_CARDS and choices["withdrawn_cards"] == "refuse":
        raise Refused(Case.INVALID_NUMBER, param="number")
    with store.write() as moment:
        month, year = _expiry(card, moment)
        without = "cvv" not in body["card"] and choices["cvv_left_out"] == "accept"
        if not without and not re.fullmatch("[0-9]{3,4}", card.get("cvv", "")):
            raise Refused(Case.INCORRECT_CVC, param="cvv")
        face = {
            "exp_month": month,
            "exp_year": year,
            "first6": number[:6],
            "last4": number[-4:],
            "brand": vendor.TEST_CARDS[_NAMES[number]]["brand"],
        }
        token = moment.token()
        store.add_token(token, json.dumps(face | {"without_cvv": without}))
    return {"id": token, "object": "token", "card": face}


def _expiry(card: dict[str, str], moment: Moment) -> tuple[str, str]:
    month, year = card.get("exp_month", ""), card.get("exp_year", "")
    if not re.fullmatch("0?[1-9]|1[0-2]", month):
        raise Refused(Case.INVALID_MONTH, param="exp_month")
    if not re.fullmatch("20[0-9]{2}|[0-9]{2}", year):
        raise Refused(Case.INVALID_YEAR, param="exp_year")
    month, year = month.zfill(2), f"20{year[-2:]}"
    today = dt.datetime.fromtimestamp(moment.now / 1000, dt.UTC)
    if (int(year), int(month)) < (today.year, today.month):
        raise Refused(Case.CARD_EXPIRED, param="exp_year")
    return month, year


def attach(
    store: Store, moment: Moment, customer: Customer, token: str, choices: Mapping[str, str]
) -> None:
    """Make a token's card the customer's newest. Inside `store.write()`.

    Raises:
        Refused: The token is unknown, spent or without a CVV, or the card is declined or already
            there.
    """
    found = store.token(token)
    if found is None:
        raise Refused(Case.SOURCE_UNKNOWN, param="source")
    card, owner = json.loads(found[0]), found[1]
    if owner == customer.id and choices["source_again"] == "accept":
        return
    # I: a token that is another customer's is spent; the customer's own is the same card again.
    if owner not in {None, customer.id}:
        raise Refused(Case.TOKEN_USED, param="source")
    face = (card["first6"], card["last4"])
    # D: the same card again is refused. No two test cards share these parts of their numbers.
    if any((own["first6"], own["last4"]) == face for own in customer.cards):
        raise Refused(Case.CARD_ALREADY_SAVED, param="source")
    if owner:
        raise Refused(Case.TOKEN_USED, param="source")
    if customer.cards and choices["second_card"] == "refuse":
        raise Refused(Case.SECOND_CARD, param="source")
    if choices["multipay"] == "off":
        raise Refused(Case.MULTIPAY_OFF, param="source")
    if card.get("without_cvv"):
        raise Refused(Case.CVC_MISSING, param="source")
    if "".join(face) in _DECLINED and choices["declined_cards"] == "refuse":
        raise Refused(Case.CARD_DECLINED, param="source")
    # O-code: programs read the newest card first. D: saving makes the token a multi-pay token.
    customer.cards.insert(
        0,
        {
            "id": moment.id(),
            "first6": card["first6"],
            "last4": card["last4"],
            "cardType": card["brand"],
            "expirationDate": card["exp_month"] + card["exp_year"][-2:],
            "token": token,
            "tokenType": "MULTIPAY",
            "modifiedTime": moment.now,
            **customer.owner,
        },
    )
    store.give_token(token, customer.id)
