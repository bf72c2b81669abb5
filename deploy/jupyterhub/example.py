"""`make hub`: JupyterHub on this machine, with a practice sandbox, PostgreSQL and two users.

Prints its address and the password, and lasts until Ctrl-C; nothing of it stays. Root, as in a
container, runs each user's server as another user of the system, where others may run this Python.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from clover_nb import sandbox

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
USERS = ("ana", "bo")
FIRST_UID = 61_000  # no user of a system has it
IS_ROOT = os.geteuid() == 0


def find_program(name: str) -> str:
    """PostgreSQL's own; Debian has them in no PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = next(map(str, versions), None) or shutil.which(name)
    return found or sys.exit(f"There is no {name} here: apt-get install postgresql")


@contextmanager
def serve_database(folder: Path) -> Iterator[dict[str, str]]:
    """A PostgreSQL of its own, with a role a user; gives the address of each."""
    words = {name: secrets.token_hex(16) for name in ("admin", *USERS)}
    secret, data = folder / "admin", folder / "data"
    secret.write_text(words["admin"])
    port = find_port()
    given: dict[str, Any] = {}
    if IS_ROOT:  # whom PostgreSQL refuses to run as
        shutil.chown(folder, "postgres")
        shutil.chown(secret, "postgres")
        given = {"user": "postgres", "group": "postgres", "extra_groups": []}
    options = ["--username=admin", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
    subprocess.run(
        [find_program("initdb"), f"--pgdata={data}", "--encoding=UTF8", *options],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **given,
    )
    command = [find_program("postgres"), "-D", data, "-p", str(port), "-k", folder]
    command += ["-h", "127.0.0.1", "-c", "log_min_messages=panic"]
    with subprocess.Popen(command, cwd=folder, start_new_session=True, **given) as server:
        try:
            create_roles(port, words)
            yield {
                name: f"postgresql://{name}:{words[name]}@127.0.0.1:{port}/clover" for name in USERS
            }
        finally:
            server.send_signal(signal.SIGINT)  # it doesn't wait for those who are connected


def create_roles(port: int, words: dict[str, str]) -> None:
    """A database, and a role that may use it for each user."""
    statements = ["CREATE ROLE clover_team NOLOGIN", "CREATE DATABASE clover OWNER clover_team"]
    statements += ["REVOKE CONNECT ON DATABASE clover FROM PUBLIC"]
    statements += [
        f"CREATE ROLE {name} LOGIN PASSWORD '{words[name]}' IN ROLE clover_team" for name in USERS
    ]
    ask = [find_program("psql"), "-qAt", "-h", "127.0.0.1", "-p", str(port), "-U", "admin"]
    environment = os.environ | {"PGPASSWORD": words["admin"]}

    def run(database: str, lines: list[str]) -> bool:
        options = [option for line in lines for option in ("-c", line)]
        command = [*ask, "-d", database, "-v", "ON_ERROR_STOP=1", *options]
        ran = subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL)
        return ran.returncode == 0

    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 and run("postgres", ["SELECT"]):
                break
        time.sleep(0.1)
    if not run("postgres", statements):
        sys.exit("PostgreSQL's roles could not be made.")


def wait_for_hub(hub: subprocess.Popen[bytes], url: str) -> None:
    """Wait until it answers."""
    while hub.poll() is None:
        with suppress(requests.RequestException):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.1)
    sys.exit("The hub has not started.")


def find_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_settings(folder: Path, box: sandbox.Sandbox) -> Path:
    """The hub's file of settings: where the sandbox is."""
    names = {name: f"CLOVER_{name.upper()}" for name in box.connection()}
    lines = [f"{names[name]}={value}" for name, value in box.connection().items() if value]
    path = folder / "hub.env"
    path.touch(mode=0o600)
    path.write_text("\n".join(["CLOVER_ENVIRONMENT=local", *lines, ""]))
    return path


def others_can_run() -> bool:
    """Whether other users of this machine can run this Python: it may lie in somebody's home."""
    command = [sys.executable, "-P", "-c", "import clover_nb"]
    options: dict[str, Any] = {"user": FIRST_UID, "group": FIRST_UID, "extra_groups": []}
    try:
        ran = subprocess.run(command, check=False, cwd="/", stderr=subprocess.DEVNULL, **options)
    except PermissionError:
        return False
    return ran.returncode == 0


def make_homes(folder: Path) -> dict[str, int]:
    """A home for each user that is closed to the other; their ids, 0 for one's own."""
    may_change = IS_ROOT and others_can_run()
    uids = {name: FIRST_UID + place if may_change else 0 for place, name in enumerate(USERS)}
    for name, uid in uids.items():
        home = folder / name
        home.mkdir(mode=0o700)
        if uid:
            os.chown(home, uid, uid)
    return uids


def main() -> None:
    """Run all of it until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="clover-hub-") as name, sandbox.start() as box:
        folder = Path(name)
        folder.chmod(0o711)
        for part in ("homes", "database", "state"):
            (folder / part).mkdir(mode=0o711 if part == "homes" else 0o700)
        uids = make_homes(folder / "homes")
        with serve_database(folder / "database") as addresses:
            example = {
                "url": f"http://127.0.0.1:{find_port()}",
                "hub_port": find_port(),
                "proxy_url": f"http://127.0.0.1:{find_port()}",
                "password": secrets.token_urlsafe(8),
                "homes": str(folder / "homes"),
                "users": {name: {"uid": uids[name], "team": addresses[name]} for name in USERS},
            }
            environment = os.environ | {
                "CLOVER_HUB_SETTINGS": str(write_settings(folder, box)),
                "CLOVER_HUB_STATE": str(folder / "state"),
                "CLOVER_HUB_EXAMPLE": json.dumps(example),
            }
            command = [BIN / "jupyterhub", f"--config={HERE / 'example_config.py'}"]
            with subprocess.Popen(
                command,
                env=environment,
                cwd=folder / "state",
                stdout=sys.stderr,  # the proxy writes its log there
                start_new_session=True,
            ) as hub:
                try:
                    wait_for_hub(hub, f"{example['url']}/hub/health")
                    words = f"users {' '.join(USERS)} password {example['password']}"
                    print(f"URL {example['url']} {words}", flush=True)
                    hub.wait()
                except KeyboardInterrupt:
                    pass
                finally:
                    hub.terminate()


if __name__ == "__main__":
    main()
