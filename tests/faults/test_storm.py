"""Many changes, while every fifth request goes wrong: none lost, none doubled, no secret shown."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import storm
from lossy_proxy import lossy_proxy

from clover_nb import TEST_CARDS, connect, errors, sandbox

HERE = Path(__file__).parent


def stormy(running, **settings):
    quick = {"requests_per_second": None, "timeouts": storm.TIMEOUTS}
    return connect("local", **(running.connection() | quick | settings))


@pytest.fixture
def weather():
    """A sandbox where every fifth request goes wrong, and a proxy that loses more."""
    with (
        sandbox.start(customers=0, limits=False, faults=storm.FAULTS) as running,
        lossy_proxy(running, storm.Weather) as proxy,
        storm.direct(running, None) as colleague,
    ):
        proxy.prepare(colleague, seed=1)
        yield proxy


def test_nothing_is_lost_doubled_overwritten_or_taken_over(weather, tmp_path):
    """Each customer is there once, with the value that was acknowledged last, or a colleague's."""
    with weather.connect(journal=tmp_path / "journal", timeouts=storm.TIMEOUTS) as clover:
        stories = storm.rage(clover, weather, range(60), threads=5)
        damage = storm.survey(clover, stories, weather.met)
        assert not damage, damage
        outcomes = set(clover.journal.frame()["outcome"])
    assert outcomes == {"done", "unknown"}  # the latter where a colleague came in between
    assert weather.met
    assert {entry["fault"] for entry in weather.sandbox.requests} > {"", "reset-after"}


def test_the_storm_would_show_what_goes_wrong():
    """The survey finds what the storm is there to find."""
    with (
        sandbox.start(customers=0, limits=False) as running,
        lossy_proxy(running, storm.Weather) as calm,
        storm.direct(running, None) as clover,
        stormy(running) as journaled,
    ):
        calm.prepare(clover, seed=1)
        stories = storm.rage(journaled, calm, range(3), threads=1)
        assert not storm.survey(journaled, stories, calm.met)
        storm.one_customer(clover, calm, 0)
        clover.customers.modify(stories[1].key, name="Somebody")
        gone = storm.Story(storm.address(9), key="0000000000000")
        failed = storm.Story(storm.address(9), error="OutcomeUnknownError: unclear")
        late = storm.Story(storm.address(9), error="name: theirs overwritten by ours")
        stories += [gone, failed, late, stories[2]]
        damage = storm.survey(journaled, stories, calm.met)
    assert len(damage.wrong) == 1
    assert damage.missing == [f"{gone.email}: {gone.key}"]
    assert damage.taken_over == [f"{stories[2].key}: 2 creates"]
    assert damage.doubled == [f"{gone.email}: 0 instead of 1"]
    assert (len(damage.not_done), len(damage.overwritten)) == (1, 1)


def email(number):
    return f"storm-{number}@example.com"


def one_customer(clover, number):
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    row = clover.customers.create(email=email(number), source=token, name=f"First {number}")
    clover.customers.modify(row["id"], name=f"Last {number}")


WORKER = """
import sys, json, storm
def email(number):
    return f"storm-{number}@example.com"
from pathlib import Path
from clover_nb import connect
clover = connect("local", **json.loads(sys.argv[1]), requests_per_second=None,
                 timeouts=storm.TIMEOUTS, journal=sys.argv[2])
done = clover.journal.frame().query("outcome == 'done'")
created = {sent["email"]: key for sent, key in
           done[done.operation == "create"][["sent", "customer_id"]].itertuples(index=False)}
changed = set(done[done.operation == "modify"]["customer_id"])
print("open:", (clover.journal.frame()["outcome"] == "open").sum(), flush=True)
for number in range(int(sys.argv[3])):
    key = created.get(email(number))
    if key is None:
        token = clover.tokens.create(card=storm.TEST_CARDS["visa"])["id"]
        key = clover.customers.create(email=email(number), source=token,
                                      name=f"First {number}")["id"]
    if key not in changed:
        clover.customers.modify(key, name=f"Last {number}")
    print(number, flush=True)
"""


@pytest.mark.long
def test_a_killed_program_goes_on_where_its_journal_ends(tmp_path):
    """Kill -9 in the middle, twice; the next run does what is not shown as done."""
    count, file = 40, tmp_path / "journal"
    with sandbox.start(customers=0, limits=False, faults=storm.FAULTS) as running:
        arguments = [json.dumps(running.connection()), str(file), str(count)]

        def run(until: int) -> int:
            worker = subprocess.Popen(
                [sys.executable, "-c", WORKER, *arguments],
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONPATH": str(HERE)},
            )
            with worker:
                assert worker.stdout.readline() == "open: 0\n"
                for line in worker.stdout:
                    if int(line) == until:
                        worker.send_signal(signal.SIGKILL)
                return worker.wait()

        for until in (12, 25):
            assert run(until) == -signal.SIGKILL
        assert run(count) == 0
        with stormy(running, journal=file) as clover:
            table = clover.customers.list()
            outcomes = set(clover.journal.frame()["outcome"])
    assert sorted(table["email"]) == sorted(map(email, range(count)))
    assert sorted(table["name"]) == sorted(f"Last {number}" for number in range(count))
    assert outcomes <= {"done", "not done"}


def test_two_accounts_never_mix():
    """Eight threads on two connections: no request carries the other's key.

    The server knows one of the keys, so that a change with the wrong one would show: made with the
    stranger's call, or refused to the merchant's. Reads name their account in the query.
    """
    with (
        sandbox.start(customers=0, limits=False) as running,
        stormy(running) as merchant,
        stormy(running, access_token="another-key-of-a-stranger") as stranger,
    ):
        outcomes = []

        def work(number: int) -> None:
            account = (merchant, stranger)[number % 2]
            for turn in range(10):
                for call in (
                    lambda at: one_customer(account, at),
                    lambda at: account.customers.search(email=email(at)),
                ):
                    try:
                        call(2 * (100 * number + turn) + number % 2)
                        outcomes.append((number % 2, "done"))
                    except errors.CloverError as error:
                        outcomes.append((number % 2, type(error).__name__))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        requests = running.requests
        assert len(merchant.customers.list()) == 40
    assert sorted(set(outcomes)) == [(0, "done"), (1, "AuthenticationError")]
    assert len(outcomes) == 160
    asked = [entry for entry in requests if "storm-" in entry["query"]]
    assert len(asked) == 80
    for entry in asked:
        number = int(re.search(r"storm-(\d+)", entry["query"])[1])
        mine = (running.access_token, "another-key-of-a-stranger")[number % 2]
        assert entry["credential"][-4:] == mine[-4:]
