"""``clover-nb lessons``: the notebooks of the package, copied to where they can be used."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import clover_nb

FOLDER = "clover-nb-lessons"
FIRST = "01_first_customers.ipynb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(FOLDER),
        help=f"where to; else {FOLDER}, in the working directory",
    )


def run(arguments: argparse.Namespace) -> int:
    """Copy the lessons and say what became of each.

    Args:
        arguments: What the parser made of the options.

    Returns:
        The exit code.
    """
    try:
        print(copy_lessons(arguments.folder))  # noqa: T201  of a command
    except OSError as error:
        print(f"clover-nb lessons: {error}. Name another folder.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def copy_lessons(folder: Path) -> str:
    """Copy the lessons into a folder; a file that is there already stays as it is.

    Args:
        folder: Is made if it isn't there.

    Returns:
        What was done, in a sentence or two.

    Raises:
        OSError: The folder or a file in it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied, kept = [], []
    for lesson in sorted(_packaged_lessons().glob("*.ipynb")):
        content = lesson.read_bytes()
        try:
            with (folder / lesson.name).open("xb") as file:
                file.write(content)
            copied.append(lesson.name)
        except FileExistsError:
            kept.append(lesson.name)
    said = [f"Copied {len(copied)} lessons to {folder}; begin with {FIRST}."] if copied else []
    if kept:
        said.append(f"Left {len(kept)} as they are that were in {folder} already.")
    return " ".join(said)


def _packaged_lessons() -> Path:
    """In an installed package within it, in a working copy beside it."""
    package = Path(clover_nb.__file__).parent
    installed = package / "lessons"
    return installed if installed.is_dir() else package.parent / "notebooks"
