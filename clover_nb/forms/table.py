"""A table of customers to search, sort and page through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

import pandas as pd
from traitlets import Bool, Dict, Float, Int, Unicode

from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.cells import close_on_rerun
from clover_nb.forms.messages import CARD_NUMBER, column_label, describe_failure
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.table_query import ID, Positions, TableQuery
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
# What people look for besides; found, but not shown.
_SEARCHED: Final = (
    *("first_name", "last_name", "shipping_name", "shipping_phone"),
    *("shipping_line1", "shipping_line2", "shipping_postal_code", "shipping_country"),
)


def customer_table(
    df: pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    search: Sequence[str] | None = None,
    page_size: int = 25,
) -> CustomerTable:
    """A table of customers to search, sort and page through, and to pick customers in.

    Args:
        df: The customers, as from ``Customer.list()``; the index holds their ids. It is not copied
            and not changed.
        columns: What is shown, in order; ``"id"`` is the index. Left out: what matters at a
            glance, whatever of it there is.
        labels: Headings by column, where others are wanted.
        search: Columns that the search looks at besides the shown ones and the id. Left out:
            names, phones and the rest of the address.
        page_size: Rows a page.

    Returns:
        The table; ``table.filtered`` are the rows that the search found, ``table.selected_ids``
        the ids of those that were picked, and ``table.selected`` their rows.

    Raises:
        ValueError: There is no such column.
    """
    return CustomerTable(
        df, columns=columns, labels=labels, search=search, page_size=page_size, several=True
    )


class CustomerTable(SharedWidget):
    """The table. Made by :func:`clover_nb.forms.customer_table`.

    Searching, sorting and paging happen in the kernel: only the page that is looked at goes to the
    browser, and nothing is left out unsaid. What is selected stays so, by its id, when the table is
    searched or sorted or gets new data.

    Attributes:
        view: The page that is looked at, and what is said about it.
        selection: The ids of the selected rows, and the number of the person's latest click. The
            browser drops a selection that was sent before that click.
        several: Whether several rows can be selected.
        progress: What is under way, shown until there is something to say about rows.
        read_at: When the data was read, in seconds since 1970, so that the table can say how old
            it is; 0 where that is not known.
        card_refusal: What is said about a card number in the search.
        answers: How many messages were heard, so that the browser knows that somebody listens.
    """

    kind = "table"

    view = Dict().tag(sync=True)
    selection: Dict[str, Any] = Dict({"ids": [], "click": 0}).tag(sync=True)
    several = Bool().tag(sync=True)
    progress = Unicode().tag(sync=True)
    read_at = Float().tag(sync=True)
    card_refusal = Unicode(CARD_NUMBER).tag(sync=True)
    answers = Int().tag(sync=True)

    def __init__(
        self,
        df: pd.DataFrame,
        *,
        columns: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        search: Sequence[str] | None = None,
        page_size: int = 25,
        several: bool = False,
    ) -> None:
        self._wanted, self._also_searched = columns, search
        self._labels = {**_LABELS, **(labels or {})}
        self._page_size = page_size
        self._text, self._sort, self._descending, self._page = "", "", False, 0
        self._on_select: list[Callable[[list[str]], object]] = []
        self._runner = TaskRunner(self._show_failure)
        super().__init__(static="Customers: run this cell to search and sort.", several=several)
        self._read(df)
        self._found: Positions = self._query.find("")
        self._show()
        self.on_msg(lambda _, content, __: self.receive(content))
        close_on_rerun(self.close)

    # -- the data ----------------------------------------------------------------------------------

    @property
    def data(self) -> pd.DataFrame:
        """The customers. New ones keep the search, the order, the page and what is selected."""
        return self._data

    @data.setter
    def data(self, df: pd.DataFrame) -> None:
        key = self.selected_id
        in_sight = key and self._query.place_of(key, self._shown()) is not None
        self._read(df)
        self._find(page=self._page)
        if in_sight:
            self.reveal(key)
        gone = set(self.selected_ids) - set(self.selected.index.astype(str))
        if gone:
            self.selected_ids = [each for each in self.selected_ids if each not in gone]

    def put(self, row: pd.Series[Any]) -> None:
        """Show a customer as it is now, in its place; one that is new is shown in any case.

        A row that doesn't match the search any more, or would stand elsewhere, stays where it is
        until the next search: what somebody works on doesn't jump away.
        """
        known = row["id"] in self._data.index
        found = self._found
        self._read(upsert(self._data, row))
        if known:
            self._found = found
            self._show()
        else:
            self._find(page=self._page)
            self.reveal(row["id"])

    def _read(self, df: pd.DataFrame) -> None:
        columns = self._columns_of(df)
        also = self._also_searched
        extra = [name for name in _SEARCHED if name in df] if also is None else list(also)
        _check_columns(df, [*columns, *extra])
        self._data, self._columns = df, columns
        self._query = TableQuery(df, columns, list(dict.fromkeys([*columns, ID, *extra])))
        if self._sort not in columns:
            self._sort = ""

    def _columns_of(self, df: pd.DataFrame) -> list[str]:
        if self._wanted is not None:
            return list(self._wanted)
        return [*([name for name in _LABELS if name in df] or list(df.columns)), ID]

    # -- what a person sees and picked -----------------------------------------------------------

    @property
    def filtered(self) -> pd.DataFrame:
        """The rows that the search found, all pages of them, in the order that is shown."""
        return self._data.iloc[self._found]

    @property
    def selected_ids(self) -> list[str]:
        """The ids of the selected rows, in the order in which they were picked; can be set."""
        return list(self.selection["ids"])

    @selected_ids.setter
    def selected_ids(self, ids: Sequence[str]) -> None:
        self._select(list(ids), self.selection["click"])

    @property
    def selected_id(self) -> str:
        """The id that was picked last, ``""`` for none; can be set."""
        return self.selected_ids[-1] if self.selected_ids else ""

    @selected_id.setter
    def selected_id(self, key: str) -> None:
        self.selected_ids = [key] if key else []

    @property
    def selected(self) -> pd.DataFrame:
        """The selected rows of the data; an empty frame when none is selected."""
        return self._query.with_ids(self.selected_ids)

    def on_select(self, callback: Callable[[list[str]], object]) -> None:
        """Call this with the ids of the selected rows after each change of the selection."""
        self._on_select.append(callback)

    def _select(self, ids: list[str], click: int) -> None:
        before = self.selected_ids
        self.selection = {"ids": ids, "click": click}
        if ids != before:
            for callback in self._on_select:
                callback(ids)

    # -- what a person does ----------------------------------------------------------------------

    def receive(self, content: Mapping[str, Any]) -> None:
        """Do what the browser asks for in a message; an error is told in place of the status."""
        self._runner.handle(self._handle, content)
        self.answers += 1

    def _handle(self, content: Mapping[str, Any]) -> None:
        match content["do"]:
            case "select":
                self._select(content["ids"], content["click"])
            case "search":
                self.search(content["text"])
            case "sort":
                self.sort(content["column"])
            case "page":
                self.turn(content["page"])
            case "prepare":
                self._query.prepare_search()

    def search(self, text: str) -> None:
        """Show the rows that hold every word of a text; ``""`` shows all."""
        self._text = text
        self._find()

    def sort(self, column: str) -> None:
        """Sort by a column: at first upwards, again downwards, a third time not at all."""
        if self._sort != column:
            self._sort, self._descending = column, False
        elif not self._descending:
            self._descending = True
        else:
            self._sort, self._descending = "", False
        self._find()

    def turn(self, page: int) -> None:
        """Turn to a page, counted from 0; one that isn't there is the nearest."""
        self._page = page
        self._show()

    def reveal(self, key: str) -> None:
        """Turn to the page with this customer, where the search has found it."""
        place = self._query.place_of(key, self._found)
        if place is not None:
            self.turn(place // self._page_size)

    # -- what is shown ---------------------------------------------------------------------------

    def _find(self, page: int = 0) -> None:
        self._found = self._query.find(self._text, self._sort or None, descending=self._descending)
        self.turn(page)

    def _show(self) -> None:
        last = max(0, (len(self._found) - 1) // self._page_size)
        self._page = min(max(self._page, 0), last)
        shown = self._shown()
        self.view = {
            "columns": [{"key": name, "label": self._label(name)} for name in self._columns],
            "rows": self._query.cells(shown),
            "ids": self._query.ids(shown),
            "first": self._page * self._page_size,
            "matches": len(self._found),
            "page": self._page,
            "last": last,
            "status": self._status(),
            "failure": "",
            "query": self._text,
            "sort": self._sort,
            "descending": self._descending,
        }

    def _show_failure(self, failure: TaskFailure) -> None:
        """Say so in place of the status, each time anew, so that the person can ask again."""
        count = self.view.get("failures", 0) + 1
        self.view = {**self.view, "failure": describe_failure(failure), "failures": count}

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
        if self._text.strip():
            return f"{span} {matches:,} match{'' if matches == 1 else 'es'} (of {everything})"
        return f"{span} {everything}"

    def _label(self, name: str) -> str:
        return self._labels.get(name) or column_label(name)

    def _static_html(self) -> str:
        """The page that is looked at, as a table that needs no script."""
        heads = "".join(f"<th>{escape(self._label(name))}</th>" for name in self._columns)
        shown = self._shown()
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
            for row in self._query.cells(shown)
        )
        return (
            f"<table class='mathjax_ignore'><thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
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
