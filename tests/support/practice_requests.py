"""What a practice sandbox was asked; its log keeps the newest requests alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clover_nb.sandbox import Sandbox


@contextmanager
def requests_during(practice: Sandbox) -> Iterator[list[dict[str, Any]]]:
    """The requests that come meanwhile, oldest first; the list is filled at the end."""
    earlier = {entry["request_id"] for entry in practice.requests}
    during: list[dict[str, Any]] = []
    yield during
    during += [entry for entry in practice.requests if entry["request_id"] not in earlier]
