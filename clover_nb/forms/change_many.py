"""Many changes in one form: a file, its columns, a review, the application, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
from traitlets import Bool, Dict, Int, Unicode

from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import Decision
from clover_nb.bulk.tables import MAX_BYTES
from clover_nb.client import Clover, default
from clover_nb.errors import ValidationError
from clover_nb.forms import apply_process, change_steps, messages, rendering
from clover_nb.forms.apply_process import Application, ApplyStatus
from clover_nb.forms.apply_progress import ApplyProgress, describe_offer
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.change_rows import DOUBT, BatchResults, PlanReview
from clover_nb.forms.change_source import FileSource, Step, ValueSource
from clover_nb.forms.inputs import TICKED, FormValues
from clover_nb.forms.rendering import Tone
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.table import CustomerTable
from clover_nb.forms.upload import Upload

_LIVE: Final = "live"
_LIVE_WORDS: Final = "This changes live data"
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
        table: The rows of the plan, or of what came of it; ``None`` before.
        on_applied: Called when an application has ended; can be set.
    """

    kind = "change_many"

    heading = Unicode().tag(sync=True)
    step = Unicode().tag(sync=True)
    summaries = Dict().tag(sync=True)  # of the steps that are done, by step
    problems = Dict().tag(sync=True)  # what is wrong, by step
    values = Dict().tag(sync=True, echo_update=False)  # texts, and the edits that they know of
    upload: Dict[str, Any] = Dict().tag(sync=True)
    max_bytes = Int(MAX_BYTES).tag(sync=True)
    file = Dict().tag(sync=True)
    offered = Unicode().tag(sync=True)  # what has stopped and can be shown
    setting = Dict().tag(sync=True)
    columns = Dict().tag(sync=True)
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
        self.on_applied: Callable[[], object] = lambda: None
        self.ids, self._clover = ids, clover
        self._source = FileSource() if ids is None else ValueSource(ids)
        self._step: Step = self._source.start
        self._follower = TaskRunner(self._show_failure)
        self._inputs = FormValues({})
        self._problems: dict[str, str] = {}
        self._note = ""
        self._review: PlanReview | None = None
        self._results: BatchResults | None = None
        self._apply: ApplyProgress | None = None
        self._offered: Application | None = None  # one that has stopped, to go on with
        self.table: CustomerTable | None = None
        self._reset_inputs()
        super().__init__(
            static="Change many: run this cell to use the form.",
            heading=rendering.render_heading(self._source.title, clover.settings),
        )
        self._runner.read(lambda: apply_process.find_apply(clover), self._offer_found)
        self._draw()

    # -- for whoever holds the form ----------------------------------------------------------------

    @property
    def plan(self) -> Plan | None:
        """What is planned."""
        return None if self._review is None else self._review.plan

    @property
    def batch(self) -> Any:  # noqa: ANN401  a Batch
        """What came of the plan, a :class:`clover_nb.bulk.batch.Batch`; ``None`` before."""
        return None if self._apply is None else self._apply.application.batch

    @property
    def is_applying(self) -> bool:
        """Whether a plan is being applied."""
        return self._step == "apply" and self._apply is not None

    def close(self) -> None:
        """Close the widget; an application goes on."""
        self._follower.stop()
        if self._apply is not None:
            self._apply.application.unwatch()
        if self.table is not None:
            self.table.close()
        super().close()

    # -- messages ----------------------------------------------------------------------------------

    def _handle_message(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "edit": lambda: None,
            "chunk": lambda: self._take_chunk(content, buffers),
            "read": self._read_file,
            "plan": self._make_plan,
            "filter": lambda: self._filter_rows(content["name"]),
            "decide": lambda: self._decide_ticked(content["decision"]),
            "save": self._save_plan,
            "next": lambda: self._go_to("apply"),
            "go": lambda: self._go_to(content["step"]),
            "apply": lambda: self._apply_plan(content["plan"]),
            "stop": self._stop_applying,
            "resume": self._resume_applying,
            "open": self._open_offered,
            "save_failed": lambda: self._save_failed(content["kind"]),
            "undo": self._plan_undo,
            "restart": self._start_over,
        }
        changed = self._inputs.take(content["edits"], content["view"], content["number"])
        if changed:
            self._drop_outdated(changed)
        handlers[content["do"]]()
        self._draw()

    def _drop_outdated(self, names: set[str]) -> None:
        """What was planned or read with other values is no more."""
        if any(name.startswith(DOUBT) for name in names):
            self._apply_decisions()
        elif names != {_LIVE}:
            self._runner.drop_reads()
            self._note = ""
            self._review = None
        self._problems = {
            name: text for name, text in self._problems.items() if name not in (*names, self._step)
        }

    def _reset_inputs(self, **more: str) -> None:
        """Inputs for the steps to come; the numbers of the edits go on."""
        seen = self._inputs.seen
        self._inputs = FormValues({**self._source.list_inputs(), _LIVE: "", **more})
        self._inputs.seen = seen

    def _go_to(self, step: Step) -> None:
        if self._apply is not None and self.is_applying and not self._apply.is_over:
            return
        self._inputs.values[_LIVE] = ""
        self._step = step
        self._note = ""

    def _start_over(self) -> None:
        self._runner.drop_reads()
        self._review = self._results = self._apply = None
        if self.ids is None:
            self._source = FileSource()
        self._problems = {}
        self._reset_inputs()
        self._go_to(self._source.start)

    # -- the file ----------------------------------------------------------------------------------

    def _take_chunk(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        source = self._source
        if isinstance(source, ValueSource):
            return
        if content["start"] == 0:
            self._runner.drop_reads()
            source.upload = Upload.begin(content)
        if source.upload.take_part(content, buffers):
            self._reset_inputs()
            self._read_file()

    def _read_file(self) -> None:
        source, values = self._source, dict(self._inputs.values)
        if isinstance(source, ValueSource):
            return
        self._problems.pop("file", None)
        if wrong := source.check_reading(values):
            self._problems["file"] = wrong
            return
        self._say("busy", "Reading the file…")
        self._runner.read(lambda: source.parse(values), partial(self._show_columns, source))

    def _show_columns(self, source: FileSource, table: pd.DataFrame) -> None:
        source.take_table(table)
        kept = source.keep_inputs(self._inputs.values)
        self._reset_inputs()
        self._inputs.values |= kept
        self._problems = {}
        self._review = None
        self._go_to("columns")
        self._draw()

    # -- the plan ----------------------------------------------------------------------------------

    def _make_plan(self) -> None:
        for name in ("columns", "set", *self._problems):
            self._problems.pop(name, None)
        values = self._inputs.values
        self._problems |= (wrong := self._source.find_errors(values))
        wanted = None if wrong else self._source.make_wanted(values)
        if wanted is None:
            return
        table, options = wanted
        self._say("busy", "Reading all customers, and comparing…")
        self._runner.read(
            lambda: PlanReview(self._clover.customers.plan(table, **options)), self._show_plan
        )

    def _show_plan(self, review: PlanReview) -> None:
        self._review, self._results, self._apply = review, None, None
        values = {**self._inputs.values, **review.list_inputs()}
        self._reset_inputs(**values)
        self._show_table(review, can_tick=True)
        self._problems = {}
        self._go_to("review")
        self._draw()

    @property
    def _rows(self) -> PlanReview | BatchResults | None:
        """What the table shows rows of."""
        return self._review if self._step == "review" else self._results

    def _show_table(self, rows: PlanReview | BatchResults, *, can_tick: bool) -> None:
        if self.table is not None:
            self.table.close()
        self.table = CustomerTable(
            rows.shown,
            columns=rows.columns,
            labels=_HEADS,
            search=[],
            page_size=_PAGE,
            can_tick=can_tick,
            noun="row",
        )
        self.table.on_tick(lambda _: self._draw())

    def _filter_rows(self, name: str) -> None:
        if (rows := self._rows) is not None and self.table is not None:
            rows.filter = "" if name == rows.filter else name
            self.table.data = rows.shown

    def _decide_ticked(self, decision: Decision | None) -> None:
        if self._review is not None and self.table is not None and self._step == "review":
            self._review.decide(map(int, self.table.ticked_ids), decision)
            self.table.untick()
            self._apply_decisions()

    def _apply_decisions(self) -> None:
        if self._review is not None and self.table is not None:
            self._review.accept_kinds(self._inputs.values)
            self.table.data = self._review.shown

    def _save_plan(self) -> None:
        if (plan := self.plan) is not None:
            name = f"{Path(str(plan.source.get('file', 'changes'))).stem}.plan.jsonl"
            self._download(name, lambda: apply_process.export_file(plan, name))

    def _save_failed(self, kind: str) -> None:
        if (batch := self.batch) is not None:
            name = f"failed.{'xlsx' if kind == 'xlsx' else 'csv'}"
            self._download(name, lambda: apply_process.export_file(batch, name))

    def _download(self, name: str, make: Callable[[], bytes]) -> None:
        def send(content: bytes) -> None:
            self._note = ""
            self.send({"do": "download", "name": name}, buffers=[content])
            self._say("done", f"{name} is in your downloads. It holds customers' data.")
            self._draw()

        self._runner.read(make, send)

    # -- applying ----------------------------------------------------------------------------------

    def _apply_plan(self, plan_id: str) -> None:
        plan = self.plan
        if plan is None or self.is_applying or plan.id != plan_id or not plan.requests:
            return
        self._problems.pop("apply", None)
        if not self._is_confirmed():
            return
        if words := messages.describe_read_only(self._clover.settings):
            self._problems["apply"] = words
            return
        self._start_applying(plan)

    def _is_confirmed(self) -> bool:
        if self._is_production() and self._inputs.values[_LIVE] != TICKED:
            self._problems[_LIVE] = "Please tick this first."
            return False
        return True

    def _start_applying(self, plan: Plan) -> None:
        self._say("busy", "Starting…")
        self._inputs.values[_LIVE] = ""
        self._runner.write(
            lambda: apply_process.start_apply(self._clover, plan), self._show_application
        )

    def _show_application(self, application: Application) -> None:
        self._apply, self._results = ApplyProgress(application), None
        self._step = "apply"
        self._say("info", "Applying. You can leave this page: it goes on, and is shown again here.")
        self._follow(self._apply)
        self._draw()

    def _follow(self, apply: ApplyProgress) -> None:
        known = apply.status
        self._follower.read(
            lambda: apply.application.wait_for_news(known), partial(self._show_progress, apply)
        )

    def _show_progress(self, apply: ApplyProgress, found: ApplyStatus) -> None:
        apply.update(found)
        if not found.is_over:
            self._follow(apply)
        elif found.state == "failed":
            self._apply = None
            self._note = ""
            self._problems["apply"] = found.reason or "It could not be started."
        else:
            self._read_results(found)
        self._draw()

    def _stop_applying(self) -> None:
        if self._apply is not None:
            self._apply.application.stop()
            self._say("busy", "Stopping: what is under way is finished…")

    def _resume_applying(self) -> None:
        """Go on where it stopped, by what was kept of the plan."""
        batch = self.batch
        if batch is None or self.is_applying:
            return
        if not self._is_confirmed():
            return
        plan = self.plan or apply_process.load_plan(self._clover, batch)
        if plan is None:
            self._problems["results"] = "Its plan is not here any more: plan the table anew."
        else:
            self._start_applying(plan)

    def _offer_found(self, application: Application | None) -> None:
        """Show what is under way; what has stopped is offered."""
        if application is None:
            return
        if application.read_status().is_over:
            self._offered = application
        else:
            self._show_application(application)
        self._draw()

    def _open_offered(self) -> None:
        if (application := self._offered) is not None:
            status = application.read_status()
            self._apply, self._offered = ApplyProgress(application, status), None
            self._read_results(status)

    # -- what came of it ---------------------------------------------------------------------------

    def _read_results(self, status: ApplyStatus) -> None:
        batch = self.batch
        self._runner.read(lambda: BatchResults(batch, status), self._show_results)

    def _show_results(self, results: BatchResults) -> None:
        self._results = results
        self._step = "results"
        self._problems = {}
        self._inputs.values[_LIVE] = ""
        self._show_table(results, can_tick=False)
        if results.status.state == "done":
            apply_process.remove_plan(self._clover, self.batch)
            self._say("done", "All that was planned was sent, and compared with what is there.")
        else:
            self._say("warning", f"It has stopped. {results.status.reason}".strip())
        self._draw()
        self.on_applied()

    def _plan_undo(self) -> None:
        if (batch := self.batch) is not None:
            self._say("busy", "Reading all customers, and comparing…")
            self._runner.read(lambda: PlanReview(batch.plan_undo()), self._show_plan)

    # -- what is shown -----------------------------------------------------------------------------

    def _is_production(self) -> bool:
        return self._clover.environment == "production"

    def _show_failure(self, failure: TaskFailure) -> None:
        """An error stands at the step that it is about, or else where everybody looks."""
        self._note = ""
        self._problems[self._step] = messages.describe_failure(failure)
        self._draw()

    def _say(self, tone: Tone, text: str) -> None:
        self._note = rendering.render_note(tone, text)

    def _draw(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        values, source, review = self._inputs.values, self._source, self._review
        reviewed = {} if review is None else {"review": review.summarize()}
        shown = self._results if self._step == "results" else None
        state = {
            **source.describe(values),
            "step": self._step,
            "busy": self._runner.is_reading or self._runner.is_writing,
            "summaries": source.summarize(values) | reviewed,
            "problems": dict(self._problems),
            "values": self._inputs.state(),
            "offered": "" if self._offered is None else describe_offer(self._offered),
            "review": self._review_state(),
            "applying": self._applying_state(),
            "results": {} if shown is None else shown.describe(),
            "status": self._note,
            "table_id": "" if self.table is None else self.table.model_id,
        }
        with self.hold_sync():
            for name, value in state.items():
                self.set_trait(name, value)

    def _review_state(self) -> dict[str, Any]:
        review = self._review
        if review is None or self._step not in ("review", "apply"):
            return {}
        ticked = 0 if self.table is None else len(self.table.ticked_ids)
        return {**review.describe(), "ticked": ticked}

    def _applying_state(self) -> dict[str, Any]:
        plan, apply = self.plan, self._apply
        is_running = apply is not None and self.is_applying and not apply.is_over
        return {
            "plan": "" if plan is None else plan.id,
            "work": "" if plan is None else change_steps.describe_work(plan),
            "confirm": _LIVE_WORDS if self._is_production() else "",
            "running": is_running,
            "progress": apply.describe() if is_running and apply is not None else {},
        }
