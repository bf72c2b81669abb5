"""What each button of the form for many changes does, and its steps. It knows no widget."""

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
from clover_nb.forms.change_rows import DOUBT, BatchResults, PlanReview
from clover_nb.forms.change_source import FileSource, Step, ValueSource
from clover_nb.forms.inputs import TICKED, FormValues
from clover_nb.forms.rendering import Tone
from clover_nb.forms.runner import TaskFailure, TaskRunner

CONFIRMED: Final = "live"  # the box to tick before anything is sent to production


class ChangeWork:
    """The work of one form for many changes.

    Attributes:
        source: Where the wanted values come from.
        step: The step that is worked on.
        inputs: What stands in the inputs.
        problems: What is wrong, by step or by input.
        note: What is under way or was done, as HTML.
        review: The plan that is reviewed; ``None`` before.
        application: The batch that is applied, or was; ``None`` before.
        results: What came of it; ``None`` before.
        offered: A batch that has ended, to look at or to go on with.
        on_applied: Called when an application has ended; can be set.

    Args:
        clover: The connection.
        ids: The customers for whom a field is set; ``None`` takes a file.
        runner: Runs its reads and writes.
        send_file: Gives the browser a file, by name and content.
        changed: Called when something else is to be shown.
    """

    def __init__(
        self,
        clover: Clover,
        ids: Sequence[str] | None,
        runner: TaskRunner,
        send_file: Callable[[str, bytes], object],
        changed: Callable[[], object],
    ) -> None:
        self._clover, self._ids, self._runner = clover, ids, runner
        self._send_file, self._changed = send_file, changed
        self._follower = TaskRunner(self.show_failure)
        self.on_applied: Callable[[], object] = lambda: None
        self.inputs = FormValues({})
        self.offered: Application | None = None
        self.start_over()

    def start_over(self) -> None:
        """Begin anew, with another file."""
        self._runner.drop_reads()
        self.source = FileSource() if self._ids is None else ValueSource(self._ids)
        self.review: PlanReview | None = None
        self.application: Application | None = None
        self.results: BatchResults | None = None
        self._reset_inputs({})
        self._open_step(self.source.steps[0])

    @property
    def plan(self) -> Plan | None:
        """What is planned."""
        return None if self.review is None else self.review.plan

    @property
    def batch(self) -> Batch | None:
        """What came of the plan; ``None`` before."""
        return None if self.application is None else self.application.batch

    @property
    def is_applying(self) -> bool:
        """Whether a plan is being applied."""
        return self.application is not None and not self.application.is_over

    @property
    def is_production(self) -> bool:
        """Whether a tick is asked for before anything is sent."""
        return self._clover.environment == "production"

    def close(self) -> None:
        """Look no more; an application goes on."""
        self._follower.stop()

    # -- the steps ---------------------------------------------------------------------------------

    def go_to(self, step: Step) -> None:
        """Work on another step, but for while a plan is applied."""
        if not self.is_applying:
            self._open_step(step)

    def _open_step(self, step: Step, tone: Tone = "info", note: str = "") -> None:
        self.step = step
        self.problems: dict[str, str] = {}
        self.inputs.values[CONFIRMED] = ""
        self._say(tone, note)

    def apply_edits(self, names: set[str]) -> None:
        """What was planned or read with other values is no more."""
        if any(name.startswith(DOUBT) for name in names):
            self._accept_kinds()
        elif names != {CONFIRMED}:
            self._runner.drop_reads()
            self.note = ""
            self.review = None
        ended = {*names, self.step}
        self.problems = {name: text for name, text in self.problems.items() if name not in ended}

    def _reset_inputs(self, values: Mapping[str, str]) -> None:
        self.inputs.begin({**self.source.list_inputs(values), CONFIRMED: ""})

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
            self.problems = {}
            self._say("busy", "Reading the file…")
            self._runner.read(lambda: source.parse(values), partial(self._show_columns, source))

    def _show_columns(self, source: FileSource, table: pd.DataFrame) -> None:
        source.take_table(table)
        self.review = None
        self._reset_inputs(self.inputs.values)
        self._open_step("columns")
        self._changed()

    # -- the plan ----------------------------------------------------------------------------------

    def make_plan(self) -> None:
        """Compare what is wanted with what there is."""
        values = self.inputs.values
        self.problems = self.source.find_errors(values)
        wanted = None if self.problems else self.source.make_wanted(values)
        if wanted is not None:
            table, options = wanted
            self._review(lambda: self._clover.customers.plan(table, **options))

    def plan_undo(self) -> None:
        """Plan to take back what was applied."""
        if (batch := self.batch) is not None:
            self._review(batch.plan_undo)

    def _review(self, plan: Callable[[], Plan]) -> None:
        self._say("busy", "Reading all customers, and comparing…")
        self._runner.read(lambda: PlanReview(plan()), self._show_plan)

    def _show_plan(self, review: PlanReview) -> None:
        self.review, self.results, self.application = review, None, None
        boxes = dict.fromkeys(review.list_boxes(), "")
        self.inputs.begin({**self.inputs.values, **boxes})
        self._open_step("review")
        self._changed()

    def decide(self, ids: Iterable[str], decision: Decision | None) -> None:
        """Decide on single rows of the plan, whatever is decided on their kinds."""
        if self.review is not None and self.step == "review":
            self.review.decide(map(int, ids), decision)
            self._accept_kinds()

    def _accept_kinds(self) -> None:
        if self.review is not None:
            self.review.accept_kinds(self.inputs.values)

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
        if self.is_applying:
            return
        if self.is_production and self.inputs.values[CONFIRMED] != TICKED:
            self.problems = {CONFIRMED: "Please tick this first."}
        elif words := messages.describe_read_only(clover.settings):
            self.problems = {self.step: words}
        else:
            self._open_step(self.step, "busy", "Starting…")
            self._runner.write(
                lambda: apply_process.start_apply(clover, prepare()), self._show_application
            )

    def _show_application(self, application: Application) -> None:
        self._runner.drop_reads()
        self.application, self.results, self.offered = application, None, None
        told = "Applying. You can leave this page: it goes on, and is shown again here."
        self._open_step("apply", "info", told)
        self._follow(application)

    def _follow(self, application: Application) -> None:
        self._changed()
        self._follower.read(application.read_status, partial(self._show_progress, application))

    def _show_progress(self, application: Application, status: ApplyStatus) -> None:
        application.update(status)
        if application.is_over:
            self._read_results(application)
        else:
            self.problems = {"apply": status.reason} if status.reason else {}
            self._follow(application)

    def stop_applying(self) -> None:
        """Let what is under way finish, and keep the rest for later."""
        if self.application is not None:
            self.application.stop()
            self._say("busy", "Stopping: what is under way is finished…")

    def look_for_apply(self) -> None:
        """Look whether an application is under way, or which was the last."""
        self._follower.read(lambda: apply_process.find_apply(self._clover), self._offer_found)

    def _offer_found(self, application: Application | None) -> None:
        """Show what is under way; what has ended is offered."""
        if application is None:
            return
        if application.is_over:
            self.offered = application
            self._changed()
        else:
            self._show_application(application)

    def open_offered(self) -> None:
        """Show what came of the batch that has ended."""
        if (application := self.offered) is not None:
            self.application, self.offered = application, None
            self._read_results(application)

    # -- what came of it ---------------------------------------------------------------------------

    def _read_results(self, application: Application) -> None:
        self._runner.read(
            lambda: BatchResults(application.batch), partial(self._show_results, application.status)
        )

    def _show_results(self, status: ApplyStatus, results: BatchResults) -> None:
        self.results = results
        if status.state == "done":
            told = "All that was planned was sent, and compared with what is there."
            self._open_step("results", "done", told)
        else:
            self._open_step("results", "warning", f"It has stopped. {status.reason}".strip())
        self._changed()
        self.on_applied()

    def show_failure(self, failure: TaskFailure) -> None:
        """An error stands at the input or the step that it is about."""
        self.note = ""
        field = failure.error.field if isinstance(failure.error, CloverError) else None
        place = field if field in self.inputs.values else self.step
        self.problems[str(place)] = messages.describe_failure(failure)
        self._changed()

    def _say(self, tone: Tone, text: str) -> None:
        self.note = rendering.render_note(tone, text) if text else ""
