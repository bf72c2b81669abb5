"""What a table shows, as a file or as HTML that needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pandas as pd

from clover_nb import quality
from clover_nb.bulk import workbooks

FileKind = Literal["csv", "xlsx"]
Cells = Sequence[Sequence[str]]


def make_file(kind: FileKind, labels: Sequence[str], rows: Cells) -> bytes:
    """A file that a spreadsheet shows as it is, and never runs."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "customers")
        if kind == "csv":
            table = pd.DataFrame(list(rows), columns=list(labels), dtype="str")
            quality.save_csv(table.set_index(labels[0]), path)
        else:
            workbooks.write_sheet(labels, list(zip(*rows, strict=True)), path)
        return path.read_bytes()


def render_static(labels: Sequence[str], rows: Cells, note: str) -> str:
    """A table of these rows, and a note below it."""
    heads = "".join(f"<th>{escape(label)}</th>" for label in labels)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return (
        f"<table class='mathjax_ignore'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table><p>{note}</p>"
    )
