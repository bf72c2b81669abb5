"""Responses: JSON, and refusals in the envelope of the API that was called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Scope

    from clover_nb.sandbox.errors import APIException

Json = dict[str, Any]

# JSON as short as it goes; made once, since `json.dumps` would make an encoder for each call.
to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_response(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Respond with JSON."""
    return Response(to_json(body), status, headers, "application/json")


def error_response(
    error: APIException, scope: Scope, headers: dict[str, str] | None = None
) -> Response:
    """Respond with a refusal, in the envelope of the API that was called."""
    return json_response(error.body(platform=is_platform_call(scope)), error.status, headers)


def is_platform_call(scope: Scope) -> bool:
    """Tell whether a request is for the Platform API."""
    return bool(scope["path"].startswith("/v3/"))
