"""Another user of this machine can't listen to what kernels say of customers."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import requests
from desk_process import kernels_below, running_desk
from lab_process import TOKEN, running_lab

from clover_nb.cli import kernels

pytestmark = pytest.mark.long


ROOT = Path(__file__).parents[2]
SOCKETS = 5
# For each path, what became of looking at its folder and of connecting to it.
TRY = """
import os, socket, sys
for path in sys.argv[1:]:
    for attempt in (lambda: os.listdir(os.path.dirname(path)),
                    lambda: socket.socket(socket.AF_UNIX).connect(path)):
        try:
            attempt()
            print("reached")
        except PermissionError:
            print("refused")
"""


def sockets_of(kernel):
    """The paths of a kernel's sockets, once it has them, and the ports it listens at."""
    for _ in range(600):
        connections = kernel.net_connections(kind="all")
        unix = {each.laddr for each in connections if each.family == socket.AF_UNIX}
        paths = {path for path in unix if "-ipc-" in path}
        if len(paths) >= SOCKETS:
            return paths, {each.laddr.port for each in connections if each.status == "LISTEN"}
        time.sleep(0.1)
    pytest.fail(f"the kernel has these sockets alone: {connections}")


def socket_type(port):
    """What kind of ZeroMQ socket listens at a port: what it says to whoever connects."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL"
        connection.sendall(greeting.ljust(64, b"\x00"))
        metadata = b"\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH"
        connection.sendall(bytes([4, len(metadata)]) + metadata)
        said = b""
        while b"Socket-Type" not in said[:-8]:
            said += connection.recv(1024)
        return said.partition(b"Socket-Type")[2][4:8]


@pytest.fixture
def talking_kernel(request, tmp_path, open_folder):
    """A kernel of the desk or of the lab, whose runtime folder everybody may enter."""
    runtime = {"XDG_RUNTIME_DIR": str(open_folder)}
    if request.param == "desk":
        with running_desk(tmp_path, "--no-browser", **runtime) as desk:
            assert desk.request("GET", "/", Cookie=desk.log_in())[0] == 200
            yield kernels_below(desk.process.pid)[0]
    else:
        option = f"--IdentityProvider.token={TOKEN}"
        with running_lab(tmp_path, ROOT, option, **runtime) as (process, url):
            headers = {"Authorization": f"token {TOKEN}"}
            started = requests.post(f"{url}api/kernels", headers=headers, json={}, timeout=60)
            started.raise_for_status()
            yield kernels_below(process.pid)[0]


@pytest.mark.parametrize("talking_kernel", ["desk", "lab"], indirect=True)
def test_nobody_else_reaches_a_kernel(talking_kernel, open_folder, run_as_other_user):
    """To listen at a port no key is needed; so it has sockets, in a folder closed to others."""
    paths, ports = sockets_of(talking_kernel)
    assert {Path(path).parents[1] for path in paths} == {open_folder}
    # One port takes what subprocesses print, if they know a secret; none gives anything.
    assert {socket_type(port) for port in ports} <= {b"PULL"}
    assert run_as_other_user("import socket", TRY, *paths).split() == ["refused"] * 2 * len(paths)


@pytest.mark.parametrize("long", [True, False])
def test_the_folder_is_closed_and_its_path_short(open_folder, monkeypatch, long):
    """In the folder that the system keeps for the user, unless sockets in it would get too long."""
    runtime = open_folder / ("x" * 90 if long else "run")
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setattr(kernels.tempfile, "tempdir", str(open_folder / ("y" * 90)))
    with kernels.private_folder() as folder:
        longest = f"{folder}/kernel-9ef4318e-935b-4de2-b87e-5c86fc990d77-ipc-5"
        assert len(longest) <= 107
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder.parent == runtime) is not long
    assert not folder.exists()
