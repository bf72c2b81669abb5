"""What the form for many changes does: from a file to a plan, its application, and its results.

It knows no widget.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from clover_nb.bulk.batch import Batch
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import Decision
from clover_nb.client import Clover
from clover_nb.errors import CloverError
from clover_nb.forms import apply_process, messages, rendering
from clover_nb.forms.apply_process import Application, ApplyStatus
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

_CONFIRMED: Final = "live"  # the box to tick before anything is sent to production


class ChangeWork:
    """The work of one form for many changes, and what it shows of it.

    Attributes:
        ids: The customers for whom a field is set; ``None`` takes a file.
        source: Where the wanted values come from.
        step: Where the person is.
        inputs: What stands in the inputs.
        on_applied: Called when an application has ended; can be set.

    Args:
        clover: The connection.
        customers: Those for whom a field is set; ``None`` takes a file.
        runner: Runs its reads and writes.
        send_file: Gives a file to the person, by its name.
        changed: Called when something else is to be shown.
    """

    def __init__(
        self,
        clover: Clover,
        customers: pd.DataFrame | None,
        runner: TaskRunner,
        send_file: Callable[[str, bytes], object],
        changed: Callable[[], object],
    ) -> None:
        self._clover, self._runner = clover, runner
        self._send_file, self._changed = send_file, changed
        self.ids = None if customers is None else [str(key) for key in customers.index]
        self._names = {} if customers is None else list_names(customers)
        self._follower = TaskRunner(self.show_failure)  # follows what is applied
        self.on_applied: Callable[[], object] = lambda: None
        self.inputs = FormValues({})
        self._offered: Application | None = None  # what has ended, to look at or to go on with
        self.start_over()

    def find_application(self) -> None:
        """Show what is under way, or offer what has ended."""
        self._follower.read(lambda: apply_process.find_apply(self._clover), self._offer_found)

    def stop(self) -> None:
        """Drop what is read; an application goes on, and one that is being started is started."""
        try:
            self._runner.finish_write()  # or whoever looks for it next would not find it
        finally:
            self._follower.stop()

    @property
    def rows(self) -> CountedRows | None:
        """The rows of what came of the plan, or else of the plan."""
        return self._results or self._review

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

    @property
    def is_starting(self) -> bool:
        """Whether a plan is about to be applied."""
        return self._runner.is_writing

    # -- the steps ---------------------------------------------------------------------------------

    def start_over(self) -> None:
        """Begin anew, with another file."""
        self._runner.drop_reads()
        self.source = FileSource() if self.ids is None else ValueSource(self.ids)
        self._review: PlanReview | None = None
        self._application: Application | None = None
        self._results: BatchResults | None = None
        self._reset_inputs({})
        self.open_step(next(iter(self.source.steps)))

    def open_step(self, step: Step, tone: Tone = "info", note: str = "") -> None:
        """Go to a step; what was wrong or agreed to in another one is over."""
        self.step = step
        self._problems: dict[str, str] = {}
        self.inputs.values[_CONFIRMED] = ""
        self._say(tone, note)

    def apply_edits(self, names: set[str]) -> None:
        """What was planned or read with other values is no more."""
        if any(name.startswith(DOUBT) for name in names):
            self._accept_kinds()
        elif names != {_CONFIRMED}:
            self._runner.drop_reads()
            self._note = ""
            self._review = None
        ended = {*names, self.step}
        self._problems = {name: text for name, text in self._problems.items() if name not in ended}

    def _reset_inputs(self, values: Mapping[str, str]) -> None:
        self.inputs.begin({**self.source.list_inputs(values), _CONFIRMED: ""})

    # -- the file ----------------------------------------------------------------------------------

    def take_chunk(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Take a part of a file, and read it when it is whole."""
        if isinstance(self.source, ValueSource):
            return
        if content["start"] == 0:
            self._runner.drop_reads()
        if self.source.take_part(content, buffers):
            self._reset_inputs({})
            self.read_file()

    def read_file(self) -> None:
        """Read the file as the inputs say."""
        source, values = self.source, dict(self.inputs.values)
        if isinstance(source, FileSource):
            self._problems = {}
            self._say("busy", "Reading the file…")
            self._runner.read(lambda: source.parse(values), partial(self._show_columns, source))

    def _show_columns(self, source: FileSource, table: pd.DataFrame) -> None:
        source.take_table(table)
        self._review = None
        self._reset_inputs(self.inputs.values)
        self.open_step("columns")
        self._changed()

    # -- the plan ----------------------------------------------------------------------------------

    def make_plan(self) -> None:
        """Compare what is wanted with what there is."""
        values = self.inputs.values
        self._problems = self.source.find_errors(values)
        wanted = None if self._problems else self.source.make_wanted(values)
        if wanted is not None:
            table, options = wanted
            self._review_plan(lambda: self._clover.customers.plan(table, **options))

    def plan_undo(self) -> None:
        """Plan to take back what was applied."""
        if (batch := self.batch) is not None:
            self._review_plan(batch.plan_undo)

    def _review_plan(self, plan: Callable[[], Plan]) -> None:
        self._say("busy", "Reading all customers, and comparing…")
        self._runner.read(lambda: PlanReview(plan(), self._names), self._show_plan)

    def _show_plan(self, review: PlanReview) -> None:
        self._review, self._results, self._application = review, None, None
        boxes = dict.fromkeys(review.list_boxes(), "")
        self.inputs.begin({**self.inputs.values, **boxes})
        self.open_step("review")
        self._changed()

    def _accept_kinds(self) -> None:
        if self._review is not None:
            self._review.accept_kinds(self.inputs.values)

    def decide_rows(self, numbers: Iterable[int], decision: Decision | None) -> None:
        """Decide on single rows of the plan, whatever is decided on their kinds."""
        if self._review is not None:
            self._review.decide(numbers, decision)
            self._accept_kinds()

    # -- files for the person ----------------------------------------------------------------------

    def save_plan(self) -> None:
        """Give the plan away, as it was decided on."""
        if (plan := self.plan) is not None:
            source = Path(str(plan.source.get("file", "changes"))).stem
            self._save_file(f"{source}.plan.jsonl", plan.save)

    def save_failed(self, kind: str) -> None:
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
            self._send_file(name, content)
            self._say("done", f"{name} is in your downloads. It holds customers' data.")
            self._changed()

        self._runner.read(make_file, send)

    # -- applying ----------------------------------------------------------------------------------

    def apply_plan(self, plan_id: str) -> None:
        """Apply the plan, if it is the one that the person saw."""
        plan = self.plan
        if plan is not None and plan.id == plan_id and plan.requests:
            self._start_applying(lambda: self._clover.customers.prepare_batch(plan))

    def resume_applying(self) -> None:
        """Go on where it stopped."""
        if (batch := self.batch) is not None:
            self._start_applying(lambda: batch)

    def _start_applying(self, prepare: Callable[[], Batch]) -> None:
        clover = self._clover
        if clover.environment == "production" and self.inputs.values[_CONFIRMED] != TICKED:
            self._problems = {_CONFIRMED: "Please tick this first."}
        elif words := messages.describe_read_only(clover.settings):
            self._problems = {self.step: words}
        else:
            self.open_step(self.step, "busy", "Starting…")

            def start() -> Application:
                application = apply_process.start_apply(clover, prepare())
                application.await_begin()
                return application

            self._runner.write(start, self._show_application)

    def _show_application(self, application: Application) -> None:
        self._runner.drop_reads()
        self._application, self._results, self._offered = application, None, None
        words = "Applying. You can leave this page: it goes on, and is shown again here."
        self.open_step("apply", "info", words)
        self._follow(application)

    def _follow(self, application: Application) -> None:
        self._changed()
        self._follower.read(application.read_status, partial(self._show_progress, application))

    def _show_progress(self, application: Application, status: ApplyStatus) -> None:
        application.update(status)
        if application.is_over:
            self._read_results(application)
        else:
            self._problems = {"apply": status.reason} if status.reason else {}
            self._follow(application)

    def stop_applying(self) -> None:
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
            self._changed()
        else:
            self._show_application(application)

    def open_offered(self) -> None:
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
        if status.state == "done" and (failed := status.progress.failed):
            rows = messages.count_rows(failed)
            words = f"It has ended, and {rows} failed: look at the reasons."
            self.open_step("results", "warning", words)
        elif status.state == "done":
            words = "All that was planned was sent, and compared with what is there."
            self.open_step("results", "done", words)
        else:
            self.open_step("results", "warning", f"It has stopped. {status.reason}".strip())
        self._changed()
        self.on_applied()

    def _say(self, tone: Tone, text: str) -> None:
        self._note = rendering.render_note(tone, text) if text else ""

    def show_failure(self, failure: TaskFailure) -> None:
        """An error stands at the input or the step that it is about."""
        self._note = ""
        field = failure.error.field if isinstance(failure.error, CloverError) else None
        place = field if field in self.inputs.values else self.step
        self._problems[str(place)] = messages.describe_failure(failure)
        self._changed()

    # -- what is shown -----------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """What the widget shows, by trait, but for the rows."""
        values, review = self.inputs.values, self._review
        source = self.source.describe(values)
        reviewed = {} if review is None else {"review": review.summarize()}
        return {
            **source,
            "fields": source["fields"] | self._list_boxes(),
            "step": self.step,
            "busy": self._runner.is_reading or self._runner.is_writing,
            "summaries": self.source.summarize(values) | reviewed,
            "problems": dict(self._problems),
            "values": self.inputs.state(),
            "offered": "" if self._offered is None else self._offered.describe_end(),
            "ready": review is not None and review.is_ready,
            "notes": source["notes"] | ({} if review is None else {"review": review.list_notes()}),
            "applying": self._describe_applying(),
            "status": self._note,
        }

    def _describe_applying(self) -> dict[str, Any]:
        plan = self.plan
        if self._application is not None and self.is_applying:
            return {"progress": self._application.describe()}
        if plan is None or self.step != "apply":
            return {}
        return {"plan": plan.id, "work": apply_process.describe_work(plan)}

    def _list_boxes(self) -> dict[str, list[dict[str, str]]]:
        """What is to be agreed to: kinds of doubt, and that live data are changed."""
        doubts = {} if self._review is None else self._review.list_boxes()
        is_left = self._results is not None and "left" in self._results.counts
        is_next = is_left if self.step == "results" else self.step == "apply"
        is_asked = is_next and not self.is_applying and self._clover.environment == "production"
        confirmations = {_CONFIRMED: LIVE} if is_asked else {}
        return {
            place: [{"name": name, "label": text, "kind": "tick"} for name, text in boxes.items()]
            for place, boxes in (("doubts", doubts), ("confirm", confirmations))
        }
