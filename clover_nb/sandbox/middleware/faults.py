"""Faults on demand: what a network and a busy server do to a request, now and then or next."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from fastapi import Response

from clover_nb.sandbox.errors import Case, Refused, refusal, status_line
from clover_nb.sandbox.merchant import answer
from clover_nb.sandbox.middleware.rate_limit import RATE_HEADERS

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
    "slow": "the request waits two seconds, and then goes on as usual",
}
_STATUSES: Final = {str(int(status)) for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}
_SLOW_SECONDS: Final = 2.0
_GATEWAY_PAGE: Final = "<html><body><h1>502 Bad Gateway</h1></body></html>"
_PORTAL_PAGE: Final = "<html><body><h1>Welcome! Please sign in.</h1></body></html>"


@dataclass
class _Planned:
    kind: str
    times: int
    method: str
    path: str

    def fits(self, method: str, path: str) -> bool:
        """Tell whether it is meant for such a request."""
        return self.times > 0 and self.method in {"", method} and self.path in path


class Faults:
    """Decides for each request what goes wrong: what was planned for the next ones, or dice."""

    def __init__(self, rates: str, dice: Random) -> None:
        """Set the rates.

        Args:
            rates: `KIND:PERCENT%`, separated by commas, such as `500:5%,reset-after:2%`.
            dice: What throws.

        Raises:
            ValueError: The text can't be read, or the rates exceed 100%.
        """
        self._rates = [_rate(text) for text in rates.split(",") if text]
        if sum(share for _, share in self._rates) > 1:
            raise ValueError(f"the faults {rates!r} exceed 100%")
        self._dice = dice
        self._planned: list[_Planned] = []

    def plan(self, kind: str | int, times: int = 1, method: str = "", path: str = "") -> None:
        """Plan a fault for the next requests whose method (if any) and part of the path fit."""
        self._planned.append(_Planned(_kind(str(kind)), times, method.upper(), path))

    def clear(self) -> None:
        """Forget what is planned; the rates stay."""
        self._planned.clear()

    def pick(self, method: str, path: str) -> str:
        """Return the kind of the fault of this request, or nothing."""
        for planned in self._planned:
            if planned.fits(method, path):
                planned.times -= 1
                return planned.kind
        if self._rates:
            thrown = self._dice.random()
            for kind, share in self._rates:
                if (thrown := thrown - share) < 0:
                    return kind
        return ""


def _kind(text: str) -> str:
    if text in _STATUSES or text in KINDS.keys() - {"STATUS"}:
        return text
    raise ValueError(f"no fault {text!r}; there are: {', '.join(KINDS)}")


def _rate(text: str) -> tuple[str, float]:
    found = re.fullmatch(r"\s*([\w-]+):([0-9]+(?:\.[0-9]+)?)%\s*", text)
    if not found:
        raise ValueError(f"a fault is written KIND:PERCENT%, such as 500:5%, not {text!r}")
    return _kind(found[1]), float(found[2]) / 100


class Latency:
    """How long requests wait: each as long as the others, or somewhat longer or shorter."""

    def __init__(self, milliseconds: float, jitter: float, dice: Random) -> None:
        """Set it.

        Args:
            milliseconds: How long a request waits on average.
            jitter: By how many milliseconds more or less, each as likely as the next.
            dice: What throws.

        Raises:
            ValueError: Some request would have to wait less than nothing.
        """
        if not 0 <= jitter <= milliseconds:
            raise ValueError(f"a latency of {milliseconds:g} ms can't vary by {jitter:g} ms")
        self._milliseconds, self._jitter, self._dice = milliseconds, jitter, dice

    def draw(self) -> float:
        """Return how many milliseconds the next request waits."""
        return self._milliseconds + self._jitter * self._dice.uniform(-1, 1)


class Accidents:
    """The layer in which requests wait, and things go wrong."""

    def __init__(self, app: ASGIApp, faults: Faults, latency: Latency) -> None:
        """Set it up.

        Args:
            app: What is behind it.
            faults: What goes wrong.
            latency: How long each request waits.
        """
        self._app = app
        self._faults = faults
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if wait := self._latency.draw():
            scope["log"]["latency_ms"] = wait
            await asyncio.sleep(wait / 1000)
        fault = scope["log"]["fault"] = self._faults.pick(scope["method"], scope["path"])
        if fault == "slow":
            await asyncio.sleep(_SLOW_SECONDS)
        if fault in {"", "slow"}:
            await self._app(scope, receive, send)
        elif fault == "reset-before":
            scope["hang_up"]()
        elif fault == "portal":
            await Response(_PORTAL_PAGE, 200, media_type="text/html")(scope, receive, send)
        elif fault.isdecimal():
            await _status(int(fault), scope)(scope, receive, send)
        else:
            await self._spoil(fault, scope, receive, send)

    async def _spoil(self, fault: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application store what it will, and then lose or break its answer."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        if fault == "html":
            await Response(_GATEWAY_PAGE, 502, media_type="text/html")(scope, receive, send)
            return
        if fault == "truncated":
            start, body = messages[0], messages[1]["body"]
            half = body[: len(body) // 2]
            await send(start)
            await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["hang_up"]()


def _status(status: int, scope: Scope) -> Response:
    if status == Case.RATE_LIMIT.value.status:
        return refusal(Refused(Case.RATE_LIMIT), scope, RATE_HEADERS)
    return answer({"message": status_line(status)}, status)
