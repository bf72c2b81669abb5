"""An hour at 200 requests a second: `python benchmarks/soak.py`.

No request may fail, and the sandbox's memory must stay flat: what is made is deleted again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time

from sandbox import EXPAND, Caller, customer, memory, sandbox

EMAIL = "ana@example.com"


def rounds(caller):
    """Reads and writes of all kinds, again and again; each request fails loudly."""
    wire, bearer, records = caller.wire, caller.bearer, caller.records
    for number in itertools.count():
        token = caller.token()
        yield
        made = wire.send(wire.request("POST", "/v1/customers", bearer, customer(token)))
        yield
        path = f"/v1/customers/{json.loads(made)['id']}"
        body = json.dumps({"email": EMAIL, "name": f"Ana {number}"}).encode()
        wire.send(wire.request("PUT", path, bearer, body))
        yield
        one = f"/{json.loads(made)['id']}"
        wire.send(caller.read(f"{one}?{EXPAND}"))
        yield
        wire.send(caller.read(f"?limit=100&offset={number % 1900}&{EXPAND}"))
        yield
        wire.send(caller.read(f"?filter=emailAddress={EMAIL}"))
        yield
        wire.send(wire.request("DELETE", records + one, bearer))
        yield


def soak(minutes: float, rate: float) -> bool:
    with sandbox("--customers", "2000") as (process, there):
        steps, start, sizes, waits = rounds(Caller(there)), time.perf_counter(), [], []
        total = int(minutes * 60 * rate)
        for number in range(total):
            wait = start + number / rate - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            began = time.perf_counter()
            next(steps)
            waits.append(time.perf_counter() - began)
            if number % max(1, total // 60) == 0:
                sizes.append(memory(process.pid))
                if len(sizes) % 6 == 1:
                    passed = time.perf_counter() - start
                    print(f"{passed / 60:4.0f} min {number:9,} {sizes[-1]:6.1f} MB", flush=True)
        seconds = time.perf_counter() - start
    # The first tenth fills caches; from there on, the end is held against the beginning.
    first, last = (statistics.median(each) for each in (sizes[6 : 6 + 9], sizes[-9:]))
    print(f"{total:,} requests in {seconds:,.0f} s, {total / seconds:.0f} a second, none failed")
    print(f"median {statistics.median(waits) * 1e3:.2f} ms, longest {max(waits) * 1e3:.0f} ms")
    print(f"memory {first:.1f} MB, and {last:.1f} MB at the end")
    return last <= first * 1.05 and total / seconds >= rate * 0.98


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200)
    args = parser.parse_args()
    sys.exit(0 if soak(args.minutes, args.rate) else 1)
