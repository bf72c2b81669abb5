"""Calls under `/_sandbox/` that control the sandbox, for programs in other languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from clover_nb.sandbox.api.openapi import Operation
from clover_nb.sandbox.api.request_body import read_json, validate_body
from clover_nb.sandbox.errors import APIException, ErrorCase
from clover_nb.sandbox.responses import json_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from clover_nb.sandbox.middleware.faults import FaultInjector
    from clover_nb.sandbox.middleware.request_log import RequestLog
    from clover_nb.sandbox.store import Store


class SeedBody(TypedDict):
    """How many people to add."""

    customers: Annotated[int, Field(ge=0, le=100_000)]


class FaultBody(TypedDict, total=False):
    """A fault for the next requests."""

    kind: Required[str | int]
    times: Annotated[int, Field(ge=1)]
    method: str
    path: str


_SEED: Final = TypeAdapter(SeedBody)
_FAULT: Final = TypeAdapter(FaultBody)


def make_operations(store: Store, faults: FaultInjector, log: RequestLog) -> list[Operation]:
    """Make the operations that control this store, these faults and this log."""

    async def reset(_request: Request) -> Response:
        """Go back to the start: the generated people alone, no faults scheduled, nothing logged."""
        reset_sandbox(store, faults, log)
        return json_response({})

    async def add_customers(request: Request) -> Response:
        """Add generated people."""
        store.seed(validate_body(_SEED, await read_json(request))["customers"])
        return json_response({})

    async def schedule_fault(request: Request) -> Response:
        """Schedule a fault for the next requests that match."""
        fault = validate_body(_FAULT, await read_json(request))
        try:
            faults.schedule(**fault)
        except ValueError as problem:
            raise APIException(ErrorCase.BODY_INVALID, str(problem)) from None
        return json_response({})

    async def expire_token(_request: Request) -> Response:
        """Refuse the access token from now on, and return the one that is accepted instead."""
        return json_response({"access_token": store.renew_token()})

    async def list_requests(_request: Request) -> Response:
        """Return the newest requests."""
        return json_response(list(log))

    return [
        Operation("POST", "/_sandbox/reset", reset),
        Operation("POST", "/_sandbox/seed", add_customers, body=_SEED),
        Operation("POST", "/_sandbox/faults", schedule_fault, body=_FAULT),
        Operation("POST", "/_sandbox/expire-token", expire_token),
        Operation("GET", "/_sandbox/requests", list_requests),
    ]


def reset_sandbox(store: Store, faults: FaultInjector, log: RequestLog) -> None:
    """Go back to the start."""
    store.reset()
    faults.clear()
    log.clear()
