"""What the tests of writes can ask for."""

from __future__ import annotations

import pytest
from lossy_proxy import lossy_proxy

from clover_nb import connect


@pytest.fixture
def proxy(practice):
    """A proxy in front of the shared sandbox."""
    with lossy_proxy(practice) as running:
        yield running


@pytest.fixture
def near(proxy, tmp_path):
    """A connection through the proxy, with a journal of its own."""
    with proxy.connect(journal=tmp_path / "journal") as connection:
        yield connection


@pytest.fixture
def colleague(practice, tmp_path):
    """Somebody else at another machine: another connection, another journal."""
    journal = tmp_path / "colleague"
    settings = {"requests_per_second": None, "journal": journal}
    with connect("local", **(practice.connection() | settings)) as connection:
        yield connection
