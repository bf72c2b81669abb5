"""The field for a card token, and test cards to practise with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from ipywidgets import Button, Dropdown, HBox, Layout, VBox

from clover_nb import vendor
from clover_nb.client import Clover
from clover_nb.errors import CloverError
from clover_nb.forms import _text, actions
from clover_nb.forms._field import Field
from clover_nb.forms._work import Work

_OFFERED: Final = ("visa", "mastercard", "amex", "discover", "jcb", "visa_declined")


class TokenEntry(VBox):
    """A field to paste a token into; where no real cards are, a test card fills it.

    Attributes:
        field: The field; it holds the token and never shows or saves it.
    """

    def __init__(self, clover: Clover) -> None:
        self.field = Field(
            "Card token",
            kind="secret",
            required=True,
            placeholder=f"{vendor.TOKEN_PREFIX}…",
            help="From Clover's card fields. It works once and is cleared after use.",
        )
        self._clover = clover
        self._on_fill: list[Callable[[], object]] = []
        self._cards = Dropdown(
            options=[(_label(name), name) for name in _OFFERED],
            layout=Layout(width="auto"),
            description="Test card",
            style={"description_width": "initial"},
        )
        self._button = Button(description="Use this test card")
        self._button.on_click(lambda _: self.use_test_card())
        self._work = Work(self._button, "Making a token…")
        practice = HBox([self._cards, self._button]).add_class("clover-practice")
        super().__init__(
            [self.field] if clover.environment == "production" else [self.field, practice]
        )

    def use_test_card(self) -> threading.Thread | None:
        """Put a fresh token of the chosen test card into the field, in a thread.

        Returns:
            The thread, to wait for; ``None`` when one is being made already.
        """
        card = vendor.TEST_CARDS[self._cards.value]
        return self._work.start(lambda: self._fill(card))

    def on_fill(self, callback: Callable[[], object]) -> None:
        """Call this when a test card has filled the field."""
        self._on_fill.append(callback)

    def _fill(self, card: vendor.TestCard) -> bool:
        try:
            self.field.value = actions.make_test_token(self._clover, card)
        except CloverError as error:
            self.field.message = _text.told(error, self.field.label)
        else:
            self.field.message = ""
            for callback in self._on_fill:
                callback()
        return True


def _label(name: str) -> str:
    card = vendor.TEST_CARDS[name]
    declined = ", declined" if name in vendor.DECLINED_CARDS else ""
    return f"{card['brand']} •••• {card['number'][-4:]}{declined}"
