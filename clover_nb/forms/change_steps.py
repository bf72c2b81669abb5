"""The steps of changing many: what each shows and decides. Functions that know no widget."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from clover_nb import constants
from clover_nb.bulk.batch import Batch
from clover_nb.bulk.columns import ID, READ, ColumnMapping, match_columns
from clover_nb.bulk.fields import ADDRESS, FIELDS, READ_ONLY
from clover_nb.bulk.plan import Plan
from clover_nb.bulk.rows import KINDS, Decision, PlanRow, name_customer
from clover_nb.errors import ValidationError
from clover_nb.forms.messages import column_label
from clover_nb.masking import mask_text

#: What a field is called here, by its name in a table.
LABELS: Final[Mapping[str, str]] = {ID: "Clover id"} | {
    name: {"shipping_line1": "Address line 1", "shipping_line2": "Address line 2"}.get(
        name, column_label(name).replace("Postal code", "ZIP code")
    )
    for name in FIELDS
}
#: What can be set for several customers at once: a label and the fields, by name.
SETTABLE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    **{name: (LABELS[name], (name,)) for name in FIELDS if name not in ADDRESS},
    "address": ("Shipping address", ADDRESS),
}
#: By what a row is somebody: a label and the fields, by name.
KEYS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "": ("Clover id, or else email", (ID, "email")),
    "email": ("Email", ("email",)),
    "phone": ("Phone", ("phone",)),
}
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
_SAMPLES: Final = 3  # values of a column
_SAMPLE_LENGTH: Final = 60
_EMPTY: Final = "(empty)"
_MINUTE: Final = 60
_HOUR: Final = 3600


class ColumnChoice(NamedTuple):
    """A column of a table, and which field it is.

    Attributes:
        heading: The table's.
        samples: Some values, without card numbers.
        field: The field's name, ``""`` if the column is left out.
        note: What is to be said about it.
        is_fixed: Whether nothing can be chosen.
    """

    heading: str
    samples: list[str]
    field: str
    note: str = ""
    is_fixed: bool = False


class RowWarning(NamedTuple):
    """A kind of doubt, and how many rows have it."""

    code: str
    label: str
    rows: int


# -- the file --------------------------------------------------------------------------------------


def describe_table(table: pd.DataFrame) -> str:
    """How a table was read, in a line."""
    read = table.attrs["read"]
    if read["format"] == "XLSX":
        how = f"sheet {read['sheet']}"
    else:
        names = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
        how = names.get(read["encoding"], read["encoding"])
        how += f", {read['separator']}" if read["separator"] != "none" else ", one column"
    columns = f"{len(table.columns)} column{'' if len(table.columns) == 1 else 's'}"
    rows = count_rows(len(table))
    return f"{read['file']}: {rows}, {columns}; {how}, headings in row {read['header']}"


def count_rows(count: int, noun: str = "row") -> str:
    """A number of rows, in words."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# -- the columns -----------------------------------------------------------------------------------


def list_columns(table: pd.DataFrame) -> list[ColumnChoice]:
    """The columns of a table, with a field where the heading leaves no doubt."""
    try:
        found = match_columns(table)
        ambiguous: set[str] = set()
    except ValidationError:
        found, ambiguous = _match_one_by_one(table)
    fields = {heading: field for field, heading in found.fields.items()}
    ignored = {heading: field for field, heading in found.read_only.items()}
    choices = []
    for heading in map(str, table.columns):
        samples = _sample_values(table[heading])
        if heading == found.fields.get(READ):
            note = "Tells what was edited since the table was saved"
            choices.append(ColumnChoice(heading, [], READ, note, is_fixed=True))
        elif heading in ignored:
            note = f"Is ignored: {READ_ONLY[ignored[heading]]}"
            choices.append(ColumnChoice(heading, samples, "", note, is_fixed=True))
        else:
            note = ""
            if heading in ambiguous:
                note = "Another column can be the same field: choose"
            elif heading in found.likely:
                note = f"Looks like {LABELS[found.likely[heading]].lower()}: choose"
            choices.append(ColumnChoice(heading, samples, fields.get(heading, ""), note))
    return choices


def _match_one_by_one(table: pd.DataFrame) -> tuple[ColumnMapping, set[str]]:
    """What each heading says alone, and those that say the same."""
    alone = {name: match_columns(table[[name]]) for name in map(str, table.columns)}
    pairs = [(field, name) for name, found in alone.items() for field in found.fields]
    counts = Counter(field for field, _ in pairs)
    fields = {field: name for field, name in pairs if counts[field] == 1}
    ambiguous = {name for field, name in pairs if counts[field] > 1}
    ignored = {field: name for found in alone.values() for field, name in found.read_only.items()}
    return ColumnMapping(fields, ignored, [], {}), ambiguous


