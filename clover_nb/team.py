"""What a team shares its journal and its rate in: a folder of one machine, or PostgreSQL.

A folder belongs to a group, and lies on a disk of this machine: the locks of a network drive can't
be relied on. In a database all is in a schema of its own, which the database's owner owns: a role
that people's roles are members of.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from clover_nb.errors import SettingsError
from clover_nb.masking import Secret

if TYPE_CHECKING:
    import psycopg

FOLDER_MODE: Final = 0o2770
FILE_MODE: Final = 0o660
SCHEMA: Final = "clover_nb"

#: Begins a transaction during which nobody else writes, nor makes tables.
WRITES_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('clover-nb writes', 0))"

_SCHEMES: Final = ("postgresql://", "postgres://")
# Where a lock that one machine holds is no lock for another, or can't be relied on.
_NETWORK: Final = re.compile(
    r"9p|afp|afs|beegfs|ceph|cifs|coda|davfs|glusterfs|gpfs|lustre|ncpfs|nfs4?|smb3|smbfs|"
    r"vboxsf|virtiofs|vmhgfs|fuse\.(gcsfuse|glusterfs|rclone|s3fs|sshfs|vmhgfs-fuse)"
)
# A connection whose other end is gone is given up after some seconds, and what waits for a lock or
# holds one without doing anything, after half a minute.
_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_ENTER: Final = f"""
SELECT set_config('search_path', '{SCHEMA}', false),
    set_config('lock_timeout', '30s', false),
    set_config('idle_in_transaction_session_timeout', '30s', false),
    set_config('role', pg_get_userbyid(datdba), false)
FROM pg_database WHERE datname = current_database()
"""  # noqa: S608  of constants


@functools.cache
def application_name() -> str:
    """How processes name themselves to others: the program and its version."""
    from importlib.metadata import version  # noqa: PLC0415  it reads a file

    return f"clover-nb {version('clover-nb')}"


def is_database(team: str) -> bool:
    """Whether a team's place is a database; else it is a folder."""
    return team.startswith(_SCHEMES)


def describe_database(address: str) -> str:
    """A database's address without its password."""
    from psycopg import ProgrammingError, conninfo  # noqa: PLC0415  an extra

    try:
        parts = conninfo.conninfo_to_dict(address)
    except ProgrammingError:  # whose message may quote a password
        return "postgresql://••••"
    user = f"{parts['user']}@" if "user" in parts else ""
    port = f":{parts['port']}" if "port" in parts else ""
    return f"postgresql://{user}{parts.get('host', '')}{port}/{parts.get('dbname', '')}"


def connect_database(address: str, process: str = "") -> psycopg.Connection:
    """Connect to a team's database, as the role that owns it.

    Args:
        address: Its address.
        process: The name of who connects, as others see it.

    Raises:
        psycopg.Error: It can't be reached, or this role is none of the team's.
    """
    import psycopg  # noqa: PLC0415  an extra

    name = f"{application_name()} {process}".strip()
    connection = psycopg.connect(address, autocommit=True, application_name=name, **_OPTIONS)
    try:
        connection.execute(_ENTER)
    except BaseException:
        connection.close()
        raise
    return connection


class DatabaseState(NamedTuple):
    """What a team's database says of itself.

    Attributes:
        version: PostgreSQL's.
        role: Whose connection this is.
        clock: Its time, in seconds since 1970.
        is_open: Whether every role of the server may connect to it.
        processes: The program and its version, the process's name, and whose it is.
    """

    version: str
    role: str
    clock: float
    is_open: bool
    processes: list[str]


def examine_database(address: str) -> DatabaseState:
    """Ask a team's database for its state; nothing is changed.

    Raises:
        psycopg.Error: It can't be reached, or this role is none of the team's.
    """
    with connect_database(address) as connection:
        alive = [str(line[0]) for line in connection.execute(_ALIVE)]
        version, role, is_open, clock = connection.execute(_EXAMINE).fetchone() or ()
    return DatabaseState(version, role, clock, is_open, alive)


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


_ALIVE: Final = """
SELECT application_name || ', ' || usename FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'clover-nb % %' ORDER BY 1
"""
# Roles may connect where nobody has said otherwise.
_EXAMINE: Final = """
SELECT current_setting('server_version'), session_user::text, EXISTS (
    SELECT FROM pg_database,
        aclexplode(coalesce(datacl, acldefault('d', datdba))) AS right_of
    WHERE datname = current_database() AND grantee = 0 AND privilege_type = 'CONNECT'
), extract(epoch FROM clock_timestamp())::float8
"""
_USE_DATABASE: Final = "Use PostgreSQL: CLOVER_TEAM=postgresql://name:password@host/database"


def file_system_of(folder: Path) -> str:
    """The kind of file system that a folder lies on; empty where it isn't known."""
    import psutil  # noqa: PLC0415  only who has a team's folder pays for it

    mounts = {each.mountpoint: each.fstype for each in psutil.disk_partitions(all=True)}
    path = folder.resolve()
    return next((mounts[str(each)] for each in (path, *path.parents) if str(each) in mounts), "")


def _team_error(message: str, hint: str) -> SettingsError:
    return SettingsError(message, hint=hint, field="team")
