"""What the journal knows of one customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import pandas as pd

from clover_nb.client import Clover
from clover_nb.errors import InvalidInput

_WORDS: Final = {
    "create": "created",
    "modify": "changed",
    "add_source": "card attached",
    "undo": "change undone",
    "delete_source": "card taken off",
    "delete": "deleted",
}
# Of these there is no old value to tell: the email goes with every change, a token says nothing.
_SILENT: Final = ("source", "source_id", "ecomind")
_SHOWN: Final = {"firstName": "first_name", "lastName": "last_name"}


class Event(NamedTuple):
    """A line of a customer's history, in words."""

    time: pd.Timestamp
    person: str
    what: str
    details: str


def history(clover: Clover, customer_id: str) -> list[Event]:
    """What was changed about a customer from this machine, newest first.

    Raises:
        CloverError: The journal is off or can't be read.
    """
    lines = _lines(clover, customer_id).iloc[::-1]
    return [
        Event(line["time"], line["person"], _what(line), "; ".join(_details(line)))
        for _, line in lines.iterrows()
    ]


def latest_change(clover: Clover, customer_id: str) -> int:
    """The number of the newest change of a customer in the journal.

    Raises:
        CloverError: There is none, or the journal is off or can't be read.
    """
    lines = _lines(clover, customer_id)
    if lines.empty:
        raise InvalidInput("The journal knows of no change.")
    return int(lines.index[-1])


def _lines(clover: Clover, customer_id: str) -> pd.DataFrame:
    lines = clover.journal.frame()
    return lines[lines["customer_id"] == customer_id]


def _what(line: pd.Series[Any]) -> str:
    words = _WORDS.get(line["operation"], line["operation"])
    return words if line["outcome"] == "done" else f"{words}: {line['outcome']}"


def _details(line: pd.Series[Any]) -> list[str]:
    if line["operation"] == "create":
        return []
    before = line["before"] or {}
    return [
        f"{name.replace('_', ' ')}: {before.get(label) or 'nothing'} → {new or 'nothing'}"
        for name, label, new in _sent(line["sent"] or {})
        if (before.get(label) or "") != (new or "")
    ]


def _sent(sent: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Each field that was sent: its name, its label in ``before``, and its value."""
    shipping = dict(sent.get("shipping") or {})
    address = shipping.pop("address", None) or {}
    plain = [
        (name, _SHOWN.get(name, name), value)
        for name, value in sent.items()
        if name not in (*_SILENT, "shipping")
    ]
    parts = {**shipping, **address}
    return [*plain, *((name, f"shipping_{name}", value) for name, value in parts.items())]
