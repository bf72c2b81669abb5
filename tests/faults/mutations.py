"""Answers that lie: genuine ones of the sandbox, changed at random on their way to the client."""

from __future__ import annotations

import copy
import http.client
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, bytes]

JUNK: list[Any] = [
    *(None, True, False, 0, -1, 5, 2**53 + 1, 2**70, 1.5, float("nan"), float("inf"), 10**400),
    *("", "x", "0000000000000", "\ud83c", "\u202eevil", "a\x00b", "A" * 5000, "clv_1TSTS", "$x^2$"),
    *([], [[]], [None], {}, {"elements": {}}, {"elements": [5]}, {"data": "x"}, {"": ""}),
    {"id": "0000000000000"},
]
NAMES = [
    "id",
    "name",
    "email",
    "cards",
    "source_ids",
    "created",
    "elements",
    "",
    "\ud83c",
    "object",
]


class Mutator:
    """Changes answers at random, the same way for the same seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311  not a secret

    def mutate(self, status: int, content: bytes) -> Answer:
        """The answer with something changed: in its JSON, its bytes or its status."""
        way = self._draw.choice([self._mutate_json] * 6 + [self._mutate_bytes] * 2 + ["status"])
        if way == "status":
            return self._draw.choice([200, 201, 202, 206, 302, 400, 404, 409, 418, 500]), content
        return status, way(content)

    def _mutate_json(self, content: bytes) -> bytes:
        try:
            value = json.loads(content)
        except ValueError:
            return content
        for _ in range(self._draw.choice([1, 1, 1, 2, 5])):
            value = self._mutate_value(value)
        return json.dumps(value).encode()

    def _mutate_value(self, value: Any) -> Any:
        """One change, anywhere in a value; the deeper ones are as likely as the others."""
        inner = isinstance(value, dict | list) and bool(value)
        if not inner or self._draw.random() < 0.15:
            return self._replace(value)
        key = self._draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
        action = self._draw.choice(["inside"] * 6 + ["replace", "delete", "double", "rename"])
        if action == "inside":
            value[key] = self._mutate_value(value[key])
        elif action == "replace":
            value[key] = self._replace(value[key])
        elif action == "delete":
            del value[key]
        elif isinstance(value, dict):
            part = copy.deepcopy(value[key]) if action == "double" else value.pop(key)
            value[self._draw.choice(NAMES)] = part
        else:
            value += [copy.deepcopy(value[key])]
        return value

    def _replace(self, value: Any) -> Any:
        action = self._draw.choice(["junk"] * 4 + ["list", "object", "text", "deep"])
        if action == "list":
            return [value, copy.deepcopy(value)]
        if action == "object":
            return {"elements": [value], "id": copy.deepcopy(value)}
        if action == "text":
            return json.dumps(value)
        if action == "deep":
            for _ in range(self._draw.choice([3, 60, 300])):
                value = [value]
            return value
        return copy.deepcopy(self._draw.choice(JUNK))

    def _mutate_bytes(self, content: bytes) -> bytes:
        at = self._draw.randrange(len(content) + 1)
        return self._draw.choice(
            [
                b"",
                b"null",
                b"[]",
                b"<html>Sign in</html>",
                b"\xef\xbb\xbf" + content,
                b"[" * 100_000,
                content[:at],
                content[:at] + self._draw.randbytes(1) + content[at + 1 :],
                content[:at] + b"\xff\xfe" + content[at:],
                content + content,
            ]
        )


@dataclass
class LyingProxy:
    """Hands requests on to a sandbox, and lies about some of the answers.

    Attributes:
        url: Where it listens.
        mutator: What changes the answers; none for the truth.
        share: Of how many of the answers.
        applied: Whether a change of a customer was made since it was set to false.
    """

    url: str = ""
    mutator: Mutator | None = None
    share: float = 1.0
    applied: bool = False
    dice: random.Random = field(default_factory=random.Random)

    def lie(self, seed: int) -> None:
        """Lie from now on, as this seed says: always, or now and then."""
        self.dice = random.Random(-seed)  # noqa: S311  not a secret
        self.share = self.dice.choice([1.0, 0.5])
        self.mutator = Mutator(seed)

    def answer(self, status: int, content: bytes) -> Answer:
        """What the client gets."""
        if self.mutator is None or self.dice.random() >= self.share:
            return status, content
        return self.mutator.mutate(status, content)


@contextmanager
def lying_proxy(behind: str) -> Iterator[LyingProxy]:
    """A real HTTP server in front of the sandbox at this address."""
    proxy, local = LyingProxy(), threading.local()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            if not hasattr(local, "wire"):
                local.wire = http.client.HTTPConnection(urlsplit(behind).netloc)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            local.wire.request(self.command, self.path, body, headers)
            genuine = local.wire.getresponse()
            if self.command in ("POST", "PUT") and "/customers" in self.path:
                proxy.applied = proxy.applied or genuine.status < 300
            status, content = proxy.answer(genuine.status, genuine.read())
            self.send_response_only(status)
            for name in ("Content-Type", "Date", "X-Clover-Request-Id"):
                if value := genuine.headers.get(name):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def finish(self) -> None:
            if hasattr(local, "wire"):
                local.wire.close()
            super().finish()

        do_GET = do_POST = do_PUT = do_DELETE = forward  # noqa: N815  names of the standard library

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
