"""A server whose answers are written by the test: what Clover has been seen to send on bad days."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clover_nb.client import Clover, connect


@dataclass
class Scripted:
    """Answers each request with the next of `answers`, and keeps what it was sent.

    An answer is (status, content type, body); a body shorter than `promised` is cut short.
    """

    url: str = ""
    answers: list[tuple[int, str, bytes]] = field(default_factory=list)
    promised: int | None = None
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def connect(self, **settings: str) -> Clover:
        """A connection to this server, with the merchant id left to the test."""
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), self.url)
        return connect("local", access_token="token-of-the-test", **urls, **settings)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.requests.append((self.command, self.path, dict(self.headers), body))
            status, kind, content = script.answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("X-Clover-Request-Id", "request-of-the-test")
            promised = len(content) if script.promised is None else script.promised
            self.send_header("Content-Length", str(promised))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  names of the standard library

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    thread.join()
    server.server_close()
