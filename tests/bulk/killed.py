"""A process that applies a plan, to be killed: PLAN JOURNAL CONNECTION."""

from __future__ import annotations

import json
import sys

from clover_nb import connect, read_plan

if __name__ == "__main__":
    plan, journal, connection = sys.argv[1:]
    with connect(
        "local", journal=journal, requests_per_second=None, **json.loads(connection)
    ) as clover:
        print("ready", flush=True)  # noqa: T201  for the test
        batch = clover.customers.apply(read_plan(plan), settle_seconds=0.2)
        print(batch.state, flush=True)  # noqa: T201  for the test
