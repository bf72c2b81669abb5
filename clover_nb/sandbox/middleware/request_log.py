"""Gives every API request its id, and keeps the newest requests."""

from __future__ import annotations

import os
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from clover_nb.sandbox.ids import format_uuid
from clover_nb.sandbox.responses import is_platform_call

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# One entry a request, see `Sandbox.requests`.
RequestLog = deque[dict[str, Any]]

_API_PATHS: Final = ("/v1/", "/pakms/", "/v3/")


class RequestLogMiddleware:
    """Logs API requests without secrets. Inner layers find the entry in ``scope["log"]``."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if not scope["path"].startswith(_API_PATHS):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        credential = headers.get(b"authorization") or headers.get(b"apikey")
        entry = scope["log"] = {
            "request_id": format_uuid(os.urandom(16)),
            "status": None,
            "fault": "",
            "method": scope["method"],
            "path": scope["path"],
            "query": _mask_query(scope["query_string"].decode("latin-1")),
            "credential": f"…{credential[-4:].decode('latin-1')}" if credential else "",
        }
        self._log.append(entry)

        async def send_with_request_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = entry["status"] = message["status"]
                # O-live: every answer carries a request id, but that to a wrong method.
                if status != HTTPStatus.METHOD_NOT_ALLOWED or not is_platform_call(scope):
                    request_id = entry["request_id"].encode()
                    message["headers"].append((b"x-clover-request-id", request_id))
            await send(message)

        await self._app(scope, receive, send_with_request_id)


def _mask_query(query: str) -> str:
    parts = [part.partition("=") for part in query.split("&")]
    return "&".join(
        f"{name}{sign}…{value[-4:]}" if name == "access_token" else f"{name}{sign}{value}"
        for name, sign, value in parts
    )
