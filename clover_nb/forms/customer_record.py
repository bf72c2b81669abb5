"""What the desk shows about one customer, read from Clover and from the journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from clover_nb.client import Clover
from clover_nb.errors import CloverError, OutcomeUnknownError
from clover_nb.forms.history import Event, describe_news, describe_outcome, read_history
from clover_nb.forms.rendering import (
    Markup,
    render_button,
    render_note,
    render_table,
    render_time,
)
from clover_nb.forms.values import Card, Row, read_cards


class Record(NamedTuple):
    """What was read about a customer.

    Attributes:
        row: The customer.
        history: What was changed about it, as HTML.
        newest: The newest entry of the history; 0 for none, ``None`` where it can't be read.
        error: Why the row is what the table knows; ``None`` when Clover said it.
        checked: What was found out about a change of it, where that was asked for.
    """

    row: Row
    history: str
    newest: int | None = None
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
        return Record(row, render_note("info", f"No history: {error.message}"))
    return Record(row, _render_history(events), events[0].entry if events else 0)


def read_news(clover: Clover, row: Row, after: int) -> Markup:
    """Who else has changed a customer since an entry of the history; nothing without a journal."""
    try:
        return describe_news(clover, row["id"], after)
    except CloverError:  # what is read next of the customer says why
        return Markup()


# -- its cards and its history, as rows with buttons -----------------------------------------------


def render_cards(row: Row) -> str:
    """The cards as a table: which, until when, and buttons to replace and to remove each."""
    cards = read_cards(row).items()
    if not cards:
        return "<p class='clover-quiet'>No card on file.</p>"
    rows = [(_card_name(card), *_expiry(card), _card_buttons(key, card)) for key, card in cards]
    return render_table("Cards", ("Card", "Expires", "State", "Action"), rows)


def _card_name(card: Card | None) -> str:
    return f"{card.brand or 'Card'} •••• {card.last4 or '????'}" if card else "Card"


def _expiry(card: Card | None) -> tuple[str, str]:
    """Month and year as they stand on the card, and whether that is over or near."""
    if card is None or not card.expiry:
        return "", ""
    year, month = card.expiry.split("-")
    now = dt.datetime.now(dt.UTC).astimezone()
    left = (int(year) - now.year) * 12 + int(month) - now.month
    states = {0: "expires this month", 1: "expires next month"}
    return f"{month}/{year[2:]}", "expired" if left < 0 else states.get(left, "")


def _card_buttons(key: str, card: Card | None) -> Markup:
    labels = {"replace": "Replace", "remove": "Remove"}.items()
    name = _card_name(card)
    made = (render_button(act, label, f"{label} {name}", card=key) for act, label in labels)
    return Markup(" ".join(made))


def _render_history(events: Sequence[Event]) -> str:
    if not events:
        return "<p class='clover-quiet'>Nothing was changed from here yet.</p>"
    heads = ["Time", "Who", "What", "Details"]
    rows = [[render_time(each.time), each.person, _what(each), each.details] for each in events]
    buttons = [_event_button(each) for each in events]
    if any(buttons):
        heads.append("Action")
        rows = [[*row, button] for row, button in zip(rows, buttons, strict=True)]
    return render_table("History", heads, rows)


def _what(event: Event) -> Markup:
    tone = "" if event.outcome == "done" else " class='clover-note clover-warning'"
    return Markup(f"<span{tone}>{escape(event.what)}</span>")


def _event_button(event: Event) -> Markup:
    """For a change that can be undone or looked up."""
    if event.undoable:
        kind, label = "undo", "Undo"
    elif event.is_unclear:
        kind, label = "check", "Check again"
    else:
        return Markup()
    return render_button(kind, label, f"{label}: {event.what}, {event.details}", entry=event.entry)
