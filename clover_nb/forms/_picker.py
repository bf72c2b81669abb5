"""Choosing the customer that a form is about, by email address or id."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pandas as pd
from ipywidgets import HTML, Button, HBox, Layout, Select, VBox

from clover_nb.client import Clover
from clover_nb.errors import CloverError
from clover_nb.forms import actions
from clover_nb.forms._field import Field
from clover_nb.forms._text import told, who
from clover_nb.forms._work import Work


class Picker(VBox):
    """A field for an email address or an id, and a choice when several customers share it.

    Attributes:
        row: The chosen customer, or ``None``.
        field: The field, where messages about the choice stand.
        chosen: Who was chosen, in words.
    """

    def __init__(self, clover: Clover, *, asks: bool = True) -> None:
        """Make it.

        Args:
            clover: The connection.
            asks: Whether a person chooses here; otherwise only code does.
        """
        self.row: pd.Series[Any] | None = None
        self._on_pick: list[Callable[[pd.Series[Any]], object]] = []
        self._on_forget: list[Callable[[], object]] = []
        self.field = Field(
            "Customer", required=True, placeholder="email address or id", help="Then press Find"
        )
        self._clover = clover
        self._button = Button(description="Find")
        self._work = Work(self._button, "Looking…")
        self._several = Select(layout=Layout(width="100%", display="none"), description="")
        self.chosen = HTML()
        self._button.on_click(lambda _: self.find())
        self.field.on_submit(self.find)
        self.field.on_edit(self.forget)
        self._several.observe(self._on_choice, "value")
        line = HBox([self.field, self._button]).add_class("clover-find")
        super().__init__([line, self._several, self.chosen] if asks else [self.chosen])

    def on_pick(self, callback: Callable[[pd.Series[Any]], object]) -> None:
        """Call this with each customer that is chosen."""
        self._on_pick.append(callback)

    def on_forget(self, callback: Callable[[], object]) -> None:
        """Call this when nobody is chosen any more."""
        self._on_forget.append(callback)

    def find(self) -> threading.Thread | None:
        """Look for what was typed, in a thread.

        Returns:
            The thread, to wait for; ``None`` when a search is under way already.
        """
        self.forget()
        text = self.field.value
        return self._work.start(lambda: self._try(lambda: self._find(text)))

    def _find(self, text: str) -> None:
        found = actions.find_customers(self._clover, text)
        if len(found) == 1:
            self.pick(found.index[0])
        else:
            self._offer(found)

    def pick(self, customer_id: str) -> None:
        """Read a customer and make it the chosen one.

        Raises:
            CloverError: It can't be read.
        """
        self.show(self._clover.customers.retrieve(customer_id))

    def show(self, row: pd.Series[Any]) -> None:
        """Make a customer that was read the chosen one."""
        self.row, self.field.message = row, ""
        self.chosen.value = who(row)
        for callback in self._on_pick:
            callback(row)

    def _offer(self, found: pd.DataFrame) -> None:
        self._several.options = [
            (f"{row['name'] or 'no name'}, since {row['created']:%Y-%m-%d} ({key})", key)
            for key, row in found.iterrows()
        ]
        self._several.value = None
        self._several.layout.display = None
        self.field.tone = "info"
        self.field.message = f"{len(found)} customers have this address: choose one."

    def _on_choice(self, change: dict[str, Any]) -> None:
        if change["new"] is not None:
            self.choose(change["new"])

    def choose(self, customer_id: str) -> threading.Thread | None:
        """Take one of several, in a thread.

        Returns:
            The thread, to wait for; ``None`` when a search is under way.
        """
        return self._work.start(lambda: self._try(lambda: self.pick(customer_id)))

    def _try(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except CloverError as error:
            self.field.message = told(error, self.field.label)
        return True

    def forget(self) -> None:
        """Nobody is chosen any more, since something else was typed."""
        self.row = None
        self.chosen.value = ""
        self.field.message, self.field.tone = "", "error"
        self._several.layout.display = "none"
        for callback in self._on_forget:
            callback()
