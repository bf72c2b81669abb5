"""A server whose answers are written by the test: what Clover has been seen to send on bad days."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from clover_nb.client import Clover, connect
from clover_nb.settings import Timeouts

Answer = tuple[int, str, bytes] | tuple[int, str, bytes, dict[str, str]]
LATE: Answer = (0, "", b"")

#: Waits too short to notice; and as short, but given up soon.
QUICK = Timeouts(retry_delay=0.01, max_retry_delay=0.1, unreachable=30, total=30, read=30)
BRIEF = Timeouts(retry_delay=0.01, max_retry_delay=0.1, unreachable=0.05, total=0.05, read=30)
JSON = "application/json"


def said(body: object, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    return status, JSON, json.dumps(body).encode(), headers


@dataclass
class ScriptedServer:
    """Answers each request with the next of `answers`, the last one for ever, and keeps them all.

    An answer is (status, content type, body) and perhaps headers, or None: the connection is closed
    without a word. A body shorter than its `Content_Length` is cut short. `LATE` comes at the end
    of the test.
    """

    url: str = ""
    token: str = field(default_factory=lambda: uuid.uuid4().hex)  # no other test's pace or journal
    answers: list[Answer | None] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def connect(self, **settings: Any) -> Clover:
        """A connection to this server, with the merchant id left to the test."""
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), self.url)
        quick = {"timeouts": QUICK, "requests_per_second": None}
        return connect("local", access_token=self.token, **urls, **(quick | settings))

    @property
    def calls(self) -> list[str]:
        """What was asked for, such as `POST /v1/customers`, without the query."""
        return [f"{method} {path.partition('?')[0]}" for method, path, _, _ in self.requests]

    def next_answer(self) -> Answer | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
