"""The desk: the table, the selected customer, and the forms about it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
from traitlets import Bool, Dict, Int, Unicode
from traitlets import List as ListTrait

from clover_nb.client import Clover, default
from clover_nb.errors import APIConnectionError, CloverError
from clover_nb.forms import customer_forms, messages, rendering
from clover_nb.forms.actions import row_of
from clover_nb.forms.apply_process import is_applying
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.change_many import ChangeMany
from clover_nb.forms.customer_list import CustomerList
from clover_nb.forms.customer_record import (
    Record,
    list_copies,
    read_changes,
    read_news,
    read_record,
    render_cards,
    resolve_change,
)
from clover_nb.forms.form import Form
from clover_nb.forms.kept_forms import KeptForms
from clover_nb.forms.rendering import Markup, Tone
from clover_nb.forms.runner import TaskFailure
from clover_nb.forms.spec import FormSpec
from clover_nb.forms.table import CustomerTable
from clover_nb.forms.table_page import TablePage
from clover_nb.forms.table_views import mark_views
from clover_nb.forms.values import Row
from clover_nb.frames import to_frame
from clover_nb.writes.conflicts import COMPARED, find_changes

_ABOUT: Final[dict[str, FormSpec]] = {
    "Edit contact": customer_forms.EDIT_CONTACT,
    "Shipping address": customer_forms.UPDATE_SHIPPING,
    "Note": customer_forms.EDIT_NOTE,
    "Attach a card": customer_forms.ATTACH_CARD,
    "Remove a card": customer_forms.DELETE_CARD,
}
_NEW: Final = "New customer"
_SPECS: Final = {**_ABOUT, _NEW: customer_forms.CREATE_CUSTOMER}
_PAGE: Final = 10  # rows, so that the selected customer is in sight below them


def desk(
    customers: pd.DataFrame | None = None,
    *,
    customer_id: str | None = None,
    clover: Clover | None = None,
) -> Desk:
    """All customers in a table, and about the selected one everything: details, history, forms.

    Args:
        customers: As from ``Customer.list()``; left out, they are read while the desk shows.
        customer_id: Who is selected at first.
        clover: The connection; left out, the default one.

    Returns:
        The desk; ``desk.table.selected`` is the selected customer as a DataFrame.

    Raises:
        SettingsError: There is no connection, and the settings don't allow one.
    """
    made = Desk(clover or default(), customers)
    if customer_id:
        made.select(customer_id)
    return made


class Desk(SharedWidget):
    """The desk. Made by :func:`clover_nb.forms.desk`.

    The table alone says who is selected. What else is shown follows it: the record, its history
    and the open form, which is about the selected customer or a new one. A form with something in
    it is put aside while another customer is looked at, and comes back with its own.

    Attributes:
        table: The customers.
        row: The selected one, as it was read last; ``None`` when none is.
        undo_form: The form that undoes a change of the history, while it is open.
        many: The form that changes many customers, once it was opened. While it is shown, it
            stands in the place of the record.
        status: What is under way or went wrong, as HTML.
        cards: The selected customer's cards, as HTML.
        details: What is known of the selected customer, as HTML.
        history: What was changed about it from here, as HTML.
    """

    kind = "desk"

    heading = Unicode().tag(sync=True)
    actions: ListTrait[str] = ListTrait().tag(sync=True)  # buttons of the selected customer
    status = Unicode().tag(sync=True)
    who = Unicode().tag(sync=True)
    customer_id = Unicode().tag(sync=True)
    copies: Dict[str, str] = Dict().tag(sync=True)  # what can be copied of the selected customer
    typed = Bool().tag(sync=True)  # whether a form holds something that isn't saved
    outage = Unicode().tag(sync=True)  # why Clover can't be reached at present
    cards = Unicode().tag(sync=True)
    details = Unicode().tag(sync=True)
    history = Unicode().tag(sync=True)
    reading = Bool().tag(sync=True)
    opened = Unicode().tag(sync=True)  # the button whose form is open
    table_id = Unicode().tag(sync=True)
    form_id = Unicode().tag(sync=True)
    undo_id = Unicode().tag(sync=True)
    many_id = Unicode().tag(sync=True)
    ticked = Int().tag(sync=True)

    def __init__(self, clover: Clover, customers: pd.DataFrame | None) -> None:
        self._clover = clover
        self.row: Row | None = None
        self.undo_form: Form | None = None
        self.many: ChangeMany | None = None
        self._shows_many = False
        self._kept = KeptForms(self._make_form)
        self._note = ""
        self._newest: int | None = None  # entry of the history that is shown
        page = TablePage(
            to_frame([]) if customers is None else customers,
            page_size=_PAGE,
            newest_first=True,
            mark_views=functools.partial(mark_views, clover),
        )
        self.table = CustomerTable(page, can_tick=True, kept_as="desk")
        self.table.on_create = self._create
        self._list = CustomerList(clover, self.table, self._note_read, self._show_failure)
        super().__init__(
            static="Customer desk: run this cell to use it.",
            heading=rendering.render_heading("Customer desk", clover.settings),
            actions=list(_ABOUT),
            table_id=self.table.model_id,
        )
        self.table.on_select(lambda _: self._follow())
        self.table.on_tick(lambda _: self._draw())
        if customers is None:
            self.refresh()
        else:
            self.table.count_views()
        if is_applying(clover):
            self.change_many()
        self._draw()

    def _handle_message(self, content: Mapping[str, Any], _: Sequence[Any]) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "refresh": self.refresh,
            "progress": self._list.show_progress,
            "retry": self._retry,
            "news": self._read_news,
            "select": lambda: self.select(content["id"]),
            "open": lambda: self.open_form(content["name"]),
            "replace": lambda: self._lead_to("Attach a card", {"replaces": content["card"]}),
            "remove": lambda: self._lead_to("Remove a card", {"card": content["card"]}),
            "many": self.change_many,
            "record": self._return_to_record,
            "undo": lambda: self.offer_undo(int(content["entry"])),
            "check": lambda: self.check_again(int(content["entry"])),
            "escape": self._step_back,
        }
        handlers[content["do"]]()
        self._draw()

    def close(self) -> None:
        """Close the widget with all that is in it, and drop what is under way."""
        self._list.stop()
        if self.undo_form is not None:
            self.undo_form.close()
        self._kept.close()
        if self.many is not None:
            self.many.close()
        self.table.close()
        super().close()

    # -- many customers --------------------------------------------------------------------------

    def _return_to_record(self) -> None:
        """Show the record again, in place of the form that changes many."""
        self._shows_many = False

    def change_many(self) -> None:
        """Show the form that changes many customers, those that are ticked; asked again, hide it.

        What is in it stays; another one takes its place when other customers are ticked, unless it
        is being applied.
        """
        ticked, many = self.table.ticked, self.many
        is_same = ticked.empty or (many is not None and many.work.ids == ticked.index.tolist())
        stays = many is not None and (many.work.is_starting or many.work.is_applying)
        is_other = many is None or not (is_same or stays)
        self._shows_many = is_other or not self._shows_many
        if is_other:
            if many is not None:
                many.close()
            self.many = ChangeMany(self._clover, None if ticked.empty else ticked)
            self.many.work.on_applied = self._applied_many
        self._draw()

    def _applied_many(self) -> None:
        self.table.untick()
        self.refresh()

    # -- all customers ---------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read all customers again; what is asked for while they are being read does nothing."""
        if self._list.is_reading:
            return
        self._say("info", "")
        self._list.read()
        self._draw()

    def _note_read(self) -> None:
        self.outage = ""
        self._draw()

    def _retry(self) -> None:
        """Ask Clover again for what it could not be asked for."""
        if self.row is not None and len(self.table.data):
            self._read_record(self.row)
        else:
            self.refresh()

    # -- who is selected ---------------------------------------------------------------------------

    def select(self, customer_id: str) -> None:
        """Select a customer, also one that the table doesn't know yet."""
        if customer_id in self.table.data.index:
            self.table.selected_id = customer_id
        else:
            self._runner.read(lambda: self._clover.customers.retrieve(customer_id), self._found)

    def _create(self, text: str) -> None:
        """Open the form for a new customer, with what nobody was found by in its place."""
        digits = sum(map(str.isdigit, text))
        field = "email" if "@" in text else "phone" if digits > len(text) / 2 else "name"
        last, comma, first = text.partition(",")
        name = f"{first.strip()} {last.strip()}" if comma and field == "name" else text.strip()
        self._lead_to(_NEW, {field: name})

    def _lead_to(self, name: str, values: Mapping[str, str]) -> None:
        """Open a form that another button than its own leads to."""
        self.send({"do": "begin", "name": name})
        self.open_form(name, values)

    def _found(self, row: Row) -> None:
        self._list.put(row)
        self.table.selected_id = row["id"]

    def _follow(self) -> None:
        """Show what the table knows of the selected customer at once, and then what Clover says."""
        customer_id = self.table.selected_id
        before, self.row = self.row, None
        self._shows_many = False
        self._say("info", "")
        self.history = ""
        self._newest = None
        self._close_undo()
        self._runner.drop_reads()
        if customer_id:
            self.row = row_of(self.table.data, customer_id)
            self._read_record(self.row)
        if before is None or before["id"] != customer_id:
            self._show_form("" if self.opened == _NEW else self.opened)
        self._draw()

    def _read_record(self, row: Row) -> None:
        self._runner.read(lambda: read_record(self._clover, row), self._show_record)

    def _read_news(self) -> None:
        """Ask the journal whether somebody else has changed the selected customer meanwhile."""
        row, newest = self.row, self._newest
        if row is None or self._runner.is_reading:
            return
        if newest is None:
            self._runner.read(lambda: read_changes(self._clover, row), self._show_history)
        else:
            self._runner.read(lambda: read_news(self._clover, row, newest), self._show_news)

    def _show_history(self, record: Record) -> None:
        """Show what is new since the journal could be read last, once it can be read again."""
        if record.newest is not None and self.row is not None:
            self._read_record(self.row)

    def _show_news(self, news: Markup) -> None:
        if news and self.row is not None:
            self._say("info", news)
            self._read_record(self.row)
            self._draw()

    def _show_record(self, record: Record) -> None:
        self._show_row(record.row)
        self.history = record.history
        self._newest = record.newest
        if record.error is None:
            self.outage = ""
        else:
            self._tell(record.error)
        if record.error is None and record.checked:
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
        self._shows_many = False
        if name == self.opened and not values:
            return
        self._say("info", "")
        self._show_form(name, values)
        self._draw()

    def _show_form(self, name: str, values: Mapping[str, str] | None = None) -> None:
        about = self.row if name in _ABOUT else None
        self.form_id = ""  # first, so that the browser moves the focus out of it
        if kept := self._kept.put_aside():
            self._say("info", kept)
        if name == _NEW or about is not None:
            self._kept.open(name, about, values)
        self.opened = self._kept.name

    @property
    def form(self) -> Form | None:
        """The form that is open."""
        return self._kept.form

    def _make_form(self, name: str, row: Row | None, values: Mapping[str, str] | None) -> Form:
        form = Form(self._clover, _SPECS[name], row=row, asks=False, values=values)
        form.work.on_saved = self._saved
        form.work.on_open = self.select
        form.work.on_switch = self._switch
        form.work.on_cancelled = self._close_form
        form.observe(lambda change: self._end_work(form, change.old), "busy")
        form.observe(lambda _: self._note_typed(), ["values", "preview"])
        return form

    def _note_typed(self) -> None:
        self.typed = self._kept.has_changed

    def _close_form(self) -> None:
        self._show_form("")
        self._draw()
        self._focus_row()

    def _step_back(self) -> None:
        """Take back what was begun last: an undo, or what was typed, or the form itself."""
        if self.undo_form is not None:
            self._close_undo()
        elif self.form is not None:
            self.form.cancel_edits()
        self._draw()

    def _focus_row(self) -> None:
        """Let the keyboard go on from the selected row, if it was in a form."""
        self.send({"do": "focus", "id": self.table.selected_id})

    def _switch(self, spec: FormSpec, values: Mapping[str, str]) -> None:
        self._lead_to(next(name for name, each in _SPECS.items() if each is spec), values)

    def _end_work(self, form: Form, task: str) -> None:
        """Close a form that was put aside at work, or say that it could not do it."""
        self._kept.forget(form)
        is_change = task in ("submit", "undo")
        if not is_change or form is self.form or form.is_busy or not form.has_changed:
            return
        form.drop_statements()
        if form.customer is not None:
            name = rendering.render_name(form.customer)
            self._say("warning", Markup(f"Not saved yet: select {name} to see why."))
            self._draw()

    def _saved(self, row: Row) -> None:
        """Show a changed customer where it is shown; nobody is taken to it from another one."""
        self._list.put(row)
        name = rendering.render_name(row)
        if self.opened == _NEW and self.form is not None and self.form.row is row:
            self.table.selected_id = row["id"]
            self._say("done", Markup(f"Saved: {name}"))
            self._focus_row()
        elif self.table.selected_id == row["id"]:
            self._show_row(row)
            self._runner.read(lambda: read_changes(self._clover, row), self._show_record)
            if self.form is not None and self.form.row is row and not self.form.has_changed:
                self._focus_row()
        else:
            self._say("done", Markup(f"Saved: {name}"))
        self._draw()

    # -- undoing -----------------------------------------------------------------------------------

    def offer_undo(self, entry: int) -> None:
        """Show what undoing this entry of the journal would change, and the button for it."""
        if self.row is None or (self.undo_form is not None and self.undo_form.is_busy):
            return
        self._close_undo()
        spec = customer_forms.undo_spec(self._clover, entry)
        form = self.undo_form = Form(self._clover, spec, row=self.row, asks=False)
        form.work.on_saved = self._saved
        form.work.on_cancelled = self._step_back
        form.observe(lambda _: self._end_undo(form), "busy")
        self._draw()

    def check_again(self, entry: int) -> None:
        """Look up what became of a change whose answer was lost; nothing is sent."""
        if (row := self.row) is not None:
            self._say("busy", "Looking up what became of it…")
            self._runner.read(lambda: resolve_change(self._clover, row, entry), self._show_record)
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

    def _show_failure(self, failure: TaskFailure) -> None:
        if isinstance(failure.error, CloverError):
            self._tell(failure.error)
        else:
            self._say("error", messages.describe_failure(failure))
        self._draw()

    def _tell(self, error: CloverError) -> None:
        if isinstance(error, APIConnectionError):
            self.outage = messages.describe_error(error)
        self._say("error", messages.describe_error(error), messages.request_id(error))

    def _say(self, tone: Tone, text: str, request_id: str = "") -> None:
        self._note = rendering.render_note(tone, text, request_id) if text else ""

    def _draw(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        row, form, undo = self.row, self.form, self.undo_form
        reading = self._list.is_reading
        with self.hold_sync():
            self.reading = reading
            busy = rendering.render_note("busy", self.table.progress) if reading else ""
            self.status = self._note or busy
            self.who = "" if row is None else rendering.render_identity(row)
            self.cards = "" if row is None else render_cards(row)
            self.details = "" if row is None else rendering.render_row(row, cards=False)
            self.customer_id = "" if row is None else str(row["id"])
            self.copies = {} if row is None else list_copies(row)
            self.form_id = "" if form is None else form.model_id
            self.undo_id = "" if undo is None else undo.model_id
            self.many_id = self.many.model_id if self.many and self._shows_many else ""
            self.ticked = len(self.table.ticked_ids)
