"""The command ``clover-nb``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from clover_nb.cli import apply, lessons, plan
from clover_nb.exit_codes import ERROR, INTERRUPTED


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments after ``clover-nb``; ``None`` takes the process's.

    Returns:
        The exit status.
    """
    parser = _make_parser()
    arguments, others = parser.parse_known_args(argv)
    if others and arguments.run is not _run_lab:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    arguments.others = others
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name may have signs that a terminal lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads has enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR


def _make_parser() -> argparse.ArgumentParser:
    from clover_nb.sandbox import cli as sandbox_cli  # noqa: PLC0415  kernels need not wait for it

    parser = _ArgumentParser(
        prog="clover-nb",
        description="The customer desk for Clover. Without settings, all of it runs on a practice "
        "sandbox; `clover-nb COMMAND --help` says more.",
    )
    parser.add_argument("--version", action=_PrintVersion)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    lab = commands.add_parser(
        "lab",
        help="open JupyterLab on the lessons, with a practice sandbox",
        description="Open JupyterLab with a practice sandbox that its notebooks share. In an empty "
        "folder, the lessons are copied to clover-nb-lessons and the first is opened. "
        "Other options go to JupyterLab, such as --no-browser and --port=8899. Ctrl-C stops both.",
    )
    lab.set_defaults(run=_run_lab)

    lessons.add_command(commands)

    sandbox = commands.add_parser("sandbox", help="run the practice sandbox alone")
    sandbox_cli.add_arguments(sandbox)
    sandbox.set_defaults(run=sandbox_cli.serve)

    desk = commands.add_parser(
        "desk",
        help="open the customer desk as a web page",
        description="Serve the customer desk as a web page on this machine, without any code in "
        "sight. Prints its address, which carries a token. Ctrl-C stops it.",
    )
    add = desk.add_argument
    add("--port", type=int, help="the port; else one that is drawn at random once and then kept")
    add("--socket", help="serve it at this socket, without a token: for jupyter-server-proxy alone")
    add("--no-browser", action="store_true", help="don't open it in a browser")
    add("--writes", action="store_true", help="allow changes on production")
    desk.set_defaults(run=_run_desk)

    doctor = commands.add_parser(
        "doctor",
        help="look whether everything is as it should be",
        description="Look at versions, settings, hosts, clock, credentials and permissions, "
        "without changing anything, and say what to do. Exits with 1 when something is wrong.",
    )
    doctor.set_defaults(run=_run_doctor)

    plan.add_command(commands)
    apply.add_commands(commands)
    return parser


class _ArgumentParser(argparse.ArgumentParser):
    """Exits with 1 after an error of use: 2 means that there are changes."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit."""
        self.print_usage(sys.stderr)
        self.exit(ERROR, f"{self.prog}: error: {message}\n")


class _PrintVersion(argparse.Action):
    """Prints the program's name and version, which are looked up for that alone, and exits."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version, and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from clover_nb.team import application_name  # noqa: PLC0415

        print(application_name())
        parser.exit()


# Each command is imported when it is run: they take up to a second.


def _run_lab(arguments: argparse.Namespace) -> int:
    from clover_nb.cli import lab  # noqa: PLC0415

    return lab.serve_lab(arguments)


def _run_desk(arguments: argparse.Namespace) -> int:
    from clover_nb.cli import desk  # noqa: PLC0415

    return desk.serve_desk(arguments)


def _run_doctor(arguments: argparse.Namespace) -> int:
    from clover_nb.cli import doctor  # noqa: PLC0415

    return doctor.print_report(arguments)
