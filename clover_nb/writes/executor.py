"""A change, from the journal's entry to an outcome that is known: never twice, never lost.

Where the answer to a change is lost, the Platform API is looked at, twice with a pause. Found is
done. Not found is sent again, with the same card token, which Clover takes once (D), so that a
customer or a card can't become two; a PUT of the same values sets them once more. A refusal of that
second time that means "it is so already" shows that the first time had done it. What stays unclear
is an error that says so.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from clover_nb import errors
from clover_nb.api.platform import Platform
from clover_nb.journal.entries import Entry, Outcome, Write
from clover_nb.journal.store import Journal
from clover_nb.masking import mask_text
from clover_nb.records import Record, flatten
from clover_nb.settings import Settings
from clover_nb.transport.http import AmbiguousWriteError, Api, HTTPTransport, Response, path_of
from clover_nb.writes.outcome import OutcomeCheck, check_outcome

OnUnknown = Literal["resolve", "raise"]

log = logging.getLogger(__name__)


class WriteExecutor:
    """Makes the changes of one connection.

    Args:
        transport: Where they are sent.
        platform: Where to look what became of them.
        settings: Of the connection.
        journal: Where they are written down, or ``None``.
        on_unknown: ``"raise"`` neither looks nor sends again.
    """

    def __init__(
        self,
        transport: HTTPTransport,
        platform: Platform,
        settings: Settings,
        journal: Journal | None,
        on_unknown: OnUnknown,
    ) -> None:
        self._transport = transport
        self._platform = platform
        self._journal = journal
        self._host = urlsplit(settings.ecommerce_url).netloc
        self._merchant = settings.merchant_id
        self._settles = on_unknown == "resolve" and platform.readable
        self._found: set[str] = set()  # customers that looking has given to a create of ours
        self._lock = threading.Lock()
        self._recovered = journal is None

    def execute(self, write: Write) -> Record:
        """Make a change.

        Returns:
            Clover's answer, or the record as the Platform API has it where the answer was lost.

        Raises:
            OutcomeUnknownError: It may or may not have been made.
            JournalError: It could not be written down, and was not sent.
            CloverError: It was not made.
        """
        self._transport.require_writes()
        if self._journal is None:
            return self._settled(write)
        self.recover()
        entry = self._journal.begin(write, host=self._host, merchant=self._merchant)
        try:
            answer = self._settled(write)
        except BaseException as error:
            request_id = error.request_id if isinstance(error, errors.CloverError) else None
            with suppress(errors.JournalError):  # it would hide what happened
                self._journal.end(entry, _outcome_of(error), request_id=request_id)
            raise
        self._complete(self._journal, entry, write, answer)
        return answer

    @property
    def journal(self) -> Journal:
        """The journal, with what dead processes left in it looked up.

        Raises:
            SettingsError: It is switched off.
        """
        if self._journal is None:
            raise errors.SettingsError(
                "The journal is switched off.",
                hint="Connect without journal=None to have one.",
                field="journal",
            )
        self.recover()
        return self._journal

    def entry(self, number: int) -> Entry:
        """An entry of this connection's merchant.

        Raises:
            ValidationError: There is none.
        """
        entry = self.journal.entry(number)
        if (entry.host, entry.merchant) != (self._host, self._merchant):
            raise errors.ValidationError(
                f"Entry {number} is of merchant {entry.merchant} at {entry.host}, which this "
                "connection is not to.",
                field="entry",
            )
        return entry

    def _complete(self, journal: Journal, entry: int, write: Write, answer: Record) -> None:
        made = write.operation not in ("delete", "delete_source")
        try:
            journal.end(
                entry,
                "done",
                customer_id=str(answer["id"]) if made and answer.get("id") else None,
                after=flatten(answer) if made else None,
                request_id=getattr(answer, "request_id", None),
            )
            if write.operation == "delete" and write.customer_id:
                journal.forget(write.customer_id)
        except errors.JournalError as error:  # the change is made: it must not look failed
            log.warning("A change was made, and could not be written down as done: %s", error)

    # -- an outcome that is known ------------------------------------------------------------------

    def _settled(self, write: Write) -> Record:
        began = time.time()
        try:
            return self._send(write)
        except AmbiguousWriteError as lost:
            problem = lost.error
        if not self._settles:
            raise self._unclear(write, problem)
        timeouts = self._transport.timeouts
        deadline, pause = time.monotonic() + timeouts.total, timeouts.retry_delay
        while time.monotonic() < deadline:
            seen = self._looked(write, began, pause, problem)
            if seen.outcome == "done":
                return seen.record or _gone(write)
            try:
                return self._send(write)
            except AmbiguousWriteError as lost:
                problem = lost.error
            except (errors.RateLimitError, errors.APIConnectionError) as error:
                raise self._unclear(write, error) from None
            except errors.APIError as refused:
                if not _says_done(write, refused):
                    raise
                return self._confirmed(write, refused, began, pause)
            pause = min(2 * pause, timeouts.max_retry_delay)
        raise self._unclear(write, problem)

    def _send(self, write: Write) -> Response:
        method, api, path = self._route(write)
        if method == "DELETE":
            return self._transport.send(method, api, path)
        answer = self._transport.send(method, api, path, body=write.sent)
        if not isinstance(answer.get("id"), str):
            told = "Clover answered without a customer's id."
            raise AmbiguousWriteError(
                errors.InvalidResponseError(told, request_id=answer.request_id)
            )
        return answer

    def _route(self, write: Write) -> tuple[str, Api, str]:
        key = write.customer_id or ""
        if write.operation == "create":
            return "POST", "ecommerce", path_of("v1", "customers")
        if write.operation == "delete":
            return "DELETE", "platform", self._platform.path(key)
        if write.operation == "delete_source":
            path = path_of("v1", "customers", key, "sources", write.sent["source_id"])
            return "DELETE", "ecommerce", path
        return "PUT", "ecommerce", path_of("v1", "customers", key)

    def _looked(
        self, write: Write, began: float, pause: float, problem: errors.CloverError
    ) -> OutcomeCheck:
        """Look twice with a pause: what was just stored may take a moment to show."""
        try:
            seen = self._look(write, began)
            if seen.outcome != "done":
                time.sleep(pause)
                seen = self._look(write, began)
        except errors.CloverError:
            raise self._unclear(write, problem) from None
        return seen

    def _look(self, write: Write, began: float) -> OutcomeCheck:
        def since() -> float:
            return began + self._transport.server_time() - time.time()

        return check_outcome(self._platform, write, since=since, claim=self._claim)

    def _claim(self, customer_id: str) -> bool:
        """Two creates that look for the same must not both take the same customer."""
        with self._lock:
            if customer_id in self._found:
                return False
            if self._journal is not None and self._journal.has_created(customer_id):
                return False
            self._found.add(customer_id)
            return True

    def _confirmed(
        self, write: Write, refused: errors.APIError, began: float, pause: float
    ) -> Record:
        """The second time was refused as done already: it shows, or the refusal means itself."""
        if isinstance(refused, errors.NotFoundError):
            return _gone(write)
        seen = self._looked(write, began, pause, refused)
        if seen.outcome == "done":
            return seen.record or _gone(write)
        if isinstance(refused, errors.AlreadyOnFileError):
            raise refused  # by another card: this one was looked for, and is not there
        raise self._unclear(write, refused)

    def _unclear(self, write: Write, problem: errors.CloverError) -> errors.OutcomeUnknownError:
        whose = f"customer {write.customer_id}" if write.customer_id else "the new customer"
        sent = {
            name: mask_text(value) if isinstance(value, str) else value
            for name, value in write.sent.items()
        }
        return errors.OutcomeUnknownError(
            f"Whether {write.operation} of {whose} was done is not known: {problem.message}",
            hint=_HINTS[self._platform.readable],
            operation=write.operation,
            customer_id=write.customer_id,
            sent=sent,
            status=problem.status,
            request_id=problem.request_id,
        )

    # -- what a process that died has left ---------------------------------------------------------

    def recover(self) -> None:
        """Look up the entries that dead processes left open, and close them; nothing is sent.

        It is done once a connection, before its first change or its first look at the journal.
        """
        with self._lock:
            if self._recovered:
                return
            self._recovered = True
        journal = self._journal
        assert journal is not None  # noqa: S101  there is nothing to recover without one
        for entry in journal.left_open(host=self._host, merchant=self._merchant):
            try:
                seen = self._seen(entry)
            except errors.CloverError as error:
                log.warning("Entry %s of the journal stays open: %s", entry.number, error)
                continue
            fields = flatten(seen.record) if seen.record and seen.outcome == "done" else None
            key = str(fields["id"]) if fields else None
            journal.end(entry.number, seen.outcome, customer_id=key, after=fields)

    def _seen(self, entry: Entry) -> OutcomeCheck:
        return (
            self._look(entry.write, entry.time)
            if self._platform.readable
            else OutcomeCheck("unknown")
        )


_HINTS: Final = {
    True: "Look at the customer (customers.search(email=...) or customers.retrieve) before you "
    "do it again.",
    False: "Look at the customer in Clover's dashboard before you do it again. With a merchant id "
    "(CLOVER_MERCHANT_ID), this is looked up by itself.",
}


def _says_done(write: Write, refused: errors.APIError) -> bool:
    """Whether the refusal of a second time can mean that the first time had done it."""
    if write.operation in ("delete", "delete_source"):
        return isinstance(refused, errors.NotFoundError)
    return refused.code == "token_already_used" or isinstance(refused, errors.AlreadyOnFileError)


def _gone(write: Write) -> dict[str, Any]:
    key = write.sent.get("source_id", write.customer_id)
    return {"id": key, "deleted": True}


def _outcome_of(error: BaseException) -> Outcome:
    if isinstance(error, errors.APIError):
        return "refused"
    known = isinstance(error, errors.CloverError) and not isinstance(
        error, errors.OutcomeUnknownError
    )
    return "not done" if known else "unknown"
