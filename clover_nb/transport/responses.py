"""Clover's refusals as errors of the tree, in every shape that they have been seen in."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import numpy as np
import orjson

from clover_nb import errors
from clover_nb.masking import mask_text

_KINDS: Final[dict[int, type[errors.APIError]]] = {
    401: errors.AuthenticationError,
    402: errors.CardError,
    403: errors.AuthenticationError,
    404: errors.NotFoundError,
    409: errors.AlreadyOnFileError,
    429: errors.RateLimitError,
}

# D and O-fix ("Ecommerce API response codes", "Error codes"): which parameter a code is about.
_FIELD_OF: Final = {
    "email_invalid": "email",
    "token_already_used": "source",
    "invalid_cvc": "source",
    "incorrect_cvc": "card.cvv",
    "invalid_number": "card.number",
    "incorrect_number": "card.number",
    "invalid_expiry_month": "card.exp_month",
    "invalid_expiry_year": "card.exp_year",
    "expired_card": "card.exp_year",
}

# D: a bad token, a wrong merchant id and a missing permission look alike.
FIVE_REASONS: Final = (
    "It is one of five things, and Clover does not say which: the access token is mistyped or "
    "expired; it belongs to the other environment (sandbox or production); the merchant id is "
    "another merchant's; a permission is missing; or a permission was added after the app was "
    "installed (then reinstall the app and make a new token)."
)
_CODE_HINTS: Final = {
    "token_already_used": "A card token works once: ask for the card again and use the new token.",
    "invalid_cvc": "Ask for the card again, with its security code.",
    "email_invalid": "Pass email=: Clover asks for it on every change.",
    "card_declined": "The bank declined this card: ask for another one.",
}
_STATUS_HINTS: Final = {
    401: FIVE_REASONS,
    402: "The card was refused, or the merchant has no multi-pay tokens: ask for another card; "
    "if every card is refused, ask Clover to enable card-on-file for this merchant.",
    403: FIVE_REASONS,
    404: "Check the id, and that it is this merchant's.",
    409: "Nothing needs to be done if it is this very card: it can be charged as it is. If the "
    "customer has another one, this merchant keeps one card for each customer: replace it.",
    429: "Wait a few seconds and try again.",
}


def error_from_response(status: int, content: bytes, request_id: str | None) -> errors.APIError:
    """The error for an answer with a status of 400 or more, in any of its known shapes.

    The status counts first, then ``error.code``: bodies have been seen that name another status
    than their own, that lack ``error`` or its ``type``, and that are text, HTML or nothing (O-fix).
    """
    body = parse_json(content)
    answer: Mapping[str, Any] = body if isinstance(body, dict) else {}
    nested = answer.get("error")
    detail: Mapping[str, Any] = nested if isinstance(nested, dict) else {}
    code = clean_text(detail.get("code"))
    sources = (detail.get("message"), nested, answer.get("details"), answer.get("message"))
    message = next(filter(None, map(clean_text, sources)), None)
    default = errors.ServerError if status >= 500 else errors.InvalidRequestError  # noqa: PLR2004  HTTP
    return _KINDS.get(status, default)(
        _describe_refusal(status, message),
        hint=_CODE_HINTS.get(code or "") or _STATUS_HINTS.get(status) or _default_hint(status),
        field=clean_text(detail.get("param")) or _FIELD_OF.get(code or ""),
        status=status,
        type=clean_text(detail.get("type")),
        code=code,
        request_id=request_id,
    )


def _describe_refusal(status: int, message: str | None) -> str:
    if status in (401, 403):
        return "Clover refused the credentials."
    if not message:
        return f"Clover answered with HTTP {status} and no reason."
    return f"Clover says: {message.rstrip('.')}."


def _default_hint(status: int) -> str:
    if status >= 500:  # noqa: PLR2004  HTTP
        return "Try again in a minute; if it stays so, look at Clover's status page."
    return ""


def clean_text(value: object) -> str | None:
    """A text of Clover's as it can be shown, or ``None`` if it is none or empty.

    What is no sign to read is left out: control signs, which can rewrite a terminal, overrides of
    the direction, halves of an emoji. Then tokens and card numbers are masked. It is cut to a
    bearable length.
    """
    if not isinstance(value, str) or not value:
        return None
    text = value if len(value) <= _TEXT_MAX else value[:_TEXT_MAX] + "…"
    return mask_text("".join(filter(str.isprintable, re.sub(r"\s", " ", text))))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of ``retry-after``, which is a number or a date, or ``None``."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - _response_time(headers))
    except (ValueError, TypeError, IndexError, OverflowError):  # what it raises for garbage
        return None


def _response_time(headers: Mapping[str, str]) -> float:
    """When the response was sent, by Clover's clock; without its date, by ours."""
    date = headers.get("Date")
    return parsedate_to_datetime(date).timestamp() if date else time.time()


def parse_json(content: bytes) -> object:
    """The JSON of a body, or ``None`` where there is none, or one that is nested too deeply.

    Half an emoji (a lone surrogate), which is no text that could be stored or shown, is replaced.
    """
    if _is_deep(content) and _is_deep(_STRING.sub(b"", content)):
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:  # what orjson refuses: half an emoji, and numbers that are none
        lenient = json.dumps(json.loads(content, parse_constant=lambda _: None), ensure_ascii=False)
        return orjson.loads(_SURROGATE.sub("\ufffd", lenient))
    except (ValueError, RecursionError):
        return None


def _is_deep(content: bytes) -> bool:
    """Whether brackets are nested too deeply, those in strings included."""
    steps = content.translate(_STEPS, _NO_BRACKETS)
    if len(steps) <= _DEPTH_MAX:
        return False
    return bool(np.frombuffer(steps, np.int8).cumsum(dtype=np.int32).max() > _DEPTH_MAX)


_TEXT_MAX: Final = 1000
_DEPTH_MAX: Final = 500
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # one down, one up
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
