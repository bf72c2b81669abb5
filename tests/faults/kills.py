"""Kill -9 of a client at random moments of creates, changes, cards and undos.

    python tests/faults/kills.py --kills 100

After each kill the next connection looks up what was left: each write must be settled as it was, or
be unknown, with what to do. Exits with 1 where one is not.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from storm import silence_loggers

from clover_nb import TEST_CARDS, connect, errors, sandbox, to_row
from clover_nb.client import Clover
from clover_nb.journal.entries import Entry, digest_token
from clover_nb.records import Record
from clover_nb.sandbox import Sandbox
from clover_nb.settings import Timeouts

TIMEOUTS = Timeouts(retry_delay=0.05, max_retry_delay=0.2)
CARDS = ("visa_debit", "mastercard", "amex", "diners", "discover", "jcb")


@dataclass
class Kills:
    """What became of the writes; `wrong` is empty if all is well."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    reported: int = 0


def open_connection(running: Sandbox, journal: Path) -> Clover:
    """A connection as a person would make it after a restart."""
    quick = {"requests_per_second": None, "timeouts": TIMEOUTS}
    return connect("local", journal=journal, **(running.connection() | quick))


def work(clover: Clover, dice: random.Random, begin_turn: Callable[[], object]) -> None:
    """One customer, from its creation on, with names that nobody else sets."""

    def token(card: str) -> str:
        return str(clover.tokens.create(card=TEST_CARDS[card])["id"].reveal())

    number = dice.randrange(10**12)
    email = f"kill-{number}@example.com"
    row = clover.customers.create(email=email, source=token("visa"), name=f"First {number}")
    key = row["id"]
    for turn in count():
        begin_turn()
        act = dice.choice(["modify", "modify", "add_source", "replace_source", "undo"])
        if act == "modify":
            clover.customers.modify(key, name=f"Name {number} {turn}")
        elif act == "undo":
            clover.customers.modify(key, phone=f"555-{number % 10**6}-{turn}")
            clover.customers.modify(key, phone=f"556-{number % 10**6}-{turn}")
            clover.undo(clover.journal.frame().index[-1])
        elif act == "add_source":
            held = clover.customers.retrieve(key)["source_ids"]
            if len(held) < len(CARDS):
                with suppress(errors.AlreadyOnFileError):
                    clover.customers.add_source(key, token(dice.choice(CARDS)), consent=True)
        else:
            held = clover.customers.retrieve(key)["source_ids"]
            if len(held) > 1:
                clover.customers.delete_source(key, held[0])
            with suppress(errors.AlreadyOnFileError):
                new = token(dice.choice(CARDS))
                clover.customers.replace_source(key, held[-1], new, consent=True)


def work_and_be_killed(running: Sandbox, journal: Path, dice: random.Random) -> None:
    """Fork a client, and kill it a moment after it has begun a certain turn, or its first call."""
    seed, turns, moment = dice.randrange(2**32), dice.randrange(12), dice.uniform(0.0, 0.05)
    begun, beginning = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the sandbox's thread stays here
        pid = os.fork()
    if not pid:
        try:
            with open_connection(running, journal) as clover:
                tell = partial(os.write, beginning, b".")
                work(clover, random.Random(seed), tell)  # noqa: S311  dice
        finally:
            os._exit(1)
    os.close(beginning)
    for _ in range(turns):
        os.read(begun, 1)
    time.sleep(moment)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(begun)


def check_entries(clover: Clover, kills: Kills, since: int) -> int:
    """Compare what the journal says with what is there; returns the newest entry."""
    numbers = [int(number) for number in clover.journal.frame().index if number > since]
    entries = [clover.journal.entry(number) for number in numbers]
    for entry in entries:
        operation, outcome = entry.write.operation, entry.outcome
        kills.outcomes[operation, outcome] += 1
        later = [each for each in entries if each.number > entry.number]
        if outcome == "open" or (outcome != "unknown" and is_lie(clover, entry, later)):
            kills.wrong.append(f"{entry.number} {operation} is not {outcome}")
        if outcome == "unknown":
            kills.reported += is_reported(clover, entry.number)
    return numbers[-1] if numbers else since


def is_lie(clover: Clover, entry: Entry, later: list[Entry]) -> bool:
    """Whether a settled entry is not as what is there."""
    write, done = entry.write, entry.outcome == "done"
    if write.operation == "create":
        found = clover.customers.search(email=write.sent["email"])
        return list(found.index) != ([write.customer_id] if done else [])
    record = clover.customers._platform.get_customer(str(write.customer_id))
    if write.operation == "delete_source":
        again = [each for each in later if each.write.sent == write.sent]
        return not again and (write.sent["source_id"] in held_by(record)) is done
    if write.token_digest:
        return not done and write.token_digest in held_by(record).values()
    shown, before = to_row(record), write.before or {}
    for name in {"name", "phone"} & set(write.sent):
        if any(name in each.write.sent for each in later if each.outcome in ("done", "unknown")):
            continue
        there = shown[name] == write.sent[name]
        if there is not done and write.sent[name] != before.get(name):
            return True
    return False


def is_reported(clover: Clover, number: int) -> bool:
    """Whether what stays unknown can be asked for, and the answer says what to do."""
    try:
        clover.resolve(number)
    except errors.OutcomeUnknownError as unclear:
        return bool(unclear.hint)
    return False


def held_by(record: Record) -> dict[str, str]:
    """The digests of the tokens of a customer's cards, by the card's id."""
    cards = record["cards"]["elements"]
    return {card["id"]: digest_token(card["token"]) for card in cards}


def run(count_of_kills: int, seed: int, folder: Path) -> Kills:
    """Kill so many clients, and look after each."""
    dice, kills, newest = random.Random(seed), Kills(), 0  # noqa: S311  the same in every run
    with sandbox.start(customers=0, limits=False) as running:
        for _ in range(count_of_kills):
            work_and_be_killed(running, folder / "journal", dice)
            with open_connection(running, folder / "journal") as clover:
                newest = check_entries(clover, kills, newest)
    return kills


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    silence_loggers()
    with tempfile.TemporaryDirectory() as folder:
        kills = run(options.kills, options.seed, Path(folder))
    for (operation, outcome), number in sorted(kills.outcomes.items()):
        sys.stdout.write(f"{operation} {outcome}: {number}\n")
    sys.stdout.write(f"unknown, with what to do: {kills.reported}\nwrong: {kills.wrong}\n")
    return bool(kills.wrong)


if __name__ == "__main__":
    sys.exit(main())
