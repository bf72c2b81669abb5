"""Who writes into a journal: the person, and the process, of which can be told whether it runs."""

from __future__ import annotations

import getpass
import os
import platform
from typing import Final


def person() -> str:
    """The name of who is at this machine, or at this server of a hub."""
    try:
        return os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (KeyError, OSError, ImportError):  # no name for this user, as in some containers
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def this_process() -> str:
    """This process, told from every other: its machine, its number, and when it began."""
    return f"{platform.node()}/{os.getpid()}/{_started(os.getpid()):.0f}"


def runs(process: str) -> bool:
    """Whether a process still runs; one of another machine is taken to."""
    node, pid, started = process.rsplit("/", 2)
    if node != platform.node():
        return True
    # The system tells the start by a clock that may have been set since.
    return abs(_started(int(pid)) - float(started)) < _CLOCK_SECONDS


def _started(pid: int) -> float:
    """When a process of this user began, in seconds since 1970; 0 where there is none."""
    import psutil  # noqa: PLC0415  who writes nothing need not wait for it

    try:
        return float(psutil.Process(pid).create_time())
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # the latter is somebody else's
        return 0.0


_CLOCK_SECONDS: Final = 5
