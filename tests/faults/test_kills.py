"""Kill -9 of a client, a few times; `kills.py` does it a hundred times."""

from __future__ import annotations

import kills
import pytest


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')", reason="this system has no fork")
def test_after_a_kill_each_write_is_settled_or_said_to_be_unknown(tmp_path):
    """At the next start: nothing stays open, and nothing is told that is not so."""
    found = kills.run(12, seed=7, folder=tmp_path)
    assert not found.wrong
    assert {operation for operation, _ in found.outcomes} >= {"create", "modify", "add_source"}
    unknown = sum(n for (_, outcome), n in found.outcomes.items() if outcome == "unknown")
    assert found.reported == unknown
