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
    """Tests run in random order; the cells of a notebook run as they stand in it."""
    cells: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item.path.suffix == ".ipynb":
            cells.setdefault(item.path, []).append(item)
    in_order = {
        path: iter(sorted(group, key=lambda cell: cell.cell_num))  # type: ignore[attr-defined]  # nbval's
        for path, group in cells.items()
    }
    items[:] = [next(in_order[item.path]) if item.path in in_order else item for item in items]
