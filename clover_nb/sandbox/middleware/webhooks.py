"""Webhooks: posts what changed to a program on this machine, after the answer is out."""

from __future__ import annotations

import asyncio
import http.client
import logging
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from clover_nb.sandbox.responses import to_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from clover_nb.sandbox.ids import Credentials
    from clover_nb.sandbox.store import CustomerChange, Store

_log = logging.getLogger(__name__)
_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
_TRIES: Final = 4
_LATE_SECONDS: Final = 2.0
_TIMEOUT: Final = 10.0
_REFUSED: Final = 300  # and above


class WebhookSender:
    """Posts changes to one address. D: at least once, not in order, and perhaps late or never."""

    def __init__(self, url: str, auth_code: str, credentials: Credentials) -> None:
        """Set it up.

        Args:
            url: Where to; on loopback.
            auth_code: What the receiver knows the sandbox by, in the header `X-Clover-Auth`.
            credentials: Whose changes.

        Raises:
            ValueError: The address isn't http on loopback, or has characters that no request can
                carry; or the code has.
        """
        if not re.fullmatch("[!-~]*", url + auth_code):
            raise ValueError("the address of webhooks and their code are letters, digits and signs")
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise ValueError(f"webhooks go to http on this machine alone, not to {url!r}")
        self._url = url
        self._host, self._port = parts.hostname, parts.port or 80
        self._path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        self._headers = {"Content-Type": "application/json", "X-Clover-Auth": auth_code}
        self._credentials = credentials
        self._tasks: set[asyncio.Task[None]] = set()

    def schedule(self, changes: list[CustomerChange], delay: float) -> None:
        """Post changes soon, without being waited for."""
        events = [
            {"objectId": f"C:{change.customer_id}", "type": change.kind, "ts": change.time}
            for change in changes
        ]
        body = {
            "appId": self._credentials.app_id,
            "merchants": {self._credentials.merchant_id: events},
        }
        task = asyncio.create_task(self._deliver_event(to_json(body).encode(), delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_event(self, body: bytes, delay: float) -> None:
        for attempt in range(_TRIES):
            await asyncio.sleep(2 ** (attempt - 1) if attempt else delay)
            try:
                await asyncio.to_thread(self._post_event, body)
            except (OSError, http.client.HTTPException) as problem:
                why = problem
            else:
                return
        _log.warning("%s took no webhook, asked %d times: %s", self._url, _TRIES, why)

    def _post_event(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT)
        try:
            connection.request("POST", self._path, body, self._headers)
            status = connection.getresponse().status
            if status >= _REFUSED:
                raise OSError(f"it answered with the status {status}")
        finally:
            connection.close()


class WebhookMiddleware:
    """Hands what a request changed to the sender, once the answer is out."""

    def __init__(self, app: ASGIApp, store: Store, sender: WebhookSender) -> None:
        self._app = app
        self._store = store
        self._sender = sender

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        changes: list[CustomerChange] = []

        async def send_and_keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                changes.extend(self._store.take_changes())
            await send(message)

        await self._app(scope, receive, send_and_keep)
        fault = scope["log"]["fault"]
        if changes and fault != "webhook-lost":
            self._sender.schedule(changes, _LATE_SECONDS if fault == "webhook-late" else 0)
