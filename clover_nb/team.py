"""What a team shares its journal and its rate in: a folder of one machine, or PostgreSQL.

A folder belongs to a group, and lies on a disk of this machine: the locks of a network drive can't
be relied on. For a database see :mod:`clover_nb.team_database`.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import stat
from pathlib import Path
from typing import Final

from clover_nb.errors import SettingsError
from clover_nb.masking import Secret

FOLDER_MODE: Final = 0o2770
FILE_MODE: Final = 0o660
_SCHEMES: Final = ("postgresql://", "postgres://")
# Where a lock that one machine holds is no lock for another, or can't be relied on.
_NETWORK: Final = re.compile(
    r"9p|afp|afs|beegfs|ceph|cifs|coda|davfs|glusterfs|gpfs|lustre|ncpfs|nfs4?|smb3|smbfs|"
    r"vboxsf|virtiofs|vmhgfs|fuse\.(gcsfuse|glusterfs|rclone|s3fs|sshfs|vmhgfs-fuse)"
)


@functools.cache
def application_name() -> str:
    """How processes name themselves to others: the program and its version."""
    from importlib.metadata import version  # noqa: PLC0415  it reads a file

    return f"clover-nb {version('clover-nb')}"


def is_database(team: str) -> bool:
    """Whether a team's place is a database; else it is a folder."""
    return team.startswith(_SCHEMES)


def open_shared(path: Path, mode: int) -> int:
    """Open a file to lock it, with a mode that it has whatever the umask; a colleague's has it.

    Raises:
        OSError: It can't be opened; or is a link, which could lead to somebody else's file, or no
            file: root would take a device such as /dev/null away from all others.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    file = os.open(path, flags, mode)
    state = os.fstat(file)
    if not stat.S_ISREG(state.st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "it is no file", str(path))
    if hasattr(os, "fchmod") and state.st_uid == os.geteuid():
        os.fchmod(file, mode)
    return file


def check_team(team: Secret) -> None:
    """Refuse a place that a team can't share.

    Raises:
        SettingsError: Why, and what to do.
    """
    place = team.reveal()
    if is_database(place):
        _check_address(place)
    else:
        _check_folder(Path(place))


def _check_address(address: str) -> None:
    try:
        from psycopg import ProgrammingError, conninfo  # noqa: PLC0415  an extra
    except ImportError:
        raise _team_error(
            "CLOVER_TEAM names a PostgreSQL database, and psycopg is not installed.",
            'Install it: pip install "psycopg[binary]"',
        ) from None
    try:
        conninfo.conninfo_to_dict(address)
    except ProgrammingError:
        raise _team_error(
            "CLOVER_TEAM is not a database's address.",
            "It should look like postgresql://name:password@host/database, with signs in the "
            "password as in web addresses (%40 for @).",
        ) from None


def _check_folder(folder: Path) -> None:
    where = f"The team's folder {folder}"
    if not hasattr(os, "getuid"):
        raise _team_error(f"{where} can't be shared on Windows.", _USE_DATABASE)
    if not folder.is_absolute():
        raise _team_error(f"{where} is named without the folders above it.", "Name it from / on.")
    make = f"Make it: install -d -g GROUP -m {FOLDER_MODE:o} {folder}"
    try:
        state = folder.stat()
    except OSError as error:
        raise _team_error(
            f"{where} can't be opened ({error.strerror}).", f"{make}; or join its group."
        ) from None
    if not stat.S_ISDIR(state.st_mode):
        raise _team_error(f"{where} is no folder.", make)
    if _NETWORK.fullmatch(kind := file_system_of(folder)):
        message = f"{where} is on a network drive ({kind}), whose locks can't be relied on."
        raise _team_error(message, _USE_DATABASE)
    if (mode := stat.S_IMODE(state.st_mode)) != FOLDER_MODE:
        raise _team_error(
            f"{where} has mode {mode:o}, not {FOLDER_MODE:o}.",
            f"Let its group in, and nobody else: chmod {FOLDER_MODE:o} {folder}",
        )
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _team_error(
            f"{where} is not open to this user.", "Join its group, and sign in again."
        )


_USE_DATABASE: Final = "Use PostgreSQL: CLOVER_TEAM=postgresql://name:password@host/database"


def file_system_of(folder: Path) -> str:
    """The kind of file system that a folder lies on; empty where it isn't known."""
    import psutil  # noqa: PLC0415  only who has a team's folder pays for it

    mounts = {each.mountpoint: each.fstype for each in psutil.disk_partitions(all=True)}
    path = folder.resolve()
    return next((mounts[str(each)] for each in (path, *path.parents) if str(each) in mounts), "")


def _team_error(message: str, hint: str) -> SettingsError:
    return SettingsError(message, hint=hint, field="team")
