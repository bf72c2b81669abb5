"""An entry of the journal: a change, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: ``open``: sent, or about to be; ``done``; ``refused`` by Clover; ``not done``; ``unknown``.
Outcome = Literal["open", "done", "refused", "not done", "unknown"]
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Write:
    """One change of a customer.

    Attributes:
        operation: ``create``, ``modify``, ``add_source``, ``undo``, ``delete_source`` or
            ``delete``.
        customer_id: ``None`` for a new customer.
        sent: The body; for ``delete_source`` the ``source_id``.
        before: The customer's fields as they were, where they could be read.
        consent: ``True`` when the cardholder's consent to keep the card was stated.
        undoes: The entry that it undoes.
    """

    operation: str
    customer_id: str | None
    sent: Fields
    before: Fields | None = None
    consent: bool | None = None
    undoes: int | None = None


@dataclass(frozen=True)
class Entry:
    """A line of the journal: a write, and what became of it."""

    number: int
    time: float
    host: str
    merchant: str | None
    outcome: Outcome
    write: Write
    after: Fields | None
