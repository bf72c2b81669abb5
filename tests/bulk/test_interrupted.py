"""A process that applies a plan is killed or interrupted, and the plan is applied again."""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import threading
import time

import pandas as pd
import pytest
from apply_in_process import apply_in_process
from batch_rows import QUICK, are_verified, count_outcomes, new_rows, renaming_rows
from lossy_proxy import Loss, LossyProxy, lossy_proxy

ADDRESS = {
    "shipping_line1": "1 New St",
    "shipping_city": "Boston",
    "shipping_state": "MA",
    "shipping_postal_code": "02108",
    "shipping_country": "US",
}
#: What a batch sends: methods, and how the path ends.
READ = "GET", r"/customers"
CREATE = "POST", r"/customers"
NAME = "POST", r"/customers/\w+"
EMAIL = "POST|DELETE", r"/email_addresses.*"
PHONE = "POST|DELETE", r"/phone_numbers.*"
STREET = "POST|DELETE", r"/addresses.*"
DELETE = "DELETE", r"/customers/\w+"
LATE_SECONDS = 1.5
NOTHING = "", ""


class SignalingProxy(LossyProxy):
    """Sends a process a signal at a certain one of its requests."""

    def aim(self, kind, number, *, what="answer", signum=signal.SIGKILL):
        """Set the request.

        Args:
            kind: Its kind.
            number: Which of them, from now on.
            what: What is lost of it: the ``request``, the ``answer``, ``time`` until the release,
                or ``nothing``.
            signum: The signal.
        """
        self.kind, self.what, self.signum = kind, what, signum
        self.waiting = itertools.count(1)
        self.number = number
        self.process = None
        self.released, self.arrived, self.signaled = threading.Event(), threading.Event(), 0.0

    def pick(self, method, path, body):
        wanted, ends = self.kind
        if not re.fullmatch(wanted, method) or not re.search(f"{ends}$", path.partition("?")[0]):
            return None
        if next(self.waiting) != self.number:
            return None
        if self.what in ("request", "answer"):
            return Loss(self.what, method, path, self.send_signal)
        self.send_signal()
        if self.what == "time":
            self.released.wait()
            return Loss("answer", method, path, self.arrived.set)
        return None

    def send_signal(self):
        self.signaled = time.time()
        os.kill(self.process.pid, self.signum)

    def run(self, plan, journal):
        """Apply a plan in a process; what came of it, and its exit status."""
        address = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), self.url)
        settings = self.sandbox.connection() | address | {"journal": journal, "timeouts": QUICK}
        return apply_in_process(plan, settings, lambda process: setattr(self, "process", process))


@pytest.fixture
def proxy(box):
    with lossy_proxy(box, SignalingProxy) as running:
        running.aim(NOTHING, 1)
        yield running


@pytest.fixture
def near(proxy, tmp_path):
    """A connection through it, with a journal of its own."""
    with proxy.connect(journal=tmp_path / "journal") as connection:
        yield connection


def apply_killed(proxy, plan, folder, kinds):
    """Apply a plan, killed at each kind of request, before it arrives and after; and to the end."""
    plan.save(folder / "plan.jsonl")
    kills = [(kind, what) for kind in kinds for what in ("request", "answer")]
    chance = random.Random()  # noqa: S311  no secret
    chance.shuffle(kills)
    for kind, what in kills:
        proxy.aim(kind, chance.choice((1, 1, 2, 3)), what=what)
        told = proxy.run(folder / "plan.jsonl", folder / "killed")
        assert told == ([], -signal.SIGKILL), (kind, what, told)
    proxy.aim(NOTHING, 1)
    told = proxy.run(folder / "plan.jsonl", folder / "killed")
    assert told == (["done", None], 0)


# -- kill -9 -------------------------------------------------------------------------------------


def shown_fields(customers, ids):
    """What a plan can change, of some customers, as texts."""
    names = ["name", "email", "phone", *ADDRESS]
    return customers.reindex(ids)[names].astype("str").fillna("").to_dict("index")


