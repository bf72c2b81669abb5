"""The ``.env`` with a project's settings: where it is looked for, and whether it can be trusted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dotenv import dotenv_values

from clover_nb.errors import SettingsError


def find_env_file() -> Path | None:
    """The nearest ``.env`` between the working directory and the top of its project, or ``None``.

    The top is the first folder with ``.git`` or ``pyproject.toml`` in it. Without one only the
    working directory is looked at: what lies above it may be anybody's.
    """
    try:
        start = Path.cwd()
    except FileNotFoundError:  # it was deleted
        return None
    folders = (start, *start.parents)
    tops = (
        number
        for number, folder in enumerate(folders)
        if (folder / ".git").exists() or (folder / "pyproject.toml").exists()
    )
    candidates = (folder / ".env" for folder in folders[: next(tops, 0) + 1])
    return next((path for path in candidates if path.is_file()), None)


def read_env_file(path: Path) -> dict[str, str | None]:
    """What a ``.env`` says.

    Raises:
        SettingsError: It can't be read, or another user could have written it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            _refuse_untrusted(path, (path.lstat(), os.fstat(file.fileno())))
            return dotenv_values(stream=file, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The settings file {path} can't be read ({error}).",
            hint="It must be a text file in UTF-8 that you may read.",
        ) from None


def _refuse_untrusted(path: Path, states: tuple[os.stat_result, os.stat_result]) -> None:
    """Refuse a file that another user could have written; who writes it says where a token goes.

    Args:
        path: The file.
        states: Of the path, which may be a link, and of the file that was opened.

    Raises:
        SettingsError: It, or the link, belongs to somebody else but root, or others may write it.
    """
    if not hasattr(os, "geteuid"):  # Windows, where a user's folders are closed to others
        return
    if any(state.st_uid not in (0, os.geteuid()) for state in states):
        raise SettingsError(
            f"The settings file {path} belongs to another user of this machine.",
            hint="If you trust it, make it yours (chown), or set CLOVER_... in the environment.",
        )
    mode = states[1].st_mode
    if mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_private_group(states[1])):
        raise SettingsError(
            f"Other users of this machine may write the settings file {path}.",
            hint=f"Look whether it is as you left it, then: chmod go-w {path}",
        )


def _is_private_group(state: os.stat_result) -> bool:
    """Whether the group is its owner's own, as where each user has one (umask 002)."""
    import grp  # noqa: PLC0415  not on Windows
    import pwd  # noqa: PLC0415

    try:
        user, group = pwd.getpwuid(state.st_uid).pw_name, grp.getgrgid(state.st_gid)
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}
