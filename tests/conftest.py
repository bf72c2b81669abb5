"""What every test can ask for: a practice sandbox, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clover_nb import client, sandbox
from clover_nb.client import Clover, connect


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
    with connect("local", requests_per_second=None, **practice.connection()) as connection:
        yield connection


@pytest.fixture
def default_connection(clover: Clover, monkeypatch: pytest.MonkeyPatch) -> Clover:
    """A connection that ``Customer``, ``Token`` and the forms use in this test."""
    monkeypatch.setattr(client, "_default", [clover])
    return clover
