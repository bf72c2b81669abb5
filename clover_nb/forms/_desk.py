"""The desk: the table, the selected customer, and the forms about it."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import pandas as pd
from ipywidgets import HTML, Button, HBox, VBox

from clover_nb.client import Clover, default
from clover_nb.errors import CloverError
from clover_nb.forms import _forms, _text
from clover_nb.forms._form import Form
from clover_nb.forms._keys import Keys
from clover_nb.forms._past import Past
from clover_nb.forms._picker import Picker
from clover_nb.forms._static import Static
from clover_nb.forms._table import Table
from clover_nb.forms._work import Work
from clover_nb.forms.actions import row_of
from clover_nb.frames import to_frame, upsert

_ABOUT: Final[dict[str, Callable[[Clover, Picker], Form]]] = {
    "Edit contact": _forms.contact_form,
    "Shipping address": _forms.shipping_form,
    "Attach a card": _forms.attach_form,
    "Take a card off": _forms.delete_form,
}
_NEW: Final = "New customer"
_PAGE: Final = 10  # rows, so that the selected customer is in sight below them


def desk(customers: pd.DataFrame | None = None, *, clover: Clover | None = None) -> Desk:
    """All customers in a table, and about the selected one everything: details, history, forms.

    Args:
        customers: As from ``Customer.list()``; left out, they are read while the desk shows.
        clover: The connection; left out, the default one.

    Returns:
        The desk; ``desk.table.selected`` is the selected customer as a DataFrame.

    Raises:
        SettingsError: There is no connection, and the settings don't allow one.
    """
    return Desk(clover or default(), customers)


class Desk(Static, VBox):
    """The desk. Made by :func:`clover_nb.forms.desk`.

    Attributes:
        table: The customers.
        row: The selected one, as it was read last; ``None`` when none is.
        form: The form that is open, or ``None``.
        status: What is under way or went wrong.
        details: What is known of the selected customer.
        history: What was changed about it from here, and how to take it back.
    """

    def __init__(self, clover: Clover, customers: pd.DataFrame | None) -> None:
        self._clover = clover
        self._forms: dict[str, Form] = {}
        self._newer: list[pd.Series[Any]] = []  # than the list of customers that was asked for last
        self._lock = threading.Lock()  # threads of forms change the table while another reads it
        self.row: pd.Series[Any] | None = None
        self.form: Form | None = None
        self.table = Table(to_frame([]) if customers is None else customers, page_size=_PAGE)
        self.status = HTML().add_class("clover-live")
        self.details, self.history = HTML(), Past(clover, self._taken_back)
        self._who, self._place = HTML(), VBox()
        refresh = Button(description="Refresh")
        refresh.on_click(lambda _: self.refresh())
        self._work = Work(refresh, "Reading…")
        self._about = HBox([self._opener(name) for name in _ABOUT]).add_class("clover-actions")
        bar = HBox([self._opener(_NEW), refresh, self.status]).add_class("clover-actions")
        self._known = VBox([self.details, self._about, self._place, self.history])
        super().__init__(
            [
                HTML(_text.heading("Customer desk", clover.environment)),
                Keys(self.history.close_form, self.history.offer),
                bar,
                self.table,
                self._who,
                self._known,
            ],
            static="Customer desk: run this cell to use it.",
        )
        self.add_class("clover-form")
        self.add_class("clover-desk")
        self.table.on_select(self._selected)
        self._show(None)
        if customers is None:
            self.refresh()

    def refresh(self) -> threading.Thread | None:
        """Read all customers again, in a thread.

        Returns:
            The thread, to wait for; ``None`` when they are being read already.
        """
        return self._work.start(self._refresh)

    def _refresh(self) -> bool:
        self.status.value = _text.note("busy", "Reading the customers…")
        with self._lock:
            self._newer.clear()
        try:
            customers = self._clover.customers.list()
        except CloverError as error:
            self._tell(error)
            return True
        with self._lock:
            self.table.data = functools.reduce(upsert, self._newer, customers)
            self.table.read_at = time.time()
        self.status.value = ""
        return True

    def _put_in_table(self, row: pd.Series[Any]) -> None:
        with self._lock:
            self._newer.append(row)
            self.table.data = upsert(self.table.data, row)

    def open_form(self, name: str) -> None:
        """Open a form, by the name on its button."""
        if name not in self._forms:
            self._forms[name] = self._made(name)
        if self.form is not None and self.form.dirty and self.form is not self._forms[name]:
            told = "What you typed is not saved yet: save it, or press Escape to cancel it."
            self.status.value = _text.note("warning", told)
            return
        self.form = self._forms[name]
        self._fit()
        self._place.children = [self.form]

    def _made(self, name: str) -> Form:
        if name == _NEW:
            form = _forms.create_customer(clover=self._clover)
        else:
            form = _ABOUT[name](self._clover, Picker(self._clover, asks=False))
        form.on_saved = self._saved
        form.on_open = self.select
        return form

    def _fit(self) -> None:
        """Let the open form be about the selected customer, unless something is typed in it."""
        picker = self.form and self.form.picker
        if not picker or self.row is None or self.form is None:
            return
        if not self.form.dirty:
            picker.show(self.row)
        elif picker.row is not None and picker.row["id"] != self.row["id"]:
            told = (
                f"Not saved yet: the form below is still about {picker.row['name'] or 'another'}."
            )
            self.status.value = _text.note("warning", told)

    def select(self, customer_id: str) -> threading.Thread:
        """Select a customer, also one that the table doesn't know yet, in a thread.

        Returns:
            The thread, to wait for.
        """
        return self._behind(lambda: self._select(customer_id))

    def _select(self, customer_id: str) -> None:
        if customer_id not in self.table.data.index:
            self._put_in_table(self._clover.customers.retrieve(customer_id))
        self.table.selected_id = customer_id

    def _selected(self, customer_id: str) -> None:
        """Show what the table knows at once, and then what Clover says."""
        self.status.value = ""
        if not customer_id:
            self._show(None)
            return
        self._show(row_of(self.table.data, customer_id))
        self._fit()
        self._behind(lambda: self._read(customer_id))

    def _read(self, customer_id: str) -> None:
        shown = self.row
        self._show_history(customer_id)
        row = self._clover.customers.retrieve(customer_id)
        if self.row is shown:  # else another was selected meanwhile, or this one was changed
            self._show(row)
            self._fit()
            self._show_history(customer_id)

    def _saved(self, row: pd.Series[Any]) -> None:
        self._put_in_table(row)
        if self.table.selected_id != row["id"]:
            self.table.selected_id = row["id"]
            return
        self._show(row)
        self._behind(lambda: self._show_history(row["id"]))

    def _taken_back(self, row: pd.Series[Any]) -> None:
        self._saved(row)
        self._fit()

    def _show_history(self, customer_id: str) -> None:
        if self.row is not None and self.row["id"] == customer_id:
            self.history.show(self.row)

    def _show(self, row: pd.Series[Any] | None) -> None:
        self.row = row
        for part in (self.details, self._about, self.history):
            part.layout.display = "none" if row is None else None
        if row is None:
            self._who.value = "<p class='clover-quiet'>Select a customer in the table.</p>"
            return
        self._who.value = _text.who(row)
        self.details.value = _text.row_list(row)

    def _opener(self, name: str) -> Button:
        button = Button(description=name)
        button.on_click(lambda _: self.open_form(name))
        return button

    def _behind(self, work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except CloverError as error:
                self._tell(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _tell(self, error: CloverError) -> None:
        self.status.value = _text.note("error", _text.in_a_form(error), error.request_id)
