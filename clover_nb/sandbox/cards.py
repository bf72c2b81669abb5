"""Cards on file: when a token's card may be saved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from clover_nb import constants
from clover_nb.sandbox.errors import APIException, ErrorCase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clover_nb.sandbox.customer import Customer
    from clover_nb.sandbox.ids import WriteContext
    from clover_nb.sandbox.store import Store

_DECLINED: Final = frozenset(
    constants.TEST_CARDS[name]["number"][:6] + constants.TEST_CARDS[name]["number"][-4:]
    for name in constants.DECLINED_CARDS
)


def attach_card(
    store: Store, context: WriteContext, customer: Customer, token: str, settings: Mapping[str, str]
) -> None:
    """Make a token's card the customer's newest. Inside `store.write()`.

    Raises:
        APIException: The token is unknown, spent or without a CVV, or the card is declined or
            already there.
    """
    found = store.get_token(token)
    if found is None:
        raise APIException(ErrorCase.SOURCE_UNKNOWN, param="source")
    card, owner = json.loads(found[0]), found[1]
    if owner == customer.id and settings["source_again"] == "accept":
        return
    # I: a token that is another customer's is spent; the customer's own is the same card again.
    if owner not in {None, customer.id}:
        raise APIException(ErrorCase.TOKEN_USED, param="source")
    face = (card["first6"], card["last4"])
    # D: the same card again is refused. No two test cards share these parts of their numbers.
    if any((own["first6"], own["last4"]) == face for own in customer.cards):
        raise APIException(ErrorCase.CARD_ALREADY_SAVED, param="source")
    if owner:
        raise APIException(ErrorCase.TOKEN_USED, param="source")
    if customer.cards and settings["second_card"] == "refuse":
        raise APIException(ErrorCase.SECOND_CARD, param="source")
    if settings["multipay"] == "off":
        raise APIException(ErrorCase.MULTIPAY_OFF, param="source")
    if card.get("without_cvv"):
        raise APIException(ErrorCase.CVC_MISSING, param="source")
    if "".join(face) in _DECLINED and settings["declined_cards"] == "refuse":
        raise APIException(ErrorCase.CARD_DECLINED, param="source")
    # O-code: programs read the newest card first. D: saving makes the token a multi-pay token.
    customer.cards.insert(
        0,
        {
            "id": context.id(),
            "first6": card["first6"],
            "last4": card["last4"],
            "cardType": card["brand"],
            "expirationDate": card["exp_month"] + card["exp_year"][-2:],
            "token": token,
            "tokenType": "MULTIPAY",
            "modifiedTime": context.now,
            **customer.owner,
        },
    )
    store.assign_token(token, customer.id)
