"""The connections to an address, and exchanges on them, which can be abandoned at any moment."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from clover_nb.setting_checks import is_loopback
from clover_nb.transport import workers

T = TypeVar("T")


def connection_pool(adapter: HTTPAdapter, base: str) -> tuple[Any, str]:
    """The connections to an address, and what its paths begin with.

    requests knows the machine's proxies and certificates. It is asked once, for it would look them
    up on each call, which costs as much as the rest of the call. No proxy leads to this machine.
    """
    with requests.Session() as session:
        route = session.merge_environment_settings(base, {}, None, None, None)
    request = requests.Request("GET", base).prepare()
    proxies = {} if is_loopback(urlsplit(base).hostname or "") else route["proxies"]
    verify, cert = route["verify"] or False, route["cert"]
    pool: Any = adapter.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
    adapter.cert_verify(pool, base, verify, cert)  # type: ignore[no-untyped-call]  # requests'
    pool.ConnectionCls = _tracking_class(type(pool).ConnectionCls)
    return pool, adapter.request_url(request, proxies).rstrip("/")


class RequestExchange(Generic[T]):
    """One request and its response, in a worker thread.

    The caller waits, and can abandon it at any moment: when it is interrupted or time is up, the
    connection is cut and the rate limiter's slot is given back by another worker.
    """

    def __init__(self) -> None:
        self._connection: Any = None
        self._cancelled = False
        self._began: float | None = None
        self._slot = ExitStack()
        self._results: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run(self, send: Callable[[], T], slot: AbstractContextManager[None], seconds: float) -> T:
        """Take a slot, and call a function that sends a request on one of the connections above.

        Args:
            send: The function.
            slot: The rate limiter's.
            seconds: How long the exchange may take, once it has its slot.

        Raises:
            urllib3.exceptions.TimeoutError: It took longer.
            BaseException: What the function raised.
        """
        try:
            workers.start_job(partial(self._run_in_worker, send, slot))
            result, problem = self._wait_for_result(seconds)
        except BaseException:
            workers.start_job(self._cut_connection)
            raise
        try:
            if problem is not None:
                raise problem
            return result  # type: ignore[return-value]  # there is one where nothing was raised
        finally:
            del problem  # its traceback holds this frame

    def _wait_for_result(self, seconds: float) -> tuple[T | None, BaseException | None]:
        while True:
            left = seconds if self._began is None else self._began + seconds - time.monotonic()
            with suppress(Empty):
                return self._results.get(timeout=max(0.0, left))
            if left <= 0:
                raise urllib3.exceptions.TimeoutError("The response takes too long.")

    def _run_in_worker(self, send: Callable[[], T], slot: AbstractContextManager[None]) -> None:
        _current.exchange = self
        result, problem = None, None
        try:
            self._slot.enter_context(slot)
            self._began = time.monotonic()
            result = send()
        except BaseException as error:  # noqa: BLE001  the caller raises it
            problem = error
        finally:
            self._release_slot()
        self._results.put((result, problem))
        del result, problem  # the traceback holds this frame

    def _release_slot(self) -> None:
        with _owners:
            self._connection = None
            self._slot.close()

    def _cut_connection(self) -> None:
        with _owners:
            self._cancelled = True
            if self._connection is not None and self._connection.owner is self:
                # It may be about to be closed, or not be connected yet.
                with suppress(OSError, AttributeError):
                    self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._release_slot()

    def use_connection(self, connection: Any) -> None:  # noqa: ANN401  a class made below
        """Use a connection, unless the caller has abandoned it."""
        with _owners:
            if self._cancelled:
                raise urllib3.exceptions.HTTPError("The call was abandoned.")
            self._connection, connection.owner = connection, self


def _tracking_class(kind: Any) -> Any:  # noqa: ANN401  urllib3's class of this address, or a proxy's
    """Connections that tell the exchange of their thread that it uses them."""

    class TrackedConnection(kind):  # type: ignore[misc]  # a base that is known at run time
        owner: RequestExchange[Any] | None = None
        debuglevel = 0  # else http.client prints each request, with the access token, when asked to

        def connect(self) -> None:
            _current.exchange.use_connection(self)
            super().connect()

        def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  urllib3's
            _current.exchange.use_connection(self)
            super().request(*args, **kwargs)

    return TrackedConnection


_current = threading.local()  # `exchange`: the one of this worker thread
_owners = threading.Lock()


def _start_anew() -> None:
    """In a forked child, a thread that is not there may hold the lock."""
    global _owners  # noqa: PLW0603  the parent's is of no use
    _owners = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
