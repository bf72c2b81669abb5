"""Run the sandbox: a web server on loopback, in a thread of this process."""

from __future__ import annotations

import asyncio
import atexit
import logging
import sqlite3
import threading
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any, Self, TypeVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clover_nb.sandbox.api.control import reset_sandbox
from clover_nb.sandbox.app import build_app
from clover_nb.sandbox.merchant import Merchant
from clover_nb.sandbox.middleware.faults import FaultInjector, LatencySampler
from clover_nb.sandbox.middleware.webhooks import WebhookSender
from clover_nb.sandbox.settings import load_settings
from clover_nb.sandbox.store import Store

if TYPE_CHECKING:
    import os
    import socket
    from collections.abc import Callable, Mapping

    from clover_nb.sandbox.middleware.request_log import RequestLog

_T = TypeVar("_T")
_LOGGED = 1000  # requests; older ones are forgotten
_HOST = "127.0.0.1"
_LAST_PORT = 65535
_MAX_CONNECTIONS = 256
_MAX_HEAD = 65_536  # bytes of a request's first lines; Clover's own limit is not known


def _is_error(record: logging.LogRecord) -> bool:
    """Whether a log line tells of trouble; that a planned fault hung up is none."""
    return not str(record.msg).startswith("ASGI callable returned without")


class _SandboxProtocol(HttpToolsProtocol):
    """Answers a good request although garbage follows it, and can hang up on a request.

    Of very many open connections, those that wait longest for a request are closed: each takes a
    file of the process, and without files nobody else is served. A head without end is refused,
    before it takes all memory.
    """

    _head_size: int | None = None  # None between two heads

    def data_received(self, data: bytes) -> None:
        if self._head_size is not None:
            self._head_size += len(data)
            if self._head_size > _MAX_HEAD:
                super().send_400_response("The headers are too large.")
                return
        super().data_received(data)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        super().connection_made(transport)
        opened = self.server_state.__dict__.setdefault("opened", {})  # in order, unlike uvicorn's
        opened[self] = None
        if len(opened) > _MAX_CONNECTIONS:
            oldest = next(iter(opened))
            idle = (each for each in opened if each.cycle is None or each.cycle.response_complete)
            next(idle, oldest).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.__dict__["opened"].pop(self, None)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if self.cycle is not None and self.cycle.more_body:
            self.transport.abort()  # what is missing of the request may never come
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_size = 0
        self.scope["extensions"] = {"connection": {"abort": self.transport.abort}}

    def on_headers_complete(self) -> None:
        self._head_size = None
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        # Clover's Node SDK writes `{}` after a GET that announces no body; programs of Clover's own
        # must be answered. The connection is of no use afterwards.
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            super().send_400_response(msg)
        else:
            self.cycle.keep_alive = False


class _ThreadedServer(uvicorn.Server):
    """Runs in a thread, and says when it answers."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.thread = threading.Thread(
            target=self._run_server, name="clover-nb sandbox", daemon=True
        )
        self._startup_ended = threading.Event()

    def start(self) -> bool:
        """Start, and tell whether it answers."""
        self.thread.start()
        self._startup_ended.wait()
        return self.started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._startup_ended.set()

    def _run_server(self) -> None:
        try:
            self.run()
        except SystemExit:  # uvicorn's way to say that it could not listen
            pass
        finally:
            self._startup_ended.set()


class Sandbox:
    """A running sandbox. Stop it with `stop()`, or use it as a context manager.

    Attributes:
        ecommerce_url: The base address of the Ecommerce API.
        token_url: The same address, for tokens.
        platform_url: The same address, for the Platform API.
        api_key: The `apikey` that it accepts for tokens.
        merchant_id: The merchant whose customers it has.
    """

    def __init__(
        self, server: _ThreadedServer, store: Store, faults: FaultInjector, log: RequestLog
    ) -> None:
        self._server = server
        self._store = store
        self._faults = faults
        self._log = log
        port = server.servers[0].sockets[0].getsockname()[1]
        self.ecommerce_url = self.token_url = self.platform_url = f"http://{_HOST}:{port}"
        self.api_key = store.credentials.api_key
        self.merchant_id = store.credentials.merchant_id
        atexit.register(self.stop)

    @property
    def access_token(self) -> str:
        """The bearer token that it accepts."""
        return self._store.credentials.access_token

    def connection(self) -> dict[str, str]:
        """Return the six values that a client needs."""
        return {
            "ecommerce_url": self.ecommerce_url,
            "token_url": self.token_url,
            "platform_url": self.platform_url,
            "access_token": self.access_token,
            "api_key": self.api_key,
            "merchant_id": self.merchant_id,
        }

    def reset(self) -> None:
        """Go back to the start: the invented people alone, no faults scheduled, nothing logged."""
        self._run_in_server(reset_sandbox, self._store, self._faults, self._log)

    def seed(self, customers: int) -> None:
        """Add invented people.

        Args:
            customers: How many.
        """
        self._run_in_server(self._store.seed, customers)

    def fail_next(
        self, kind: str | int, times: int = 1, *, method: str = "", path: str = ""
    ) -> None:
        """Schedule a fault for the next requests.

        Args:
            kind: A status from 400 to 599, or a name in `faults.KINDS`: `reset-before`,
                `reset-after`, `truncated`, `html`, `portal`, `slow`.
            times: How many requests it hits.
            method: Which requests it is for, such as "POST"; all if empty.
            path: A part of the path of those that it is for; all if empty.

        Raises:
            ValueError: There is no such fault.
        """
        self._run_in_server(self._faults.schedule, kind, times, method, path)

    def expire_token(self) -> str:
        """Refuse the access token from now on, as Clover does some time after it was given.

        Returns:
            The token that is accepted instead.
        """
        return self._run_in_server(self._store.renew_token)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The newest 1000 requests, oldest first, each as a dictionary.

        It has `method`, `path`, `query`, `credential` (the last four characters), `request_id`,
        `status` (None if there was no answer), `fault` (empty if there was none), and, if the
        sandbox has a latency, `latency_ms`.
        """
        return self._run_in_server(lambda: [dict(entry) for entry in self._log])

    def stop(self) -> None:
        """Stop the server and close its database, a private one for good. Can be called twice."""
        self._server.should_exit = True
        self._server.thread.join()
        self._store.close()
        atexit.unregister(self.stop)

    def _run_in_server(self, function: Callable[..., _T], *args: object) -> _T:
        """Call in the server's thread, between two requests."""
        if not self._server.thread.is_alive():
            raise RuntimeError(f"The sandbox at {self.ecommerce_url} was stopped.")

        async def call_function() -> _T:
            return function(*args)

        return asyncio.run_coroutine_threadsafe(call_function(), self._server.loop).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<clover_nb sandbox at {self.ecommerce_url}, merchant {self.merchant_id}>"


