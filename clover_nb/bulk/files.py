"""What the system says of a file that can't be read or written, as errors of the tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clover_nb.errors import ValidationError


@contextmanager
def convert_read_errors(path: Path) -> Iterator[None]:
    """Read a file within.

    Raises:
        ValidationError: It can't be read; the message says why.
    """
    try:
        yield
    except OSError as error:
        raise ValidationError(
            f"{path.name or path} can't be read ({error.strerror}).", field="path"
        ) from None


@contextmanager
def convert_write_errors(path: Path) -> Iterator[None]:
    """Write a file within.

    Raises:
        ValidationError: It can't be written; the message says why.
    """
    try:
        yield
    except OSError as error:
        there = path.parent.is_dir()
        reason = error.strerror or error if there else f"there is no folder {path.parent}"
        raise ValidationError(
            f"{path} can't be written ({reason}).",
            hint="Name another file." if there else "Make the folder, or name another file.",
            field="path",
        ) from None
