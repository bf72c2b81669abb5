"""The description of the API, for /docs and for tools that test it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from fastapi import FastAPI

    from clover_nb.sandbox.responses import Json

_REF: Final = "#/components/schemas/{model}"
_ERROR: Final = {
    "description": "Refused, in the envelope of the API that was called.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["message"],
                "properties": {
                    "message": {"type": "string"},
                    "details": {"type": "string"},
                    "error": {"type": "object", "required": ["code"]},
                },
            }
        },
        "text/plain": {"schema": {"type": "string"}},
    },
}
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apikey": {"type": "apiKey", "in": "header", "name": "apikey"},
}
_shapes: dict[str, TypeAdapter[Any]] = {}


def describe_body(shape: TypeAdapter[Any]) -> Json:
    """Describe a body of this shape, for a route's `openapi_extra`."""
    name = shape.core_schema.get("cls", dict).__name__
    _shapes[name] = shape
    schema = {"$ref": _REF.format(model=name)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def describe_parameter(name: str, schema: Json, **more: object) -> Json:
    """Describe a parameter of the query."""
    return {"name": name, "in": "query", "required": False, "schema": schema, **more}


def _step(name: str, merchant_id: str) -> Json:
    schema: Json = {"type": "string"}
    if name == "merchant_id":
        schema["enum"] = [merchant_id]
    return {"name": name, "in": "path", "required": True, "schema": schema}


def build_openapi(app: FastAPI, merchant_id: str) -> Json:
    """Return the OpenAPI description of an application."""
    description = get_openapi(
        title=app.title, version="1", description=app.description, routes=app.routes
    )
    _, bodies = TypeAdapter.json_schemas(
        [(name, "validation", shape) for name, shape in _shapes.items()], ref_template=_REF
    )
    description["components"] = {"schemas": bodies["$defs"], "securitySchemes": _SECURITY}
    for path, operations in description["paths"].items():
        names = re.findall(r"{(\w+)}", path)
        scheme = "apikey" if path == "/v1/tokens" else "bearer"
        for operation in operations.values():
            steps = [_step(name, merchant_id) for name in names]
            operation["parameters"] = operation.get("parameters", []) + steps
            operation["security"] = [{scheme: []}]
            operation["responses"] = {"200": operation["responses"]["200"], "4XX": _ERROR}
    return description
