"""What each button of the form for many changes does, and its steps. It knows no widget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import Decision
from clover_nb.client import Clover
from clover_nb.forms import apply_process, messages, rendering
from clover_nb.forms.apply_process import Application, ApplyStatus
from clover_nb.forms.apply_progress import ApplyProgress
from clover_nb.forms.change_rows import DOUBT, BatchResults, PlanReview
from clover_nb.forms.change_source import FileSource, Step, ValueSource
from clover_nb.forms.inputs import TICKED, FormValues
from clover_nb.forms.rendering import Tone
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.upload import Upload

_LIVE: Final = "live"


class ChangeWork:
    """The work of one form for many changes.

    Attributes:
        source: Where the wanted values come from.
        step: The step that is worked on.
        inputs: What stands in the inputs.
        problems: What is wrong, by step or by input.
        note: What is under way or was done, as HTML.
        review: The plan that is reviewed; ``None`` before.
        results: What came of it; ``None`` before.
        progress: The application, once it was begun; ``None`` before.
        offered: An application that has stopped, to go on with.
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
        self.source = FileSource() if ids is None else ValueSource(ids)
        self.step: Step = self.source.steps[0]
        self.inputs = FormValues({})
        self.problems: dict[str, str] = {}
        self.note = ""
        self.review: PlanReview | None = None
        self.results: BatchResults | None = None
        self.progress: ApplyProgress | None = None
        self.offered: Application | None = None
        self._reset_inputs()

    @property
    def plan(self) -> Plan | None:
        """What is planned."""
        return None if self.review is None else self.review.plan

    @property
    def batch(self) -> Any:  # noqa: ANN401  a Batch
        """What came of the plan, a batch; ``None`` before."""
        return None if self.progress is None else self.progress.application.batch

    @property
    def is_applying(self) -> bool:
        """Whether a plan is being applied, or what came of it is being read."""
        return self.step == "apply" and self.progress is not None

    @property
    def is_production(self) -> bool:
        """Whether a tick is asked for before anything is sent."""
        return self._clover.environment == "production"

    @property
    def rows(self) -> PlanReview | BatchResults | None:
        """What the table shows rows of."""
        return self.results or self.review

    def close(self) -> None:
        """Look no more; an application goes on."""
        self._follower.stop()
        if self.progress is not None:
            self.progress.application.unwatch()

    # -- the steps ---------------------------------------------------------------------------------

    def apply_edits(self, names: set[str]) -> None:
        """What was planned or read with other values is no more."""
        if any(name.startswith(DOUBT) for name in names):
            self._accept_kinds()
        elif names != {_LIVE}:
            self._runner.drop_reads()
            self.note = ""
            self.review = None
        ended = {*names, self.step}
        self.problems = {name: text for name, text in self.problems.items() if name not in ended}

    def _reset_inputs(self, **more: str) -> None:
        self.inputs.begin({**self.source.list_inputs(), _LIVE: "", **more})

    def go_to(self, step: Step) -> None:
        """Work on another step, but for while a plan is applied."""
        if self.progress is not None and self.is_applying and not self.progress.is_over:
            return
        self.inputs.values[_LIVE] = ""
        self.step = step
        self.note = ""

    def start_over(self) -> None:
        """Begin anew, with another file."""
        self._runner.drop_reads()
        self.review = self.results = self.progress = None
        if self._ids is None:
            self.source = FileSource()
        self.problems = {}
        self._reset_inputs()
        self.go_to(self.source.steps[0])

    # -- the file ----------------------------------------------------------------------------------

    def take_chunk(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Take a part of a file, and read it when it is whole."""
        source = self.source
        if isinstance(source, ValueSource):
            return
        if content["start"] == 0:
            self._runner.drop_reads()
            source.upload = Upload.begin(content)
        if source.upload.take_part(content, buffers):
            self._reset_inputs()
            self.read_file()

    def read_file(self) -> None:
        """Read the file as the inputs say."""
        source, values = self.source, dict(self.inputs.values)
        if isinstance(source, ValueSource):
            return
        self.problems.pop("file", None)
        if wrong := source.check_reading(values):
            self.problems["file"] = wrong
            return
        self._say("busy", "Reading the file…")
        self._runner.read(lambda: source.parse(values), partial(self._show_columns, source))

    def _show_columns(self, source: FileSource, table: pd.DataFrame) -> None:
        source.take_table(table)
        kept = source.keep_inputs(self.inputs.values)
        self._reset_inputs()
        self.inputs.values |= kept
        self.problems = {}
        self.review = None
        self.go_to("columns")
        self._changed()

    # -- the plan ----------------------------------------------------------------------------------

    def make_plan(self) -> None:
        """Compare what is wanted with what there is."""
        values = self.inputs.values
        self.problems = self.source.find_errors(values)
        wanted = None if self.problems else self.source.make_wanted(values)
        if wanted is None:
            return
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
        self.review, self.results, self.progress = review, None, None
        self._reset_inputs(**{**self.inputs.values, **review.list_inputs()})
        self.problems = {}
        self.go_to("review")
        self._changed()

    def filter_rows(self, name: str) -> None:
        """Look at the rows of one count alone, or of all again."""
        if (rows := self.rows) is not None:
            rows.show_rows("" if name == rows.filter else name)

    def decide(self, ids: Iterable[str], decision: Decision | None) -> None:
        """Decide on single rows of the plan, whatever is decided on their kinds."""
        if self.review is not None and self.step == "review":
            self.review.decide(map(int, ids), decision)
            self._accept_kinds()

    def _accept_kinds(self) -> None:
        if self.review is not None:
            self.review.accept_kinds(self.inputs.values)

    def save_plan(self) -> None:
        """Give the plan away as a file."""
        if (plan := self.plan) is not None:
            source = Path(str(plan.source.get("file", "changes"))).stem
            self._save_file(plan, f"{source}.plan.jsonl")

    def save_failed(self, kind: str) -> None:
        """Give the rows away that were not applied, as a file to mend."""
        if self.batch is not None:
            self._save_file(self.batch, f"failed.{'xlsx' if kind == 'xlsx' else 'csv'}")

    def _save_file(self, saved: Any, name: str) -> None:  # noqa: ANN401  a Plan or a Batch
        def send(content: bytes) -> None:
            self._send_file(name, content)
            self._say("done", f"{name} is in your downloads. It holds customers' data.")
            self._changed()

        self._runner.read(lambda: apply_process.export_file(saved, name), send)

    # -- applying ----------------------------------------------------------------------------------

    def apply_plan(self, plan_id: str) -> None:
        """Apply the plan, if it is the one that the person saw."""
        plan = self.plan
        if plan is None or self.is_applying or plan.id != plan_id or not plan.requests:
            return
        self.problems.pop("apply", None)
        if not self._is_confirmed():
            return
        if words := messages.describe_read_only(self._clover.settings):
            self.problems["apply"] = words
            return
        self._start_applying(plan)

    def _is_confirmed(self) -> bool:
        if self.is_production and self.inputs.values[_LIVE] != TICKED:
            self.problems[_LIVE] = "Please tick this first."
            return False
        return True

    def _start_applying(self, plan: Plan) -> None:
        self._say("busy", "Starting…")
        self.inputs.values[_LIVE] = ""
        self._runner.write(
            lambda: apply_process.start_apply(self._clover, plan), self._show_application
        )

    def _show_application(self, application: Application) -> None:
        self.progress, self.results = ApplyProgress(application), None
        self.step = "apply"
        self._say("info", "Applying. You can leave this page: it goes on, and is shown again here.")
        self._follow(self.progress)
        self._changed()

    def _follow(self, progress: ApplyProgress) -> None:
        known = progress.status
        self._follower.read(
            lambda: progress.application.wait_for_news(known),
            partial(self._show_progress, progress),
        )

    def _show_progress(self, progress: ApplyProgress, found: ApplyStatus) -> None:
        progress.update(found)
        if not found.is_over:
            self._follow(progress)
        elif found.state == "failed":
            self.progress = None
            self.note = ""
            self.problems["apply"] = found.reason or "It could not be started."
        else:
            self._read_results(found)
        self._changed()

    def stop_applying(self) -> None:
        """Let what is under way finish, and keep the rest for later."""
        if self.progress is not None:
            self.progress.application.stop()
            self._say("busy", "Stopping: what is under way is finished…")

    def resume_applying(self) -> None:
        """Go on where it stopped, by what was kept of the plan."""
        batch = self.batch
        if batch is None or self.is_applying or not self._is_confirmed():
            return
        plan = self.plan or apply_process.load_plan(self._clover, batch)
        if plan is None:
            self.problems["results"] = "Its plan is not here any more: plan the table anew."
        else:
            self._start_applying(plan)

    def look_for_apply(self) -> None:
        """Look whether an application is under way, or has stopped and nobody has seen it."""
        self._runner.read(lambda: apply_process.find_apply(self._clover), self._offer_found)

    def _offer_found(self, application: Application | None) -> None:
        """Show what is under way; what has stopped is offered."""
        if application is None:
            return
        if application.read_status().is_over:
            self.offered = application
        else:
            self._show_application(application)
        self._changed()

    def open_offered(self) -> None:
        """Show what came of the application that has stopped."""
        if (application := self.offered) is not None:
            status = application.read_status()
            self.progress, self.offered = ApplyProgress(application, status), None
            self._read_results(status)

    # -- what came of it ---------------------------------------------------------------------------

    def _read_results(self, status: ApplyStatus) -> None:
        batch = self.batch
        self._runner.read(lambda: BatchResults(batch, status), self._show_results)

    def _show_results(self, results: BatchResults) -> None:
        self.results = results
        self.step = "results"
        self.problems = {}
        self.inputs.values[_LIVE] = ""
        if results.status.state == "done":
            apply_process.remove_plan(self._clover, self.batch)
            self._say("done", "All that was planned was sent, and compared with what is there.")
        else:
            self._say("warning", f"It has stopped. {results.status.reason}".strip())
        self._changed()
        self.on_applied()

    def show_failure(self, failure: TaskFailure) -> None:
        """An error stands at the step that it is about, or else where everybody looks."""
        self.note = ""
        self.problems[self.step] = messages.describe_failure(failure)
        self._changed()

    def _say(self, tone: Tone, text: str) -> None:
        self.note = rendering.render_note(tone, text)
