"""The stop button at any moment: never lost, and nothing is left behind."""

from __future__ import annotations

import interrupts
import pytest

pytestmark = pytest.mark.long


def test_interrupts_at_random_moments_leave_nothing_behind(tmp_path):
    """600 real SIGINTs in reads and writes; after each the connection works, five at once."""
    told = interrupts.interrupt(600, seed=1, folder=str(tmp_path))
    assert told["lost"] == 0
    assert told["ended"] > 100  # it is not all beside the calls
    assert sum(told.values()) == 600
