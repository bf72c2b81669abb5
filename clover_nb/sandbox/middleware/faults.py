"""Faults on demand: what a network and a busy server do to a request, now and then or next."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from clover_nb.sandbox.errors import APIException, ErrorCase, status_line
from clover_nb.sandbox.middleware.rate_limit import RATE_HEADERS
from clover_nb.sandbox.responses import error_response, json_response

if TYPE_CHECKING:
    from random import Random

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What each does. A status comes instead of the change; what begins after it spoils the answer.
KINDS: Final = {
    "STATUS": "such as 500: instead of the change; 429 comes with the header of the rate limit",
    "reset-before": "the connection drops, and nothing is stored",
    "reset-after": "the change is stored, and the connection drops before the answer",
    "truncated": "the change is stored, and the answer breaks off in the middle",
    "html": "the change is stored, and a gateway answers 502 with an HTML page",
    "portal": "instead of the change; a network's sign-in page answers 200 with HTML",
    "webhook-lost": "the change is stored and answered, and its webhook is not sent",
    "webhook-late": "the change is stored and answered, and its webhook is sent two seconds later",
    "slow": "the request waits two seconds, and then goes on as usual",
}
_STATUSES: Final = {str(int(status)) for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}
_PASSING: Final = {"", "slow", "webhook-lost", "webhook-late"}
_SLOW_SECONDS: Final = 2.0
_GATEWAY_PAGE: Final = "<html><body><h1>502 Bad Gateway</h1></body></html>"
_PORTAL_PAGE: Final = "<html><body><h1>Welcome! Please sign in.</h1></body></html>"


@dataclass
class ScheduledFault:
    """A fault for the next requests that match."""

    kind: str
    times: int
    method: str
    path: str

    def matches(self, method: str, path: str) -> bool:
        """Tell whether it is meant for such a request."""
        return self.times > 0 and self.method in {"", method} and self.path in path


class FaultInjector:
    """Decides for each request what goes wrong: what is scheduled for the next ones, or chance."""

    def __init__(self, rates: str, random: Random) -> None:
        """Set the rates.

        Args:
            rates: `KIND:PERCENT%`, separated by commas, such as `500:5%,reset-after:2%`.
            random: The source of chance.

        Raises:
            ValueError: The text can't be read, or the rates exceed 100%.
        """
        self._rates = [_parse_rate(text) for text in rates.split(",") if text]
        if sum(share for _, share in self._rates) > 1:
            raise ValueError(f"the faults {rates!r} exceed 100%")
        self._random = random
        self._scheduled: list[ScheduledFault] = []

    def schedule(self, kind: str | int, times: int = 1, method: str = "", path: str = "") -> None:
        """Schedule a fault for the next requests whose method (if any) and part of the path fit."""
        self._scheduled.append(ScheduledFault(_check_kind(str(kind)), times, method.upper(), path))

    def clear(self) -> None:
        """Forget what is scheduled; the rates stay."""
        self._scheduled.clear()

    def next_fault(self, method: str, path: str) -> str:
        """Return the kind of the fault of this request, or nothing."""
        for scheduled in self._scheduled:
            if scheduled.matches(method, path):
                scheduled.times -= 1
                return scheduled.kind
        if self._rates:
            drawn = self._random.random()
            for kind, share in self._rates:
                if (drawn := drawn - share) < 0:
                    return kind
        return ""


def _check_kind(text: str) -> str:
    if text in _STATUSES or text in KINDS.keys() - {"STATUS"}:
        return text
    raise ValueError(f"no fault {text!r}; there are: {', '.join(KINDS)}")


def _parse_rate(text: str) -> tuple[str, float]:
    found = re.fullmatch(r"\s*([\w-]+):([0-9]+(?:\.[0-9]+)?)%\s*", text)
    if not found:
        raise ValueError(f"a fault is written KIND:PERCENT%, such as 500:5%, not {text!r}")
    return _check_kind(found[1]), float(found[2]) / 100


class LatencySampler:
    """How long requests wait: each as long as the others, or somewhat longer or shorter."""

    def __init__(self, milliseconds: float, jitter: float, random: Random) -> None:
        """Set it.

        Args:
            milliseconds: How long a request waits on average.
            jitter: By how many milliseconds more or less, each as likely as the next.
            random: The source of chance.

        Raises:
            ValueError: Some request would have to wait less than nothing.
        """
        if not 0 <= jitter <= milliseconds:
            raise ValueError(f"a latency of {milliseconds:g} ms can't vary by {jitter:g} ms")
        self._milliseconds, self._jitter, self._random = milliseconds, jitter, random

    def sample(self) -> float:
        """Return how many milliseconds the next request waits."""
        return self._milliseconds + self._jitter * self._random.uniform(-1, 1)


class FaultMiddleware:
    """Delays requests, and lets some of them fail."""

    def __init__(self, app: ASGIApp, faults: FaultInjector, latency: LatencySampler) -> None:
        """Set it up.

        Args:
            app: The next layer.
            faults: What goes wrong.
            latency: How long each request waits.
        """
        self._app = app
        self._faults = faults
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if wait := self._latency.sample():
            scope["log"]["latency_ms"] = wait
            await asyncio.sleep(wait / 1000)
        fault = scope["log"]["fault"] = self._faults.next_fault(scope["method"], scope["path"])
        if fault == "slow":
            await asyncio.sleep(_SLOW_SECONDS)
        if fault in _PASSING:
            await self._app(scope, receive, send)
        elif fault == "reset-before":
            abort_connection(scope)
        elif fault == "portal":
            await Response(_PORTAL_PAGE, 200, media_type="text/html")(scope, receive, send)
        elif fault.isdecimal():
            await _make_response(int(fault), scope)(scope, receive, send)
        else:
            await self._corrupt_response(fault, scope, receive, send)

    async def _corrupt_response(
        self, fault: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the application store what it will, and then lose or break its answer."""
        messages: list[Message] = []

        async def keep_message(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep_message)
        if fault == "html":
            await Response(_GATEWAY_PAGE, 502, media_type="text/html")(scope, receive, send)
            return
        if fault == "truncated":
            start, body = messages[0], messages[1]["body"]
            half = body[: len(body) // 2]
            await send(start)
            await send({"type": "http.response.body", "body": half, "more_body": True})
        abort_connection(scope)


def abort_connection(scope: Scope) -> None:
    """Close the connection without a response. The server puts the way to do so into the scope."""
    scope["extensions"]["connection"]["abort"]()


def _make_response(status: int, scope: Scope) -> Response:
    if status == ErrorCase.RATE_LIMIT.value.status:
        return error_response(APIException(ErrorCase.RATE_LIMIT), scope, RATE_HEADERS)
    return json_response({"message": status_line(status)}, status)
