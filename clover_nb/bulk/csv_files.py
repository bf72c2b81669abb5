"""CSV files as lines of cells: the encoding, the separator, and what can't be read right."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from clover_nb.errors import ValidationError

Line = tuple[int, list[str]]  # its row, as a spreadsheet numbers it, and its cells

_SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NONE: Final = "\x1f"  # never in a text (see _CONTROL): one column alone
_BOMS: Final = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_QUOTED: Final = re.compile(r'"[^"]*"')
# Spreadsheets are told by an apostrophe that a text is no formula (`quality.save_csv`).
_APOSTROPHE: Final = re.compile(r"^'(?='*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")
_PAGE: Final = re.compile(r"\s*<(!doctype|html|table|\?xml)", re.IGNORECASE)
_SAMPLE: Final = 50  # lines


class CSVText(NamedTuple):
    """A CSV file's lines, and how they were read."""

    lines: Iterator[Line]
    encoding: str
    separator: str


def read_csv(content: bytes, encoding: str | None = None, header: int | None = None) -> CSVText:
    """Split a CSV file into cells.

    Args:
        content: The bytes of the file.
        encoding: By Python's name; ``None`` tells it from the file: a byte order mark, else UTF-8,
            else Windows-1252.
        header: The line of the headings, by which the separator is told; ``None`` is the first.

    Raises:
        ValidationError: It can't be read; the message says what is wrong, and where.
    """
    text, encoding = _decode_text(content, encoding)
    if found := _CONTROL.search(text):
        where = text.count("\n", 0, found.start()) + 1
        raise ValidationError(
            f"Line {where} holds a sign that no text has: this is not a CSV file.",
            hint="Save the table as .xlsx, or as CSV in UTF-8.",
            field="path",
        )
    if _PAGE.match(text):
        raise ValidationError(
            "This is a web page or XML, whatever its name says.",
            hint="Open it in a spreadsheet program, and save it as .xlsx.",
            field="path",
        )
    start, separator = _told_separator(text)
    body = text[start:]
    separator = separator or _find_separator(body, header or 1)
    first = text.count("\n", 0, start) + 1
    return CSVText(_read_rows(body, separator, first), encoding, _SEPARATORS.get(separator, "none"))


def _decode_text(content: bytes, encoding: str | None) -> tuple[str, str]:
    names = [encoding] if encoding is not None else _guess_encodings(content)
    for name in names:
        try:
            return content.decode(name).removeprefix("\ufeff"), name
        except (LookupError, TypeError):
            raise ValidationError(
                f"There is no encoding {name!r}.",
                hint="Use utf-8, utf-16, cp1252 (Windows), mac_roman or cp850, for example.",
                field="encoding",
            ) from None
        except UnicodeDecodeError as error:
            where = content.count(b"\n", 0, error.start) + 1
    expected = {"utf-8": "UTF-8", "cp1252": "UTF-8 or Windows-1252"}.get(names[-1], names[-1])
    raise ValidationError(
        f"Line {where} is not text in {expected}.",
        hint='Save the file as CSV in UTF-8, or name its encoding: encoding="mac_roman".',
        field="encoding",
    )


def _guess_encodings(content: bytes) -> list[str]:
    for mark, name in _BOMS.items():
        if content.startswith(mark):
            return [name]
    start = content[:100]
    if start[1::2].count(0) > len(start) // 4:
        return ["utf-16-le"]
    if start[::2].count(0) > len(start) // 4:
        return ["utf-16-be"]
    return ["utf-8", "cp1252"]


def _told_separator(text: str) -> tuple[int, str]:
    """Where the table begins, and its separator, should a first line name it as Excel does."""
    found = re.match(r'"?sep=(.)"?\r?\n', text)
    return (found.end(), found[1]) if found and found[1] in _SEPARATORS else (0, "")


def _find_separator(text: str, header: int) -> str:
    """The sign that stands most often between the headings."""
    sample = islice(io.StringIO(text, newline=None), header - 1, header - 1 + _SAMPLE)
    lines = [line for line in sample if line.strip()]
    if not lines:
        return _NONE
    counts = {sign: _QUOTED.sub("", lines[0]).count(sign) for sign in _SEPARATORS}
    most = max(counts.values())
    likely = [sign for sign, count in counts.items() if count == most]
    if not most:
        return _no_separator(lines)
    if len(likely) > 1:  # "city, state;name": the values tell
        likely.sort(key=lambda sign: -sum(_QUOTED.sub("", line).count(sign) for line in lines[1:]))
    return likely[0]


def _no_separator(lines: list[str]) -> str:
    """One column alone; unless the first line is a title, above a table."""
    for sign, name in _SEPARATORS.items():
        counts = {_QUOTED.sub("", line).count(sign) for line in lines[1:]}
        if len(counts) == 1 and counts != {0}:
            raise ValidationError(
                f"The first line has one value, and the others are divided by a {name}.",
                hint="If it is a title, say where the headings are, such as header=2; values of a "
                "single column that hold such a sign stand in quotes.",
                field="path",
            )
    return _NONE


def _read_rows(text: str, separator: str, first: int) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = first
    try:
        for number, cells in enumerate(reader, first):
            yield number, [_APOSTROPHE.sub("", cell, count=1) for cell in cells]
            line = first + reader.line_num
    except csv.Error as error:
        raise ValidationError(
            f"The row that begins in line {line} can't be read: {_explain_problem(str(error))}.",
            hint="A quote that belongs to a value is written twice, and the value is in quotes.",
            field="path",
        ) from None


def _explain_problem(problem: str) -> str:
    if "end of data" in problem:
        return "a quote is opened and never closed"
    if "field larger" in problem:
        return f"a value has more than {csv.field_size_limit():,} characters (an open quote?)"
    return "there is something between a closing quote and the next separator"
