"""A file on its way from the browser to the kernel, in parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clover_nb.bulk.tables import MAX_BYTES


class Upload:
    """The content of a file, as far as it is here. Parts come in their order, a few at once.

    Attributes:
        name: The file's.
        content: What was received.
    """

    def __init__(self, key: str = "", name: str = "", size: int = 0) -> None:
        self._key, self._size = key, size
        self.name, self.content = Path(name).name, bytearray()

    @classmethod
    def begin(cls, message: Mapping[str, Any]) -> Upload:
        """The upload that a message with a first part begins."""
        return cls(message["upload"], message["name"], message["size"])

    def take_part(self, message: Mapping[str, Any], buffers: Sequence[Any]) -> bool:
        """Take a part; one of another upload, or of a file that is too large, is dropped.

        Returns:
            Whether the file is whole now.
        """
        if message["upload"] != self._key or self._size > MAX_BYTES:
            return False
        self.content += bytes(buffers[0]) if buffers else b""
        return len(self.content) >= self._size

    def describe(self) -> dict[str, Any]:
        """What the browser is told, so that it goes on."""
        return {"id": self._key, "received": len(self.content)}
