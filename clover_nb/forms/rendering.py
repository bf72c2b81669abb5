"""What the forms say, as HTML in which everything is escaped.

What people typed stands in an element of its own that decides its direction by what is in it, so
that an Arabic name doesn't turn the sentence around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape, unescape
from typing import Any, Final, Literal

import pandas as pd

from clover_nb.errors import Change
from clover_nb.forms.messages import ENVIRONMENTS, column_label
from clover_nb.forms.values import FieldChange, describe_cards
from clover_nb.masking import mask_value
from clover_nb.settings import Settings

Tone = Literal["error", "warning", "busy", "info", "done"]
_EMPTY: Final = "\u2014"
# The labels of a row that its cards and its name tell better.
_TOLD_ELSEWHERE: Final = frozenset(
    {"source_ids", "card_count", "card_brand", "card_last4", "card_expiry", "cards"}
    | {"first_name", "last_name"}
)


class Markup(str):
    """HTML, in which everything that had to be is escaped."""

    __slots__ = ()


def isolate_text(text: str) -> Markup:
    """A text that people typed, with a direction of its own."""
    return Markup(f"<bdi>{escape(text)}</bdi>")


def to_text(markup: str) -> str:
    """What HTML of this module says, as text."""
    return unescape(re.sub("<[^>]+>", "", markup))


def render_heading(title: str, settings: Settings) -> str:
    """A heading, with the environment, the host and the token's source in words and colour."""
    environment = settings.environment
    words = ", ".join(filter(None, (ENVIRONMENTS[environment], settings.provenance)))
    return (
        f"<h3 class='clover-title'>{escape(title)}</h3>"
        f"<p class='clover-mark clover-{environment}'>{escape(words)}</p>"
    )


def render_note(tone: Tone, text: str, request_id: str = "") -> str:
    """A message; a text that is :class:`Markup` is taken as it is."""
    role = "alert" if tone == "error" else "status"
    note = f"<div role='{role}' class='clover-note clover-{tone}'>{_escape(text)}</div>"
    return note + (_request_id(request_id) if request_id else "")


def _request_id(request_id: str) -> str:
    """Beside the message and not in it: nobody wants to hear 36 letters and digits at once."""
    return (
        f"<div class='clover-id'>Clover's request id: <code>{escape(request_id)}</code> "
        f"{render_button('copy', 'Copy', 'Copy the request id')} <span role='status'></span></div>"
    )


def render_button(action: str, label: str, spoken: str, **data: object) -> Markup:
    """A small button; the browser does its action with the data. It is spoken of more fully."""
    values = "".join(f" data-{name}='{escape(str(value))}'" for name, value in data.items())
    return Markup(
        f"<button type='button' class='clover-small' data-clover='{action}'{values} "
        f"aria-label='{escape(spoken)}'>{label}</button>"
    )


def render_name(row: pd.Series[Any]) -> Markup:
    """What a customer is called in a sentence."""
    return isolate_text(str(row["name"] or row["email"] or row["id"]))


def render_identity(row: pd.Series[Any]) -> str:
    """A customer in one line, to be sure that it is the right one."""
    card = f"{row['card_brand']} •••• {row['card_last4']}" if row["card_last4"] else "no card"
    parts = (row["name"] or "no name", row["email"] or "no email", card, row["id"])
    return f"<div class='clover-who'>{' · '.join(map(isolate_text, map(str, parts)))}</div>"


def render_row(row: pd.Series[Any], *, cards: bool = True) -> str:
    """A customer as a list of what is known, label by label, with the cards or without."""
    lines = {
        column_label(str(name)): _render_value(value)
        for name, value in row.items()
        if name not in _TOLD_ELSEWHERE and not isinstance(value, list | dict) and pd.notna(value)
    }
    if row.get("shipping_line1") and not row.get("shipping_name"):
        lines["Recipient"] = "not shown by Clover"
    if cards:
        lines["Cards"] = "\n".join(describe_cards(row).values()) or "none"
    shown = "".join(
        f"<div><dt>{escape(name)}</dt>"
        f"<dd dir='auto'>{_escape(value).replace(chr(10), '<br>')}</dd></div>"
        for name, value in lines.items()
    )
    return f"<dl class='clover-row'>{shown}</dl>"


def render_preview(
    changes: Iterable[FieldChange], labels: Mapping[str, str], irreversible: str
) -> str:
    """What will change: field, now and new, and whether it stays so; empty when nothing will.

    It stands there before what was typed is checked, so a card number in it prints masked.
    """
    rows = [
        (labels.get(each.field, each.field), each.now, _render_new(each.field, each.new))
        for each in changes
    ]
    if not rows:
        return ""
    stays = render_note("warning", irreversible) if irreversible else ""
    return render_table("What will change", ("Field", "Now", "New"), rows) + stays


def _render_new(field: str, value: str) -> Markup:
    """A value by the name of its input: the browser shows what the kernel may not have yet."""
    shown = escape(str(mask_value(value))) or _EMPTY
    return Markup(f"<span data-name='{escape(field)}'>{shown}</span>")


def render_conflict(changes: Iterable[Change]) -> str:
    """What was changed meanwhile: field, as it was read, and as it is."""
    rows = [
        (column_label(each.field), format_value(each.then), format_value(each.now))
        for each in changes
    ]
    return render_table("Changed since you read it", ("Field", "Then", "Now"), rows)


def render_table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell that is :class:`Markup` is taken as it is."""
    top = "".join(f"<th scope='col'>{escape(head)}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(map(_render_cell, row))}</tr>" for row in rows)
    return (
        f"<table class='clover-changes'><caption>{escape(caption)}</caption>"
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def _render_cell(value: str) -> str:
    return f"<td dir='auto'>{_escape(value) or _EMPTY}</td>"


def _escape(text: str) -> Markup:
    return text if isinstance(text, Markup) else Markup(escape(text))


def render_time(time: pd.Timestamp) -> Markup:
    """A moment in UTC; the browser shows it in the person's own time zone."""
    return Markup(f"<time datetime='{time:%Y-%m-%dT%H:%M:%SZ}'>{format_value(time)}</time>")


def _render_value(value: object) -> str:
    return render_time(value) if isinstance(value, pd.Timestamp) else format_value(value)


def format_value(value: object) -> str:
    """A value of a row as people read it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return ""
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, pd.Timestamp) else str(value)
