"""The command ``clover-nb plan``: what a table of wanted values would change at Clover."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clover_nb.exit_codes import CHANGES, DONE, ERROR

if TYPE_CHECKING:
    from clover_nb.bulk.plan import Plan

_SHOWN: Final = 20  # rows
# What sentences say in Python's words, and the option that it is here.
_OPTIONS: Final = {
    "columns=": '--column "HEADING=FIELD"',
    "header=": "--header ROW",
    "encoding=": "--encoding NAME",
}


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``plan``."""
    parser = commands.add_parser(
        "plan",
        help="show what a table of customers would change at Clover",
        description="Compare a CSV or Excel file with all customers, and print what it would "
        "change. Sends nothing. Exits with 0 if nothing is to be done, 2 if something is, and 1 "
        "after an error.",
    )
    parser.set_defaults(run=_run_plan)
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="a CSV or Excel (.xlsx) file")
    add(
        "--key",
        action="append",
        metavar="FIELD",
        help="by which field a row is somebody; several times: the first that is filled "
        "(default: id, then email)",
    )
    add(
        "--column",
        action="append",
        default=[],
        metavar="HEADING=FIELD",
        help='which field a column is, such as "E-mail=email"; "Notes=" leaves it out',
    )
    add("--sheet", help="the sheet of a workbook (default: the first that holds something)")
    add("--header", type=int, metavar="ROW", help="the row of the headings")
    add("--encoding", help="the encoding of a CSV file")
    add(
        "--empty",
        choices=("keep", "clear"),
        default="keep",
        help="whether an empty cell keeps what is there, or empties it (default: keep)",
    )
    add("--out", type=Path, metavar="PLAN", help="save the plan, to be applied later")
    add("--json", action="store_true", help="print JSON")


def _run_plan(arguments: argparse.Namespace) -> int:
    """Plan a file, and print what it would change.

    Returns:
        0 if nothing is to be done, 2 if something is, 1 after an error of use or of settings.
    """
    from clover_nb.bulk.tables import read_table  # noqa: PLC0415  pandas
    from clover_nb.client import connect  # noqa: PLC0415
    from clover_nb.errors import CloverError  # noqa: PLC0415

    try:
        columns = dict(map(_parse_column, arguments.column))
        table = read_table(
            arguments.file,
            sheet=arguments.sheet,
            header=arguments.header,
            encoding=arguments.encoding,
        )
        with connect() as clover:
            plan = clover.customers.plan(
                table,
                key=arguments.key or ("id", "email"),
                columns=columns,
                empty=arguments.empty,
            )
        if arguments.out:
            plan.save(arguments.out)
    except (CloverError, OSError) as error:
        print(_name_options(str(error)), file=sys.stderr)
        return ERROR
    print(_as_json(plan) if arguments.json else _as_text(plan, arguments.out))
    return CHANGES if plan.rows else DONE


def _parse_column(text: str) -> tuple[str, str | None]:
    heading, equals, field = text.rpartition("=")
    return (heading, field or None) if equals else (text, None)


def _name_options(text: str) -> str:
    named = [option for word, option in _OPTIONS.items() if word in text]
    return " ".join([text, *(f"Here it is {option}." for option in named)])


def _as_json(plan: Plan) -> str:
    rows = [row.as_json() for row in plan.rows]
    summary = {"plan": plan.id, "counts": plan.counts, "requests": plan.requests}
    return json.dumps(summary | {"notes": list(plan.notes), "rows": rows})


def _as_text(plan: Plan, saved: Path | None) -> str:
    lines = []
    for row in plan.rows[:_SHOWN]:
        lines.append(f"row {row.row}: {row.action}, {row.status} {row.customer_id or ''}".rstrip())
        for name, value in row.wanted.items():
            lines.append(f"    {name}: {row.before[name]!r} -> {value!r}")
        lines += [f"    {reason.message}" for reason in row.reasons]
    if (more := len(plan.rows) - _SHOWN) > 0:
        lines.append(f"and {more:,} more rows: --json shows all")
    lines += map(_name_options, plan.notes)
    requests = f"{plan.requests:,} request{'' if plan.requests == 1 else 's'}"
    lines.append(f"{repr(plan)[1:-1]}, {requests}")
    if saved:
        lines.append(f"Saved as {saved}.")
    return "\n".join(lines)
