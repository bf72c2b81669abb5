"""Tables from files, and customers as files that people edit and give back."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow.compute as pc

from clover_nb import quality
from clover_nb.bulk import csv_files, workbooks
from clover_nb.bulk.columns import READ
from clover_nb.bulk.csv_files import Line
from clover_nb.bulk.fields import FIELDS, as_texts, fingerprint_rows
from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import ValidationError
from clover_nb.files import check_path, convert_read_errors
from clover_nb.frames import index_customers

#: Of a file.
MAX_BYTES: Final = 64 * 2**20
_MAX_ROWS: Final = 100_000
_MAX_COLUMNS: Final = 100
_TITLES: Final = 10  # rows that may stand above the headings of a sheet
_OWN_APOSTROPHE: Final = r"^('+[=+\-@\t\r])"


def read_table(
    path: str | os.PathLike[str],
    *,
    sheet: str | None = None,
    header: int | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    r"""Read a CSV or Excel (.xlsx) file as text, with nothing guessed and nothing shifted.

    Leading zeros, ``+`` before a phone and texts such as ``NA`` stay as they are. A number that a
    spreadsheet shows with zeros in front keeps them. Apostrophes with which
    :func:`clover_nb.quality.save_csv` keeps spreadsheets from running a text come off. Blank rows
    are skipped.

    Args:
        path: The file: at most 64 MB, 100,000 rows and 100 columns.
        sheet: The sheet's name; left out, the first visible one that holds something.
        header: The row of the headings, counted from 1; left out, the first that is not blank, or
            in a sheet the first below a title.
        encoding: Of a CSV file, by Python's name; left out, it is told from the file: UTF-8,
            UTF-16 or Windows-1252.

    Returns:
        A DataFrame of text, ``""`` where there is nothing, with the headings of the file. Its
        index, named ``row``, is the row that a spreadsheet shows. ``attrs["read"]`` says how it
        was read: ``file``, ``sha256``, ``format``, ``header``, and ``encoding`` and ``separator``,
        or ``sheet`` and ``other_sheets``.

    Raises:
        ValidationError: It can't be read right; the message says what is wrong, and where.

    Example:
        >>> _ = Path("spring.csv").write_text("Name;ZIP\nAna;02101\n")
        >>> table = read_table("spring.csv")
        >>> table.loc[2, "ZIP"], table.attrs["read"]["separator"]
        ('02101', 'semicolon')
    """
    path = check_path(path)
    content = _read_content(path)
    return parse_table(content, path.name, sheet=sheet, header=header, encoding=encoding)


def parse_table(
    content: bytes,
    name: str,
    *,
    sheet: str | None = None,
    header: int | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """Read the content of a file that has this name; see :func:`read_table`."""
    _check_header(header)
    read: dict[str, Any] = {"file": name, "sha256": hashlib.sha256(content).hexdigest()}
    lines: Iterable[Line]
    if workbooks.is_workbook(content, Path(name).suffix):
        found = workbooks.read_sheet(content, sheet)
        lines = found.lines
        read |= {"format": "XLSX", "sheet": found.name, "other_sheets": found.others}
        header = header or _row_below_title(found.lines)
    else:
        text = csv_files.read_csv(content, encoding, header)
        lines = text.lines
        read |= {"format": "CSV", "encoding": text.encoding, "separator": text.separator}
    table = _build_table(lines, header, read["format"] == "XLSX")
    table.attrs["read"] = read | {"header": table.attrs.pop("header")}
    return table


def save_table(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Save customers as a file to edit, which a plan compares three ways.

    A column ``read`` carries a mark of each field's value. By it a plan of the edited file tells
    what was edited from what others have changed at Clover meanwhile. Leave it as it is. Texts
    stay texts in a spreadsheet: leading zeros are kept, and nothing is run as a formula.

    Args:
        table: Customers, as from ``clover.customers.list()``.
        path: The file: ``.csv`` or ``.xlsx``.

    Raises:
        ValidationError: The name ends otherwise, the table lacks the customer ids or a column that
            a plan compares, or the file can't be written.

    Example:
        >>> clover = clover_nb.connect("local", seed=1)
        >>> customers = clover.customers.list()
        >>> save_table(customers, "customers.xlsx")
        >>> edited = read_table("customers.xlsx")
        >>> clover.customers.plan(edited)
        <Plan: 200 unchanged>
    """
    path = check_path(path)
    table = index_customers(table, *FIELDS)
    columns = {str(name): as_texts(table[name]) for name in table.columns}
    columns[READ] = fingerprint_rows(table)
    if path.suffix.lower() == ".csv":
        # One more apostrophe in front of a text's own, since reading takes one off.
        safe = {
            name: pc.replace_substring_regex(column, _OWN_APOSTROPHE, r"'\1").to_pylist()
            for name, column in columns.items()
        }
        quality.save_csv(pd.DataFrame(safe, index=table.index, dtype=TEXT_DTYPE), path)
    elif path.suffix.lower() == ".xlsx":
        ids = as_texts(table.index.to_series()).to_pylist()
        rows = [ids, *(column.to_pylist() for column in columns.values())]
        workbooks.write_sheet(["id", *columns], rows, path)
    else:
        raise ValidationError(
            f"{path.name} ends neither in .csv nor in .xlsx, the two that a table is saved as.",
            field="path",
        )


