"""The rows of a plan to review, and those of a batch that has ended; neither knows a widget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from clover_nb.bulk.batch import Batch
from clover_nb.bulk.columns import ID
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import KINDS, Decision, PlanRow, name_customer
from clover_nb.forms.apply_process import ApplyStatus
from clover_nb.forms.change_source import LABELS
from clover_nb.forms.inputs import TICKED

DOUBT: Final = "doubt "  # in front of the code, in the name of a box

#: What is doubtful of a row, by the code of the reason.
DOUBTS: Final[Mapping[str, str]] = {
    "address_doubtful": "the address is doubtful",
    "zero_added": "the ZIP code lacked its zero",
    "same_customer": "another row is the same customer",
    "email_of_another": "another customer has the email",
    "probable_duplicate": "the new customer is probably there already",
    "names_disagree": "the name and its parts disagree",
    "deletes": "the customer is deleted for good",
    "changed_since": "changed at Clover since the table was read",
}
#: What each count of a plan is called, in the order in which they are shown.
COUNTS: Final[Mapping[str, str]] = {
    "create": "new",
    "modify": "to change",
    "delete": "to delete",
    "doubtful": "doubtful",
    "conflict": "in conflict",
    "wrong": "wrong",
    "skipped": "left out",
    "unchanged": "unchanged",
}
#: What each count of a batch is called.
OUTCOMES: Final[Mapping[str, str]] = {
    "done": "done",
    "failed": "refused",
    "conflict": "in conflict",
    "unknown": "unknown",
    "left": "not sent",
}
_ACTIONS: Final = {"create": "New", "modify": "Change", "delete": "Delete"}
_STATES: Final = {
    "ready": "",
    "doubtful": "? doubtful",
    "conflict": "⚠ conflict",
    "wrong": "✕ wrong",
    "skipped": "left out",
}
_ENDS: Final = {
    "done": "✓ done",
    "failed": "✕ refused",
    "conflict": "⚠ conflict",
    "unknown": "? unknown",
    "left": "not sent",
}
_EMPTY: Final = "(empty)"


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
        rows = [row for row in plan.rows if row.status != "wrong"]
        found = Counter(code for row in rows for code in {each.code for each in row.reasons})
        self._doubts = {code: found[code] for code in KINDS if found[code]}  # rows by kind
        self._rows = _make_plan_table(plan)
        self._decided: dict[int, Decision] = {}
        self.show_rows("")

    def show_rows(self, name: str) -> None:
        """Look at the rows of this count; ``""`` is all."""
        self.filter, rows = name, self._rows
        if name == "unchanged":
            rows = rows[rows["what"] == "Unchanged"]
        elif name in _ACTIONS:
            rows = rows[(rows["what"] == _ACTIONS[name]) & (rows["state"] == "")]
        elif name:
            rows = rows[rows["state"] == _STATES[name]]
        self.shown = rows

    def decide(self, numbers: Iterable[int], decision: Decision | None) -> None:
        """Decide on single rows; ``None`` leaves it to their kind again."""
        for number in numbers:
            self._decided.pop(number, None)
            if decision is not None:
                self._decided[number] = decision

    def accept_kinds(self, values: Mapping[str, str]) -> None:
        """Accept the kinds of doubt whose box is ticked, besides what was decided on rows."""
        accepted = {code for code in self._doubts if values[f"{DOUBT}{code}"] == TICKED}
        for row in self.plan.rows:
            codes = {reason.code for reason in row.reasons}
            agreed: Decision | None = "accepted" if codes and codes <= accepted else None
            row.decision = self._decided.get(row.row, agreed)
        states = pd.Series(
            {str(row.row): _STATES[row.status] for row in self.plan.rows}, dtype="str"
        )
        self._rows = self._rows.assign(state=states.reindex(self._rows.index).fillna(""))
        self.show_rows(self.filter)

    def list_inputs(self) -> dict[str, str]:
        """A box for each kind of doubt, not ticked."""
        return {f"{DOUBT}{code}": "" for code in self._doubts}

    def summarize(self) -> str:
        """Its counts, in a line."""
        counts = self.plan.counts.items()
        return ", ".join(f"{count:,} {COUNTS[name]}" for name, count in counts)

    def describe(self) -> dict[str, Any]:
        """What is shown beside the rows."""
        plan = self.plan
        return {
            "counts": [[n, COUNTS[n], count] for n, count in plan.counts.items()],
            "filter": self.filter,
            "doubts": [[f"{DOUBT}{code}", DOUBTS[code], n] for code, n in self._doubts.items()],
            "notes": [note for note in plan.notes if "columns=" not in note],  # for Python
            "ready": bool(plan.requests),
        }


def _make_plan_table(plan: Plan) -> pd.DataFrame:
    """A plan as the table to review, a line a row, indexed by the row's number."""
    rows = plan.rows
    lines = {
        "what": [_ACTIONS.get(row.action, "") for row in rows],
        "state": [_STATES[row.status] for row in rows],
        "customer": _name_customers(plan),
        "changes": [_describe_changes(row) for row in rows],
        "reasons": ["\n".join(_describe_reason(*reason) for reason in row.reasons) for row in rows],
    }
    numbers = pd.Index([str(row.row) for row in rows], name=ID)
    table = pd.DataFrame(lines, index=numbers, dtype="str")
    if len(plan.unchanged):
        rest = {"what": "Unchanged", "customer": plan.unchanged.to_numpy()}
        index = pd.Index(plan.unchanged.index.astype(str), name=ID)
        table = pd.concat([table, pd.DataFrame(rest, index=index, dtype="str")]).fillna("")
    table["number"] = table.index.astype("int64")
    return table.sort_values("number", kind="stable")


