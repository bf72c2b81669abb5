"""One Chromium for the tests in this folder."""

from __future__ import annotations

import pytest
from chromium import running_browser


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running
