"""Staying under Clover's limits, by a clock of the test's own and against the sandbox's limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from clover_nb import connect, sandbox
from clover_nb.transport import rate_limit
from clover_nb.transport.rate_limit import RateLimiter


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rate_limit, "time", clock)
    return clock


def starts(rate_limiter, clock, count):
    """When each of so many requests begins."""
    times = []
    for _ in range(count):
        with rate_limiter.slot():
            times.append(clock.now)
    return times


def busiest(times):
    """The most that begin within any second."""
    return max(sum(first <= time < first + 1 for time in times) for first in times)


def test_no_second_has_more_than_the_limit(clock):
    """A fixed second, a sliding one or a bucket: no more than 16 in any."""
    times = starts(RateLimiter(16, 5), clock, 100)
    assert busiest(times) == 16
    assert times[99] - times[0] == pytest.approx(99 / 15.5)


def test_a_pause_gives_no_right_to_a_burst(clock):
    """Nothing is saved up."""
    rate_limiter = RateLimiter(16, 5)
    starts(rate_limiter, clock, 1)
    clock.now += 60
    assert busiest(starts(rate_limiter, clock, 50)) == 16


def test_a_thread_that_wakes_late_makes_no_crowd(clock):
    """A busy machine: two others, whose turns are later, have begun before it does."""
    rate_limiter, times = RateLimiter(16, 5), []

    def begin():
        with rate_limiter.slot():
            times.append(clock.now)

    def oversleep(_):
        del clock.sleep
        begin()
        begin()

    begin()
    clock.sleep = oversleep
    for _ in range(40):
        begin()
    assert len(times) == 43
    assert busiest(times) == 16


def test_after_a_refusal_it_is_slower_for_a_while(clock):
    """The network adds something that the schedule does not know of."""
    rate_limiter = RateLimiter(16, 5)
    starts(rate_limiter, clock, 10)
    rate_limiter.slow_down(0)
    assert busiest(starts(rate_limiter, clock, 100)) == 14
    clock.now += 60
    assert busiest(starts(rate_limiter, clock, 100)) == 16


def test_nobody_calls_before_the_end_of_a_retry_after(clock):
    """Clover makes the wait longer for who does."""
    rate_limiter = RateLimiter(16, 5)
    rate_limiter.slow_down(7.0)
    assert starts(rate_limiter, clock, 1) == [107.0]


def test_without_a_pace_nothing_waits(clock):
    """`None` and 0 switch it off."""
    assert starts(rate_limit.shared(("of this test",), None, None), clock, 100) == [100.0] * 100


def test_connections_to_one_account_share_their_pace():
    """The limit is the token's, not the connection's."""
    rate_limiter = rate_limit.shared(("address", "token"), 16, 5)
    assert rate_limit.shared(("address", "token"), 16, 5) is rate_limiter
    assert rate_limit.shared(("address", "another"), 16, 5) is not rate_limiter


def test_the_limits_are_never_met():
    """Two connections, ten threads, a limit of 5 at once, and calls that last long enough for it.

    They go at half of the pace that the sandbox allows: how evenly a busy machine lets them begin
    is no matter here, and what the pace is, the tests above tell by their own clock.
    """
    with (
        sandbox.start(customers=5, latency_ms=700) as running,
        connect("local", **running.connection(), requests_per_second=8) as one,
        connect("local", **running.connection(), requests_per_second=8) as other,
        ThreadPoolExecutor(10) as pool,
    ):
        list(pool.map(lambda turn: (one, other)[turn % 2].customers.list(limit=1), range(20)))
        statuses = [entry["status"] for entry in running.requests]
    assert statuses == [200] * 20
