"""Clover's limits for one token: requests a second, and requests at once."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from clover_nb import constants
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.responses import error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# D: the header that is there tells which limit was crossed, and its value is the limit;
# `retry-after` comes with the concurrent one.
RATE_HEADERS: Final = {"X-RateLimit-tokenLimit": str(constants.REQUESTS_PER_SECOND)}
CONCURRENT_HEADERS: Final = {
    "X-RateLimit-tokenConcurrentLimit": str(constants.REQUESTS_AT_ONCE),
    "retry-after": "1",
}


class RateLimiter:
    """Counts one token's requests. I: the second slides, and a refused request doesn't count."""

    def __init__(self) -> None:
        self._running = 0
        self._started: deque[float] = deque()

    def acquire(self) -> dict[str, str]:
        """Count a request in, or return the headers of the limit that it would cross."""
        now = time.monotonic()
        while self._started and self._started[0] <= now - 1:
            self._started.popleft()
        if self._running >= constants.REQUESTS_AT_ONCE:
            return CONCURRENT_HEADERS
        if len(self._started) >= constants.REQUESTS_PER_SECOND:
            return RATE_HEADERS
        self._running += 1
        self._started.append(now)
        return {}

    def release(self) -> None:
        """Count a request out."""
        self._running -= 1


class RateLimitMiddleware:
    """Refuses what exceeds the limits."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        limiter = self._limiter
        if crossed := limiter.acquire():
            await error_response(APIException(ErrorCase.RATE_LIMIT), scope, crossed)(
                scope, receive, send
            )
            return
        running = True

        def release() -> None:
            nonlocal running
            if running:
                limiter.release()
            running = False

        async def send_and_release(message: Message) -> None:
            # Before the last byte is out: whoever has the answer may send the next request.
            if message["type"] == "http.response.body" and not message.get("more_body"):
                release()
            await send(message)

        try:
            await self._app(scope, receive, send_and_release)
        finally:
            release()
