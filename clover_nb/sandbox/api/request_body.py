"""How a body is read: JSON, strictly, and then checked against its shape."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from clover_nb.sandbox.errors import APIException, ErrorCase

if TYPE_CHECKING:
    from starlette.requests import Request

_MAX_BODY: Final = 1_000_000  # I
_DRAIN: Final = 64 * _MAX_BODY  # read and thrown away, so that the refusal can still be received


async def read_json(request: Request, *, any_type: bool = False) -> dict[str, Any]:
    """Return the JSON object that was sent.

    Args:
        request: The request.
        any_type: Whether the content type may be another one.

    Raises:
        APIException: It is no JSON, no object, too large, or names a key twice.
    """
    kind = request.headers.get("content-type", "application/json")
    if not any_type and kind.partition(";")[0].strip().lower() != "application/json":
        raise APIException(ErrorCase.NOT_JSON)
    size, chunks = 0, []
    async for chunk in request.stream():
        size += len(chunk)
        if size <= _MAX_BODY:
            chunks.append(chunk)
        elif size > _DRAIN:
            break
    if size > _MAX_BODY:
        raise APIException(ErrorCase.BODY_TOO_LARGE)
    return _parse_object(b"".join(chunks))


def _parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object, without what JSON leaves open: keys twice, NaN, other encodings."""
    try:
        parsed = _STRICT.decode(body.decode())
    except RecursionError:
        raise APIException(ErrorCase.BODY_INVALID, "The body is nested too deeply.") from None
    except ValueError as problem:
        raise APIException(
            ErrorCase.BODY_INVALID, f"The body is not valid JSON: {problem}."
        ) from None
    if not isinstance(parsed, dict):
        raise APIException(ErrorCase.BODY_INVALID, "The body must be a JSON object.")
    return parsed


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return keys


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _parse_float(text: str) -> float:
    # JSON knows no whole numbers apart: 12.0 is 12.
    number = float(text)
    return int(number) if number.is_integer() else number


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_reject_duplicates, parse_constant=_reject_constant, parse_float=_parse_float
)


def validate_body(
    schema: TypeAdapter[Any], body: dict[str, Any], spelling: str = "as given"
) -> dict[str, Any]:
    """Return the fields that `schema` knows, trimmed, without those that are null or empty.

    Args:
        schema: What the body must be like.
        body: The body.
        spelling: The setting of this name.

    Raises:
        APIException: A field is missing, has the wrong type or is too long; the message and `param`
            name it.
    """
    try:
        fields = schema.validate_python(body, strict=True)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        raise _make_error(first["loc"], first["type"], first["msg"]) from None
    tidy: dict[str, Any] = _strip_empty(fields)
    return tidy if spelling == "as given" else _normalize_spelling(tidy)


# These fields have cases of their own; the platform's names for them don't.
_BRANCH: Final = re.compile(
    r"str$|int$|bool$|list\[|EmailAddresses$|PhoneNumbers$|RecordAddresses$"
)
_CASES: Final = {"email": ErrorCase.EMAIL_INVALID, "source": ErrorCase.SOURCE_MISSING}


def _make_error(location: tuple[str | int, ...], kind: str, reason: str) -> APIException:
    # Of a union, pydantic names the branch: str, int, list[...].
    steps = [str(s) for s in location if not _BRANCH.match(str(s))]
    path = ".".join(steps)
    if path in _CASES:
        return APIException(_CASES[path], param=path)
    if kind == "string_pattern_mismatch":
        reason = "has characters that it can't have"
    return APIException(
        ErrorCase.BODY_INVALID, f"{path}: {reason[:1].lower()}{reason[1:]}.", param=path
    )


def _strip_empty(value: Any) -> Any:  # noqa: ANN401  any JSON
    # I: outer white space is no part of a text; an empty one is the same as none.
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return [_strip_empty(each) for each in value]
    if isinstance(value, dict):
        tidy = {key: _strip_empty(each) for key, each in value.items()}
        return {key: each for key, each in tidy.items() if each is not None and each != ""}
    return value


_NAMES: Final = {"name", "firstName", "lastName", "first_name", "last_name"}
_PHONES: Final = {"phone", "phoneNumber"}


def _normalize_spelling(value: Any, key: str = "") -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        return {name: _normalize_spelling(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_normalize_spelling(each, key) for each in value]
    if key in _NAMES:
        return " ".join(value.split()).title()
    if key in _PHONES:
        digits = re.sub("[^0-9]", "", value)
        local = re.fullmatch("1?([0-9]{3})([0-9]{3})([0-9]{4})", digits)
        return "({}) {}-{}".format(*local.groups()) if local else digits or value
    return value
