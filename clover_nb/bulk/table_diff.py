"""Comparing a table with the customers at Clover, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clover_nb.bulk.columns import ID, ColumnMapping
from clover_nb.bulk.fields import FIELDS, as_texts, normalize_value, to_arrow
from clover_nb.bulk.rows import RowReason
from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.masking import mask_text

Positions = npt.NDArray[np.intp]
NONE = -1

_NAMED = 3  # customers in a message


class RowMatch(NamedTuple):
    """Which customer each row is.

    Attributes:
        positions: In the listing; ``NONE`` for a row that is nobody's.
        problems: Rows of which it can't be told, by position.
    """

    positions: Positions
    problems: dict[int, RowReason]


class TableDifference(NamedTuple):
    """What a table has otherwise than Clover, before any rule is asked.

    Attributes:
        changed: By field that can be set, whether a row's text differs and is to be set.
        ignored: Fields that differ and can't be set.
    """

    changed: dict[str, npt.NDArray[np.bool_]]
    ignored: list[str]


def match_rows(
    wanted: Mapping[str, pa.Array], current: pd.DataFrame, key: Sequence[str]
) -> RowMatch:
    """Find each row's customer by the first of the key's columns that is filled.

    Args:
        wanted: The table's texts by field.
        current: All customers.
        key: Fields.
    """
    many = len(next(iter(wanted.values())))
    positions = np.full(many, NONE, dtype=np.intp)
    waiting = np.ones(many, dtype=bool)
    problems: dict[int, RowReason] = {}
    for field in key:
        if field not in wanted:
            continue
        trimmed = pc.utf8_trim_whitespace(wanted[field])
        filled = pc.not_equal(trimmed, "").to_numpy(zero_copy_only=False) & waiting
        if not filled.any():
            continue
        rows = np.flatnonzero(filled)
        values = trimmed.filter(pa.array(filled))
        waiting &= ~filled
        ambiguous: dict[int, list[str]] = {}
        if field == ID:
            found = _find_positions(values, to_arrow(current.index.to_series()))
            for row in rows[found == NONE]:
                shown = mask_text(trimmed[int(row)].as_py())
                message = f"There is no customer {shown} (any more)."
                problems[int(row)] = RowReason(ID, "unknown_id", message)
        else:
            found, ambiguous = _by_value(field, values, current)
            for place, ids in ambiguous.items():
                named = ", ".join(ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else "")
                message = f"{len(ids)} customers have this {field}: {named}. Name one by its id."
                problems[int(rows[place])] = RowReason(field, "several_customers", message)
        found[list(ambiguous)] = NONE
        positions[rows] = found
    return RowMatch(positions, problems)


def _by_value(
    field: str, values: pa.Array, current: pd.DataFrame
) -> tuple[Positions, dict[int, list[str]]]:
    """The position of the only customer with each value, and the ids where there are several."""
    held = pd.Series(
        [normalize_value(field, text) for text in as_texts(current[field]).to_pylist()],
        dtype=TEXT_DTYPE,
    )
    asked = pd.Series(
        [normalize_value(field, text) for text in values.to_pylist()], dtype=TEXT_DTYPE
    )
    found = _find_positions(to_arrow(asked), to_arrow(held))
    twice = held[held.duplicated(keep=False)]
    ambiguous = {
        row: list(current.index[held == asked[row]])
        for row in np.flatnonzero(asked.isin(twice)).tolist()
    }
    return found, ambiguous


def _find_positions(values: pa.Array, among: pa.Array) -> Positions:
    """The first place of each value among others; ``NONE`` where it is not."""
    places = pc.index_in(values, value_set=among.cast(values.type))
    return np.array(pc.fill_null(places, NONE), dtype=np.intp)


def compare_rows(
    columns: ColumnMapping,
    table: pd.DataFrame,
    current: pd.DataFrame,
    positions: Positions,
    *,
    empty_keeps: bool,
) -> TableDifference:
    """Compare each row with its customer.

    Args:
        columns: The table's columns.
        table: The table.
        current: All customers.
        positions: Each row's customer.
        empty_keeps: Whether an empty cell keeps what is there.
    """
    known = positions != NONE
    aligned = len(positions) == len(current) and bool((positions == np.arange(len(current))).all())
    take = None if aligned else pa.array(np.where(known, positions, 0))

    def find_differences(theirs: pa.Array, ours: pa.Array) -> Any:  # noqa: ANN401  an array
        if take is not None:
            theirs = theirs.take(take) if len(theirs) else pa.repeat("", len(ours))
        return pc.fill_null(pc.not_equal(theirs, ours), fill_value=True).to_numpy(
            zero_copy_only=False
        )

    changed = {}
    for field in FIELDS:
        if field not in columns.fields:
            continue
        ours = as_texts(table[columns.fields[field]])
        changed[field] = find_differences(as_texts(current[field]), ours) | ~known
        if empty_keeps:
            changed[field] &= pc.not_equal(ours, "").to_numpy(zero_copy_only=False)
    chosen = None if aligned else (positions[known], np.flatnonzero(known))
    ignored = [
        field
        for field, heading in columns.read_only.items()
        if not _is_unchanged(current[field], table[heading], chosen)
    ]
    return TableDifference(changed, ignored)


def _is_unchanged(
    theirs: pd.Series[Any], ours: pd.Series[Any], chosen: tuple[Positions, Positions] | None
) -> bool:
    """Whether a column is as it was, where it is filled.

    Args:
        theirs: Clover's.
        ours: The table's.
        chosen: Which values belong together; ``None`` is all, in this order.
    """
    if chosen is not None:
        # Without their index, which would be made anew.
        theirs, ours = (
            pd.Series(theirs.array.take(chosen[0])),
            pd.Series(ours.array.take(chosen[1])),
        )
    if theirs.dtype == ours.dtype and to_arrow(theirs).equals(to_arrow(ours)):
        return True  # times and lists take long to be written as texts
    given = as_texts(ours)
    return not pc.any(
        pc.and_(pc.not_equal(given, ""), pc.not_equal(as_texts(theirs), given))
    ).as_py()
