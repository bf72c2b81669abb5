"""What is in a line of the journal: fields as JSON, without tokens and card numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from numbers import Integral
from typing import Any, Final

from clover_nb import constants
from clover_nb.journal.entries import Fields
from clover_nb.masking import mask_text


def dump_fields(fields: Fields | None) -> str | None:
    """Fields as JSON, without what must not be kept."""
    if fields is None:
        return None
    # When a customer was created never changes, and would be mistaken for digits of a card.
    kept = {name: value for name, value in fields.items() if name != "created"}
    text = _encode_json(kept)
    if _MANY_DIGITS.search(text):
        text = _encode_json(_clean_value(kept))
    text = _TOKENS.sub(f"{constants.TOKEN_PREFIX}••••", text)
    return text.encode(errors="backslashreplace").decode()  # half an emoji, as JSON writes it


_encode_json: Final = json.JSONEncoder(ensure_ascii=False).encode
_MANY_DIGITS: Final = re.compile(r"\d(?:\W{0,2}\d){12}")
_TOKENS: Final = re.compile(rf"{constants.TOKEN_PREFIX}\w+")


def _clean_value(value: Any) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {name: _clean_value(each) for name, each in value.items()}
    return [_clean_value(each) for each in value] if isinstance(value, list) else value


def parse_fields(text: object) -> dict[str, Any] | None:
    """The fields of a line; none where a line makes no sense, as after a bad disk."""
    try:
        fields = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def parse_number(value: object) -> float | None:
    """A number of a line; none where it makes no sense."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def is_line_number(value: object) -> bool:
    """Whether a line can have this number, of Python or of numpy, which SQLite does not know."""
    return (
        isinstance(value, Integral) and not isinstance(value, bool) and 0 < int(value) <= _LARGEST
    )


_LARGEST: Final = 2**63 - 1
