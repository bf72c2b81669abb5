"""The command ``clover-nb``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path


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
    desk.add_argument("--port", type=int, help="the port; else the first free one from 8866")
    desk.add_argument("--no-browser", action="store_true", help="don't open it in a browser")
    desk.add_argument("--writes", action="store_true", help="allow changes on production")
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


def _lab(arguments: argparse.Namespace) -> int:
    """Serve the sandbox and JupyterLab from this one process, so that both end with it."""
    from jupyterlab.labapp import LabApp  # noqa: PLC0415  half a second

    with _practice():
        # JupyterLab asks whether to fetch news and looks for updates; a desk talks to nobody else.
        defaults = str(Path(__file__).parent)
        config = os.environ.get("JUPYTER_CONFIG_PATH")
        os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, (config, defaults)))
        server = LabApp.initialize_server([*_lab_options(Path("notebooks")), *arguments.others])
        # Ctrl-C stops at once, kernels included, whether or not a person sits at a terminal.
        signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
        server.start()
    return 0


def _desk(arguments: argparse.Namespace) -> int:
    """Serve the desk by Voilà, on what the settings lead to."""
    from clover_nb import settings  # noqa: PLC0415  a second
    from clover_nb.cli import desk  # noqa: PLC0415
    from clover_nb.client import connect  # noqa: PLC0415
    from clover_nb.errors import SettingsError  # noqa: PLC0415

    if arguments.writes:
        os.environ[settings.VARIABLES["writes"][0]] = "1"
    try:
        environment = settings.read_environment().get("environment", "local").strip().lower()
        with _practice() if environment == "local" else nullcontext():
            connect().close()
            desk.serve(port=arguments.port, browser=not arguments.no_browser)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201  of a command
        return 1
    return 0


@contextmanager
def _practice() -> Iterator[None]:
    """A sandbox, which the kernels that are started meanwhile share, as they do its journal."""
    from clover_nb import sandbox  # noqa: PLC0415  half a second
    from clover_nb.client import SHARED_SANDBOX  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, sandbox.start() as practice:
        shared = practice.connection() | {"journal": str(Path(folder) / "journal.sqlite3")}
        os.environ[SHARED_SANDBOX] = json.dumps(shared)
        yield


def _lab_options(notebooks: Path) -> list[str]:
    options = []
    if notebooks.is_dir():
        options += [f"--ServerApp.root_dir={notebooks.resolve()}"]
        options += ["--LabApp.default_url=/lab/tree/01_first_customers.ipynb"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in containers there is nobody else
        options += ["--allow-root"]
    return options


def _doctor(arguments: argparse.Namespace) -> int:  # noqa: ARG001  it has none
    """Print the findings as they come."""
    from clover_nb.cli.doctor import examine  # noqa: PLC0415  pandas

    well = True
    for finding in examine():
        print(finding, flush=True)  # noqa: T201  a command's output
        well = well and finding.good
    return 0 if well else 1
