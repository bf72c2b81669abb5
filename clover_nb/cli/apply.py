"""The commands that apply a plan, go on with it, list what was applied, and take it back."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clover_nb.exit_codes import CHANGES, DONE, ERROR

if TYPE_CHECKING:
    from clover_nb.bulk.batch import Batch
    from clover_nb.bulk.batch_progress import BatchProgress
    from clover_nb.client import Clover

_NUMBER: Final = "its number in clover-nb batches"


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``apply``, ``resume``, ``batches`` and ``undo``."""
    apply = commands.add_parser(
        "apply",
        help="apply a plan, or go on with it",
        description="Apply a plan that clover-nb plan has saved, once: applied again, it goes on "
        "where it stopped. Ctrl-C stops after what is under way. Exits with 0 if all is done, 2 if "
        "rows failed or are left, and 1 after an error.",
    )
    apply.add_argument("plan", type=Path, metavar="PLAN", help="the plan's file")
    apply.set_defaults(run=_with_connection(_apply_plan))

    resume = commands.add_parser(
        "resume",
        help="go on with a batch that has stopped",
        description="Go on with what is left of a batch, as apply does with its plan.",
    )
    resume.add_argument("batch", type=int, metavar="BATCH", help=_NUMBER)
    resume.set_defaults(run=_with_connection(_resume_batch))
    for each in (apply, resume):
        each.add_argument("--yes", action="store_true", help="don't ask")
        each.add_argument("--failed", type=Path, metavar="FILE", help="save the rows that failed")

    batches = commands.add_parser(
        "batches",
        help="list the plans that were applied",
        description="List the plans that were applied to this merchant, oldest first.",
    )
    batches.set_defaults(run=_with_connection(_list_batches))

    undo = commands.add_parser(
        "undo",
        help="plan to take a batch back",
        description="Plan to take back what a batch has changed, and save the plan. Sends nothing. "
        "Exits with 0 if nothing is to be done, 2 if something is, and 1 after an error.",
    )
    undo.add_argument("batch", type=int, metavar="BATCH", help=_NUMBER)
    undo.add_argument("--out", type=Path, required=True, metavar="PLAN", help="the plan's file")
    undo.set_defaults(run=_with_connection(_plan_undo))
    for each in (apply, resume, batches, undo):
        each.add_argument("--json", action="store_true", help="print JSON")


def _with_connection(
    command: Callable[[Clover, argparse.Namespace], int],
) -> Callable[[argparse.Namespace], int]:
    def run_command(arguments: argparse.Namespace) -> int:
        from clover_nb.client import connect  # noqa: PLC0415  pandas
        from clover_nb.errors import CloverError  # noqa: PLC0415

        try:
            with connect() as clover:
                return command(clover, arguments)
        except (CloverError, OSError) as error:
            print(error, file=sys.stderr)
            return ERROR

    return run_command


def _apply_plan(clover: Clover, arguments: argparse.Namespace) -> int:
    from clover_nb.bulk.plan import read_plan  # noqa: PLC0415  pandas

    plan = read_plan(arguments.plan)
    clover.customers.check_plan(plan)
    if not _is_confirmed(f"{repr(plan)[1:-1]}: {plan.requests:,} requests", clover, arguments):
        return ERROR
    return _send_rows(clover.customers.prepare_batch(plan), arguments)


def _resume_batch(clover: Clover, arguments: argparse.Namespace) -> int:
    batch = clover.batch(arguments.batch)
    if not _is_confirmed(repr(batch)[1:-1], clover, arguments):
        return ERROR
    return _send_rows(batch, arguments)


def _is_confirmed(what: str, clover: Clover, arguments: argparse.Namespace) -> bool:
    if arguments.yes or _ask(f"{what} to {clover!r}. Type yes to send: "):
        return True
    print("Nothing was sent.", file=sys.stderr)
    return False


def _send_rows(batch: Batch, arguments: argparse.Namespace) -> int:
    if arguments.failed:
        batch.save_failed(arguments.failed)  # what can't be written is said before anything is sent
    batch.resume(progress=_show_progress)
    print(file=sys.stderr)  # ends the line of the progress
    table = batch.frame()
    if arguments.failed:
        batch.save_failed(arguments.failed)
    if arguments.json:
        counts = {str(name): int(n) for name, n in table["outcome"].value_counts().items()}
        state = {"batch": batch.number, "state": batch.state, "reason": batch.reason}
        print(json.dumps({**state, "outcomes": counts}))
    else:
        for row, line in batch.failed().iterrows():
            print(f"row {row}: {line['outcome']}: {line['reason']}")
        print(" ".join(filter(None, (repr(batch)[1:-1], batch.reason))))
    return DONE if (table["outcome"] == "done").all() else CHANGES


def _ask(question: str) -> bool:
    """Whether a person types yes; nobody does where there is no input, or who presses Ctrl-C."""
    try:
        print(question, end="", file=sys.stderr, flush=True)
        return sys.stdin is not None and sys.stdin.readline().strip().lower() == "yes"
    except KeyboardInterrupt:
        print(file=sys.stderr)  # ends the line of the question
        return False


def _show_progress(progress: BatchProgress) -> None:
    line = f"\r{progress}, {progress.seconds:,.0f} s  "
    print(line, end="", file=sys.stderr, flush=True)


def _list_batches(clover: Clover, arguments: argparse.Namespace) -> int:
    table = clover.batches()
    if arguments.json:
        print(table.reset_index().to_json(orient="records", date_format="iso"))
    else:
        shown = table.astype(object).where(table.notna(), "").to_string()
        print(shown if len(table) else "No plan was applied yet.")
    return DONE


def _plan_undo(clover: Clover, arguments: argparse.Namespace) -> int:
    plan = clover.batch(arguments.batch).plan_undo()
    plan.save(arguments.out)
    if arguments.json:
        print(json.dumps({"plan": plan.id, "counts": plan.counts, "requests": plan.requests}))
    else:
        print(f"{repr(plan)[1:-1]}. Saved as {arguments.out}.")
    return CHANGES if plan.rows else DONE
