"""Reading customers, which Clover does by merchant, through its Platform API."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count, islice
from typing import Final
from urllib.parse import urlsplit

from clover_nb import constants
from clover_nb.errors import SettingsError
from clover_nb.record_pages import Page
from clover_nb.record_pages import parsed as plain
from clover_nb.records import Record, elements, mask_tokens
from clover_nb.settings import Settings
from clover_nb.transport.http import HTTPTransport, path_of
from clover_nb.transport.responses import parse_json

_EXPAND: Final = ("expand", "addresses,emailAddresses,phoneNumbers,cards")

# How many pages are under way or wait to be parsed.
_AHEAD: Final = 8

Filters = Sequence[tuple[str, str]]


class Platform:
    """The customers of one merchant, as the Platform API has them."""

    def __init__(self, transport: HTTPTransport, settings: Settings) -> None:
        self._transport = transport
        self._merchant = settings.merchant_id
        #: The host, and the merchant whose customers they are.
        self.account = (urlsplit(settings.platform_url).netloc, settings.merchant_id)

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

    def pages(
        self, filters: Filters = (), limit: int | None = None
    ) -> Iterator[Page | Sequence[Record]]:
        """Pages until a short one, which is how Clover says that there is no more (D, O-live).

        Nobody tells how many there are. The first is read alone, for most have no other; after a
        full one some are read ahead, several at once. Workers download and the caller's thread
        parses, without holding up the workers where Arrow can do it.
        """
        size = min(constants.PAGE_MAX, constants.PAGE_MAX if limit is None else limit)
        if not size:
            return
        path = self.path()

        def window(offset: int) -> list[tuple[str, str]]:
            rows = size if limit is None else min(size, limit - offset)
            return [*filters, ("limit", str(rows)), ("offset", str(offset)), _EXPAND]

        page: Page | Sequence[Record]
        page = elements(self._transport.send("GET", "platform", path, params=window(0)))
        yield page
        offsets = iter(count(size, size) if limit is None else range(size, limit, size))
        pool = ThreadPoolExecutor(constants.REQUESTS_AT_ONCE, "clover-nb pages")
        try:
            ahead: deque[tuple[int, Future[bytes]]] = deque()
            while len(page) == size:
                for offset in islice(offsets, _AHEAD - len(ahead)):
                    download = self._transport.download
                    ahead.append((offset, pool.submit(download, "platform", path, window(offset))))
                if not ahead:
                    return
                offset, content = ahead.popleft()
                page = self._parsed(content.result(), path, window(offset))
                yield page
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _parsed(
        self, content: bytes, path: str, window: list[tuple[str, str]]
    ) -> Page | Sequence[Record]:
        page = plain(content)
        if page is not None:
            return page
        answer = parse_json(content)
        if not isinstance(answer, dict):  # ask again, and have it judged
            answer = self._transport.send("GET", "platform", path, params=window)
        return elements(answer)
