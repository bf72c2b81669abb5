"""The web application: the door that every request passes, and the routes behind it."""

from __future__ import annotations

import os
from http import HTTPStatus
from secrets import compare_digest
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from clover_nb.sandbox import ecommerce, platform
from clover_nb.sandbox.errors import Case, PlatformRefused, Refused
from clover_nb.sandbox.identity import uuid_of
from clover_nb.sandbox.limits import Limiter

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from clover_nb.sandbox.merchant import Merchant

_TOKENS: Final = "/v1/tokens"
_PLATFORM: Final = "/v3/"


class Door:
    """Gives every answer its request id, lets in who has the key, and keeps the limits."""

    def __init__(self, app: ASGIApp, merchant: Merchant, limiter: Limiter | None) -> None:
        self._app = app
        self._limiter = limiter
        self._bearer = f"Bearer {merchant.keys.access_token}".encode()
        self._api_key = merchant.keys.api_key.encode()
        self._own = f"/v3/merchants/{merchant.keys.merchant_id}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        # O-live: every answer carries it.
        request_id = uuid_of(os.urandom(16)).encode()

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-clover-request-id", request_id))
            await send(message)

        if refused := self._unauthorized(scope):
            await refusal(refused)(scope, receive, stamped)
        elif self._limiter:
            await self._limited(self._limiter, scope, receive, stamped)
        else:
            await self._app(scope, receive, stamped)

    def _unauthorized(self, scope: Scope) -> Refused | None:
        path, headers = scope["path"], dict(scope["headers"])
        if path.startswith(_TOKENS):
            # D: tokens are made with the public key, not with the bearer token.
            good = compare_digest(headers.get(b"apikey", b""), self._api_key)
            return None if good else Refused(Case.API_KEY_INVALID)
        if path.startswith(("/v1/", "/pakms/", _PLATFORM)):
            good = compare_digest(headers.get(b"authorization", b""), self._bearer)
            # D: a wrong merchant looks like a wrong token.
            good = good and (not path.startswith(_PLATFORM) or path.startswith(self._own))
            return None if good else Refused(Case.BEARER_INVALID)
        return None

    async def _limited(self, limiter: Limiter, scope: Scope, receive: Receive, send: Send) -> None:
        token = "apikey" if scope["path"].startswith(_TOKENS) else "bearer"
        if crossed := limiter.enter(token):
            problem = PlatformRefused(429) if _on_platform(scope) else Refused(Case.RATE_LIMIT)
            await refusal(problem, crossed)(scope, receive, send)
            return
        running = True

        def leave() -> None:
            nonlocal running
            if running:
                limiter.leave(token)
                running = False

        async def leaving(message: Message) -> None:
            # Before the last byte is out: whoever has the answer may send the next request.
            if message["type"] == "http.response.body" and not message.get("more_body"):
                leave()
            await send(message)

        try:
            await self._app(scope, receive, leaving)
        finally:
            leave()


def build(merchant: Merchant, *, limits: bool) -> FastAPI:
    """Make the application that answers as Clover does, for one merchant."""
    app = FastAPI(
        title="clover-nb sandbox",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.merchant = merchant
    for router in (ecommerce.router, platform.router):
        app.router.routes.extend(router.routes)  # include_router would match every path twice
    app.add_middleware(Door, merchant=merchant, limiter=Limiter() if limits else None)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(PlatformRefused, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    return app


def refusal(problem: Refused | PlatformRefused, headers: dict[str, str] | None = None) -> Response:
    """Make the answer of a refusal."""
    return Response(problem.body(), problem.status, headers, "application/json")


def _on_platform(scope: Scope) -> bool:
    return bool(scope["path"].startswith(_PLATFORM))


async def _refused(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refused | PlatformRefused)  # noqa: S101  registered for these two
    return refusal(problem)


async def _no_route(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101  registered for it
    on_platform = _on_platform(request.scope)
    if problem.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return refusal(
            PlatformRefused(404, "Not Found") if on_platform else Refused(Case.NOT_FOUND)
        )
    allowed = {"Allow": ", ".join(sorted(_methods(request)))}
    if on_platform:
        # O-live: text, no JSON.
        text = f"405 {request.method} not allowed."
        return Response(text, problem.status_code, allowed, "text/plain")
    return refusal(Refused(Case.METHOD_NOT_ALLOWED), allowed)


def _methods(request: Request) -> set[str]:
    routes = (r for r in request.app.router.routes if isinstance(r, Route))
    return {m for r in routes if r.matches(request.scope)[0] != Match.NONE for m in r.methods or ()}
