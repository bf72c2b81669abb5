"""The door that every request passes: it is given its id, is logged, and shows its key."""

from __future__ import annotations

import os
from collections import deque
from secrets import compare_digest
from typing import TYPE_CHECKING, Any, Final

from clover_nb.sandbox.errors import Case, Refused, on_platform, refusal
from clover_nb.sandbox.ids import uuid_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from clover_nb.sandbox.ids import Keys

TOKENS: Final = "/v1/tokens"
_API: Final = ("/v1/", "/pakms/", "/v3/")

# One entry a request, see `Sandbox.requests`.
Log = deque[dict[str, Any]]


class Door:
    """The outermost layer of the application."""

    def __init__(self, pages: ASGIApp, api: ASGIApp, keys: Keys, log: Log) -> None:
        """Set it up.

        Args:
            pages: What answers people; open to all.
            api: What answers Clover's calls.
            keys: The keys that open it.
            log: Where the newest calls are kept.
        """
        self._pages = pages
        self._api = api
        self._log = log
        self._bearer = f"Bearer {keys.access_token}".encode()
        self._api_key = keys.api_key.encode()
        self._own = f"/v3/merchants/{keys.merchant_id}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        request_id = uuid_of(os.urandom(16))
        entry = scope["log"] = {"request_id": request_id, "status": None, "fault": ""}
        # uvicorn's `send` is a method of the exchange; there is no other way to hang up.
        scope["hang_up"] = getattr(send, "__self__").transport.abort  # noqa: B009  mypy knows none

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                # O-live: every answer carries a request id.
                message["headers"].append((b"x-clover-request-id", request_id.encode()))
                entry["status"] = message["status"]
            await send(message)

        if not scope["path"].startswith(_API):
            await self._pages(scope, receive, stamped)
            return
        headers = dict(scope["headers"])
        entry["method"], entry["path"] = scope["method"], scope["path"]
        entry["query"] = scope["query_string"].decode("latin-1")
        entry["credential"] = _masked(headers.get(b"authorization") or headers.get(b"apikey"))
        self._log.append(entry)
        refused = self._unauthorized(scope, headers)
        await (refusal(refused, scope) if refused else self._api)(scope, receive, stamped)

    def _unauthorized(self, scope: Scope, headers: dict[bytes, bytes]) -> Refused | None:
        if scope["path"].startswith(TOKENS):
            # D: tokens are made with the public key, not with the bearer token.
            good = compare_digest(headers.get(b"apikey", b""), self._api_key)
            return None if good else Refused(Case.API_KEY_INVALID)
        good = compare_digest(headers.get(b"authorization", b""), self._bearer)
        # D: a wrong merchant looks like a wrong token.
        good = good and (not on_platform(scope) or scope["path"].startswith(self._own))
        return None if good else Refused(Case.BEARER_INVALID)


def _masked(credential: bytes | None) -> str:
    return f"…{credential[-4:].decode('latin-1')}" if credential else ""
