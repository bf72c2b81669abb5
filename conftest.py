"""For tests and notebooks alike: none of this machine's settings, and notebooks run in order."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Nothing that this machine has set reaches a test, nor a kernel that a test starts.

    Nor does the journal of this machine's user, who may have real customers in it, nor what the
    user's processes share while they run.
    """
    for name in list(os.environ):
        if name.startswith("CLOVER_") and name != "CLOVER_NB_CHROMIUM":
            del os.environ[name]
    data = tempfile.TemporaryDirectory(prefix="clover-nb-tests-")
    config.add_cleanup(data.cleanup)
    os.environ["XDG_DATA_HOME"] = os.environ["XDG_RUNTIME_DIR"] = data.name


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests run in random order; the cells of a notebook run together, as they stand in it."""
    cells: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item.path.suffix == ".ipynb":
            cells.setdefault(item.path, []).append(item)
    shuffled, items[:] = list(items), []
    for item in shuffled:
        if item.path.suffix != ".ipynb":
            items.append(item)
        elif item.path in cells:
            items += sorted(cells.pop(item.path), key=lambda cell: cell.cell_num)  # type: ignore[attr-defined]  # nbval's
