"""A table of customers to search, sort and page through."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd
from traitlets import Bool, Dict, Float, Unicode
from traitlets import List as ListTrait

from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.messages import describe_failure
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.table_export import FileKind, make_file, render_static
from clover_nb.forms.table_page import TablePage

T = TypeVar("T")


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
    page = TablePage(df, columns=columns, labels=labels, search=search, page_size=page_size)
    return CustomerTable(page, several=True, can_tick=True)


class CustomerTable(SharedWidget):
    """The table. Made by :func:`clover_nb.forms.customer_table`.

    Searching, sorting and paging happen in the kernel: only the page that is looked at goes to the
    browser, and nothing is left out unsaid. What is selected stays so, by its id, when the table is
    searched or sorted or gets new data.

    Attributes:
        view: The page that is looked at, and what is said about it.
        selection: The ids of the selected rows, and the number of the person's latest click. The
            browser drops a selection that was sent before that click. Where several pages show the
            table, it is the highest of theirs.
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

    def __init__(
        self, page: TablePage, *, several: bool = False, can_tick: bool = False, kept_as: str = ""
    ) -> None:
        self.on_create: Callable[[str], object] | None = None
        self._page = page
        self._ticked: dict[str, None] = {}  # in the order of the clicks
        self._columns_click = 0  # the latest choice of columns, as of ``selection``
        self._on_select: list[Callable[[list[str]], object]] = []
        self._on_tick: list[Callable[[list[str]], object]] = []
        self._writer = TaskRunner(self._show_failure)
        super().__init__(
            static="Customers: run this cell to search and sort.",
            several=several,
            can_tick=can_tick,
            noun=page.noun,
            kept_as=kept_as,
        )
        self._show()

    # -- the data ----------------------------------------------------------------------------------

    @property
    def data(self) -> pd.DataFrame:
        """The customers. New ones keep the search, the order, the page and what is selected."""
        return self._page.data

    @data.setter
    def data(self, df: pd.DataFrame) -> None:
        self._page.replace(df, self.selected_id)
        self._show()
        gone = set(self.selected_ids) - set(self.selected.index.astype(str))
        if gone:
            self.selected_ids = [each for each in self.selected_ids if each not in gone]
        if self._ticked:
            known = self.ticked.index.astype(str)
            self._set_ticks([key for key in self.ticked_ids if key in known])

    def put(self, row: pd.Series[Any]) -> None:
        """Show a customer as it is now, in its place; one that is new is shown in any case.

        A row that doesn't match the search any more, or would stand elsewhere, stays where it is
        until the next search: what somebody works on doesn't jump away.
        """
        self._page.put(row)
        self._show()

    # -- what a person sees and picked -----------------------------------------------------------

    @property
    def filtered(self) -> pd.DataFrame:
        """The rows that the search found, all pages of them, in the order that is shown."""
        return self._page.data.iloc[self._page.found]

    @property
    def selected_ids(self) -> list[str]:
        """The ids of the selected rows, in the order in which they were picked; can be set."""
        return list(self.selection["ids"])

    @selected_ids.setter
    def selected_ids(self, ids: Sequence[str]) -> None:
        self._select(list(ids), self.selection["click"])

    @property
    def selected_id(self) -> str:
        """The id that was picked last, ``""`` for none; can be set, which turns to its page."""
        return self.selected_ids[-1] if self.selected_ids else ""

    @selected_id.setter
    def selected_id(self, key: str) -> None:
        self.selected_ids = [key] if key else []
        self._reveal(key)

    @property
    def selected(self) -> pd.DataFrame:
        """The selected rows of the data; an empty frame when none is selected."""
        return self._page.query.with_ids(self.selected_ids)

    def _pick(self, ids: list[str], click: int) -> None:
        """Select what was clicked; a table that has turned since turns back to show it."""
        before = ["", *self.selected_ids]
        self._select(ids, click)
        if self.selected_id not in before:
            self._reveal(self.selected_id)

    def _reveal(self, key: str) -> None:
        """Turn to the page with this customer, where the search has found it."""
        if key not in self.view["ids"]:
            self._change_page(self._page.reveal, key)

    def on_select(self, callback: Callable[[list[str]], object]) -> None:
        """Call this with the ids of the selected rows after each change of the selection."""
        self._on_select.append(callback)

    def _select(self, ids: list[str], click: int) -> None:
        before = self.selected_ids
        self.selection = {"ids": ids, "click": max(click, self.selection["click"])}
        if ids != before:
            for callback in self._on_select:
                callback(ids)

    @property
    def ticked_ids(self) -> list[str]:
        """The ids of the ticked rows, on all pages."""
        return list(self._ticked)

    @property
    def ticked(self) -> pd.DataFrame:
        """The ticked rows of the data, on all pages."""
        return self._page.query.with_ids(self.ticked_ids)

    def on_tick(self, callback: Callable[[list[str]], object]) -> None:
        """Call this with the ids of the ticked rows after each change of them."""
        self._on_tick.append(callback)

    def untick(self) -> None:
        """Take all ticks away."""
        self._set_ticks([])

    def _set_ticks(self, ids: Sequence[str], click: int = 0) -> None:
        before, self._ticked = self._ticked, dict.fromkeys(ids)
        self._show_ticks(max(click, self.ticks["click"]))
        if self._ticked.keys() != before.keys():
            for callback in self._on_tick:
                callback(self.ticked_ids)

    def _tick_row(self, key: str, click: int, *, on: bool) -> None:
        others = [each for each in self._ticked if each != key]
        self._set_ticks([*others, key] if on else others, click)

    def _tick_all(self, click: int, *, on: bool) -> None:
        """Tick what the search has found, or nothing of it; what else is ticked stays so."""
        found = dict.fromkeys(self._page.query.ids(self._page.found))
        known = self.selected_ids if self.several else self.ticked_ids
        others = [key for key in known if key not in found]
        set_all = self._select if self.several else self._set_ticks
        set_all([*others, *found] if on else others, click)

    # -- what a person does ----------------------------------------------------------------------

    def _handle_message(self, content: Mapping[str, Any], _: Sequence[Any]) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "select": lambda: self._pick(content["ids"], content["click"]),
            "tick": lambda: self._tick_row(content["id"], content["click"], on=content["on"]),
            "tick_all": lambda: self._tick_all(content["click"], on=content["on"]),
            "search": lambda: self.search(content["text"]),
            "enter": lambda: self.open_first(content["text"]),
            "sort": lambda: self.sort(content["column"]),
            "page": lambda: self.turn(content["page"]),
            "step": lambda: self.turn(self.view["page"] + content["pages"]),
            "prepare": self._page.query.prepare_search,
            "view": lambda: self._change_page(self._page.show_view, content["name"]),
            "count": self.count_views,
            "columns": lambda: self._choose_columns(content["names"], content["click"]),
            "save": lambda: self.save(content["kind"]),
            "create": lambda: self.on_create and self.on_create(self._page.text),
        }
        was_found = content.get("text") == self.view["query"]
        handlers[content["do"]]()
        if was_found:
            self.send_state()  # what came of it was lost on its way, perhaps

    def _change_page(self, change: Callable[[T], object], wanted: T) -> None:
        change(wanted)
        self._show()

    def search(self, text: str) -> None:
        """Show the rows that hold every word of a text; ``""`` shows all."""
        self._change_page(self._page.search, text)

    def open_first(self, text: str) -> None:
        """Search for a text and select the first row that holds it, if there is one."""
        self.search(text)
        if len(self._page.found):
            self.selected_id = self._page.query.ids(self._page.found[:1])[0]

    def count_views(self) -> None:
        """Say of each view how many rows are in it."""
        if not self._page.marks:
            data = self.data
            take = functools.partial(self._change_page, self._page.take_marks)
            self._runner.read(lambda: self._page.mark_views(data), take)

    def sort(self, column: str) -> None:
        """Sort by a column: at first upwards, again downwards, a third time not at all."""
        self._change_page(self._page.sort, column)

    def turn(self, page: int) -> None:
        """Turn to a page, counted from 0; one that isn't there is the nearest."""
        self._change_page(self._page.turn, page)

    def _choose_columns(self, names: Sequence[str], click: int) -> None:
        self._columns_click = max(click, self._columns_click)
        self._change_page(self._page.show_columns, names)

    # -- what is shown ---------------------------------------------------------------------------

    def _show(self) -> None:
        page = self._page
        can_create = page.text.strip() and not len(page.found) and self.on_create
        self.view = {
            **page.describe(),
            "failure": "",
            "create": bool(can_create),
            "columns_click": self._columns_click,
        }
        self.offered = page.offered
        if page.marks:
            self.views = [[name, int(mark.sum())] for name, mark in page.marks.items()]
        self._show_ticks(self.ticks["click"])

    def _show_ticks(self, click: int) -> None:
        shown = [key for key in self.view["ids"] if key in self._ticked]
        self.ticks = {"ids": shown, "count": len(self._ticked), "click": click}

    def _show_failure(self, failure: TaskFailure) -> None:
        """Say so in place of the status, each time anew, so that the person can ask again."""
        count = self.view.get("failures", 0) + 1
        self.view = {**self.view, "failure": describe_failure(failure), "failures": count}

    def save(self, kind: FileKind) -> None:
        """Give the browser what is shown, all pages of it, as a file."""
        labels, rows = self._page.labels, self._page.cells(self._page.found)
        name = f"customers-{dt.datetime.now(dt.UTC):%Y-%m-%d}.{kind}"
        self._writer.read(
            lambda: make_file(kind, labels, rows),
            lambda made: self.send({"file": name}, buffers=[made]),
        )

    def _static_html(self) -> str:
        """The page that is looked at, as a table that needs no script."""
        page, shown = self._page, self._page.shown
        note = f"{len(shown):,} of {len(self.data):,} customers; run this cell to search and sort"
        return render_static(page.labels, page.cells(shown), note)
