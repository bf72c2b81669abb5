"""Excel workbooks as lines of cells: everything becomes the text that the spreadsheet shows."""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from clover_nb.bulk.csv_files import Line
from clover_nb.errors import ValidationError
from clover_nb.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl import Workbook

_OLD: Final = b"\xd0\xcf\x11\xe0"  # .xls, and .xlsx behind a password
_ZIP: Final = b"PK\x03\x04"
_MAX_UNPACKED: Final = 512 * 2**20
_MAX_ROWS: Final = 1_048_576  # a sheet has no more
_NAMED: Final = 3  # cells in a message
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # which no workbook can hold
_FORMULA: Final = re.compile(rb"<f[ >/]")
_EXACT: Final = 10**15  # Excel keeps 15 digits
# Formats that put zeros in front of a number: 00000 for ZIP codes, 00000-0000, 000-00-0000.
_ZEROS: Final = re.compile(r"[0() ./-]*0[0() ./-]*")


class SheetLines(NamedTuple):
    """A sheet's lines, its name, and the names of the others that hold something."""

    lines: list[Line]
    name: str
    others: list[str]


def is_workbook(content: bytes, suffix: str) -> bool:
    """Tell a workbook from text.

    Raises:
        ValidationError: It is a spreadsheet of another kind, or calls itself one.
    """
    if content.startswith(_OLD):
        raise ValidationError(
            "This is an Excel file of before 2007 (.xls), or one behind a password.",
            hint="Open it in a spreadsheet program, and save it as .xlsx without a password.",
            field="path",
        )
    if content.startswith(_ZIP):
        return True
    if suffix.lower() in (".xlsx", ".xlsm", ".ods", ".xls"):
        raise ValidationError(
            f"This calls itself {suffix}, and is no spreadsheet.",
            hint="If it is text, name it .csv; else save it as .xlsx in a spreadsheet program.",
            field="path",
        )
    return False


def read_sheet(content: bytes, sheet: str | None = None) -> SheetLines:
    """Read one sheet of an .xlsx file.

    Args:
        content: The bytes of the file.
        sheet: Its name; ``None`` takes the first visible one that holds something.

    Raises:
        ValidationError: It can't be read; the message says what is wrong, and where.
    """
    with _convert_errors():
        formulas = _check_archive(content)
        book = _open_workbook(content, values=True)
        try:
            names = [each.title for each in book.worksheets if each.sheet_state == "visible"]
            if sheet is not None and sheet not in book.sheetnames:
                raise ValidationError(
                    f"There is no sheet {sheet!r}.",
                    hint=f"There are: {', '.join(book.sheetnames)}.",
                    field="sheet",
                )
            lines: list[Line] = []
            name = sheet or ""
            for name in [sheet] if sheet is not None else names:
                lines = list(_read_lines(book[name]))
                if lines:
                    break
            others = [each for each in names if each != name]
            if formulas:
                _check_formulas(content, name)
            return SheetLines(lines, name, others)
        finally:
            book.close()


