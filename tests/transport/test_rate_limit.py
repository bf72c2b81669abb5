"""Staying under Clover's limits, by a clock of the test's own and against the sandbox's limits."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from clover_nb import connect, sandbox
from clover_nb.transport import rate_limit
from clover_nb.transport.rate_limit import RateLimiter
from clover_nb.transport.rate_limit_locks import RateState, ThreadLocks


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


def limiter(per_second=16, at_once=5, locks=None):
    return RateLimiter(per_second, at_once, locks or ThreadLocks())


def test_no_second_has_more_than_the_limit(clock):
    """A fixed second, a sliding one or a bucket: no more than 16 in any."""
    times = starts(limiter(), clock, 100)
    assert busiest(times) == 16
    assert times[99] - times[0] == pytest.approx(99 / 15.5)


def test_a_pause_gives_no_right_to_a_burst(clock):
    """Nothing is saved up."""
    rate_limiter = limiter()
    starts(rate_limiter, clock, 1)
    clock.now += 60
    assert busiest(starts(rate_limiter, clock, 50)) == 16


def test_waking_late_makes_no_crowd_and_costs_nothing(clock):
    """On a busy machine each sleep lasts longer, by up to half of a turn."""
    late = itertools.cycle([0.0, 0.02, 0.01, 0.03])
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds + next(late))
    times = starts(limiter(), clock, 200)
    assert busiest(times) == 16
    assert times[199] - times[0] < 200 / 15


def test_a_refusal_slows_down_by_little_and_comes_back_slowly(clock):
    """1.5% for each; 0.5% a minute come back."""
    rate_limiter = limiter()

    def seconds():
        times = starts(rate_limiter, clock, 101)
        return times[100] - times[0]

    rate_limiter.slow_down(0)
    assert seconds() == pytest.approx(100 / (15.5 * 0.985), rel=0.002)
    rate_limiter.slow_down(0)
    assert seconds() == pytest.approx(100 / (15.5 * 0.970), rel=0.002)
    clock.now += 7 * 60
    assert seconds() == pytest.approx(100 / 15.5)


def test_refusals_never_bring_it_to_a_stop(clock):
    """However many there are, half of the rate is left."""
    rate_limiter = limiter()
    for _ in range(200):
        rate_limiter.slow_down(0)
    times = starts(rate_limiter, clock, 101)
    assert times[100] - times[0] == pytest.approx(100 / (15.5 * 0.5), rel=0.01)


def test_nobody_calls_before_the_end_of_a_retry_after(clock):
    """Clover makes the wait longer for who does."""
    locks = ThreadLocks()
    limiter(locks=locks).slow_down(7.0)
    assert starts(limiter(locks=locks), clock, 1) == [107.0]


def test_a_retry_after_holds_back_who_waits_already(clock):
    """The one at the gate looks again before it begins."""
    locks = ThreadLocks()
    starts(limiter(locks=locks), clock, 1)

    def refused_meanwhile(seconds):
        del clock.sleep
        clock.now += seconds
        limiter(locks=locks).slow_down(7.0)

    clock.sleep = refused_meanwhile
    (begun,) = starts(limiter(locks=locks), clock, 1)
    assert begun == pytest.approx(100 + 1 / 15.5 + 7)


def test_of_several_rates_the_lowest_holds_while_it_is_used(clock):
    """A connection that was told to go slower is not overrun by another one's requests."""
    locks = ThreadLocks()
    fast, slow = limiter(16, locks=locks), limiter(4, locks=locks)
    starts(slow, clock, 1)
    times = starts(fast, clock, 15)
    assert busiest(times) == 4
    clock.now += 5
    assert busiest(starts(fast, clock, 50)) == 16


def test_a_schedule_in_the_future_is_forgotten(clock):
    """The machine was started again, and its clock with it."""
    locks = ThreadLocks()
    starts(limiter(locks=locks), clock, 20)
    clock.now = 5.0
    assert starts(limiter(locks=locks), clock, 1) == [5.0]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"next": "soon"}', b'{"begun": [null]}', b'{"begun": 1}', b"\xff"],
)
def test_a_schedule_that_makes_no_sense_is_forgotten(content):
    """Whatever is in the file, a request can begin."""
    assert RateState.from_bytes(content) == RateState()


def test_a_schedule_is_read_as_it_was_written():
    """With no rate set yet, too, and with one that is a whole number."""
    for state in (RateState(), RateState(1.5, [0.5, 1.25], 8, 2.0, 0.015, 1.0)):
        assert RateState.from_bytes(state.to_bytes()) == state


def test_without_a_rate_nothing_waits(clock):
    """`None` and 0 switch it off."""
    assert (
        starts(rate_limit.shared_limiter(("of this test",), None, None), clock, 100)
        == [100.0] * 100
    )


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
