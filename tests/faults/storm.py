"""A storm: creates and changes from several threads, while every fifth request goes wrong.

    python tests/faults/storm.py --customers 10000

Values differ by spelling alone, creates have the same email and name, and of the writes whose
request or answer is lost, some find that a colleague has written in between. At its end there
must be one customer for each create, with the last value that was acknowledged or the colleague's,
and no entry of the journal open. Exits with 1 where that is not so.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lossy_proxy import Loss, LossyProxy, lossy_proxy, nothing

from clover_nb import TEST_CARDS, connect, errors, sandbox
from clover_nb.client import Clover
from clover_nb.sandbox import Sandbox
from clover_nb.settings import Timeouts

#: Every fifth request: refused, failed, lost before and after the change, garbled, or late.
FAULTS = "429:3%,500:3%,503:3%,reset-before:4%,reset-after:4%,truncated:2%,html:0.9%,slow:0.1%"
TIMEOUTS = Timeouts(retry_delay=0.005, max_retry_delay=0.1, unreachable=60, total=60)
#: Of the writes: how many are lost on their way, and how many of those meet a colleague.
LOST, MET = 0.2, 0.4
CHANGES = 3
#: How many creates have one email and one name.
ALIKE = 3

ADDRESS = {"city": "Boston", "state": "MA", "postal_code": "02108"}


class DamageReport:
    """What is not as it should be; all empty is well."""

    def __bool__(self) -> bool:
        return any(vars(self).values())


def silence_loggers() -> None:
    """Let nobody tell of each loss."""
    for name in ("uvicorn.error", "clover_nb"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@dataclass
class Damage(DamageReport):
    """Of creates and changes."""

    not_done: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    taken_over: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)


@dataclass
class Story:
    """What happened to one customer: the values that each field may have, and the colleague's."""

    email: str
    key: str = ""
    values: dict[str, set[str]] = field(default_factory=dict)
    colleagues: list[tuple[str, str]] = field(default_factory=list)
    error: str = ""


def address(number: int) -> str:
    """The email address of a create, which some others share."""
    return f"storm-{number // ALIKE}@example.com"


def respelled(value: str, dice: random.Random) -> str:
    """The same but for capitals, space and punctuation."""
    if any(map(str.isalpha, value)):
        return dice.choice([value.upper(), value.title(), value.lower() + ".", f"{value}!"])
    return dice.choice(
        [value.replace("-", " "), value.replace(" ", "-"), f"({value[:3]}) {value[4:]}"]
    )


def drawn(name: str, number: int, dice: random.Random) -> str:
    """A new value of a field."""
    turn = dice.randrange(1000)
    if name == "phone":
        return f"{number % 900 + 100}-{turn:03}-{number % 10_000:04}"
    return {"name": f"ana rivera {turn} {number}", "street": f"{turn} main st {number}"}[name]


def given(name: str, value: str) -> dict[str, Any]:
    """A field as `modify` takes it."""
    street = {"shipping": {"address": ADDRESS | {"line1": value}}}
    return street if name == "street" else {name: value}


class Weather(LossyProxy):
    """Loses writes as the dice fall; a colleague may write before the client looks."""

    def prepare(self, colleague: Clover, seed: int) -> None:
        """Set who writes in between, and the dice."""
        self._colleague = colleague
        self._dice = random.Random(seed)  # noqa: S311  the same in every run
        self._lock = threading.Lock()
        self.stories: dict[str, Story] = {}  # by customer id, while a change is under way
        self.met: Counter[str] = Counter()  # creates of the colleague, by email

    def pick(self, method: str, path: str, body: bytes) -> Loss | None:
        """Throw the dice for a write of a customer."""
        if method not in ("POST", "PUT") or "customers" not in path:
            return None
        with self._lock:
            lost, met, what = (self._dice.random() for _ in range(3))
        if lost >= LOST:
            return None
        meets = self._meeting(path, json.loads(body)) if met < MET else nothing
        return Loss("request" if what < 0.5 else "answer", method, path, meets)

    def _meeting(self, path: str, body: dict[str, Any]) -> Callable[[], object]:
        if path == "/v1/customers":
            return lambda: self._create_alike(body)
        return lambda: self._change(
            self.stories[path.split("/customers/")[1].split("/", maxsplit=1)[0]]
        )

    def _create_alike(self, body: dict[str, Any]) -> None:
        token = self._colleague.tokens.create(card=TEST_CARDS["amex"])["id"]
        self._colleague.customers.create(email=body["email"], name=body["name"], source=token)
        with self._lock:
            self.met[body["email"]] += 1

    def _change(self, story: Story) -> None:
        with self._lock:
            name = self._dice.choice(["name", "phone", "street"])
            value = drawn(name, self._dice.randrange(10**6), self._dice)
        self._colleague.customers.modify(story.key, **given(name, value))
        story.colleagues.append((name, value))


