"""Files that a person names: read or written whole, or an error of the tree that says why not."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from clover_nb.errors import ValidationError


def check_path(path: object) -> Path:
    """A file's name.

    Raises:
        ValidationError: It is none.
    """
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if isinstance(name, str) and "\0" not in name:
        return Path(name)
    raise ValidationError(
        f"path must be the name of a file, not {path!r:.40}.",
        hint='Such as "customers.csv".',
        field="path",
    )


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
def replace_file(path: Path, *, is_private: bool = False) -> Iterator[Path]:
    """Write a file whole or not at all: what is there stays until the new one is complete.

    Args:
        path: The file. What is no file, such as the pipe of ``/dev/stdout``, is written as it is.
        is_private: Whether it becomes readable by this user alone.

    Yields:
        What to write, which then takes the file's place.

    Raises:
        ValidationError: It can't be written; the message says why.
    """
    with _convert_write_errors(path):
        is_there = path.exists()
        if is_there and not path.is_file():
            yield path
            return
        if is_there and not os.access(path, os.W_OK):  # which its folder would not ask for
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        target = Path(os.path.realpath(path))  # a link stays one
        with TemporaryDirectory(
            dir=target.parent, prefix=".clover-nb-", ignore_cleanup_errors=True
        ) as folder:
            part = Path(folder, target.name)  # pandas compresses by the name
            if is_private:
                part.touch(0o600)
            yield part
            if is_there and not is_private:
                shutil.copymode(target, part)
            part.replace(target)


@contextmanager
def _convert_write_errors(path: Path) -> Iterator[None]:
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
