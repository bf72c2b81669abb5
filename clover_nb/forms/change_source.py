"""Where the wanted values of many changes come from: a file, or one field for several customers.

Both have the same methods, so that the form needs not know which it has. Neither knows a widget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import pandas as pd

from clover_nb.bulk.columns import ID
from clover_nb.bulk.tables import parse_table
from clover_nb.forms import change_steps
from clover_nb.forms.change_steps import ColumnChoice
from clover_nb.forms.spec import FieldSpec
from clover_nb.forms.upload import Upload

Step = Literal["file", "set", "columns", "review", "apply", "results"]
Options = Iterable[tuple[str, str]]  # a value and a label each
Wanted = tuple[pd.DataFrame, dict[str, Any]]  # as clover.customers.plan takes it

_COLUMN: Final = "column "  # in front of the place, in the name of a choice
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
_EMPTY_CELL: Final = {"keep": "keeps what is there", "clear": "empties the field"}


class FileSource:
    """A file or pasted cells, how they are read, and which field each column is.

    Attributes:
        steps: The steps that come before the review.
        title: The heading of the form.
        upload: The file, as far as it is here.
    """

    steps: tuple[Step, ...] = ("file", "columns")
    title = "Change many customers"

    def __init__(self) -> None:
        self.upload = Upload()
        self._table: pd.DataFrame | None = None
        self._choices: list[ColumnChoice] = []

    def list_inputs(self) -> dict[str, str]:
        """What the inputs hold at first, by name."""
        fields = {f"{_COLUMN}{n}": each.field for n, each in enumerate(self._choices)}
        return {**_READING, **_MATCHING, **fields}

    def check_reading(self, values: Mapping[str, str]) -> str:
        """What is wrong with how the file is to be read; empty if nothing is."""
        header = values["header"].strip()
        is_wrong = header and not header.isdigit()
        return "The row of the headings is a number, such as 2." if is_wrong else ""

    def parse(self, values: Mapping[str, str]) -> pd.DataFrame:
        """Read the file as the inputs say.

        Raises:
            ValidationError: It can't be read.
        """
        chosen = {each: values[each].strip() for each in _READING}
        return parse_table(
            bytes(self.upload.content),
            self.upload.name,
            sheet=chosen["sheet"] or None,
            header=int(chosen["header"]) if chosen["header"] else None,
            encoding=chosen["encoding"] or None,
        )

    def take_table(self, table: pd.DataFrame) -> None:
        """Go on with what was read."""
        self._table, self._choices = table, change_steps.list_columns(table)

    def keep_inputs(self, values: Mapping[str, str]) -> dict[str, str]:
        """What stays in the inputs when the file was read."""
        return {name: values[name] for name in (*_READING, *_MATCHING)}

    def find_errors(self, values: Mapping[str, str]) -> dict[str, str]:
        """What is wrong with the choices, by input."""
        wrong = change_steps.check_columns(self._choices, self._list_fields(values))
        return {f"{_COLUMN}{place}": text for place, text in wrong.items()}

    def make_wanted(self, values: Mapping[str, str]) -> Wanted | None:
        """The wanted values; ``None`` when there are none yet."""
        if self._table is None:
            return None
        fields = self._list_fields(values)
        return self._table, {
            "key": change_steps.KEYS[values["key"]][1],
            "columns": change_steps.make_columns_argument(self._choices, fields),
            "empty": values["empty"],
        }

    def summarize(self, values: Mapping[str, str]) -> dict[str, str]:
        """What its steps came to, by step."""
        if self._table is None:
            return {}
        taken = sum(map(bool, self._list_fields(values)))
        columns = f"{taken} of {change_steps.count_rows(len(self._choices), 'column')}"
        return {"file": change_steps.describe_table(self._table), "columns": columns}

    def describe(self, _: Mapping[str, str]) -> dict[str, Any]:
        """What its steps show, by trait."""
        read = {} if self._table is None else self._table.attrs["read"]
        sheets = [read["sheet"], *read["other_sheets"]] if "sheet" in read else []
        offered = [("", "the first that holds something"), *((each, each) for each in sheets)]
        encodings = _ENCODINGS.items() if read.get("format") == "CSV" else ()
        keys = ((name, label) for name, (label, _) in change_steps.KEYS.items())
        header = FieldSpec("header", "Row of the headings", "number", placeholder="found out")
        reading = [
            _choose("encoding", "Encoding", encodings),
            _choose("sheet", "Sheet", offered if len(sheets) > 1 else ()),
            vars(header),
        ]
        matching = [
            _choose("key", "A row is somebody by", keys),
            _choose("empty", "An empty cell", _EMPTY_CELL.items()),
        ]
        fields = [["", "leave out"], *map(list, change_steps.LABELS.items())]
        return {
            "upload": self.upload.describe(),
            "fields": {
                "reading": reading,
                "matching": matching,
                "columns": fields,
            },
            "columns": [_describe_column(*each) for each in enumerate(self._choices)],
        }

    def _list_fields(self, values: Mapping[str, str]) -> list[str]:
        return [values.get(f"{_COLUMN}{place}", "") for place in range(len(self._choices))]


class ValueSource:
    """One field, or the address, for several customers. Methods as of :class:`FileSource`.

    Attributes:
        steps: The steps that come before the review.
        title: The heading of the form.
        ids: The customers.
    """

    steps: tuple[Step, ...] = ("set",)

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = list(ids)
        self.title = f"Change {change_steps.count_rows(len(ids), 'customer')}"

    def list_inputs(self) -> dict[str, str]:  # noqa: D102  as of FileSource
        names = [name for _, names in change_steps.SETTABLE.values() for name in names]
        return dict.fromkeys(names, "") | {"field": next(iter(change_steps.SETTABLE))}

    def find_errors(self, _: Mapping[str, str]) -> dict[str, str]:  # noqa: D102
        return {}

    def make_wanted(self, values: Mapping[str, str]) -> Wanted | None:  # noqa: D102
        _, names = change_steps.SETTABLE[values["field"]]
        table = change_steps.make_value_table(self.ids, {name: values[name] for name in names})
        return table, {"key": (ID,), "empty": "clear"}

    def summarize(self, values: Mapping[str, str]) -> dict[str, str]:  # noqa: D102
        return {"set": change_steps.SETTABLE[values["field"]][0]}

    def describe(self, values: Mapping[str, str]) -> dict[str, Any]:  # noqa: D102
        _, names = change_steps.SETTABLE[values["field"]]
        fields = ((name, label) for name, (label, _) in change_steps.SETTABLE.items())
        wanted = [vars(FieldSpec(name, change_steps.LABELS[name])) for name in names]
        return {"fields": {"matching": [_choose("field", "What to set", fields), *wanted]}}


def _choose(name: str, label: str, options: Options) -> dict[str, Any]:
    """A choice of one; the browser hides it where there is nothing to choose."""
    return vars(FieldSpec(name, label, "choice")) | {"options": list(map(list, options))}


def _describe_column(place: int, column: ColumnChoice) -> dict[str, Any]:
    """A column of the file, with the choice of its field where there is one."""
    field = FieldSpec(f"{_COLUMN}{place}", column.heading, "choice")
    chosen = None if column.is_fixed else vars(field)
    return {**column._asdict(), "field": chosen}
