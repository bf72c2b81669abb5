"""How far an application is, and how long it takes, in words."""

from __future__ import annotations

import math
import time
from typing import Any, Final

from clover_nb import constants
from clover_nb.bulk.plan import Plan
from clover_nb.forms.apply_process import Application, ApplyStatus
from clover_nb.forms.messages import count_rows

_MINUTE: Final = 60
_HOUR: Final = 3600


class ApplyProgress:
    """An application that is followed, and what was heard of it last.

    Attributes:
        application: What is followed.
        status: How far it is; ``None`` before anything was heard.
    """

    def __init__(self, application: Application, status: ApplyStatus | None = None) -> None:
        self.application, self.status = application, status
        self._began: tuple[float, int] | None = None  # when, and how many rows had ended then

    @property
    def is_over(self) -> bool:
        """Whether nothing is sent any more."""
        return self.status is not None and self.status.is_over

    def update(self, status: ApplyStatus) -> None:
        """Take what was heard."""
        self.status = status
        if status.state == "running" and self._began is None:
            self._began = (time.monotonic(), status.count_done() + status.count_failed())

    def describe(self) -> dict[str, Any]:
        """How many rows have ended, of how many, and both in words; empty where none is known."""
        status = self.status
        if status is None or not status.counts:
            return {}
        done, failed, left = status.count_done(), status.count_failed(), status.count_left()
        ended = done + failed
        words = f"{done:,} done, {failed:,} failed, {left:,} left"
        if status.state == "running" and not left:
            words += "; comparing with what is there"
        elif self._began is not None and ended > self._began[1]:
            each = (time.monotonic() - self._began[0]) / (ended - self._began[1])
            words += f", {describe_duration(left * each)} to go"
        return {"ended": ended, "total": ended + left, "words": words}


def describe_offer(application: Application) -> str:
    """That an application has ended of which nobody has seen the end; empty if none is known."""
    if application.batch is None:
        return ""
    status, number = application.read_status(), application.batch.number
    if status.state == "done":
        return f"Batch {number} is done."
    return f"Batch {number} has stopped with {count_rows(status.count_left())} left."


def describe_duration(seconds: float) -> str:
    """A time to wait, in words."""
    if seconds < _MINUTE:
        return f"about {max(5, math.ceil(seconds / 5) * 5)} seconds"
    minutes = math.ceil(seconds / _MINUTE)
    hours, rest = divmod(minutes, _HOUR // _MINUTE)
    if not hours:
        return f"about {count_rows(minutes, 'minute')}"
    told = f"about {count_rows(hours, 'hour')}"
    return f"{told} {count_rows(rest, 'minute')}" if rest else told


def describe_work(plan: Plan) -> str:
    """What applying a plan takes."""
    ready = sum(row.requests > 0 for row in plan.rows)
    requests = count_rows(plan.requests, "request")
    duration = describe_duration(plan.requests / constants.REQUESTS_PER_SECOND)  # Clover's pace
    return f"{count_rows(ready, 'customer')}, {requests}: {duration}."
