"""Gives every API request its id, and keeps the newest requests."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any

from clover_nb.sandbox.ids import format_uuid

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# One entry a request, see `Sandbox.requests`.
RequestLog = deque[dict[str, Any]]


class RequestLogMiddleware:
    """Logs requests without secrets. Inner layers find the entry in ``scope["log"]``."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        headers = dict(scope["headers"])
        credential = headers.get(b"authorization") or headers.get(b"apikey")
        entry = scope["log"] = {
            "request_id": format_uuid(os.urandom(16)),
            "status": None,
            "fault": "",
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "credential": f"…{credential[-4:].decode('latin-1')}" if credential else "",
        }
        self._log.append(entry)

        async def send_with_request_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                # O-live: every answer carries a request id.
                message["headers"].append((b"x-clover-request-id", entry["request_id"].encode()))
                entry["status"] = message["status"]
            await send(message)

        await self._app(scope, receive, send_with_request_id)