def _name_customers(plan: Plan) -> list[str]:
    """Who each row is: a name or an email of the table, or else the id."""
    fields = {heading: field for field, heading in plan.columns.items()}
    names = [fields.get(heading, "") for heading in plan.headings]
    cells = (dict(zip(names, row.cells, strict=False)) for row in plan.rows)
    return [
        name_customer(values) or row.customer_id or ""
        for row, values in zip(plan.rows, cells, strict=True)
    ]


def _describe_changes(row: PlanRow) -> str:
    if row.action == "create":
        return "\n".join(f"{LABELS[name]}: {text}" for name, text in row.wanted.items())
    return "\n".join(
        f"{LABELS[name]}: {row.before.get(name) or _EMPTY} → {text or _EMPTY}"
        for name, text in row.wanted.items()
    )


def _describe_reason(field: str, _code: str, message: str) -> str:
    label = LABELS.get(field, field)
    if message.startswith(field):
        return label + message.removeprefix(field)
    return message


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
        self.status = status
        self._rows = _make_result_table(batch)
        self.show_rows("")

    def show_rows(self, name: str) -> None:
        """Look at the rows of this outcome; ``""`` is all."""
        self.filter = name
        rows = self._rows
        self.shown = rows[rows["state"] == _ENDS[name]] if name else rows

    def describe(self) -> dict[str, Any]:
        """What is shown beside the rows."""
        status = self.status
        found: Counter[str] = Counter()
        for name, count in status.counts.items():
            found[name if name in OUTCOMES else "left"] += count
        return {
            "counts": [[n, label, found[n]] for n, label in OUTCOMES.items() if found[n]],
            "filter": self.filter,
            "left": status.count_left() > 0,
            "failed": status.count_failed() > 0,
            "done": status.count_done() > 0,
        }


def _make_result_table(batch: Batch) -> pd.DataFrame:
    """What came of a batch, as a table, a line a row."""
    found = batch.frame()
    outcome = found["outcome"].where(found["outcome"].isin(list(OUTCOMES)), "left")
    lines = {
        "number": found.index.to_numpy(),
        "what": found["action"].map(_ACTIONS).to_numpy(),
        "state": outcome.map(_ENDS).to_numpy(),
        "customer": found["customer"].fillna(found["id"]).fillna("").to_numpy(),
        "reasons": found["reason"].fillna("").to_numpy(),
    }
    return pd.DataFrame(lines, index=pd.Index(found.index.astype(str), name=ID))
