"""The command ``clover-nb``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments after ``clover-nb``; ``None`` takes the process's.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="clover-nb", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    lab = commands.add_parser(
        "lab",
        help="open JupyterLab on the notebooks, with a practice sandbox",
        description="Open JupyterLab on the notebooks, with a practice sandbox that they share. "
        "Other options go to JupyterLab, such as --no-browser and --port=8899. Ctrl-C stops both.",
    )
    lab.set_defaults(run=_lab)

    from clover_nb.sandbox import cli  # noqa: PLC0415  `--help` of the others need not wait

    sandbox = commands.add_parser("sandbox", help="run the practice sandbox alone")
    cli.add_arguments(sandbox)
    sandbox.set_defaults(run=cli.serve)

    desk = commands.add_parser(
        "desk",
        help="open the customer desk as a web page",
        description="Serve the customer desk as a web page on this machine, without any code in "
        "sight. Prints its address, which carries a token. Ctrl-C stops it.",
    )
    add = desk.add_argument
    add("--port", type=int, help="the port; else one that is drawn at random once and then kept")
    add("--no-browser", action="store_true", help="don't open it in a browser")
    add("--writes", action="store_true", help="allow changes on production")
    desk.set_defaults(run=_desk)

    doctor = commands.add_parser(
        "doctor",
        help="look whether everything is as it should be",
        description="Look at versions, settings, hosts, clock, credentials and permissions, "
        "without changing anything, and say what to do. Exits with 1 when something is wrong.",
    )
    doctor.set_defaults(run=_doctor)

    arguments, others = parser.parse_known_args(argv)
    if others and arguments.run is not _lab:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    arguments.others = others
    return int(arguments.run(arguments))


# Each command is imported when it is run: they take up to a second.


def _lab(arguments: argparse.Namespace) -> int:
    from clover_nb.cli import lab  # noqa: PLC0415

    return lab.serve(arguments)


def _desk(arguments: argparse.Namespace) -> int:
    from clover_nb.cli import desk  # noqa: PLC0415

    return desk.serve(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    from clover_nb.cli import doctor  # noqa: PLC0415

    return doctor.report(arguments)
