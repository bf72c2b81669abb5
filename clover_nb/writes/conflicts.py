"""Has somebody else changed the record? Clover has no version to ask for, so values are compared.

Between the look and the change somebody may still come in between: it is the best that can be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from clover_nb.errors import Change, EditConflictError, ValidationError
from clover_nb.journal.entries import Fields

#: What a person can have changed. Both APIs show it, but for the note, which is the Platform's.
COMPARED: Final = (
    "email",
    "name",
    "phone",
    "shipping_line1",
    "shipping_line2",
    "shipping_city",
    "shipping_state",
    "shipping_postal_code",
    "shipping_country",
    "source_ids",
    "note",
)


def check_conflicts(expected: Mapping[str, Any] | pd.Series[Any], now: Fields) -> None:
    """Refuse to go on when a record is not as it was.

    Args:
        expected: The customer as it was read: a row of :func:`clover_nb.to_row`, or of a table
            (``table.loc[id]``, or from ``table.iterrows()``), which is named by the id.
        now: The customer's fields as they are.

    Raises:
        EditConflictError: It has changed; ``changes`` says what.
        ValidationError: ``expected`` is not this customer's row.
    """
    then = dict(expected) if isinstance(expected, Mapping | pd.Series) else {}
    if isinstance(expected, pd.Series):
        then = {"id": expected.name} | then
    if isinstance(then.get("source_ids"), str):  # as a table has them
        then["source_ids"] = then["source_ids"].split()
    if then.get("id") != now["id"]:
        raise ValidationError(
            "expected is not the row of this customer.",
            hint="Pass the row that customers.retrieve gave for it.",
            field="expected",
        )
    compared = [label for label in COMPARED if label in then]
    if not compared:
        raise ValidationError(
            "expected has nothing by which a change would be noticed.",
            hint=f"Leave some of its fields in: {', '.join(COMPARED)}.",
            field="expected",
        )
    if changes := find_changes(then, now, compared):
        seen = "; ".join(f"{each.field} was {each.then!r}, is {each.now!r}" for each in changes)
        raise EditConflictError(
            f"The customer was changed since you read it: {seen}.",
            changes=changes,
            hint="Read it again with customers.retrieve, and decide anew.",
        )


def find_changes(then: Mapping[str, Any], now: Fields, labels: Iterable[str]) -> list[Change]:
    """The fields among ``labels`` that differ; missing values of any kind are the same."""
    pairs = (
        (label, _comparable_value(then.get(label)), _comparable_value(now.get(label)))
        for label in labels
    )
    # A file has no empty list: there it is missing too.
    return [Change(*each) for each in pairs if (each[1] or None) != (each[2] or None)]


def _comparable_value(value: Any) -> Any:  # noqa: ANN401  a text, or a list of them
    if isinstance(value, str):
        return value or None  # as an address's part that was taken off
    if pd.api.types.is_list_like(value):
        return list(value)
    return None if pd.isna(value) else value
