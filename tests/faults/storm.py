"""A storm: creates and changes from several threads, while every fifth request goes wrong.

    python tests/faults/storm.py --customers 10000

At its end there must be exactly one customer for each create, with the last value that was
acknowledged, and no entry of the journal open. Exits with 1 where that is not so.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from clover_nb import TEST_CARDS, connect, errors, sandbox
from clover_nb.client import Clover
from clover_nb.settings import Timeouts

#: Every fifth request: refused, failed, lost before and after the change, garbled, or late.
FAULTS = "429:3%,500:3%,503:3%,reset-before:4%,reset-after:4%,truncated:2%,html:0.9%,slow:0.1%"
TIMEOUTS = Timeouts(retry_delay=0.005, max_retry_delay=0.1, unreachable=60, total=60)


@dataclass
class Damage:
    """What is not as it should be; all empty is well."""

    not_done: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(vars(self).values())


def address(number: int) -> str:
    return f"storm-{number}@example.com"


def one_customer(clover: Clover, number: int) -> str:
    """Create a customer and change it; returns the last acknowledged name."""
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    row = clover.customers.create(email=address(number), source=token, name=f"First {number}")
    return str(clover.customers.modify(row["id"], name=f"Last {number}")["name"])


def rage(clover: Clover, numbers: range, threads: int) -> dict[str, str | errors.CloverError]:
    """Do it for all; returns for each address the name that was acknowledged, or the error."""

    def attempt(number: int) -> str | errors.CloverError:
        try:
            return one_customer(clover, number)
        except errors.CloverError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return dict(zip(map(address, numbers), pool.map(attempt, numbers), strict=True))


def survey(clover: Clover, acknowledged: dict[str, str | errors.CloverError]) -> Damage:
    """Compare what there is with what was acknowledged."""
    table = clover.customers.list()
    names = table[table["email"].str.startswith("storm-")].groupby("email")["name"].agg(list)
    damage = Damage()
    for email, name in acknowledged.items():
        there = names.get(email, [])
        if isinstance(name, errors.CloverError):
            damage.not_done.append(f"{email}: {name}")
        elif not there:
            damage.missing.append(email)
        elif there != [name]:
            damage.wrong.append(f"{email}: {there} instead of {name}")
        if len(there) > 1:
            damage.doubled.append(email)
    outcomes = clover.journal.frame()["outcome"]
    damage.unsettled = [f"{entry}: {it}" for entry, it in outcomes.items() if it != "done"]
    return damage


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=5)
    parser.add_argument("--faults", default=FAULTS)
    options = parser.parse_args()
    logging.getLogger("uvicorn.error").setLevel(
        logging.CRITICAL
    )  # it tells of each lost connection
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox.start(customers=0, limits=False, faults=options.faults) as running,
        connect(
            "local",
            **running.connection(),
            requests_per_second=None,
            timeouts=TIMEOUTS,
            journal=Path(folder) / "journal",
        ) as clover,
    ):
        logging.getLogger("uvicorn.error").disabled = True  # it tells of each dropped connection
        acknowledged = rage(clover, range(options.customers), options.threads)
        damage = survey(clover, acknowledged)
        entries = len(clover.journal.frame())
        customers = len(clover.customers.list())
    seconds = time.monotonic() - started
    report = [
        f"{options.customers:,} creates and changes by {options.threads} threads, {seconds:.0f} s",
        f"faults: {options.faults}",
        f"{customers:,} customers, {entries:,} entries in the journal",
    ]
    report += [
        f"{kind.replace('_', ' ')}: {len(found)} {found[:3] or ''}"
        for kind, found in vars(damage).items()
    ]
    sys.stdout.write("\n".join(report) + "\n")
    return 1 if damage or customers != options.customers else 0


if __name__ == "__main__":
    sys.exit(main())
