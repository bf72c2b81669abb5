"""Clover's hosts behind a company's proxy, all on this machine, with an authority to throw away."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme


@dataclass
class Company:
    """What is behind the proxy.

    Attributes:
        proxy: The proxy's address.
        authority: Who has issued all certificates.
        tunnels: The `host:port` of each tunnel that was asked for.
        requests: Host, path and headers of each request.
        answer: What all are answered.
    """

    proxy: str
    authority: trustme.CA
    tunnels: list[str] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)


@contextmanager
def company(hosts: list[str], scheme: str = "http") -> Iterator[Company]:
    """Run it.

    Args:
        hosts: Whose certificates the server behind the proxy has.
        scheme: `https` for a proxy that is itself spoken to through TLS.
    """
    authority = trustme.CA()
    there = Company("", authority)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            there.requests.append((self.headers["Host"], self.path, dict(self.headers)))
            content = json.dumps(there.answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  names of the standard library

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = tls(authority, *hosts).wrap_socket(server.socket, server_side=True)
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        with socket.create_server(("127.0.0.1", 0)) as door:
            there.proxy = f"{scheme}://127.0.0.1:{door.getsockname()[1]}"
            context = tls(authority, "127.0.0.1") if scheme == "https" else None
            tunnelling = threading.Thread(target=tunnel, args=(door, context, server, there))
            tunnelling.start()
            yield there
            door.shutdown(socket.SHUT_RDWR)
            tunnelling.join()
        server.shutdown()
        serving.join()


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def tunnel(
    door: socket.socket,
    context: ssl.SSLContext | None,
    server: ThreadingHTTPServer,
    there: Company,
) -> None:
    """Connect everybody to the one server, whatever host they ask for."""
    pumps, ends = [], []
    while True:
        try:
            client = door.accept()[0]
        except OSError:
            break
        client = context.wrap_socket(client, server_side=True) if context else client
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        there.tunnels.append(head.split()[1].decode())
        origin = socket.create_connection(server.server_address)
        ends += (client, origin)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for source, target in ((client, origin), (origin, client)):
            pumps.append(threading.Thread(target=pump, args=(source, target)))
            pumps[-1].start()
    for each in pumps:
        each.join()
    for end in ends:
        end.close()


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(65536):
            target.sendall(content)
    for end in (source, target):
        with suppress(OSError):
            socket.socket.shutdown(end, socket.SHUT_RDWR)
