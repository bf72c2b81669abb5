"""What may be sent: the shapes of the bodies, and how a body is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic needs it before Python 3.12

from clover_nb import vendor
from clover_nb.sandbox.errors import Case, Refused

if TYPE_CHECKING:
    from fastapi import Request
    from pydantic.fields import FieldInfo

MAX_BODY: Final = 1_000_000
_DRAIN: Final = 64 * MAX_BODY  # read and thrown away, so that the refusal can still be received
_NO_NULL: Final = r"^[^\x00]*$"


def _at_most(path: str) -> FieldInfo:
    """The length of a field, by its path in `vendor.MAX_LENGTH`."""
    return Field(max_length=vendor.MAX_LENGTH[path], pattern=_NO_NULL)  # type: ignore[no-any-return]


class Address(TypedDict, total=False):
    """`shipping.address`."""

    line1: Annotated[str | None, _at_most("shipping.address.line1")]
    line2: Annotated[str | None, _at_most("shipping.address.line2")]
    city: Annotated[str | None, _at_most("shipping.address.city")]
    state: Annotated[str | None, _at_most("shipping.address.state")]
    postal_code: Annotated[str | None, _at_most("shipping.address.postal_code")]
    country: Annotated[str | None, Field(pattern=r"^\s*([A-Za-z]{2})?\s*$")]


class Shipping(TypedDict, total=False):
    """`shipping`."""

    name: Annotated[str | None, _at_most("shipping.name")]
    phone: Annotated[str | None, _at_most("shipping.phone")]
    carrier: Annotated[str | None, _at_most("shipping.carrier")]
    tracking_number: Annotated[str | None, _at_most("shipping.tracking_number")]
    address: Address | None


class CustomerBody(TypedDict, total=False):
    """The body of POST and PUT /v1/customers."""

    email: Annotated[
        str | None,
        Field(
            max_length=vendor.MAX_LENGTH["email"],
            pattern=r"^\s*[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+\s*$",
        ),
    ]
    source: Annotated[str | None, _at_most("source")]
    ecomind: Literal["ecom", "moto"] | None
    firstName: Annotated[str | None, _at_most("firstName")]
    lastName: Annotated[str | None, _at_most("lastName")]
    first_name: Annotated[str | None, _at_most("firstName")]
    last_name: Annotated[str | None, _at_most("lastName")]
    name: Annotated[str | None, _at_most("name")]
    phone: Annotated[str | None, _at_most("phone")]
    shipping: Shipping | None


CUSTOMER: Final = TypeAdapter(CustomerBody)


async def read(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent.

    Raises:
        Refused: It is no JSON, no object, too large, or names a key twice.
    """
    kind = request.headers.get("content-type", "application/json")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Refused(Case.NOT_JSON)
    size, chunks = 0, []
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)
        elif size > _DRAIN:
            break
    if size > MAX_BODY:
        raise Refused(Case.BODY_TOO_LARGE)
    return parse(b"".join(chunks))


def parse(body: bytes) -> dict[str, Any]:
    """Parse a JSON object, without what JSON leaves open: keys twice, NaN, other encodings."""
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise Refused(Case.BODY_INVALID, "The body is nested too deeply.") from None
    except ValueError as problem:
        raise Refused(Case.BODY_INVALID, f"The body is not valid JSON: {problem}.") from None
    if not isinstance(parsed, dict):
        raise Refused(Case.BODY_INVALID, "The body must be a JSON object.")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return keys


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def check(shape: TypeAdapter[Any], body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that `shape` knows, trimmed, without those that are null or empty.

    Raises:
        Refused: A field has the wrong type, or is too long; the message and `param` name it.
    """
    try:
        fields = shape.validate_python(body, strict=True)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"] if part not in {"str", "int"})
        raise _refusal(path, first["msg"]) from None
    return _tidy(fields)


def _refusal(path: str, reason: str) -> Refused:
    if path == "email":
        return Refused(Case.EMAIL_INVALID, param="email")
    return Refused(Case.BODY_INVALID, f"{path}: {reason[:1].lower()}{reason[1:]}.", param=path)


def _tidy(fields: dict[str, Any]) -> dict[str, Any]:
    # I: outer white space is no part of a text; an empty one is the same as none.
    tidy = {
        key: value.strip() if isinstance(value, str) else _tidy(value)
        for key, value in fields.items()
        if value is not None
    }
    return {key: value for key, value in tidy.items() if value or isinstance(value, dict)}
