"""What became of a write whose answer was lost: it is never made twice, and never lost.

The record is read (:mod:`clover_nb.writes.outcome`). Applied is done. Not applied is sent again,
with the same card token, which Clover takes once (D), so that a customer or a card can't become
two. What somebody else has changed is a conflict, and what stays unclear is an error that says so;
neither is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from clover_nb import errors
from clover_nb.api.platform import PlatformAPI
from clover_nb.journal.entries import Write
from clover_nb.masking import mask_text
from clover_nb.records import Record, flatten
from clover_nb.transport.http import AmbiguousWriteError, HTTPTransport
from clover_nb.writes import conflicts
from clover_nb.writes.outcome import (
    CLOCK_SECONDS,
    UNREADABLE,
    OutcomeCheck,
    WriteResult,
    check_create,
    check_missing,
    check_update,
    filter_created,
    find_candidates,
    new_cards,
    shows_another_token,
)

if TYPE_CHECKING:
    from clover_nb.journal.journal import Journal


class OutcomeResolver:
    """Resolves the writes of one connection whose answers were lost.

    Args:
        send: Sends a write again.
        platform: The API that shows what became of them.
        transport: Whose time-outs hold, and whose clock.
        journal: Which create has made which customer.
        host: Where the changes go.
    """

    def __init__(
        self,
        send: Callable[[Write], WriteResult],
        platform: PlatformAPI,
        transport: HTTPTransport,
        journal: Journal,
        host: str,
    ) -> None:
        self._send = send
        self._platform = platform
        self._transport = transport
        self._journal = journal
        self._host = host

    def resolve(
        self, entry: int, write: Write, problem: errors.CloverError, began: float
    ) -> WriteResult:
        """Look a write up, and send it again as often as it is safe and needed.

        Args:
            entry: Its number in the journal.
            write: The write, whose answer was lost.
            problem: How it was lost.
            began: When it was sent, by the monotonic clock.

        Returns:
            The record as the Platform API has it, or the answer to sending again.

        Raises:
            OutcomeUnknownError: It may or may not have been made.
            EditConflictError: Somebody else has changed the record since.
            CloverError: It was not made.
        """
        timeouts = self._transport.timeouts
        deadline, pause = time.monotonic() + timeouts.total, timeouts.retry_delay
        while time.monotonic() < deadline:
            check = self._check_settled_outcome(write, pause, problem)
            if check.status == "applied":
                return WriteResult(check.record or _deleted_record(write), "platform")
            self._require_safe_to_resend(write, check, problem)
            try:
                return self._send(write)
            except AmbiguousWriteError as lost:
                problem = lost.error
            except (errors.RateLimitError, errors.APIConnectionError) as error:
                raise self.unknown_error(write, error) from None
            except errors.APIError as refused:
                if not _may_mean_applied(write, refused):
                    raise
                return self._resolve_refused_resend(entry, write, refused, began, pause)
            pause = min(2 * pause, timeouts.max_retry_delay)
        raise self.unknown_error(write, problem)

    def _require_safe_to_resend(
        self, write: Write, check: OutcomeCheck, problem: errors.CloverError
    ) -> None:
        """Go on to send a write again only where that can't undo somebody's work."""
        if check.status == "conflict":
            seen = "; ".join(f"{each.field} is {each.now!r}" for each in check.changes)
            raise errors.EditConflictError(
                "The answer to the change was lost, and somebody else has changed the customer "
                f"since: {seen}. It was not sent again.",
                changes=list(check.changes),
                hint="Read it again with customers.retrieve, and decide anew.",
            )
        # Without a token, a second create makes a second customer.
        is_repeatable = write.operation != "create" or write.api != "platform"
        if check.status == "unknown" or not is_repeatable:
            raise self.unknown_error(write, problem)
        if write.expected is not None and check.record is not None:
            conflicts.check_conflicts(write.expected, flatten(check.record))

    def _check_settled_outcome(
        self, write: Write, pause: float, problem: errors.CloverError
    ) -> OutcomeCheck:
        """Look again before a write counts as not applied: what was stored may show late."""
        try:
            check = self._check_outcome(write)
            if check.status == "not_applied":
                time.sleep(pause)
                check = self._check_outcome(write)
        except (errors.CloverError, *UNREADABLE):
            raise self.unknown_error(write, problem) from None
        return check

    def _check_outcome(self, write: Write) -> OutcomeCheck:
        if write.customer_id is None:
            return check_create(self._platform.find_customers(filter_created(write)), write)
        try:
            return check_update(self._platform.get_customer(write.customer_id), write)
        except errors.NotFoundError:
            return check_missing(write)

    def _resolve_refused_resend(
        self, entry: int, write: Write, refused: errors.APIError, began: float, pause: float
    ) -> WriteResult:
        """The second time was refused as if the first had been applied: look whether it was."""
        if write.operation in ("delete", "delete_source"):
            return WriteResult(_deleted_record(write), "platform")
        check = self._check_settled_outcome(write, pause, refused)
        if check.status == "applied" and check.record is not None:
            return WriteResult(check.record, "platform")
        used = refused.code == "token_already_used"
        if write.customer_id is None:
            found = self._find_unseen(entry, write, began) if used else None
        else:
            found = check.record
            unclear = [
                card
                for card in (new_cards(found, write) if found else [])
                if not shows_another_token(card, write.token_digest)
            ]
            if not unclear and isinstance(refused, errors.AlreadyOnFileError):
                raise refused  # by another card: this one was looked for, and is not there
            found = found if used and len(unclear) == 1 else None
        if found is None:
            raise self.unknown_error(write, refused)
        return WriteResult(found, "platform")

    def _find_unseen(self, entry: int, write: Write, began: float) -> Record | None:
        """The customer of a create whose token was used, and which did not show itself.

        It is found by the token among the newest customers; or, where cards show no tokens, it is
        the only one that it can be, and no other create's.
        """
        since = self._transport.server_time() - (time.monotonic() - began) - CLOCK_SECONDS
        try:
            found = self._platform.find_customers(f"customerSince>={since * 1000:.0f}")
            if record := check_create(found, write).record:
                return record
            found = self._platform.find_customers(filter_created(write))
            possible = find_candidates(found, write, since)
        except (errors.CloverError, *UNREADABLE):
            return None
        keys, claims = [str(record["id"]) for record in possible], self._journal.claims
        free = [key for key in keys if not claims.is_claimed(key, entry, host=self._host)]
        if len(free) != 1 or not claims.claim(free[0], entry, host=self._host):
            return None
        return possible[keys.index(free[0])]

    def unknown_error(
        self, write: Write, problem: errors.CloverError
    ) -> errors.OutcomeUnknownError:
        """The error of a write of which nobody can tell whether it was made."""
        whose = f"customer {write.customer_id}" if write.customer_id else "the new customer"
        sent = {
            name: mask_text(value) if isinstance(value, str) else value
            for name, value in write.sent.items()
        }
        return errors.OutcomeUnknownError(
            f"Whether {write.operation} of {whose} was done is not known: {problem.message}",
            hint=_HINTS[self._platform.can_read],
            operation=write.operation,
            customer_id=write.customer_id,
            sent=sent,
            status=problem.status,
            request_id=problem.request_id,
        )


_HINTS: Final = {
    True: "Look at the customer (customers.search(email=...) or customers.retrieve) before you "
    "do it again.",
    False: "Look at the customer in Clover's dashboard before you do it again. With a merchant id "
    "(CLOVER_MERCHANT_ID), this is looked up by itself.",
}


def _may_mean_applied(write: Write, refused: errors.APIError) -> bool:
    """Whether the refusal of a second time can mean that the first time was applied."""
    if write.operation in ("delete", "delete_source"):
        return isinstance(refused, errors.NotFoundError) and _was_there(write)
    has_token = write.token_digest is not None
    return has_token and (
        refused.code == "token_already_used" or isinstance(refused, errors.AlreadyOnFileError)
    )


def _was_there(write: Write) -> bool:
    """Whether what a write deletes was there before it."""
    before = write.before or {}
    return write.operation == "delete" or write.sent["source_id"] in before.get("source_ids", ())


def _deleted_record(write: Write) -> dict[str, Any]:
    key = write.sent.get("source_id", write.customer_id)
    return {"id": key, "deleted": True}
