"""Kernels that other users of this machine can't listen to, and that end with their page."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import zmq
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Unicode

#: Kernels talk by sockets in a folder; by ports of this machine, every user could listen.
TRANSPORT: Final = "ipc" if os.name == "posix" and zmq.has("ipc") else "tcp"

# Linux: a socket's path ends at 107 bytes. "/kernel-", the 36 of an id and "-ipc-5" come on top.
_LONGEST_FOLDER: Final = 107 - 8 - 36 - 6

#: So many pages can be open at once; a kernel takes some 160 MB.
MAX_KERNELS: Final = 8
#: So long a kernel waits for its page to come back: no write that it is at takes longer.
ORPHAN_SECONDS: Final = 60
_LOOK_SECONDS: Final = 10


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
    """Keeps few kernels: each ends a while after its page was left."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401  traits
        super().__init__(**kwargs)
        self.cull_idle_timeout = ORPHAN_SECONDS
        self.cull_interval = min(_LOOK_SECONDS, ORPHAN_SECONDS)
        self.cull_busy = True
        self._left: dict[str, None] = {}
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
        return super().remove_kernel(kernel_id)

    async def start_page_kernel(self, environment: Mapping[str, str]) -> str | None:
        """Start a kernel for a page; first end those whose pages were left, longest ago first.

        Args:
            environment: Of the kernel.

        Returns:
            Its id; the page counts as connected. ``None`` where too many pages are open.
        """
        async with self._one_at_a_time:  # one that is being started doesn't count yet
            while len(self) >= MAX_KERNELS and self._left:
                await self.shutdown_kernel(next(iter(self._left)))
            if len(self) >= MAX_KERNELS:
                return None
            kernel_id: str = await self.start_kernel(
                kernel_name="python3", cwd=self.folder, env=dict(environment)
            )
        self.notify_connect(kernel_id)
        return kernel_id
