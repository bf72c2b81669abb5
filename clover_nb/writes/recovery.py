"""What became of the writes that a process left behind: looked up, and never sent again.

A process that was killed leaves entries ``open``, an interrupted cell leaves one ``unknown``. The
next connection looks both up, once; :meth:`JournalRecovery.resolve` does it by hand. What is not
proven stays ``unknown``: "not done" invites a person to do it again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from clover_nb.api.platform import PlatformAPI
from clover_nb.errors import CloverError, NotFoundError, OutcomeUnknownError
from clover_nb.journal.entries import Entry, Outcome, Write
from clover_nb.records import Record, flatten
from clover_nb.writes.outcome import (
    CLOCK_SECONDS,
    UNREADABLE,
    OutcomeCheck,
    can_be_created,
    check_create,
    check_missing,
    check_update,
    filter_created,
    list_emails,
)

#: How long a request may be on its way at most.
IN_FLIGHT_SECONDS: Final = 600.0

if TYPE_CHECKING:
    from clover_nb.journal.journal import Journal

log = logging.getLogger(__name__)


class JournalRecovery:
    """Resolves the abandoned entries of one merchant: those that no living process will end.

    Args:
        platform: The API that shows what became of them.
        journal: Where they are.
        host: Of the connection.
        merchant: Of the connection.
        pause: How long to wait before a write counts as not applied: it may show late.
    """

    def __init__(
        self,
        platform: PlatformAPI,
        journal: Journal,
        host: str,
        merchant: str | None,
        pause: Callable[[], float],
    ) -> None:
        self._platform = platform
        self._journal = journal
        self._host = host
        self._merchant = merchant
        self._pause = pause
        self._ran = False

    def run_once(self) -> None:
        """Resolve what was left, before a connection's first change or first look at the journal.

        What is not done or stays unknown is logged, with what to do.
        """
        if self._ran:
            return
        left = self._journal.list_unresolved(host=self._host, merchant=self._merchant)
        self._ran = True  # not before: a team's database may be away
        checks = [(entry, self._try_check(entry)) for entry in left]
        if any(check and check.status == "not_applied" for _, check in checks):
            time.sleep(self._pause())
            checks = [
                (
                    entry,
                    self._try_check(entry) if check and check.status == "not_applied" else check,
                )
                for entry, check in checks
            ]
        for entry, check in checks:
            if check is not None:
                self._complete_entry(entry, check)

    def resolve(self, entry: Entry) -> Entry:
        """Look up one entry by hand.

        Raises:
            OutcomeUnknownError: It is still not clear, or still under way.
            CloverError: Looking failed.
        """
        if entry.outcome not in ("open", "unknown"):
            return entry
        if self._journal.is_under_way(entry):
            raise _unknown_error(entry, "it is still under way", "Wait until it has ended.")
        check = self._check_entry(entry)
        if check.status == "not_applied":
            time.sleep(self._pause())
            check = self._check_entry(entry)
        if self._complete_entry(entry, check) == "unknown":
            seen = "; ".join(f"{each.field} is {each.now!r}" for each in check.changes)
            why = (
                f"somebody has changed the customer since: {seen}" if seen else "nothing proves it"
            )
            hint = "Look at the customer (customers.retrieve or customers.search), and decide anew."
            raise _unknown_error(entry, why, hint)
        return self._journal.entry(entry.number)

    def forget(self, write: Write) -> None:
        """Delete what the journal knows of a customer that was deleted."""
        emails = list_emails(write.before or {})
        hosts = {self._host, self._platform.account[0]}
        self._journal.forget(write.customer_id or "", hosts=hosts, emails=emails)

    # -- one entry ---------------------------------------------------------------------------------

    def _try_check(self, entry: Entry) -> OutcomeCheck | None:
        try:
            return self._check_entry(entry)
        except CloverError as error:
            number, outcome = entry.number, entry.outcome
            log.warning("Entry %s of the journal stays %s: %s", number, outcome, error)
            return None

    def _check_entry(self, entry: Entry) -> OutcomeCheck:
        if not self._platform.can_read:
            return OutcomeCheck("unknown")
        try:
            if entry.write.operation == "create":
                return self._check_create(entry)
            check = self._check_update(entry.write)
        except UNREADABLE as error:
            if isinstance(error, CloverError):
                raise
            return OutcomeCheck("unknown")
        superseded = check.status == "applied" and self._is_superseded(entry)
        return OutcomeCheck("unknown") if superseded else check

    def _check_update(self, write: Write) -> OutcomeCheck:
        if not write.customer_id or (write.operation not in _DELETES and not write.sent):
            return OutcomeCheck("unknown")  # forgotten, or it makes no sense
        try:
            return check_update(self._platform.get_customer(write.customer_id), write)
        except NotFoundError:
            return check_missing(write)

    def _check_create(self, entry: Entry) -> OutcomeCheck:
        """A create is done if its token is seen, and not done if no customer can come of it."""
        if not entry.write.sent:  # it was forgotten
            return OutcomeCheck("unknown")
        found = {str(record["id"]): record for record in self._search_created(entry)}
        check = check_create(list(found.values()), entry.write)
        if check.status == "applied":
            return check
        # An empty answer to a filter proves nothing (O-live), the newest customers do.
        possible = entry.clover_time is None or any(
            self._may_be(record, entry) for record in found.values()
        )
        return OutcomeCheck("unknown" if possible else "not_applied")

    def _search_created(self, entry: Entry) -> Iterator[Record]:
        began = entry.clover_time
        yield from self._platform.find_customers(filter_created(entry.write))
        if began is not None:
            since = f"customerSince>={(began - CLOCK_SECONDS) * 1000:.0f}"
            until = f"customerSince<={(began + IN_FLIGHT_SECONDS) * 1000:.0f}"
            yield from self._platform.find_customers(since, until)

    def _may_be(self, record: Record, entry: Entry) -> bool:
        """Whether a create can have made this customer, whose card may be another by now."""
        began = (entry.clover_time or 0.0) - CLOCK_SECONDS
        return (
            (flatten(record)["created"] or 0) >= began * 1000
            and can_be_created(record, entry.write)
            and not self._journal.claims.is_claimed(
                str(record["id"]), entry.number, host=self._host
            )
        )

    def _is_superseded(self, entry: Entry) -> bool:
        """Whether a later write can have set the same values, so that they prove nothing."""
        write = entry.write
        if write.operation in _DELETES or write.token_digest or not write.customer_id:
            return False
        fields = set(write.sent) - {"email"}
        return any(
            later.number > entry.number
            and later.outcome not in ("refused", "not done")
            and any(later.write.sent.get(field) == write.sent[field] for field in fields)
            for later in self._journal.of_customer(write.customer_id, host=self._host)
        )

    def _complete_entry(self, entry: Entry, check: OutcomeCheck) -> Outcome:
        outcome = _OUTCOMES[check.status]
        if check.status == "not_applied" and not check.is_proven:
            outcome = "unknown"
        record = check.record if outcome == "done" else None
        fields = flatten(record) if record else None
        key = str(fields["id"]) if fields else None
        self._journal.end(
            entry.number,
            outcome,
            customer_id=key,
            after=fields,
            answered_by="platform" if fields else None,
            checked=True,
        )
        if outcome == "done" and entry.write.operation == "delete":
            self.forget(entry.write)
        _report_outcome(replace(entry, outcome=outcome))
        return outcome


_DELETES: Final = ("delete", "delete_source")
_OUTCOMES: Final[dict[str, Outcome]] = {
    "applied": "done",
    "not_applied": "not done",
    "conflict": "unknown",
    "unknown": "unknown",
}


def _report_outcome(entry: Entry) -> None:
    what, number = _describe_write(entry.write), entry.number
    if entry.outcome == "not done":
        log.warning(
            "Entry %s of the journal, %s, was not done: do it again if need be.", number, what
        )
    elif entry.outcome == "unknown":
        log.warning(
            "Whether entry %s of the journal, %s, was done is not known: look at the customer "
            "before you do it again; clover.resolve(%s) looks it up once more.",
            number,
            what,
            number,
        )
    else:
        log.info("Entry %s of the journal, %s, was done.", number, what)


def _describe_write(write: Write) -> str:
    whose = f"customer {write.customer_id}" if write.customer_id else "a new customer"
    card = f" of card {write.sent['source_id']}" if "source_id" in write.sent else ""
    return f"{write.operation}{card} of {whose}"


def _unknown_error(entry: Entry, why: str, hint: str) -> OutcomeUnknownError:
    write = entry.write
    return OutcomeUnknownError(
        f"Whether entry {entry.number}, {_describe_write(write)}, was done is not known: {why}.",
        hint=hint,
        operation=write.operation,
        customer_id=write.customer_id,
        sent=write.sent,
    )
