"""A customer's cards as rows, each with what can be done about it."""

from __future__ import annotations

import datetime as dt

from clover_nb.forms.rendering import Markup, render_button, render_table
from clover_nb.forms.values import Card, Row, read_cards


def render_cards(row: Row) -> str:
    """The cards as a table: which, until when, and buttons to replace and to remove each."""
    lines = [
        (
            _name(card),
            *_expiry(card),
            f"{_button('replace', key, card)} {_button('remove', key, card)}",
        )
        for key, card in read_cards(row).items()
    ]
    if not lines:
        return "<p class='clover-quiet'>No card on file.</p>"
    shown = [(*texts, Markup(buttons)) for *texts, buttons in lines]
    return render_table("Cards", ("Card", "Expires", "State", "Action"), shown)


def _name(card: Card | None) -> str:
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


def _button(action: str, key: str, card: Card | None) -> str:
    label = action.capitalize()
    return render_button(action, label, f"{label} {_name(card)}", card=key)
