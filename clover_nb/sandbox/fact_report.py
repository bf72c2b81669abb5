"""`clover-nb sandbox --check`: what differs, for the person who asks, and a report to send on."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing
from getpass import getpass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from clover_nb import constants
from clover_nb.sandbox.fact_checker import CloverConnection, FactChecker, FactResult
from clover_nb.sandbox.facts import FACTS

if TYPE_CHECKING:
    import argparse


def report_facts(args: argparse.Namespace) -> int:
    """Hold facts against an address, and print what differs.

    Args:
        args: The options of the command.

    Returns:
        0 if all facts hold, 1 if some differ or not all were asked for, 2 if none could be.
    """
    results: list[FactResult] = []
    done = False
    with ExitStack() as stack:
        try:
            connection = CloverConnection.find(args.check, "", args.merchant)
            # Opened before anything is asked: what comes of it must not be lost in the end.
            path = Path(args.report) if args.report else None
            file = stack.enter_context(path.open("w", encoding="utf-8")) if path else None
            token = args.access_token or getpass("Access token: ")
            checker = FactChecker(connection._replace(access_token=token), args.api_key)
            with closing(checker.check_facts(writes=args.writes)) as checked:
                for result in checked:
                    if not results:
                        _print_beginning(connection, writes=args.writes)
                    results.append(result)
                    _print_result(result, len(results))
            done = True
        except KeyboardInterrupt:
            print(f"Stopped after {len(results)} of {len(FACTS)} facts.")
        except (OSError, ValueError) as problem:
            print(f"clover-nb sandbox: {problem}", file=sys.stderr)
            if not results:
                return 2
        if file:
            json.dump(_make_report(connection, results), file, indent=1, ensure_ascii=False)
    _print_summary(results, checker.left)
    if args.report:
        print(
            f"The report is in {args.report}. It has no token, no id of yours and nobody's data: "
            "please send it back as an issue of clover-nb."
        )
    return 0 if done and all(each.outcome != "differs" for each in results) else 1


def _print_beginning(connection: CloverConnection, *, writes: bool) -> None:
    how = "Customers are made, and deleted again." if writes else "Nothing is written."
    print(f"Asking {connection.platform_url} for {len(FACTS)} facts. {how}", flush=True)


def _print_result(result: FactResult, number: int) -> None:
    if result.outcome == "differs":
        print(f"differs: {result.fact.says} ({result.fact.mark})")
        for line in (*result.fact.asks, *result.differences):
            print(f"    {line}", flush=True)
    if sys.stderr.isatty():
        print(f"{number} of {len(FACTS)}", end="\r", file=sys.stderr, flush=True)


def _print_summary(results: list[FactResult], left: list[str]) -> None:
    outcomes = Counter(result.outcome for result in results)
    why = Counter(result.differences[0] for result in results if result.outcome == "skipped")
    for reason, count in why.items():
        print(f"skipped: {count}, since {reason}")
    counts = (f"{outcomes[name]} {verb}" for name, verb in _VERBS.items())
    print(f"{len(results)} facts: {', '.join(counts)}.")
    if left:
        print(f"These customers were made, and could not be deleted: {', '.join(left)}")


_VERBS = {"holds": "hold", "differs": "differ", "skipped": "were skipped"}


def _make_report(connection: CloverConnection, results: list[FactResult]) -> dict[str, object]:
    names = [name for name, hosts in constants.HOSTS.items() if connection.platform_url in hosts]
    return {
        "clover_nb": metadata.version("clover-nb"),
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "asked": names[0] if names else "another address",
        "facts": [
            {
                "fact": result.fact.says,
                "mark": result.fact.mark,
                "outcome": result.outcome,
                "differences": result.differences,
            }
            for result in results
        ],
    }
