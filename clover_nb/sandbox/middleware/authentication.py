"""Checks the bearer token, or the `apikey` of the token service."""

from __future__ import annotations

from secrets import compare_digest
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.responses import error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from clover_nb.sandbox.ids import Credentials
    from clover_nb.sandbox.store import Store


class BearerMiddleware:
    """Refuses requests without the access token, or for another merchant."""

    def __init__(self, app: ASGIApp, store: Store, *, in_query: bool = False) -> None:
        """Set it up.

        Args:
            app: The next layer.
            store: Knows the token that is accepted now.
            in_query: Whether the token may stand in the query, as `access_token`.
        """
        self._app = app
        self._store = store
        self._in_query = in_query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        # D: a wrong merchant looks like a wrong token.
        own_id = self._store.credentials.merchant_id
        merchant_id = scope["path_params"].get("merchant_id", own_id)
        if merchant_id == own_id and self._has_token(scope):
            await self._app(scope, receive, send)
            return
        refusal = APIException(ErrorCase.BEARER_INVALID)
        await error_response(refusal, scope)(scope, receive, send)

    def _has_token(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not given and self._in_query:
            query = parse_qs(scope["query_string"])
            given = b"Bearer " + query.get(b"access_token", [b""])[0]
        return compare_digest(given, b"Bearer " + self._store.credentials.access_token.encode())


class APIKeyMiddleware:
    """Refuses requests without the public key. D: tokens are made with it, not with the bearer."""

    def __init__(self, app: ASGIApp, credentials: Credentials) -> None:
        self._app = app
        self._api_key = credentials.api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        given = dict(scope["headers"]).get(b"apikey", b"")
        if compare_digest(given, self._api_key):
            await self._app(scope, receive, send)
            return
        refusal = APIException(ErrorCase.API_KEY_INVALID)
        await error_response(refusal, scope)(scope, receive, send)
