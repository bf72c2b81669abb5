"""Rows of tables that tests plan and apply, and what became of them."""

from __future__ import annotations

import pandas as pd

from clover_nb.settings import Timeouts

#: Waits too short to notice.
QUICK = Timeouts(
    connect=20, read=20, total=60, unreachable=0.2, retry_delay=0.02, max_retry_delay=0.1
)
#: Rows are sent by the fifty, and no second fifty before how far the first is was told: so what is
#: done when some are done comes before the last, however busy the machine is.
MORE_THAN_A_CHUNK = 80


def new_rows(count, start=0):
    """Rows of new customers, all unlike."""
    return pd.DataFrame(
        {
            "email": [f"new{n}@example.com" for n in range(start, start + count)],
            "name": [f"Nu{n} Nova{n}" for n in range(start, start + count)],
            "phone": [f"408555{n:04}" for n in range(start, start + count)],
        }
    )


def renaming_rows(customers, count=10, **more):
    """Rows that change the first customers."""
    rows = {"id": customers.index[:count], "name": [f"Re{n} Named{n}" for n in range(count)]}
    return pd.DataFrame(rows | {name: [value] * count for name, value in more.items()})


def count_outcomes(batch):
    return batch.frame()["outcome"].value_counts().to_dict()


def are_verified(batch):
    """Whether each row was compared at the end, and found: a missing value is neither."""
    return bool(batch.frame()["verified"].fillna(value=False).all())
