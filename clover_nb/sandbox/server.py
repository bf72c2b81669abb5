"""Run the sandbox: a web server on loopback, in a thread of this process."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, Self

import uvicorn

from clover_nb.sandbox.app import build
from clover_nb.sandbox.merchant import Merchant
from clover_nb.sandbox.settings import choose
from clover_nb.sandbox.store import Store

if TYPE_CHECKING:
    import os
    import socket
    from collections.abc import Mapping

_HOST = "127.0.0.1"
_START_SECONDS = 30


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()


class Sandbox:
    """A running sandbox. Stop it with `stop()`, or use it as a context manager.

    Attributes:
        ecommerce_url: The base address of the Ecommerce API.
        token_url: The same address, for tokens.
        platform_url: The same address, for the Platform API.
        access_token: The bearer token that it accepts.
        api_key: The `apikey` that it accepts for tokens.
        merchant_id: The merchant whose customers it has.
    """

    def __init__(self, server: _Server, thread: threading.Thread, merchant: Merchant) -> None:
        self._server = server
        self._thread = thread
        self._store = merchant.store
        port = server.servers[0].sockets[0].getsockname()[1]
        self.ecommerce_url = self.token_url = self.platform_url = f"http://{_HOST}:{port}"
        self.access_token = merchant.keys.access_token
        self.api_key = merchant.keys.api_key
        self.merchant_id = merchant.keys.merchant_id
        atexit.register(self.stop)

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

    def stop(self) -> None:
        """Stop the server and close its database, a private one for good. Can be called twice."""
        self._server.should_exit = True
        self._thread.join()
        self._store.close()
        atexit.unregister(self.stop)

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
        settings: Choices where nobody knows Clover's behaviour, by name (see `settings`).

    Raises:
        ValueError: There is no such profile, setting or value.
        OSError: The port is taken, or the file can't be opened.
    """
    choices = choose(profile, settings)
    store = Store(db, seed=seed, customers=customers)
    merchant = Merchant(store, store.keys, choices)
    config = uvicorn.Config(
        build(merchant, limits=limits),
        host=_HOST,
        port=port,
        ws="none",
        access_log=False,
        log_level="error",
        lifespan="off",
        server_header=False,
    )
    server = _Server(config)
    thread = threading.Thread(target=_run, args=(server,), name="clover-nb sandbox", daemon=True)
    thread.start()
    server.settled.wait(_START_SECONDS)
    if not server.started:
        store.close()
        raise OSError(f"the sandbox could not listen on {_HOST}:{port}; is the port taken?")
    return Sandbox(server, thread, merchant)


def _run(server: _Server) -> None:
    try:
        server.run()
    except SystemExit:  # uvicorn's way to say that it could not listen
        pass
    finally:
        server.settled.set()
