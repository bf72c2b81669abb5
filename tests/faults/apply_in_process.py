"""Applies a plan in a process of its own, to be killed or interrupted."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from clover_nb import connect, read_plan

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "clover_nb.bulk.runner"])  # imports are most of the time


def apply_in_process(
    plan: Path, settings: dict[str, Any], started: Callable[[BaseProcess], object]
) -> tuple[list[Any], int | None]:
    """Apply a plan; what came of it, if it came to an end, and the exit status.

    Args:
        plan: Its file.
        settings: Of the connection.
        started: Is given the process.
    """
    receiver, sender = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_apply, args=(plan, settings, sender))
    process.start()
    sender.close()
    started(process)
    with receiver:
        try:
            told = receiver.recv()
        except EOFError:
            told = []
    process.join()
    return told, process.exitcode


def _apply(plan: Path, settings: dict[str, Any], sender: Connection) -> None:
    with connect("local", requests_per_second=None, **settings) as clover:
        batch = clover.customers.apply(read_plan(plan), listing_wait=0.2)
        sender.send([batch.state, batch.reason])
