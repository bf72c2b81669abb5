"""What undoing a change would send, or why it can't be undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clover_nb import constants
from clover_nb.errors import EditConflictError, ValidationError
from clover_nb.journal.entries import Entry, Fields
from clover_nb.writes.conflicts import differing

_PLAIN: Final = {
    "name": "name",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "phone",
}
_RECIPIENT: Final = ("name", "phone")
# Why the others stay done.
_FOR_GOOD: Final = {
    "create": "a customer that was created can only be deleted (customers.delete)",
    "add_source": "a card that was attached can only be taken off (customers.delete_source)",
    "delete_source": "a card that was taken off needs a new token from its holder",
    "delete": "a customer that was deleted is gone at Clover",
}


def undone(entry: Entry, now: Fields) -> dict[str, Any]:
    """The body that restores name, phone and shipping as they were before a change.

    Args:
        entry: The change.
        now: The customer's fields as they are.

    Raises:
        ValidationError: It can't be undone; the message says why.
        EditConflictError: What the change set has been changed again since.
    """
    write = entry.write
    if write.operation in _FOR_GOOD:
        raise _refused(entry, [_FOR_GOOD[write.operation]])
    if entry.outcome != "done":
        raise _refused(entry, [f"its outcome is {entry.outcome!r}"])
    if write.before is None:
        raise _refused(entry, ["what was there before is not known, without a merchant id"])
    body, reasons = _restored(write.sent, write.before)
    if reasons or not body:
        raise _refused(entry, reasons or ["it changed nothing"])
    if changes := differing(_as_fields(write.sent), now, _visible(body, write.sent)):
        raise EditConflictError(
            f"Entry {entry.number} can't be undone: the customer was changed again since.",
            changes=changes,
            hint="Set the values that you want with customers.modify.",
        )
    return body


def _restored(sent: Mapping[str, Any], before: Fields) -> tuple[dict[str, Any], list[str]]:
    body: dict[str, Any] = {}
    reasons = []
    if sent.get("email", before.get("email")) != before.get("email"):
        reasons.append("Clover adds an email address and keeps the old one")
    if "source" in sent:
        reasons.append(_FOR_GOOD["add_source"])
    for name, label in _PLAIN.items():
        if name in sent and sent[name] != before.get(label):
            if before.get(label):
                body[name] = before[label]
            else:
                reasons.append(f"{name} was empty before, and Clover has no way to empty it")
    if "shipping" in sent:
        shipping, reason = _shipping(sent["shipping"], before)
        body |= {"shipping": shipping} if shipping else {}
        reasons += [reason] if reason else []
    return body, reasons


def _shipping(sent: Mapping[str, Any], before: Fields) -> tuple[dict[str, Any], str]:
    """Shipping is sent whole, so a part that was empty can be emptied again, but not all of it."""
    address = {part: before.get(f"shipping_{part}") for part in constants.ADDRESS_FIELDS}
    recipient = {part: before.get(f"shipping_{part}") for part in _RECIPIENT}
    if all(sent.get("address", {}).get(part) == value for part, value in address.items()) and all(
        sent.get(part) == value for part, value in recipient.items()
    ):
        return {}, ""
    if any(part in sent and not recipient[part] for part in _RECIPIENT):
        return {}, "Clover does not show the recipient, so who it was before is not known"
    if not any(address.values()):
        return {}, "shipping was empty before, and Clover has no way to empty it"
    return {**recipient, "address": address}, ""


def _as_fields(sent: Mapping[str, Any]) -> dict[str, Any]:
    address = sent.get("shipping", {}).get("address", {})
    fields = {label: sent.get(name) for name, label in _PLAIN.items()}
    return fields | {f"shipping_{part}": address.get(part) for part in constants.ADDRESS_FIELDS}


def _visible(body: Mapping[str, Any], sent: Mapping[str, Any]) -> list[str]:
    labels = [label for name, label in _PLAIN.items() if name in body]
    if "shipping" in body:
        labels += [f"shipping_{part}" for part in sent["shipping"].get("address", {})]
    return labels


def _refused(entry: Entry, reasons: list[str]) -> ValidationError:
    return ValidationError(
        f"Entry {entry.number} ({entry.write.operation}) can't be undone: {'; '.join(reasons)}.",
        field="entry",
    )