def one_customer(clover: Clover, weather: Weather, number: int, seed: int = 0) -> Story:
    """Create a customer and change it; returns what it must be like."""
    dice = random.Random(f"{seed} {number}")  # noqa: S311  the same in every run
    story = Story(address(number))
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    name, street = f"ana rivera {number // ALIKE}", drawn("street", number, dice)
    row = clover.customers.create(
        email=story.email, source=token, name=name, **given("street", street)
    )
    story.key = row["id"]
    story.values = {"name": {name}, "street": {street}, "phone": {""}}
    weather.stories[story.key] = story
    for _ in range(CHANGES):
        change_once(clover, story, number, dice)
    del weather.stories[story.key]
    return story


def change_once(clover: Clover, story: Story, number: int, dice: random.Random) -> None:
    """Change a field, often by spelling alone, and note what may be there now."""
    row = clover.customers.retrieve(story.key)
    name = dice.choice(["name", "phone", "street"])
    old = row[{"street": "shipping_line1"}.get(name, name)]
    value = respelled(old, dice) if old and dice.random() < 0.6 else drawn(name, number, dice)
    expected = {"expected": row} if dice.random() < 0.5 else {}
    story.colleagues.clear()
    try:
        clover.customers.modify(story.key, **given(name, value), **expected)
    except errors.EditConflictError:
        if not story.colleagues:
            story.error = f"a conflict without a colleague: {name} to {value}"
        story.values[name] |= {value}  # made before the colleague's, or not at all
    else:
        story.values[name] = {value}
        if any(theirs == name for theirs, _ in story.colleagues):
            story.error = f"{name}: {story.colleagues} overwritten by {value}"
    for theirs, other in story.colleagues:
        story.values[theirs] = {other}


def rage(
    clover: Clover, weather: Weather, numbers: range, threads: int, seed: int = 0
) -> list[Story]:
    """Do it for all; returns what became of each."""

    def attempt(number: int) -> Story:
        try:
            return one_customer(clover, weather, number, seed)
        except errors.CloverError as error:
            return Story(address(number), error=f"{type(error).__name__}: {error}")

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(attempt, numbers))


def survey(clover: Clover, stories: list[Story], met: Counter[str]) -> Damage:
    """Compare what there is with what was acknowledged."""
    table = clover.customers.list()
    damage = Damage()
    for story in stories:
        if story.error:
            kind = damage.overwritten if "overwritten" in story.error else damage.not_done
            kind.append(f"{story.email}: {story.error}")
        elif story.key not in table.index:
            damage.missing.append(f"{story.email}: {story.key}")
        else:
            damage.wrong += differences(table.loc[story.key], story)
    keys = Counter(story.key for story in stories if story.key)
    damage.taken_over = [f"{key}: {number} creates" for key, number in keys.items() if number > 1]
    wanted = Counter(story.email for story in stories if story.key) + met
    there = Counter(email for email in table["email"] if str(email).startswith("storm-"))
    damage.doubled = [
        f"{email}: {there[email]} instead of {number}"
        for email, number in wanted.items()
        if there[email] != number
    ]
    entries = clover.journal.frame()["outcome"]
    damage.unsettled = [f"{entry}: {it}" for entry, it in entries.items() if it == "open"]
    return damage


def differences(row: Any, story: Story) -> list[str]:
    """The fields that are not what they may be."""
    shown = row.fillna("").rename({"shipping_line1": "street"})
    return [
        f"{story.key}: {name} {shown[name]!r} instead of {values}"
        for name, values in story.values.items()
        if shown[name] not in values
    ]


def direct(running: Sandbox, journal: Path | None) -> Clover:
    """A colleague's, who is at another machine."""
    quick = {"requests_per_second": None, "timeouts": TIMEOUTS, "journal": journal}
    return connect("local", **(running.connection() | quick))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=5)
    parser.add_argument("--faults", default=FAULTS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox.start(customers=0, limits=False, faults=options.faults) as running,
        lossy_proxy(running, Weather) as weather,
        direct(running, None) as colleague,
        weather.connect(journal=Path(folder) / "journal", timeouts=TIMEOUTS) as clover,
    ):
        silence_loggers()
        weather.prepare(colleague, options.seed)
        stories = rage(clover, weather, range(options.customers), options.threads, options.seed)
        damage = survey(clover, stories, weather.met)
        outcomes = Counter(clover.journal.frame()["outcome"])
    seconds = time.monotonic() - started
    report = [
        f"{options.customers:,} creates with {CHANGES} changes each, {seconds:.0f} s",
        f"faults: {options.faults}; {LOST:.0%} of the writes lost, {MET:.0%} of them met",
        f"entries of the journal: {dict(outcomes)}",
    ]
    report += [
        f"{kind.replace('_', ' ')}: {len(found)} {found[:3] or ''}"
        for kind, found in vars(damage).items()
    ]
    sys.stdout.write("\n".join(report) + "\n")
    return bool(damage)


if __name__ == "__main__":
    sys.exit(main())
