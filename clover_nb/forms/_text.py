"""What the forms say, as text and escaped HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

import pandas as pd

from clover_nb.errors import (
    Change,
    CloverError,
    EditConflictError,
    OutcomeUnknownError,
    PartialChangeError,
)
from clover_nb.forms._history import Event
from clover_nb.forms.values import Difference, cards_of
from clover_nb.masking import mask_value
from clover_nb.settings import Environment

_MARKS: Final[dict[Environment, str]] = {
    "local": "LOCAL practice: invented customers, nothing leaves this machine",
    "sandbox": "CLOVER SANDBOX: test merchant, test cards",
    "production": "PRODUCTION: real customers",
}
_EMPTY: Final = "—"
# The labels of a row that its cards and its name tell better.
_TOLD_ELSEWHERE: Final = frozenset(
    {"source_ids", "card_count", "card_brand", "card_last4", "card_expiry", "cards"}
    | {"first_name", "last_name"}
)


def told(error: CloverError, label: str) -> str:
    """An error as it stands beside its field: the field by its label, and what to do."""
    message = error.message
    if error.field and message.startswith(error.field):
        message = label + message.removeprefix(error.field)
    return f"{message} {error.hint}".strip()


def in_a_form(error: CloverError) -> str:
    """An error as it stands beside a form's button; what code would do next is not for there."""
    if isinstance(error, EditConflictError):
        return "Not saved: the customer was changed by somebody else since you read it."
    if isinstance(error, OutcomeUnknownError):
        return (
            "It is not known whether this was saved, as the answer was lost. What you typed is "
            "kept: look at the record as it is now before you try again."
        )
    if isinstance(error, PartialChangeError):
        reason = error.__cause__
        why = reason.message if isinstance(reason, CloverError) else reason
        return f"{error.message} The reason: {why}"
    return f"{error.message} {error.hint}".strip()


def heading(title: str, environment: Environment) -> str:
    """A form's heading, with the environment marked in words and colour."""
    return (
        f"<h3 class='clover-title'>{escape(title)}</h3>"
        f"<p class='clover-mark clover-{environment}'>{escape(_MARKS[environment])}</p>"
    )


def note(tone: str, text: str, request_id: str | None = None) -> str:
    """A message of a form: ``"error"``, ``"warning"``, ``"busy"``, ``"info"`` or ``"done"``."""
    role = "alert" if tone == "error" else "status"
    told = f"<div role='{role}' class='clover-note clover-{tone}'>{escape(text)}</div>"
    return told + (_asked_by_support(request_id) if request_id else "")


def _asked_by_support(request_id: str) -> str:
    """Beside the message and not in it: nobody wants to hear 36 letters and digits at once."""
    return (
        f"<div class='clover-id'>Clover's request id: <code>{escape(request_id)}</code> "
        "<button type='button' class='clover-small' data-clover='copy' "
        "aria-label='Copy the request id'>Copy</button> <span role='status'></span></div>"
    )


def who(row: pd.Series[Any]) -> str:
    """A customer in one line, to be sure that it is the right one."""
    card = f"{row['card_brand']} •••• {row['card_last4']}" if row["card_last4"] else "no card"
    parts = (row["name"] or "no name", row["email"] or "no email", card, row["id"])
    return f"<div class='clover-who'>{escape(' · '.join(parts))}</div>"


def row_list(row: pd.Series[Any]) -> str:
    """A customer as a list of what is known, label by label."""
    lines = {
        label(str(name)): _shown(value)
        for name, value in row.items()
        if name not in _TOLD_ELSEWHERE and not isinstance(value, list | dict) and pd.notna(value)
    }
    return _list({**lines, "Cards": "\n".join(cards_of(row).values()) or "none"})


def label(name: str) -> str:
    """A label of a row in words."""
    words = name.removeprefix("shipping_").replace("_", " ").replace("line", "address line ")
    prefix = "Recipient's " if name in ("shipping_name", "shipping_phone") else ""
    return (prefix + words)[:1].upper() + (prefix + words)[1:]


def differences(changes: Iterable[Difference], labels: Mapping[str, str]) -> str:
    """What will change: field, now and new; empty when nothing will.

    It stands there before what was typed is checked, so a card number in it prints masked.
    """
    rows = [
        (labels.get(each.field, each.field), each.now, str(mask_value(each.new)))
        for each in changes
    ]
    return _table("What will change", ("Field", "Now", "New"), rows) if rows else ""


def conflict(changes: Iterable[Change]) -> str:
    """What somebody else has changed: field, as it was read, and as it is."""
    rows = [(label(each.field), _shown(each.then), _shown(each.now)) for each in changes]
    return _table("Changed by somebody else", ("Field", "When you read it", "Now"), rows)


def events(history: Sequence[Event]) -> str:
    """A customer's history, with a button beside each change that can be taken back."""
    if not history:
        return "<p class='clover-quiet'>Nothing was changed from here yet.</p>"
    heads = ["Time", "Who", "What", "Details"]
    rows = [[_shown(each.time), each.person, each.what, each.details] for each in history]
    if any(each.undoable for each in history):
        heads.append("Undo")
        rows = [[*row, _undo(each)] for row, each in zip(rows, history, strict=True)]
    return _table("History", heads, rows)


class _Markup(str):
    """HTML, in which everything that had to be is escaped."""

    __slots__ = ()


def _undo(event: Event) -> _Markup:
    if not event.undoable:
        return _Markup()
    name = escape(f"Undo: {event.what}, {event.details}")
    return _Markup(
        f"<button type='button' class='clover-small' data-clover='undo' data-entry='{event.entry}' "
        f"aria-label='{name}'>Undo</button>"
    )


def _cell(value: str) -> str:
    return value if isinstance(value, _Markup) else escape(value) or _EMPTY


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th scope='col'>{escape(head)}</th>" for head in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in rows
    )
    return (
        f"<table class='clover-changes'><caption>{escape(caption)}</caption>"
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def _list(lines: Mapping[str, str]) -> str:
    shown = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value).replace(chr(10), '<br>')}</dd></div>"
        for name, value in lines.items()
    )
    return f"<dl class='clover-row'>{shown}</dl>"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return ""
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, pd.Timestamp) else str(value)
