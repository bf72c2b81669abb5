"""For tests and notebooks alike: none of this machine's settings, and notebooks run in order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Nothing that this machine has set reaches a test, nor a kernel that a test starts."""
    for name in list(os.environ):
        if name.startswith("CLOVER_") and name != "CLOVER_NB_CHROMIUM":
            del os.environ[name]


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
