"""Which rows and columns of a table are shown: what was searched for, the order, and the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from clover_nb.forms.messages import column_label, count_rows
from clover_nb.forms.table_query import ID, Mask, Positions, TableQuery
from clover_nb.frames import upsert

# What matters of a customer at a glance, and how it is headed.
_LABELS: Final = {
    "name": "Name",
    "email": "Email",
    "phone": "Phone",
    "shipping_city": "City",
    "shipping_state": "State",
    "card_brand": "Card",
    "card_last4": "Last 4",
    "created": "Created (UTC)",
    ID: "Customer id",
}
# What people look for besides; found, and shown only when somebody wants it.
_SEARCHED: Final = (
    *("first_name", "last_name", "shipping_name", "shipping_phone"),
    *("shipping_line1", "shipping_line2", "shipping_postal_code", "shipping_country"),
)
_OFFERED: Final = (*_SEARCHED, "note", "card_expiry", "card_count", "currency", "marketing_allowed")


MarkViews = Callable[[pd.DataFrame], Mapping[str, Mask]]


class TablePage:
    """A page of what a person wants to see of a DataFrame, which is not changed.

    Attributes:
        data: The customers.
        noun: What a row is.
        mark_views: Says which rows are in which view.
        query: Finds, sorts and formats them.
        columns: The columns that are shown.
        text: What is searched for.
        found: The positions of the rows that were found.
        marks: Which rows are in which view, as far as that was looked up.

    Args:
        data: The customers.
        columns: The usual columns; ``None`` for what matters at a glance.
        labels: Headings by column, where others are wanted.
        search: What is searched besides; ``None`` for the rest of a customer.
        page_size: Rows a page.
        newest_first: Whether it is sorted by when they were created.
        mark_views: Says which rows are in which view.
        noun: What a row is.
    """

    def __init__(
        self,
        data: pd.DataFrame,
        *,
        columns: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        search: Sequence[str] | None = None,
        page_size: int = 25,
        newest_first: bool = False,
        mark_views: MarkViews = lambda _: {},
        noun: str = "customer",
    ) -> None:
        self._usual, self._also_searched = columns, search
        self._wanted: Sequence[str] | None = None  # by the person
        self._labels = {**_LABELS, **(labels or {})}
        self._size, self.noun, self.mark_views = page_size, noun, mark_views
        self._sort, self._descending = "created" if newest_first else "", newest_first
        self.text, self._view, self._number = "", "", 0
        self.marks: dict[str, Mask] = {}
        self.found: Positions = np.arange(0)
        self._read(data)
        self._find()

    # -- the data ----------------------------------------------------------------------------------

    def replace(self, data: pd.DataFrame, key: str) -> None:
        """Show other data on the same page, or on that of a row that was in sight."""
        is_in_sight = key and self.query.place_of(key, self.shown) is not None
        self._read(data)
        self._find(self._number)
        if is_in_sight:
            self.reveal(key)

    def put(self, row: pd.Series[Any]) -> None:
        """Show a row as it is now, in its place; one that is new is shown in any case."""
        known = row["id"] in self.data.index
        found = self.found
        self._read(upsert(self.data, row))
        if known:
            self.found = found
            return
        self._find(self._number)
        if self.query.place_of(row["id"], self.found) is None:
            self.found = np.insert(self.found, 0, len(self.data) - 1)
        self.reveal(row["id"])

    def _read(self, data: pd.DataFrame) -> None:
        usual, also = self._usual_columns(data), self._also_searched
        extra = [name for name in _SEARCHED if name in data] if also is None else list(also)
        _check_columns(data, [*usual, *extra])
        wanted = [name for name in self._wanted or () if name == ID or name in data]
        self.data, self.columns = data, wanted or usual
        searched = dict.fromkeys([*usual, *self.columns, ID, *extra])
        self.query = TableQuery(data, list(searched))
        self.marks = {}
        offered = dict.fromkeys([*self.columns, *usual, *filter(data.__contains__, _OFFERED)])
        self.offered = [[name, self._label(name)] for name in offered]
        if self._sort != ID and self._sort not in data:
            self._sort = ""

    def _usual_columns(self, data: pd.DataFrame) -> list[str]:
        if self._usual is not None:
            return list(self._usual)
        return [*([name for name in _LABELS if name in data] or list(data.columns)), ID]

    def _label(self, name: str) -> str:
        return self._labels.get(name) or column_label(name)

    # -- what a person wants -----------------------------------------------------------------------

    def search(self, text: str) -> None:
        """Find the rows that hold every word of a text; ``""`` finds all."""
        self.text = text
        self._find()

    def show_view(self, name: str) -> None:
        """Find only the rows of a view, by its name; ``""`` finds all."""
        self._view = name
        self._find()

    def take_marks(self, marks: Mapping[str, Mask]) -> None:
        """Take which rows are in which view; of other data than these it is dropped."""
        if all(len(mark) == len(self.data) for mark in marks.values()):
            self.marks = dict(marks)

    def show_columns(self, names: Sequence[str]) -> None:
        """Show these columns, as far as they are there, in this order; without one, the usual."""
        self._wanted = names
        self._read(self.data)
        self._find(self._number)

    def sort(self, column: str) -> None:
        """Sort by a column: at first upwards, again downwards, a third time not at all."""
        if self._sort != column:
            self._sort, self._descending = column, False
        elif not self._descending:
            self._descending = True
        else:
            self._sort, self._descending = "", False
        self._find()

    def turn(self, number: int) -> None:
        """Turn to a page, counted from 0; one that isn't there is the nearest."""
        last = max(0, (len(self.found) - 1) // self._size)
        self._number = min(max(number, 0), last)

    def reveal(self, key: str) -> None:
        """Turn to the page with this row, if the search has found it."""
        place = self.query.place_of(key, self.found)
        if place is not None:
            self.turn(place // self._size)

    def _find(self, number: int = 0) -> None:
        if self._view and not self.marks:
            self.take_marks(self.mark_views(self.data))
        self.found = self.query.find(
            self.text,
            self._sort or None,
            descending=self._descending,
            among=self.marks.get(self._view),
        )
        near = self.text.strip() and not len(self.found)
        self._near = self.query.nearest(self.text) if near else self.found[:0]
        self.turn(number)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def shown(self) -> Positions:
        """The positions of the rows of this page; where none was found, of similar ones."""
        first = self._number * self._size
        return self.found[first : first + self._size] if len(self.found) else self._near

    @property
    def labels(self) -> list[str]:
        """The headings of the columns that are shown."""
        return list(map(self._label, self.columns))

    def cells(self, positions: Positions) -> list[list[str]]:
        """The columns that are shown of some rows, as text."""
        return self.query.cells(positions, self.columns)

    def describe(self) -> dict[str, Any]:
        """The page, and what is said about it."""
        heads = zip(self.columns, self.labels, strict=True)
        return {
            "columns": [{"key": name, "label": label} for name, label in heads],
            "rows": self.cells(self.shown),
            "ids": self.query.ids(self.shown),
            "first": self._number * self._size,
            "matches": len(self.found),
            "page": self._number,
            "last": max(0, (len(self.found) - 1) // self._size),
            "status": self._status(),
            "query": self.text,
            "sort": self._sort,
            "descending": self._descending,
            "view": self._view,
        }

    def _status(self) -> str:
        everything = count_rows(len(self.data), self.noun)
        matches = len(self.found)
        if not len(self.data):
            return f"No {self.noun}s yet"
        if not matches:
            where = f"{self._view}, of {everything}" if self._view else everything
            also = "; these names are like it" if len(self._near) else ""
            return f"No match among {where}{also}"
        first = self._number * self._size
        span = f"{first + 1:,}\u2013{min(first + self._size, matches):,} of"
        if self.text.strip() or self._view:
            return f"{span} {matches:,} match{'' if matches == 1 else 'es'} (of {everything})"
        return f"{span} {everything}"


def _check_columns(df: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name != ID and name not in df]
    if missing:
        raise ValueError(
            f"There is no column {', '.join(map(repr, missing))}; there are: id, "
            f"{', '.join(map(str, df.columns))}."
        )
