"""A slow network on loopback: a TCP proxy that delivers every byte later, each way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 65_536


class LatencyProxy:
    """A proxy between a browser and a server. It looks into nothing, so websockets pass as well.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        milliseconds: How much later each byte arrives, each way; connecting takes a round trip.
            It can be set at any time and holds for what is sent from then on.
    """

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.milliseconds = 0.0
        self._target_port = target_port
        self._connections: set[asyncio.Task[None]] = set()

    def drop_connections(self) -> None:
        """Break off all that is connected, and lose what is under way in either direction."""
        for connection in list(self._connections):
            connection.get_loop().call_soon_threadsafe(connection.cancel)

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        """Listen until ``stop`` is set."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections)

    async def _connect(
        self, browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        ends = [to_browser]
        with suppress(OSError, asyncio.CancelledError):  # no server there; the proxy stops
            await asyncio.sleep(2 * self.milliseconds / 1000)
            server, to_server = await asyncio.open_connection("127.0.0.1", self._target_port)
            ends.append(to_server)
            await asyncio.gather(
                self._deliver(browser, to_server), self._deliver(server, to_browser)
            )
        for end in ends:
            end.transport.abort()
        self._connections.discard(task)

    async def _deliver(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pass on what arrives, in order, each piece when it is due; many are under way at once."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        async def read() -> None:
            data = b"more"
            while data:
                data = b""  # also when the other end breaks off
                with suppress(OSError):
                    data = await source.read(CHUNK)
                under_way.put_nowait((loop.time() + self.milliseconds / 1000, data))

        async def write() -> None:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - loop.time())
                with suppress(OSError):
                    if not data:
                        target.write_eof()
                        return
                    target.write(data)
                    await target.drain()

        await asyncio.gather(read(), write())


@contextmanager
def running_proxy(target_port: int) -> Iterator[LatencyProxy]:
    """A proxy in a thread of its own, so that a test that waits doesn't hold it up."""
    proxy, ready, stop = LatencyProxy(target_port), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(proxy.serve(ready, stop),))
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
