"""Customers: the Ecommerce API creates and changes them, the Platform API reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, SupportsIndex

import pandas as pd

from clover_nb import constants, setting_checks, validation
from clover_nb.api.pagination import read_frame
from clover_nb.api.platform import PlatformAPI
from clover_nb.errors import InvalidResponseError, ValidationError
from clover_nb.frames import to_row
from clover_nb.masking import OpaqueSecret
from clover_nb.progress import ProgressBar, is_watched
from clover_nb.writes.customer_writer import CustomerWriter
from clover_nb.writes.executor import WriteExecutor

if TYPE_CHECKING:
    from clover_nb.bulk.batch import Batch
    from clover_nb.bulk.batch_progress import BatchProgress
    from clover_nb.bulk.changes import BulkChanges
    from clover_nb.bulk.plan import Plan
    from clover_nb.bulk.review import Empty

# D, O-live: what the Platform API filters customers by.
_FILTERS: Final = {"email": "emailAddress", "name": "fullName", "phone": "phoneNumber", "id": "id"}

# How many customers are read before a bar shows it: two pages.
_LONG_LIST: Final = 2000


class Customers:
    """The customers of one connection.

    Clover's Ecommerce API creates and changes customers and has no way to read one; reading goes
    through the Platform API, with the same ids, and needs the merchant id.
    """

    def __init__(self, platform: PlatformAPI, writes: WriteExecutor) -> None:
        self._platform = platform
        self._writes = writes
        self._writer = CustomerWriter(platform, writes)

    @cached_property
    def _bulk(self) -> BulkChanges:
        from clover_nb.bulk.changes import BulkChanges  # noqa: PLC0415  for who changes many

        return BulkChanges(self._platform, self._writes, self.list)

    @validation.check_arguments
    def create(
        self,
        *,
        email: str | None = None,
        source: str | OpaqueSecret | None,
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
        ``source=None``, given explicitly, creates one without a card, ``POST
        /v3/merchants/{mId}/customers``, which needs a merchant id. Its address must be whole, and
        no recipient is kept.

        Args:
            email: Required with a card.
            source: The card token (``clv_...``), which works once; ``None`` for no card.
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
        if source is None:
            given = _collect_fields(
                email, None, name, phone, shipping, ecomind, firstName, lastName
            )
            return self._writer.create_without_card(validation.check_customer_without_card(given))
        given = _collect_fields(email, source, name, phone, shipping, ecomind, firstName, lastName)
        body = validation.drop_missing(
            validation.check_customer(given, required=("email", "source"))
        )
        if consent is not None:
            _require_consent(consent)
        return self._writer.create(body, consent=consent)

    @validation.check_arguments
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
        note: str | None = None,
        consent: bool | None = None,
        expected: Mapping[str, Any] | pd.Series[Any] | None = None,
    ) -> pd.Series[Any]:
        """Change a customer, ``PUT /v1/customers/{id}``: what is given, and nothing else.

        Clover wants ``email`` on every change (O-live). When it is left out, the current one is
        filled in: as the Platform API has it, or, without a merchant id, as this connection saw it
        last. In ``shipping``, too, what is not named stays; a part given as ``None`` is taken off.

        Clover replaces ``shipping`` as a whole and shows nobody the recipient, so the block is sent
        whole only where this machine's journal knows the recipient for sure. Elsewhere an address
        is changed by itself, ``POST /v3/merchants/{mId}/customers/{id}/addresses/{addressId}``,
        which can't touch the recipient. To name one part of a recipient that is not known is to
        forget the others: name them all.

        Args:
            customer_id: The customer's id, as in ``row["id"]``.
            email: Another address is added to the record by Clover; the old one stays too.
            source: Another card's token; it needs ``consent``, as :meth:`add_source` does.
            name: As in :meth:`create`, and so are the others.
            phone: See :meth:`create`.
            shipping: See :meth:`create`.
            ecomind: See :meth:`create`.
            firstName: See :meth:`create`.
            lastName: See :meth:`create`.
            note: For colleagues; 2,000 characters, in lines. ``""`` takes it off. It goes by a call
                of its own, ``POST /v3/merchants/{mId}/customers/{id}/metadata``, which needs a
                merchant id.
            consent: With ``source``: ``True``, as for :meth:`add_source`.
            expected: The row that you read and decided on. The record is compared with it first,
                and nothing is sent when somebody has changed it since. Clover has no version to
                check, so a change in the very moment of sending is not noticed, nor one while a
                request that was surely not done waits to be sent again (``Timeouts.total``).

        Returns:
            The changed customer as a row; ``row.attrs["entry"]`` is the number that :meth:`undo`
            takes. Where an address or a note went by a call of its own, it is the last one's;
            ``row.attrs["entries"]`` has all.

        Raises:
            ValidationError: A value can't be right, or nothing is to be changed; nothing was sent.
            NotFoundError: There is no such customer.
            AlreadyOnFileError: This card is on the customer already.
            EditConflictError: It is not as ``expected``, and nothing was sent; or the answer was
                lost, and somebody else has changed it since. ``changes`` says what differs.
            PartialChangeError: An address or a note, which is changed by itself, was not; the rest
                was.
            OutcomeUnknownError: The answer was lost, and looking did not tell whether it was done.
            CloverError: Any other of the tree in :mod:`clover_nb.errors`.

        Source: Clover docs, "Update a customer" and "Work with customers (SDK)".
        """
        given = _collect_fields(email, source, name, phone, shipping, ecomind, firstName, lastName)
        key = validation.check_customer_id(customer_id)
        body = validation.check_customer(given)
        if note is not None:
            body["note"] = validation.check_note(note)
        if "source" in body:
            _require_consent(consent)
        return self._writer.change("modify", key, body, expected=expected, consent=consent)

    @validation.check_arguments
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
        key = validation.check_customer_id(customer_id)
        body = validation.check_customer({"source": token, "ecomind": ecomind})
        return self._writer.change("add_source", key, body, consent=True)

    @validation.check_arguments
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
        ``delete_first=True`` takes the old card off first. Both steps are in the journal before the
        first is sent: should the program die in between, the next connection says which was not
        done.

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
            ValidationError: As :meth:`add_source`; or the customer has no such old card.
            AlreadyOnFileError: The new card is on file already, or one card is all that is kept.
            PartialChangeError: The second step failed; the message says what the customer has now.

        Source: Clover docs, "Save a card for future transactions" (which deletes first).
        """
        _require_consent(consent)
        key = validation.check_customer_id(customer_id)
        card = validation.check_record_id("old_source_id", old_source_id)
        body = validation.check_customer(
            {"source": token, "ecomind": ecomind}, required=("source",)
        )
        return self._writer.replace_source(key, card, body, delete_first=delete_first)

    @validation.check_arguments
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
        return self._writer.delete_source(key, card)

    @validation.check_arguments
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
        return self._writer.delete(validation.check_customer_id(customer_id))

    def undo(self, entry: int) -> pd.Series[Any]:
        """Restore a customer's name, phone, note and shipping as they were before a change.

        It refuses what can't be undone and says why: an email address, which Clover only adds; a
        card; a value that was empty before; a recipient that was not known. It is itself in the
        journal.

        Args:
            entry: The change's number in ``clover.journal.frame()``. A change that took several
                calls has one for each: undo them one by one, the last first.

        Returns:
            The customer as a row.

        Raises:
            ValidationError: There is no such entry here, or it can't be undone.
            EditConflictError: What it changed was changed again since.
            SettingsError: The journal is off, or no merchant id is set.
        """
        return self._writer.undo(entry)

    @validation.check_arguments
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
        return to_row(self._platform.get_customer(validation.check_customer_id(customer_id)))

    @validation.check_arguments
    def list(
        self,
        *,
        limit: SupportsIndex | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> pd.DataFrame:
        """Read all customers, page after page, ``GET /v3/merchants/{mId}/customers``.

        Args:
            limit: How many rows at most, in all; ``None`` is all.
            progress: Called after each page with how many customers were read. Left out, a bar
                shows it to who waits at a notebook or a terminal, beyond 2,000 customers.

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
        pages = self._platform.read_pages(limit=validation.check_limit(limit))
        with ProgressBar("customers") as bar:

            def show_long(read: int) -> None:
                if read > _LONG_LIST:
                    bar.show(read)

            watched = progress is None and is_watched()
            return read_frame(pages, show_long if watched else progress)

    @validation.check_arguments
    def search(
        self,
        *,
        email: str | None = None,
        name: str | None = None,
        phone: str | None = None,
        id: str | None = None,  # noqa: A002  Clover's name, and the row's
    ) -> pd.DataFrame:
        """Find the customers who match all the given values exactly.

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
        table = read_frame(self._platform.read_pages(filters))
        if id is not None and not (table.index == id.strip()).all():
            raise InvalidResponseError("Clover answered with another customer than the one asked.")
        return table

    # -- many changes ----------------------------------------------------------------------------

    def plan(
        self,
        table: pd.DataFrame,
        *,
        key: str | Sequence[str] = ("id", "email"),
        columns: Mapping[str, str | None] | None = None,
        base: pd.DataFrame | None = None,
        empty: Empty = "keep",
    ) -> Plan:
        """Plan many changes: compare a table of wanted values with all customers. Sends nothing.

        Each row is matched to a customer by the first of its ``key`` fields that is filled; one
        that matches nobody becomes a new customer. With ``base``, or for a file of
        :func:`clover_nb.save_table`, what was not edited is unchanged even if Clover has moved on,
        and what a colleague has changed meanwhile in an edited field is a conflict. Without,
        every difference is a change.

        Args:
            table: As from :func:`clover_nb.read_table`, or an edited copy of :meth:`list`.
            key: The fields by which rows are matched.
            columns: Fields by heading, such as ``{"E-mail": "email"}``, where the headings don't
                tell; ``None`` for a field leaves the column out.
            base: The table as it was before it was edited.
            empty: Whether an empty cell keeps what is there (``"keep"``) or empties it
                (``"clear"``).

        Returns:
            The plan, a :class:`clover_nb.bulk.plan.Plan`.

        Raises:
            ValidationError: The columns, the key or the base can't be right.
            SettingsError: No merchant id is set.
        """
        return self._bulk.plan(table, key=key, columns=columns, base=base, empty=empty)

    def apply(
        self,
        plan: Plan,
        *,
        listing_wait: float = constants.LISTING_WAIT,
        progress: Callable[[BatchProgress], object] | None = None,
    ) -> Batch:
        """Apply a plan's ready rows, once, however often this is called or the machine dies.

        Everybody is read again first: what others have changed since the plan is a conflict, and
        not sent. The first row of each kind is sent alone and read back. Ctrl-C, or ``stop`` of
        the batch, lets what is under way finish. Applying the plan again goes on where it stopped.

        Args:
            plan: As from :meth:`plan` or :func:`clover_nb.read_plan`.
            listing_wait: Seconds that a create may be on its way after its answer was lost; then
                it is looked for in a listing of all customers, by a mark in ``externalId``.
            progress: Called now and then with how far it is, a
                :class:`clover_nb.bulk.batch_progress.BatchProgress`. Left out, a bar shows it to a
                person who waits at a notebook or a terminal.

        Returns:
            What became of it, a :class:`clover_nb.bulk.batch.Batch`.

        Raises:
            ValidationError: It is no plan, or one of another merchant.
            ReadOnlyError: A connection to production that is not allowed to write.
            JournalError: Another batch of this merchant is being applied.
            SettingsError: The journal is off, or no merchant id is set.
        """
        listing_wait = setting_checks.check_number("listing_wait", listing_wait)
        batch = self._bulk.prepare_batch(plan)
        self._bulk.apply_batch(batch.number, listing_wait=listing_wait, progress=progress)
        return batch

    def prepare_batch(self, plan: Plan) -> Batch:
        """Write a plan's ready rows down as a batch, unless they are. Nothing is sent.

        ``resume`` of the batch sends it, from here or from another process.

        Args:
            plan: As of :meth:`apply`.

        Returns:
            The batch.

        Raises:
            ValidationError: The plan is of another merchant.
            ReadOnlyError: A connection to production that is not allowed to write.
            SettingsError: The journal is off, or no merchant id is set.
        """
        return self._bulk.prepare_batch(plan)

    def check_plan(self, plan: Plan) -> None:
        """Refuse a plan that :meth:`apply` would refuse as a whole. Asks Clover nothing.

        Args:
            plan: As for :meth:`apply`.

        Raises:
            ValidationError: It is none, or of another merchant.
            ReadOnlyError: A connection to production that is not allowed to write.
        """
        self._bulk.check_plan(plan)

    def batches(self) -> pd.DataFrame:
        """The batches of this merchant, oldest first, as ``clover.batches()``.

        Raises:
            SettingsError: The journal is switched off.
        """
        return self._bulk.batches.frame()

    def batch(self, number: int) -> Batch:
        """One batch, as ``clover.batch(number)``.

        Raises:
            ValidationError: This merchant has none with this number.
            SettingsError: The journal is switched off.
        """
        return self._bulk.open_batch(number)


def _collect_fields(*values: object) -> dict[str, object]:
    names = ("email", "source", "name", "phone", "shipping", "ecomind", "firstName", "lastName")
    return dict(zip(names, values, strict=True))


def _require_consent(consent: object) -> None:
    if consent is not True:
        raise ValidationError(
            "The cardholder's consent is missing.",
            hint="Clover requires it for keeping a card: ask, then pass consent=True.",
            field="consent",
        )
