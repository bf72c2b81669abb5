"""Interrupts at random moments of reads and writes, as the stop button and Ctrl-C send them.

    python tests/faults/interrupts.py --count 6000

Each must end what is called with ``KeyboardInterrupt``; afterwards the connection must work, and as
many requests at once as before must be possible. Exits with 1 where that is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from clover_nb import connect, constants, sandbox
from clover_nb.client import Clover

LATENCY_MS = 2
LOST_SECONDS = 20  # after which an interrupt does not come any more
HANGS_SECONDS = 300  # after which what should end hangs, on the busiest machine


def interrupt(count: int, seed: int, folder: str) -> dict[str, int]:
    """Interrupt a process so often.

    Returns:
        How many interrupts ended a call, how many came after its end, and how many were lost.
    """
    dice = random.Random(seed)  # noqa: S311  no secret
    with sandbox.start(customers=5, limits=False, latency_ms=LATENCY_MS) as running:
        task = {"count": count, "connection": running.connection(), "folder": folder}
        command = [sys.executable, __file__, "--task", json.dumps(task)]
        environment = os.environ | {"XDG_RUNTIME_DIR": folder}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            watchdog = threading.Timer(HANGS_SECONDS + count / 5, process.kill)
            watchdog.start()
            try:
                for line in iter(process.stdout.readline, ""):
                    if line != "armed\n":
                        return dict(json.loads(line))
                    time.sleep(dice.uniform(0, 3 * LATENCY_MS / 1000))
                    process.send_signal(signal.SIGINT)
            finally:
                watchdog.cancel()
                process.kill()
    raise RuntimeError("The process ended, or something in it hung.")


def be_interrupted(count: int, connection: dict[str, str], folder: str) -> dict[str, int]:
    """Call, be interrupted, and look whether all is well, so often."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` leaves it ignored
    told = {"ended": 0, "later": 0, "lost": 0}
    with connect("local", **connection, requests_per_second=None, journal=None) as clover:
        key = clover.customers.list(limit=1).index[0]
        for turn in range(count):
            called = False
            try:
                say("armed")
                if turn % 2:
                    clover.customers.modify(key, name=f"Ana Rivera {turn}", email="a@example.com")
                else:
                    clover.customers.retrieve(key)
                called = True
                time.sleep(LOST_SECONDS)
                told["lost"] += 1
            except KeyboardInterrupt:
                told["later" if called else "ended"] += 1
            look(clover, key)
    return told


def look(clover: Clover, key: str) -> None:
    """Read, and hold all slots at once."""
    assert clover.customers.retrieve(key)["id"] == key
    full = threading.Barrier(constants.REQUESTS_AT_ONCE, timeout=HANGS_SECONDS)

    def hold(_: int) -> None:
        with clover._transport._rate_limiter.slot():
            full.wait()

    with ThreadPoolExecutor(constants.REQUESTS_AT_ONCE) as pool:
        list(pool.map(hold, range(constants.REQUESTS_AT_ONCE)))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        say(json.dumps(be_interrupted(**json.loads(options.task))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        told = interrupt(options.count, options.seed, folder)
    say(", ".join(f"{name}: {number}" for name, number in told.items()))
    return told["lost"] > 0


if __name__ == "__main__":
    sys.exit(main())
