"""Many changes in one form: a file, its columns, a review, the application, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from clover_nb.forms.apply_process import describe_work
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.change_rows import CountedRows
from clover_nb.forms.change_source import Step
from clover_nb.forms.change_work import CONFIRMED, ChangeWork
from clover_nb.forms.form_state import LIVE
from clover_nb.forms.runner import TaskFailure
from clover_nb.forms.table import CustomerTable

_STEPS: Final[dict[Step, str]] = {
    "file": "File",
    "set": "New value",
    "columns": "Columns",
    "review": "Review",
    "apply": "Apply",
    "results": "Results",
}
_LAST_STEPS: Final[tuple[Step, ...]] = ("review", "apply", "results")
_PAGE: Final = 10  # rows
_HEADS: Final = {
    "number": "Row",
    "customer": "Customer",
    "what": "What",
    "state": "State",
    "changes": "Changes",
    "reasons": "Reasons",
}


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
    ids = None if customers is None else [str(key) for key in customers.index]
    return ChangeMany(clover or default(), ids)


class ChangeMany(SharedWidget):
    """The form. Made by :func:`clover_nb.forms.change_many`.

    Attributes:
        ids: The customers for whom a field is set; ``None`` takes a file.
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
    fixed: ListTrait[str] = ListTrait().tag(sync=True)  # what is to be said of columns of the file
    rows = Dict().tag(sync=True)  # the counts of those of the table, and how many are ticked
    review = Dict().tag(sync=True)
    applying = Dict().tag(sync=True)
    results = Dict().tag(sync=True)
    status = Unicode().tag(sync=True)
    busy = Bool().tag(sync=True)
    table_id = Unicode().tag(sync=True)

    def __init__(self, clover: Clover, ids: Sequence[str] | None = None) -> None:
        """Make it.

        Args:
            clover: The connection.
            ids: The customers for whom a field is set; ``None`` takes a file.
        """
        super().__init__(static="Change many: run this cell to use the form.")
        self.ids = ids
        self.table: CustomerTable | None = None
        self._rows: CountedRows | None = None  # those of the table
        self.work = ChangeWork(clover, ids, self._runner, self._download, self._draw)
        source = self.work.source
        self.heading = rendering.render_heading(source.title, clover.settings)
        self.steps = [[name, _STEPS[name]] for name in (*source.steps, *_LAST_STEPS)]
        self.work.look_for_apply()
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
        """Close the widget; an application goes on."""
        self.work.close()
        if self.table is not None:
            self.table.close()
        super().close()

    # -- messages ----------------------------------------------------------------------------------

    def _handle_message(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        work, what = self.work, content["do"]
        handlers: dict[str, Callable[[], object]] = {
            "read": work.read_file,
            "plan": work.make_plan,
            "filter": lambda: self._filter_rows(content["name"]),
            "decide": lambda: self._decide_ticked(content["decision"]),
            "save": work.save_plan,
            "go": lambda: work.go_to(content["step"]),
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
        if what == "chunk":
            work.take_chunk(content, buffers)
        elif what != "edit" and work.inputs.begin_task(content):
            handlers[what]()
        self._draw()

    def _filter_rows(self, name: str) -> None:
        """Show the rows of one count alone, or all again."""
        if self.table is not None:
            self.table.show_view("" if name == self.table.view["view"] else name)

    def _decide_ticked(self, decision: Decision | None) -> None:
        if self.table is not None:
            self.work.decide(self.table.ticked_ids, decision)
            self.table.untick()

    def _download(self, name: str, content: bytes) -> None:
        self.send({"do": "download", "name": name}, buffers=[content])

    def _show_failure(self, failure: TaskFailure) -> None:
        self.work.show_failure(failure)

    # -- what is shown -----------------------------------------------------------------------------

    def _draw(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        work = self.work
        values, review = work.inputs.values, work.review
        source = work.source.describe(values)
        reviewed = {} if review is None else {"review": review.summarize()}
        self._show_rows(work.results or review)
        state = {
            **source,
            "fields": source["fields"] | self._list_boxes(),
            "step": work.step,
            "busy": self._runner.is_reading or self._runner.is_writing,
            "summaries": work.source.summarize(values) | reviewed,
            "problems": dict(work.problems),
            "values": work.inputs.state(),
            "offered": "" if work.offered is None else work.offered.describe_end(),
            "rows": self._describe_rows(),
            "review": {} if review is None else review.describe(),
            "applying": self._describe_applying(),
            "results": {} if work.results is None else work.results.describe(),
            "status": work.note,
            "table_id": "" if self.table is None else self.table.model_id,
        }
        with self.hold_sync():
            for name, value in state.items():
                self.set_trait(name, value)

    def _show_rows(self, rows: CountedRows | None) -> None:
        """Show the rows of the plan, or of what came of it, in a table."""
        if rows is None:
            return
        if rows is self._rows and self.table is not None:
            if self.table.data is not rows.table:
                self.table.data = rows.table
            return
        if self.table is not None:
            self.table.close()
        self._rows = rows
        self.table = CustomerTable(
            rows.table,
            columns=rows.columns,
            labels=_HEADS,
            search=[],
            page_size=_PAGE,
            mark_views=rows.mark_views,
            can_tick=rows is self.work.review,
            noun="row",
        )
        self.table.on_tick(lambda _: self._draw())

    def _describe_rows(self) -> dict[str, Any]:
        """The counts of the rows that are shown, which of them filters, and how many are ticked."""
        table, rows = self.table, self._rows
        if table is None or rows is None:
            return {}
        ticked = len(table.ticked_ids)
        return {"counts": rows.list_counts(), "filter": table.view["view"], "ticked": ticked}

    def _describe_applying(self) -> dict[str, Any]:
        work, plan = self.work, self.plan
        if work.application is not None and work.is_applying:
            return {"progress": work.application.describe()}
        if plan is None or work.step != "apply":
            return {}
        return {"plan": plan.id, "work": describe_work(plan)}

    def _list_boxes(self) -> dict[str, list[dict[str, str]]]:
        """What is to be agreed to: kinds of doubt, and that live data are changed."""
        work = self.work
        doubts = {} if work.review is None else work.review.list_boxes()
        is_next = work.step in ("apply", "results") and not work.is_applying
        confirmations = {CONFIRMED: LIVE} if work.is_production and is_next else {}
        return {
            place: [{"name": name, "label": text, "kind": "tick"} for name, text in boxes.items()]
            for place, boxes in (("doubts", doubts), ("confirm", confirmations))
        }
