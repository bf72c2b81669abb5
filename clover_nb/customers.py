"""Customers: the Ecommerce API creates and changes them, the Platform API reads them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, SupportsIndex

import pandas as pd

from clover_nb import constants, validation
from clover_nb.api.pagination import PageReader
from clover_nb.api.platform import Platform
from clover_nb.errors import (
    AlreadyOnFileError,
    CloverError,
    InvalidResponseError,
    PartialChangeError,
    ValidationError,
)
from clover_nb.frames import frame_of_fields, to_row
from clover_nb.journal.entries import Write
from clover_nb.masking import OpaqueSecret, mask_arguments
from clover_nb.records import Record, flatten
from clover_nb.transport.http import HTTPTransport
from clover_nb.writes import conflicts
from clover_nb.writes.executor import WriteExecutor
from clover_nb.writes.undo import undone

# D, O-live: what the Platform API filters customers by.
_FILTERS: Final = {"email": "emailAddress", "name": "fullName", "phone": "phoneNumber", "id": "id"}


class Customers:
    """The customers of one connection.

    Clover's Ecommerce API creates and changes customers and has no way to read one; reading goes
    through the Platform API, with the same ids, and needs the merchant id.
    """

    def __init__(self, transport: HTTPTransport, platform: Platform, writes: WriteExecutor) -> None:
        self._transport = transport
        self._platform = platform
        self._writes = writes
        self._answers: dict[str, Record] = {}  # the last of the Ecommerce API's, by customer id

    @mask_arguments
    @validation.check_keywords
    def create(
        self,
        *,
        email: str,
        source: str | OpaqueSecret,
        name: str | None = None,
        phone: str | None = None,
        shipping: Mapping[str, Any] | None = None,
        ecomind: str | None = None,
        firstName: str | None = None,  # noqa: N803  Clover's name
        lastName: str | None = None,  # noqa: N803  Clover's name
        consent: bool | None = None,
    ) -> pd.Series[Any]:
        """Create a customer with a card on file, ``POST /v1/customers``.

        Clover sends the customer a message about the saved card, and wants their consent to it.

        Args:
            email: Required.
            source: The card token (``clv_...``), required. It works once.
            name: The full name.
            phone: In any spelling.
            shipping: ``{"name": ..., "phone": ..., "address": {"line1", "line2", "city", "state",
                "postal_code", "country"}}``, each part optional.
            ecomind: Who typed the card: ``"ecom"`` the customer (Clover's default), ``"moto"`` the
                merchant for them.
            firstName: Instead of ``name``, with ``lastName``.
            lastName: See ``firstName``.
            consent: ``True``: the customer agreed to have the card kept; the journal records it.

        Returns:
            The new customer as a row (see :func:`clover_nb.to_row`). Clover's answer says nothing
            of the card but its id; :meth:`retrieve` reads brand, last 4 and expiry.

        Raises:
            ValidationError: A value can't be right; nothing was sent.
            CardError: The card was refused.
            InvalidRequestError: Clover refused a value; a token that was used before, for example.
            OutcomeUnknownError: The answer was lost, and looking did not tell whether it was done.
            CloverError: Any other of the tree in :mod:`clover_nb.errors`.

        Source: Clover docs, "Create a card-on-file customer" and "Work with customers (SDK)".
        """
        given = _given(email, source, name, phone, shipping, ecomind, firstName, lastName)
        body = validation.drop_missing(
            validation.check_customer(given, required=("email", "source"))
        )
        if consent is not None:
            _require_consent(consent)
        return self._seen(self._writes.execute(Write("create", None, body, None, consent)), body)

    @mask_arguments
    @validation.check_keywords
    def modify(
        self,
        customer_id: str,
        *,
        email: str | None = None,
        source: str | OpaqueSecret | None = None,
        name: str | None = None,
        phone: str | None = None,
        shipping: Mapping[str, Any] | None = None,
        ecomind: str | None = None,
        firstName: str | None = None,  # noqa: N803  Clover's name
        lastName: str | None = None,  # noqa: N803  Clover's name
        expected: Mapping[str, Any] | pd.Series[Any] | None = None,
    ) -> pd.Series[Any]:
        """Change a customer, ``PUT /v1/customers/{id}``: what is given, and nothing else.

        Clover wants ``email`` on every change (O-live). When it is left out, the current one is
        filled in: as the Platform API has it, or, without a merchant id, as this connection saw it
        last. ``shipping`` is sent whole, what is given merged into the current one; a part
        given as ``None`` is taken off.

        Args:
            customer_id: The customer's id, as in ``row["id"]``.
            email: Another address is added to the record by Clover; the old one stays too.
            source: Another card's token; see :meth:`add_source`, which asks for consent.
            name: As in :meth:`create`, and so are the others.
            phone: See :meth:`create`.
            shipping: See :meth:`create`.
            ecomind: See :meth:`create`.
            firstName: See :meth:`create`.
            lastName: See :meth:`create`.
            expected: The row that you read and decided on. The record is compared with it first,
                and nothing is sent when somebody has changed it since. Clover has no version to
                check, so a change in the very moment of sending is not noticed.

        Returns:
            The changed customer as a row.

        Raises:
            ValidationError: A value can't be right, or nothing is to be changed; nothing was sent.
            NotFoundError: There is no such customer.
            AlreadyOnFileError: This card is on the customer already.
            EditConflictError: It is not as ``expected``; ``changes`` says what differs. Nothing was
                sent.
            OutcomeUnknownError: The answer was lost, and looking did not tell whether it was done.
            CloverError: Any other of the tree in :mod:`clover_nb.errors`.

        Source: Clover docs, "Update a customer" and "Work with customers (SDK)".
        """
        given = _given(email, source, name, phone, shipping, ecomind, firstName, lastName)
        return self._change("modify", customer_id, given, expected=expected)

    @mask_arguments
    @validation.check_keywords
    def add_source(
        self,
        customer_id: str,
        token: str | OpaqueSecret,
        *,
        consent: bool,
        ecomind: str | None = None,
    ) -> pd.Series[Any]:
        """Attach one more card to a customer, ``PUT /v1/customers/{id}`` with ``source``.

        Args:
            customer_id: The customer's id.
            token: The card token (``clv_...``). It works once.
            consent: ``True``: the cardholder agreed to have the card kept, which Clover requires.
            ecomind: Who typed the card, as in :meth:`create`.

        Returns:
            The customer as a row; the new card is among ``source_ids``.

        Raises:
            ValidationError: No consent, or not a token; nothing was sent.
            AlreadyOnFileError: This card is on the customer already.
            CardError: The card was refused, or the merchant can't keep cards.

        Source: Clover docs, "Save a card for future transactions".
        """
        _require_consent(consent)
        given = {"source": validation.check_source(token), "ecomind": ecomind}
        return self._change("add_source", customer_id, given, consent=True)

    @mask_arguments
    @validation.check_keywords
    def replace_source(
        self,
        customer_id: str,
        old_source_id: str,
        token: str | OpaqueSecret,
        *,
        consent: bool,
        ecomind: str | None = None,
        delete_first: bool = False,
    ) -> pd.Series[Any]:
        """Put a new card in the place of an old one, so that the customer is never without.

        The new card is attached, and only then the old one taken off. A merchant who keeps one
        card for each customer can't do it in this order: then Clover answers 409, and
        ``delete_first=True`` takes the old card off first.

        Args:
            customer_id: The customer's id.
            old_source_id: The old card's id, one of ``row["source_ids"]``.
            token: The new card's token (``clv_...``).
            consent: As in :meth:`add_source`.
            ecomind: As in :meth:`create`.
            delete_first: Take the old card off first. Should the new one then be refused, the
                customer has no card.

        Returns:
            The customer as a row, with the new card among ``source_ids`` and without the old one.

        Raises:
            ValidationError: As :meth:`add_source`.
            AlreadyOnFileError: The new card is on file already, or one card is all that is kept.
            PartialChangeError: The second step failed; the message says what the customer has now.

        Source: Clover docs, "Save a card for future transactions" (which deletes first).
        """
        _require_consent(consent)
        card = validation.check_record_id("old_source_id", old_source_id)
        token = validation.check_source(token)
        if delete_first:
            self.delete_source(customer_id, card)
            with _second_step(
                "The old card was taken off and the new one was not attached: unless there is "
                "another card, the customer has no card now.",
                hint="Attach one with customers.add_source and a new token.",
            ):
                return self.add_source(customer_id, token, consent=True, ecomind=ecomind)
        try:
            row = self.add_source(customer_id, token, consent=True, ecomind=ecomind)
        except AlreadyOnFileError as refused:
            refused.hint += " That is what delete_first=True is for."
            raise
        with _second_step(
            "The new card was attached, and the old one could not be taken off: both are there.",
            hint=f"Take it off with customers.delete_source({customer_id!r}, {card!r}).",
        ):
            self.delete_source(customer_id, card)
        row["source_ids"] = [held for held in row["source_ids"] if held != card]
        row["card_count"] = len(row["source_ids"])
        return row

    @mask_arguments
    @validation.check_keywords
    def delete_source(self, customer_id: str, source_id: str) -> pd.Series[Any]:
        """Take a card off a customer, ``DELETE /v1/customers/{id}/sources/{source_id}``.

        Args:
            customer_id: The customer's id.
            source_id: The card's id, one of ``row["source_ids"]``; not a token.

        Returns:
            Clover's answer as a Series: ``id`` (the card's), ``object`` and ``deleted``.

        Raises:
            NotFoundError: There is no such customer, or the card is not on it.

        Source: Clover docs, "Revoke a card".
        """
        key = validation.check_customer_id(customer_id)
        card = validation.check_record_id("source_id", source_id)
        self._transport.require_writes()
        before, _ = self._known(key)
        answer = self._writes.execute(Write("delete_source", key, {"source_id": card}, before))
        return pd.Series({"id": card, "deleted": True} | dict(answer), dtype=object, name=card)

    @mask_arguments
    @validation.check_keywords
    def delete(self, customer_id: str) -> pd.Series[Any]:
        """Delete a customer, ``DELETE /v3/merchants/{mId}/customers/{id}``; it can't be undone.

        For people who ask to be forgotten: what the journal knows of them is deleted too, but for
        the fact that something was changed.

        Args:
            customer_id: The customer's id.

        Returns:
            A Series with ``id`` and ``deleted``.

        Raises:
            SettingsError: No merchant id is set.
            NotFoundError: There is no such customer.

        Source: Clover docs, Platform API reference, "Delete a customer".
        """
        key = validation.check_customer_id(customer_id)
        self._transport.require_writes()
        before = flatten(self._platform.read(key))
        answer = self._writes.execute(Write("delete", key, {}, before))
        self._answers.pop(key, None)
        return pd.Series({"id": key, "deleted": True} | dict(answer), dtype=object, name=key)

    def undo(self, entry: int) -> pd.Series[Any]:
        """Restore a customer's name, phone and shipping as they were before a change.

        It refuses what can't be undone and says why: an email address, which Clover only adds; a
        card; a value that was empty before. It is itself in the journal.

        Args:
            entry: The change's number in ``clover.journal.frame()``.

        Returns:
            The customer as a row.

        Raises:
            ValidationError: There is no such entry here, or it can't be undone.
            EditConflictError: What it changed was changed again since.
            SettingsError: The journal is off, or no merchant id is set.
        """
        change = self._writes.entry(entry)
        key = change.write.customer_id
        now = flatten(self._platform.read(key)) if key else {}
        return self._change("undo", key or "", undone(change, now), undoes=change.number)

    @mask_arguments
    @validation.check_keywords
    def retrieve(self, customer_id: str) -> pd.Series[Any]:
        """Read one customer, ``GET /v3/merchants/{mId}/customers/{id}``.

        Args:
            customer_id: The customer's id.

        Returns:
            The customer as a row (see :func:`clover_nb.to_row`), with the newest card's brand,
            last 4 and expiry. The Platform API has no shipping: the first address stands for it.

        Raises:
            SettingsError: No merchant id is set.
            NotFoundError: There is no such customer.

        Source: Clover docs, Platform API reference, "Get a customer".
        """
        return to_row(self._platform.read(validation.check_customer_id(customer_id)))

    @validation.check_keywords
    def list(self, *, limit: SupportsIndex | None = None) -> pd.DataFrame:
        """Read all customers, page after page, ``GET /v3/merchants/{mId}/customers``.

        Args:
            limit: How many rows at most, in all; ``None`` is all.

        Returns:
            A DataFrame as of :func:`clover_nb.to_frame`, in Clover's order. Customers who are in
            Clover's list all the time that it is read are in it. Should so many be deleted
            meanwhile that this can't be told, a warning says so, and
            ``table.attrs["complete"]`` is false; ``table.attrs["unreadable"]`` names records that
            are left out because they are none.

        Raises:
            ValidationError: ``limit`` is not a number of rows.
            SettingsError: No merchant id is set.

        Source: Clover docs, "Add pagination requests".
        """
        return _frame_of(self._platform.pages(limit=validation.check_limit(limit)))

    @mask_arguments
    @validation.check_keywords
    def search(
        self,
        *,
        email: str | None = None,
        name: str | None = None,
        phone: str | None = None,
        id: str | None = None,  # noqa: A002  Clover's name, and the row's
    ) -> pd.DataFrame:
        """Find customers by one exact value; several must hold together.

        Clover compares whole values; for parts of them, read :meth:`list` and use pandas, or
        :func:`clover_nb.forms.customer_table`.

        Args:
            email: The address.
            name: First and last name.
            phone: As it was stored.
            id: The customer's id.

        Returns:
            A DataFrame as :meth:`list` gives it; empty when nobody matches.

        Raises:
            ValidationError: Nothing to search by, or something else than these four.

        Source: Clover docs, "Apply filters".
        """
        query = {"email": email, "name": name, "phone": phone, "id": id}
        filters = [
            ("filter", f"{_FILTERS[field]}={validation.check_text(field, value)}")
            for field, value in query.items()
            if value is not None
        ]
        if not filters:
            raise ValidationError(f"Search by one of {', '.join(_FILTERS)}.", field="query")
        table = _frame_of(self._platform.pages(filters))
        if id is not None and not (table.index == id.strip()).all():
            raise InvalidResponseError("Clover answered with another customer than the one asked.")
        return table

    # -- a change --------------------------------------------------------------------------------

    def _change(
        self,
        operation: str,
        customer_id: str,
        given: Mapping[str, object],
        *,
        expected: Mapping[str, Any] | pd.Series[Any] | None = None,
        consent: bool | None = None,
        undoes: int | None = None,
    ) -> pd.Series[Any]:
        key = validation.check_customer_id(customer_id)
        body = validation.check_customer(given)
        if not body:
            raise ValidationError(
                "Nothing is to be changed.", hint="Name at least one field.", field="fields"
            )
        self._transport.require_writes()
        before, shipping = self._known(key, fresh=expected is not None)
        if expected is not None:
            conflicts.check(expected, before or {})
        if "email" not in body and before and before["email"]:
            body["email"] = before["email"]
        if "shipping" in body:
            body["shipping"] = _merged(shipping, body["shipping"])
        write = Write(operation, key, body, before, consent, undoes)
        return self._seen(self._writes.execute(write), body)

    def _seen(self, answer: Record, sent: Mapping[str, Any]) -> pd.Series[Any]:
        if "shipping" not in answer:  # the Platform API's record, which has no recipient
            shipping = sent.get("shipping") or self._answers.get(answer["id"], {}).get("shipping")
            recipient = {k: v for k, v in _block(shipping).items() if k != "address"}
            answer = {**answer, "shipping": recipient}
        self._answers[answer["id"]] = answer
        return to_row(answer)

    def _known(
        self, key: str, *, fresh: bool = False
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """The current fields and shipping, as far as they can be known.

        The Platform API is asked where it can be. It keeps no recipient's name and phone, so
        these are the last answer's. Nothing else will do for ``fresh``.
        """
        answer = self._answers.get(key, {})
        shipping = _block(answer.get("shipping"))
        if not self._platform.readable and not fresh:
            return flatten(answer) if answer else None, shipping
        fields = flatten(self._platform.read(key))
        address = {part: fields[f"shipping_{part}"] for part in constants.ADDRESS_FIELDS}
        shipping["address"] = {part: value for part, value in address.items() if value}
        recipient = {f"shipping_{part}": shipping.get(part) for part in ("name", "phone")}
        return fields | recipient, shipping


def _given(*values: object) -> dict[str, object]:
    names = ("email", "source", "name", "phone", "shipping", "ecomind", "firstName", "lastName")
    return dict(zip(names, values, strict=True))


def _require_consent(consent: object) -> None:
    if consent is not True:
        raise ValidationError(
            "The cardholder's consent is missing.",
            hint="Clover requires it for keeping a card: ask, then pass consent=True.",
            field="consent",
        )


@contextmanager
def _second_step(message: str, hint: str) -> Iterator[None]:
    try:
        yield
    except CloverError as error:
        raise PartialChangeError(message, hint=f"{hint} The reason: {error}") from error


def _block(value: object) -> dict[str, Any]:
    """A block of an answer; an empty one for whatever is none."""
    return dict(value) if isinstance(value, Mapping) else {}


def _merged(current: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    address = _block(current.get("address")) | _block(given.get("address"))
    return validation.drop_missing({**current, **given, "address": address})


def _frame_of(pages: PageReader) -> pd.DataFrame:
    """Read a list to its end, and say what of it could not be read."""
    table = frame_of_fields(pages)
    table.attrs = {"complete": pages.complete, "unreadable": pages.unreadable}
    if not pages.complete:
        warnings.warn(
            "The list was changed all the while it was read: customers may be missing. Read it "
            "again when fewer are deleted.",
            stacklevel=3,
        )
    if pages.unreadable:
        warnings.warn(
            f"Left out, as it is no customer that can be read: {', '.join(pages.unreadable)} of "
            "Clover's list.",
            stacklevel=3,
        )
    return table
