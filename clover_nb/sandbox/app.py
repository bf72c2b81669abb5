"""The web application: routes, middleware, and the responses to what is refused."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from fastapi import Request, Response
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route

from clover_nb.sandbox.api import checkout, control, ecommerce, openapi, pages, platform, tokens
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.middleware.authentication import AuthenticationMiddleware
from clover_nb.sandbox.middleware.faults import FaultMiddleware
from clover_nb.sandbox.middleware.rate_limit import RateLimitMiddleware
from clover_nb.sandbox.middleware.request_log import RequestLogMiddleware
from clover_nb.sandbox.responses import error_response, is_platform_call

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

    from clover_nb.sandbox.merchant import Merchant
    from clover_nb.sandbox.middleware.faults import FaultInjector, Latency
    from clover_nb.sandbox.middleware.request_log import RequestLog

_API_PATHS: Final = ("/v1/", "/pakms/", "/v3/")


def build_app(
    merchant: Merchant,
    *,
    faults: FaultInjector,
    latency: Latency,
    log: RequestLog,
    has_limits: bool,
    has_control: bool,
) -> ASGIApp:
    """Make the application that answers as Clover does, for one merchant.

    Args:
        merchant: Whose customers it has.
        faults: Which requests fail.
        latency: How long requests take.
        log: Where the newest requests are kept.
        has_limits: Whether to refuse what exceeds Clover's limits.
        has_control: Whether to serve `/_sandbox/`.
    """
    router = control.make_router(merchant.store, faults, log) if has_control else None
    pages_app = _build_routes(merchant, router)
    api_app: ASGIApp = FaultMiddleware(pages_app, faults, latency)
    if has_limits:
        api_app = RateLimitMiddleware(api_app)
    api_app = AuthenticationMiddleware(api_app, merchant.credentials)
    api_app = RequestLogMiddleware(api_app, log)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = api_app if scope["path"].startswith(_API_PATHS) else pages_app
        await chosen(scope, receive, send)

    return app


def _build_routes(merchant: Merchant, control_router: APIRouter | None) -> FastAPI:
    app = FastAPIOffline(
        title="Clover's customers, in a sandbox",
        description=pages.SUMMARY,
        redirect_slashes=False,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.merchant = merchant
    routers = [tokens.router, ecommerce.router, platform.router, checkout.router, pages.router]
    routers += [ecommerce.undocumented_router] if merchant.is_on("undocumented_calls") else []
    routers += [control_router] if control_router else []
    # Before the pages for people; include_router would match every path twice.
    app.router.routes[:0] = [route for router in routers for route in router.routes]
    app.openapi = lambda: openapi.build_openapi(app, merchant.credentials.merchant_id)  # type: ignore[method-assign]  # FastAPI's own way
    app.add_exception_handler(APIException, _handle_api_exception)
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(ClientDisconnect, _ignore_disconnect)  # type: ignore[arg-type]  # may
    return app


async def _handle_api_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, APIException)  # noqa: S101  registered for it
    return error_response(error, request.scope)


async def _ignore_disconnect(_request: Request, _error: Exception) -> None:
    """Respond with nothing: the client left in the middle of its request."""


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return error_response(APIException(ErrorCase.NOT_FOUND), request.scope)
    allowed = {"Allow": ", ".join(sorted(_find_methods(request)))}
    if is_platform_call(request.scope):
        # O-live: a wrong method on the Platform API is answered with text, not JSON.
        text = f"405 {request.method} not allowed."
        return Response(text, error.status_code, allowed, "text/plain")
    return error_response(APIException(ErrorCase.METHOD_NOT_ALLOWED), request.scope, allowed)


def _find_methods(request: Request) -> set[str]:
    routes = (route for route in request.app.router.routes if isinstance(route, Route))
    return {
        method
        for route in routes
        if route.matches(request.scope)[0] != Match.NONE
        for method in route.methods or ()
    }
