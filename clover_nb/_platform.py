"""Reading customers, which Clover does by merchant, through its Platform API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from clover_nb import vendor
from clover_nb._http import Door, path_of
from clover_nb.errors import SettingsError
from clover_nb.frames import Record, elements
from clover_nb.settings import Settings

_EXPAND: Final = ("expand", "addresses,emailAddresses,phoneNumbers,cards")

Filters = Sequence[tuple[str, str]]


class Platform:
    """The customers of one merchant, as the Platform API has them."""

    def __init__(self, door: Door, settings: Settings) -> None:
        self._door = door
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
            NotFound: There is none with this id.
        """
        return self._door.send("GET", "platform", self.path(key), params=[_EXPAND])

    def find(self, field: str, value: str) -> list[Record]:
        """All customers with this value in this field."""
        return [record for page in self.pages([_filter(field, value)]) for record in page]

    def pages(self, filters: Filters = (), limit: int | None = None) -> Iterator[Sequence[Record]]:
        """Pages until a short one, which is how Clover says that there is no more (D, O-live)."""
        path = self.path()
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


def _filter(field: str, value: str) -> tuple[str, str]:
    return "filter", f"{field}={value}"
