"""Was it done? Looking at what the Platform API shows, after an answer was lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from clover_nb import constants
from clover_nb.api.platform import Platform
from clover_nb.errors import NotFoundError
from clover_nb.journal.entries import Write
from clover_nb.records import Record, elements, flatten

# `Date` has whole seconds, at the beginning and when it is looked.
CLOCK_SECONDS: Final = 2.0


class OutcomeCheck(NamedTuple):
    """What a look has shown; with the record where there is one."""

    outcome: Literal["done", "not done", "unknown"]
    record: Record | None = None


def check_outcome(
    platform: Platform,
    write: Write,
    *,
    since: Callable[[], float],
    claim: Callable[[str], bool],
) -> OutcomeCheck:
    """Look whether a write was done.

    Args:
        platform: Where to look.
        write: The write. Its token, where it is not masked, proves a card to be the one sent.
        since: Tells when it began by Clover's clock, in seconds since 1970; asked after an answer.
        claim: Takes a customer for this create; false when it is known to come from another one.

    Raises:
        CloverError: Looking failed.
    """
    if write.operation == "create":
        return _created(platform, write.sent, since, claim)
    assert write.customer_id is not None  # noqa: S101  all the others have one
    try:
        record = platform.read(write.customer_id)
    except NotFoundError:
        gone = write.operation in ("delete", "delete_source")
        return OutcomeCheck("done" if gone else "not done")
    if write.operation == "delete":
        return OutcomeCheck("not done")
    if write.operation == "delete_source":
        on_file = write.sent["source_id"] in flatten(record)["source_ids"]
        return OutcomeCheck("not done" if on_file else "done")
    return _modified(record, write)


def _created(
    platform: Platform,
    sent: Mapping[str, Any],
    since: Callable[[], float],
    claim: Callable[[str], bool],
) -> OutcomeCheck:
    """Created since, with what was sent in it.

    A clock that goes wrong, or a sandbox with a time of its own, does not matter where the record
    shows the very token that was sent, which Clover takes once.
    """
    found = platform.find("emailAddress", sent["email"])
    for record in found:
        if _has_token(record, sent["source"]):
            return OutcomeCheck("done", record)
    earliest = (since() - CLOCK_SECONDS) * 1000
    for record in found:
        fields = flatten(record)
        new = (fields["created"] or 0) >= earliest
        if new and _shows(record, sent) and claim(str(fields["id"])):
            return OutcomeCheck("done", record)
    return OutcomeCheck("not done")


def _modified(record: Record, write: Write) -> OutcomeCheck:
    """What was sent is what is there; what can't be seen proves nothing."""
    done = _shows(record, write.sent)
    if "source" in write.sent:
        new = set(flatten(record)["source_ids"]) - set((write.before or {}).get("source_ids") or ())
        proven = _has_token(record, write.sent["source"])
        done = done and (proven or (bool(new) and write.before is not None))
    if not done:
        as_before = write.before is not None and _same(flatten(record), write.before)
        return OutcomeCheck("not done" if as_before else "unknown", record)
    return OutcomeCheck("unknown" if _unseen(write.sent) else "done", record)


def _has_token(record: Record, token: str) -> bool:
    return any(card.get("token") == token for card in elements(record.get("cards")))


# What is sent, and where the Platform API shows it.
_SHOWN: Final = {
    "name": "name",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "phone",
} | {f"shipping.address.{part}": f"shipping_{part}" for part in constants.ADDRESS_FIELDS}
# What is sent, and never shown: it can't be told whether it arrived.
_HIDDEN: Final = tuple(part for part in constants.SHIPPING_FIELDS if part != "address")


def _shows(record: Record, sent: Mapping[str, Any]) -> bool:
    fields = flatten(record)
    emails = [each.get("emailAddress") for each in elements(record.get("emailAddresses"))]
    wanted = _spread(sent)
    return ("email" not in sent or sent["email"] in emails) and all(
        _plain(fields[label]) == _plain(wanted[name])
        for name, label in _SHOWN.items()
        if name in wanted
    )


def _unseen(sent: Mapping[str, Any]) -> bool:
    return any(name in (sent.get("shipping") or {}) for name in _HIDDEN)


def _spread(sent: Mapping[str, Any]) -> dict[str, Any]:
    address = (sent.get("shipping") or {}).get("address") or {}
    return {**sent, **{f"shipping.address.{name}": value for name, value in address.items()}}


def _same(fields: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    labels = ("email", *_SHOWN.values(), "source_ids")
    return all(fields[label] == before.get(label) for label in labels)


def _plain(value: object) -> str:
    """A text as two systems agree on it: their spelling of phones and of space differs."""
    return re.sub(r"[^\w]", "", str(value or "")).casefold()
