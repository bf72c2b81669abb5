"""Many changes in one form: a file, its columns, a review, the application, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd
from traitlets import Bool, Dict, Int, Unicode

from clover_nb.bulk.columns import ID
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import Decision
from clover_nb.bulk.tables import MAX_BYTES, parse_table
from clover_nb.client import Clover, default
from clover_nb.errors import ValidationError
from clover_nb.forms import apply_process, change_steps, messages, rendering
from clover_nb.forms.apply_process import Application, ApplyStatus
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.cells import close_on_rerun
from clover_nb.forms.change_steps import ColumnChoice
from clover_nb.forms.inputs import TICKED, FormValues
from clover_nb.forms.rendering import Tone
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.table import CustomerTable

Step = Literal["file", "set", "columns", "review", "apply", "results"]

_LIVE: Final = "live"
_LIVE_WORDS: Final = "This changes live data"
_DOUBT: Final = "doubt "  # in front of the code, in the name of a box
_COLUMN: Final = "column "  # in front of the place, in the name of a choice
_PAGE: Final = 10  # rows
_HEADS: Final = {
    "number": "Row",
    "customer": "Customer",
    "what": "What",
    "state": "State",
    "changes": "Changes",
    "reasons": "Reasons",
}
_ENCODINGS: Final = {
    "": "as it is found out",
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252",
    "utf-16": "UTF-16",
    "mac_roman": "Mac Roman",
    "cp850": "DOS (850)",
}
_READING: Final[dict[str, str]] = {"encoding": "", "sheet": "", "header": ""}
_MATCHING: Final[dict[str, str]] = {"key": "", "empty": "keep"}


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
        plan: What is planned, or ``None``.
        on_applied: Called when an application has ended; can be set.
    """

    kind = "change_many"

    heading = Unicode().tag(sync=True)
    step = Unicode().tag(sync=True)
    summaries = Dict().tag(sync=True)  # of the steps that are done, by step
    problems = Dict().tag(sync=True)  # what is wrong, by step
    values = Dict().tag(sync=True, echo_update=False)  # texts, and the edits that they know of
    upload: Dict[str, Any] = Dict({"id": "", "received": 0}).tag(sync=True)
    max_bytes = Int(MAX_BYTES).tag(sync=True)
    file = Dict().tag(sync=True)
    setting = Dict().tag(sync=True)
    columns = Dict().tag(sync=True)
    review = Dict().tag(sync=True)
    applying = Dict().tag(sync=True)
    results = Dict().tag(sync=True)
    status = Unicode().tag(sync=True)
    busy = Bool().tag(sync=True)
    table_id = Unicode().tag(sync=True)
    answers = Int().tag(sync=True)  # how many messages were heard

    def __init__(self, clover: Clover, ids: Sequence[str] | None = None) -> None:
        """Make it.

        Args:
            clover: The connection.
            ids: The customers for whom a field is set; ``None`` takes a file.
        """
        self.plan: Plan | None = None
        self.on_applied: Callable[[], object] = lambda: None
        self._clover, self.ids = clover, ids
        self._reader, self._follower = TaskRunner(self._failed), TaskRunner(self._failed)
        self._start: Step = "file" if ids is None else "set"
        self._step: Step = self._start
        self._inputs = FormValues({})
        self._problems: dict[str, str] = {}
        self._note = ""
        self._content, self._name = bytearray(), ""
        self._upload: dict[str, Any] = {"id": "", "received": 0, "size": 0}
        self._read: pd.DataFrame | None = None
        self._choices: list[ColumnChoice] = []
        self._rows = pd.DataFrame()  # of the plan or of the results
        self._filter = ""
        self._decided: dict[int, Decision] = {}
        self._table: CustomerTable | None = None
        self._application: Application | None = None
        self._offered: Application | None = None  # one that has stopped, to go on with
        self._apply_status: ApplyStatus | None = None
        self._began: tuple[float, int] | None = None
        self._reset_inputs()
        super().__init__(
            static="Change many: run this cell to use the form.",
            heading=rendering.render_heading(self._title(), clover.settings),
        )
        self.on_msg(lambda _, content, buffers: self.receive(content, buffers))
        close_on_rerun(self.close)
        self._reader.read(lambda: apply_process.find_apply(clover), self._offer_found)
        self._draw()

    # -- for whoever holds the form ----------------------------------------------------------------

    @property
    def batch(self) -> Any:  # noqa: ANN401  a Batch
        """What came of the plan, a :class:`clover_nb.bulk.batch.Batch`; ``None`` before."""
        return None if self._application is None else self._application.batch

    @property
    def is_applying(self) -> bool:
        """Whether a plan is being applied."""
        return self._step == "apply" and self._application is not None

    @property
    def table(self) -> CustomerTable | None:
        """The rows of the plan, or of what came of it."""
        return self._table

    def receive(self, content: Mapping[str, Any], buffers: Sequence[Any] = ()) -> None:
        """Take a message of the browser."""
        self._reader.handle(self._receive, content, buffers)
        self.answers += 1

    def close(self) -> None:
        """Close the widget; an application goes on."""
        self._reader.stop()
        self._follower.stop()
        if self._application is not None:
            self._application.unwatch()
        if self._table is not None:
            self._table.close()
        super().close()

    def _title(self) -> str:
        if self.ids is None:
            return "Change many customers"
        return f"Change {change_steps.count_rows(len(self.ids), 'customer')}"

    # -- messages ----------------------------------------------------------------------------------

    def _receive(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "edit": lambda: None,
            "chunk": lambda: self._take_chunk(content, buffers),
            "read": self._read_file,
            "plan": self._make_plan,
            "filter": lambda: self._show_count(content["name"]),
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
        if any(name.startswith(_DOUBT) for name in names):
            self._apply_decisions()
        elif names != {_LIVE}:
            self._reader.drop_reads()
            self._note = ""
            self.plan = None
        self._problems = {
            name: text for name, text in self._problems.items() if name not in (*names, self._step)
        }

    def _reset_inputs(self, **more: str) -> None:
        """Inputs for the steps to come; the numbers of the edits go on."""
        seen = self._inputs.seen
        settable = {}
        if self.ids is not None:
            settable = {name: "" for _, names in change_steps.SETTABLE.values() for name in names}
            settable["field"] = next(iter(change_steps.SETTABLE))
        self._inputs = FormValues({**_READING, **_MATCHING, **settable, _LIVE: "", **more})
        self._inputs.seen = seen

    def _go_to(self, step: Step) -> None:
        if self.is_applying and self._apply_status and not self._apply_status.is_over:
            return
        self._inputs.values[_LIVE] = ""
        self._step = step
        self._note = ""

    def _start_over(self) -> None:
        self._reader.drop_reads()
        self.plan = self._application = self._apply_status = self._read = None
        self._content, self._name = bytearray(), ""
        self._choices = []
        self._problems = {}
        self._reset_inputs()
        self._go_to(self._start)

    # -- the file ----------------------------------------------------------------------------------

    def _take_chunk(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Take a part of a file; parts come in their order, a few at once."""
        if content["start"] == 0:
            self._reader.drop_reads()
            self._upload = {"id": content["upload"], "received": 0, "size": content["size"]}
            self._content, self._name = bytearray(), Path(content["name"]).name
        if content["upload"] != self._upload["id"] or content["size"] > MAX_BYTES:
            return
        self._content += bytes(buffers[0]) if buffers else b""
        self._upload["received"] = len(self._content)
        if len(self._content) >= content["size"]:
            self._reset_inputs()
            self._read_file()

    def _read_file(self) -> None:
        content, name = bytes(self._content), self._name
        chosen = {each: self._inputs.values[each].strip() for each in _READING}
        self._problems.pop("file", None)
        if chosen["header"] and not chosen["header"].isdigit():
            self._problems["file"] = "The row of the headings is a number, such as 2."
            return
        self._say("busy", "Reading the file…")
        self._reader.read(
            lambda: parse_table(
                content,
                name,
                sheet=chosen["sheet"] or None,
                header=int(chosen["header"]) if chosen["header"] else None,
                encoding=chosen["encoding"] or None,
            ),
            self._show_columns,
        )

    def _show_columns(self, table: pd.DataFrame) -> None:
        self._read, self._choices = table, change_steps.list_columns(table)
        fields = {f"{_COLUMN}{n}": each.field for n, each in enumerate(self._choices)}
        kept = {name: self._inputs.values[name] for name in (*_READING, *_MATCHING)}
        self._reset_inputs(**fields)
        self._inputs.values |= kept
        self._problems = {}
        self.plan = None
        self._go_to("columns")
        self._draw()

    # -- the plan ----------------------------------------------------------------------------------

    def _make_plan(self) -> None:
        for name in ("columns", "set", *self._problems):
            self._problems.pop(name, None)
        wanted = self._wanted_from_file() if self.ids is None else self._wanted_for_all()
        if wanted is None:
            return
        table, options = wanted
        self._say("busy", "Reading all customers, and comparing…")
        self._reader.read(
            lambda: _tabulate_plan(self._clover.customers.plan(table, **options)), self._show_plan
        )

    def _wanted_from_file(self) -> tuple[pd.DataFrame, dict[str, Any]] | None:
        if self._read is None:
            return None
        values = self._inputs.values
        fields = [values[f"{_COLUMN}{place}"] for place in range(len(self._choices))]
        wrong = change_steps.check_columns(self._choices, fields)
        self._problems |= {f"{_COLUMN}{place}": text for place, text in wrong.items()}
        if wrong:
            return None
        return self._read, {
            "key": change_steps.KEYS[values["key"]][1],
            "columns": change_steps.make_columns_argument(self._choices, fields),
            "empty": values["empty"],
        }

    def _wanted_for_all(self) -> tuple[pd.DataFrame, dict[str, Any]]:
        _, names = change_steps.SETTABLE[self._inputs.values["field"]]
        texts = {name: self._inputs.values[name] for name in names}
        table = change_steps.make_value_table(self.ids or (), texts)
        return table, {"key": (ID,), "empty": "clear"}

    def _show_plan(self, planned: tuple[Plan, pd.DataFrame]) -> None:
        self.plan, self._rows = planned
        self._application = self._apply_status = None
        self._decided, self._filter = {}, ""
        doubts = change_steps.list_doubts(self.plan)
        values = self._inputs.values
        self._reset_inputs(**{f"{_DOUBT}{each.code}": "" for each in doubts})
        self._inputs.initial |= values
        self._inputs.values = {**self._inputs.values, **values}
        for doubt in doubts:
            self._inputs.values[f"{_DOUBT}{doubt.code}"] = ""
        self._show_table(["number", "customer", "what", "changes", "state", "reasons"])
        self._problems = {}
        self._go_to("review")
        self._draw()

    def _show_table(self, columns: Sequence[str], *, can_tick: bool = True) -> None:
        if self._table is not None:
            self._table.close()
        self._table = CustomerTable(
            self._rows,
            columns=columns,
            labels=_HEADS,
            search=[],
            page_size=_PAGE,
            can_tick=can_tick,
            noun="row",
        )
        self._table.on_tick(lambda _: self._draw())

    def _show_count(self, name: str) -> None:
        self._filter = "" if name == self._filter else name
        self._filter_table()

    def _filter_table(self) -> None:
        find = change_steps.filter_by_outcome
        if self._step == "review":
            find = change_steps.filter_by_count
        if self._table is not None:
            self._table.data = find(self._rows, self._filter)

    def _decide_ticked(self, decision: Decision | None) -> None:
        if self._table is None or self._step != "review":
            return
        for number in map(int, self._table.ticked_ids):
            if decision is None:
                self._decided.pop(number, None)
            else:
                self._decided[number] = decision
        self._table.untick()
        self._apply_decisions()

    def _apply_decisions(self) -> None:
        if self.plan is None:
            return
        values = self._inputs.values
        kinds = [
            name.removeprefix(_DOUBT)
            for name, text in values.items()
            if name.startswith(_DOUBT) and text == TICKED
        ]
        change_steps.decide_rows(self.plan, kinds, self._decided)
        self._rows = change_steps.update_states(self._rows, self.plan)
        self._filter_table()

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

        self._reader.read(make, send)

    # -- applying ----------------------------------------------------------------------------------

    def _apply_plan(self, plan_id: str) -> None:
        plan = self.plan
        if plan is None or self.is_applying or plan.id != plan_id or not plan.requests:
            return
        self._problems.pop("apply", None)
        if self._is_production() and self._inputs.values[_LIVE] != TICKED:
            self._problems[_LIVE] = "Please tick this first."
            return
        if words := messages.describe_read_only(self._clover.settings):
            self._problems["apply"] = words
            return
        self._start_applying(plan)

    def _start_applying(self, plan: Plan) -> None:
        self._say("busy", "Starting…")
        self._inputs.values[_LIVE] = ""
        self._reader.write(
            lambda: apply_process.start_apply(self._clover, plan), self._show_application
        )

    def _show_application(self, application: Application) -> None:
        self._application, self._apply_status, self._began = application, None, None
        self._step = "apply"
        self._say("info", "Applying. You can leave this page: it goes on, and is shown again here.")
        self._follow_application()
        self._draw()

    def _follow_application(self) -> None:
        application, known = self._application, self._apply_status
        if application is not None:
            self._follower.read(lambda: application.wait_for_news(known), self._show_progress)

    def _show_progress(self, found: ApplyStatus) -> None:
        self._apply_status = found
        ended = found.count_done() + found.count_failed()
        if found.state == "running" and self._began is None:
            self._began = (time.monotonic(), ended)
        if not found.is_over:
            self._follow_application()
        elif found.state == "failed":
            self._application = None
            self._note = ""
            self._problems["apply"] = found.reason or "It could not be started."
        else:
            self._read_results()
        self._draw()

    def _stop_applying(self) -> None:
        if self._application is not None:
            self._application.stop()
            self._say("busy", "Stopping: what is under way is finished…")

    def _resume_applying(self) -> None:
        """Go on where it stopped, by what was kept of the plan."""
        batch = self.batch
        if batch is None or self.is_applying:
            return
        if self._is_production() and self._inputs.values[_LIVE] != TICKED:
            self._problems[_LIVE] = "Please tick this first."
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
        if self._offered is not None:
            self._application, self._offered = self._offered, None
            self._apply_status = self._application.read_status()
            self._read_results()

    # -- what came of it ---------------------------------------------------------------------------

    def _read_results(self) -> None:
        batch = self.batch
        self._reader.read(lambda: change_steps.make_result_table(batch), self._show_results)

    def _show_results(self, rows: pd.DataFrame) -> None:
        self._rows, self._filter = rows, ""
        self._step = "results"
        self._problems = {}
        self._inputs.values[_LIVE] = ""
        self._show_table(["number", "customer", "what", "state", "reasons"], can_tick=False)
        found = self._apply_status
        if found is not None and found.state == "done":
            apply_process.remove_plan(self._clover, self.batch)
            self._say("done", "All that was planned was sent, and compared with what is there.")
        elif found is not None:
            self._say("warning", f"It has stopped. {found.reason}".strip())
        self._draw()
        self.on_applied()

    def _plan_undo(self) -> None:
        if (batch := self.batch) is not None:
            self._say("busy", "Reading all customers, and comparing…")
            self._reader.read(lambda: _tabulate_plan(batch.plan_undo()), self._show_plan)

    # -- what is shown -----------------------------------------------------------------------------

    def _is_production(self) -> bool:
        return self._clover.environment == "production"

    def _failed(self, failure: TaskFailure) -> None:
        """An error stands at the step that it is about, or else where everybody looks."""
        self._note = ""
        self._problems[self._step] = messages.describe_failure(failure)
        self._draw()

    def _say(self, tone: Tone, text: str) -> None:
        self._note = rendering.render_note(tone, text)

    def _draw(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        with self.hold_sync():
            self.step = self._step
            self.busy = self._reader.is_reading or self._reader.is_writing
            self.summaries = self._summaries()
            self.problems = dict(self._problems)
            self.values = self._inputs.state()
            self.upload = {name: self._upload[name] for name in ("id", "received")}
            self.file = self._file_state()
            self.setting = self._setting_state()
            self.columns = self._columns_state()
            self.review = self._review_state()
            self.applying = self._applying_state()
            self.results = self._results_state()
            self.status = self._note
            self.table_id = "" if self._table is None else self._table.model_id

    def _summaries(self) -> dict[str, str]:
        found = {}
        if self._read is not None:
            found["file"] = change_steps.describe_table(self._read)
            values = self._inputs.values
            taken = sum(bool(values.get(f"{_COLUMN}{n}")) for n in range(len(self._choices)))
            found["columns"] = f"{taken} of {change_steps.count_rows(len(self._choices), 'column')}"
        if self.ids is not None:
            field = self._inputs.values.get("field", "")
            found["set"] = change_steps.SETTABLE[field][0] if field else ""
        if self.plan is not None:
            found["review"] = ", ".join(
                f"{count:,} {change_steps.COUNTS[name]}" for name, count in self.plan.counts.items()
            )
        return found

    def _file_state(self) -> dict[str, Any]:
        read = {} if self._read is None else self._read.attrs["read"]
        sheets = [read["sheet"], *read["other_sheets"]] if "sheet" in read else []
        return {
            "name": self._name,
            "encodings": list(_ENCODINGS.items()) if read.get("format") == "CSV" else [],
            "sheets": [["", "the first that holds something"], *([each, each] for each in sheets)]
            if len(sheets) > 1
            else [],
            "offered": self._describe_offered(),
        }

    def _describe_offered(self) -> str:
        if self._offered is None or self._offered.batch is None:
            return ""
        status, number = self._offered.read_status(), self._offered.batch.number
        if status.state == "done":
            return f"Batch {number} is done."
        left = change_steps.count_rows(status.count_left())
        return f"Batch {number} has stopped with {left} left."

    def _setting_state(self) -> dict[str, Any]:
        if self.ids is None:
            return {}
        _, names = change_steps.SETTABLE[self._inputs.values["field"]]
        return {
            "fields": [[name, label] for name, (label, _) in change_steps.SETTABLE.items()],
            "inputs": [[name, change_steps.LABELS[name]] for name in names],
        }

    def _columns_state(self) -> dict[str, Any]:
        fields = [[name, label] for name, label in change_steps.LABELS.items()]
        return {
            "rows": [each._asdict() for each in self._choices],
            "fields": [["", "leave out"], *fields],
            "keys": [[name, label] for name, (label, _) in change_steps.KEYS.items()],
        }

    def _review_state(self) -> dict[str, Any]:
        plan = self.plan
        if plan is None or self._step not in ("review", "apply"):
            return {}
        doubts = [[f"{_DOUBT}{each.code}", each.label, each.rows] for each in self._doubts()]
        return {
            "counts": [[n, change_steps.COUNTS[n], count] for n, count in plan.counts.items()],
            "filter": self._filter,
            "doubts": doubts,
            "notes": [note for note in plan.notes if "columns=" not in note],  # for Python
            "ticked": 0 if self._table is None else len(self._table.ticked_ids),
            "ready": bool(plan.requests),
        }

    def _doubts(self) -> list[change_steps.RowWarning]:
        return [] if self.plan is None else change_steps.list_doubts(self.plan)

    def _applying_state(self) -> dict[str, Any]:
        plan, found = self.plan, self._apply_status
        is_running = self.is_applying and (found is None or not found.is_over)
        return {
            "plan": "" if plan is None else plan.id,
            "work": "" if plan is None else change_steps.describe_work(plan),
            "confirm": _LIVE_WORDS if self._is_production() else "",
            "running": is_running,
            "progress": self._progress(found) if is_running and found is not None else {},
        }

    def _progress(self, found: ApplyStatus) -> dict[str, Any]:
        if not found.counts:
            return {}
        done, failed, left = found.count_done(), found.count_failed(), found.count_left()
        ended = done + failed
        words = f"{done:,} done, {failed:,} failed, {left:,} left"
        if found.state == "running" and not left:
            words += "; comparing with what is there"
        elif self._began is not None and ended > self._began[1]:
            each = (time.monotonic() - self._began[0]) / (ended - self._began[1])
            words += f", {change_steps.describe_duration(left * each)} to go"
        return {"ended": ended, "total": ended + left, "words": words}

    def _results_state(self) -> dict[str, Any]:
        found, batch = self._apply_status, self.batch
        if self._step != "results" or found is None or batch is None:
            return {}
        counts = change_steps.count_outcomes(found.counts)
        return {
            "batch": batch.number,
            "counts": [[name, change_steps.OUTCOMES[name], n] for name, n in counts.items()],
            "filter": self._filter,
            "left": found.count_left() > 0,
            "failed": found.count_failed() > 0,
            "done": found.count_done() > 0,
        }


def _tabulate_plan(plan: Plan) -> tuple[Plan, pd.DataFrame]:
    """A plan with the table to review, both made in a worker."""
    return plan, change_steps.make_plan_table(plan)
