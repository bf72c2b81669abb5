"""The web application: routes, middleware, and the responses to what is refused."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match, Route

from clover_nb.sandbox.api import checkout, control, ecommerce, pages, platform, tokens
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.middleware.authentication import APIKeyMiddleware, BearerMiddleware
from clover_nb.sandbox.middleware.faults import FaultMiddleware
from clover_nb.sandbox.middleware.rate_limit import RateLimiter, RateLimitMiddleware
from clover_nb.sandbox.middleware.request_log import RequestLogMiddleware
from clover_nb.sandbox.middleware.webhooks import WebhookMiddleware
from clover_nb.sandbox.responses import error_response, is_platform_call

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from clover_nb.sandbox.api.openapi import Operation
    from clover_nb.sandbox.merchant import Merchant
    from clover_nb.sandbox.middleware.faults import FaultInjector, LatencySampler
    from clover_nb.sandbox.middleware.request_log import RequestLog
    from clover_nb.sandbox.middleware.webhooks import WebhookSender

_ASKED_MOST: Final = (ecommerce.create_customer, platform.get_customer)


def build_app(
    merchant: Merchant,
    *,
    faults: FaultInjector,
    latency: LatencySampler,
    log: RequestLog,
    webhooks: WebhookSender | None,
    has_limits: bool,
    has_control: bool,
) -> Starlette:
    """Make the application that answers as Clover does, for one merchant.

    Args:
        merchant: Whose customers it has.
        faults: Which requests fail.
        latency: How long requests take.
        log: Where the newest requests are kept.
        webhooks: Where changes are posted to, if they are.
        has_limits: Whether to refuse what exceeds Clover's limits.
        has_control: Whether to serve `/_sandbox/`.
    """
    in_query = merchant.is_on("token_in_query")
    bearer = Middleware(BearerMiddleware, store=merchant.store, in_query=in_query)
    api_key = Middleware(APIKeyMiddleware, credentials=merchant.credentials)
    inner = [Middleware(FaultMiddleware, faults=faults, latency=latency)]
    if webhooks:
        inner.append(Middleware(WebhookMiddleware, store=merchant.store, sender=webhooks))
    guards: dict[str, list[Middleware]] = {"bearer": [bearer], "apikey": [api_key]}
    if has_limits:
        # I: the bearer token and the apikey are limited apart.
        for guard in guards.values():
            guard.append(Middleware(RateLimitMiddleware, limiter=RateLimiter()))

    operations = [*tokens.operations, *ecommerce.operations, *platform.operations]
    for setting, more in ecommerce.optional_operations.items():
        operations += more if merchant.is_on(setting) else []
    # They are tried one after the other.
    by_use = sorted(operations, key=lambda each: each.endpoint not in _ASKED_MOST)
    routes = [_make_route(each, [*guards[each.credential], *inner]) for each in by_use]
    if has_control:
        # A page of a stranger may send requests here, under any name that it gives this address.
        own = [Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]), bearer]
        controls = control.make_operations(merchant.store, faults, log)
        routes += [_make_route(each, own) for each in controls]
        operations += controls
    app = Starlette(
        routes=[*routes, *checkout.routes, *pages.routes],
        middleware=[Middleware(RequestLogMiddleware, log=log), Middleware(TrailingSlashMiddleware)],
        exception_handlers={
            APIException: _handle_api_exception,
            HTTPException: _handle_http_exception,
            ClientDisconnect: _ignore_disconnect,
        },
    )
    app.router.redirect_slashes = False
    app.state.merchant = merchant
    app.state.operations = operations
    return app


class TrailingSlashMiddleware:
    """Lets a path with a slash at its end be the one without. O-live: Clover does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        path = scope["path"]
        if path.endswith("/") and not path.endswith("//") and path != "/":
            scope["path"] = path[:-1]
        await self._app(scope, receive, send)


def _make_route(operation: Operation, middleware: list[Middleware]) -> Route:
    route = Route(
        operation.path, operation.endpoint, methods=[operation.method], middleware=middleware
    )
    route.methods = {operation.method}  # starlette adds HEAD
    return route


async def _handle_api_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, APIException)  # noqa: S101  registered for it
    return error_response(error, request.scope)


async def _ignore_disconnect(_request: Request, _error: Exception) -> Any:  # noqa: ANN401  starlette's type lacks None
    """Respond with nothing: the client left in the middle of its request."""


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        # O-live: what is no endpoint is told by text, before the token is looked at.
        return Response("404 Not Found", HTTPStatus.NOT_FOUND, media_type="text/plain")
    # O-live: OPTIONS is among the methods that are named.
    allowed = {"Allow": ", ".join(sorted({*_find_methods(request), "OPTIONS"}))}
    if request.method == "OPTIONS":
        return Response(headers=allowed)
    if is_platform_call(request.scope):
        # O-live: a wrong method on the Platform API is answered with text, of no content type.
        return Response(f"405 {request.method} not allowed.", error.status_code, allowed)
    return error_response(APIException(ErrorCase.METHOD_NOT_ALLOWED), request.scope, allowed)


def _find_methods(request: Request) -> set[str]:
    routes = (route for route in request.app.router.routes if isinstance(route, Route))
    return {
        method
        for route in routes
        if route.matches(request.scope)[0] != Match.NONE
        for method in route.methods or ()
    }
