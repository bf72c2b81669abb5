"""Reading customers, which Clover does by merchant, through its Platform API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from clover_nb import constants
from clover_nb.api.pagination import PageReader
from clover_nb.errors import SettingsError
from clover_nb.records import Record, elements, mask_tokens
from clover_nb.settings import Settings
from clover_nb.transport.http import HTTPTransport, path_of

_EXPAND: Final = ("expand", "addresses,emailAddresses,phoneNumbers,cards")

Filters = Sequence[tuple[str, str]]


class Platform:
    """The customers of one merchant, as the Platform API has them."""

    def __init__(self, transport: HTTPTransport, settings: Settings) -> None:
        self._transport = transport
        self._merchant = settings.merchant_id

    @property
    def readable(self) -> bool:
        """Whether a merchant id is set, without which nothing can be read."""
        return bool(self._merchant)

    def path(self, *parts: str) -> str:
        """The address of the customers, or of one.

        Raises:
            SettingsError: No merchant id is set.
        """
        if not self._merchant:
            raise SettingsError(
                "CLOVER_MERCHANT_ID is missing, and Clover reads customers by merchant.",
                hint="Set it in .env, or connect with merchant_id=; it stands in the address of "
                "Clover's dashboard, after /m/.",
                field="merchant_id",
            )
        return path_of("v3", "merchants", self._merchant, "customers", *parts)

    def read(self, key: str) -> Record:
        """One customer.

        Raises:
            NotFoundError: There is none with this id.
        """
        return mask_tokens(
            self._transport.send("GET", "platform", self.path(key), params=[_EXPAND])
        )

    def find(self, field: str, value: str) -> list[Record]:
        """All customers with this value in this field."""
        found: list[Record] = []
        window = [("filter", f"{field}={value}"), ("limit", str(constants.PAGE_MAX)), _EXPAND]
        while True:
            offset = ("offset", str(len(found)))
            answer = self._transport.send("GET", "platform", self.path(), params=[*window, offset])
            page = elements(answer)
            found += map(mask_tokens, page)
            if len(page) < constants.PAGE_MAX:
                return found

    def pages(self, filters: Filters = (), limit: int | None = None) -> PageReader:
        """The customers of the merchant, page after page; iterating reads them."""
        path = self.path()

        def fetch(offset: int, rows: int) -> list[Any]:
            window = [*filters, ("limit", str(rows)), ("offset", str(offset)), _EXPAND]
            return elements(self._transport.send("GET", "platform", path, params=window))

        return PageReader(fetch, limit)
