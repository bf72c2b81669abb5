"""A proxy between the client and a sandbox that loses requests or answers, as networks do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from clover_nb.client import Clover, connect
from clover_nb.sandbox import Sandbox
from clover_nb.settings import Timeouts

#: Waits too short to notice.
QUICK = Timeouts(retry_delay=0.01, max_retry_delay=0.1, unreachable=30, total=30, read=30)


def nothing() -> None:
    """Nobody does anything meanwhile."""


@dataclass
class Loss:
    """The next request that fits is lost, or its answer; then something may happen."""

    what: str
    method: str
    path: str
    then: Callable[[], object]


@dataclass
class LossyProxy:
    """Passes requests on to a sandbox, and loses those that a test asks it to.

    `calls` are the requests that reached the sandbox, such as `PUT /v1/customers/X`.
    """

    sandbox: Sandbox
    url: str = ""
    losses: list[Loss] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    rewrite: Callable[[bytes], bytes] = bytes

    def connect(self, **settings: Any) -> Clover:
        """A connection through the proxy."""
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), self.url)
        quick = {"timeouts": QUICK, "requests_per_second": None}
        return connect("local", **(self.sandbox.connection() | urls | quick | settings))

    def lose_request(
        self, method: str, path: str = "", then: Callable[[], object] = nothing
    ) -> None:
        """The next such request never arrives."""
        self.losses.append(Loss("request", method, path, then))

    def lose_answer(
        self, method: str, path: str = "", then: Callable[[], object] = nothing
    ) -> None:
        """The next such request is carried out, and its answer never arrives."""
        self.losses.append(Loss("answer", method, path, then))

    def writes(self) -> list[str]:
        """The calls that change something."""
        return [call for call in self.calls if not call.startswith("GET") and "tokens" not in call]

    def pick(self, method: str, path: str, body: bytes) -> Loss | None:
        """The loss that was asked for, of a request that has arrived."""
        for loss in self.losses:
            if loss.method == method and loss.path in path:
                self.losses.remove(loss)
                return loss
        return None


@contextmanager
def lossy_proxy(sandbox: Sandbox, kind: type[LossyProxy] = LossyProxy) -> Iterator[LossyProxy]:
    """Run a proxy in front of a sandbox."""
    proxy = kind(sandbox)
    upstream = urlsplit(sandbox.ecommerce_url)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                return  # the client was killed meanwhile
            loss = proxy.pick(self.command, self.path, body)
            self.close_connection = True
            passed = None
            if loss is None or loss.what == "answer":
                with suppress(http.client.HTTPException, OSError):  # the sandbox lost it, too
                    passed = self.pass_on(body)
            if loss is not None:
                loss.then()
                return
            if passed is None:
                return
            response, content = passed
            self.send_response_only(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            with suppress(OSError):  # the client was killed meanwhile
                self.end_headers()
                self.wfile.write(content)

        def pass_on(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
            proxy.calls.append(f"{self.command} {self.path.partition('?')[0]}")
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port)
            with closing(connection):
                connection.request(self.command, self.path, body, headers)
                with closing(connection.getresponse()) as response:
                    return response, proxy.rewrite(response.read())

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  names of the standard library

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
