"""Calls under `/_sandbox/` that control the sandbox, for programs in other languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Required

from fastapi import APIRouter, Request, Response
from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from clover_nb.sandbox.api.openapi import takes
from clover_nb.sandbox.api.request_body import check, read
from clover_nb.sandbox.errors import Case, Refused
from clover_nb.sandbox.merchant import answer

if TYPE_CHECKING:
    from clover_nb.sandbox.middleware.authentication import Log
    from clover_nb.sandbox.middleware.faults import Faults
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


def routes(store: Store, faults: Faults, log: Log) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/_sandbox")

    @router.post("/reset")
    async def reset() -> Response:
        """Go back to the start: the invented people alone, no faults planned, nothing logged."""
        start_again(store, faults, log)
        return answer({})

    @router.post("/seed", openapi_extra=takes(_SEED))
    async def seed(request: Request) -> Response:
        """Add invented people."""
        store.seed(check(_SEED, await read(request))["customers"])
        return answer({})

    @router.post("/faults", openapi_extra=takes(_FAULT))
    async def fault(request: Request) -> Response:
        """Plan a fault for the next requests that fit."""
        planned = check(_FAULT, await read(request))
        try:
            faults.plan(**planned)
        except ValueError as problem:
            raise Refused(Case.BODY_INVALID, str(problem)) from None
        return answer({})

    @router.get("/requests")
    async def requests() -> Response:
        """Return the newest requests."""
        return answer(list(log))

    return router


def start_again(store: Store, faults: Faults, log: Log) -> None:
    """Go back to the start."""
    store.reset()
    faults.clear()
    log.clear()
