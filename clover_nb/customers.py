"""Customers: the Ecommerce API creates and changes them, the Platform API reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from clover_nb import rules, vendor
from clover_nb._http import Door, path_of
from clover_nb.errors import InvalidInput, SettingsError, UnreadableAnswer
from clover_nb.frames import Record, elements, to_frame, to_row
from clover_nb.settings import Settings

_EXPAND: Final = ("expand", "addresses,emailAddresses,phoneNumbers,cards")
# D, O-live: what the Platform API filters customers by.
_FILTERS: Final = {"email": "emailAddress", "name": "fullName", "phone": "phoneNumber", "id": "id"}


class Customers:
    """The customers of one connection.

    Clover's Ecommerce API creates and changes customers and has no way to read one; reading goes
    through the Platform API, with the same ids, and needs the merchant id.
    """

    def __init__(self, door: Door, settings: Settings) -> None:
        self._door = door
        self._settings = settings
        self._answers: dict[str, Record] = {}  # the last of the Ecommerce API's, by customer id

    def create(
        self,
        /,
        *,
        email: str | None = None,
        source: str | None = None,
        name: str | None = None,
        phone: str | None = None,
        shipping: Mapping[str, Any] | None = None,
        ecomind: str | None = None,
        firstName: str | None = None,  # noqa: N803  Clover's name
        lastName: str | None = None,  # noqa: N803  Clover's name
        **unknown: object,
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
            **unknown: Refused, with the nearest name that Clover knows.

        Returns:
            The new customer as a row (see :func:`clover_nb.to_row`). Clover's answer says nothing
            of the card but its id; :meth:`retrieve` reads brand, last 4 and expiry.

        Raises:
            InvalidInput: A value can't be right; nothing was sent.
            CardRefused: The card was refused.
            InvalidRequest: Clover refused a value; a token that was used before, for example.
            CloverError: Any other of the tree in :mod:`clover_nb.errors`.

        Source: Clover docs, "Create a card-on-file customer" and "Work with customers (SDK)".
        """
        given = _given(email, source, name, phone, shipping, ecomind, firstName, lastName)
        body = rules.present(rules.customer(given | unknown, required=("email", "source")))
        return self._seen(
            self._door.send("POST", "ecommerce", path_of("v1", "customers"), body=body)
        )

    def modify(
        self,
        /,
        customer_id: str,
        *,
        email: str | None = None,
        source: str | None = None,
        name: str | None = None,
        phone: str | None = None,
        shipping: Mapping[str, Any] | None = None,
        ecomind: str | None = None,
        firstName: str | None = None,  # noqa: N803  Clover's name
        lastName: str | None = None,  # noqa: N803  Clover's name
        **unknown: object,
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
            **unknown: Refused, with the nearest name that Clover knows.

        Returns:
            The changed customer as a row.

        Raises:
            InvalidInput: A value can't be right, or nothing is to be changed; nothing was sent.
            NotFound: There is no such customer.
            AlreadyOnFile: This card is on the customer already.
            CloverError: Any other of the tree in :mod:`clover_nb.errors`.

        Source: Clover docs, "Update a customer" and "Work with customers (SDK)".
        """
        key = rules.customer_id(customer_id)
        given = _given(email, source, name, phone, shipping, ecomind, firstName, lastName)
        body = rules.customer(given | unknown)
        if not body:
            raise InvalidInput("Nothing is to be changed.", hint="Name at least one field.")
        if "email" not in body or "shipping" in body:
            known = self._known(key)
            if "email" not in body and known.get("email"):
                body["email"] = known["email"]
            if "shipping" in body:
                body["shipping"] = _merged(known["shipping"], body["shipping"])
        path = path_of("v1", "customers", key)
        return self._seen(self._door.send("PUT", "ecommerce", path, body=body))

    def add_source(self, customer_id: str, token: str, *, consent: bool) -> pd.Series[Any]:
        """Attach one more card to a customer, ``PUT /v1/customers/{id}`` with ``source``.

        Args:
            customer_id: The customer's id.
            token: The card token (``clv_...``). It works once.
            consent: ``True``: the cardholder agreed to have the card kept, which Clover requires.

        Returns:
            The customer as a row; the new card is among ``source_ids``.

        Raises:
            InvalidInput: No consent, or not a token; nothing was sent.
            AlreadyOnFile: This card is on the customer already.
            CardRefused: The card was refused, or the merchant can't keep cards.

        Source: Clover docs, "Save a card for future transactions".
        """
        if consent is not True:
            raise InvalidInput(
                "The cardholder's consent is missing.",
                hint="Clover requires it for keeping a card: ask, then pass consent=True.",
                field="consent",
            )
        return self.modify(customer_id, source=rules.source(token))

    def delete_source(self, customer_id: str, source_id: str) -> pd.Series[Any]:
        """Take a card off a customer, ``DELETE /v1/customers/{id}/sources/{source_id}``.

        Args:
            customer_id: The customer's id.
            source_id: The card's id, one of ``row["source_ids"]``; not a token.

        Returns:
            Clover's answer as a Series: ``id`` (the card's), ``object`` and ``deleted``.

        Raises:
            NotFound: There is no such customer, or the card is not on it.

        Source: Clover docs, "Revoke a card".
        """
        key = rules.customer_id(customer_id)
        card = rules.record_id("source_id", source_id)
        path = path_of("v1", "customers", key, "sources", card)
        answer = {"id": card, "deleted": True} | self._door.send("DELETE", "ecommerce", path)
        return pd.Series(answer, dtype=object, name=card)

    def retrieve(self, customer_id: str) -> pd.Series[Any]:
        """Read one customer, ``GET /v3/merchants/{mId}/customers/{id}``.

        Args:
            customer_id: The customer's id.

        Returns:
            The customer as a row (see :func:`clover_nb.to_row`), with the newest card's brand,
            last 4 and expiry. The Platform API has no shipping: the first address stands for it.

        Raises:
            SettingsError: No merchant id is set.
            NotFound: There is no such customer.

        Source: Clover docs, Platform API reference, "Get a customer".
        """
        return to_row(self._read(rules.customer_id(customer_id)))

    def list(self, *, limit: int | None = None) -> pd.DataFrame:
        """Read all customers, page after page, ``GET /v3/merchants/{mId}/customers``.

        Args:
            limit: How many rows at most, in all; ``None`` is all.

        Returns:
            A DataFrame as of :func:`clover_nb.to_frame`, in Clover's order.

        Raises:
            InvalidInput: ``limit`` is not a number of rows.
            SettingsError: No merchant id is set.

        Source: Clover docs, "Add pagination requests".
        """
        if limit is not None and (
            not isinstance(limit, int) or isinstance(limit, bool) or limit < 0
        ):
            raise InvalidInput("limit must be a number of rows, 0 or more.", field="limit")
        return _frame_of(self._pages([], limit))

    def search(self, /, **query: str | None) -> pd.DataFrame:
        """Find customers by one exact value: ``email=``, ``name=``, ``phone=`` or ``id=``.

        Clover compares whole values; for parts of them, read :meth:`list` and use pandas, or
        :func:`clover_nb.forms.customer_table`.

        Args:
            **query: ``email`` (the address), ``name`` (first and last name), ``phone`` (as it was
                stored) or ``id``; several must hold together.

        Returns:
            A DataFrame as of :func:`clover_nb.to_frame`; empty when nobody matches.

        Raises:
            InvalidInput: Nothing to search by, or something else than these four.

        Source: Clover docs, "Apply filters".
        """
        for name in query:
            rules.check_name(name, _FILTERS)
        filters = [
            ("filter", f"{_FILTERS[name]}={rules.text(name, value)}")
            for name, value in query.items()
            if value is not None
        ]
        if not filters:
            raise InvalidInput(f"Search by one of {', '.join(_FILTERS)}.")
        return _frame_of(self._pages(filters, None))

    # -- the Platform API -----------------------------------------------------------------------

    def _platform_path(self, *parts: str) -> str:
        merchant = self._settings.merchant_id
        if not merchant:
            raise SettingsError(
                "CLOVER_MERCHANT_ID is missing, and Clover reads customers by merchant.",
                hint="Set it in .env, or connect with merchant_id=; it stands in the address of "
                "Clover's dashboard, after /m/.",
                field="merchant_id",
            )
        return path_of("v3", "merchants", merchant, "customers", *parts)

    def _read(self, key: str) -> Record:
        return self._door.send("GET", "platform", self._platform_path(key), params=[_EXPAND])

    def _pages(
        self, filters: Sequence[tuple[str, str]], limit: int | None
    ) -> Iterator[Sequence[Record]]:
        """Pages until a short one, which is how Clover says that there is no more (D, O-live)."""
        path = self._platform_path()
        offset = 0
        while limit is None or offset < limit:
            size = vendor.PAGE_MAX if limit is None else min(vendor.PAGE_MAX, limit - offset)
            window = [("limit", str(size)), ("offset", str(offset))]
            answer = self._door.send("GET", "platform", path, params=[*filters, *window, _EXPAND])
            page = elements(answer)
            yield page
            if len(page) < size:
                return
            offset += size

    # -- what a change is merged with -----------------------------------------------------------

    def _seen(self, answer: Record) -> pd.Series[Any]:
        if not isinstance(answer.get("id"), str):
            raise UnreadableAnswer("Clover answered without a customer's id.")
        self._answers[answer["id"]] = answer
        return to_row(answer)

    def _known(self, key: str) -> dict[str, Any]:
        """The current email and shipping, as far as they can be known.

        The Platform API is asked where it can be. It keeps no recipient's name and phone, so
        these are the last answer's.
        """
        answer = self._answers.get(key, {})
        shipping = dict(answer.get("shipping") or {})
        if not self._settings.merchant_id:
            return {"email": answer.get("email"), "shipping": shipping}
        row = to_row(self._read(key))
        address = {field: row[f"shipping_{field}"] for field in vendor.ADDRESS_FIELDS}
        shipping["address"] = {field: value for field, value in address.items() if value}
        return {"email": row["email"], "shipping": shipping}


def _given(*values: object) -> dict[str, object]:
    names = ("email", "source", "name", "phone", "shipping", "ecomind", "firstName", "lastName")
    return dict(zip(names, values, strict=True))


def _merged(current: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    address = {**(current.get("address") or {}), **(given.get("address") or {})}
    return rules.present({**current, **given, "address": address})


def _frame_of(pages: Iterator[Sequence[Record]]) -> pd.DataFrame:
    table = to_frame(record for page in pages for record in page)
    # A customer created while pages were read moves others to the next page: once is enough.
    return table if table.index.is_unique else table[~table.index.duplicated(keep="last")]
