"""What became of a form's change, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
from ipywidgets import HTML, Button, HBox, VBox

from clover_nb.errors import EditConflictError
from clover_nb.forms import _text
from clover_nb.forms._work import Work


class Offer:
    """A button that is there as long as there is something to do with it.

    Attributes:
        button: The button, hidden at first.
        work: Runs what it does, in a thread.
    """

    def __init__(self, description: str, busy: str) -> None:
        self.button = Button(description=description)
        self.work = Work(self.button, busy)
        self._does: Callable[[], bool] | None = None
        self.button.on_click(lambda _: self.take())
        self.make(None)

    def make(self, does: Callable[[], bool] | None) -> None:
        """Offer this, which returns whether it may be done again; ``None`` withdraws the offer."""
        self._does = does
        self.button.layout.display = None if does else "none"
        if does:
            self.work.ready()

    def take(self) -> Any:  # noqa: ANN401  a thread or None, as of Work.start
        """Do what is offered, in a thread."""
        return self.work.start(self._does) if self._does else None


class Outcome(VBox):
    """The place below a form's button.

    Attributes:
        undo: Offers to take the change back.
        reload: Offers to go on with the record as it is now.
        links: Buttons that lead to customers.
        conflict: What somebody else has changed.
        result: The customer as it is after the change.
    """

    def __init__(self, on_open: Callable[[str], object]) -> None:
        self.undo = Offer("Undo", "Undoing…")
        self.reload = Offer("Go on with the record as it is now", "Reading…")
        self.links = HBox().add_class("clover-actions")
        self.conflict = HTML()
        self.result = HTML().add_class("clover-result")
        self._on_open = on_open
        reload = HBox([self.reload.button])  # in a box of its own it keeps its width
        super().__init__([self.links, self.conflict, reload, self.result])

    def clear(self) -> None:
        """Show nothing of an earlier change."""
        self.undo.make(None)
        self.reload.make(None)
        self.links.children = ()
        self.conflict.value = self.result.value = ""

    def show_conflict(self, error: EditConflictError) -> None:
        """Show what somebody else has changed."""
        self.conflict.value = _text.conflict(error.changes)

    def show_links(self, customers: Iterable[tuple[str, str]]) -> None:
        """Show a button for each customer that leads to it."""
        self.links.children = [self._link(key, name) for key, name in customers]

    def show_row(self, row: pd.Series[Any]) -> None:
        """Show a customer."""
        self.result.value = _text.row_list(row)

    def _link(self, key: str, name: str) -> Button:
        button = Button(description=f"Show {name}", tooltip=key)
        button.on_click(lambda _: self._on_open(key))
        return button
