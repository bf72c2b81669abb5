"""A sandbox of a test's own, and a connection with a journal."""

from __future__ import annotations

import pytest
from batch_rows import QUICK

from clover_nb import connect, sandbox


@pytest.fixture(params=[{}], ids=[""])
def box(request):
    """A sandbox of the test's own, with 60 people."""
    with sandbox.start(seed=4, customers=60, limits=False, **request.param) as running:
        yield running


@pytest.fixture
def near(box, tmp_path):
    """A connection to it, with a journal of its own."""
    given = {"requests_per_second": None, "timeouts": QUICK, "journal": tmp_path / "journal"}
    with connect("local", **box.connection(), **given) as connection:
        yield connection
