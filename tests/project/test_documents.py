"""What README and docs say in Python runs; what they point to is there."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.usefixtures("default_connection")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_python_of_a_document_runs(document):
    """All its blocks, one after the other, as a reader would run them."""
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in FENCE.findall(document.read_text(encoding="utf-8")):
            exec(compile(block, document.name, "exec"), names)  # noqa: S102  our own documents


def test_the_readme_has_python_to_run():
    """The test above would pass on a README without any."""
    assert len(FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8"))) >= 3


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_points_to_is_there(document):
    """Files and pictures, by their path."""
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target
