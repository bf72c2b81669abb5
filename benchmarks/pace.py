"""What is promised of the rate that processes share: `python benchmarks/pace.py`, two minutes.

Six processes with three threads each call a sandbox that has Clover's limits and answers after
80 ms. Then it is done again, and two of them are killed with -9 in the middle. With `--database`
three of them have another home than the others, as on two machines, and share the rate through a
PostgreSQL that it starts. Another job on the
machine makes the numbers worse: with a load of 23 on two cores 90% of the limit were reached, with
three refusals, and 97% after two were killed.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from os import environ
from pathlib import Path

from clover_nb import connect
from clover_nb.constants import REQUESTS_PER_SECOND

PROCESSES, THREADS = 6, 3
AFTER = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--database", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(json.loads(options.worker))
        return
    with ExitStack() as stack:
        homes = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2)]
        team = stack.enter_context(database()) if options.database else {}
        homes = homes if team else homes[:1]
        with served() as there:
            turns, refused, _ = run(there | team, options.seconds, homes)
        with served() as there:
            _, _, after = run(there | team, options.seconds / 2, homes, killed=2)
    counts = sorted(map(len, turns))
    span = max(map(max, turns)) - min(map(min, turns))
    share = sum(counts) / span / REQUESTS_PER_SECOND
    print(f"{PROCESSES} processes, {span:.1f} s: {share:.1%} of the limit   promised: 94%")
    print(f"refused with 429: {refused}   promised: 0")
    print(f"turns a process: {counts}, {counts[-1] / counts[0]:.2f}   promised: 1.5")
    print(f"from {AFTER} s after two were killed: {after:.1%} of the limit   promised: 94%")


@contextmanager
def database():
    """A team's database, in a PostgreSQL of its own."""
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
    from postgresql import run_server  # noqa: PLC0415  found by the line above

    with run_server() as server, server.create_database() as made:
        yield {"team": made.address("ana")}


def run(
    there: dict, seconds: float, homes: list[str], killed: int = 0
) -> tuple[list[list[float]], int, float]:
    """Each process's turns, how many got 429, and the share after some were killed."""
    command = [sys.executable, __file__, "--worker", json.dumps(there)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    homes = [environ | {"XDG_RUNTIME_DIR": home} for home in homes] * PROCESSES
    processes = [subprocess.Popen(command, env=home, **pipes) for home in homes[:PROCESSES]]
    for process in processes:
        process.stdout.readline()  # it has imported what it needs
    begin = time.monotonic() + 0.2
    for process in processes:
        process.stdin.write(json.dumps([begin, begin + seconds]) + "\n")
        process.stdin.flush()
    time.sleep(begin + seconds / 3 - time.monotonic())
    for process in processes[:killed]:
        process.kill()
    dead = time.monotonic()
    outputs = [process.communicate()[0] for process in processes]
    reports = [json.loads(output) for output in outputs[killed:]]
    turns = [report["turns"] for report in reports]
    later = [
        turn for process in turns for turn in process if dead + AFTER <= turn < begin + seconds
    ]
    share = len(later) / (begin + seconds - dead - AFTER) / REQUESTS_PER_SECOND
    return turns, sum(report["refused"] for report in reports), share


def work(there: dict) -> None:
    """Take turns, and tell when each was over."""
    turns: list[float] = []
    retries = Retries()
    logging.getLogger("clover_nb").addHandler(retries)
    logging.getLogger("clover_nb").setLevel(logging.INFO)
    print("ready", flush=True)
    begin, end = json.loads(sys.stdin.readline())
    with connect("local", **there, journal=None) as clover:

        def take_turns() -> None:
            while time.monotonic() < end:
                clover.api_keys.retrieve()
                turns.append(time.monotonic())

        threads = [threading.Thread(target=take_turns) for _ in range(THREADS)]
        time.sleep(max(0.0, begin - time.monotonic()))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    refused = sum("HTTP 429" in line for line in retries.lines)
    print(json.dumps({"turns": turns, "refused": refused}))


class Retries(logging.Handler):
    """Keep the line that the client logs for each retry."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def served():
    """A sandbox in a process of its own; gives its six values."""
    command = [sys.executable, "-m", "clover_nb.sandbox", "--json", "--customers", "5"]
    options = ["--latency-ms", "80", "--control"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