def _check_header(header: object) -> None:
    if header is None or (
        isinstance(header, Integral) and not isinstance(header, bool) and int(header) > 0
    ):
        return
    raise ValidationError(
        f"header must be the number of a row, not {header!r}.",
        hint="Rows are counted from 1, as a spreadsheet does; left out, the headings are found.",
        field="header",
    )


def _read_content(path: Path) -> bytes:
    with convert_read_errors(path):
        large = path.stat().st_size > MAX_BYTES
        content = b"" if large else path.read_bytes()
    if large:
        raise ValidationError(
            f"{path.name} has more than {MAX_BYTES >> 20} MB.",
            hint="Divide it into several files.",
            field="path",
        )
    return content


def _row_below_title(lines: Sequence[Line]) -> int | None:
    """The first row with several values, where only titles of one value stand above it."""
    for number, cells in lines[:_TITLES]:
        if sum(bool(cell.strip()) for cell in cells) > 1:
            return number
    return None


def _build_table(lines: Iterable[Line], header: int | None, ragged: bool) -> pd.DataFrame:  # noqa: FBT001
    """The lines below the headings, as a table.

    Args:
        lines: Rows and their cells.
        header: The row of the headings.
        ragged: Whether a row without its last cells is as good as one with them.
    """
    headings: list[str] = []
    rows: list[int] = []
    found: list[list[str]] = []
    for number, cells in lines:
        if number < (header or 0) or not any(cell.strip() for cell in cells):
            continue
        if not headings:
            header = number
            headings = _read_headings(cells)
            continue
        width = len(headings)
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            raise _misfit_error(number, cells, headings)
        if len(cells) < width and not ragged:
            raise _misfit_error(number, cells, headings)
        rows.append(number)
        found.append([*cells[:width], *[""] * (width - len(cells))])
        if len(rows) > _MAX_ROWS:
            raise ValidationError(
                f"There are more than {_MAX_ROWS:,} rows.",
                hint="Divide the file into several.",
                field="path",
            )
    if not rows:
        raise ValidationError(
            "There is nothing below the headings."
            if headings
            else "There is nothing in this file.",
            field="path",
        )
    columns = enumerate(zip(*found, strict=True))
    kept = {headings[i]: list(each) for i, each in columns if _has_heading(i, headings, each, rows)}
    table = pd.DataFrame(kept, index=pd.Index(rows, name="row"), dtype=TEXT_DTYPE)
    table.attrs["header"] = header
    return table


def _read_headings(cells: Sequence[str]) -> list[str]:
    headings = [" ".join(cell.split()) for cell in cells]
    while not headings[-1]:
        headings.pop()
    if len(headings) > _MAX_COLUMNS:
        raise ValidationError(
            f"There are {len(headings)} columns; {_MAX_COLUMNS} can be read.",
            hint="Keep those that say something about customers.",
            field="path",
        )
    for heading, count in Counter(filter(None, headings)).items():
        if count > 1:
            places = [_column_letter(i) for i, each in enumerate(headings) if each == heading]
            raise ValidationError(
                f"The columns {' and '.join(places)} have the same heading, {heading!r}.",
                hint="Rename one, or take it away.",
                field="path",
            )
    return headings


def _has_heading(
    position: int, headings: Sequence[str], values: Sequence[str], rows: Sequence[int]
) -> bool:
    """Whether a column has a heading; one without must be empty."""
    if headings[position]:
        return True
    for row, value in zip(rows, values, strict=True):
        if value.strip():
            raise ValidationError(
                f"Column {_column_letter(position)} has no heading, and a value in row {row}.",
                hint="Give it a heading, or take it away.",
                field="path",
            )
    return False


def _misfit_error(number: int, cells: Sequence[str], headings: Sequence[str]) -> ValidationError:
    return ValidationError(
        f"Row {number} has {len(cells)} values, and there are {len(headings)} headings.",
        hint="Values that hold the separator stand in quotes; every row has as many values as the "
        "headings, empty ones too. A file saved as .xlsx has no such trouble.",
        field="path",
    )


def _column_letter(position: int) -> str:
    """A column as spreadsheets name it: A, B, ... Z, AA."""
    name, rest = "", position + 1
    while rest:
        rest, place = divmod(rest - 1, 26)
        name = chr(ord("A") + place) + name
    return name