@pytest.mark.long
@pytest.mark.parametrize("box", [{"latency_ms": 20}], indirect=True)
def test_killed_at_any_request_none_is_lost_and_none_doubled(near, box, proxy, tmp_path):
    """Twenty times, and ten while it is taken back: all is there once, then as before."""
    box.seed(340)
    before = near.customers.list()
    bare = before.index[before["phone"].isna()][:40]
    others = before.index[before["phone"].notna() & before["first_name"].notna()]
    both = pd.DataFrame({"id": others[30:60], "name": "Both Changed", "phone": "408-555-0133"})
    addresses = [f"to{number}@example.com" for number in range(50)]
    table = pd.concat(
        [
            renaming_rows(before.loc[others[:30]], 30),
            both,
            pd.DataFrame({"id": bare, "phone": "408-555-0144"}),
            pd.DataFrame({"id": others[60:110], "email": addresses}),
            pd.DataFrame({"id": others[110:160], **ADDRESS}),
            new_rows(30),
            new_rows(30, start=30).assign(email=""),  # found by their marks alone
        ]
    ).fillna("")
    table = table.sample(frac=1).reset_index(drop=True)
    plan = near.customers.plan(table)
    plan.accept(plan.frame(status="doubtful").index)  # some have the phone of another by now
    assert set(plan.frame()["status"]) == {"ready"}
    changes = (NAME, EMAIL, PHONE, STREET)
    apply_killed(proxy, plan, tmp_path, (READ, CREATE, *changes, CREATE, *changes))

    after = near.customers.list()
    with proxy.connect(journal=tmp_path / "killed") as again:
        batch = again.batch(1)
        assert count_outcomes(batch) == {"done": len(table)}
        assert are_verified(batch)
        ids = batch.frame()["id"]
        history = again.journal.frame()  # each change once
        assert sorted(history["customer_id"]) == sorted(ids)
        assert set(history["outcome"]) == {"done"}
        undo = batch.plan_undo()
    assert len(after) == len(before) + 60
    wanted = shown_fields(before, ids)
    for row, key in zip(table.to_dict("records"), ids, strict=True):
        wanted[key] |= {name: row[name] for name in wanted[key] if row[name]}
    assert shown_fields(after, ids) == wanted

    undo.accept(undo.frame(status="doubtful").index)
    wrong = [row for row in undo.rows if row.status == "wrong"]  # Clover would not take them back
    assert {reason.code for row in wrong for reason in row.reasons} <= {"address_incomplete"}
    apply_killed(proxy, undo, tmp_path, (READ, DELETE, *changes))
    found = near.customers.list()
    assert set(found.index) == set(before.index)
    kept = before.index.difference([row.customer_id for row in wrong])
    assert shown_fields(found, kept) == shown_fields(before, kept)
    with proxy.connect(journal=tmp_path / "killed") as again:
        taken = again.journal.frame().iloc[len(history) :]
        assert sorted(taken["customer_id"]) == sorted(
            row.customer_id for row in undo.rows if row.requests
        )


@pytest.mark.long
@pytest.mark.parametrize("kind", [CREATE, PHONE], ids=["create", "phone"])
def test_what_is_still_on_its_way_after_a_kill_is_not_sent_again(near, box, proxy, tmp_path, kind):
    """It arrives when somebody has begun to go on, who has waited for it."""
    bare = near.customers.list()["phone"].isna()
    table = new_rows(6).assign(email="")
    if kind == PHONE:
        table = pd.DataFrame({"id": bare.index[bare][:6], "phone": "408-555-0144"})
    plan = near.customers.plan(table)
    plan.save(tmp_path / "plan.jsonl")
    proxy.aim(kind, 3, what="time")
    told = proxy.run(tmp_path / "plan.jsonl", tmp_path / "journal")
    assert told == ([], -signal.SIGKILL)
    threading.Timer(LATE_SECONDS, proxy.released.set).start()
    elapsed = time.time() - proxy.signaled
    batch = near.customers.apply(plan, listing_wait=elapsed + 4 * LATE_SECONDS)
    assert proxy.arrived.wait(60)
    assert count_outcomes(batch) == {"done": len(table)}
    writes = [entry for entry in box.requests if entry["method"] == "POST"]
    assert len(writes) == len(table)


# -- Ctrl-C --------------------------------------------------------------------------------------


@pytest.mark.parametrize("box", [{"latency_ms": 100}], indirect=True)
@pytest.mark.parametrize("number", [1, 9], ids=["alone", "several"])
def test_ctrl_c_lets_what_is_under_way_finish(near, box, proxy, tmp_path, number):
    """A real SIGINT, while the first row of its kind is sent and while several are."""
    plan = near.customers.plan(new_rows(30))
    plan.save(tmp_path / "plan.jsonl")
    proxy.aim(CREATE, number, what="nothing", signum=signal.SIGINT)
    told = proxy.run(tmp_path / "plan.jsonl", tmp_path / "journal")
    assert told == (["stopped", "It was interrupted."], 0)
    made = len(near.customers.list()) - 60
    assert number <= made < 30
    assert count_outcomes(near.batch(1)) == {"done": made, "planned": 30 - made}
    assert count_outcomes(near.customers.apply(plan)) == {"done": 30}
    assert len([entry for entry in box.requests if entry["method"] == "POST"]) == 30
