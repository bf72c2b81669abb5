"""Where a form gets a card token from: Clover's card fields, or an input to paste one into."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from clover_nb import constants
from clover_nb.client import Clover
from clover_nb.forms.card_fields import CardFields
from clover_nb.masking import Secret

_OFFERED: Final = ("visa", "mastercard", "amex", "discover", "jcb", "visa_declined")
TYPE, PASTE = "type", "paste"
# D: what `ecomind` says. A desk is staff's, and a token that is pasted was made by the customer.
ECOMIND: Final = {TYPE: "moto", PASTE: "ecom"}
INITIAL: Final = {"way": TYPE, "ecomind": ECOMIND[TYPE], "test_card": _OFFERED[0]}


class TokenInput:
    """A card that is typed, or a token that is pasted. The token is in no state that is saved.

    Attributes:
        card: The card fields.
        pasted: The token that was pasted; it prints masked.
    """

    def __init__(self, clover: Clover, send: Callable[[dict[str, Any]], object]) -> None:
        self.card = CardFields(clover, send)
        self.pasted = Secret("")

    @property
    def has_input(self) -> bool:
        """Whether there is something in it, be it in the way that is not chosen now."""
        return self.card.has_input or bool(self.pasted)

    def token(self, way: str) -> Secret:
        """The token, as far as there is one."""
        return self.card.token if way == TYPE else self.pasted

    def request_token(self, way: str) -> Future[Secret]:
        """The token, made now of a card that was typed; see :meth:`CardFields.request_token`."""
        if way == TYPE:
            return self.card.request_token()
        ready: Future[Secret] = Future()
        ready.set_result(self.pasted)
        return ready

    def clear(self) -> None:
        """Empty all of it."""
        self.card.clear()
        self.pasted = Secret("")


def list_test_cards() -> list[list[str]]:
    """The published test cards that are offered, each by name and in words."""
    return [[name, _label_card(name)] for name in _OFFERED]


def _label_card(name: str) -> str:
    card = constants.TEST_CARDS[name]
    declined = ", declined" if name in constants.DECLINED_CARDS else ""
    return f"{card['brand']} •••• {card['number'][-4:]}{declined}"
