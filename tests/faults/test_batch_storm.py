"""A batch in a storm: none lost, none doubled, no colleague's change overwritten."""

from __future__ import annotations

import pandas as pd
import pytest
from batch_storm import find_damage, make_table, rage


@pytest.mark.long
def test_a_batch_comes_through_a_storm(tmp_path):
    """Writes are lost, colleagues write in between, and the process is killed again and again."""
    damage, weather = rage(100, tmp_path, seed=0)
    assert not damage, damage
    assert weather.kills
    assert weather.theirs


def test_what_a_storm_does_to_a_batch_would_show():
    """A create that is missing or there twice, a change that is not, a colleague's that is gone."""
    before = pd.DataFrame({"email": ["a@x", "b@x"], "name": ["A", "B"]}, index=["K1", "K2"])
    table = make_table(before, 2)
    made = pd.DataFrame({"email": table["email"][:2], "name": table["name"][:2]})
    whole = pd.concat([before.assign(name=["Ours 2", "Ours 3"]), made.set_axis(["N1", "N2"])])
    assert not find_damage(table, whole, {})
    assert find_damage(table, whole.drop("N1"), {}).missing == ["new0@example.com"]
    twice = pd.concat([whole, whole.loc[["N2"]].set_axis(["N3"])])
    assert find_damage(table, twice, {}).doubled == ["new1@example.com"]
    assert find_damage(table, whole.assign(name="A"), {}).wrong == ["K1: A", "K2: A"]
    assert find_damage(table, whole, {"K1": "Theirs"}).overwritten == ["K1: Theirs"]
