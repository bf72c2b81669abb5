"""``clover-nb lab``: JupyterLab on the notebooks, with a practice sandbox that they share."""

from __future__ import annotations

import json
import os
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterlab.labapp import LabApp

from clover_nb import sandbox
from clover_nb.cli import lessons
from clover_nb.cli.kernels import TRANSPORT, PrivateKernelManager, private_folder
from clover_nb.client import SHARED_SANDBOX
from clover_nb.exit_codes import DONE, ERROR

if TYPE_CHECKING:
    import argparse


class _LabWithoutVoila(LabApp):  # type: ignore[misc]  # has no types
    """JupyterLab without Voilà, which would run code of the working directory."""

    @classmethod
    def make_serverapp(cls, **kwargs: Any) -> Any:  # noqa: ANN401  the server, which has no types
        """The server, told which of its extensions to leave out."""
        kwargs["jpserver_extensions"]["voila.server_extension"] = False
        return super().make_serverapp(**kwargs)

    @classmethod
    def get_extension_package(cls) -> str:
        """JupyterLab's: this package has no extension, and looking for one logs a traceback."""
        return "jupyterlab"


def serve_lab(arguments: argparse.Namespace) -> int:
    """Serve the sandbox and JupyterLab from this one process, so that both end with it.

    Args:
        arguments: What the parser made of the options, and those that are JupyterLab's.

    Returns:
        The exit code.
    """
    # Where uvx or pipx has installed it, no terminal of the lab would find `clover-nb`.
    scripts = sysconfig.get_path("scripts")
    os.environ["PATH"] = os.pathsep.join(filter(None, (scripts, os.environ.get("PATH"))))
    with _serve_sandbox(), private_folder() as folder:
        # What JupyterLab begins with: no news, no updates, for a desk talks to nobody else.
        defaults = str(Path(__file__).parent)
        config = os.environ.get("JUPYTER_CONFIG_PATH")
        os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, (config, defaults)))
        server = _LabWithoutVoila.initialize_server([*_server_options(folder), *arguments.others])
        if not server.identity_provider.auth_enabled:
            print(
                "clover-nb lab: JupyterLab is set up to open without a token or password (in its "
                "configuration or JUPYTER_TOKEN). Everybody on this machine could use it. Nothing "
                "was started.",
                file=sys.stderr,
            )
            return ERROR
        _offer_lessons()
        # Ctrl-C stops at once, kernels included, whether or not a person sits at a terminal.
        signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
        server.start()
    return DONE


@contextmanager
def _serve_sandbox() -> Iterator[None]:
    """A sandbox, which the kernels that are started meanwhile share, as they do its journal."""
    with tempfile.TemporaryDirectory() as folder, sandbox.start() as practice:
        shared = practice.connection() | {"journal": str(Path(folder) / "journal.sqlite3")}
        os.environ[SHARED_SANDBOX] = json.dumps(shared)
        yield


def _offer_lessons() -> None:
    """Copy the lessons into an empty folder; in any other, say how to get them."""
    if _is_empty(Path()):
        print(lessons.copy_lessons(Path(lessons.FOLDER)))
    elif not _folder_of_lessons():
        print("`clover-nb lessons` copies the lessons into this folder.")


def _folder_of_lessons() -> str:
    """Where they are; empty if nowhere, for a folder `notebooks` may be somebody's own."""
    folders = ("notebooks", lessons.FOLDER)
    return next((each for each in folders if Path(each, lessons.FIRST).is_file()), "")


def _is_empty(folder: Path) -> bool:
    """Whether there is nothing in it but hidden files and environments of Python."""
    return all(
        each.name.startswith(".") or (each / "pyvenv.cfg").is_file() for each in folder.iterdir()
    )


def _server_options(folder: Path) -> list[str]:
    manager = f"{PrivateKernelManager.__module__}.{PrivateKernelManager.__name__}"
    options = [
        f"--ServerApp.kernel_manager_class={manager}",
        f"--PrivateKernelManager.folder={folder}",
        f"--KernelManager.transport={TRANSPORT}",
    ]
    if folder_of_lessons := _folder_of_lessons() or (lessons.FOLDER if _is_empty(Path()) else ""):
        options += [f"--LabApp.default_url=/lab/tree/{folder_of_lessons}/{lessons.FIRST}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in containers there is nobody else
        options += ["--allow-root"]
    return options
