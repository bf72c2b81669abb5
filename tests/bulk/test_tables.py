"""Files are read right, or refused with a sentence that says what is wrong and where."""

from __future__ import annotations

import datetime as dt
import io
import re
import tracemalloc
import zipfile

import pandas as pd
import pytest
from openpyxl import Workbook

from clover_nb import quality, read_table, save_table, to_frame
from clover_nb.errors import ValidationError

ROWS = [["Zoë", "02101", "+1 408 555 0125"], ["N/A", "00000", "555-0125"]]


def text(*lines, end="\n"):
    return end.join(lines) + end


def workbook(*rows, formats=(), **sheets):
    """A workbook of one sheet, or of several by name."""
    book = Workbook()
    del book["Sheet"]
    for name, lines in ({"Customers": rows} | sheets if rows else sheets).items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(list(line))
        for place, layout in formats:
            sheet[place].number_format = layout
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def repacked(content, **parts):
    """The same workbook with some of its parts replaced; `None` takes one away."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            part = parts.get(name.rpartition("/")[2].partition(".")[0], old.read(name))
            if part is not None:
                new.writestr(name, part)
    return stream.getvalue()


def typed(**changes):
    sheet = zipfile.ZipFile(io.BytesIO(workbook(["name", "x"], ["Ana", 1]))).read(
        "xl/worksheets/sheet1.xml"
    )
    for old, new in changes.values():
        assert old in sheet
        sheet = sheet.replace(old, new)
    return repacked(workbook(["name", "x"], ["Ana", 1]), sheet1=sheet)


def read(tmp_path, content, name="table.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, **options)


PLAIN = text("name,zip,phone", "Zoë,02101,+1 408 555 0125", "N/A,00000,555-0125")

READ_RIGHT = {
    "UTF-8": PLAIN.encode(),
    "UTF-8 with a mark": PLAIN.encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16, big end first, without a mark": PLAIN.encode("utf-16-be"),
    "UTF-16, little end first, without a mark": PLAIN.encode("utf-16-le"),
    "Windows-1252": PLAIN.encode("cp1252"),
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "line ends of Windows": PLAIN.replace("\n", "\r\n"),
    "line ends of old Macs": PLAIN.replace("\n", "\r"),
    "no last line end": PLAIN.removesuffix("\n"),
    "blank lines at the end": PLAIN + "\n\n,,\n",
    "blank lines above": "\n\n,,\n" + PLAIN,
    "blank lines between": PLAIN.replace("\n", "\n\n"),
    "everything in quotes": '"name","zip","phone"\n"Zoë","02101","+1 408 555 0125"\n'
    '"N/A","00000","555-0125"\n',
    "separators at the end": PLAIN.replace("\n", ",\n"),
    "the separator told as Excel does": "sep=;\n" + PLAIN.replace(",", ";"),
    "apostrophes against formulas": PLAIN.replace("+1", "'+1"),
    "a column without heading and values": text(
        "name,,zip,phone", "Zoë,,02101,+1 408 555 0125", "N/A,,00000,555-0125"
    ),
    "a workbook of texts": workbook(["name", "zip", "phone"], *ROWS),
    "a workbook with numbers": workbook(
        ["name", "zip", "phone"],
        ["Zoë", 2101, "+1 408 555 0125"],
        ["N/A", 0, "555-0125"],
        formats=[("B2", "00000"), ("B3", "00000")],
    ),
    "a workbook with a title": workbook(["Our customers"], [], ["name", "zip", "phone"], *ROWS),
    "a workbook whose first sheet is empty": workbook(
        Notes=[], B=[["name", "zip", "phone"], *ROWS]
    ),
    "a workbook with blank rows at the end": workbook(
        ["name", "zip", "phone"], *ROWS, [], ["", None, " "]
    ),
}


@pytest.mark.parametrize("content", READ_RIGHT.values(), ids=READ_RIGHT)
def test_the_same_table_is_read_the_same_from_every_kind_of_file(tmp_path, content):
    """Zeros in front, a plus, N/A and accents stay."""
    name = "t.xlsx" if isinstance(content, bytes) and content[:2] == b"PK" else "t.csv"
    table = read(tmp_path, content, name)
    assert list(table.columns) == ["name", "zip", "phone"]
    assert table.to_numpy().tolist() == ROWS


REFUSED = {
    "a value too many": (text("a,b", "1,2", "1,2,3"), "Row 3 has 3 values, and there are 2"),
    "a value too many in the first row": (text("a,b", "1,2,3"), "Row 2 has 3 values"),
    "a value too few": (text("a,b", "1,2", "1"), "Row 3 has 1 value"),
    "equal headings": (text("a,b,a", "1,2,3"), "columns A and C have the same heading, 'a'"),
    "an open quote": (text("a,b", "1,2", '3,"4', "5,6"), "line 3.*never closed"),
    "something behind a quote": (text("a,b", '"1"x,2'), "line 2.*closing quote"),
    "nothing": ("", "nothing in this file"),
    "nothing but blank lines": ("\n\n , \n", "nothing in this file"),
    "headings alone": (text("a,b"), "nothing below the headings"),
    "a value without heading": (text("a,,b", "1,2,3"), "Column B has no heading.* row 2"),
    "a title above a table": (text("Our customers", "a;b", "1;2"), "first line has one value"),
    "no text": (b"a,b\n\x00\x01\x02,3\n", "Line 2.*not a CSV file"),
    "neither UTF-8 nor Windows-1252": (b"a,b\n1,2\n\x81\x8d,3\n", "Line 3 is not text"),
    "UTF-8 broken after its mark": (b"\xef\xbb\xbfa,b\n\xff,2\n", "Line 2 is not text in UTF-8"),
    "a web page": ("<html><table><tr><td>a</td></tr></table></html>", "web page"),
    "an old Excel file": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, r"\.xls.*save it as \.xlsx"),
    "text that calls itself .xlsx": (PLAIN, "no spreadsheet", "t.xlsx"),
    "an archive that is no workbook": (repacked(workbook(["a"]), workbook=None), "no .xlsx"),
    "half a workbook": (workbook(["a"], ["b"])[:2000], "damaged"),
    "a workbook with a broken sheet": (
        repacked(workbook(["a"], ["b"]), sheet1=b"<worksheet><sheetData><row"),
        "damaged",
    ),
    "a workbook without its sheet": (
        repacked(workbook(["a"], ["b"]), sheet1=None),
        "nothing in this",
    ),
    "an error in a cell": (workbook(["a", "b"], ["1", "#N/A"]), "B2 show an error such as #N/A"),
    "a formula without its value": (workbook(["a", "b"], ["1", "=1+1"]), "B2: the values of form"),
    "an empty workbook": (workbook(["", ""]), "nothing in this file"),
    "two equal headings in a sheet": (workbook(["a", "a"], [1, 2]), "A and B have the same"),
    "too many columns": (text(",".join(map(str, range(101))), ",".join("x" * 101)), "101 columns"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cant_be_read_right_is_refused_in_a_sentence(tmp_path, case):
    """It says what, and where; no column is ever shifted."""
    content, told, *name = case
    suffix = ".xlsx" if isinstance(content, bytes) and content[:2] == b"PK" else ".csv"
    with pytest.raises(ValidationError, match=told) as refused:
        read(tmp_path, content, *(name or [f"table{suffix}"]))
    assert re.fullmatch(r"[A-Z0-9].*[.)]", str(refused.value), re.DOTALL)


def test_one_column_alone_is_a_table(tmp_path):
    """What looks like a separator in a value needs quotes."""
    assert read(tmp_path, "email\nana@example.com\n")["email"].to_list() == ["ana@example.com"]
    table = read(tmp_path, 'note\nplain\n"one, two"\n')
    assert table["note"].to_list() == ["plain", "one, two"]


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path):
    """Blank lines count, and a value of several lines is one row."""
    table = read(tmp_path, 'name,note\n\nAna,"one\ntwo"\nBo,\n')
    assert table.index.name == "row"
    assert table.index.to_list() == [3, 4]
    assert table.loc[3, "note"] == "one\ntwo"
    sheet = read(tmp_path, workbook([], ["name"], [], ["Ana"]), "t.xlsx")
    assert sheet.index.to_list() == [4]


def test_what_a_spreadsheet_keeps_as_a_number_or_a_date_becomes_what_it_shows(tmp_path):
    """Whole numbers without .0, dates by ISO 8601, and zeros where the format puts them."""
    day = dt.datetime(2026, 5, 1)  # noqa: DTZ001  a workbook has no zones
    content = workbook(
        ["phone", "half", "day", "time", "yes", "zip+4", "sum"],
        [4085550125, 7.5, day, day.replace(hour=9, minute=30), True, 21010001, 0.1 + 0.2],
        formats=[("F2", "00000\\-0000")],
    )
    assert read(tmp_path, content, "t.xlsx").iloc[0].to_list() == [
        "4085550125",
        "7.5",
        "2026-05-01",
        "2026-05-01T09:30:00",
        "TRUE",
        "02101-0001",
        "0.3",
    ]


def test_a_formula_counts_with_the_value_that_it_had(tmp_path):
    """Also where that is an empty text."""
    number = typed(a=(b"<v>1</v>", b"<f>1+1</f><v>2</v>"))
    assert read(tmp_path, number, "t.xlsx")["x"].to_list() == ["2"]
    empty = typed(a=(b't="n"><v>1</v>', b't="str"><f>IF(1,"")</f><v></v>'))
    assert read(tmp_path, empty, "t.xlsx")["x"].to_list() == [""]


def test_it_says_how_a_file_was_read(tmp_path):
    """For the plan, and for a person who looks for a mistake."""
    told = read(tmp_path, "\nname;zip\nZoë;1\n".encode("cp1252")).attrs["read"]
    assert told["file"] == "table.csv"
    assert (told["format"], told["header"]) == ("CSV", 2)
    assert (told["encoding"], told["separator"]) == ("cp1252", "semicolon")
    assert re.fullmatch("[0-9a-f]{64}", told["sha256"])
    content = workbook(First=[["a"], ["1"]], Second=[["b"], ["2"]])
    told = read(tmp_path, content, "t.xlsx").attrs["read"]
    assert (told["sheet"], told["other_sheets"]) == ("First", ["Second"])


def test_a_sheet_a_header_and_an_encoding_can_be_named(tmp_path):
    """And a name that is none is refused with those that are."""
    content = workbook(First=[["a"], ["1"]], Second=[["x", "y"], ["b", ""], ["2", "3"]])
    table = read(tmp_path, content, "t.xlsx", sheet="Second", header=1)
    assert table["x"].to_list() == ["b", "2"]
    with pytest.raises(ValidationError, match="There are: First, Second"):
        read(tmp_path, content, "t.xlsx", sheet="Third")
    title = "Customers of spring\nname;zip\nAna;1\n"
    assert list(read(tmp_path, title, header=2).columns) == ["name", "zip"]
    assert read(tmp_path, "n\nZoë\n".encode("mac_roman"), encoding="mac_roman").iloc[0, 0] == "Zoë"
    with pytest.raises(ValidationError, match="no encoding 'klingon'"):
        read(tmp_path, PLAIN, encoding="klingon")


@pytest.mark.parametrize("header", [0, -1, "1", 1.0, True])
def test_a_header_that_is_no_row_is_refused(tmp_path, header):
    """Rows are counted from 1; pandas would count from 0."""
    for content, name in ((PLAIN, "t.csv"), (workbook(["a"], ["1"]), "t.xlsx")):
        with pytest.raises(ValidationError, match="header must be the number") as caught:
            read(tmp_path, content, name, header=header)
        assert caught.value.field == "header"


def test_a_file_that_isnt_there_is_said(tmp_path):
    """As every other trouble with a file."""
    with pytest.raises(ValidationError, match=r"none\.csv can't be read"):
        read_table(tmp_path / "none.csv")


def bomb(real, declared):
    """A workbook with a sheet of `real` bytes that says it has `declared`."""
    parts = {"sheet1": b"<x>" + b" " * (real - 3)}
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(repacked(workbook(["a"], ["b"]), **parts))) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.namelist():
            new.writestr(part, old.read(part))
    size, told = real.to_bytes(4, "little"), declared.to_bytes(4, "little")
    return stream.getvalue().replace(size, told)


def test_a_zip_bomb_is_refused_by_the_size_that_it_declares(tmp_path):
    """More than 512 MB in all, and nothing is unpacked."""
    with pytest.raises(ValidationError, match="more than 512 MB"):
        read(tmp_path, bomb(1000, 600 << 20), "t.xlsx")


def test_a_zip_bomb_that_lies_about_its_size_is_not_unpacked(tmp_path):
    """Reading stops at the size that it declares."""
    path = tmp_path / "t.xlsx"
    path.write_bytes(bomb(64 << 20, 1000))
    tracemalloc.start()
    try:
        with pytest.raises(ValidationError, match="damaged"):
            read_table(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_file_of_more_than_64_megabytes_is_refused(tmp_path):
    """Before it is read."""
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(ValidationError, match="more than 64 MB"):
        read_table(path)


STRANGE = [
    *(
        "=1+1",
        "+1",
        "-1",
        "@x",
        "'=1",
        "''+1",
        "#N/A",
        "N/A",
        "NA",
        "TRUE",
        "1e5",
        " x ",
        "'x",
        "-",
    ),
    *("a\nb", 'say "hi"', "a;b,c\td|e", "02101", "١٢", "null", "\tx", "_x0041_"),
]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_what_is_saved_is_read_back_as_it_was(tmp_path, suffix):
    """Formulas, apostrophes, errors and zeros too."""
    records = [{"id": f"ID{n}", "firstName": name} for n, name in enumerate(STRANGE)]
    table = to_frame(records)
    save_table(table, tmp_path / f"saved{suffix}")
    back = read_table(tmp_path / f"saved{suffix}")
    assert back["id"].to_list() == [f"ID{n}" for n in range(len(STRANGE))]
    assert back["first_name"].to_list() == STRANGE
    assert list(back.columns) == ["id", *table.columns, "read"]


def test_apostrophes_of_save_csv_come_off(tmp_path):
    """And those that belong to a name stay."""
    table = pd.DataFrame(
        {"name": ["+1 408", "O'Neill", "'tis"]}, index=pd.Index([1, 2, 3], name="id")
    )
    quality.save_csv(table, tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv")["name"].to_list() == ["+1 408", "O'Neill", "'tis"]


def test_a_table_is_saved_as_csv_or_xlsx_alone(tmp_path):
    """And only with ids."""
    with pytest.raises(ValidationError, match=r"neither in \.csv nor in \.xlsx"):
        save_table(to_frame([{"id": "A"}]), tmp_path / "t.parquet")
    with pytest.raises(ValidationError, match="no customer ids"):
        save_table(pd.DataFrame({"name": ["Ana"]}), tmp_path / "t.csv")
    for given in (to_frame([{"id": "A"}])["name"], [{"id": "A"}]):
        with pytest.raises(ValidationError, match="must be a DataFrame"):
            save_table(given, tmp_path / "t.csv")


def test_a_table_with_the_ids_as_a_column_is_saved_alike(tmp_path):
    """As after reset_index, or a merge."""
    table = to_frame([{"id": "A", "name": "Ana Rivera"}])
    for name, given in {"index": table, "column": table.reset_index()}.items():
        save_table(given, tmp_path / f"{name}.csv")
    assert (tmp_path / "column.csv").read_bytes() == (tmp_path / "index.csv").read_bytes()


def test_a_table_that_lacks_what_a_plan_compares_is_not_saved(tmp_path):
    """The missing columns are named."""
    table = to_frame([{"id": "A", "name": "Ana"}]).drop(columns=["first_name", "phone"])
    with pytest.raises(ValidationError, match="has no column first_name, phone"):
        save_table(table, tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_table_that_can_not_be_saved_names_its_file(tmp_path, suffix):
    """And the folder that is missing, or what the system says."""
    path = tmp_path / "none" / f"t{suffix}"
    with pytest.raises(ValidationError, match=r"can't be written \(there is no folder") as caught:
        save_table(to_frame([{"id": "A"}]), path)
    assert str(path) in caught.value.message
    folder = tmp_path / f"a{suffix}"
    folder.mkdir()
    with pytest.raises(ValidationError, match="Is a directory"):
        save_table(to_frame([{"id": "A"}]), folder)
