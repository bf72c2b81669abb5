"""What is promised of plans: `python benchmarks/bulk.py`. Ratios are of one run."""

from __future__ import annotations

import resource
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


if __name__ == "__main__":
    main()
