"""Responses: JSON, and refusals in the envelope of the API that was called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Scope

    from clover_nb.sandbox.errors import APIException

Json = dict[str, Any]

# O-live: the Platform API names the encoding, in its refusals too.
PLATFORM_JSON: Final = "application/json;charset=utf-8"


def to_json(body: object) -> str:
    """Return JSON, as short as it goes."""
    return orjson.dumps(body).decode()


def json_response(
    body: object,
    status: int = 200,
    headers: dict[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Respond with JSON."""
    return Response(orjson.dumps(body), status, headers, media_type)


def error_response(
    error: APIException, scope: Scope, headers: dict[str, str] | None = None
) -> Response:
    """Respond with a refusal, in the envelope of the API that was called."""
    platform = is_platform_call(scope)
    media_type = PLATFORM_JSON if platform else "application/json"
    return json_response(error.body(platform=platform), error.status, headers, media_type)


def is_platform_call(scope: Scope) -> bool:
    """Tell whether a request is for the Platform API."""
    return bool(scope["path"].startswith("/v3/"))
