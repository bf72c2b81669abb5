"""Clover's limits for one token: requests a second, and requests at once."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import Final

from clover_nb import vendor

# D: the header that is there tells which limit was crossed, and its value is the limit;
# `retry-after` comes with the concurrent one.
RATE_HEADERS: Final = {"X-RateLimit-tokenLimit": str(vendor.REQUESTS_PER_SECOND)}
CONCURRENT_HEADERS: Final = {
    "X-RateLimit-tokenConcurrentLimit": str(vendor.REQUESTS_AT_ONCE),
    "retry-after": "1",
}


class Limiter:
    """Counts each token's requests. I: the second slides; a refused request counts for neither."""

    def __init__(self) -> None:
        self._running: defaultdict[str, int] = defaultdict(int)
        self._started: defaultdict[str, deque[float]] = defaultdict(deque)

    def enter(self, token: str) -> dict[str, str]:
        """Count a request in, or return the headers of the limit that it would cross."""
        now, started = time.monotonic(), self._started[token]
        while started and started[0] <= now - 1:
            started.popleft()
        if self._running[token] >= vendor.REQUESTS_AT_ONCE:
            return CONCURRENT_HEADERS
        if len(started) >= vendor.REQUESTS_PER_SECOND:
            return RATE_HEADERS
        self._running[token] += 1
        started.append(now)
        return {}

    def leave(self, token: str) -> None:
        """Count a request out."""
        self._running[token] -= 1
