"""`clover-nb desk` as a process of its own, which each test ends."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

import psutil

START = """
import sys
from clover_nb.cli import kernels, main
kernels.ORPHAN_SECONDS, kernels.MAX_KERNELS = {orphan_seconds}, {max_kernels}
kernels.PREPARE_SECONDS = {prepare_seconds}
sys.exit(main(sys.argv[1:]))
"""


@dataclass
class Desk:
    """A running desk.

    Attributes:
        url: What it has printed, with the token.
        process: Of the server; its children are the kernels.
    """

    url: str
    process: subprocess.Popen[str]

    @property
    def host(self) -> str:
        """Host and port, as a Host header has them."""
        return urlsplit(self.url).netloc

    def kernels(self) -> list[psutil.Process]:
        """The processes of its kernels."""
        return kernels_below(self.process.pid)

    def request(
        self, method: str, path: str, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Send a request as a program would, and give status, headers and text."""
        connection = http.client.HTTPConnection(self.host, timeout=300)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=sent)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, response.headers, text

    def log_in(self) -> str:
        """The cookie that the token in the address is exchanged for."""
        query = urlsplit(self.url).query
        _, headers, _ = self.request("GET", f"/?{query}")
        cookie = SimpleCookie(headers["Set-Cookie"])
        return "; ".join(f"{name}={morsel.coded_value}" for name, morsel in cookie.items())


def kernels_below(pid: int) -> list[psutil.Process]:
    """The kernels that a server has started and not ended."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "ipykernel_launcher" in child.cmdline():
                found.append(child)
    return found


@contextmanager
def running_desk(
    home: Path,
    *options: str,
    cwd: Path | None = None,
    orphan_seconds: int = 60,
    max_kernels: int = 8,
    prepare_seconds: int = 3600,
    **environment: str,
) -> Iterator[Desk]:
    """A desk whose home is a folder, and of whose kernels so many last so long.

    The first page has a kernel that is ready; another is prepared so long after it, which a test
    that counts kernels would not expect.
    """
    code = START.format(
        orphan_seconds=orphan_seconds, max_kernels=max_kernels, prepare_seconds=prepare_seconds
    )
    command = [sys.executable, "-P", "-c", code, "desk", *options]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLOVER")}
    folders = {"HOME": str(home), "XDG_DATA_HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=cwd or home,
            env=kept | folders | environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            printed = process.stdout.readline().split()
            assert printed[:1] == ["URL"], (home / "log").read_text()
            yield Desk(printed[1], process)
        finally:
            process.terminate()
            assert process.wait(60) == 0
            process.stdout.close()
