"""Reading a list of Clover's page after page, while other people change it.

Clover tells neither how many there are nor whether something moved. A page therefore begins with
records that the page before has shown: as long as its first one was seen, nothing lies between.
Where it wasn't, somebody deleted customers meanwhile, and what moved up is read again. Records that
are in the list the whole time are then in the result, provided that they keep their order.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from clover_nb import constants
from clover_nb.errors import InvalidResponseError
from clover_nb.frames import frame_of_fields
from clover_nb.records import flatten, is_customer, redact_tokens

Page = list[Any]
FetchPage = Callable[[int, int], Page]

# One of so many records of a page is read twice: a deletion or a few between two pages are bridged.
_OVERLAP_SHARE: Final = 200
# How often a list that never stands still is read again before it is called incomplete.
_MAX_REREADS: Final = 20

# Seconds between two pages by which they come slower than the limits allow.
_SLOW_PAGE: Final = 1.5 / constants.REQUESTS_PER_SECOND


class PageReader:
    """Reads a list of customers; iterating gives their fields, a page at a time.

    Args:
        fetch: Reads a page, by its offset and the number of records asked for: a list to keep.
        limit: How many records at most, in all; ``None`` is all.

    Attributes:
        complete: Whether each customer that was in the list all the time was read.
        unreadable: What was in the list and is no customer, in words, by its place.
    """

    def __init__(self, fetch: FetchPage, limit: int | None = None) -> None:
        self.complete = True
        self.unreadable: list[str] = []
        self._fetch = fetch
        self._limit = limit
        self._size = min(constants.PAGE_MAX, constants.PAGE_MAX if limit is None else limit)
        self._overlap = max(1, self._size // _OVERLAP_SHARE)
        self._step = max(1, self._size - self._overlap)
        self._seen: set[str] = set()
        self._rereads = 0

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        if not self._size:
            return
        began = time.monotonic()
        page = self._fetch(0, self._size)
        width = 2 if time.monotonic() - began > _SLOW_PAGE else 1
        yield self._take_new(page)
        if len(page) < self._size or self._is_full():
            return
        pool = ThreadPoolExecutor(constants.REQUESTS_AT_ONCE, "clover-nb pages")
        try:
            yield from self._read_on(pool, width)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if not self._is_full():
            yield from self._read_front()
        self._seen.clear()

    def _read_on(self, pool: ThreadPoolExecutor, width: int) -> Iterator[list[dict[str, Any]]]:
        """Read the second page and all that follow; several at once where one is too slow.

        What is asked for beyond the end delays the look at the front, so a single page that comes
        late is no reason for more of them.

        Args:
            pool: Reads the pages.
            width: How many at once, at first.
        """
        ahead: dict[int, Future[Page]] = {}
        offset, back, is_slow = self._step, self._step, False
        furthest, without_news = 0, 0
        before = time.monotonic()
        while True:
            was_ahead = offset in ahead
            for later in range(offset, offset + width * self._step, self._step):
                if later not in ahead and (later == offset or self._is_wanted(later)):
                    ahead[later] = pool.submit(self._fetch, later, self._page_size(later))
            page = ahead.pop(offset).result()
            before, took = time.monotonic(), time.monotonic() - before
            was_slow, is_slow = is_slow, took > _SLOW_PAGE and (was_ahead or width == 1)
            if is_slow and (was_slow or width == 1):
                width = min(2 * width, constants.REQUESTS_AT_ONCE)
            if offset and not self._is_continuous(page):
                if self._rereads < _MAX_REREADS:
                    self._rereads += 1
                    offset, back = max(0, offset - back), 2 * back
                    continue
                self.complete = False
            back = self._step
            news = self._take_new(page)
            yield news
            rows = self._page_size(offset)
            if len(page) < rows or self._is_full():
                return
            if offset > furthest:  # what is read again may well be known
                furthest, without_news = offset, 0 if news else without_news + 1
            if without_news > 1:
                raise InvalidResponseError(
                    "Clover's list has no end: it gives the same customers again and again.",
                    hint="Try again; if it stays so, ask Clover's support.",
                )
            offset += max(1, rows - self._overlap)

    def _read_front(self) -> Iterator[list[dict[str, Any]]]:
        """Look at the beginning once more, for what came or moved there meanwhile."""
        offset, rows = 0, min(self._size, constants.PAGE_DEFAULT)
        while True:
            page = self._fetch(offset, rows)
            news = self._take_new(page)
            yield news
            if len(news) < len(page) or not page or self._is_full():
                return
            offset, rows = offset + len(page), self._size

    def _page_size(self, offset: int) -> int:
        rest = self._size if self._limit is None else self._limit - offset
        return min(self._size, rest) if rest > self._overlap else self._size

    def _is_wanted(self, offset: int) -> bool:
        return self._limit is None or offset + self._overlap < self._limit

    def _is_full(self) -> bool:
        return self._limit is not None and len(self._seen) >= self._limit

    def _is_continuous(self, page: Page) -> bool:
        """Whether nothing can lie between what was read and this page."""
        return bool(page) and _record_key(page[0]) in self._seen

    def _take_new(self, page: Page) -> list[dict[str, Any]]:
        """The fields of the customers that weren't seen yet, as many as are wanted; empties it."""
        taken = []
        for place, record in enumerate(page):
            page[place] = None  # freed at once, which is quicker than all of a page later
            key = _record_key(record)
            if key in self._seen or self._is_full():
                continue
            self._seen.add(key)
            if is_customer(record):
                taken.append(flatten(record))
            else:
                self.unreadable.append(f"number {len(self._seen)}")
        return taken


def read_frame(pages: PageReader, progress: Callable[[int], object] | None = None) -> pd.DataFrame:
    """Read a list to its end as a table, and warn of what could not be read.

    Args:
        pages: The list.
        progress: Called after each page with how many customers were read.
    """
    table = frame_of_fields(_report_pages(pages, progress) if progress else pages)
    if len(table) > constants.PAGE_MAX:  # else Arrow keeps the memory of the single pages
        pa.default_memory_pool().release_unused()
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


def _report_pages(
    pages: PageReader, progress: Callable[[int], object]
) -> Iterator[list[dict[str, Any]]]:
    read = 0
    for page in pages:
        read += len(page)
        progress(read)
        yield page


def _record_key(record: Any) -> str:  # noqa: ANN401  JSON
    """What a record is told by: its id, or all of it where it has none."""
    return record["id"] if is_customer(record) else repr(redact_tokens(record))
