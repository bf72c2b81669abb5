"""Where a form gets a card token from: Clover's card fields, or a field to paste one into."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from ipywidgets import Button, HBox, Layout, RadioButtons, VBox

from clover_nb import constants
from clover_nb.client import Clover
from clover_nb.errors import CloverError
from clover_nb.forms import _text, actions
from clover_nb.forms._card import CardFields
from clover_nb.forms._field import Field
from clover_nb.forms._parts import choice
from clover_nb.forms._work import Work

_OFFERED: Final = ("visa", "mastercard", "amex", "discover", "jcb", "visa_declined")
_TYPE: Final = "Type the card"
_PASTE: Final = "Paste a token"
# D: what `ecomind` says. A desk is staff's, and a token that is pasted was made by the customer.
_WHO: Final = {_TYPE: "moto", _PASTE: "ecom"}


class TokenEntry(VBox):
    """Clover's card fields, or a field to paste a token into, and who typed the card.

    Where no real cards are, a test card can fill the field, too.

    Attributes:
        ways: The choice between both.
        card: The card fields.
        field: The field to paste into; it holds the token and never shows or saves it.
        ecomind: Who typed the card, as Clover's ``ecomind``.
    """

    kind = "secret"

    def __init__(self, clover: Clover) -> None:
        self.card = CardFields(clover)
        self.field = Field(
            "Card token",
            kind="secret",
            required=True,
            placeholder=f"{constants.TOKEN_PREFIX}…",
            help="From Clover's card fields. It works once and is cleared after use.",
        )
        self._clover = clover
        self._on_edit: list[Callable[[], object]] = []
        self.field.on_edit(self._edited)
        self.card.on_edit(self._edited)
        self.ways = RadioButtons(options=[_TYPE, _PASTE], layout=Layout(width="auto"))
        self.ways.add_class("clover-ways").observe(lambda _: self._choose(), "value")
        self.ecomind = choice(
            "Typed by", [("me, for the customer", "moto"), ("the customer", "ecom")]
        )
        self._cards = choice("Test card", [(_label(name), name) for name in _OFFERED])
        self._button = Button(description="Use this test card")
        self._button.on_click(lambda _: self.use_test_card())
        self._work = Work(self._button, "Making a token…")
        practice = HBox([self._cards, self._button]).add_class("clover-practice")
        pasted = [self.field] if clover.environment == "production" else [self.field, practice]
        self._pasted = VBox(pasted)  # the field, and where no real cards are a test card
        super().__init__([self.ways, self.card, self._pasted, self.ecomind])
        self._choose()

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return "Card" if self.typing else self.field.label

    @property
    def typing(self) -> bool:
        """Whether the card is typed, not a token pasted."""
        return bool(self.ways.value == _TYPE)

    @property
    def begun(self) -> bool:
        """Whether there is something in it, be it in the way that is not chosen now."""
        return self.card.begun or bool(self.field.value)

    @property
    def value(self) -> str:
        """The token, as far as there is one; it prints masked."""
        return self.card.token if self.typing else self.field.value

    @value.setter
    def value(self, token: str) -> None:
        self.ways.value = _PASTE
        self.field.value = token

    @property
    def message(self) -> str:
        """What is wrong with the card or the token."""
        return str(self._shown.message)

    @message.setter
    def message(self, text: str) -> None:
        self._shown.message = text

    @property
    def tone(self) -> str:
        """What the message is: ``"error"``, ``"warning"`` or ``"info"``."""
        return str(self._shown.tone)

    @tone.setter
    def tone(self, tone: str) -> None:
        self._shown.tone = tone

    def obtain(self) -> str:
        """The token, made now of a card that was typed; see :meth:`CardFields.obtain`."""
        return self.card.obtain() if self.typing else self.field.value

    def clear(self) -> None:
        """Empty all of it."""
        self.card.clear()
        self.field.clear()

    def use_test_card(self) -> threading.Thread | None:
        """Put a fresh token of the chosen test card into the field, in a thread.

        Returns:
            The thread, to wait for; ``None`` when one is being made already.
        """
        self.ways.value = _PASTE
        card = constants.TEST_CARDS[self._cards.value]
        return self._work.start(lambda: self._fill(card))

    def on_edit(self, callback: Callable[[], object]) -> None:
        """Call this when there is another card, token, or way to give one."""
        self._on_edit.append(callback)

    def on_submit(self, callback: Callable[[], object]) -> None:
        """Call this when Enter is pressed in the field."""
        self.field.on_submit(callback)

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Call this when Escape is pressed in the field."""
        self.field.on_cancel(callback)

    @property
    def _shown(self) -> CardFields | Field:
        return self.card if self.typing else self.field

    def _choose(self) -> None:
        self.card.layout.display = None if self.typing else "none"
        self._pasted.layout.display = "none" if self.typing else None
        self.ecomind.value = _WHO[str(self.ways.value)]
        self._edited()

    def _edited(self) -> None:
        for callback in self._on_edit:
            callback()

    def _fill(self, card: constants.TestCard) -> bool:
        try:
            self.field.value = actions.make_test_token(self._clover, card)
        except CloverError as error:
            self.field.message = _text.told(error, self.field.label)
        else:
            self.field.message = ""
            self._edited()
        return True


def _label(name: str) -> str:
    card = constants.TEST_CARDS[name]
    declined = ", declined" if name in constants.DECLINED_CARDS else ""
    return f"{card['brand']} •••• {card['number'][-4:]}{declined}"
