"""The rows of a plan to review, and those of a batch that has ended; neither knows a widget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import pandas as pd

from clover_nb.bulk.batch import Batch
from clover_nb.bulk.columns import ID
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import KINDS, Decision, PlanRow, name_customer
from clover_nb.forms.change_source import LABELS
from clover_nb.forms.inputs import TICKED
from clover_nb.forms.messages import count_rows

DOUBT: Final = "doubt "  # in front of the code, in the name of a box
_ACTIONS: Final = {
    "create": "New",
    "modify": "Change",
    "delete": "Delete",
    "unchanged": "Unchanged",
}
_EMPTY: Final = "(empty)"


class CountedRows:
    """Rows of which each counts as something, by which they are counted and filtered.

    Attributes:
        columns: Those of the table that are shown.
        names: What rows count as, in the order of the counts: in words, and in the column State.
        table: The rows; the column ``kind`` says what each counts as.
        counts: How many rows count as what.
    """

    columns: ClassVar[tuple[str, ...]]
    names: ClassVar[Mapping[str, tuple[str, str]]]

    def __init__(self, table: pd.DataFrame, kinds: Sequence[str]) -> None:
        self.table = table
        self.count(kinds)

    def count(self, kinds: Sequence[str]) -> None:
        """Count the rows, each as the name of a kind."""
        states = {name: state for name, (_, state) in self.names.items()}
        kind = pd.Series(kinds, self.table.index, dtype="str")
        self.table = self.table.assign(kind=kind, state=kind.map(states))
        found = Counter(kinds)
        self.counts = {name: found[name] for name in self.names if found[name]}

    def list_counts(self) -> list[list[Any]]:
        """A name, words and a number for each count."""
        return [[name, self.names[name][0], count] for name, count in self.counts.items()]


class PlanReview(CountedRows):
    """The rows of a plan, and what was decided of them."""

    columns = ("row", "customer", "what", "changes", "state", "reasons")
    names: ClassVar = {
        "create": ("new", ""),
        "modify": ("to change", ""),
        "delete": ("to delete", ""),
        "unchanged": ("unchanged", ""),
        "doubtful": ("doubtful", "? doubtful"),
        "wrong": ("wrong", "✕ wrong"),
        "conflict": ("in conflict", "⚠ conflict"),
        "skipped": ("left out", "left out"),
    }

    def __init__(self, plan: Plan, names: Mapping[str, str]) -> None:
        self.plan = plan
        rows = [row for row in plan.rows if row.status != "wrong"]
        found = Counter(code for row in rows for code in {each.code for each in row.reasons})
        self._doubts = {code: found[code] for code in KINDS if found[code]}  # rows by kind
        self._decided: dict[int, Decision | None] = {}
        table = _make_plan_table(plan, names)
        super().__init__(table, self._list_kinds(table))

    @property
    def is_ready(self) -> bool:
        """Whether there is anything to send."""
        return not self.counts.keys().isdisjoint(("create", "modify", "delete"))

    def _list_kinds(self, table: pd.DataFrame) -> list[str]:
        kinds = {row.row: row.category for row in self.plan.rows}
        return [kinds.get(number, "unchanged") for number in table["row"]]

    def decide(self, numbers: Iterable[int], decision: Decision | None) -> None:
        """Decide on single rows; ``None`` leaves it to their kind again."""
        self._decided |= dict.fromkeys(numbers, decision)

    def accept_kinds(self, values: Mapping[str, str]) -> None:
        """Accept the kinds of doubt whose box is ticked, besides what was decided on rows."""
        accepted = {code for code in self._doubts if values[f"{DOUBT}{code}"] == TICKED}
        for row in self.plan.rows:
            codes = {reason.code for reason in row.reasons}
            agreed: Decision | None = "accepted" if codes and codes <= accepted else None
            row.decision = self._decided.get(row.row) or agreed
        self.count(self._list_kinds(self.table))

    def list_boxes(self) -> dict[str, str]:
        """A sentence for each kind of doubt, and how many rows have it, by the name of its box."""
        return {
            f"{DOUBT}{code}": f"{KINDS[code][1]} ({count_rows(count)})"
            for code, count in self._doubts.items()
        }

    def summarize(self) -> str:
        """Its counts, in a line."""
        return ", ".join(f"{count:,} {words}" for _, words, count in self.list_counts())

    def list_notes(self) -> list[str]:
        """What is left out, and why."""
        return [note for note in self.plan.notes if "columns=" not in note]  # for Python


def list_names(customers: pd.DataFrame) -> dict[str, str]:
    """The name of each customer of a table, or else the email, by id."""
    known = customers.reindex(columns=["name", "email"])
    known = known.astype(object).where(known.notna(), "")
    return {str(key): name or email for key, name, email in known.itertuples() if name or email}


def _make_plan_table(plan: Plan, called: Mapping[str, str]) -> pd.DataFrame:
    """A plan as the table to review, a line a row, indexed by the row's number."""
    fields = {heading: field for field, heading in plan.columns.items()}
    names = [fields.get(heading, "") for heading in plan.headings]
    lines: list[tuple[object, ...]] = [
        (
            row.row,
            _name_row(row, names, called),
            _ACTIONS[row.action],
            _describe_changes(row),
            "\n".join(_describe_reason(*reason) for reason in row.reasons),
        )
        for row in plan.rows
    ]
    lines += [
        (row, called.get(key, key), _ACTIONS["unchanged"], "", "")
        for row, key in plan.unchanged.items()
    ]
    table = pd.DataFrame(lines, columns=["row", "customer", "what", "changes", "reasons"])
    return _index_rows(table.sort_values("row", kind="stable"))


def _index_rows(table: pd.DataFrame) -> pd.DataFrame:
    """A table of texts, indexed by the number of each row as a customer's is by the id."""
    texts = table.astype("str").astype({"row": "int64"})
    return texts.set_index(pd.Index(table["row"].astype("str"), name=ID))


def _name_row(row: PlanRow, fields: Sequence[str], called: Mapping[str, str]) -> str:
    """Who a row is about; one that takes a batch back has no cells, but says who was there."""
    key = row.customer_id or ""
    cells = dict(zip(fields, row.cells, strict=False))
    return called.get(key) or name_customer(cells) or name_customer(row.before) or key


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


class BatchResults(CountedRows):
    """What came of each row of a batch that has ended."""

    columns = ("row", "customer", "what", "state", "reasons")
    names: ClassVar = {
        "done": ("done", "✓ done"),
        "failed": ("refused", "✕ refused"),
        "conflict": ("in conflict", "⚠ conflict"),
        "unknown": ("unknown", "? unknown"),
        "left": ("not sent", "not sent"),
    }

    def __init__(self, batch: Batch, names: Mapping[str, str]) -> None:
        found = batch.frame()
        people = zip(found["id"].fillna(""), found["customer"].fillna(""), strict=True)
        lines = {
            "row": found.index,
            "customer": [names.get(key) or name or key for key, name in people],
            "what": found["action"].map(_ACTIONS),
            "reasons": found["reason"].fillna(""),
        }
        outcomes = [name if name in self.names else "left" for name in found["outcome"]]
        super().__init__(_index_rows(pd.DataFrame(lines)), outcomes)
