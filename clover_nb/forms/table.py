"""A table of customers to search, sort and page through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from traitlets import Bool, Dict, Float, Unicode
from traitlets import List as ListTrait

from clover_nb import quality
from clover_nb.bulk import workbooks
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.messages import CARD_NUMBER, column_label, describe_failure
from clover_nb.forms.runner import TaskFailure, TaskRunner
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
        the ids of those that were picked or ticked, and ``table.selected`` their rows:
        ``forms.change_many(table.selected)`` sets one field for all of them.

    Raises:
        ValueError: There is no such column.
    """
    return CustomerTable(
        df,
        columns=columns,
        labels=labels,
        search=search,
        page_size=page_size,
        several=True,
        can_tick=True,
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
        can_tick: Whether rows have a box to tick. Where several can be selected, it selects.
        ticks: The ids of the ticked rows of this page, how many are ticked in all, and the number
            of the latest click, as of ``selection``.
        noun: What a row is.
        progress: What is under way, shown until there is something to say about rows.
        views: What the table can be narrowed to: a name each, and how many rows are in it, as far
            as they were counted.
        offered: The columns that can be shown: a key and a label each.
        kept_as: The name under which the browser keeps the columns that a person wants.
        on_create: Called with what was searched for, when no row holds it and the person wants a
            new customer; can be set. Without it none is offered.
        read_at: When the data was read, in seconds since 1970, so that the table can say how old
            it is; 0 where that is not known.
        card_refusal: What is said about a card number in the search.
    """

    kind = "table"

    view = Dict().tag(sync=True)
    selection: Dict[str, Any] = Dict({"ids": [], "click": 0}).tag(sync=True)
    several = Bool().tag(sync=True)
    can_tick = Bool().tag(sync=True)
    ticks: Dict[str, Any] = Dict({"ids": [], "count": 0, "click": 0}).tag(sync=True)
    noun = Unicode("customer").tag(sync=True)
    progress = Unicode().tag(sync=True)
    views: ListTrait[list[Any]] = ListTrait().tag(sync=True)
    offered: ListTrait[list[str]] = ListTrait().tag(sync=True)
    kept_as = Unicode().tag(sync=True)
    read_at = Float().tag(sync=True)
    card_refusal = Unicode(CARD_NUMBER).tag(sync=True)

    def __init__(
        self,
        df: pd.DataFrame,
        *,
        columns: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        search: Sequence[str] | None = None,
        page_size: int = 25,
        several: bool = False,
        newest_first: bool = False,
        kept_as: str = "",
        mark_views: Callable[[pd.DataFrame], Mapping[str, Mask]] = lambda _: {},
        can_tick: bool = False,
        noun: str = "customer",
    ) -> None:
        self.on_create: Callable[[str], object] | None = None
        self._usual, self._also_searched = columns, search
        self._wanted: Sequence[str] | None = None  # by the person
        self._labels = {**_LABELS, **(labels or {})}
        self._page_size = page_size
        self._text, self._sort, self._descending, self._page = "", "", newest_first, 0
        self._mark_views, self._marks, self._view = mark_views, dict[str, Mask](), ""
        self._ticked: dict[str, None] = {}  # in the order of the clicks
        self._on_select: list[Callable[[list[str]], object]] = []
        self._on_tick: list[Callable[[list[str]], object]] = []
        self._writer = TaskRunner(self._show_failure)
        super().__init__(
            static="Customers: run this cell to search and sort.",
            several=several,
            can_tick=can_tick,
            noun=noun,
            kept_as=kept_as,
        )
        self._sort = "created" if newest_first else ""
        self._found: Positions = np.arange(0)
        self._read(df)
        self._find()

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
        if self._ticked:
            known = self._query.with_ids(self.ticked_ids).index.astype(str)
            self._set_ticks([key for key in self.ticked_ids if key in known])

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
            if self._query.place_of(row["id"], self._found) is None:
                self._found = np.insert(self._found, 0, len(self._data) - 1)
            self.reveal(row["id"])

    def _read(self, df: pd.DataFrame) -> None:
        usual, also = self._usual_columns(df), self._also_searched
        extra = [name for name in _SEARCHED if name in df] if also is None else list(also)
        _check_columns(df, [*usual, *extra])
        wanted = [name for name in self._wanted or () if name == ID or name in df]
        self._data, self._columns = df, wanted or usual
        searched = dict.fromkeys([*usual, *self._columns, ID, *extra])
        self._query = TableQuery(df, list(searched))
        self._marks = {}
        offered = dict.fromkeys([*self._columns, *usual, *filter(df.__contains__, _OFFERED)])
        self.offered = [[name, self._label(name)] for name in offered]
        if self._sort != ID and self._sort not in df:
            self._sort = ""

    def _usual_columns(self, df: pd.DataFrame) -> list[str]:
        if self._usual is not None:
            return list(self._usual)
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

    @property
    def ticked_ids(self) -> list[str]:
        """The ids of the ticked rows, on all pages."""
        return list(self._ticked)

    def on_tick(self, callback: Callable[[list[str]], object]) -> None:
        """Call this with the ids of the ticked rows after each change of them."""
        self._on_tick.append(callback)

    def untick(self) -> None:
        """Take all ticks away."""
        self._set_ticks([])

    def _set_ticks(self, ids: Sequence[str], click: int | None = None) -> None:
        before, self._ticked = self._ticked, dict.fromkeys(ids)
        self._show_ticks(self.ticks["click"] if click is None else click)
        if self._ticked.keys() != before.keys():
            for callback in self._on_tick:
                callback(self.ticked_ids)

    def _tick_row(self, key: str, click: int, *, on: bool) -> None:
        others = [each for each in self._ticked if each != key]
        self._set_ticks([*others, key] if on else others, click)

    def _tick_all(self, click: int, *, on: bool) -> None:
        """Tick what the search has found, or nothing of it."""
        found = self._query.ids(self._found)
        if self.several:
            self._select(found if on else [], click)
        elif on:
            self._set_ticks([*self._ticked, *found], click)
        else:
            self._set_ticks([key for key in self._ticked if key not in set(found)], click)

    # -- what a person does ----------------------------------------------------------------------

    def _handle_message(self, content: Mapping[str, Any], _: Sequence[Any]) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "select": lambda: self._select(content["ids"], content["click"]),
            "tick": lambda: self._tick_row(content["id"], content["click"], on=content["on"]),
            "tick_all": lambda: self._tick_all(content["click"], on=content["on"]),
            "search": lambda: self.search(content["text"]),
            "enter": lambda: self.open_first(content["text"]),
            "sort": lambda: self.sort(content["column"]),
            "page": lambda: self.turn(content["page"]),
            "prepare": self._query.prepare_search,
            "view": lambda: self.show_view(content["name"]),
            "count": self.count_views,
            "columns": lambda: self.show_columns(content["names"]),
            "save": lambda: self.save(content["kind"]),
            "create": lambda: self.on_create and self.on_create(self._text),
        }
        handlers[content["do"]]()

    def search(self, text: str) -> None:
        """Show the rows that hold every word of a text; ``""`` shows all."""
        self._text = text
        self._find()

    def open_first(self, text: str) -> None:
        """Search for a text and select the first row that holds it, if there is one."""
        self.search(text)
        if len(self._found):
            self.selected_id = self._query.ids(self._found[:1])[0]

    def show_view(self, name: str) -> None:
        """Show only the rows of a view, by its name; ``""`` shows all."""
        self._view = name
        self._find()

    def count_views(self) -> None:
        """Say of each view how many rows are in it."""
        if not self._marks:
            data = self._data
            self._runner.read(lambda: self._mark_views(data), self._show_views)

    def _show_views(self, marks: Mapping[str, Mask]) -> None:
        if all(len(mark) == len(self._data) for mark in marks.values()):
            self._marks = dict(marks)
            self.views = [[name, int(mark.sum())] for name, mark in marks.items()]

    def show_columns(self, names: Sequence[str]) -> None:
        """Show these columns, as far as they are there, in this order; without one, the usual."""
        self._wanted = names
        self._read(self._data)
        self._find(page=self._page)

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
        if self._view and not self._marks:
            self._show_views(self._mark_views(self._data))
        self._found = self._query.find(
            self._text,
            self._sort or None,
            descending=self._descending,
            among=self._marks.get(self._view),
        )
        near = self._text.strip() and not len(self._found)
        self._near = self._query.nearest(self._text) if near else self._found[:0]
        self.turn(page)

    def _show(self) -> None:
        last = max(0, (len(self._found) - 1) // self._page_size)
        self._page = min(max(self._page, 0), last)
        shown = self._shown()
        self.view = {
            "columns": [{"key": name, "label": self._label(name)} for name in self._columns],
            "rows": self._query.cells(shown, self._columns),
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
            "view": self._view,
            "create": bool(self._text.strip() and not len(self._found) and self.on_create),
        }
        self._show_ticks(self.ticks["click"])

    def _show_ticks(self, click: int) -> None:
        shown = [key for key in self.view["ids"] if key in self._ticked]
        self.ticks = {"ids": shown, "count": len(self._ticked), "click": click}

    def _show_failure(self, failure: TaskFailure) -> None:
        """Say so in place of the status, each time anew, so that the person can ask again."""
        count = self.view.get("failures", 0) + 1
        self.view = {**self.view, "failure": describe_failure(failure), "failures": count}

    def _shown(self) -> Positions:
        first = self._page * self._page_size
        return self._found[first : first + self._page_size] if len(self._found) else self._near

    def _status(self) -> str:
        everything = f"{len(self._data):,} {self.noun}{'' if len(self._data) == 1 else 's'}"
        matches = len(self._found)
        if not len(self._data):
            return f"No {self.noun}s yet"
        if not matches:
            where = f"{self._view}, of {everything}" if self._view else everything
            also = "; these names are like it" if len(self._near) else ""
            return f"No match among {where}{also}"
        first = self._page * self._page_size
        span = f"{first + 1:,}\u2013{min(first + self._page_size, matches):,} of"
        if self._text.strip() or self._view:
            return f"{span} {matches:,} match{'' if matches == 1 else 'es'} (of {everything})"
        return f"{span} {everything}"

    def save(self, kind: Literal["csv", "xlsx"]) -> None:
        """Give the browser what is shown, all pages of it, as a file."""
        labels = [self._label(name) for name in self._columns]
        rows = self._query.cells(self._found, self._columns)
        self._writer.read(
            lambda: _file_of(kind, labels, rows), lambda made: self._hand_over(kind, made)
        )

    def _hand_over(self, kind: str, content: bytes) -> None:
        self.send(
            {"file": f"customers-{dt.datetime.now(dt.UTC):%Y-%m-%d}.{kind}"}, buffers=[content]
        )

    def _label(self, name: str) -> str:
        return self._labels.get(name) or column_label(name)

    def _static_html(self) -> str:
        """The page that is looked at, as a table that needs no script."""
        heads = "".join(f"<th>{escape(self._label(name))}</th>" for name in self._columns)
        shown = self._shown()
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
            for row in self._query.cells(shown, self._columns)
        )
        return (
            f"<table class='mathjax_ignore'><thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
            f"<p>{len(shown):,} of {len(self._data):,} customers; "
            "run this cell to search and sort</p>"
        )


def _file_of(
    kind: Literal["csv", "xlsx"], labels: Sequence[str], rows: Sequence[Sequence[str]]
) -> bytes:
    """A file that a spreadsheet shows as it is, and never runs."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "customers")
        if kind == "csv":
            table = pd.DataFrame(list(rows), columns=list(labels), dtype="str")
            quality.save_csv(table.set_index(labels[0]), path)
        else:
            workbooks.write_sheet(labels, list(zip(*rows, strict=True)), path)
        return path.read_bytes()


def _check_columns(df: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name != ID and name not in df]
    if missing:
        raise ValueError(
            f"There is no column {', '.join(map(repr, missing))}; there are: id, "
            f"{', '.join(map(str, df.columns))}."
        )
