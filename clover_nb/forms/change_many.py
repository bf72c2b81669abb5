"""Many changes in one form: a file, its columns, a review, the application, and what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
from traitlets import Bool, Dict, Int, Unicode
from traitlets import List as ListTrait

from clover_nb.bulk.batch import Batch
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import Decision
from clover_nb.bulk.tables import MAX_BYTES
from clover_nb.client import Clover, default
from clover_nb.errors import CloverError, ValidationError
from clover_nb.forms import apply_process, messages, rendering
from clover_nb.forms.apply_process import Application, ApplyStatus
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.change_rows import (
    DOUBT,
    BatchResults,
    CountedRows,
    PlanReview,
    list_names,
)
from clover_nb.forms.change_source import FileSource, Step, ValueSource
from clover_nb.forms.form_state import LIVE
from clover_nb.forms.inputs import TICKED, FormValues
from clover_nb.forms.rendering import Tone
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.table import CustomerTable
from clover_nb.forms.table_page import TablePage

_CONFIRMED: Final = "live"  # the box to tick before anything is sent to production
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
        ids: The customers for whom a field is set; ``None`` takes a file.
        on_applied: Called when an application has ended; can be set.
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
        self._clover = clover
        self.ids = None if customers is None else [str(key) for key in customers.index]
        self._names = {} if customers is None else list_names(customers)
        self._follower = TaskRunner(self._show_failure)  # follows what is applied
        self.on_applied: Callable[[], object] = lambda: None
        self.table: CustomerTable | None = None
        self._inputs = FormValues({})
        self._offered: Application | None = None  # what has ended, to look at or to go on with
        self._start_over()
        self.heading = rendering.render_heading(self._source.title, clover.settings)
        self.steps = list(map(list, {**self._source.steps, **_STEPS}.items()))
        self._follower.read(lambda: apply_process.find_apply(clover), self._offer_found)
        self._draw()

    @property
    def plan(self) -> Plan | None:
        """What is planned."""
        return None if self._review is None else self._review.plan

    @property
    def batch(self) -> Batch | None:
        """What came of the plan; ``None`` before."""
        return None if self._application is None else self._application.batch

    @property
    def is_applying(self) -> bool:
        """Whether a plan is being applied."""
        return self._application is not None and not self._application.is_over

    def close(self) -> None:
        """Close the widget; an application goes on, and one that is being started is started."""
        self._runner.finish_write()  # or whoever looks for it next would not find it
        self._follower.stop()
        if self.table is not None:
            self.table.close()
        super().close()

    # -- messages ----------------------------------------------------------------------------------

    def _handle_message(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        what = content["do"]
        handlers: dict[str, Callable[[], object]] = {
            "read": self._read_file,
            "plan": self._make_plan,
            "filter": lambda: self._filter_rows(content["name"]),
            "decide": lambda: self._decide_ticked(content["decision"]),
            "save": self._save_plan,
            "go": lambda: self._open_step(content["step"]),
            "apply": lambda: self._apply_plan(content["plan"]),
            "stop": self._stop_applying,
            "resume": self._resume_applying,
            "open": self._open_offered,
            "save_failed": lambda: self._save_failed(content["kind"]),
            "undo": self._plan_undo,
            "restart": self._start_over,
        }
        if changed := self._inputs.take(content):
            self._apply_edits(set(changed))
        may_begin = what == "stop" or not self.is_applying
        if what == "chunk" and may_begin:
            self._take_chunk(content, buffers)
        elif what in handlers and self._inputs.begin_task(content) and may_begin:
            handlers[what]()
        self._draw()

    def _show_failure(self, failure: TaskFailure) -> None:
        """An error stands at the input or the step that it is about."""
        self._note = ""
        field = failure.error.field if isinstance(failure.error, CloverError) else None
        place = field if field in self._inputs.values else self._step
        self._problems[str(place)] = messages.describe_failure(failure)
        self._draw()

    # -- the steps ---------------------------------------------------------------------------------

    def _start_over(self) -> None:
        """Begin anew, with another file."""
        self._runner.drop_reads()
        self._source = FileSource() if self.ids is None else ValueSource(self.ids)
        self._review: PlanReview | None = None
        self._application: Application | None = None
        self._results: BatchResults | None = None
        self._reset_inputs({})
        self._open_step(next(iter(self._source.steps)))

    def _open_step(self, step: Step, tone: Tone = "info", note: str = "") -> None:
        self._step = step
        self._problems: dict[str, str] = {}
        self._inputs.values[_CONFIRMED] = ""
        self._say(tone, note)

    def _apply_edits(self, names: set[str]) -> None:
        """What was planned or read with other values is no more."""
        if any(name.startswith(DOUBT) for name in names):
            self._accept_kinds()
        elif names != {_CONFIRMED}:
            self._runner.drop_reads()
            self._note = ""
            self._review = None
        ended = {*names, self._step}
        self._problems = {name: text for name, text in self._problems.items() if name not in ended}

    def _reset_inputs(self, values: Mapping[str, str]) -> None:
        self._inputs.begin({**self._source.list_inputs(values), _CONFIRMED: ""})

    # -- the file ----------------------------------------------------------------------------------

    def _take_chunk(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Take a part of a file, and read it when it is whole."""
        if isinstance(self._source, ValueSource):
            return
        if content["start"] == 0:
            self._runner.drop_reads()
        if self._source.take_part(content, buffers):
            self._reset_inputs({})
            self._read_file()

    def _read_file(self) -> None:
        """Read the file as the inputs say."""
        source, values = self._source, dict(self._inputs.values)
        if isinstance(source, FileSource):
            self._problems = {}
            self._say("busy", "Reading the file…")
            self._runner.read(lambda: source.parse(values), partial(self._show_columns, source))

    def _show_columns(self, source: FileSource, table: pd.DataFrame) -> None:
        source.take_table(table)
        self._review = None
        self._reset_inputs(self._inputs.values)
        self._open_step("columns")
        self._draw()

    # -- the plan ----------------------------------------------------------------------------------

    def _make_plan(self) -> None:
        """Compare what is wanted with what there is."""
        values = self._inputs.values
        self._problems = self._source.find_errors(values)
        wanted = None if self._problems else self._source.make_wanted(values)
        if wanted is not None:
            table, options = wanted
            self._review_plan(lambda: self._clover.customers.plan(table, **options))

    def _plan_undo(self) -> None:
        """Plan to take back what was applied."""
        if (batch := self.batch) is not None:
            self._review_plan(batch.plan_undo)

    def _review_plan(self, plan: Callable[[], Plan]) -> None:
        self._say("busy", "Reading all customers, and comparing…")
        self._runner.read(lambda: PlanReview(plan(), self._names), self._show_plan)

    def _show_plan(self, review: PlanReview) -> None:
        self._review, self._results, self._application = review, None, None
        self._open_table(review)
        boxes = dict.fromkeys(review.list_boxes(), "")
        self._inputs.begin({**self._inputs.values, **boxes})
        self._open_step("review")
        self._draw()

    def _decide_ticked(self, decision: Decision | None) -> None:
        """Decide on single rows of the plan, whatever is decided on their kinds."""
        if self._review is not None and self.table is not None and self._step == "review":
            self._review.decide(map(int, self.table.ticked_ids), decision)
            self._accept_kinds()
            self.table.untick()

    def _filter_rows(self, name: str) -> None:
        """Show the rows of one count alone; without a name, all."""
        rows = self._results or self._review
        if rows is not None and self.table is not None:
            self._filter = name
            self.table.data = rows.table[rows.table["kind"] == name] if name else rows.table

    def _accept_kinds(self) -> None:
        if self._review is not None and self.table is not None:
            self._review.accept_kinds(self._inputs.values)
            self._filter_rows(self._filter)

    # -- files for the person ----------------------------------------------------------------------

    def _save_plan(self) -> None:
        """Give the plan away, as it was decided on."""
        if (plan := self.plan) is not None:
            source = Path(str(plan.source.get("file", "changes"))).stem
            self._save_file(f"{source}.plan.jsonl", plan.save)

    def _save_failed(self, kind: str) -> None:
        """Give the rows away that were not applied, as a file to mend."""
        if (batch := self.batch) is not None:
            self._save_file(f"failed.{'xlsx' if kind == 'xlsx' else 'csv'}", batch.save_failed)

    def _save_file(self, name: str, save: Callable[[Path], None]) -> None:
        def make_file() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, name)
                save(path)
                return path.read_bytes()

        def send(content: bytes) -> None:
            self.send({"do": "download", "name": name}, buffers=[content])
            self._say("done", f"{name} is in your downloads. It holds customers' data.")
            self._draw()

        self._runner.read(make_file, send)

    # -- applying ----------------------------------------------------------------------------------

    def _apply_plan(self, plan_id: str) -> None:
        """Apply the plan, if it is the one that the person saw."""
        plan = self.plan
        if plan is not None and plan.id == plan_id and plan.requests:
            self._start_applying(lambda: self._clover.customers.prepare_batch(plan))

    def _resume_applying(self) -> None:
        """Go on where it stopped."""
        if (batch := self.batch) is not None:
            self._start_applying(lambda: batch)

    def _start_applying(self, prepare: Callable[[], Batch]) -> None:
        clover = self._clover
        if clover.environment == "production" and self._inputs.values[_CONFIRMED] != TICKED:
            self._problems = {_CONFIRMED: "Please tick this first."}
        elif words := messages.describe_read_only(clover.settings):
            self._problems = {self._step: words}
        else:
            self._open_step(self._step, "busy", "Starting…")
            self._runner.write(
                lambda: apply_process.start_apply(clover, prepare()), self._show_application
            )

    def _show_application(self, application: Application) -> None:
        self._runner.drop_reads()
        self._application, self._results, self._offered = application, None, None
        told = "Applying. You can leave this page: it goes on, and is shown again here."
        self._open_step("apply", "info", told)
        self._follow(application)

    def _follow(self, application: Application) -> None:
        self._draw()
        self._follower.read(application.read_status, partial(self._show_progress, application))

    def _show_progress(self, application: Application, status: ApplyStatus) -> None:
        application.update(status)
        if application.is_over:
            self._read_results(application)
        else:
            self._problems = {"apply": status.reason} if status.reason else {}
            self._follow(application)

    def _stop_applying(self) -> None:
        """Let what is under way finish, and keep the rest for later."""
        if self._application is not None:
            self._application.stop()
            self._say("busy", "Stopping: what is under way is finished…")

    def _offer_found(self, application: Application | None) -> None:
        """Show what is under way; what has ended is offered."""
        if application is None:
            return
        if application.is_over:
            self._offered = application
            self._draw()
        else:
            self._show_application(application)

    def _open_offered(self) -> None:
        """Show what came of the batch that has ended."""
        if (application := self._offered) is not None:
            self._application, self._offered = application, None
            self._read_results(application)

    # -- what came of it ---------------------------------------------------------------------------

    def _read_results(self, application: Application) -> None:
        self._runner.read(
            lambda: BatchResults(application.batch, self._names),
            partial(self._show_results, application.status),
        )

    def _show_results(self, status: ApplyStatus, results: BatchResults) -> None:
        self._results = results
        self._open_table(results)
        if status.state == "done" and (failed := status.progress.failed):
            rows = messages.count_rows(failed)
            told = f"It has ended, and {rows} failed: look at the reasons."
            self._open_step("results", "warning", told)
        elif status.state == "done":
            told = "All that was planned was sent, and compared with what is there."
            self._open_step("results", "done", told)
        else:
            self._open_step("results", "warning", f"It has stopped. {status.reason}".strip())
        self._draw()
        self.on_applied()

    def _say(self, tone: Tone, text: str) -> None:
        self._note = rendering.render_note(tone, text) if text else ""

    # -- what is shown -----------------------------------------------------------------------------

    def _draw(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        values, review = self._inputs.values, self._review
        source = self._source.describe(values)
        reviewed = {} if review is None else {"review": review.summarize()}
        state = {
            **source,
            "fields": source["fields"] | self._list_boxes(),
            "step": self._step,
            "busy": self._runner.is_reading or self._runner.is_writing,
            "summaries": self._source.summarize(values) | reviewed,
            "problems": dict(self._problems),
            "values": self._inputs.state(),
            "offered": "" if self._offered is None else self._offered.describe_end(),
            "rows": self._describe_rows(),
            "ready": review is not None and review.is_ready,
            "notes": source["notes"] | ({} if review is None else {"review": review.list_notes()}),
            "applying": self._describe_applying(),
            "status": self._note,
            "table_id": "" if self.table is None else self.table.model_id,
        }
        with self.hold_sync():
            for name, value in state.items():
                self.set_trait(name, value)

    def _open_table(self, rows: CountedRows) -> None:
        """Show the rows of the plan, or of what came of it, in another table."""
        if self.table is not None:
            self.table.close()
        self._filter = ""
        page = TablePage(
            rows.table,
            columns=rows.columns,
            search=[],
            page_size=_PAGE,
            noun="row",
        )
        self.table = CustomerTable(page, can_tick=rows is self._review)
        self.table.on_tick(lambda _: self._draw())

    def _describe_rows(self) -> dict[str, Any]:
        """The counts of the rows that are shown, which of them filters, and how many are ticked."""
        table, rows = self.table, self._results or self._review
        if table is None or rows is None:
            return {}
        ticked = len(table.ticked_ids)
        return {"counts": rows.list_counts(), "filter": self._filter, "ticked": ticked}

    def _describe_applying(self) -> dict[str, Any]:
        plan = self.plan
        if self._application is not None and self.is_applying:
            return {"progress": self._application.describe()}
        if plan is None or self._step != "apply":
            return {}
        return {"plan": plan.id, "work": apply_process.describe_work(plan)}

    def _list_boxes(self) -> dict[str, list[dict[str, str]]]:
        """What is to be agreed to: kinds of doubt, and that live data are changed."""
        doubts = {} if self._review is None else self._review.list_boxes()
        is_left = self._results is not None and "left" in self._results.counts
        is_next = is_left if self._step == "results" else self._step == "apply"
        is_asked = is_next and not self.is_applying and self._clover.environment == "production"
        confirmations = {_CONFIRMED: LIVE} if is_asked else {}
        return {
            place: [{"name": name, "label": text, "kind": "tick"} for name, text in boxes.items()]
            for place, boxes in (("doubts", doubts), ("confirm", confirmations))
        }
