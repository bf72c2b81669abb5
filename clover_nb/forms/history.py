"""What the journal knows of one customer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import pandas as pd

from clover_nb.client import Clover
from clover_nb.errors import CloverError, EditConflictError, ValidationError
from clover_nb.forms.rendering import Markup, isolate_text, render_time
from clover_nb.forms.values import describe_cards
from clover_nb.journal.entries import Entry, Write
from clover_nb.writes.conflicts import COMPARED, find_changes
from clover_nb.writes.recovery import IN_FLIGHT_SECONDS
from clover_nb.writes.undo import find_undo_fields

# What was done, and what it is called where it was not, or perhaps not.
_WORDS: Final = {
    "create": ("created", "creating the customer"),
    "modify": ("changed", "change"),
    "add_source": ("card attached", "attaching a card"),
    "undo": ("change undone", "undoing a change"),
    "delete_source": ("card removed", "removing a card"),
    "delete": ("deleted", "deleting the customer"),
}
_OUTCOMES: Final = {
    "done": "It was done",
    "refused": "Refused by Clover",
    "not done": "Did not reach Clover",
    "unknown": "Not known whether it was done",
    "open": "No answer yet",
}
# Of these there is no old value to tell: the email goes with every change, a token says nothing.
_SILENT: Final = ("source", "source_id", "ecomind")
_SHOWN: Final = {"firstName": "first_name", "lastName": "last_name"}


_HOUR: Final = 60  # minutes


class Event(NamedTuple):
    """A line of a customer's history, in words.

    Attributes:
        entry: Its number in the journal.
        time: When.
        person: Who, in words.
        outcome: What became of it, as the journal says.
        what: What was done, or was not.
        details: Each field that was changed, from what to what.
        undoable: Whether it can be undone as the customer is now.
    """

    entry: int
    time: pd.Timestamp
    person: str
    outcome: str
    what: str
    details: str
    undoable: bool

    @property
    def is_unclear(self) -> bool:
        """Whether it is worth looking what became of it."""
        return self.outcome in ("unknown", "open")


def read_history(
    clover: Clover, customer_id: str, now: Mapping[str, Any] | None = None
) -> list[Event]:
    """What was changed about a customer from this machine or by the team, newest first.

    Args:
        clover: The connection.
        customer_id: The customer.
        now: The customer's fields as they are; left out, nothing counts as undoable.

    Raises:
        CloverError: The journal is off or can't be read.
    """
    entries = list(clover.journal.of_customer(customer_id))
    authors = {each.number: each.author for each in entries}
    undone_since = {each.write.undoes for each in entries if each.outcome == "done"}
    events = []
    for entry in entries:
        what, over = _what(entry), entry.number in undone_since
        undone = authors.get(entry.write.undoes or 0, entry.author)
        if undone != entry.author:
            what = f"{what}, made by {undone}"
        events.append(
            Event(
                entry.number,
                _parse_time(entry.time),
                entry.author,
                entry.outcome,
                f"{what}, undone since" if over else what,
                "; ".join(_details(entry.write)),
                not over and now is not None and _undoable(entry, now),
            )
        )
    return events


def _parse_time(seconds: float) -> pd.Timestamp:
    """When that was; NaT where a line of the journal says no time."""
    return pd.to_datetime(seconds, unit="s", utc=True, errors="coerce")  # type: ignore[return-value]


def describe_news(clover: Clover, customer_id: str, after: int) -> Markup:
    """Who else has changed a customer since an entry of the journal, as a sentence; or nothing.

    Args:
        clover: The connection.
        customer_id: The customer, whose record is open.
        after: The newest entry that the person has seen; 0 for none.

    Raises:
        CloverError: The journal is off or can't be read.
    """
    entry = clover.journal.find_change_by_others(customer_id, host=_host(clover), after=after)
    return Markup() if entry is None else _describe_change(clover, entry)


def describe_conflict(clover: Clover, customer_id: str) -> Markup:
    """Who has changed a customer last, and when, as a sentence; nothing where nobody can tell.

    Clover says of no change who has made it. The journal tells of its own, if the customer is as
    the newest of them has left it.
    """
    try:
        now = dict(clover.customers.retrieve(customer_id))
        entries = clover.journal.of_customer(customer_id, host=_host(clover))
        done = [each for each in entries if each.outcome == "done" and each.after]
    except CloverError:
        return Markup()
    if not done:
        return Markup()
    newest, left = done[0], dict(done[0].after or {})
    # The Ecommerce API shows no note: an older entry may know it.
    noted = next((each.after for each in done if each.answered_by == "platform"), None)
    left["note"] = (noted or now).get("note")
    if find_changes(left, now, [label for label in COMPARED if label in left]):
        return Markup()
    return _describe_change(clover, newest)


def describe_unanswered_create(clover: Clover, email: str) -> str:
    """That a customer with an address was begun lately, without an answer; empty where none was."""
    since = time.time() - IN_FLIGHT_SECONDS
    try:
        entry = clover.journal.find_unanswered_create(email, host=_host(clover), since=since)
    except CloverError:
        return ""
    if entry is None:
        return ""
    return (
        f"{entry.author} was creating a customer with this address {_describe_age(entry)}, and "
        "Clover has not answered. It may still come: wait some minutes, and look again."
    )


def _host(clover: Clover) -> str:
    return urlsplit(clover.settings.ecommerce_url).netloc


def _describe_change(clover: Clover, entry: Entry) -> Markup:
    ago = _describe_age(entry)
    author, journal = isolate_text(entry.author), clover.journal
    if entry.process == journal.register_process():
        return Markup(f"You changed this customer {ago}, in another form or by code.")
    if entry.author == journal.author:
        where = "in another notebook or desk"
        return Markup(f"This customer was changed {ago} under your own name, {author}, {where}.")
    return Markup(f"{author} changed this customer {ago}.")


def _describe_age(entry: Entry) -> str:
    minutes = int(max(0.0, time.time() - entry.time) // 60)
    if minutes >= _HOUR:
        return f"at {render_time(_parse_time(entry.time))}"
    return {0: "a moment ago", 1: "1 minute ago"}.get(minutes, f"{minutes} minutes ago")


def _undoable(entry: Entry, now: Mapping[str, Any]) -> bool:
    try:
        find_undo_fields(entry, now)
    except (ValidationError, EditConflictError):
        return False
    return True


def describe_outcome(outcome: str) -> str:
    """What became of a change, as a sentence."""
    return f"{_OUTCOMES.get(outcome, outcome)}."


def _what(entry: Entry) -> str:
    operation, outcome = entry.write.operation, entry.outcome
    done, attempt = _WORDS.get(operation, (operation, operation))
    return done if outcome == "done" else f"{_OUTCOMES.get(outcome, outcome)}: {attempt}"


def _details(write: Write) -> list[str]:
    if write.operation == "create":
        return []
    before = write.before or {}
    if write.operation == "delete_source" and before:
        return [describe_cards(before).get(write.sent["source_id"], "a card")]
    return [
        f"{_SHOWN.get(name, name).replace('_', ' ')}: "
        f"{before.get(label) or 'nothing'} → {new or 'nothing'}"
        for name, label, new in fields_of(write.sent)
        if (before.get(label) or "") != (new or "")
    ]


def fields_of(sent: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
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
