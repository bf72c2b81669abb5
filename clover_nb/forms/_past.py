"""What was changed about a customer, each change with its Undo where that is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
from ipywidgets import HTML, VBox

from clover_nb.client import Clover
from clover_nb.errors import CloverError
from clover_nb.forms import _text, actions
from clover_nb.forms._form import Form
from clover_nb.forms._history import history
from clover_nb.forms._job import Job
from clover_nb.forms._picker import Picker
from clover_nb.forms.values import Difference
from clover_nb.writes.conflicts import COMPARED, differing


class Past(VBox):
    """A customer's history, and below it the form that takes one change back.

    The Undo buttons are part of the table; who holds this widget hears of them by
    :class:`~clover_nb.forms._keys.Keys` and calls :meth:`offer`.

    Attributes:
        lines: The history, as a table.
        form: The form, hidden until it is asked for.
    """

    def __init__(self, clover: Clover, on_saved: Callable[[pd.Series[Any]], object]) -> None:
        self._clover = clover
        self._row: pd.Series[Any] | None = None
        self._entry = 0
        self.lines = HTML()
        job = Job(
            title="Take a change back",
            submit="Take it back",
            busy="Taking it back…",
            problems=lambda *_: {},
            changes=self._changes,
            act=lambda *_: actions.take_back(clover, self._entry),
            done="Taken back",
        )
        self._picker = Picker(clover, asks=False)
        self.form = Form(clover, job, [self._picker], fields={}, picker=self._picker)
        self.form.on_saved = on_saved
        super().__init__([self.lines, self.form])
        self.close_form()

    def show(self, row: pd.Series[Any]) -> None:
        """Show the history of a customer, whose fields are as in ``row``."""
        offered = self._picker.row
        if offered is not None and (
            offered["id"] != row["id"] or differing(dict(offered), dict(row), COMPARED)
        ):
            self.close_form()  # what it says is not so any more
        self._row = row
        try:
            self.lines.value = _text.events(history(self._clover, row["id"], dict(row)))
        except CloverError as error:  # the journal is off; all else of the desk works without
            self.lines.value = _text.note("info", f"No history: {error.message}")

    def offer(self, entry: int) -> None:
        """Show what taking back this entry of the journal would change, and the button for it."""
        if self._row is None or self.form.busy:
            return
        self._entry = entry
        self._picker.show(self._row)
        self.form.layout.display = None
        self.form.button.focus()

    def close_form(self) -> None:
        """Hide the form, unless it is at work."""
        if not self.form.busy:
            self.form.layout.display = "none"

    def _changes(self, row: pd.Series[Any], _: object) -> Iterable[Difference]:
        changes = actions.restored(self._clover, row, self._entry)
        return [each._replace(field=_text.label(each.field)) for each in changes]
