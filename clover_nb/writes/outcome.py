"""Whether a write was applied, judged by the record that the Platform API returns.

A write whose answer was lost has four outcomes. Loose likeness proves nothing.

===========================  =======================================================================
what the record shows        outcome
===========================  =======================================================================
the very card token          applied: Clover takes a token once, so all of the write came with it
exactly what was sent,       applied
which was not there before
exactly what was before      not applied: it is safe to send it again
what was sent, but for       unknown: Clover may have put it in a form of its own, or somebody else
spelling                     may have typed it
something else               conflict: somebody else has changed the record since
===========================  =======================================================================

Parts that the Platform API does not return, such as the recipient, prove nothing either: where a
write changes them and carries no token, "applied" becomes "unknown". A write that changes nothing
visible counts as not applied: sending it again changes nothing visible either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from clover_nb import constants
from clover_nb.errors import Change
from clover_nb.journal.entries import API, Fields, Write, digest_token
from clover_nb.masking import HIDDEN
from clover_nb.records import Record, flatten, list_elements

#: `Date` has whole seconds, both when a write begins and when its outcome is looked up.
CLOCK_SECONDS: Final = 2.0
#: What an answer that makes no sense raises where it is read, and so does a line of a bad disk.
UNREADABLE: Final = (TypeError, ValueError, KeyError, AttributeError, RecursionError)

# What is sent, and where a record shows it; email addresses are a list, and apart.
_LABELS: Final = {
    "name": "name",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "phone",
    "note": "note",
}


class WriteResult(NamedTuple):
    """What a write has led to.

    Attributes:
        record: The customer since, or what was deleted.
        api: Which API says so.
        fields: The record's, where they were read already.
        entry: Its number in the journal.
    """

    record: Record
    api: API
    fields: Fields | None = None
    entry: int = 0


class OutcomeCheck(NamedTuple):
    """What a record shows of a write.

    Attributes:
        status: What became of the write.
        record: The record, where there is one.
        changes: With ``"conflict"``: what was changed by somebody else.
        is_proven: With ``"not_applied"``: whether the record proves it. Else sending it again does
            no harm, and nothing more is known.
    """

    status: Literal["applied", "not_applied", "conflict", "unknown"]
    record: Record | None = None
    changes: tuple[Change, ...] = ()
    is_proven: bool = True


def check_update(record: Record, write: Write) -> OutcomeCheck:
    """Compare a record with what was sent, and with the record before.

    Args:
        record: The customer as it is, of the Platform API.
        write: A change of this customer.
    """
    if _is_deleted(record):
        return check_missing(write)
    if write.operation == "delete":
        return OutcomeCheck("not_applied", record)
    if write.operation == "delete_source":
        return _check_revoke(record, write)
    if write.before is None:
        return OutcomeCheck("unknown", record)
    if any(has_token(card, write.token_digest) for card in new_cards(record, write)):
        return OutcomeCheck("applied", record)
    return _check_fields(record, write, list(_compare_fields(flatten(record), record, write)))


def check_missing(write: Write) -> OutcomeCheck:
    """The outcome where there is no such customer any more."""
    if write.operation in ("delete", "delete_source"):
        return OutcomeCheck("applied")
    return OutcomeCheck("not_applied", is_proven=False)


def check_create(found: Sequence[Record], write: Write) -> OutcomeCheck:
    """Look for the customer that a create has made among those with its email address.

    Without the token nothing is proven. It is safe to send a create again: Clover takes its token
    once, so a second customer can't come of it. One without a card is known by its mark, and must
    not be sent again.
    """
    mark = write.sent.get("externalId")
    for record in found:
        if mark and record.get("externalId") == mark:
            return OutcomeCheck("applied", record)
        if any(has_token(card, write.token_digest) for card in new_cards(record, write)):
            return OutcomeCheck("applied", record)
    return OutcomeCheck("not_applied", is_proven=False)


def filter_created(write: Write) -> str:
    """The filter that finds the customer of a create: by the first of what it was given.

    Raises:
        ValueError: It was given nothing to be found by.
    """
    filters = {"email": "emailAddress", "phone": "phoneNumber", "name": "fullName"}
    field, text = _identify_created(write)
    return f"{filters[field]}={text}"


def can_be_created(record: Record, write: Write) -> bool:
    """Whether a customer shows, in whatever spelling, what a create is found by."""
    field, text = _identify_created(write)
    if field == "email":
        return text.casefold() in map(str.casefold, list_emails(record))
    return text == HIDDEN or _is_alike(flatten(record)[field], text)


def _identify_created(write: Write) -> tuple[str, str]:
    sent = write.sent
    for field in ("email", "phone"):
        if sent.get(field):
            return field, sent[field]
    name = " ".join(sent[part] for part in ("firstName", "lastName") if sent.get(part))
    if not name:
        raise ValueError("A create of nobody.")
    return "name", name


def find_candidates(found: Sequence[Record], write: Write, since: float) -> list[Record]:
    """Customers that a create whose token was used may have made, where no token is shown.

    Args:
        found: Customers with its email address.
        write: The create.
        since: When it began, in seconds since 1970 by Clover's clock.
    """
    return [
        record
        for record in found
        if (flatten(record)["created"] or 0) >= since * 1000
        and not any(map(_shows_token, _list_cards(record)))
        and _shows_all(record, write)
    ]


def list_emails(record: Mapping[str, Any]) -> list[str]:
    """All email addresses of a customer, as a record or as fields that were made of one."""
    listed = [
        each for each in list_elements(record.get("emailAddresses")) if isinstance(each, dict)
    ]
    found = [*(each.get("emailAddress") for each in listed), record.get("email")]
    return [each for each in found if isinstance(each, str)]


def has_token(card: Mapping[str, Any], digest: str | None) -> bool:
    """Whether a card shows the token of this digest."""
    return _shows_token(card) and digest_token(card["token"]) == digest


def new_cards(record: Record, write: Write) -> list[Mapping[str, Any]]:
    """The cards that were not there before a write."""
    before = (write.before or {}).get("source_ids") or ()
    return [card for card in _list_cards(record) if card.get("id") not in before]


def shows_another_token(card: Mapping[str, Any], digest: str | None) -> bool:
    """Whether a card was made of another token."""
    return _shows_token(card) and not has_token(card, digest)


def _shows_token(card: Mapping[str, Any]) -> bool:
    # A token of another kind (D: 72 characters at most) can't be compared with the one sent.
    token = card.get("token")
    return isinstance(token, str) and token.startswith(constants.TOKEN_PREFIX)


def _list_cards(record: Record) -> list[Mapping[str, Any]]:
    return [card for card in list_elements(record.get("cards")) if isinstance(card, dict)]


def _is_deleted(record: Record) -> bool:
    return bool(record.get("deletedTime"))  # O-live: some are still shown


def _check_revoke(record: Record, write: Write) -> OutcomeCheck:
    card = write.sent.get("source_id")
    if card in flatten(record)["source_ids"]:
        return OutcomeCheck("not_applied", record)
    if write.before is None:
        return OutcomeCheck("unknown", record)
    if card in (write.before.get("source_ids") or ()):
        return OutcomeCheck("applied", record)
    return OutcomeCheck("not_applied", record, is_proven=False)


# -- field by field --------------------------------------------------------------------------------


class _FieldComparison(NamedTuple):
    """A field that a write sets, compared with what was sent and with what was before."""

    change: Change
    is_changed: bool  # by the write
    as_sent: bool
    as_before: bool
    like_sent: bool


def _check_fields(record: Record, write: Write, fields: list[_FieldComparison]) -> OutcomeCheck:
    changed = [field for field in fields if field.is_changed]
    others = [each for each in fields if not (each.as_sent or each.as_before or each.like_sent)]
    if all(field.as_before for field in fields):
        if not changed and _changes_recipient(write):
            return OutcomeCheck("unknown", record)
        proven = not new_cards(record, write) if "source" in write.sent else bool(changed)
        return OutcomeCheck("not_applied", record, is_proven=proven)
    if changed and not others:
        if all(field.as_sent for field in fields):
            if "source" in write.sent:  # its card is not there: these values are somebody else's
                return OutcomeCheck("not_applied", record, is_proven=False)
            return OutcomeCheck("unknown" if _changes_recipient(write) else "applied", record)
        if all(field.as_sent or field.like_sent for field in changed):
            return OutcomeCheck("unknown", record)
    changes = [each.change for each in others or fields if not each.as_before]
    return OutcomeCheck("conflict", record, tuple(changes))


def _compare_fields(now: Fields, record: Record, write: Write) -> Iterator[_FieldComparison]:
    sent, before = write.sent, write.before or {}
    if isinstance(email := sent.get("email"), str):
        yield _compare_email(email, now, record, before)
    for name, label in _LABELS.items():
        if name in sent:
            yield _compare_value(label, sent[name], before, now)
    if "shipping" in sent:
        address = (sent["shipping"] or {}).get("address") or {}
        for part in constants.ADDRESS_FIELDS:
            # The Ecommerce API replaces the address as a whole, and fills in the country (D).
            if part in address or (write.api == "ecommerce" and part != "country"):
                yield _compare_value(f"shipping_{part}", address.get(part), before, now)


def _compare_value(label: str, sent: object, before: Fields, now: Fields) -> _FieldComparison:
    then, is_now, wanted = (value or None for value in (before.get(label), now.get(label), sent))
    hidden = HIDDEN in (then, wanted)
    return _FieldComparison(
        Change(label, then, is_now),
        is_changed=wanted != then,
        as_sent=is_now == wanted and not hidden,
        as_before=is_now == then and not hidden,
        like_sent=hidden or _is_alike(is_now, wanted),
    )


def _compare_email(email: str, now: Fields, record: Record, before: Fields) -> _FieldComparison:
    """Clover adds an address to a record; which one is the first is a matter of its own."""
    are, were = list_emails(record), list_emails(before)
    return _FieldComparison(
        Change("email", before.get("email"), now.get("email")),
        is_changed=email not in were,
        as_sent=email in are,
        as_before=now.get("email") == before.get("email") and (email in are) == (email in were),
        like_sent=email.casefold() in map(str.casefold, are),
    )


def _changes_recipient(write: Write) -> bool:
    if write.api == "platform" or "shipping" not in write.sent:
        return False
    before, shipping = write.before or {}, write.sent["shipping"] or {}
    return any(
        shipping.get(part) != before.get(f"shipping_{part}") for part in constants.RECIPIENT_FIELDS
    )


def _shows_all(record: Record, write: Write) -> bool:
    """Whether a new customer shows exactly what was sent."""
    return all(field.as_sent for field in _compare_fields(flatten(record), record, write))


def _is_alike(one: object, other: object) -> bool:
    """Whether two texts differ by spelling alone: capitals, space, punctuation, a phone's country.

    A form that Clover may have put a text in is one of these.
    """
    first, second = _reduce_to_letters(one), _reduce_to_letters(other)
    if first.isdigit() and second.isdigit() and min(len(first), len(second)) >= _LOCAL_DIGITS:
        return first.endswith(second) or second.endswith(first)
    return first == second


_LOCAL_DIGITS: Final = 7


def _reduce_to_letters(value: object) -> str:
    return re.sub(r"\W", "", unicodedata.normalize("NFKC", str(value or ""))).casefold()
