"""Checks the bearer token, or the `apikey` of the token service."""

from __future__ import annotations

from secrets import compare_digest
from typing import TYPE_CHECKING, Final

from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.responses import error_response, is_platform_call

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from clover_nb.sandbox.ids import Credentials

TOKENS: Final = "/v1/tokens"


class AuthenticationMiddleware:
    """Refuses API requests without the right credential."""

    def __init__(self, app: ASGIApp, credentials: Credentials) -> None:
        self._app = app
        self._bearer = f"Bearer {credentials.access_token}".encode()
        self._api_key = credentials.api_key.encode()
        self._merchant = f"/v3/merchants/{credentials.merchant_id}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        case = self._find_error(scope)
        app = error_response(APIException(case), scope) if case else self._app
        await app(scope, receive, send)

    def _find_error(self, scope: Scope) -> ErrorCase | None:
        headers = dict(scope["headers"])
        if scope["path"].startswith(TOKENS):
            # D: tokens are made with the public key, not with the bearer token.
            good = compare_digest(headers.get(b"apikey", b""), self._api_key)
            return None if good else ErrorCase.API_KEY_INVALID
        good = compare_digest(headers.get(b"authorization", b""), self._bearer)
        # D: a wrong merchant looks like a wrong token.
        good = good and (not is_platform_call(scope) or scope["path"].startswith(self._merchant))
        return None if good else ErrorCase.BEARER_INVALID
