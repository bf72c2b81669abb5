"""What is promised of plans and batches: `python benchmarks/bulk.py`. Ratios are of one run."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd

from clover_nb import connect
from clover_nb.bulk.plan import make_plan
from clover_nb.sandbox import start

MANY = 100_000
CHANGED = 5_000
RUNS = 5


def peak() -> float:
    """The most megabytes that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def timed(work):
    """The median wall and processor seconds of some runs."""
    times = []
    for _ in range(RUNS):
        start_time = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - start_time[0], time.process_time() - start_time[1]))
    return np.median(times, axis=0)


def planned(table: pd.DataFrame, customers: pd.DataFrame, **options):
    return make_plan(table, customers, merchant="M", host="clover.test", **options)


SERVER = """
import json, sys
from clover_nb import sandbox
with sandbox.start(seed=1, customers=600, latency_ms=80) as box:
    print(json.dumps(box.connection()), flush=True)
    sys.stdin.read()
    print([entry["status"] for entry in box.requests].count(429), flush=True)
"""


DESK = """
import json, sys, time
from clover_nb import connect
with connect("local", **json.loads(sys.stdin.readline())) as clover:
    key = clover.customers.list().index[-1]
    print(flush=True)
    times = []
    while not times or sys.stdin.readline() == "again\\n":
        began = time.perf_counter()
        clover.customers.modify(key, phone=f"+1 408 555 {len(times):04}")
        times.append(time.perf_counter() - began)
        print(flush=True)
    print(json.dumps(times), flush=True)
"""


def run_python(program: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def apply_many(*, at_desk: bool = False) -> tuple[list[tuple[float, int]], list[float], int]:
    """Apply 500 changes: when how many were done, the desk's waits, and the refusals (429).

    The sandbox has its own process, limits as Clover's, and 80 ms of latency. At the desk another
    process changes a customer once a second meanwhile; each takes two requests.
    """
    with (
        run_python(SERVER) as server,
        run_python(DESK) as desk,
        tempfile.TemporaryDirectory() as folder,
    ):
        there = json.loads(server.stdout.readline()) | {"journal": f"{folder}/j"}
        with connect("local", **there) as clover:
            names = [f"Re{number} Named" for number in range(500)]
            table = pd.DataFrame({"id": clover.customers.list().index[:500], "name": names})
            plan = clover.customers.plan(table)
            print(json.dumps(there), file=desk.stdin, flush=True)
            desk.stdout.readline()
            seen = []
            turns = iter(range(1, 1000))
            due = next(turns)

            def follow(progress):
                nonlocal due
                seen.append((time.perf_counter(), progress.done))
                if at_desk and progress.done and seen[-1][0] - seen[0][0] > due:
                    due = next(turns)
                    print("again", file=desk.stdin, flush=True)

            clover.customers.apply(plan, progress=follow)
        waits = json.loads(desk.communicate()[0].splitlines()[-1])
        return seen, waits[1:], int(server.communicate("")[0])


def pace() -> tuple[float, int]:
    """Of 16 a second, the changes of a batch of 500; and how many requests were refused.

    They are counted from the first that is done to the last, without the listings.
    """
    seen, _, refused = apply_many()
    first = next(each for each in seen if each[1])
    last = next(each for each in seen if each[1] == 500)
    return (last[1] - first[1]) / (last[0] - first[0]) / 16, refused


def main() -> None:
    with (
        start(seed=1, customers=MANY, limits=False) as box,
        connect("local", **box.connection(), requests_per_second=None) as clover,
    ):
        begun = time.perf_counter()
        customers = clover.customers.list()
        listing = time.perf_counter() - begun
    shuffled = customers.sample(frac=1, random_state=1)
    before = peak()
    same = timed(lambda: planned(shuffled, customers))
    extra = peak() - before
    compared = timed(lambda: shuffled.loc[customers.index].compare(customers))
    edited = customers.copy()
    places = np.arange(0, MANY, MANY // CHANGED)
    edited.iloc[places, edited.columns.get_loc("phone")] = "+1 408 555 0100"
    begun = time.perf_counter()
    plan = planned(edited, customers, base=customers)
    seconds = time.perf_counter() - begun
    # Half of them are there under another address.
    new = customers.iloc[places].reset_index(drop=True)
    new["email"] = [f"new{number}@example.com" for number in range(len(new))]
    new.loc[::2, ["name", "phone", "shipping_line1"]] = ["Zoë Newman", "", "1 New Street"]
    new = new.drop(columns=["first_name", "last_name"])
    begun = time.perf_counter()
    created = planned(new, customers)
    creating = time.perf_counter() - begun
    print(f"listing {listing:.2f} s; {plan}; {created}")
    for what, value, goal in (
        ("comparison of 100,000 in another order, of the listing's time", same[0] / listing, 0.25),
        ("the same, processor time of DataFrame.compare's", same[1] / compared[1], 0.5),
        ("the same, memory on top, MB", extra, 40),
        ("plan of 5,000 changes against 100,000, s", seconds, 5),
        ("plan of 5,000 new customers against 100,000, s", creating, 5),
    ):
        print(f"{what:62} {value:8.2f}   <= {goal:<5} {'ok' if value <= goal else 'MISSED'}")
    share, refused = pace()
    print(
        f"{'changes of a batch, of 16 a second':62} {share:8.3f}   >= 0.94  "
        f"{'ok' if share >= 0.94 else 'MISSED'}, {refused} refused (429)"
    )
    _, waits, refused = apply_many(at_desk=True)
    for what, value in (("median", np.median(waits)), ("worst", max(waits))):
        name = f"a change at the desk beside a batch, s, {what} of {len(waits)}"
        print(f"{name:62} {value:8.2f}   <= 1     {'ok' if value <= 1 else 'MISSED'}")
    print(f"{refused} refused (429) meanwhile")


if __name__ == "__main__":
    main()
