"""A table of customers to search, sort and page through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

import anywidget
import pandas as pd
from traitlets import Dict, Float, Unicode

from clover_nb.forms._field import REFUSAL
from clover_nb.forms._rows import ID, Positions, Rows
from clover_nb.forms._static import FILES, Static, script

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
# What people look for besides; found, but not shown.
_SEARCHED: Final = (
    *("first_name", "last_name", "shipping_name", "shipping_phone"),
    *("shipping_line1", "shipping_line2", "shipping_postal_code", "shipping_country"),
)


class Table(Static, anywidget.AnyWidget):
    """A table of a DataFrame of customers. Searching, sorting and paging happen in the kernel.

    Only the page that is looked at goes to the browser, and nothing is left out unsaid. One row
    can be selected, by a click or the keyboard; it stays selected, by its id, when the table is
    searched or sorted or gets new data.

    Attributes:
        selected_id: The id of the selected customer, ``""`` for none; can be set.
        read_at: When the data was read, in seconds since 1970, so that the table can say how old
            it is; 0 where that is not known.

    Args:
        df: The customers; the index holds their ids. It is not copied and not changed.
        columns: What is shown, in order; ``"id"`` is the index. Left out: what matters at a
            glance, whatever of it there is.
        labels: Headings by column, where others are wanted.
        search: Columns that the search looks at besides the shown ones and the id. Left out:
            names, phones and the rest of the address.
        page_size: Rows a page.

    Raises:
        ValueError: There is no such column.
    """

    _esm = script("table.js")
    _css = FILES / "desk.css"

    selected_id = Unicode().tag(sync=True, echo_update=False)
    read_at = Float().tag(sync=True)
    _view = Dict().tag(sync=True)  # the page that is looked at, and what is said about it
    _refusal = Unicode(REFUSAL).tag(sync=True)

    def __init__(
        self,
        df: pd.DataFrame,
        *,
        columns: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        search: Sequence[str] | None = None,
        page_size: int = 25,
    ) -> None:
        self._wanted, self._also_searched = columns, search
        self._labels = {**_LABELS, **(labels or {})}
        self._page_size = page_size
        self._query, self._sort, self._descending, self._page = "", "", False, 0
        self._on_select: list[Callable[[str], object]] = []
        self._lock = threading.RLock()  # a form's thread may bring new data during a search
        super().__init__(static="Customers: run this cell to search and sort.")
        self.data = df
        self.on_msg(self._receive)
        self.observe(self._selected, "selected_id")

    @property
    def data(self) -> pd.DataFrame:
        """The customers. New ones keep the search, the order and, where still there, the choice."""
        return self._data

    @data.setter
    def data(self, df: pd.DataFrame) -> None:
        columns = self._columns_of(df)
        also = self._also_searched
        extra = [name for name in _SEARCHED if name in df] if also is None else list(also)
        _check_columns(df, [*columns, *extra])
        with self._lock:
            self._data, self._columns = df, columns
            self._rows = Rows(df, columns, list(dict.fromkeys([*columns, ID, *extra])))
            if self._sort not in columns:
                self._sort = ""
            self._find()
            if self.selected_id and self.selected.empty:
                self.selected_id = ""

    @property
    def selected(self) -> pd.DataFrame:
        """The selected row of the data; an empty frame when none is selected."""
        return self._rows.with_id(self.selected_id) if self.selected_id else self._data.iloc[:0]

    def on_select(self, callback: Callable[[str], object]) -> None:
        """Call this with the id, or ``""``, after each change of the selection."""
        self._on_select.append(callback)

    def _columns_of(self, df: pd.DataFrame) -> list[str]:
        if self._wanted is not None:
            return list(self._wanted)
        return [*([name for name in _LABELS if name in df] or list(df.columns)), ID]

    def _selected(self, change: dict[str, Any]) -> None:
        for callback in self._on_select:
            callback(change["new"])

    def _receive(self, _: Table, content: dict[str, Any], __: list[memoryview]) -> None:
        """Do what the person asks for in the browser."""
        if content["do"] == "select":
            self.set_state({"selected_id": content["id"]})  # the browser shows it already
            return
        with self._lock:
            if content["do"] == "search":
                self._query = content["text"]
                self._find()
            elif content["do"] == "sort":
                self._sort_by(content["column"])
                self._find()
            elif content["do"] == "page":
                self._page = content["page"]
                self._show()
            elif content["do"] == "prepare":
                self._rows.prepare()

    def _sort_by(self, column: str) -> None:
        """The first click on a heading sorts, the next the other way, the third not at all."""
        if self._sort != column:
            self._sort, self._descending = column, False
        elif not self._descending:
            self._descending = True
        else:
            self._sort, self._descending = "", False

    def _find(self) -> None:
        self._found = self._rows.find(self._query, self._sort or None, descending=self._descending)
        self._page = 0
        self._show()

    def _show(self) -> None:
        last = max(0, (len(self._found) - 1) // self._page_size)
        self._page = min(max(self._page, 0), last)
        shown = self._shown()
        self._view = {
            "columns": [{"key": name, "label": self._label(name)} for name in self._columns],
            "rows": self._rows.cells(shown),
            "ids": self._rows.ids(shown),
            "first": self._page * self._page_size,
            "matches": len(self._found),
            "page": self._page,
            "last": last,
            "status": self._status(),
            "query": self._query,
            "sort": self._sort,
            "descending": self._descending,
        }

    def _shown(self) -> Positions:
        first = self._page * self._page_size
        return self._found[first : first + self._page_size]

    def _status(self) -> str:
        everything = f"{len(self._data):,} customer{'' if len(self._data) == 1 else 's'}"
        matches = len(self._found)
        if not len(self._data):
            return "No customers yet"
        if not matches:
            return f"No match among {everything}"
        first = self._page * self._page_size
        span = f"{first + 1:,}\u2013{min(first + self._page_size, matches):,} of"
        if self._query.strip():
            return f"{span} {matches:,} match{'' if matches == 1 else 'es'} (of {everything})"
        return f"{span} {everything}"

    def _label(self, name: str) -> str:
        words = name.removeprefix("shipping_").replace("_", " ")
        return self._labels.get(name) or words[:1].upper() + words[1:]

    def _static_html(self) -> str:
        """The page that is looked at, as a table that needs no script."""
        heads = "".join(f"<th>{escape(self._label(name))}</th>" for name in self._columns)
        shown = self._shown()
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
            for row in self._rows.cells(shown)
        )
        return (
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{len(shown):,} of {len(self._data):,} customers; "
            "run this cell to search and sort</p>"
        )


def _check_columns(df: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name != ID and name not in df]
    if missing:
        raise ValueError(
            f"There is no column {', '.join(map(repr, missing))}; there are: id, "
            f"{', '.join(map(str, df.columns))}."
        )
