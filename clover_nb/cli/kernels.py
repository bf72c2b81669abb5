"""Kernels that other users of this machine can't listen to, and that end with their page."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import zmq
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Bool, Dict, Unicode

#: Kernels talk by sockets in a folder; by ports of this machine, every user could listen.
TRANSPORT: Final = "ipc" if os.name == "posix" and zmq.has("ipc") else "tcp"

# Linux: a socket's path ends at 107 bytes. "/kernel-", the 36 of an id and "-ipc-5" come on top.
_LONGEST_FOLDER: Final = 107 - 8 - 36 - 6

#: So many pages can be open at once; a kernel takes some 120 MB.
MAX_KERNELS: Final = 8
#: So long a kernel waits for its page to come back: no write that it is at takes longer.
ORPHAN_SECONDS: Final = 60
#: So long after a page was sent a kernel is started for the next: it has drawn itself by then.
PREPARE_SECONDS: Final = 3
_LOOK_SECONDS: Final = 10
# What a kernel does before its page asks; it reads no customer, and asks nobody for anything.
_PREPARE: Final = "--IPKernelApp.exec_lines=import clover_nb.forms"


@contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder on this machine that its user alone can enter, with a short path.

    It lies in ``XDG_RUNTIME_DIR``, else in the folder for temporary files: never in a home, which
    may be a network drive.
    """
    with tempfile.TemporaryDirectory(prefix="clover-nb-", dir=_parent_folder()) as name:
        yield Path(name)


def _parent_folder() -> str | None:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    candidates = (runtime, tempfile.gettempdir(), "/tmp")  # noqa: S108  a new folder in it, 0700
    room = _LONGEST_FOLDER - len("/clover-nb-12345678")
    fitting = (
        name
        for name in candidates
        if name and len(os.fsencode(name)) <= room and os.access(name, os.W_OK | os.X_OK)
    )
    return next(fitting, None)


class PrivateKernelManager(AsyncMappingKernelManager):
    """Keeps what kernels and server talk through in a folder that is closed to others."""

    folder = Unicode(config=True, help="Where sockets and connection files lie.")

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401  traits
        super().__init__(**kwargs)
        self.connection_dir = self.folder


class DeskKernelManager(PrivateKernelManager):
    """Keeps few kernels: each ends a while after its page was left, and one waits for the next."""

    environment = Dict(help="Of the kernels.")
    keeps_ready = Bool(help="Whether a kernel is started before a page asks for it.")

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401  traits
        super().__init__(**kwargs)
        self.cull_idle_timeout = ORPHAN_SECONDS
        self.cull_interval = min(_LOOK_SECONDS, ORPHAN_SECONDS)
        self.cull_busy = True
        self._left: dict[str, None] = {}
        self._ready: str | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    def notify_connect(self, kernel_id: str) -> None:
        """A page is connected to a kernel."""
        super().notify_connect(kernel_id)
        self._left.pop(kernel_id, None)

    def notify_disconnect(self, kernel_id: str) -> None:
        """A page has left a kernel; from now on its time runs."""
        super().notify_disconnect(kernel_id)
        kernel = self._kernels.get(kernel_id)
        if kernel is not None:
            kernel.last_activity = datetime.now(UTC)
            self._left[kernel_id] = None

    def remove_kernel(self, kernel_id: str) -> Any:  # noqa: ANN401  the kernel's manager
        """Forget a kernel that has ended."""
        self._left.pop(kernel_id, None)
        if kernel_id == self._ready:
            self._ready = None
        return super().remove_kernel(kernel_id)

    async def start_page_kernel(self) -> str | None:
        """Give a page the kernel that is ready, or start one.

        Before another is started, those whose pages were left end, longest ago first.

        Returns:
            Its id; the page counts as connected. ``None`` where too many pages are open.
        """
        async with self._one_at_a_time:  # one that is being started doesn't count yet
            if self._ready is not None:
                kernel_id, self._ready = self._ready, None
                return kernel_id
            while len(self) >= MAX_KERNELS and self._left:
                await self.shutdown_kernel(next(iter(self._left)))
            return await self._start_connected() if len(self) < MAX_KERNELS else None

    def prepare_next(self) -> None:
        """Start a kernel for the next page in a moment, when this one is drawn."""
        if self._preparing is None or self._preparing.done():
            self._preparing = asyncio.create_task(self._prepare_later())

    async def _prepare_later(self) -> None:
        await asyncio.sleep(PREPARE_SECONDS)
        await self.prepare_kernel()

    async def prepare_kernel(self) -> None:
        """Start a kernel for the next page, if none is ready and there is room for one."""
        async with self._one_at_a_time:
            if self.keeps_ready and self._ready is None and len(self) < MAX_KERNELS:
                self._ready = await self._start_connected()

    async def _start_connected(self) -> str:
        """Start a kernel that counts as connected, so that it isn't taken for one that was left."""
        kernel_id: str = await self.start_kernel(
            kernel_name="python3",
            cwd=self.folder,
            env=dict(self.environment),
            extra_arguments=[_PREPARE],
        )
        self.notify_connect(kernel_id)
        return kernel_id

    async def end_all(self) -> None:
        """End all kernels, the one that is just being started too."""
        if self._preparing is not None:
            self._preparing.cancel()
        async with self._one_at_a_time:
            await self.shutdown_all()
