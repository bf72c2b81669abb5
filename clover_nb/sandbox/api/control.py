"""Calls under `/_sandbox/` that control the sandbox, for programs in other languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Required

from fastapi import APIRouter, Request, Response
from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from clover_nb.sandbox.api.openapi import describe_body
from clover_nb.sandbox.api.request_body import read_json, validate
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.responses import json_response

if TYPE_CHECKING:
    from clover_nb.sandbox.middleware.faults import FaultInjector
    from clover_nb.sandbox.middleware.request_log import RequestLog
    from clover_nb.sandbox.store import Store


class Seed(TypedDict):
    """How many people to add."""

    customers: Annotated[int, Field(ge=0, le=100_000)]


class Fault(TypedDict, total=False):
    """A fault for the next requests."""

    kind: Required[str | int]
    times: Annotated[int, Field(ge=1)]
    method: str
    path: str


_SEED: Final = TypeAdapter(Seed)
_FAULT: Final = TypeAdapter(Fault)


def make_router(store: Store, faults: FaultInjector, log: RequestLog) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/_sandbox")

    @router.post("/reset")
    async def reset() -> Response:
        """Go back to the start: the invented people alone, no faults scheduled, nothing logged."""
        reset_sandbox(store, faults, log)
        return json_response({})

    @router.post("/seed", openapi_extra=describe_body(_SEED))
    async def add_customers(request: Request) -> Response:
        """Add invented people."""
        store.seed(validate(_SEED, await read_json(request))["customers"])
        return json_response({})

    @router.post("/faults", openapi_extra=describe_body(_FAULT))
    async def schedule_fault(request: Request) -> Response:
        """Schedule a fault for the next requests that fit."""
        fault = validate(_FAULT, await read_json(request))
        try:
            faults.schedule(**fault)
        except ValueError as problem:
            raise APIException(ErrorCase.BODY_INVALID, str(problem)) from None
        return json_response({})

    @router.get("/requests")
    async def list_requests() -> Response:
        """Return the newest requests."""
        return json_response(list(log))

    return router


def reset_sandbox(store: Store, faults: FaultInjector, log: RequestLog) -> None:
    """Go back to the start."""
    store.reset()
    faults.clear()
    log.clear()
