"""Clover's limits for one token: requests a second, and requests at once."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from clover_nb import vendor
from clover_nb.sandbox.errors import Case, Refused, refusal
from clover_nb.sandbox.middleware.authentication import TOKENS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# D: the header that is there tells which limit was crossed, and its value is the limit;
# `retry-after` comes with the concurrent one.
RATE_HEADERS: Final = {"X-RateLimit-tokenLimit": str(vendor.REQUESTS_PER_SECOND)}
CONCURRENT_HEADERS: Final = {
    "X-RateLimit-tokenConcurrentLimit": str(vendor.REQUESTS_AT_ONCE),
    "retry-after": "1",
}


class Limiter:
    """Counts one token's requests. I: the second slides, and a refused request doesn't count."""

    def __init__(self) -> None:
        self._running = 0
        self._started: deque[float] = deque()

    def enter(self) -> dict[str, str]:
        """Count a request in, or return the headers of the limit that it would cross."""
        now = time.monotonic()
        while self._started and self._started[0] <= now - 1:
            self._started.popleft()
        if self._running >= vendor.REQUESTS_AT_ONCE:
            return CONCURRENT_HEADERS
        if len(self._started) >= vendor.REQUESTS_PER_SECOND:
            return RATE_HEADERS
        self._running += 1
        self._started.append(now)
        return {}

    def leave(self) -> None:
        """Count a request out."""
        self._running -= 1


class Limits:
    """The layer that keeps them; the bearer token and the apikey are limited apart (I)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._bearer, self._api_key = Limiter(), Limiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        limiter = self._api_key if scope["path"].startswith(TOKENS) else self._bearer
        if crossed := limiter.enter():
            await refusal(Refused(Case.RATE_LIMIT), scope, crossed)(scope, receive, send)
            return
        inside = True

        def leave() -> None:
            nonlocal inside
            if inside:
                limiter.leave()
            inside = False

        async def leaving(message: Message) -> None:
            # Before the last byte is out: whoever has the answer may send the next request.
            if message["type"] == "http.response.body" and not message.get("more_body"):
                leave()
            await send(message)

        try:
            await self._app(scope, receive, leaving)
        finally:
            leave()
