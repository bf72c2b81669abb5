"""Sending again what is safe to send again, for as long as there is timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clover_nb.errors import CloverError
from clover_nb.settings import Timeouts

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying


class RetryableError(Exception):
    """It is safe to send this again; `error` is for when time is up."""

    def __init__(
        self, error: CloverError, *, after: float | None = None, reached: bool = True
    ) -> None:
        self.error = error
        self.after = after
        self.reached = reached
        super().__init__(str(error))


def retrying(timeouts: Timeouts) -> Retrying:
    """What calls a function until it no longer raises `RetryableError`."""
    # It brings tornado along where Jupyter is, which only who connects should pay for.
    from tenacity import Retrying, retry_if_exception_type, wait_exponential_jitter  # noqa: PLC0415

    backoff = wait_exponential_jitter(
        multiplier=timeouts.retry_delay,
        max=timeouts.max_retry_delay,
        jitter=timeouts.retry_delay / 2,
    )

    def wait(state: RetryCallState) -> float:
        after = _reason(state).after
        return backoff(state) if after is None else after + timeouts.retry_delay / 10

    def stop(state: RetryCallState) -> bool:
        longest = timeouts.total if _reason(state).reached else timeouts.unreachable
        return (state.seconds_since_start or 0) + state.upcoming_sleep > longest

    return Retrying(
        retry=retry_if_exception_type(RetryableError), wait=wait, stop=stop, reraise=True
    )


def _reason(state: RetryCallState) -> RetryableError:
    reason = state.outcome.exception() if state.outcome else None
    assert isinstance(reason, RetryableError)  # noqa: S101  nothing else is retried
    return reason
