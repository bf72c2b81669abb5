"""Many changes in one form: a file, its columns, a review, the application, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import pandas as pd
from traitlets import Bool, Dict, Int, Unicode
from traitlets import List as ListTrait

from clover_nb.bulk.batch import Batch
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import Decision
from clover_nb.bulk.tables import MAX_BYTES
from clover_nb.client import Clover, default
from clover_nb.errors import ValidationError
from clover_nb.forms import rendering
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.change_rows import CountedRows, PlanReview
from clover_nb.forms.change_source import Step
from clover_nb.forms.change_work import ChangeWork
from clover_nb.forms.runner import TaskFailure
from clover_nb.forms.table import CustomerTable
from clover_nb.forms.table_page import TablePage

_STEPS: Final[dict[Step, str]] = {"review": "Review", "apply": "Apply", "results": "Results"}
_PAGE: Final = 10  # rows


def change_many(
    customers: pd.DataFrame | None = None, *, clover: Clover | None = None
) -> ChangeMany:
    """A form for many changes: from a spreadsheet to a plan, its application, and back.

    Nothing is sent before the plan was reviewed. It is applied by a process of its own, so neither
    a closed page nor a restarted kernel ends it: the form shows it again.

    Args:
        customers: Set one field, or the address, for all of these, such as ``table.selected``;
            left out, the wanted values come from a file or from pasted cells.
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.plan`` is what it has planned, and ``form.batch`` what came of it.

    Raises:
        ValidationError: There are no customers in the table.
        SettingsError: There is no connection, and the settings don't allow one.
    """
    if customers is not None and not len(customers):
        raise ValidationError("There are no customers in this table.", field="customers")
    return ChangeMany(clover or default(), customers)


class ChangeMany(SharedWidget):
    """The form. Made by :func:`clover_nb.forms.change_many`.

    Attributes:
        work: What it does, and whom it tells of it.
        table: The rows of the plan, or of what came of it; ``None`` before.
    """

    kind = "change_many"

    heading = Unicode().tag(sync=True)
    steps: ListTrait[list[str]] = ListTrait().tag(sync=True)  # a name and a title each
    step = Unicode().tag(sync=True)
    summaries = Dict().tag(sync=True)  # of the steps that are done, by step
    problems = Dict().tag(sync=True)  # what is wrong, by step or by input
    values = Dict().tag(sync=True, echo_update=False)  # texts, and the edits that they know of
    upload: Dict[str, Any] = Dict().tag(sync=True)
    max_bytes = Int(MAX_BYTES).tag(sync=True)
    offered = Unicode().tag(sync=True)  # what has stopped and can be shown
    fields = Dict().tag(sync=True)  # the inputs, by their place
    notes = Dict().tag(sync=True)  # what is to be said of columns and of the plan, by step
    rows = Dict().tag(sync=True)  # the counts of those of the table, and how many are ticked
    ready = Bool().tag(sync=True)  # whether there is anything to apply
    applying = Dict().tag(sync=True)
    status = Unicode().tag(sync=True)
    busy = Bool().tag(sync=True)
    table_id = Unicode().tag(sync=True)

    def __init__(self, clover: Clover, customers: pd.DataFrame | None = None) -> None:
        super().__init__(static="Change many: run this cell to use the form.")
        self.work = ChangeWork(clover, customers, self._runner, self._send_file, self._draw)
        self.table: CustomerTable | None = None
        self._rows: CountedRows | None = None  # those of the table
        self._filter = ""
        self.heading = rendering.render_heading(self.work.source.title, clover.settings)
        self.steps = list(map(list, {**self.work.source.steps, **_STEPS}.items()))
        self.work.find_application()
        self._draw()

    @property
    def plan(self) -> Plan | None:
        """What is planned."""
        return self.work.plan

    @property
    def batch(self) -> Batch | None:
        """What came of the plan; ``None`` before."""
        return self.work.batch

    def close(self) -> None:
        """Close the widget; an application goes on, and one that is being started is started."""
        with suppress(KeyboardInterrupt):  # the start isn't waited for then
            self.work.stop()
        if self.table is not None:
            self.table.close()
        super().close()

    # -- messages ----------------------------------------------------------------------------------

    def _handle_message(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        what, work = content["do"], self.work
        handlers: dict[str, Callable[[], object]] = {
            "read": work.read_file,
            "plan": work.make_plan,
            "filter": lambda: self._filter_rows(content["name"]),
            "decide": lambda: self._decide_ticked(content["decision"]),
            "save": work.save_plan,
            "go": lambda: work.open_step(content["step"]),
            "apply": lambda: work.apply_plan(content["plan"]),
            "stop": work.stop_applying,
            "resume": work.resume_applying,
            "open": work.open_offered,
            "save_failed": lambda: work.save_failed(content["kind"]),
            "undo": work.plan_undo,
            "restart": work.start_over,
        }
        if changed := work.inputs.take(content):
            work.apply_edits(set(changed))
            self._filter_rows(self._filter)
        may_begin = what == "stop" or not work.is_applying
        if what == "chunk" and may_begin:
            work.take_chunk(content, buffers)
        elif what in handlers and work.inputs.begin_task(content) and may_begin:
            handlers[what]()
        self._draw()

    def _show_failure(self, failure: TaskFailure) -> None:
        self.work.show_failure(failure)

    def _send_file(self, name: str, content: bytes) -> None:
        self.send({"do": "download", "name": name}, buffers=[content])

    # -- the rows ----------------------------------------------------------------------------------

    def _decide_ticked(self, decision: Decision | None) -> None:
        """Decide on the ticked rows of the plan."""
        if self.table is not None and self.work.step == "review":
            self.work.decide_rows(map(int, self.table.ticked_ids), decision)
            self._filter_rows(self._filter)
            self.table.untick()

    def _filter_rows(self, name: str) -> None:
        """Show the rows of one count alone; without a name, all."""
        rows = self.work.rows
        if rows is not None and self.table is not None:
            self._filter = name
            self.table.data = rows.table[rows.table["kind"] == name] if name else rows.table

    def _open_table(self, rows: CountedRows) -> None:
        """Show the rows of the plan, or of what came of it, in another table."""
        if self.table is not None:
            self.table.close()
        self._rows, self._filter = rows, ""
        page = TablePage(rows.table, columns=rows.columns, search=[], page_size=_PAGE, noun="row")
        self.table = CustomerTable(page, can_tick=isinstance(rows, PlanReview))
        self.table.on_tick(lambda _: self._draw())

    def _describe_rows(self) -> dict[str, Any]:
        """The counts of the rows that are shown, which of them filters, and how many are ticked."""
        table, rows = self.table, self.work.rows
        if table is None or rows is None:
            return {}
        ticked = len(table.ticked_ids)
        return {"counts": rows.list_counts(), "filter": self._filter, "ticked": ticked}

    # -- what is shown -----------------------------------------------------------------------------

    def _draw(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        rows = self.work.rows
        if rows is not None and rows is not self._rows:
            self._open_table(rows)
        state = {
            **self.work.describe(),
            "rows": self._describe_rows(),
            "table_id": "" if self.table is None else self.table.model_id,
        }
        with self.hold_sync():
            for name, value in state.items():
                self.set_trait(name, value)
