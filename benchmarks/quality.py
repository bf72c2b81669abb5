"""What is promised of clover_nb.quality: `python benchmarks/quality.py`."""

from __future__ import annotations

import resource
import time

from clover_nb import connect, quality
from clover_nb.sandbox import start

MANY = 100_000


def customers():
    """100,000 invented customers, as a table."""
    with (
        start(seed=1, customers=MANY, limits=False) as box,
        connect("local", **box.connection(), requests_per_second=None) as clover,
    ):
        return clover.customers.list(limit=None)


def peak() -> float:
    """The most megabytes that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    table = customers()
    before, start_time = peak(), time.perf_counter()
    found = quality.report(table)
    seconds = time.perf_counter() - start_time
    print(found[["customers", "share"]])
    for what, value, goal in (
        ("report with duplicates, s", seconds, 60),
        ("memory of the whole process, MB", peak(), 1000),
    ):
        print(f"{what:35} {value:8.1f}   <= {goal:<5} {'ok' if value <= goal else 'MISSED'}")
    print(f"{'of it before the report, MB':35} {before:8.1f}")


if __name__ == "__main__":
    main()
