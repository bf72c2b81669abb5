"""The folder for what processes of this user share while they run: locks and sockets.

It is local and short-lived, never in a home folder, which may be a network drive.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def runtime_folder() -> Path:
    """Make the folder if it isn't there: in ``XDG_RUNTIME_DIR``, else in the temporary folder.

    Raises:
        OSError: It can't be made, or what stands in its place is not this user's alone.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir() and os.access(base, os.W_OK | os.X_OK):
        return _own_folder(Path(base) / "clover-nb")
    user = os.getuid() if hasattr(os, "getuid") else ""  # Windows has a temporary folder a user
    return _own_folder(Path(tempfile.gettempdir()) / f"clover-nb-{user}")


def _own_folder(path: Path) -> Path:
    """Anybody may have made a folder, or a link, of this name in the temporary folder."""
    path.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid"):
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise PermissionError(f"{path} is not a folder of this user's")
        if found.st_mode & _OTHERS:
            raise PermissionError(f"{path} is open to others")
    return path
