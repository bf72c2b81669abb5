"""The PostgreSQL database that a team shares.

All is in a schema of its own, which the database's owner owns: a role that people's roles are
members of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from clover_nb.team import application_name

if TYPE_CHECKING:
    import psycopg

SCHEMA: Final = "clover_nb"

#: Begins a transaction during which nobody else writes, nor makes tables.
WRITES_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('clover-nb writes', 0))"

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
