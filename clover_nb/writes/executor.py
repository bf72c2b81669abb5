"""A change, from the journal's entry to an outcome that is known.

It is written down before it is sent, and completed after. Where the answer is lost,
:mod:`clover_nb.writes.resolver` finds out what became of it.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from clover_nb import errors
from clover_nb.api.answers import wrong_record
from clover_nb.api.ecommerce import EcommerceAPI
from clover_nb.api.platform import PlatformAPI
from clover_nb.journal.entries import Entry, Outcome, Write
from clover_nb.records import flatten
from clover_nb.settings import Settings
from clover_nb.transport.http import AmbiguousWriteError, HTTPTransport, Response
from clover_nb.writes.outcome import UNREADABLE, WriteResult
from clover_nb.writes.recovery import JournalRecovery
from clover_nb.writes.resolver import OutcomeResolver

if TYPE_CHECKING:
    from clover_nb.journal.journal import Journal

OnUnknown = Literal["resolve", "raise"]

log = logging.getLogger(__name__)


class WriteExecutor:
    """Makes the changes of one connection.

    Args:
        transport: How they are sent.
        ecommerce: The API that creates and changes customers.
        platform: The API that shows what became of them.
        settings: Of the connection.
        journal: Where they are written down.
        is_journal_kept: Whether the journal is the user's; else it serves this process alone.
        on_unknown: ``"raise"`` neither looks nor sends again.
    """

    def __init__(
        self,
        transport: HTTPTransport,
        ecommerce: EcommerceAPI,
        platform: PlatformAPI,
        settings: Settings,
        journal: Journal,
        *,
        is_journal_kept: bool,
        on_unknown: OnUnknown,
    ) -> None:
        self._transport = transport
        self._journal = journal
        self._is_journal_kept = is_journal_kept
        #: Where the changes go, as the journal's entries have it.
        self.host = urlsplit(settings.ecommerce_url).netloc
        self._merchant = settings.merchant_id
        self._resolves = on_unknown == "resolve" and platform.can_read
        self._ecommerce = ecommerce
        self._platform = platform
        self._resolver = OutcomeResolver(self._send_write, platform, transport, journal, self.host)
        self._recovery = JournalRecovery(
            platform, journal, self.host, self._merchant, lambda: self.retry_delay
        )

    @property
    def retry_delay(self) -> float:
        """Seconds before a write counts as not applied: it may show late."""
        return self._transport.timeouts.retry_delay

    def require_permission(self) -> None:
        """Refuse to go on where changes are not allowed, before anything is read or written down.

        Raises:
            ReadOnlyError: A connection to production that is not allowed to write.
        """
        self._transport.require_writes()

    def execute(self, write: Write) -> WriteResult:
        """Make a change.

        Returns:
            Clover's answer, or the record as the Platform API has it where the answer was lost.

        Raises:
            OutcomeUnknownError: It may or may not have been made.
            EditConflictError: The answer was lost, and somebody else has changed the record since.
            JournalError: It could not be written down, and was not sent.
            CloverError: It was not made.
        """
        with self.sequence(write) as execute_next:
            return execute_next()

    @contextmanager
    def sequence(self, *writes: Write) -> Iterator[Callable[[], WriteResult]]:
        """Write several changes down before the first is sent, so that none is forgotten.

        Yields:
            What makes the next one, as :meth:`execute`. Those that are not reached are "not done".
        """
        self._recovery.run_once()
        waiting: deque[tuple[int, Write]] = deque()

        def execute_next() -> WriteResult:
            return self._run_write(*waiting.popleft())

        try:
            for write in writes:
                waiting.append((self._begin_entry(write), write))
            yield execute_next
        finally:
            for entry, _ in waiting:
                with suppress(errors.JournalError):  # it would hide what happened
                    self._journal.end(entry, "not done")

    @property
    def journal(self) -> Journal:
        """The journal, with what dead processes left in it looked up.

        Raises:
            SettingsError: It is switched off.
        """
        if not self._is_journal_kept:
            raise errors.SettingsError(
                "The journal is switched off.",
                hint="Connect without journal=None to have one.",
                field="journal",
            )
        self._recovery.run_once()
        return self._journal

    def entry(self, number: int) -> Entry:
        """An entry of this connection's merchant.

        Raises:
            ValidationError: There is none.
        """
        entry = self.journal.entry(number)
        if (entry.host, entry.merchant) != (self.host, self._merchant):
            raise errors.ValidationError(
                f"Entry {number} is of merchant {entry.merchant} at {entry.host}, which this "
                "connection is not to.",
                field="entry",
            )
        return entry

    def entries_of(self, customer_id: str) -> Iterator[Entry]:
        """What is written down of a customer, newest first."""
        return self._journal.of_customer(customer_id, host=self.host)

    def resolve(self, number: int) -> Entry:
        """Look up what became of a change, and complete its entry; nothing is sent.

        Raises:
            OutcomeUnknownError: It is still not clear, or still under way.
            ValidationError: There is no such entry here.
        """
        return self._recovery.resolve(self.entry(number))

    # -- one change --------------------------------------------------------------------------------

    def _begin_entry(self, write: Write) -> int:
        clock = self._transport.server_time() if self._transport.knows_server_time else None
        host, merchant = self.host, self._merchant
        return self._journal.begin(write, host=host, merchant=merchant, clover_time=clock)

    def _run_write(self, entry: int, write: Write) -> WriteResult:
        try:
            result = self._send_until_known(entry, write)
        except BaseException as error:
            request_id = error.request_id if isinstance(error, errors.CloverError) else None
            with suppress(errors.JournalError):  # it would hide what happened
                self._journal.end(entry, _outcome_of(error), request_id=request_id)
            raise
        self._complete_entry(entry, write, result)
        return result._replace(entry=entry)

    def _send_until_known(self, entry: int, write: Write) -> WriteResult:
        began = time.monotonic()
        try:
            return self._send_write(write)
        except AmbiguousWriteError as lost:
            problem = lost.error
        if not self._resolves:
            raise self._resolver.unknown_error(write, problem)
        return self._resolver.resolve(entry, write, problem, began)

    def _complete_entry(self, entry: int, write: Write, result: WriteResult) -> None:
        made = write.operation not in ("delete", "delete_source")
        try:
            self._journal.end(
                entry,
                "done",
                customer_id=str(result.record["id"]) if made else None,
                after=(result.fields or flatten(result.record)) if made else None,
                answered_by=result.api if made else None,
                request_id=getattr(result.record, "request_id", None),
            )
            if write.operation == "delete":
                self._recovery.forget(write)
        except errors.JournalError as error:  # the change is made: it must not look failed
            log.warning("A change was made, and could not be written down as done: %s", error)

    # -- the calls ---------------------------------------------------------------------------------

    def _send_write(self, write: Write) -> WriteResult:
        key = write.customer_id or ""
        if write.operation == "create" and write.api == "platform":
            address = write.sent.get("shipping", {}).get("address")
            customer = self._platform.create_customer({**write.sent, "address": address})
            return WriteResult(customer, "platform")
        if write.operation == "create":
            return _parse_answer(self._ecommerce.create_customer(write.sent))
        if write.operation == "delete":
            return WriteResult(self._platform.delete_customer(key), "platform")
        if write.operation == "delete_source":
            return WriteResult(
                self._ecommerce.delete_source(key, write.sent["source_id"]), "ecommerce"
            )
        if write.api == "platform":
            return self._send_part(write, key)
        return _parse_answer(self._ecommerce.update_customer(key, write.sent))

    def _send_part(self, write: Write, key: str) -> WriteResult:
        """Change an address or the note alone, and read the customer back."""
        address = write.sent.get("shipping", {}).get("address")
        if address is None:
            # No source says whether what is left out stays, so all that is known is sent along.
            noted = {
                name.removeprefix(_METADATA): value
                for name, value in (write.before or {}).items()
                if name.startswith(_METADATA)
            }
            self._platform.update_metadata(key, noted | {"note": write.sent["note"]})
        elif write.address_id is None:
            self._platform.create_address(key, address)
        elif any(address.values()):
            self._platform.update_address(key, write.address_id, address)
        else:
            self._platform.delete_address(key, write.address_id)
        try:
            return WriteResult(self._platform.get_customer(key), "platform")
        except errors.CloverError as error:  # made, most likely: it must not look failed
            raise AmbiguousWriteError(error) from None


_METADATA: Final = "metadata_"  # how the names of the fields begin that are noted with the note


def _parse_answer(answer: Response) -> WriteResult:
    """An answer that makes sense; one that makes none does not tell what was done."""
    try:
        return WriteResult(answer, "ecommerce", flatten(answer))
    except UNREADABLE:
        raise AmbiguousWriteError(wrong_record(answer)) from None


def _outcome_of(error: BaseException) -> Outcome:
    if isinstance(error, errors.APIError):
        return "refused"
    unclear = (errors.OutcomeUnknownError, errors.EditConflictError)
    known = isinstance(error, errors.CloverError) and not isinstance(error, unclear)
    return "not done" if known else "unknown"
