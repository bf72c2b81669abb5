"""The rows of a plan to review, and those of a batch that has ended; neither knows a widget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from clover_nb.bulk.batch import Batch
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import Decision
from clover_nb.forms import change_steps
from clover_nb.forms.apply_process import ApplyStatus
from clover_nb.forms.inputs import TICKED

DOUBT: Final = "doubt "  # in front of the code, in the name of a box


class PlanReview:
    """A plan, what was decided of its rows, and which of them are looked at.

    Attributes:
        plan: The plan.
        columns: Those of the table that is shown.
        filter: The count whose rows are shown; ``""`` for all.
        shown: The rows that are looked at.
    """

    columns = ("number", "customer", "what", "changes", "state", "reasons")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._doubts = change_steps.list_doubts(plan)
        self._rows = change_steps.make_plan_table(plan)
        self._decided: dict[int, Decision] = {}
        self.show_rows("")

    def show_rows(self, name: str) -> None:
        """Look at the rows of this count; ``""`` is all."""
        self.filter = name
        self.shown = change_steps.filter_by_count(self._rows, name)

    def decide(self, numbers: Iterable[int], decision: Decision | None) -> None:
        """Decide on single rows; ``None`` leaves it to their kind again."""
        for number in numbers:
            self._decided.pop(number, None)
            if decision is not None:
                self._decided[number] = decision

    def accept_kinds(self, values: Mapping[str, str]) -> None:
        """Accept the kinds of doubt whose box is ticked, besides what was decided on rows."""
        codes = [each.code for each in self._doubts if values[f"{DOUBT}{each.code}"] == TICKED]
        change_steps.decide_rows(self.plan, codes, self._decided)
        self._rows = change_steps.update_states(self._rows, self.plan)
        self.show_rows(self.filter)

    def list_inputs(self) -> dict[str, str]:
        """A box for each kind of doubt, not ticked."""
        return {f"{DOUBT}{each.code}": "" for each in self._doubts}

    def summarize(self) -> str:
        """Its counts, in a line."""
        counts = self.plan.counts.items()
        return ", ".join(f"{count:,} {change_steps.COUNTS[name]}" for name, count in counts)

    def describe(self) -> dict[str, Any]:
        """What is shown beside the rows."""
        plan = self.plan
        return {
            "counts": [[n, change_steps.COUNTS[n], count] for n, count in plan.counts.items()],
            "filter": self.filter,
            "doubts": [[f"{DOUBT}{each.code}", each.label, each.rows] for each in self._doubts],
            "notes": [note for note in plan.notes if "columns=" not in note],  # for Python
            "ready": bool(plan.requests),
        }


class BatchResults:
    """What came of a batch, and which of its rows are looked at.

    Attributes:
        status: How far it came.
        columns: Those of the table that is shown.
        filter: The outcome whose rows are shown; ``""`` for all.
        shown: The rows that are looked at.
    """

    columns = ("number", "customer", "what", "state", "reasons")

    def __init__(self, batch: Batch, status: ApplyStatus) -> None:
        self._number, self.status = batch.number, status
        self._rows = change_steps.make_result_table(batch)
        self.show_rows("")

    def show_rows(self, name: str) -> None:
        """Look at the rows of this outcome; ``""`` is all."""
        self.filter = name
        self.shown = change_steps.filter_by_outcome(self._rows, name)

    def describe(self) -> dict[str, Any]:
        """What is shown beside the rows."""
        status = self.status
        counts = change_steps.count_outcomes(status.counts)
        return {
            "batch": self._number,
            "counts": [[name, change_steps.OUTCOMES[name], n] for name, n in counts.items()],
            "filter": self.filter,
            "left": status.count_left() > 0,
            "failed": status.count_failed() > 0,
            "done": status.count_done() > 0,
        }
