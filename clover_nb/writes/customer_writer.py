"""How a change of a customer is put together: of which requests, and with what in them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from clover_nb.api.platform import PlatformAPI
from clover_nb.errors import (
    AlreadyOnFileError,
    CloverError,
    PartialChangeError,
    ValidationError,
)
from clover_nb.frames import to_row
from clover_nb.journal.entries import Fields, Write
from clover_nb.records import flatten
from clover_nb.writes import conflicts
from clover_nb.writes.current_customer import CurrentCustomer, CurrentCustomerReader
from clover_nb.writes.executor import WriteExecutor
from clover_nb.writes.outcome import WriteResult
from clover_nb.writes.shipping import choose_shipping_call, recipient_fields
from clover_nb.writes.undo import find_undo_fields, require_undoable

# What is changed by itself, in words, and the field to name.
_PARTS: Final = (("address", "shipping"), ("note", "note"))


class CustomerWriter:
    """Makes the changes of customers, of values that are checked.

    What each raises stands where it is called: :class:`clover_nb.customers.Customers`.

    Args:
        platform: The API that shows how customers are.
        writes: What sends each request, and writes it down.
    """

    def __init__(self, platform: PlatformAPI, writes: WriteExecutor) -> None:
        self._platform = platform
        self._writes = writes
        self._current = CurrentCustomerReader(platform, writes)

    def create(self, body: Mapping[str, Any], *, consent: bool | None) -> pd.Series[Any]:
        """Create a customer with a card."""
        self._writes.require_permission()
        write = Write("create", None, body, None, consent)
        return self._make_row(self._writes.execute(write), write)

    def create_without_card(self, body: Mapping[str, Any]) -> pd.Series[Any]:
        """Create a customer at the Platform API, with a mark to find it by."""
        self._writes.require_permission()
        mark = uuid.uuid4().hex  # by which it is found, should the answer be lost
        write = Write("create", None, {**body, "externalId": mark}, api="platform")
        return self._make_row(self._writes.execute(write), write)

    def change(
        self,
        operation: str,
        customer_id: str,
        body: dict[str, Any],
        *,
        expected: Mapping[str, Any] | pd.Series[Any] | None = None,
        consent: bool | None = None,
        undoes: int | None = None,
        current: CurrentCustomer | None = None,
    ) -> pd.Series[Any]:
        """Change a customer: by one request, and one each for an address and a note by itself.

        Args:
            operation: As the journal has it.
            customer_id: The customer's id.
            body: What is to be changed, by Clover's names; and ``note``.
            expected: The row that the change is based on.
            consent: Whether the cardholder's was stated.
            undoes: The entry that it undoes.
            current: The customer as it is, where that was just read.
        """
        if not body:
            raise _nothing_changes()
        self._writes.require_permission()
        is_fresh = expected is not None or "note" in body
        current = current or self._current.read(customer_id, fresh=is_fresh)
        before = current.fields
        if expected is not None:
            conflicts.check_conflicts(expected, before or {})
        change, note = None, body.pop("note", None)
        if shipping := body.pop("shipping", None):
            recipient = self._current.find_recipient(customer_id, before)
            if before is not None:
                before |= recipient_fields(recipient)
            change = choose_shipping_call(shipping, current.address, recipient)
        if change and change.api == "ecommerce":
            body["shipping"] = change.sent
        write = Write(operation, customer_id, _with_email(body, before), before, consent, undoes)
        writes = [write] if body else []
        if change and change.api == "platform":
            sent, address_id = {"shipping": change.sent}, current.address_id
            writes.append(replace(write, sent=sent, api="platform", address_id=address_id))
        if note is not None:
            writes.append(replace(write, sent={"note": note}, api="platform"))
        if not writes:
            raise _nothing_changes()
        writes[0] = replace(writes[0], expected=expected)
        with self._writes.sequence(*writes) as execute_next:
            row = self._make_row(execute_next(), writes[0])
            entries = [row.attrs["entry"]]
            for write in writes[1:]:
                part, field = _PARTS["note" in write.sent]
                with _second_step(
                    f"The {part} was not changed; what was sent before it was.",
                    hint=f"Change {field} by itself.",
                ):
                    row = self._make_row(execute_next(), write)
                entries.append(row.attrs["entry"])
        row.attrs["entries"] = entries
        return row

    def replace_source(
        self, customer_id: str, old_source_id: str, body: Mapping[str, Any], *, delete_first: bool
    ) -> pd.Series[Any]:
        """Attach the card of a body and take an old one off, both written down before the first."""
        self._writes.require_permission()
        before = self._current.read(customer_id).fields
        if self._platform.can_read:
            _require_card(before or {}, old_source_id)
        sent = _with_email(body, before)
        attach = Write("add_source", customer_id, sent, before, consent=True)
        revoke = Write("delete_source", customer_id, {"source_id": old_source_id}, before)
        if delete_first:
            with self._writes.sequence(revoke, attach) as execute_next:
                execute_next()
                with _second_step(
                    "The old card was taken off and the new one was not attached: unless there is "
                    "another card, the customer has no card now.",
                    hint="Attach one with customers.add_source and a new token.",
                ):
                    return self._make_row(execute_next(), attach)
        with self._writes.sequence(attach, revoke) as execute_next:
            try:
                row = self._make_row(execute_next(), attach)
            except AlreadyOnFileError as refused:
                refused.hint += " That is what delete_first=True is for."
                raise
            with _second_step(
                "The new card was attached, and the old one could not be taken off: both are "
                "there.",
                hint="Take it off with "
                f"customers.delete_source({customer_id!r}, {old_source_id!r}).",
            ):
                execute_next()
        row["source_ids"] = [held for held in row["source_ids"] if held != old_source_id]
        row["card_count"] = len(row["source_ids"])
        return row

    def delete_source(self, customer_id: str, source_id: str) -> pd.Series[Any]:
        """Take a card off; the answer as a Series."""
        self._writes.require_permission()
        before = self._current.read(customer_id).fields
        write = Write("delete_source", customer_id, {"source_id": source_id}, before)
        return _as_series(source_id, self._writes.execute(write))

    def delete(self, customer_id: str) -> pd.Series[Any]:
        """Delete a customer; the answer as a Series."""
        self._writes.require_permission()
        before = flatten(self._platform.get_customer(customer_id))
        result = self._writes.execute(Write("delete", customer_id, {}, before, api="platform"))
        self._current.forget(customer_id)
        return _as_series(customer_id, result)

    def undo(self, entry: int) -> pd.Series[Any]:
        """Restore what a change has changed, where it is as the change left it."""
        change = self._writes.entry(entry)
        require_undoable(change)
        key = change.write.customer_id or ""
        current = self._current.read(key, fresh=True)
        body = find_undo_fields(change, current.fields or {})
        return self.change("undo", key, body, undoes=change.number, current=current)

    def _make_row(self, result: WriteResult, write: Write) -> pd.Series[Any]:
        row = to_row(self._current.complete_record(result, write))
        row.attrs["entry"] = result.entry  # the newest of the customer may be a colleague's
        return row


def _as_series(key: str, result: WriteResult) -> pd.Series[Any]:
    """The answer to a delete, which may say nothing."""
    return pd.Series({"id": key, "deleted": True} | dict(result.record), dtype=object, name=key)


def _with_email(body: Mapping[str, Any], before: Fields | None) -> dict[str, Any]:
    """A body with the current address, without which Clover refuses an update (O-live)."""
    current = (before or {}).get("email")
    return {"email": current, **body} if current else dict(body)


def _require_card(now: Fields, card: str) -> None:
    """Refuse to go on where a customer has no such card."""
    held = now.get("source_ids", [])
    if card not in held:
        raise ValidationError(
            f"The customer has no card {card}.",
            hint=f"There are: {', '.join(held)}."
            if held
            else "There is none: attach the new one with customers.add_source.",
            field="old_source_id",
        )


def _nothing_changes() -> ValidationError:
    return ValidationError(
        "Nothing is to be changed.", hint="Name at least one field.", field="fields"
    )


@contextmanager
def _second_step(message: str, hint: str) -> Iterator[None]:
    try:
        yield
    except CloverError as error:
        raise PartialChangeError(message, hint=f"{hint} The reason: {error}") from error
