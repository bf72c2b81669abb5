"""Staying under Clover's limits, so that it never has to refuse.

Clover takes 16 requests a second and 5 at once for a token (D: ``constants``), and does not say
over what window it counts. Requests therefore begin on a schedule, evenly spaced and a little
slower than the limit, which stays under it in a fixed second, a sliding second and a bucket
alike; bursts, as of a token bucket, do not.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from weakref import WeakValueDictionary

# Of 16 a second, 15.5: room for what the network adds between here and Clover's clock.
_SHARE: Final = 15.5 / 16
# After a refusal the network is adding more than that: leave more room for a while.
_CAREFUL_SHARE: Final = 0.9
_CAREFUL_SECONDS: Final = 30.0
# As many as Clover takes in a second begin in no less than this: a machine that stalls wakes
# several threads late, and what they missed must not begin together.
_WINDOW: Final = 1.02


class RateLimiter:
    """Gives each request its turn. Shared by everything that uses one account.

    Args:
        per_second: Requests a second; 0 sets no pace.
        at_once: Requests under way at the same time; 0 sets no bound.
    """

    def __init__(self, per_second: float, at_once: int) -> None:
        self._gap = 1 / (per_second * _SHARE) if per_second else 0.0
        self._room = threading.Semaphore(at_once) if at_once else None
        self._lock = threading.Lock()
        self._next = 0.0
        self._careful_until = 0.0
        self._begun: deque[float] = deque(maxlen=max(1, int(per_second)))
        self._window = _WINDOW * max(1, int(per_second)) / per_second if per_second else 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for this request's turn, and hold its place while it is under way."""
        if self._room is None:
            self._wait()
            yield
            return
        with self._room:  # first: a slot must not pass while its request waits for room
            self._wait()
            yield

    def slow_down(self, after: float) -> None:
        """Clover refused a request for its limits: be slower for a while.

        Args:
            after: The seconds of its ``retry-after``, before which nobody may call (D: calling
                earlier makes the wait longer); 0 if it has none.
        """
        with self._lock:
            now = time.monotonic()
            self._careful_until = now + _CAREFUL_SECONDS
            self._next = max(self._next, now + after)

    def _wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            slot = max(self._next, now)
            careful = slot < self._careful_until
            self._next = slot + (self._gap / _CAREFUL_SHARE if careful else self._gap)
        if slot > now:
            time.sleep(slot - now)
        while (rest := self._too_soon()) > 0:
            time.sleep(rest)

    def _too_soon(self) -> float:
        """Seconds for which the window is full; none, and this request is in it."""
        with self._lock:
            now = time.monotonic()
            full = len(self._begun) == self._begun.maxlen
            rest = self._begun[0] + self._window - now if full else 0.0
            if rest <= 0:
                self._begun.append(now)
            return rest


_rate_limiters: WeakValueDictionary[tuple[object, ...], RateLimiter] = WeakValueDictionary()
_pacers_lock = threading.Lock()


def shared(
    account: tuple[object, ...], per_second: float | None, at_once: int | None
) -> RateLimiter:
    """The rate_limiter that all connections of this process to one account share.

    Args:
        account: What tells accounts apart: the addresses and the access token.
        per_second: Requests a second; ``None`` or 0 sets no pace.
        at_once: Requests at the same time; ``None`` or 0 sets no bound.
    """
    key = (*account, per_second, at_once)
    with _pacers_lock:
        rate_limiter = _rate_limiters.get(key)
        if rate_limiter is None:
            rate_limiter = _rate_limiters[key] = RateLimiter(per_second or 0, at_once or 0)
        return rate_limiter
