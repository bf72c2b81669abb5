"""What README and docs say in Python runs; what they point to is there; the calls are all named."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
import io
import operator
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import clover_nb
from clover_nb import cli, connect
from clover_nb.sandbox.api import ecommerce, platform
from clover_nb.setting_sources import VARIABLES
from clover_nb.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?:\]\(|(?:src|srcset)=\")(?!https?:|#)([^)#\"]+)")
FOLDERS = "benchmarks|clover_nb|compat|deploy|docs|notebooks|tests|tools"
NAMED_FILE = re.compile(rf"`[^`\n]*?((?:{FOLDERS})/[\w./-]+)")
RUNS_TESTS = re.compile(r"`(?:\w+=\S+ )?python -m pytest ([^`]+)`")
COMMAND = re.compile(r"(?:`|^\$ )(make|clover-nb) ([a-z]+)", re.MULTILINE)

# What Clover's two SDKs have for customers, cards and keys, version 1.0.0 of both.
PYTHON_SDK = {
    *("Customer.create", "Customer.modify", "Customer.delete_source"),
    *("Token.create", "Token.retrieve", "Token.modify", "PublicAccessKey.retrieve"),
}
NODE_SDK = {
    *("customers.create", "customers.update", "customers.del"),
    *("tokens.create", "tokens.retrieve", "apikey.retrieve"),
}
# Calls of Clover's that the sandbox has not.
NOT_IN_THE_SANDBOX = {
    ("GET", "/v1/tokens/{}"),
    ("PUT", "/v1/tokens/{}"),
}
# What `connect` takes besides: of one connection, and of no account.
NO_SETTINGS = {
    *("seed", "requests_per_second", "at_once"),
    *("journal", "retention_days", "on_unknown", "timeouts"),
}


def text_of(path):
    """All of a document; of a notebook, its prose."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def python_of(path):
    return [code for language, code in FENCE.findall(text_of(path)) if language == "python"]


def names_used_in(path):
    """What the Python of a document or notebook uses of packages: modules, and their names."""
    if path.suffix == ".md":
        blocks = python_of(path)
    else:
        cells = nbformat.read(path, as_version=4).cells
        blocks = [cell.source for cell in cells if cell.cell_type == "code"]
    for node in (node for block in blocks for node in ast.walk(ast.parse(block))):
        if isinstance(node, ast.Import):
            yield from ((each.name, None) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, each.name) for each in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


@pytest.mark.usefixtures("default_connection", "empty_folder")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_python_of_a_document_runs(document):
    """All its blocks, one after the other, as a reader would run them."""
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in python_of(document):
            exec(compile(block, document.name, "exec"), names)  # noqa: S102  our own documents


@pytest.mark.usefixtures("default_connection", "empty_folder")
def test_the_errors_are_those_that_their_page_shows(capsys):
    """Each line that prints one says in its comment how it begins."""
    names: dict[str, object] = {}
    blocks = python_of(ROOT / "docs" / "errors.md")
    for block in blocks:
        exec(compile(block, "errors.md", "exec"), names)  # noqa: S102  our own document
    shown = re.findall(r"^    print\(error\.\w+\)  # (.*)$", "".join(blocks), re.MULTILINE)
    said = capsys.readouterr().out.splitlines()
    assert [line[: len(start)] for line, start in zip(said, shown, strict=True)] == shown
    assert len(shown) == "".join(blocks).count("except errors.")


def test_the_readme_has_python_to_run():
    """The test above would pass on a README without any."""
    assert len(python_of(ROOT / "README.md")) >= 3


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_block_is_python_or_commands(document):
    """Of another language, nothing would be looked at, but by tests of their own."""
    # tests/sandbox/test_for_tests.py and tests/journal/test_postgresql.py run them.
    others = {"sandbox-for-tests.md": {"javascript", "dockerfile"}, "team.md": {"sql"}}
    languages = {language for language, _ in FENCE.findall(text_of(document))}
    assert languages <= {"python", "console"} | others.get(document.name, set())


@pytest.mark.parametrize("document", DOCUMENTS + NOTEBOOKS, ids=lambda path: path.name)
def test_what_a_document_points_to_is_there(document):
    """Files and pictures, by their path."""
    for target in LINK.findall(text_of(document)):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document):
    """Files and folders of the repository, in what is typed or shown as code."""
    for name in NAMED_FILE.findall(text_of(document)):
        assert (ROOT / name).exists(), name


