"""A PostgreSQL of the tests' own: in a temporary folder, at a socket that nobody else knows."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

ROLES = ("ana", "bo", "eve")  # Ana and Bo are the team; Eve isn't
_USER = "postgres"


class Server:
    """A running server.

    Args:
        folder: Its own.
        programs: Where PostgreSQL's are.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        # It refuses to run as root.
        self._user = {"user": _USER, "group": _USER} if os.geteuid() == 0 else {}
        if self._user:
            os.chown(folder, *pwd.getpwnam(_USER)[2:4])
        folder.chmod(0o711)
        self._initialize()
        self.start()
        self._count = 0
        for statement in (
            "CREATE ROLE desk NOLOGIN",
            *(f"CREATE ROLE {role} LOGIN PASSWORD 'pass-{role}'" for role in ROLES),
            "GRANT desk TO ana, bo",
        ):
            self.execute(statement)

    def _initialize(self) -> None:
        password = self._folder / "password"
        password.write_text("pass-postgres")
        if self._user:
            os.chown(password, *pwd.getpwnam(_USER)[2:4])
        command = [self._programs / "initdb", "-D", "data", "-U", "postgres", "--no-sync"]
        options = ["--auth=scram-sha-256", "--pwfile=password", "-E", "UTF8", "--locale=C"]
        self._run([*command, *options])

    def _run(self, command: list[object]) -> None:
        subprocess.run(
            command, cwd=self._folder, check=True, stdout=subprocess.DEVNULL, **self._user
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = ["-c", "fsync=off", "-c", "listen_addresses=", "-k", self._folder]
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", "data", *options],
            cwd=self._folder,
            stderr=subprocess.DEVNULL,
            **self._user,
        )
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                assert self._process.poll() is None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop it, and all connections with it."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the superuser."""
        address = self.address("postgres", database)
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def address(self, role: str, database: str) -> str:
        """The address of a database, with a role's password."""
        return f"postgresql://{role}:pass-{role}@/{database}?host={self._folder}"

    @contextmanager
    def create_database(self) -> Iterator[Database]:
        """An empty database of the role `desk`, for as long as the block lasts."""
        self._count += 1
        name = f"desk{self._count}"
        self.execute(f"CREATE DATABASE {name} OWNER desk")
        self.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        yield Database(self, name)
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Database(NamedTuple):
    """A database of a server."""

    server: Server
    name: str

    def address(self, role: str) -> str:
        """Its address, with a role's password."""
        return self.server.address(role, self.name)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement in it, as the superuser."""
        return self.server.execute(statement, self.name)


def find_programs() -> Path | None:
    """Where PostgreSQL's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = str(found[-1]) if found else shutil.which("initdb")
    return Path(path).parent if path else None


@contextmanager
def run_server() -> Iterator[Server]:
    """A server, which ends with the block."""
    programs = find_programs()
    if programs is None and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    assert programs is not None, "PostgreSQL is not installed"
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        server = Server(Path(folder), programs)
        try:
            yield server
        finally:
            server.stop()
