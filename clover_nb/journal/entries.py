"""An entry of the journal: a change, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

#: ``open``: sent, or about to be; ``done``; ``refused`` by Clover; ``not done``; ``unknown``.
Outcome = Literal["open", "done", "refused", "not done", "unknown"]
#: Which of Clover's APIs was called, or gave an answer. Only the Ecommerce API shows a recipient.
API = Literal["ecommerce", "platform"]
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Write:
    """One change of a customer.

    Attributes:
        operation: ``create``, ``modify``, ``add_source``, ``undo``, ``delete_source`` or
            ``delete``.
        customer_id: ``None`` for a new customer.
        sent: The body, by the Ecommerce API's names; for ``delete_source`` the ``source_id``.
        before: The customer's fields as they were, where they could be read.
        consent: ``True`` when the cardholder's consent to keep the card was stated.
        undoes: The entry that it undoes.
        api: Which API is called. ``"platform"`` changes an address or the note alone, or deletes a
            customer.
        token_digest: Tells the card token from others; the token itself can't be made of it.
        address_id: The Platform API's id of the address that is changed; not kept in the journal.
        expected: The row that the change is based on; not kept in the journal.
    """

    operation: str
    customer_id: str | None
    sent: Fields
    before: Fields | None = None
    consent: bool | None = None
    undoes: int | None = None
    api: API = "ecommerce"
    token_digest: str | None = None
    address_id: str | None = None
    expected: Mapping[str, Any] | pd.Series[Any] | None = None

    def __post_init__(self) -> None:
        token = self.sent.get("source")
        if self.token_digest is None and isinstance(token, str):
            object.__setattr__(self, "token_digest", digest_token(token))


@dataclass(frozen=True)
class Entry:
    """A line of the journal: a write, and what became of it.

    Attributes:
        number: Its number, which no other entry ever has.
        time: When it was written, in seconds since 1970, by this machine's clock.
        host: Where the change went.
        merchant: Whose customer it is.
        outcome: What became of it.
        write: The change.
        after: The customer's fields as Clover answered them, or as they were found.
        answered_by: Which API ``after`` is from.
        clover_time: As ``time``, by Clover's clock; ``None`` where that was not known.
        process: Which process wrote it.
        author: Who wrote it, in words: :func:`describe_author`.
    """

    number: int
    time: float
    host: str
    merchant: str | None
    outcome: Outcome
    write: Write
    after: Fields | None
    answered_by: API | None
    clover_time: float | None
    process: str
    author: str


def describe_author(person: str | None, login: str | None) -> str:
    """Who wrote an entry: as they say, and beside it as the database or the system says."""
    if not login or login == person:
        return person or "unknown"
    return f"{person} (as {login})"


def digest_token(token: str) -> str:
    """A card token's digest: 111 bits of chance are in a token, so it can't be guessed from it."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]
