"""One rate over the machines of a team, through PostgreSQL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise

import pytest

from clover_nb.masking import Secret
from clover_nb.transport import rate_limit

ACCOUNT = ("https://address.example", "the-token-of-this-account")
FORK = multiprocessing.get_context("fork")

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def limiter(database, per_second=None, at_once=5, role="ana", account=ACCOUNT):
    return rate_limit.shared_limiter(account, per_second, at_once, Secret(database.address(role)))


def begun(database):
    """When the last requests began, by the server's clock."""
    ((times,),) = database.execute("SELECT begun FROM clover_nb.pace")
    return times


def take_turns(database, role, per_second, count):
    here = limiter(database, per_second, role=role)
    for _ in range(count):
        with here.slot():
            pass


def take_turns_elsewhere(home, database, role):
    """As on a machine of its own, which shares no files with others."""
    os.environ["XDG_RUNTIME_DIR"] = str(home)
    take_turns(database, role, 30, 10)


def run_at_once(function, arguments):
    """Call it in a process for each."""
    workers = [FORK.Process(target=function, args=each) for each in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {worker.exitcode for worker in workers} == {0}


def ask_again_and_again(database, role, together, answers):
    here = limiter(database, 16, role=role)
    moments = []
    for _ in range(100):
        together.wait()
        moments.append(here._session.take_slot(here._account, 16, 5, None)[0])
    answers.put(moments)


def test_who_ask_at_the_same_moment_are_given_different_ones(database):
    """None is written over by another one's."""
    together, answers = FORK.Barrier(6), FORK.SimpleQueue()
    shared = [(database, role, together, answers) for role in ("ana", "bo")]
    run_at_once(ask_again_and_again, shared * 3)
    moments = sorted(moment for _ in range(6) for moment in answers.get())
    assert all(late - early > 0.06 for early, late in pairwise(moments))


def test_six_processes_of_two_machines_keep_to_one_rate(database, tmp_path):
    """Whatever they ask for at once; the clock is the server's."""
    homes = {role: tmp_path / role for role in ("ana", "bo")}
    for home in homes.values():
        home.mkdir()
    run_at_once(take_turns_elsewhere, [(home, database, role) for role, home in homes.items()] * 3)
    times = begun(database)
    assert len(times) == 60
    assert max(sum(first <= each < first + 1 for each in times) for first in times) <= 30


def test_the_rate_is_the_limit_but_for_a_margin(database):
    """By the schedule: at least 94% of it, whatever else the machine does."""
    take_turns(database, "ana", 16, 1)
    ((second, first),) = database.execute("SELECT next, begun[1] FROM clover_nb.pace")
    assert 0.94 * 16 <= 1 / (second - first) <= 16


def hold(pipe, database, count):
    here = limiter(database)
    with ExitStack() as held:
        for _ in range(count):
            held.enter_context(here.slot())
        pipe.send("held")
        time.sleep(600)


def test_a_killed_process_holds_no_slot(database):
    """As long as it lives there is none for others; then all five are free."""
    ours, theirs = FORK.Pipe()
    holder = FORK.Process(target=hold, args=(theirs, database, 5))
    holder.start()
    try:
        assert ours.recv() == "held"
        here = limiter(database, role="bo")
        session, account = here._session, here._account
        _, slot, wait = session.take_slot(account, 0, 5, None)
        assert slot is None
        assert wait > 0
        os.kill(holder.pid, signal.SIGKILL)
        with ExitStack() as held:
            for _ in range(5):
                held.enter_context(here.slot())
            assert session.take_slot(account, 0, 5, None)[1] is None  # it holds them all itself
    finally:
        holder.kill()
        holder.join()


def test_accounts_wait_for_each_other_never(database):
    """Each has its slots."""
    with limiter(database, at_once=1).slot(), limiter(database, at_once=1, account=("b",)).slot():
        assert database.execute("SELECT count(*) FROM clover_nb.pace") == [(2,)]


def test_names_tell_nothing_of_the_token(database):
    """A hash of address and token names the account."""
    with limiter(database).slot():
        pass
    kept = str(database.execute("SELECT * FROM clover_nb.pace"))
    assert "token" not in kept
    assert "address" not in kept


def test_after_a_refusal_all_machines_wait_and_are_slower(database):
    """The `retry-after` that one was given holds for all, and 1.5% of the rate are gone."""
    here = limiter(database, 16)
    with here.slot():
        pass
    here.slow_down(3000)
    other = limiter(database, 16, role="bo")
    _, slot, wait = other._session.take_slot(other._account, 16, 5, None)
    assert slot is None
    assert 2900 < wait <= 3000
    ((slower,),) = database.execute("SELECT slower FROM clover_nb.pace")
    assert slower == pytest.approx(0.015)


def test_of_several_rates_the_lowest_holds_while_it_is_used(database):
    """A connection that was told to go slower is not overrun by another one's requests."""
    take_turns(database, "ana", 2, 1)
    fast = limiter(database, 1000, role="bo")
    moment, slot, _ = fast._session.take_slot(fast._account, 1000, 5, None)
    ((later,),) = database.execute("SELECT next FROM clover_nb.pace")
    assert slot is None
    assert later - moment > 0.5


def test_a_schedule_in_the_future_is_forgotten(database):
    """The server's clock was set back."""
    take_turns(database, "ana", 16, 2)
    database.execute("UPDATE clover_nb.pace SET begun = begun || 9e9, next = 9e9::float8")
    take_turns(database, "ana", 16, 1)
    assert len(begun(database)) == 1


def test_threads_share_the_slots_of_their_connection(database):
    """A session may take a lock of its own twice: the function is told which it holds."""
    here, running, most = limiter(database, at_once=2), set(), []

    def turn(number):
        with here.slot():
            running.add(number)
            most.append(len(running))
            time.sleep(0.005)
            running.discard(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(turn, range(40)))
    assert max(most) == 2


def child_of(pipe, here):
    with here.slot():
        pipe.send("through")


def test_a_forked_child_holds_nothing_of_its_parents(database):
    """It has a connection of its own, and waits for what its parent holds."""
    here = limiter(database, at_once=1)
    ours, theirs = FORK.Pipe()
    with here.slot():
        child = FORK.Process(target=child_of, args=(theirs, here))
        child.start()
        assert not ours.poll(0.3)
    assert ours.recv() == "through"
    child.join()
    with here.slot():
        pass


def test_while_the_database_is_away_the_machine_keeps_to_the_limits_for_itself(
    database, caplog, monkeypatch
):
    """It says so once, what is under way ends as ever, and later it shares the rate again."""
    here = limiter(database, 16)
    with here.slot():
        database.server.stop()
        try:
            with here.slot(), here.slot():
                assert [here._locks.try_acquire(f"slot{number}") for number in (0, 1)] == [None] * 2
            here.slow_down(0)
        finally:
            database.server.start()
    assert caplog.text.count("keeps to Clover's limits for itself") == 1
    assert "pass-ana" not in caplog.text
    before = len(begun(database))
    here._session._away_until = time.monotonic()  # some seconds later
    with here.slot():
        assert len(begun(database)) == before + 1


def test_without_a_rate_nothing_waits(database):
    """`None` and 0 switch it off, and the database isn't asked."""
    with limiter(database, None, None).slot():
        assert database.execute("SELECT to_regclass('clover_nb.pace')") == [(None,)]