def _check_archive(content: bytes) -> bool:
    """Refuse what is no workbook, or too large unpacked. Returns whether it has formulas.

    An archive may lie about the size of a part; reading one stops at the size that it gives.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if "xl/workbook.xml" not in archive.namelist():
            kind = ".ods" if "content.xml" in archive.namelist() else "another kind"
            raise ValidationError(
                f"This is no .xlsx file, but a file of {kind}.",
                hint="Open it in a spreadsheet program, and save it as .xlsx.",
                field="path",
            )
        if sum(part.file_size for part in parts) > _MAX_UNPACKED:
            raise ValidationError(
                f"Unpacked, this file has more than {_MAX_UNPACKED >> 20} MB, so it is not read.",
                hint="Save the rows that you need in a new workbook.",
                field="path",
            )
        sheets = [part for part in parts if part.filename.startswith("xl/worksheets/")]
        return any(_has_formula(archive, part) for part in sheets)


def _has_formula(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    with archive.open(part) as stream:
        rest = b""
        while piece := stream.read(1 << 20):
            if _FORMULA.search(rest + piece):
                return True
            rest = piece[-2:]
    return False


def _open_workbook(content: bytes, *, values: bool) -> Workbook:
    from openpyxl import load_workbook  # noqa: PLC0415  200 ms

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it would not save again: nothing is saved
        return load_workbook(io.BytesIO(content), read_only=True, data_only=values)


def _read_lines(sheet: Any) -> Iterator[Line]:  # noqa: ANN401  openpyxl's, or a chart
    wrong = []
    for number, row in enumerate(_iterate_rows(sheet), 1):
        cells = [_cell_text(cell) for cell in row]
        wrong += [cell for cell in row if cell.data_type == "e"]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells
    if wrong:
        raise ValidationError(
            f"{_name_cells(wrong)} show an error such as {wrong[0].value}.",
            hint="Mend or empty these cells, and save the file again.",
            field="path",
        )


def _check_formulas(content: bytes, name: str) -> None:
    """Refuse formulas without the value that they had: a program made the file, and no Excel."""
    values, formulas = _open_workbook(content, values=True), _open_workbook(content, values=False)
    try:
        missing = [
            formula
            for row, other in zip(
                _iterate_rows(values[name]), _iterate_rows(formulas[name]), strict=True
            )
            for value, formula in zip(row, other, strict=True)
            if formula.data_type == "f" and value.value is None and value.data_type == "n"
        ]
    finally:
        values.close()
        formulas.close()
    if missing:
        raise ValidationError(
            f"{_name_cells(missing)}: the values of formulas are not in the file.",
            hint="Open it in a spreadsheet program, and save it again.",
            field="path",
        )


def _iterate_rows(sheet: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401  openpyxl's, or a chart
    if not hasattr(sheet, "iter_rows"):
        return iter(())
    sheet.reset_dimensions()  # some programs write that there is one cell
    rows: Iterator[tuple[Any, ...]] = islice(sheet.iter_rows(), _MAX_ROWS)
    return rows


def _name_cells(cells: list[Any]) -> str:
    named = ", ".join(cell.coordinate for cell in cells[:_NAMED])
    more = len(cells) - _NAMED
    return f"Cells {named} and {more:,} more" if more > 0 else f"Cells {named}"


def _cell_text(cell: Any) -> str:  # noqa: ANN401  one of openpyxl's
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _format_number(value, cell.number_format)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        value = value.date()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _format_number(value: float, layout: str) -> str:
    """A number's digits; the zeros that its format puts in front of it are part of it."""
    whole = float(value).is_integer()
    digits = str(int(value)) if whole and abs(value) < _EXACT else f"{value:.15g}"
    zeros = re.sub(r'["\\]', "", layout.partition(";")[0])
    if not (whole and value >= 0 and _ZEROS.fullmatch(zeros)) or "." in zeros:
        return digits
    left = list(digits.zfill(zeros.count("0")))
    shown = [left.pop() if sign == "0" else sign for sign in reversed(zeros)]
    return "".join(left) + "".join(reversed(shown))


@contextmanager
def _convert_errors() -> Iterator[None]:
    try:
        yield
    except ValidationError:
        raise
    except Exception as error:  # noqa: BLE001  a damaged file makes openpyxl raise anything
        raise ValidationError(
            f"This workbook is damaged ({type(error).__name__}).",
            hint="Open it in a spreadsheet program, and save it again.",
            field="path",
        ) from None


def write_sheet(headings: Sequence[str], columns: Sequence[Iterable[str]], path: Path) -> None:
    """Write texts as a workbook that keeps them as texts, also where somebody types over them."""
    with replace_file(path) as part:  # the workbook is made of files too
        part.write_bytes(_make_workbook(headings, columns))


def _make_workbook(headings: Sequence[str], columns: Sequence[Iterable[str]]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415  200 ms
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Customers")
    sheet.freeze_panes = "B2"
    cell = WriteOnlyCell(sheet)  # one for all: each is written before the next is filled
    cell.number_format = "@"

    def fill_cell(text: str) -> object:
        cell.value = _UNPRINTABLE.sub(" ", text)
        cell.data_type = "s"  # also of what looks like a formula, or like an error
        return cell

    sheet.append(list(headings))
    for row in zip(*columns, strict=True):
        sheet.append(fill_cell(text) for text in row)
    content = io.BytesIO()  # openpyxl leaves a file that it can't write open, and prints so later
    book.save(content)
    return content.getvalue()
