"""Where the wanted values of many changes come from: a file, or one field for several customers.

Both have the same methods, so that the form needs not know which it has. Neither knows a widget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import pandas as pd

from clover_nb.bulk.columns import ID, READ, suggest_columns
from clover_nb.bulk.fields import ADDRESS, FIELDS, READ_ONLY
from clover_nb.bulk.tables import MAX_BYTES, parse_table
from clover_nb.errors import ValidationError
from clover_nb.forms.messages import column_label, count_rows
from clover_nb.forms.spec import FieldSpec
from clover_nb.masking import mask_text

Step = Literal["file", "set", "columns", "review", "apply", "results"]
Options = Iterable[tuple[str, str]]  # a value and a label each
Wanted = tuple[pd.DataFrame, dict[str, Any]]  # as clover.customers.plan takes it

#: What a field is called here, by its name in a table.
LABELS: Final[Mapping[str, str]] = {ID: "Clover id"} | {
    name: column_label(name).replace("Postal code", "ZIP code") for name in FIELDS
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

_COLUMN: Final = "column "  # in front of the place, in the name of a choice
_FIELDS: Final = [("", "leave out"), *LABELS.items()]
_ENCODINGS: Final = {
    "": "as it is found out",
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252",
    "utf-16": "UTF-16",
    "mac_roman": "Mac Roman",
    "cp850": "DOS (850)",
}
_SAMPLES: Final = 3  # values of a column
_SAMPLE_LENGTH: Final = 60
_ASKED: Final = {"encoding": "", "sheet": "", "header": "", "key": "", "empty": "keep"}
_EMPTY_CELL: Final = {"keep": "keeps what is there", "clear": "empties the field"}


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


class FileSource:
    """A file or pasted cells, how they are read, and which field each column is.

    The file comes from the browser in parts, one after the other.

    Attributes:
        steps: The steps that come before the review, and their titles.
        title: The heading of the form.
    """

    steps: Mapping[Step, str] = {"file": "File", "columns": "Columns"}
    title = "Change many customers"

    def __init__(self) -> None:
        self._upload, self._name, self._size = "", "", 0
        self._content = bytearray()
        self._table: pd.DataFrame | None = None
        self._choices: list[ColumnChoice] = []

    def take_part(self, message: Mapping[str, Any], buffers: Sequence[Any]) -> bool:
        """Take a part of a file, of which the first begins another one; what is late is dropped.

        Returns:
            Whether the file is whole now.
        """
        if message["start"] == 0:
            self._upload, self._size = message["upload"], message["size"]
            self._name, self._content = Path(message["name"]).name, bytearray()
        place = (message["upload"], message["start"])
        if place != (self._upload, len(self._content)) or self._size > MAX_BYTES:
            return False
        self._content += b"".join(map(bytes, buffers))
        return len(self._content) >= self._size

    def parse(self, values: Mapping[str, str]) -> pd.DataFrame:
        """Read the file as the inputs say.

        Raises:
            ValidationError: It can't be read.
        """
        encoding, sheet, header = (values[name].strip() for name in ("encoding", "sheet", "header"))
        if header and not header.isdecimal():
            message = "The row of the headings is a number, such as 2."
            raise ValidationError(message, field="header")
        return parse_table(
            bytes(self._content),
            self._name,
            sheet=sheet or None,
            header=int(header) if header else None,
            encoding=encoding or None,
        )

    def take_table(self, table: pd.DataFrame) -> None:
        """Go on with what was read."""
        self._table, self._choices = table, list_columns(table)

    def list_inputs(self, values: Mapping[str, str]) -> dict[str, str]:
        """What the inputs hold at first, by name; how the file is read stays as it is."""
        kept = {name: values.get(name, text) for name, text in _ASKED.items()}
        return kept | {f"{_COLUMN}{n}": each.field for n, each in enumerate(self._choices)}

    def find_errors(self, values: Mapping[str, str]) -> dict[str, str]:
        """What is wrong with the choices, by input."""
        fields = self._list_fields(values)
        return {
            f"{_COLUMN}{place}": f"{LABELS[field]} is chosen twice: leave one out."
            for place, field in enumerate(fields)
            if field and not self._choices[place].is_fixed and fields.count(field) > 1
        }

    def make_wanted(self, values: Mapping[str, str]) -> Wanted | None:
        """The wanted values; ``None`` when there are none yet."""
        if self._table is None:
            return None
        pairs = zip(self._choices, self._list_fields(values), strict=True)
        return self._table, {
            "key": KEYS[values["key"]][1],
            "columns": {each.heading: name or None for each, name in pairs if not each.is_fixed},
            "empty": values["empty"],
        }

    def summarize(self, values: Mapping[str, str]) -> dict[str, str]:
        """What its steps came to, by step."""
        if self._table is None:
            return {}
        taken = sum(map(bool, self._list_fields(values)))
        columns = f"{taken} of {count_rows(len(self._choices), 'column')}"
        return {"file": _describe_table(self._table), "columns": columns}

    def describe(self, _: Mapping[str, str]) -> dict[str, Any]:
        """What its steps show, by trait."""
        read = {} if self._table is None else self._table.attrs["read"]
        sheets = [read["sheet"], *read["other_sheets"]] if "sheet" in read else []
        offered = [("", "the first that holds something"), *((each, each) for each in sheets)]
        encodings = _ENCODINGS.items() if read.get("format") == "CSV" else ()
        keys = ((name, label) for name, (label, _) in KEYS.items())
        header = FieldSpec("header", "Row of the headings", "number", placeholder="found out")
        columns = [
            _choose(f"{_COLUMN}{n}", each.heading, _FIELDS, "\n".join((*each.samples, each.note)))
            for n, each in enumerate(self._choices)
            if not each.is_fixed
        ]
        reading = [
            _choose("encoding", "Encoding", encodings),
            _choose("sheet", "Sheet", offered if len(sheets) > 1 else ()),
            vars(header),
        ]
        matching = [
            _choose("key", "A row is somebody by", keys),
            _choose("empty", "An empty cell", _EMPTY_CELL.items()),
        ]
        return {
            "upload": {"id": self._upload, "received": len(self._content)},
            "notes": {
                "columns": [f"Column {c.heading!r} {c.note}." for c in self._choices if c.is_fixed]
            },
            "fields": {"reading": reading, "columns": columns, "matching": matching},
        }

    def _list_fields(self, values: Mapping[str, str]) -> list[str]:
        return [values.get(f"{_COLUMN}{place}", "") for place in range(len(self._choices))]


class ValueSource:
    """One field, or the address, for several customers. Methods as of :class:`FileSource`.

    Attributes:
        steps: The steps that come before the review, and their titles.
        title: The heading of the form.
        ids: The customers.
    """

    steps: Mapping[Step, str] = {"set": "New value"}

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = list(ids)
        self.title = f"Change {count_rows(len(ids), 'customer')}"

    def list_inputs(self, _: Mapping[str, str]) -> dict[str, str]:  # noqa: D102  as of FileSource
        names = [name for _, names in SETTABLE.values() for name in names]
        return dict.fromkeys(names, "") | {"field": next(iter(SETTABLE))}

    def find_errors(self, _: Mapping[str, str]) -> dict[str, str]:  # noqa: D102
        return {}

    def make_wanted(self, values: Mapping[str, str]) -> Wanted | None:  # noqa: D102
        _, names = SETTABLE[values["field"]]
        wanted = {name: [values[name].strip()] * len(self.ids) for name in names}
        table = pd.DataFrame({ID: self.ids, **wanted}, dtype="str")
        return table, {"key": (ID,), "empty": "clear"}

    def summarize(self, values: Mapping[str, str]) -> dict[str, str]:  # noqa: D102
        return {"set": SETTABLE[values["field"]][0]}

    def describe(self, values: Mapping[str, str]) -> dict[str, Any]:  # noqa: D102
        _, names = SETTABLE[values["field"]]
        fields = ((name, label) for name, (label, _) in SETTABLE.items())
        wanted = [vars(FieldSpec(name, LABELS[name])) for name in names]
        matching = [_choose("field", "What to set", fields), *wanted]
        return {"notes": {}, "fields": {"matching": matching}}


def _choose(name: str, label: str, options: Options, hint: str = "") -> dict[str, Any]:
    """A choice of one; the browser hides it where there is nothing to choose."""
    field = FieldSpec(name, label, "choice", help=hint.strip())
    return vars(field) | {"options": list(map(list, options))}


# -- the file and its columns --------------------------------------------------------------------


def _describe_table(table: pd.DataFrame) -> str:
    """How a table was read, in a line."""
    read = table.attrs["read"]
    if read["format"] == "XLSX":
        how = f"sheet {read['sheet']}"
    else:
        how = _ENCODINGS.get(read["encoding"], read["encoding"])
        how += f", {read['separator']}" if read["separator"] != "none" else ", one column"
    size = f"{count_rows(len(table))}, {count_rows(len(table.columns), 'column')}"
    return f"{read['file']}: {size}; {how}, headings in row {read['header']}"


def list_columns(table: pd.DataFrame) -> list[ColumnChoice]:
    """The columns of a table, with a field where the heading leaves no doubt."""
    found = suggest_columns(table)
    fields = {heading: field for field, heading in found.fields.items()}
    ignored = {heading: field for field, heading in found.read_only.items()}
    ambiguous = {heading for headings in found.ambiguous.values() for heading in headings}
    choices = []
    for heading in map(str, table.columns):
        field, samples, note = fields.get(heading, ""), _sample_values(table[heading]), ""
        if field == READ:
            note = "tells what was edited since the table was saved"
        elif heading in ignored:
            note = f"is ignored: {READ_ONLY[ignored[heading]]}"
        elif heading in ambiguous:
            note = "Another column can be the same field: choose"
        elif heading in found.likely:
            note = f"Looks like {LABELS[found.likely[heading]].lower()}: choose"
        is_fixed = field == READ or heading in ignored
        choices.append(ColumnChoice(heading, samples, field, note, is_fixed))
    return choices


def _sample_values(column: pd.Series[Any]) -> list[str]:
    filled = column[column.str.strip() != ""].drop_duplicates().head(_SAMPLES)
    values = [mask_text(value) for value in filled]
    return [v if len(v) <= _SAMPLE_LENGTH else f"{v[: _SAMPLE_LENGTH - 1]}…" for v in values]
