"""Work behind a form: stale results, failures, and the thread in which results are applied."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from clover_nb.errors import ValidationError
from clover_nb.forms.runner import WORKER, TaskRunner


def run(main):
    """Run a coroutine on a loop, as a kernel runs its messages."""
    return asyncio.run(asyncio.wait_for(main, 20))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


@pytest.fixture
def failures():
    return []


@pytest.fixture
def runner(failures):
    return TaskRunner(failures.append)


def test_without_a_loop_the_work_is_done_at_once(runner):
    """As in a script."""
    found = []
    assert runner.write(lambda: 1, found.append)
    assert found == [1]
    assert not runner.is_writing


def test_the_work_is_done_in_a_worker_and_applied_on_the_loop(runner):
    """So that nothing writes a widget from elsewhere."""
    threads = []

    def work():
        threads.append(threading.current_thread())

    async def main():
        runner.write(work, lambda _: threads.append(threading.current_thread()))
        assert runner.is_writing
        await until(lambda: len(threads) == 2)

    run(main())
    assert threads[0].name == WORKER
    assert threads[1] is threading.current_thread()


def test_a_second_write_is_refused_until_the_first_has_ended(runner):
    """And so is a read: nobody knows yet what there will be to read."""
    go, done = threading.Event(), []

    async def main():
        assert runner.write(go.wait, done.append)
        assert not runner.write(lambda: 2, done.append)
        assert not runner.read(lambda: 3, done.append)
        runner.drop_reads()
        go.set()
        await until(lambda: done)
        assert runner.write(lambda: 4, done.append)
        await until(lambda: len(done) == 2)

    run(main())
    assert done == [True, 4]


def test_work_that_wants_to_end_the_program_is_told_as_a_failure(runner, failures):
    """Such as a function of one's own for the token: else the form would be busy for good."""

    async def main():
        runner.write(sys.exit, print)
        await until(lambda: not runner.is_writing)

    run(main())
    assert [str(failure.error) for failure in failures] == ["sys.exit was called."]


def test_a_later_read_takes_the_place_of_an_earlier_one(runner):
    """However late the earlier one ends."""
    go, found, ended = threading.Event(), [], threading.Event()

    def slow():
        go.wait(60)
        ended.set()
        return "first"

    async def main():
        assert runner.read(slow, found.append)
        assert runner.read(lambda: "second", found.append)
        await until(lambda: found)
        go.set()
        await until(ended.is_set)
        await asyncio.sleep(0.05)

    run(main())
    assert found == ["second"]


def test_a_read_that_nobody_waits_for_is_dropped(runner):
    """Also when it fails."""
    go, found = threading.Event(), []

    def slow():
        go.wait(60)
        raise KeyError

    async def main():
        runner.read(slow, found.append)
        runner.drop_reads()
        assert not runner.is_reading
        go.set()
        runner.write(lambda: "after", found.append)
        await until(lambda: found)

    run(main())
    assert found == ["after"]


@pytest.mark.parametrize("kind", [KeyError, ValidationError])
@pytest.mark.parametrize(("way", "sent"), [("read", "no"), ("write", "unknown")])
def test_what_is_raised_is_told_with_whether_something_was_sent(runner, failures, kind, way, sent):
    """Expected or not, and the runner is free again."""

    def work():
        raise kind("boom")

    assert getattr(runner, way)(work, print)
    assert [(type(each.error), each.sent) for each in failures] == [(kind, sent)]
    assert runner.write(lambda: 1, lambda _: None)


def test_what_was_done_and_can_not_be_shown_is_told_as_done(runner, failures):
    """It must not look as if it could be sent again."""

    def apply(_):
        raise KeyError("boom")

    runner.write(lambda: 1, apply)
    assert [each.sent for each in failures] == ["yes"]


def test_a_message_that_can_not_be_handled_is_told(runner, failures):
    """Nothing was sent."""
    runner.handle({}.__getitem__, "unknown")
    assert [each.sent for each in failures] == ["no"]
