"""A customer's history as people read it, and the form that undoes one change of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from clover_nb.client import Clover
from clover_nb.errors import CloverError
from clover_nb.forms import actions
from clover_nb.forms.history import Event
from clover_nb.forms.messages import column_label
from clover_nb.forms.rendering import Markup, render_button, render_table, render_time
from clover_nb.forms.spec import FormSpec
from clover_nb.forms.values import FieldChange, Row


def render_history(events: Sequence[Event]) -> str:
    """The events as a table, with a button beside each that can be undone or looked up."""
    if not events:
        return "<p class='clover-quiet'>Nothing was changed from here yet.</p>"
    heads = ["Time", "Who", "What", "Details"]
    rows = [[render_time(each.time), each.person, _what(each), each.details] for each in events]
    buttons = [_button(each) for each in events]
    if any(buttons):
        heads.append("Action")
        rows = [[*row, button] for row, button in zip(rows, buttons, strict=True)]
    return render_table("History", heads, rows)


def _what(event: Event) -> Markup:
    tone = "" if event.outcome == "done" else " class='clover-note clover-warning'"
    return Markup(f"<span{tone}>{escape(event.what)}</span>")


def _button(event: Event) -> Markup:
    if event.undoable:
        kind, label = "undo", "Undo"
    elif event.is_unclear:
        kind, label = "check", "Check again"
    else:
        return Markup()
    return render_button(kind, label, f"{label}: {event.what}, {event.details}", entry=event.entry)


def undo_spec(clover: Clover, entry: int) -> FormSpec:
    """The form that shows what undoing an entry of the journal would change, and does it."""

    def preview(row: Row, _: object) -> Iterable[FieldChange]:
        changes = actions.preview_undo(clover, row, entry)
        return [each._replace(field=column_label(each.field)) for each in changes]

    return FormSpec(
        title=_undo_title(clover, entry),
        submit_label="Undo this change",
        busy_label="Undoing…",
        sections=(),
        validate=lambda *_: {},
        preview=preview,
        submit=lambda connection, *_, **__: actions.undo_change(connection, entry),
        done="Undone",
    )


def _undo_title(clover: Clover, entry: int) -> str:
    """With whose change it is, where the journal can be read."""
    try:
        return f"Undo a change of {clover.journal.entry(entry).author}"
    except CloverError:
        return "Undo a change"
