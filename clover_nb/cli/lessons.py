"""``clover-nb lessons``: the notebooks of the package, copied to where they can be used."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import clover_nb
from clover_nb.exit_codes import DONE, ERROR

FOLDER = "clover-nb-lessons"
FIRST = "01_first_customers.ipynb"
# The lessons, and what they point to; pyproject.toml has the same for the wheel.
PATTERNS = (
    "notebooks/*.ipynb",
    "notebooks/*.xlsx",
    "docs/cards.md",
    "docs/change-many.md",
    "docs/errors.md",
    "docs/images/*-light.png",
)


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``lessons``."""
    parser = commands.add_parser(
        "lessons",
        help="copy the lessons, notebooks to learn with, into a folder",
        description="Copy the lessons, notebooks to learn with, into a folder. What is there "
        "already stays as it is. `clover-nb lab` does so in an empty folder.",
    )
    parser.set_defaults(run=_run_lessons)
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(FOLDER),
        help=f"where to; else {FOLDER}, in the working directory",
    )


def _run_lessons(arguments: argparse.Namespace) -> int:
    """Copy the lessons and say what became of each.

    Args:
        arguments: What the parser made of the options.

    Returns:
        The exit code.
    """
    try:
        print(copy_lessons(arguments.folder))
    except OSError as error:
        print(f"clover-nb lessons: {error}. Name another folder.", file=sys.stderr)
        return ERROR
    return DONE


def copy_lessons(folder: Path) -> str:
    """Copy the lessons, and what they point to, into a folder.

    A file that is there already stays as it is.

    Args:
        folder: Is made if it isn't there.

    Returns:
        What was done, in a sentence or two.

    Raises:
        OSError: The folder or a file in it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied = kept = 0
    source = _source_folder()
    for path in sorted(path for pattern in PATTERNS for path in source.glob(pattern)):
        name, content = path.relative_to(source), path.read_bytes()
        if name.parts[0] == "notebooks":
            name = Path(*name.parts[1:])
        if name.suffix in {".ipynb", ".md"}:  # docs are beside notebooks there, below them here
            content = content.replace(b"../docs/", b"docs/").replace(b"../notebooks/", b"../")
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        try:
            with (folder / name).open("xb") as file:
                file.write(content)
            copied += name.suffix == ".ipynb"
        except FileExistsError:
            kept += name.suffix == ".ipynb"
    said = [f"Copied {copied} lessons to {folder}; begin with {FIRST}."] if copied else []
    if kept:
        said.append(f"Left {kept} as they are that were in {folder} already.")
    return " ".join(said)


def _source_folder() -> Path:
    """In an installed package within it, in a working copy around it."""
    package = Path(clover_nb.__file__).parent
    installed = package / "lessons"
    return installed if installed.is_dir() else package.parent
