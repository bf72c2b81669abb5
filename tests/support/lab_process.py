"""`clover-nb lab` as a process of its own, which each test ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

TOKEN = "only-for-this-test"


@contextmanager
def running_lab(
    home: Path, cwd: Path, *options: str, python: str = sys.executable, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A running lab, all of whose files are below a folder: its process and its address.

    What it prints is in the file ``output`` of that folder, and its log in ``log``.
    """
    folders = {
        f"JUPYTER_{name}": str(home / name) for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    }
    folders |= {"TMPDIR": str(home), "IPYTHONDIR": str(home), "HOME": str(home)}
    # Else labs that start together choose the same, and one answers for the other.
    port = f"--ServerApp.port={find_free_port()}"
    command = [python, "-P", "-m", "clover_nb.cli", "lab", "--no-browser", port, *options]
    with (home / "log").open("w") as log, (home / "output").open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | folders | environment,
            stdout=output,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process, _address(process, home)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def find_free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    for _ in range(1200):
        assert process.poll() is None, (folder / "log").read_text()
        for info in (folder / "RUNTIME_DIR").glob("jpserver-*.json"):
            try:
                url: str = json.loads(info.read_text())["url"]
                requests.get(url + "api", timeout=60)
            except (ValueError, requests.RequestException):
                continue
            return url
        time.sleep(0.05)
    raise AssertionError((folder / "log").read_text())
