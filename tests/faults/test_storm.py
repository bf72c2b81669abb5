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

import storm

from clover_nb import connect, errors, sandbox

HERE = Path(__file__).parent


def stormy(running, **settings):
    quick = {"requests_per_second": None, "timeouts": storm.TIMEOUTS}
    return connect("local", **(running.connection() | quick | settings))


def test_nothing_is_lost_and_nothing_doubled(tmp_path):
    """Each customer is there once, with the value that was acknowledged last."""
    with (
        sandbox.start(customers=0, limits=False, faults=storm.FAULTS) as running,
        stormy(running, journal=tmp_path / "journal") as clover,
    ):
        acknowledged = storm.rage(clover, range(150), threads=5)
        damage = storm.survey(clover, acknowledged)
        assert not damage, damage
        assert len(clover.customers.list()) == 150
        assert len(clover.journal.frame()) == 300
        assert {entry["fault"] for entry in running.requests} > {"", "reset-after", "truncated"}


def test_the_storm_would_show_a_loss_and_a_double():
    """The survey finds what the storm is there to find."""
    with sandbox.start(customers=0, limits=False) as running, stormy(running) as clover:
        acknowledged = storm.rage(clover, range(3), threads=1)
        storm.one_customer(clover, 0)
        clover.customers.modify(clover.customers.list().index[1], name="Somebody")
        damage = storm.survey(clover, acknowledged | {storm.address(9): "Last 9"})
    assert damage.doubled == [storm.address(0)]
    assert damage.missing == [storm.address(9)]
    assert len(damage.wrong) == 2


WORKER = """
import sys, json, storm
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
    key = created.get(storm.address(number))
    if key is None:
        token = clover.tokens.create(card=storm.TEST_CARDS["visa"])["id"]
        key = clover.customers.create(email=storm.address(number), source=token,
                                      name=f"First {number}")["id"]
    if key not in changed:
        clover.customers.modify(key, name=f"Last {number}")
    print(number, flush=True)
"""


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
    assert sorted(table["email"]) == sorted(map(storm.address, range(count)))
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
                    lambda at: storm.one_customer(account, at),
                    lambda at: account.customers.search(email=storm.address(at)),
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
