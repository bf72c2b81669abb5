"""Which customers need somebody: the kinds of them that the desk's table can be narrowed to."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import numpy as np

from clover_nb import quality
from clover_nb.client import Clover
from clover_nb.errors import CloverError

if TYPE_CHECKING:
    import pandas as pd

    from clover_nb.forms.table_query import Mask

_NEW_DAYS: Final = 7


def mark_views(clover: Clover, customers: pd.DataFrame) -> dict[str, Mask]:
    """Who is in each view, by its name: whether, for each row.

    Args:
        clover: The connection, whose journal knows what was changed.
        customers: As from ``clover.customers.list()``.
    """
    now = dt.datetime.now(dt.UTC).astimezone()  # months and days are those of the person
    months = [f"{day.year}-{day.month:02}" for day in (now, now.replace(day=1) + dt.timedelta(32))]
    expiry = customers["card_expiry"].fillna("9999-12")
    doubts = quality.doubtful_addresses(customers)
    is_missing = doubts["problem"].str.endswith("missing")
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    views = {
        "Card expired": expiry < months[0],
        "Card expires this month or next": (expiry >= months[0]) & (expiry <= months[1]),
        "No card": customers["card_count"] == 0,
        "Address incomplete": customers.index.isin(doubts.index[is_missing]),
        "Address doubtful": customers.index.isin(doubts.index[~is_missing]),
        "New this week": (customers["created"] >= now - dt.timedelta(_NEW_DAYS)).fillna(
            value=False
        ),
        "Changed by the team today": customers.index.isin(_changed_since(clover, midnight)),
    }
    return {name: np.asarray(held, bool) for name, held in views.items()}


def _changed_since(clover: Clover, time: dt.datetime) -> set[str]:
    try:
        lines = clover.journal.frame()
    except CloverError:  # the journal is off, or can't be read
        return set()
    return set(lines.loc[(lines["time"] >= time) & (lines["outcome"] == "done"), "customer_id"])
