"""The web application: its routes, its answers to refusals, and its pages for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import Request, Response
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from clover_nb.sandbox.api import checkout, ecommerce, openapi, platform
from clover_nb.sandbox.api import pages as about
from clover_nb.sandbox.errors import Case, Refused, on_platform, refusal

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

    from clover_nb.sandbox.merchant import Merchant


def build(merchant: Merchant, control: APIRouter | None = None) -> FastAPI:
    """Make the application that answers as Clover does, for one merchant.

    Args:
        merchant: Whose customers it has.
        control: Routes to control the sandbox with, if it may be.
    """
    app = FastAPIOffline(
        title="Clover's customers, in a sandbox",
        description=about.SUMMARY,
        redirect_slashes=False,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.merchant = merchant
    routers = [ecommerce.router, platform.router, checkout.router, about.router]
    routers += [ecommerce.undocumented] if merchant.on("undocumented_calls") else []
    routers += [control] if control else []
    # Before the pages for people; include_router would match every path twice.
    app.router.routes[:0] = [route for router in routers for route in router.routes]
    app.openapi = lambda: openapi.describe(app, merchant.keys.merchant_id)  # type: ignore[method-assign]  # FastAPI's own way
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    return app


async def _refused(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refused)  # noqa: S101  registered for it
    return refusal(problem, request.scope)


async def _no_route(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101  registered for it
    if problem.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return refusal(Refused(Case.NOT_FOUND), request.scope)
    allowed = {"Allow": ", ".join(sorted(_methods(request)))}
    if on_platform(request.scope):
        # O-live: a wrong method on the Platform API is answered with text, not JSON.
        text = f"405 {request.method} not allowed."
        return Response(text, problem.status_code, allowed, "text/plain")
    return refusal(Refused(Case.METHOD_NOT_ALLOWED), request.scope, allowed)


def _methods(request: Request) -> set[str]:
    routes = (route for route in request.app.router.routes if isinstance(route, Route))
    return {
        method
        for route in routes
        if route.matches(request.scope)[0] != Match.NONE
        for method in route.methods or ()
    }
