"""Who a form is about, and finding them by email address or id."""

from __future__ import annotations

from typing import Any

import pandas as pd

from clover_nb.client import Clover
from clover_nb.forms import actions

Row = pd.Series  # one customer


class CustomerPicker:
    """The customer that a form is about.

    Attributes:
        row: The customer, or ``None`` when none is chosen.
        last: The customer that the inputs were filled in for, also after it was given up.
        options: Those that a search has found, when there are several: id and words.
    """

    def __init__(self) -> None:
        self.row: Row[Any] | None = None
        self.last: Row[Any] | None = None
        self.options: list[list[str]] = []

    @property
    def customer_id(self) -> str:
        """The id of the customer; empty when none is chosen."""
        return "" if self.row is None else str(self.row["id"])

    def choose(self, row: Row[Any]) -> bool:
        """Be about this customer from now on.

        Returns:
            Whether the inputs were about the same one before.
        """
        is_same = self.last is not None and self.last["id"] == row["id"]
        self.row = self.last = row
        self.options = []
        return is_same

    def forget(self) -> None:
        """Be about nobody, since something else was typed."""
        self.row = None
        self.options = []

    def offer(self, found: pd.DataFrame) -> None:
        """Let one of several be chosen."""
        self.options = [
            [str(key), f"{row['name'] or 'no name'}, since {row['created']:%Y-%m-%d} ({key})"]
            for key, row in found.iterrows()
        ]


def find_customer(clover: Clover, text: str) -> Row[Any] | pd.DataFrame:
    """The customer with this email address or id as it is now, or all that share the address.

    Raises:
        ValidationError: It is neither an address nor an id, or there is nobody.
    """
    found = actions.find_customers(clover, text)
    return clover.customers.retrieve(found.index[0]) if len(found) == 1 else found
