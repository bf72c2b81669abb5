"""Plans: what a table would change, to be reviewed, saved, and applied once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from numbers import Integral
from typing import Any, Final, SupportsIndex, get_args

import pandas as pd

from clover_nb.bulk import plan_files
from clover_nb.bulk.review import Empty, review_table
from clover_nb.bulk.rows import Decision, PlanRow, Status
from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import ValidationError
from clover_nb.journal.processes import user_name

_SHOWN: Final = 20  # rows in a notebook
_ORDER: Final = ("create", "modify", "delete", "unchanged")
_FORMS: Final = {"conflict": "conflicts"}  # of two and more


@dataclass(repr=False, kw_only=True)
class Plan:
    """What is to be changed at Clover, row by row. Nothing has been sent.

    Made by ``clover.customers.plan``. A row has an action (``create``, ``modify``, ``delete`` or
    ``unchanged``) and a status: ``ready``; ``doubtful`` and ``conflict``, which are applied when
    :meth:`accept` says so; ``wrong``, which is never sent; or ``skipped``.

    Attributes:
        id: What tells it from every other plan.
        merchant: Whose customers they are.
        host: Where they are.
        person: Who made it.
        created: When, in ISO 8601.
        source: The file that it was made from: its name, hash, and how it was read.
        headings: The table's headings.
        columns: Which heading is which field.
        notes: What is not done, and why.
    """

    id: str = field(default_factory=plan_files.new_id)
    merchant: str | None
    host: str
    person: str = field(default_factory=user_name)
    created: str = field(default_factory=plan_files.current_time)
    source: Mapping[str, Any]
    headings: Sequence[str]
    columns: Mapping[str, str]
    notes: Sequence[str]
    rows: list[PlanRow] = field(repr=False)
    unchanged: pd.Series[str] = field(repr=False)

    # -- what it says ------------------------------------------------------------------------------

    @property
    def requests(self) -> int:
        """How many requests its ready rows take."""
        return sum(row.requests for row in self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many ready rows there are by action, and how many others by status."""
        found = Counter(row.category for row in self.rows)
        found["unchanged"] += len(self.unchanged)
        order = (*_ORDER, *get_args(Status))
        return {name: found[name] for name in order if found[name]}

    def frame(self, status: Status | None = None) -> pd.DataFrame:
        """The plan as a table, a line a row.

        Args:
            status: Rows of this status alone.

        Returns:
            A DataFrame indexed by ``row``, the number in the table that was planned, with
            ``action``, ``status``, ``id``, ``requests``, and ``reasons``: sentences, one a line.

        Raises:
            ValidationError: There is no such status.
        """
        if status is not None and status not in get_args(Status):
            raise ValidationError(
                f"There is no status {status!r}.",
                hint=f"There are: {', '.join(get_args(Status))}.",
                field="status",
            )
        lines: list[tuple[object, ...]] = [
            (
                row.row,
                row.action,
                row.status,
                row.customer_id,
                row.requests,
                "\n".join(f"{reason.field}: {reason.message}" for reason in row.reasons),
            )
            for row in self.rows
            if status in (None, row.status)
        ]
        if status in (None, "ready"):
            lines += [
                (row, "unchanged", "ready", key, 0, "") for row, key in self.unchanged.items()
            ]
        names = ["row", "action", "status", "id", "requests", "reasons"]
        kinds = dict.fromkeys(names, TEXT_DTYPE) | {"row": "int64", "requests": "int64"}
        table = pd.DataFrame(lines, columns=names).astype(kinds).set_index("row")
        return table.sort_index(kind="stable")

    def changes(self) -> pd.DataFrame:
        """What would change, a line a field; rows that are wrong or skipped are left out.

        Returns:
            A DataFrame with ``row``, ``id``, ``field``, ``before`` and ``after``.
        """
        lines = [
            (row.row, row.customer_id, name, row.before.get(name, ""), value)
            for row in self.rows
            if row.status not in ("wrong", "skipped")
            for name, value in row.wanted.items()
        ]
        names = ["row", "id", "field", "before", "after"]
        kinds = dict.fromkeys(names, TEXT_DTYPE) | {"row": "int64"}
        return pd.DataFrame(lines, columns=names).astype(kinds)

    def __repr__(self) -> str:
        parts = [f"{count:,} {_pluralize_name(name, count)}" for name, count in self.counts.items()]
        return f"<Plan: {', '.join(parts) or 'no rows'}>"

    def _repr_html_(self) -> str:
        shown = [row for row in self.rows if row.wanted or row.reasons]
        lines = "".join(map(_html_row, shown[:_SHOWN]))
        more = len(shown) - _SHOWN
        rest = f"<p>and {more:,} more: <code>plan.frame()</code>, <code>plan.changes()</code></p>"
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        heads = "".join(f"<th>{name}</th>" for name in ("row", "action", "status", "changes"))
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
        return (
            "<div class='mathjax_ignore'>"
            f"<p>{escape(repr(self)[1:-1])}; {self.requests:,} requests</p>{notes}"
            f"{table if shown else ''}{rest if more > 0 else ''}</div>"
        )

    # -- decisions ---------------------------------------------------------------------------------

    def accept(self, rows: SupportsIndex | Iterable[SupportsIndex]) -> None:
        """Do doubtful rows, and those in conflict, all the same.

        Args:
            rows: Their numbers, such as ``plan.frame(status="doubtful").index``.

        Raises:
            ValidationError: There is no such row, or it is wrong.
        """
        chosen = self._find_rows(rows)
        if wrong := [row.row for row in chosen if row.status == "wrong"]:
            named = ", ".join(map(str, wrong))
            raise ValidationError(
                f"What can't be right is never sent: row {named}.",
                hint="Mend the table, and plan it anew.",
                field="rows",
            )
        self._set_decision(chosen, "accepted")

    def skip(self, rows: SupportsIndex | Iterable[SupportsIndex]) -> None:
        """Leave rows out. :meth:`accept` takes them in again.

        Args:
            rows: Their numbers.

        Raises:
            ValidationError: There is no such row.
        """
        self._set_decision(self._find_rows(rows), "skipped")

    def _set_decision(self, rows: Iterable[PlanRow], decision: Decision) -> None:
        for row in rows:
            row.decision = decision

    def _find_rows(self, numbers: SupportsIndex | Iterable[SupportsIndex]) -> list[PlanRow]:
        asked = _parse_numbers(numbers)
        chosen = [row for row in self.rows if row.row in asked]
        missing = asked - {row.row for row in chosen} - set(self.unchanged.index)
        if missing:
            raise ValidationError(f"The plan has no row {min(missing)}.", field="rows")
        return chosen

    # -- the file ----------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the plan, readable by this user alone, as JSON Lines: a header, then a line a row.

        It holds what changes and the rows that they come from, so customers' data, and neither
        tokens nor card numbers.

        Args:
            path: The file.

        Raises:
            ValidationError: It can't be written.
        """
        header = {
            "plan": self.id,
            "merchant": self.merchant,
            "host": self.host,
            "person": self.person,
            "created": self.created,
            "source": self.source,
            "headings": self.headings,
            "columns": self.columns,
            "notes": self.notes,
            "counts": self.counts,
        }
        plan_files.write_plan_file(path, header, self.rows, self.unchanged.items())


def make_plan(
    table: pd.DataFrame,
    current: pd.DataFrame,
    *,
    merchant: str | None,
    host: str,
    key: str | Sequence[str] = ("id", "email"),
    columns: Mapping[str, str | None] | None = None,
    base: pd.DataFrame | None = None,
    empty: Empty = "keep",
) -> Plan:
    """Plan a table; see :meth:`clover_nb.customers.Customers.plan`."""
    found = review_table(table, current, key=key, columns=columns, base=base, empty=empty)
    return Plan(
        merchant=merchant,
        host=host,
        source=table.attrs.get("read", {}),
        headings=[str(name) for name in table.columns],
        columns=found.columns.fields,
        notes=found.notes,
        rows=found.rows,
        unchanged=found.unchanged,
    )


def read_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a plan that was saved.

    Args:
        path: The file.

    Returns:
        The plan, as it was reviewed.

    Raises:
        ValidationError: It is no plan, was altered, or comes from a newer version.

    Example:
        >>> clover = clover_nb.connect("local", seed=1)
        >>> table = pd.DataFrame({"email": ["new@example.com"], "name": ["Ana Rivera"]})
        >>> clover.customers.plan(table).save("spring.plan.jsonl")
        >>> read_plan("spring.plan.jsonl")
        <Plan: 1 create>
    """
    header, rows, unchanged = plan_files.read_plan_file(path)
    numbers = pd.Index([row for row, _ in unchanged], dtype="int64", name="row")
    ids = pd.Series([key for _, key in unchanged], index=numbers, name="id", dtype=TEXT_DTYPE)
    return Plan(id=header.pop("plan"), **header, rows=rows, unchanged=ids)


def _parse_numbers(numbers: SupportsIndex | Iterable[SupportsIndex]) -> set[int]:
    """Row numbers, of Python or of numpy. A mask, whose truths would be rows 0 and 1, is none."""
    given = list(numbers) if isinstance(numbers, Iterable) else [numbers]
    if not all(isinstance(each, Integral) and not isinstance(each, bool) for each in given):
        raise ValidationError(
            "rows must be numbers of rows.",
            hint='They are the index of plan.frame(), such as plan.frame(status="doubtful").index.',
            field="rows",
        )
    return set(map(int, given))


def _pluralize_name(name: str, count: int) -> str:
    return name if count == 1 else _FORMS.get(name, name)


def _html_row(row: PlanRow) -> str:
    changes = [
        f"{escape(name)}: <del>{escape(row.before.get(name, ''))}</del> → "
        f"<ins>{escape(value)}</ins>"
        for name, value in row.wanted.items()
    ]
    reasons = [f"<em>{escape(reason.message)}</em>" for reason in row.reasons]
    cells = (str(row.row), row.action, row.status, "<br>".join(changes + reasons))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
