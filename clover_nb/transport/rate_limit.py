"""Staying under Clover's limits, so that it never has to refuse.

Clover takes 16 requests a second and 5 at once for a token (D: ``constants``), and does not say
over what window it counts. Requests therefore begin on a schedule, evenly spaced and a little
slower than the limit, which stays under it in a fixed second, a sliding second and a bucket
alike; bursts, as of a token bucket, do not.

All processes of a user on a machine share the schedule of an account, with nothing to set up: see
:mod:`clover_nb.transport.rate_limit_locks`; those of a team over all machines through their
database: see
:mod:`clover_nb.transport.rate_limit_database`. A request waits at the *gate*, in front of which the
operating system queues the others, until one of the account's slots is free and its turn has come.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from clover_nb.masking import Secret
from clover_nb.team import is_database

if TYPE_CHECKING:
    from clover_nb.transport.rate_limit_locks import AccountLocks, RateState, Release

# Of 16 a second, 15.5: room for what the network adds between here and Clover's clock.
SHARE: Final = 15.5 / 16
# The quota of one second is spread over at least so many: a machine that stalls begins some late,
# and the next must not come too near to them.
WINDOW: Final = 1.02
# After a refusal the network adds more than that: slower by this share, which comes back slowly.
SLOWER: Final = 0.015
SLOWEST: Final = 0.5
FASTER_PER_SECOND: Final = 0.005 / 60
# For so many seconds after its last request a connection with a lower rate counts as in use.
LOWER_RATE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.002
BEGUN_KEPT: Final = 63


class RateLimiter:
    """Gives each request its turn.

    Args:
        per_second: Requests a second; 0 sets no rate. Of connections to one account that are in use
            at the same time, the lowest rate holds.
        at_once: Requests under way at the same time; 0 sets no bound.
        locks: The account's.
    """

    def __init__(self, per_second: float, at_once: int, locks: AccountLocks) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._locks = locks

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for this request's turn, and hold a slot while it is under way.

        It waits where no interrupt can reach it, so call it in a worker thread.
        """
        if not self._per_second and not self._at_once:
            yield
            return
        with ExitStack() as held:
            try:
                self._wait_for_slot(held)
            except OSError as problem:
                self._locks.keep_in_process(problem)
                self._wait_for_slot(held)
            yield

    def slow_down(self, delay: float) -> None:
        """Clover refused a request for its limits: be slower for a while, in all processes.

        Args:
            delay: The seconds of its ``retry-after``, before which nobody may call (D: calling
                earlier makes the wait longer); 0 if it has none.
        """

        def change_state(state: RateState) -> None:
            now = time.monotonic()
            state.slower = min(_current_slowdown(state, now) + SLOWER, SLOWEST)
            state.slower_since = now
            state.next = max(state.next, now + delay)

        try:
            self._locks.update(change_state)
        except OSError as problem:
            self._locks.keep_in_process(problem)
            self._locks.update(change_state)

    def _wait_for_slot(self, held: ExitStack) -> None:
        release_gate = self._locks.acquire("gate")
        try:
            if self._at_once:
                held.callback(self._take_slot())
            scheduled = None
            while self._per_second:
                due, now = self._locks.update(partial(self._begin_if_due, scheduled))
                if due <= now:
                    break
                scheduled = due
                time.sleep(due - now)
        except BaseException:
            held.close()
            raise
        finally:
            release_gate()

    def _take_slot(self) -> Release:
        while True:
            for number in range(self._at_once):
                release = self._locks.try_acquire(f"slot{number}")
                if release is not None:
                    return release
            time.sleep(_POLL_SECONDS)

    def _begin_if_due(self, scheduled: float | None, state: RateState) -> tuple[float, float]:
        """Begin a request if it is due.

        Args:
            scheduled: The moment that it has been waiting for; the next one's is reckoned from it,
                so that waking late costs nothing.
            state: The account's.

        Returns:
            When it is due, and the time now.
        """
        now = time.monotonic()
        state.reset_if_future(now)
        if self._per_second <= state.lowest or now > state.lowest_until:
            state.lowest, state.lowest_until = self._per_second, now + LOWER_RATE_SECONDS
        rate = min(self._per_second, state.lowest) * (1 - _current_slowdown(state, now))
        count = max(1, int(rate))
        due = state.next
        if len(state.begun) >= count:
            due = max(due, state.begun[-count] + WINDOW * count / rate)
        if due <= now:
            state.begun = [*state.begun[-BEGUN_KEPT:], now]
            state.next = (now if scheduled is None else scheduled) + 1 / (rate * SHARE)
        return due, now


def _current_slowdown(state: RateState, now: float) -> float:
    return max(0.0, state.slower - FASTER_PER_SECOND * (now - state.slower_since))


_accounts: WeakValueDictionary[tuple[object, ...], AccountLocks] = WeakValueDictionary()
_accounts_lock = threading.Lock()


def shared_limiter(
    account: tuple[str, ...],
    per_second: float | None,
    at_once: int | None,
    team: Secret | None = None,
) -> RateLimiter:
    """The rate limiter of a connection, which shares the rate of its account with all others.

    Args:
        account: What tells accounts apart: the addresses and the access token.
        per_second: Requests a second; ``None`` or 0 sets no rate.
        at_once: Requests at the same time; ``None`` or 0 sets no bound.
        team: Where a team shares it; otherwise it is shared by this user's processes.
    """
    from clover_nb.transport.rate_limit_locks import AccountLocks  # noqa: PLC0415  portalocker

    address = team if team and is_database(team) else None
    folder = Path(team.reveal()) if team and not address else None
    with _accounts_lock:
        locks = _accounts.get((folder, account))
        if locks is None:
            locks = _accounts[folder, account] = AccountLocks(account, folder)
        if address is None:
            return RateLimiter(per_second or 0, at_once or 0, locks)
        from clover_nb.transport import rate_limit_database as database  # noqa: PLC0415  an extra

        session = database.shared_session(address)
        return database.DatabaseRateLimiter(per_second or 0, at_once or 0, locks, account, session)


def _start_anew() -> None:
    """In a forked child, a thread that is not there may hold the lock."""
    global _accounts_lock  # noqa: PLW0603  the parent's is of no use
    _accounts_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
