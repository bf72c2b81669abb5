"""What every test can ask for: a practice sandbox, and a connection to it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import postgresql
import pytest
from scripted_server import BRIEF, LATE, ScriptedServer

from clover_nb import client, sandbox
from clover_nb.client import Clover, connect
from clover_nb.settings import Timeouts

# A shell's `&` and nohup start programs that ignore it; here it is pressed.
signal.signal(signal.SIGINT, signal.default_int_handler)

# In this order: the longest begin; between those that need a JupyterLab are others, for the worker
# that has none, as it would start one of its own.
SLOW = (
    *("browser/test_forms_in_lab.py", "browser/test_desk_in_lab.py", "browser/test_desk_keys.py"),
    *("browser/test_desk_page.py", "cli/test_lab.py", "browser/test_card_in_lab.py"),
    *("browser/test_field_in_lab.py", "security/test_desk_page.py", "browser/test_change_many.py"),
    "browser/test_table_in_lab.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files, so that no worker is left with one of them at the end."""

    def order(item: pytest.Item) -> int:
        name = f"{item.path.parent.name}/{item.path.name}"
        return SLOW.index(name) if name in SLOW else len(SLOW) + (item.path.suffix != ".ipynb")

    items.sort(key=order)


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a `.env` in it or above it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def practice() -> Iterator[sandbox.Sandbox]:
    """A sandbox that the tests of this process share; each makes customers of its own."""
    with sandbox.start(seed=7, limits=False) as running:
        yield running


@pytest.fixture
def clover(practice: sandbox.Sandbox) -> Iterator[Clover]:
    """A connection to the shared sandbox."""
    with connect("local", requests_per_second=None, **practice.connection()) as connection:
        yield connection


@pytest.fixture
def default_connection(clover: Clover, monkeypatch: pytest.MonkeyPatch) -> Clover:
    """A connection that ``Customer``, ``Token`` and the forms use in this test."""
    monkeypatch.setattr(client, "_default", [clover])
    return clover


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """A PostgreSQL that the tests of this process share; none without it, but for CI."""
    with postgresql.run_server() as server:
        yield server


@pytest.fixture
def database(postgresql_server: postgresql.Server) -> Iterator[postgresql.Database]:
    """A database of it with nothing in it."""
    with postgresql_server.create_database() as made:
        yield made


@pytest.fixture
def brief() -> Timeouts:
    """Waits too short to notice, and given up soon."""
    return BRIEF


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    script = ScriptedServer()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.requests.append((self.command, self.path, dict(self.headers), body))
            answer = script.next_answer()
            self.close_connection = True
            if answer is LATE:
                script.over.wait()
            if answer is None or answer is LATE:
                return
            status, kind, content, *more = answer
            headers = {"Content_Length": str(len(content))} | (more[0] if more else {})
            (self.send_response_only if "Date" in headers else self.send_response)(status)
            self.send_header("Content-Type", kind)
            self.send_header("X-Clover-Request-Id", "request-of-the-test")
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  names of the standard library

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    script.over.set()
    server.shutdown()
    thread.join()
    server.server_close()