def start(
    *,
    seed: int | None = None,
    customers: int = 200,
    db: str | os.PathLike[str] | None = None,
    limits: bool = True,
    port: int = 0,
    profile: str = "documented",
    settings: Mapping[str, str] | None = None,
    latency_ms: float = 0,
    jitter_ms: float = 0,
    faults: str = "",
    control: bool = False,
    webhook: str = "",
    webhook_auth: str = "",
) -> Sandbox:
    """Start a sandbox on 127.0.0.1 and return once it answers.

    Args:
        seed: With a seed, ids, keys and times are the same on every run; without, ids and keys are
            random and the clock is the real one. The invented people are always the same.
        customers: How many people to invent.
        db: A file that keeps everything; without, all is gone when it stops. What is in the file
            wins over `seed` and `customers`.
        limits: Whether to refuse more than Clover's requests a second and at once.
        port: The port; 0 takes a free one.
        profile: Which Clover to be: `documented`, or `legacy_2019`.
        settings: Choices where nobody knows Clover's behaviour, by name (docs/sandbox.md).
        latency_ms: How long each request waits, in milliseconds.
        jitter_ms: By how many milliseconds more or less; at most `latency_ms`.
        faults: What goes wrong now and then: `KIND:PERCENT%`, separated by commas.
        control: Whether to serve `/_sandbox/`, for programs in other languages; they send the
            access token.
        webhook: Where changes of customers are posted to, as Clover's webhooks are: an address on
            this machine.
        webhook_auth: What is sent with them as `X-Clover-Auth`.

    Raises:
        ValueError: There is no such profile, setting, value or fault, no such latency or port, or
            fewer than no people, or webhooks would leave this machine.
        OSError: The port is taken, or the file can't be opened.
    """
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(f"there is no port {port}; the last is {_LAST_PORT}")
    if customers < 0:
        raise ValueError(f"{customers} customers can't be invented")
    chosen = load_settings(profile, settings)
    injector = FaultInjector(faults, Random(seed))  # noqa: S311  chance, no secret
    latency = LatencySampler(latency_ms, jitter_ms, Random(seed))  # noqa: S311  chance, no secret
    try:
        store = Store(db, seed=seed, customers=customers, seconds=chosen["times"] == "seconds")
    except sqlite3.Error as problem:
        raise OSError(f"the file {db} can't be opened as a sandbox's: {problem}") from None
    try:
        sender = WebhookSender(webhook, webhook_auth, store.credentials) if webhook else None
    except ValueError:
        store.close()
        raise
    log: RequestLog = deque(maxlen=_LOGGED)
    app = build_app(
        Merchant(store, chosen),
        faults=injector,
        latency=latency,
        log=log,
        webhooks=sender,
        has_limits=limits,
        has_control=control,
    )
    server = _ThreadedServer(
        uvicorn.Config(
            app,
            host=_HOST,
            port=port,
            http=_SandboxProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,  # else it needs a standard error, which a program may not have
            log_level="error",
            server_header=False,
        )
    )
    logging.getLogger("uvicorn.error").addFilter(_is_error)
    if not server.start():
        store.close()
        raise OSError(f"the sandbox could not listen on {_HOST}:{port}; is the port taken?")
    return Sandbox(server, store, injector, log)
