"""What the desk shows about one customer, read from Clover and from the journal."""

from __future__ import annotations

from typing import NamedTuple

from clover_nb.client import Clover
from clover_nb.errors import CloverError, OutcomeUnknownError
from clover_nb.forms import rendering
from clover_nb.forms.history import describe_news, describe_outcome, read_history
from clover_nb.forms.history_panel import render_history
from clover_nb.forms.rendering import Markup
from clover_nb.forms.values import Row


class Record(NamedTuple):
    """What was read about a customer.

    Attributes:
        row: The customer.
        history: What was changed about it, as HTML.
        newest: The newest entry of the history; 0 for none.
        error: Why the row is what the table knows; ``None`` when Clover said it.
        checked: What was found out about a change of it, where that was asked for.
    """

    row: Row
    history: str
    newest: int = 0
    error: CloverError | None = None
    checked: str = ""


def list_copies(row: Row) -> dict[str, str]:
    """What people take elsewhere, by the name on its button."""
    places = ("line1", "line2", "city", "state", "postal_code", "country")
    line1, line2, city, state, code, country = (row[f"shipping_{part}"] or "" for part in places)
    recipient = row["shipping_name"] or row["name"] or ""
    area = ", ".join(filter(None, (city, f"{state} {code}".strip())))
    address = [recipient, line1, line2, area, country] if line1 or city else []
    copies = {"id": row["id"], "email": row["email"], "address": "\n".join(filter(None, address))}
    return {name: str(text) for name, text in copies.items() if text}


def read_record(clover: Clover, row: Row) -> Record:
    """The customer as Clover has it, or else as it is known, with its history."""
    error = None
    try:
        row = clover.customers.retrieve(row["id"])
    except CloverError as trouble:
        error = trouble
    return read_changes(clover, row)._replace(error=error)


def resolve_change(clover: Clover, row: Row, entry: int) -> Record:
    """What a look at the customer tells of a change, with the customer as it is now."""
    try:
        checked = describe_outcome(clover.resolve(entry).outcome)
    except OutcomeUnknownError as unclear:
        checked = f"{unclear.message} {unclear.hint}".strip()
    return read_record(clover, row)._replace(checked=checked)


def read_changes(clover: Clover, row: Row) -> Record:
    """A customer as it is known, with what was changed about it from here or by the team."""
    try:
        events = read_history(clover, row["id"], dict(row))
    except CloverError as error:  # the journal is off; all else of the desk works without
        return Record(row, rendering.render_note("info", f"No history: {error.message}"))
    return Record(row, render_history(events), events[0].entry if events else 0)


def read_news(clover: Clover, row: Row, after: int) -> Markup:
    """Who else has changed a customer since an entry of the history; nothing without a journal."""
    try:
        return describe_news(clover, row["id"], after)
    except CloverError:  # what is read next of the customer says why
        return Markup()
