"""A storm over a batch: writes are lost, colleagues write, and processes are killed.

    python tests/faults/batch_storm.py --rows 2000

The process that applies the plan is killed again and again, and another one goes on. At the end
there must be one customer for each create, each change that is done, and of each customer whom a
colleague has changed meanwhile, the colleague's value. Exits with 1 where that is not so.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pandas as pd
from apply_in_process import apply_in_process
from lossy_proxy import Loss, LossyProxy, lossy_proxy, nothing
from storm import TIMEOUTS, DamageReport, direct, silence_loggers

from clover_nb import sandbox
from clover_nb.client import Clover
from clover_nb.errors import InvalidRequestError

#: Of the writes: how many are lost on their way, how many of those meet a colleague, and how many
#: kill the process.
LOST, MET, KILLED = 0.1, 0.3, 0.02
STARTS = 200  # of processes, after which it will never end


@dataclass
class BatchDamage(DamageReport):
    """Of a batch."""

    unfinished: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


class BatchWeather(LossyProxy):
    """Loses writes and kills the process as the dice fall; a colleague writes in between."""

    def prepare(self, colleague: Clover, seed: int) -> None:
        """Set who writes in between, and the dice."""
        self._colleague = colleague
        self._dice = random.Random(seed)  # noqa: S311  no secret
        self._lock = threading.Lock()
        self.process: BaseProcess | None = None
        self.kills = 0
        self.theirs: dict[str, str] = {}  # the colleague's names, by customer id

    def pick(self, method: str, path: str, body: bytes) -> Loss | None:
        """Throw the dice for a write of the batch."""
        if method != "POST" or self.process is None:
            return None
        with self._lock:
            lost, met, killed, what = (self._dice.random() for _ in range(4))
        if killed < KILLED:
            return Loss("request" if what < 0.5 else "answer", method, path, self._kill)
        if lost >= LOST:
            return None
        key = path.partition("/customers/")[2].partition("?")[0]
        then = (lambda: self._meet(key)) if key and met < MET else nothing
        return Loss("request" if what < 0.5 else "answer", method, path, then)

    def _kill(self) -> None:
        if self.process is not None and self.process.pid:
            self.kills += 1
            os.kill(self.process.pid, signal.SIGKILL)

    def _meet(self, key: str) -> None:
        with self._lock:
            name = f"Theirs {self._dice.randrange(10**6)}"
        with suppress(InvalidRequestError):  # Clover changes nobody without an email there
            self._colleague.customers.modify(key, name=name)
            self.theirs[key] = name

    def apply(self, plan: Path, journal: Path) -> list[Any]:
        """Apply a plan in one process after the other; what the last one said."""
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), self.url)
        given = self.sandbox.connection() | urls | {"journal": journal, "timeouts": TIMEOUTS}
        told: list[Any] = []
        for _ in range(STARTS):
            told, _status = apply_in_process(plan, given, lambda it: setattr(self, "process", it))
            self.process = None
            if told[:1] == ["done"]:
                break
        return told


def make_table(customers: pd.DataFrame, rows: int) -> pd.DataFrame:
    """So many new customers, and as many whose name is changed."""
    new = [f"new{number}@example.com" for number in range(rows)]
    changed = customers.index[:rows]
    return pd.DataFrame(
        {
            "id": [*[""] * rows, *changed],
            "email": [*new, *[""] * len(changed)],
            "name": [f"Ours {number}" for number in range(rows + len(changed))],
        }
    )


def find_damage(table: pd.DataFrame, after: pd.DataFrame, theirs: dict[str, str]) -> BatchDamage:
    """Compare what there is with what was planned."""
    damage = BatchDamage()
    counts = Counter(after["email"])
    for line in table.itertuples():
        if not line.id:
            if counts[line.email] != 1:
                kind = damage.doubled if counts[line.email] else damage.missing
                kind.append(str(line.email))
        elif line.id in theirs:
            if after.loc[line.id, "name"] != theirs[line.id]:
                damage.overwritten.append(f"{line.id}: {theirs[line.id]}")
        elif after.loc[line.id, "name"] != line.name:
            damage.wrong.append(f"{line.id}: {after.loc[line.id, 'name']}")
    return damage


def rage(rows: int, folder: Path, seed: int) -> tuple[BatchDamage, BatchWeather]:
    """Apply so many creates and as many changes in the storm."""
    with (
        sandbox.start(seed=1, customers=rows + 50, limits=False) as running,
        lossy_proxy(running, BatchWeather) as weather,
        direct(running, None) as colleague,
        weather.connect(journal=folder / "journal", timeouts=TIMEOUTS) as clover,
    ):
        weather.prepare(colleague, seed)
        before = colleague.customers.list()
        table = make_table(before, rows)
        plan = clover.customers.plan(table)
        plan.accept(plan.frame(status="doubtful").index)
        plan.save(folder / "plan.jsonl")
        told = weather.apply(folder / "plan.jsonl", folder / "journal")
        after = colleague.customers.list()
        damage = find_damage(table, after, weather.theirs)
        if told != ["done", None]:
            damage.unfinished.append(f"{told}")
        if len(after) != len(before) + rows:
            damage.strangers.append(f"{len(after) - len(before)} new, {rows} planned")
        outcomes = clover.batch(clover.batches().index[-1]).frame()["outcome"]
        left = outcomes[~outcomes.isin(["done", "conflict"])]
        damage.unfinished += [f"row {row}: {outcome}" for row, outcome in left.items()]
    return damage, weather


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    silence_loggers()
    with tempfile.TemporaryDirectory() as folder:
        damage, weather = rage(options.rows, Path(folder), options.seed)
    sys.stdout.write(
        f"{options.rows:,} creates and as many changes; {LOST:.0%} of the writes lost, "
        f"{weather.kills} processes killed, {len(weather.theirs)} changed by a colleague\n"
    )
    for kind, found in vars(damage).items():
        sys.stdout.write(f"{kind}: {len(found)} {found[:3] or ''}\n")
    return bool(damage)


if __name__ == "__main__":
    sys.exit(main())