def test_the_tests_that_a_document_runs_are_there():
    """What it selects is not nothing."""
    commands = [each for document in DOCUMENTS for each in RUNS_TESTS.findall(text_of(document))]
    assert commands
    for arguments in commands:
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments.split()]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, (arguments, ran.stdout)


@pytest.mark.parametrize("document", DOCUMENTS + NOTEBOOKS, ids=lambda path: path.name)
def test_the_commands_of_a_document_exist(document, capsys):
    """Those of the Makefile, and those of `clover-nb`."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command, name in COMMAND.findall(text_of(document)):
        if command == "make":
            assert name in targets
        else:
            with pytest.raises(SystemExit) as end:
                cli.main([name, "--help"])
            assert end.value.code == 0, capsys.readouterr().err


@pytest.mark.parametrize("document", DOCUMENTS + NOTEBOOKS, ids=lambda path: path.name)
def test_a_document_uses_public_names_alone(document):
    """Those of the package's `__all__`, and what its modules hold that are named there."""
    for module, name in names_used_in(document):
        package, _, rest = module.partition(".")
        if package == "clover_nb":
            first, *others = [part for part in (*rest.split("."), name) if part] or [None]
            assert first is None or first in clover_nb.__all__, (module, name)
            assert not any(other.startswith("_") for other in others), (module, name)


def test_there_are_names_to_look_at():
    """The test above would pass if it found none."""
    found = {name for path in DOCUMENTS + NOTEBOOKS for name in names_used_in(path)}
    assert ("clover_nb", "Customer") in found


def test_settings_are_the_same_wherever_they_are_named():
    """Arguments of `connect`, fields of `Settings`, variables in the README and `.env.example`."""
    fields = {field.name for field in dataclasses.fields(Settings)} - {"source"}
    assert fields | {"environment"} == VARIABLES.keys()
    assert inspect.signature(connect).parameters.keys() - NO_SETTINGS == VARIABLES.keys()
    variables = sorted(ours for ours, _ in VARIABLES.values())
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^(CLOVER_\w+)=", example, re.MULTILINE)) == variables
    rows = re.findall(r"^\| (`CLOVER_.*?) \|", text_of(ROOT / "README.md"), re.MULTILINE)
    assert sorted(re.findall(r"CLOVER_\w+", " ".join(rows))) == variables


# -- the calls -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows():
    """The lines of the tables of calls: their cells, all but the headings."""
    text = text_of(ROOT / "docs" / "calls.md").partition("## What is different")[0]
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [line.split(" | ") for line in lines if not line.startswith(("---", "Python", "REST"))]


def shape(path):
    """A path in which the names of its variables don't matter."""
    return re.sub(r"\{\w+\}", "{}", path.removesuffix("/{part_id}"))


def test_each_call_of_clovers_rest_api_has_a_row(rows):
    """All that the sandbox knows of, and those that it has not."""
    named = {
        (method, shape(path))
        for *_, rest, _ in rows
        for path in re.findall(r"/[\w./{}]+", rest)
        for method in re.findall(r"GET|POST|PUT|DELETE", rest)
    }
    known = {
        (operation.method, shape(operation.path))
        for operations in (
            ecommerce.operations,
            ecommerce.optional_operations["undocumented_calls"],
            platform.operations,
        )
        for operation in operations
    }
    assert len(known) > 15
    assert known | NOT_IN_THE_SANDBOX <= named


def test_each_call_of_clovers_sdks_has_a_row(rows):
    """In the column of its language."""
    columns = [" ".join(row[column] for row in rows if len(row) == 4) for column in (0, 1)]
    for sdk, column in zip((PYTHON_SDK, NODE_SDK), columns, strict=True):
        assert sdk <= set(re.findall(r"`(\w+\.\w+)\(", column))


def test_each_call_of_ours_is_named_as_it_is(rows, clover):
    """The calls of the last column exist and take these arguments, and none is left out."""
    calls = re.findall(r"([\w.]+)\(([^()]*)", " ".join(row[-1] for row in rows))
    named = {}
    for name, arguments in calls:
        first, _, rest = name.partition(".")
        found = operator.attrgetter(rest)(clover) if first == "clover" else None
        found = found or operator.attrgetter(name)(clover_nb)
        taken = inspect.signature(found).parameters
        for keyword in re.findall(r"(\w+)=", arguments):
            assert keyword in taken or name == "Customer.search", (name, keyword)
        named[name] = found
    public = {f"Customer.{name}" for name in vars(clover_nb.Customer) if name[0] != "_"}
    assert public <= named.keys()