def _sample_values(column: pd.Series[Any]) -> list[str]:
    filled = column[column.str.strip() != ""].drop_duplicates().head(_SAMPLES)
    values = [mask_text(value) for value in filled]
    return [v if len(v) <= _SAMPLE_LENGTH else f"{v[: _SAMPLE_LENGTH - 1]}…" for v in values]


def check_columns(choices: Sequence[ColumnChoice], fields: Sequence[str]) -> dict[int, str]:
    """What is wrong with the chosen fields, by the place of the column."""
    wrong = {}
    for place, field in enumerate(fields):
        if field and not choices[place].is_fixed and fields.count(field) > 1:
            wrong[place] = f"{LABELS[field]} is chosen twice: leave one out."
    return wrong


def make_columns_argument(
    choices: Sequence[ColumnChoice], fields: Sequence[str]
) -> dict[str, str | None]:
    """The chosen fields, as ``clover.customers.plan`` takes them."""
    pairs = zip(choices, fields, strict=True)
    return {choice.heading: field or None for choice, field in pairs if not choice.is_fixed}


# -- one field for several customers ---------------------------------------------------------------


def make_value_table(ids: Sequence[str], values: Mapping[str, str]) -> pd.DataFrame:
    """A table that sets the same fields for several customers."""
    columns = {ID: list(ids)} | {name: [text.strip()] * len(ids) for name, text in values.items()}
    return pd.DataFrame(columns, dtype="str")


# -- the review ------------------------------------------------------------------------------------


def make_plan_table(plan: Plan) -> pd.DataFrame:
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


def update_states(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The table of :func:`make_plan_table` after a decision."""
    states = pd.Series(
        [_STATES[row.status] for row in plan.rows],
        index=[str(row.row) for row in plan.rows],
        dtype="str",
    )
    return table.assign(state=states.reindex(table.index).fillna(""))


def filter_by_count(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows that one of :data:`COUNTS` counts; ``""`` is all."""
    if not name:
        return table
    if name == "unchanged":
        return table[table["what"] == "Unchanged"]
    if name in _ACTIONS:
        return table[(table["what"] == _ACTIONS[name]) & (table["state"] == "")]
    return table[table["state"] == _STATES[name]]


def list_doubts(plan: Plan) -> list[RowWarning]:
    """The kinds of doubt in a plan, among rows that can be right."""
    found = Counter(
        code for row in plan.rows if row.status != "wrong" for code in {r.code for r in row.reasons}
    )
    return [RowWarning(code, DOUBTS[code], found[code]) for code in KINDS if found[code]]


def decide_rows(plan: Plan, kinds: Iterable[str], rows: Mapping[int, Decision]) -> None:
    """Accept rows all of whose doubts are accepted; what was decided of a single row goes first."""
    accepted = set(kinds)
    for row in plan.rows:
        codes = {reason.code for reason in row.reasons}
        agreed: Decision | None = "accepted" if codes and codes <= accepted else None
        row.decision = rows.get(row.row, agreed)


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


# -- applying, and what came of it -----------------------------------------------------------------


def describe_duration(seconds: float) -> str:
    """A time to wait, in words."""
    if seconds < _MINUTE:
        return f"about {max(5, math.ceil(seconds / 5) * 5)} seconds"
    minutes = math.ceil(seconds / _MINUTE)
    hours, rest = divmod(minutes, _HOUR // _MINUTE)
    if not hours:
        return f"about {count_rows(minutes, 'minute')}"
    told = f"about {count_rows(hours, 'hour')}"
    return f"{told} {count_rows(rest, 'minute')}" if rest else told


def estimate_seconds(requests: int) -> float:
    """How long requests take at Clover's pace."""
    return requests / constants.REQUESTS_PER_SECOND


def describe_work(plan: Plan) -> str:
    """What applying a plan takes."""
    ready = sum(row.requests > 0 for row in plan.rows)
    requests = count_rows(plan.requests, "request")
    return (
        f"{count_rows(ready, 'customer')}, {requests}: "
        f"{describe_duration(estimate_seconds(plan.requests))}."
    )


def make_result_table(batch: Batch) -> pd.DataFrame:
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


def filter_by_outcome(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows that one of :data:`OUTCOMES` counts; ``""`` is all."""
    return table[table["state"] == _ENDS[name]] if name else table


def count_outcomes(counts: Mapping[str, int]) -> dict[str, int]:
    """A batch's counts by the names of :data:`OUTCOMES`."""
    found: Counter[str] = Counter()
    for name, count in counts.items():
        found[name if name in OUTCOMES else "left"] += count
    return {name: found[name] for name in OUTCOMES if found[name]}
