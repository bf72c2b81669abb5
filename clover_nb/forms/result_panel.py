"""What came of a form, and what can be done about it: the part beside and below its button."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pandas as pd

from clover_nb.forms import rendering
from clover_nb.forms.rendering import Tone


class ResultPanel:
    """A sentence beside the button, more buttons, and the customer as it is now.

    Attributes:
        status: The sentence, as HTML.
        conflict: What was changed meanwhile, as HTML.
        result: The customer after the change, as HTML.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Show nothing, as before any change."""
        self.status = self.conflict = self.result = ""
        self._offers: dict[str, tuple[str, Callable[[], object]]] = {}

    def say(self, tone: Tone, text: str, request_id: str = "") -> None:
        """Say what happened or what is under way."""
        self.status = rendering.render_note(tone, text, request_id) if text else ""

    def show_row(self, row: pd.Series[Any]) -> None:
        """Show a customer."""
        self.result = rendering.render_row(row)

    def add_action(self, key: str, label: str, act: Callable[[], object]) -> None:
        """Show a button; ``key`` says which, and takes the place of an earlier one."""
        self._offers[key] = (label, act)

    def offer_customers(
        self, customers: Iterable[tuple[str, str]], show: Callable[[str], object]
    ) -> None:
        """Show a button for each customer, by id and name, that leads to it."""
        for key, name in customers:
            self.add_action(f"show {key}", f"Show {name}", partial(show, key))

    def withdraw(self, *keys: str) -> None:
        """Take buttons away."""
        for key in keys:
            self._offers.pop(key, None)

    def press(self, key: str) -> None:
        """Do what a button offers; one that was taken away meanwhile does nothing."""
        if key in self._offers:
            self._offers[key][1]()

    def describe(self) -> dict[str, Any]:
        """What the widget shows, by trait."""
        buttons = [[key, label] for key, (label, _) in self._offers.items()]
        outcome = {"conflict": self.conflict, "result": self.result, "buttons": buttons}
        return {"status": self.status, "outcome": outcome}
