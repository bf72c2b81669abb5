"""Which user of this machine is at the other end of a connection."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Any, Final

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

_TABLE: Final = Path("/proc/net/tcp")
_ESTABLISHED: Final = "01"


class OwnHTTPServer(HTTPServer):
    """Hangs up on other users of this machine, whatever they know. On Linux; elsewhere on nobody.

    A browser sends a cookie to each server on loopback, whatever its port, and so to other users'.
    """

    def handle_stream(self, stream: IOStream, address: Any) -> None:  # noqa: ANN401  of an IPv4 peer
        """Serve a new connection, or end it."""
        if _TABLE.exists() and not _is_own(address, stream.socket.getsockname()):
            stream.close()
        else:
            super().handle_stream(stream, address)


def _is_own(peer: tuple[str, int], mine: tuple[str, int]) -> bool:
    """Whether the socket at the other end belongs to this user, or to root.

    Args:
        peer: The other end's address and port.
        mine: This end's.
    """
    wanted = [_table_entry(peer), _table_entry(mine), _ESTABLISHED]
    for table in (_TABLE, _TABLE.with_name("tcp6")):
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        for line in lines:
            _, local, remote, state, _, _, _, user, *_ = line.split()
            # An IPv4 address at the end of an IPv6 one is the same.
            if [local[-13:], remote[-13:], state] == wanted:
                return int(user) in (0, os.geteuid())
    return False


def _table_entry(address: tuple[str, int]) -> str:
    """An IPv4 address as the kernel's table has it."""
    host, port = address
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"
