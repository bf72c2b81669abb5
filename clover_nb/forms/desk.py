"""The desk: the table, the selected customer, and the forms about it."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import pandas as pd
from traitlets import Bool, Int, Unicode
from traitlets import List as ListTrait

from clover_nb.client import Clover, default
from clover_nb.errors import CloverError, OutcomeUnknownError
from clover_nb.forms import customer_forms, messages, rendering
from clover_nb.forms.actions import row_of
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.cells import close_on_rerun
from clover_nb.forms.form import Form
from clover_nb.forms.history import describe_outcome, read_history
from clover_nb.forms.history_panel import render_history, undo_spec
from clover_nb.forms.rendering import Markup, Tone
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.spec import FormSpec, Row
from clover_nb.forms.table import CustomerTable
from clover_nb.frames import to_frame, upsert
from clover_nb.writes.conflicts import COMPARED, find_changes

_ABOUT: Final[dict[str, FormSpec]] = {
    "Edit contact": customer_forms.EDIT_CONTACT,
    "Shipping address": customer_forms.UPDATE_SHIPPING,
    "Attach a card": customer_forms.ATTACH_CARD,
    "Remove a card": customer_forms.DELETE_CARD,
}
_NEW: Final = "New customer"
_SPECS: Final = {**_ABOUT, _NEW: customer_forms.CREATE_CUSTOMER}
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


class Record(NamedTuple):
    """What was read about a customer.

    Attributes:
        row: The customer.
        history: What was changed about it, as HTML.
        error: Why the row is what the table knows; ``None`` when Clover said it.
        checked: What was found out about a change of it, where that was asked for.
    """

    row: Row
    history: str
    error: CloverError | None = None
    checked: str = ""


class Desk(SharedWidget):
    """The desk. Made by :func:`clover_nb.forms.desk`.

    The table alone says who is selected. What else is shown follows it: the record, its history
    and the open form, which is about the selected customer or a new one. A form with something in
    it is put aside while another customer is looked at, and comes back with its own.

    Attributes:
        table: The customers.
        row: The selected one, as it was read last; ``None`` when none is.
        form: The form that is open, or ``None``.
        undo_form: The form that undoes a change of the history, while it is open.
        status: What is under way or went wrong, as HTML.
        details: What is known of the selected customer, as HTML.
        history: What was changed about it from here, as HTML.
    """

    kind = "desk"

    heading = Unicode().tag(sync=True)
    actions: ListTrait[str] = ListTrait().tag(sync=True)  # buttons of the selected customer
    status = Unicode().tag(sync=True)
    who = Unicode().tag(sync=True)
    details = Unicode().tag(sync=True)
    history = Unicode().tag(sync=True)
    reading = Bool().tag(sync=True)
    opened = Unicode().tag(sync=True)  # the button whose form is open
    table_id = Unicode().tag(sync=True)
    form_id = Unicode().tag(sync=True)
    undo_id = Unicode().tag(sync=True)
    answers = Int().tag(sync=True)  # how many messages were heard

    def __init__(self, clover: Clover, customers: pd.DataFrame | None) -> None:
        self._clover = clover
        self.row: Row | None = None
        self.form: Form | None = None
        self.undo_form: Form | None = None
        self._forms: dict[tuple[str, str], Form] = {}  # the open one, and those put aside
        self._newer: list[Row] = []  # than the list of customers that was asked for last
        self._note = ""
        self._list_reader, self._reader = TaskRunner(self._list_failed), TaskRunner(self._failed)
        self.table = CustomerTable(
            to_frame([]) if customers is None else customers, page_size=_PAGE
        )
        super().__init__(
            static="Customer desk: run this cell to use it.",
            heading=rendering.render_heading("Customer desk", clover.settings),
            actions=list(_ABOUT),
            table_id=self.table.model_id,
        )
        self.table.on_select(lambda _: self._follow())
        self.on_msg(lambda _, content, __: self.receive(content))
        close_on_rerun(self.close)
        if customers is None:
            self.refresh()
        self._draw()

    def receive(self, content: Mapping[str, Any]) -> None:
        """Take a message of the browser."""
        self._reader.handle(self._receive, content)
        self.answers += 1

    def _receive(self, content: Mapping[str, Any]) -> None:
        match content["do"]:
            case "refresh":
                self.refresh()
            case "open":
                self.open_form(content["name"])
            case "undo":
                self.offer_undo(int(content["entry"]))
            case "check":
                self.check_again(int(content["entry"]))
            case "escape":
                self._close_undo()
        self._draw()

    def close(self) -> None:
        """Close the widget with all that is in it, and drop what is under way."""
        self._list_reader.stop()
        self._reader.stop()
        self._close_undo()
        for form in self._forms.values():
            form.close()
        self.table.close()
        super().close()

    # -- all customers ---------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read all customers again; what is asked for while they are being read does nothing."""
        if self._list_reader.is_reading:
            return
        self._newer.clear()
        self._say("info", "")
        count = len(self.table.data)
        self.table.progress = f"Reading {f'{count:,}' if count else 'the'} customers…"
        self._list_reader.read(self._clover.customers.list, self._show_list)
        self._draw()

    def _show_list(self, customers: pd.DataFrame) -> None:
        self.table.progress = messages.describe_gaps(customers)
        self.table.data = functools.reduce(upsert, self._newer, customers)
        self.table.read_at = time.time()
        self._draw()

    def _list_failed(self, failure: TaskFailure) -> None:
        self.table.progress = "The customers could not be read."
        self._failed(failure)

    def _put(self, row: Row) -> None:
        self._newer.append(row)
        self.table.put(row)

    # -- who is selected ---------------------------------------------------------------------------

    def select(self, customer_id: str) -> None:
        """Select a customer, also one that the table doesn't know yet."""
        if customer_id in self.table.data.index:
            self.table.selected_id = customer_id
            self.table.reveal(customer_id)
        else:
            self._reader.read(lambda: self._clover.customers.retrieve(customer_id), self._found)

    def _found(self, row: Row) -> None:
        self._put(row)
        self.table.selected_id = row["id"]

    def _follow(self) -> None:
        """Show what the table knows of the selected customer at once, and then what Clover says."""
        customer_id = self.table.selected_id
        before, self.row = self.row, None
        self._say("info", "")
        self.history = ""
        self._close_undo()
        self._reader.drop_reads()
        if customer_id:
            self.row = row_of(self.table.data, customer_id)
            self._read_record(self.row)
        if before is None or before["id"] != customer_id:
            self._show_form("" if self.opened == _NEW else self.opened)
        self._draw()

    def _read_record(self, row: Row) -> None:
        self._reader.read(lambda: _read(self._clover, row), self._show_record)

    def _show_record(self, record: Record) -> None:
        self._show_row(record.row)
        self.history = record.history
        if record.error is not None:
            self._tell(record.error)
        elif record.checked:
            self._say("info", record.checked)
        self._draw()

    def _show_row(self, row: Row) -> None:
        self.row = row
        undo = self.undo_form
        offered = undo.customer if undo is not None and not undo.is_busy else None
        if offered is not None and find_changes(dict(offered), dict(row), COMPARED):
            self._close_undo()  # what it says is not so any more
        if self.form is not None and self.opened != _NEW and not self.form.has_changed:
            self.form.show(row)

    # -- the forms ---------------------------------------------------------------------------------

    def open_form(self, name: str, values: Mapping[str, str] | None = None) -> None:
        """Open a form, by the name on its button; what is typed in another one is kept.

        Args:
            name: Such as ``"Edit contact"``.
            values: What its inputs hold besides what the customer's record says.
        """
        if name == self.opened and not values:
            return
        self._say("info", "")
        self._show_form(name, values)
        self._draw()

    def _show_form(self, name: str, values: Mapping[str, str] | None = None) -> None:
        about = self.row if name in _ABOUT else None
        self._put_aside()
        if name in _ABOUT and about is None:
            name = ""
        self.opened, self.form = name, None
        if not name:
            return
        key = (name, "" if about is None else str(about["id"]))
        if values and key in self._forms:
            self._forms.pop(key).close()
        if key not in self._forms:
            self._forms[key] = self._make_form(name, about, values)
        self.form = self._forms[key]

    def _make_form(self, name: str, row: Row | None, values: Mapping[str, str] | None) -> Form:
        form = Form(self._clover, _SPECS[name], row=row, asks=False, values=values)
        form.on_saved = self._saved
        form.on_open = self.select
        form.on_switch = self._switch
        form.on_released = lambda: self._forget(form)
        form.observe(lambda _: self._end_work(form), "busy")
        return form

    def _switch(self, spec: FormSpec, values: Mapping[str, str]) -> None:
        self.open_form(next(name for name, each in _SPECS.items() if each is spec), values)

    def _put_aside(self) -> None:
        """Keep the open form, as far as there is something in it, without what was agreed to."""
        form, name = self.form, self.opened
        if form is None:
            return
        if not form.is_busy:
            form.drop_statements()
        self.form = None
        self.form_id = ""  # first, so that the browser moves the focus out of it
        self._forget(form)
        if form in self._forms.values() and not form.is_busy:
            self._say("info", self._kept(form, name))

    def _kept(self, form: Form, name: str) -> Markup:
        if form.customer is None:
            return Markup(f"What you typed is kept: press {name} to go on.")
        customer = rendering.render_name(form.customer)
        return Markup(f"What you typed about {customer} is kept: it is there under {name}.")

    def _forget(self, form: Form) -> None:
        """Close a form that isn't open and has nothing in it."""
        if form is self.form or form.is_busy or form.has_changed:
            return
        for key in [key for key, each in self._forms.items() if each is form]:
            del self._forms[key]
            form.close()

    def _end_work(self, form: Form) -> None:
        """Say what became of a change whose form was put aside meanwhile."""
        if form is self.form or form.is_busy or not form.has_changed:
            return
        form.drop_statements()
        if form.customer is not None:
            name = rendering.render_name(form.customer)
            self._say("warning", Markup(f"Not saved yet: select {name} to see why."))
            self._draw()

    def _saved(self, row: Row) -> None:
        """Show a changed customer where it is shown; nobody is taken to it from another one."""
        self._put(row)
        name = rendering.render_name(row)
        if self.opened == _NEW and self.form is not None and self.form.row is row:
            self.table.selected_id = row["id"]
            self._say("done", Markup(f"Saved: {name}"))
        elif self.table.selected_id == row["id"]:
            self._show_row(row)
            self._reader.read(lambda: Record(row, _history(self._clover, row)), self._show_record)
        else:
            self._say("done", Markup(f"Saved: {name}"))
        self._draw()

    # -- undoing -----------------------------------------------------------------------------------

    def offer_undo(self, entry: int) -> None:
        """Show what undoing this entry of the journal would change, and the button for it."""
        if self.row is None or (self.undo_form is not None and self.undo_form.is_busy):
            return
        self._close_undo()
        spec = undo_spec(self._clover, entry)
        form = self.undo_form = Form(self._clover, spec, row=self.row, asks=False)
        form.on_saved = self._saved
        form.observe(lambda _: self._end_undo(form), "busy")
        self._draw()

    def check_again(self, entry: int) -> None:
        """Look up what became of a change whose answer was lost; nothing is sent."""
        if (row := self.row) is not None:
            self._say("busy", "Looking up what became of it…")
            self._reader.read(lambda: _resolve(self._clover, row, entry), self._show_record)
            self._draw()

    def _close_undo(self) -> None:
        """Close the form that undoes a change; one at work is closed when it has ended."""
        form, self.undo_form = self.undo_form, None
        self.undo_id = ""  # first, so that the browser moves the focus out of it
        if form is not None:
            self._end_undo(form)

    def _end_undo(self, form: Form) -> None:
        if form is not self.undo_form and not form.is_busy:
            form.close()

    # -- what is shown -----------------------------------------------------------------------------

    def _failed(self, failure: TaskFailure) -> None:
        if isinstance(failure.error, CloverError):
            self._tell(failure.error)
        else:
            self._say("error", messages.describe_failure(failure))
        self._draw()

    def _tell(self, error: CloverError) -> None:
        self._say("error", messages.describe_error(error), messages.request_id(error))

    def _say(self, tone: Tone, text: str, request_id: str = "") -> None:
        self._note = rendering.render_note(tone, text, request_id) if text else ""

    def _draw(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        row, form, undo = self.row, self.form, self.undo_form
        reading = self._list_reader.is_reading
        with self.hold_sync():
            self.reading = reading
            busy = rendering.render_note("busy", self.table.progress) if reading else ""
            self.status = self._note or busy
            self.who = "" if row is None else rendering.render_identity(row)
            self.details = "" if row is None else rendering.render_row(row)
            self.form_id = "" if form is None else form.model_id
            self.undo_id = "" if undo is None else undo.model_id


def _read(clover: Clover, row: Row) -> Record:
    """The customer as Clover has it, or else as it is known, with its history."""
    error = None
    try:
        row = clover.customers.retrieve(row["id"])
    except CloverError as trouble:
        error = trouble
    return Record(row, _history(clover, row), error)


def _resolve(clover: Clover, row: Row, entry: int) -> Record:
    """What a look at the customer tells of a change, with the customer as it is now."""
    try:
        checked = describe_outcome(clover.resolve(entry).outcome)
    except OutcomeUnknownError as unclear:
        checked = f"{unclear.message} {unclear.hint}".strip()
    return _read(clover, row)._replace(checked=checked)


def _history(clover: Clover, row: Row) -> str:
    try:
        return render_history(read_history(clover, row["id"], dict(row)))
    except CloverError as error:  # the journal is off; all else of the desk works without
        return rendering.render_note("info", f"No history: {error.message}")
