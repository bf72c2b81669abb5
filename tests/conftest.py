"""What every test gets: none of this machine's settings, and a sandbox of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clover_nb import client, sandbox
from clover_nb.client import Clover, connect


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


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a `.env` in it or above it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def practice() -> Iterator[sandbox.Sandbox]:
    """A sandbox that the tests of this process share; each makes customers of its own."""
    with sandbox.start(seed=7, limits=False) as running:
        yield running


@pytest.fixture
def clover(practice: sandbox.Sandbox) -> Iterator[Clover]:
    """A connection to the shared sandbox."""
    with connect("local", **practice.connection()) as connection:
        yield connection


@pytest.fixture
def default_connection(clover: Clover, monkeypatch: pytest.MonkeyPatch) -> Clover:
    """A connection that ``Customer``, ``Token`` and the forms use in this test."""
    monkeypatch.setattr(client, "_default", [clover])
    return clover
