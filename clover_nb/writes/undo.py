"""What undoing a change would send, or why it can't be undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clover_nb import constants
from clover_nb.constants import RECIPIENT_FIELDS
from clover_nb.errors import EditConflictError, ValidationError
from clover_nb.journal.entries import Entry, Fields
from clover_nb.masking import HIDDEN
from clover_nb.writes.conflicts import find_changes

_NAMES: Final = {"name": "name", "firstName": "first_name", "lastName": "last_name"}
# Why the others stay done.
_FOR_GOOD: Final = {
    "create": "a customer that was created can only be deleted (customers.delete)",
    "add_source": "a card that was attached can only be taken off (customers.delete_source)",
    "delete_source": "a card that was taken off needs a new token from its holder",
    "delete": "a customer that was deleted is gone at Clover",
}


def find_undo_fields(entry: Entry, now: Fields) -> dict[str, Any]:
    """The fields that restore name, phone, note and shipping as they were before a change.

    They are Clover's own old values, and are held against no rules of ours.

    Args:
        entry: The change.
        now: The customer's fields as they are.

    Raises:
        ValidationError: It can't be undone; the message says why.
        EditConflictError: What the change set has been changed again since.
    """
    require_undoable(entry)
    write = entry.write
    body, reasons = _restore_fields(write.sent, write.before or {}, entry.after or {})
    if reasons or not body:
        raise _undo_error(entry, reasons or ["it changed nothing"])
    if changes := find_changes(entry.after or {}, now, _visible_fields(body)):
        raise EditConflictError(
            f"Entry {entry.number} can't be undone: the customer was changed again since.",
            changes=changes,
            hint="Set the values that you want with customers.modify.",
        )
    return body


def require_undoable(entry: Entry) -> None:
    """Refuse what can't be undone however the customer is now.

    Raises:
        ValidationError: The message says why.
    """
    write = entry.write
    if write.operation in _FOR_GOOD:
        raise _undo_error(entry, [_FOR_GOOD[write.operation]])
    if entry.outcome != "done":
        raise _undo_error(entry, [f"its outcome is {entry.outcome!r}"])
    if write.before is None:
        raise _undo_error(entry, ["what was there before is not known, without a merchant id"])


def _restore_fields(
    sent: Fields, before: Fields, after: Fields
) -> tuple[dict[str, Any], list[str]]:
    """The fields to send, and why others can't be restored."""
    body: dict[str, Any] = {}
    reasons = []
    if sent.get("email", before.get("email")) != before.get("email"):
        reasons.append("Clover adds an email address and keeps the old one")
    if "source" in sent:
        reasons.append(_FOR_GOOD["add_source"])
    if set(_NAMES) & set(sent) and after.get("name") != before.get("name"):
        body |= _old_name(before)
        if not body:
            reasons.append("name was empty before, and Clover has no way to empty it")
    if "phone" in sent and after.get("phone") != before.get("phone"):
        if before.get("phone"):
            body["phone"] = before["phone"]
        else:
            reasons.append("phone was empty before, and Clover has no way to empty it")
    if "note" in sent and after.get("note") != before.get("note"):
        body["note"] = before.get("note") or ""
    if "shipping" in sent:
        shipping, reason = _old_shipping(sent["shipping"], before, after)
        body |= {"shipping": shipping} if shipping else {}
        reasons += [reason] if reason else []
    if HIDDEN in _flatten_values(body):
        reasons.append("an old value quotes a card number, which the journal does not keep")
    return body, reasons


def _old_name(before: Fields) -> dict[str, Any]:
    """First and last name as they were; a full name, which Clover splits, where one was empty."""
    first, last = before.get("first_name"), before.get("last_name")
    if first and last:
        return {"firstName": first, "lastName": last}
    return {"name": before["name"]} if before.get("name") else {}


def _old_shipping(sent: Fields, before: Fields, after: Fields) -> tuple[dict[str, Any], str]:
    """The parts that differ: of an address, those that were empty are emptied again."""
    address = {
        part: before.get(f"shipping_{part}") or None
        for part in constants.ADDRESS_FIELDS
        if (after.get(f"shipping_{part}") or None) != (before.get(f"shipping_{part}") or None)
    }
    if address and not any(before.get(f"shipping_{part}") for part in constants.ADDRESS_FIELDS):
        return {}, "shipping was empty before, and Clover has no way to empty it"
    named = [part for part in RECIPIENT_FIELDS if sent.get(part) != before.get(f"shipping_{part}")]
    if any(f"shipping_{part}" not in before for part in named):
        return {}, "Clover does not show the recipient, so who it was before is not known"
    recipient = {part: before[f"shipping_{part}"] for part in named}
    return recipient | ({"address": address} if address else {}), ""


def _visible_fields(body: Mapping[str, Any]) -> list[str]:
    """The fields that a body sets and both APIs show: neither a first name nor a recipient."""
    labels = ["name"] if set(_NAMES) & set(body) else []
    labels += [label for label in ("phone", "note") if label in body]
    return labels + [f"shipping_{part}" for part in body.get("shipping", {}).get("address", {})]


def _flatten_values(body: Mapping[str, Any]) -> list[Any]:
    return [
        each
        for value in body.values()
        for each in (_flatten_values(value) if isinstance(value, Mapping) else [value])
    ]


def _undo_error(entry: Entry, reasons: list[str]) -> ValidationError:
    return ValidationError(
        f"Entry {entry.number} ({entry.write.operation}) can't be undone: {'; '.join(reasons)}.",
        field="entry",
    )
