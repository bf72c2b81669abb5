"""A company's HTTPS proxy on loopback: hosts keep their real names, and nothing leaves the machine.

Its certificates are signed by a throw-away authority (trustme). What reaches it is answered by a
practice sandbox.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import trustme


@dataclass
class HTTPSProxy:
    """A running proxy.

    Attributes:
        environment: What the process needs to go through it.
        requests: Host, method, path and the token's header of each request, in order.
    """

    environment: dict[str, str]
    requests: list[tuple[str, str, str, str]] = field(default_factory=list)


@contextmanager
def running_proxy(folder: Path, sandbox_url: str) -> Iterator[HTTPSProxy]:
    """A proxy in front of a sandbox."""
    authority = trustme.CA()
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    sandbox = urlsplit(sandbox_url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        host = ""

        def do_CONNECT(self) -> None:
            self.host = self.path.partition(":")[0]
            self.send_response_only(200)
            self.end_headers()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(self.host).configure_cert(context)
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def answer(self) -> None:
            token = self.headers.get("Authorization", "")
            proxy.requests.append((self.host, self.command, self.path, token))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: value for name, value in self.headers.items() if name != "Host"}
            upstream = http.client.HTTPConnection(sandbox, timeout=60)
            upstream.request(self.command, self.path, body, kept)
            response = upstream.getresponse()
            content = response.read()
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            upstream.close()

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  names of the standard library

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    variables = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), url) | {
        "REQUESTS_CA_BUNDLE": str(bundle)
    }
    proxy = HTTPSProxy(variables)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield proxy
    server.shutdown()
    thread.join()
    server.server_close()
