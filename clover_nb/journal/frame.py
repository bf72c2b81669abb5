"""The journal as a table, whatever stands in its lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa

from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.journal import tables
from clover_nb.journal.fields import parse_fields, parse_number

_E: Final = tables.entries.c
# The columns of the frame, after the number.
_SHOWN: Final = (
    _E.time,
    _E.person,
    _E.host,
    _E.merchant,
    _E.operation,
    _E.customer_id,
    _E.outcome,
    _E.before,
    _E.sent,
    _E.after,
    _E.request_id,
    _E.consent,
    _E.undoes,
    _E.process,
    _E.login,
)


def select_lines(customer_id: str | None) -> sa.Select[Any]:
    """What is read for :func:`make_frame`: of one customer, or of all."""
    chosen = sa.select(_E.entry, *_SHOWN).order_by(_E.entry)
    return chosen if customer_id is None else chosen.where(_E.customer_id == customer_id)


def make_frame(lines: Sequence[sa.Row[Any]]) -> pd.DataFrame:
    """Make the table; see :meth:`clover_nb.journal.journal.Journal.frame`."""
    names = ["entry", *(column.name for column in _SHOWN)]
    columns = dict(zip(names, zip(*lines, strict=True) if lines else repeat(()), strict=False))
    index = pd.Index(columns.pop("entry"), dtype="int64", name="entry")
    table = pd.DataFrame(
        {
            name: pd.Series(
                [_parse_value(name, value) for value in values],
                index=index,
                dtype=_DTYPES.get(name, TEXT_DTYPE),
            )
            for name, values in columns.items()
        }
    )
    table["time"] = pd.to_datetime(table["time"], unit="s", utc=True).dt.as_unit("ms")
    return table


_JSON: Final = ("before", "sent", "after")
_DTYPES: Final = dict.fromkeys(_JSON, "object") | {
    "time": "float64",
    "consent": "boolean",
    "undoes": "Int64",
}


def _parse_value(name: str, value: object) -> Any:  # noqa: ANN401  as the column has it
    """A value of the table; missing where it is none of its column's."""
    if name in _JSON:
        return parse_fields(value)
    if name in _DTYPES:
        number = parse_number(value)
        if number is None or name == "time":
            return number if number is not None and abs(number) < _LATEST else None
        return bool(number) if name == "consent" else int(number)
    return None if value is None else str(value)


_LATEST: Final = 2**33  # seconds: a time that pandas can show
