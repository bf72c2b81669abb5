"""Sending again what is safe to send again, for as long as there is time."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from clover_nb.errors import CloverError, InvalidResponseError
from clover_nb.settings import Timeouts

T = TypeVar("T")

log = logging.getLogger(__name__)


class RetryableError(Exception):
    """It is safe to send the request again.

    Attributes:
        error: What is raised when no time is left.
        delay: The seconds of Clover's ``retry-after``, or ``None``.
        connected: Whether a connection was made.
    """

    def __init__(
        self, error: CloverError, *, delay: float | None = None, connected: bool = True
    ) -> None:
        self.error = error
        self.delay = delay
        self.connected = connected
        super().__init__(str(error))


def send_with_retries(send: Callable[[], T], describe: Callable[[], str], timeouts: Timeouts) -> T:
    """Call a function until it no longer raises `RetryableError`.

    Args:
        send: What sends the request once.
        describe: Gives the request in the log's words, without anything secret.
        timeouts: How long to go on.

    Raises:
        CloverError: The last attempt's, when no time is left; or a second response that isn't
            Clover's: a sign-in page stays until somebody signs in.
    """
    began = time.monotonic()
    attempt = invalid = 0
    while True:
        try:
            return send()
        except RetryableError as problem:
            attempt += 1
            invalid += isinstance(problem.error, InvalidResponseError)
            delay = retry_delay(problem, attempt, timeouts)
            longest = timeouts.total if problem.connected else timeouts.unreachable
            if invalid > 1 or time.monotonic() - began + delay > longest:
                raise problem.error from None
            reason = f"HTTP {problem.error.status}" if problem.error.status else "no response"
            log.info("%s: %s, sent again in %.2f s", describe(), reason, delay)
        time.sleep(delay)


def retry_delay(problem: RetryableError, attempt: int, timeouts: Timeouts) -> float:
    """The seconds until the next attempt: exponential with jitter, up to a bound.

    After a ``retry-after``, that time and a fixed bit; the rate limiter spreads what comes back.
    """
    if problem.delay is not None:
        return problem.delay + timeouts.retry_delay / 10
    jitter = random.uniform(0, timeouts.retry_delay / 2)  # noqa: S311  no secret
    return float(
        min(timeouts.retry_delay * 2.0 ** (attempt - 1) + jitter, timeouts.max_retry_delay)
    )
