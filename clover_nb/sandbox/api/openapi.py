"""The operations of the API, and their description for tools that test it."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response

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


class Operation(NamedTuple):
    """A method of a path, what answers it, and what it takes.

    Attributes:
        credential: What the request must carry.
        body: The schema of the body, if it takes one.
        parameters: The parameters of the query, as OpenAPI describes them.
        media_type: Of the answer.
    """

    method: str
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    credential: Literal["bearer", "apikey"] = "bearer"
    body: TypeAdapter[Any] | None = None
    parameters: tuple[Json, ...] = ()
    media_type: str = "application/json"

    @property
    def summary(self) -> str:
        """The first sentence of what it does."""
        return (inspect.getdoc(self.endpoint) or "").partition("\n")[0]


def describe_parameter(name: str, schema: Json, **more: object) -> Json:
    """Describe a parameter of the query."""
    return {"name": name, "in": "query", "required": False, "schema": schema, **more}


def build_openapi(operations: Iterable[Operation], merchant_id: str) -> Json:
    """Return the OpenAPI description of the operations of a merchant's sandbox."""
    schemas: dict[str, TypeAdapter[Any]] = {}
    paths: dict[str, Json] = {}
    for operation in operations:
        described = _describe_operation(operation, merchant_id)
        if operation.body is not None:
            name = _name_schema(operation.body)
            schemas[name] = operation.body
            content = {"application/json": {"schema": {"$ref": _REF.format(model=name)}}}
            described["requestBody"] = {"required": True, "content": content}
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    _, bodies = TypeAdapter.json_schemas(
        [(name, "validation", schema) for name, schema in schemas.items()], ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Clover's customers, in a sandbox", "version": "1"},
        "paths": paths,
        "components": {"schemas": bodies["$defs"], "securitySchemes": _SECURITY},
    }


def _describe_operation(operation: Operation, merchant_id: str) -> Json:
    steps = [_describe_step(name, merchant_id) for name in re.findall(r"{(\w+)}", operation.path)]
    answer: Json = {
        "description": "Done.",
        "content": {operation.media_type: {"schema": {}}},
    }
    return {
        "summary": operation.summary,
        "parameters": [*operation.parameters, *steps],
        "security": [{operation.credential: []}],
        "responses": {"200": answer, "4XX": _ERROR},
    }


def _describe_step(name: str, merchant_id: str) -> Json:
    schema: Json = {"type": "string"}
    if name == "merchant_id":
        schema["enum"] = [merchant_id]
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _name_schema(schema: TypeAdapter[Any]) -> str:
    name: str = schema.json_schema()["title"]
    return name
