"""`make hub` as a process of its own, which the test ends."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-hub" / "bin" / "python"


class Hub(NamedTuple):
    """A running hub: its address, the users' password, its process, and what it has written."""

    url: str
    password: str
    process: psutil.Process
    log: Path

    def children(self) -> list[psutil.Process]:
        """The hub, its proxy, PostgreSQL, and the users' servers, desks and kernels."""
        return self.process.children(recursive=True)


@contextmanager
def running_hub(folder: Path) -> Iterator[Hub]:
    """The hub of `make hub`, all of whose files are below a folder."""
    assert PYTHON.exists(), "make .venv-hub/.ready"
    log = folder / "log"
    folder.chmod(0o755)
    command = [PYTHON, "-P", ROOT / "deploy/jupyterhub/example.py"]
    environment = os.environ | {"TMPDIR": str(folder)}
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=output, env=environment, cwd=folder, text=True
        ) as process,
    ):
        started = psutil.Process(process.pid)
        try:
            line = process.stdout.readline()
            told = re.fullmatch(r"URL (\S+) users ana bo password (\S+)\n", line)
            assert told, line + log.read_text()
            yield Hub(told[1], told[2], started, log)
        finally:
            left = started.children(recursive=True)
            process.terminate()
            process.wait(60)
            _, alive = psutil.wait_procs(left, timeout=60)
            for each in alive:
                each.kill()
            assert alive == [], "the hub left processes behind"
