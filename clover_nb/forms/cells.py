"""Closes what a cell has made when the cell runs again, so that nothing of it stays behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_made: dict[str, list[Callable[[], object]]] = {}  # by the cell's id


def close_on_rerun(close: Callable[[], object]) -> None:
    """Call this when the cell that is running now runs again.

    Where no cell with an id runs, as in a script, nothing is done.
    """
    shell, cell = running_shell(), _cell_id()
    if shell is None or not cell:
        return
    if _close_earlier not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _close_earlier)
    _made.setdefault(cell, []).append(close)


def _close_earlier(_info: object = None) -> None:
    for close in reversed(_made.pop(_cell_id(), [])):  # what holds others before these
        close()


def _cell_id() -> str:
    """The id of the cell that is running now, as JupyterLab gives it; else empty."""
    parent = getattr(running_shell(), "parent_header", None)
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    return str((metadata or {}).get("cellId", ""))


def running_shell() -> Any:  # noqa: ANN401  IPython's shell has no types here
    """The shell of the notebook's kernel; ``None`` in a plain script, which needs no IPython."""
    ipython = sys.modules.get("IPython")
    return ipython and ipython.get_ipython()
