"""What the forms say, as text and escaped HTML."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import pandas as pd

from clover_nb.errors import CloverError
from clover_nb.settings import Environment

_MARKS: Final[dict[Environment, str]] = {
    "local": "LOCAL practice: invented customers, nothing leaves this machine",
    "sandbox": "CLOVER SANDBOX: test merchant, test cards",
    "production": "PRODUCTION: real customers",
}


def told(error: CloverError, label: str) -> str:
    """An error as it stands beside its field: the field by its label, and what to do."""
    message = error.message
    if error.field and message.startswith(error.field):
        message = label + message.removeprefix(error.field)
    return f"{message} {error.hint}".strip()


def heading(title: str, environment: Environment) -> str:
    """A form's heading, with the environment marked in words and colour."""
    return (
        f"<h3 class='clover-title'>{escape(title)}</h3>"
        f"<p class='clover-mark clover-{environment}'>{escape(_MARKS[environment])}</p>"
    )


def note(tone: str, text: str) -> str:
    """A message of a form: ``"error"``, ``"busy"``, ``"done"``, or ``""`` for none."""
    role = "alert" if tone == "error" else "status"
    return f"<div role='{role}' class='clover-note clover-{tone}'>{escape(text)}</div>"


def who(row: pd.Series[Any]) -> str:
    """A customer in one line, to be sure that it is the right one."""
    card = f"{row['card_brand']} •••• {row['card_last4']}" if row["card_last4"] else "no card"
    parts = (row["name"] or "no name", row["email"] or "no email", card, row["id"])
    return f"<div class='clover-who'>{escape(' · '.join(parts))}</div>"


def row_list(row: pd.Series[Any]) -> str:
    """A customer as a list of what is known, label by label."""
    lines = "".join(
        f"<div><dt>{escape(str(name))}</dt><dd>{escape(_shown(value))}</dd></div>"
        for name, value in row.items()
        if isinstance(value, list) or pd.notna(value)
    )
    return f"<dl class='clover-row'>{lines}</dl>"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, pd.Timestamp) else str(value)
