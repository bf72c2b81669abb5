"""Is an answer about what was asked for? A proxy or a mixed-up connection may give another's."""

from __future__ import annotations

from clover_nb.errors import InvalidResponseError
from clover_nb.transport.http import AmbiguousWriteError, Response


def require_id(answer: Response, asked: str | None = None) -> Response:
    """Return the answer to a write.

    Args:
        answer: Clover's.
        asked: The id that it must carry; ``None`` for any.

    Raises:
        AmbiguousWriteError: It carries another id or none, so it does not tell what was done.
    """
    found = answer.get("id")
    if isinstance(found, str) and found and asked in (None, found):
        return answer
    raise AmbiguousWriteError(wrong_record(answer))


def wrong_record(answer: Response) -> InvalidResponseError:
    """The error for an answer that is about something else."""
    return InvalidResponseError(
        "Clover's answer is not about the record that was asked for.",
        hint="Try again; a proxy may stand in between.",
        request_id=answer.request_id,
    )
