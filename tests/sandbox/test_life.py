"""How a sandbox starts, stops, and what it keeps."""

import json
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import requests

from clover_nb import sandbox

COMMAND = Path(sys.executable).with_name("clover-nb")
SIX = {"ecommerce_url", "token_url", "platform_url", "access_token", "api_key", "merchant_id"}


def life(caller):
    """A few requests, as the bodies that came back."""
    customer = caller.create(name="Ana Rivera")
    caller.update(customer, email="b@example.com", source=caller.token("amex"))
    return [
        caller("GET", "/pakms/apikey").json(),
        customer,
        caller.platform(customer),
        caller.list(),
    ]


def test_a_seed_gives_the_same_bodies(make):
    """Ids, keys, people and times; whatever the port."""
    first, second = (make(seed=7, customers=5) for _ in range(2))
    assert first.box.ecommerce_url != second.box.ecommerce_url
    assert life(first) == life(second)
    assert life(make(seed=8, customers=5)) != life(first)


def test_the_seeded_clock_ticks_after_the_invented_history(make):
    """New customers are newer than the invented, and each is newer than the last."""
    caller = make(seed=1, customers=50)
    made = [caller.create()["created"] for _ in range(3)]
    assert max(c["customerSince"] for c in caller.list(limit=50)) < made[0] < made[1] < made[2]
    assert all(time % 1000 == 0 for time in made)


def test_connection_and_repr(make):
    """The connection has the six values; the repr has no secret."""
    box = make().box
    assert box.connection().keys() == SIX
    assert box.ecommerce_url.startswith("http://127.0.0.1:")
    assert box.access_token not in repr(box)
    assert box.api_key not in repr(box)


def test_stop_twice():
    """Stopping a stopped sandbox does nothing; its address answers no more."""
    box = sandbox.start(customers=0)
    box.stop()
    box.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(box.ecommerce_url, timeout=60)


def test_it_runs_in_a_program_without_a_standard_error(tmp_path):
    """As one that a desktop or a service has started."""
    script = (
        "import pathlib; from clover_nb import sandbox; box = sandbox.start(customers=0); "
        "pathlib.Path('out').write_text(box.ecommerce_url); box.stop()"
    )
    command = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", script]
    assert subprocess.run(command, check=False, cwd=tmp_path).returncode == 0
    assert (tmp_path / "out").read_text().startswith("http://127.0.0.1:")


def test_what_was_stopped_says_so():
    """And nothing waits for an answer of it."""
    with sandbox.start(customers=0) as box:
        pass
    for use in (box.reset, lambda: box.fail_next(500), lambda: box.seed(1), lambda: box.requests):
        with pytest.raises(RuntimeError, match=r"The sandbox at .* was stopped"):
            use()


def test_a_request_that_is_never_finished_does_not_keep_it_alive():
    """Its client was killed, perhaps, behind a proxy that keeps the connection."""
    box = sandbox.start(customers=0, limits=False)
    address = box.ecommerce_url.removeprefix("http://")
    host, port = address.split(":")
    stopping = threading.Thread(target=box.stop, daemon=True)
    with socket.create_connection((host, int(port))) as client:
        head = f"POST /v1/customers HTTP/1.1\r\nHost: {address}\r\nContent-Length: 9\r\n"
        client.sendall(f"{head}Authorization: Bearer {box.access_token}\r\n\r\n{{".encode())
        requests.get(box.ecommerce_url, timeout=60)  # it has heard of the first by now
        stopping.start()
        stopping.join(60)
        assert not stopping.is_alive()


def test_a_taken_port_is_an_error(make):
    """It is said, instead of answering elsewhere."""
    port = int(make().box.ecommerce_url.rpartition(":")[2])
    with pytest.raises(OSError, match="port"):
        sandbox.start(customers=0, port=port)


@pytest.mark.parametrize("name", ["a text.txt", "no folder/clover.db"])
def test_a_file_that_is_no_database_is_an_error(tmp_path, name):
    """It is said which, and left as it is."""
    (tmp_path / "a text.txt").write_text("No database, and not to be lost.")
    with pytest.raises(OSError, match=f"{name} can't be opened"):
        sandbox.start(db=tmp_path / name)
    assert (tmp_path / "a text.txt").read_text() == "No database, and not to be lost."


@pytest.mark.parametrize("option", [{"port": 70_000}, {"port": -1}, {"customers": -1}])
def test_a_number_that_can_not_be_is_an_error(option):
    """Nothing else is taken in its place."""
    with pytest.raises(ValueError, match=str(next(iter(option.values())))):
        sandbox.start(**option)


def test_a_file_keeps_everything(make, tmp_path):
    """Keys, customers and ids survive; nobody is invented twice."""
    path = tmp_path / "clover.db"
    first = make(db=path, customers=5, seed=1)
    customer = first.create()
    first.box.stop()
    second = make(db=path, customers=5, seed=2)
    assert second.box.access_token == first.box.access_token
    assert len(second.list()) == 6
    assert second.platform(customer)["id"] == customer["id"]
    assert second.create()["id"] != customer["id"]


@contextmanager
def running(*options, limit=0):
    """Run the command; gives the process, and what it says of itself."""
    command = [sys.executable, "-m", "clover_nb.sandbox", "--json", *options]
    if limit:  # of open files
        command = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *command]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command(number):
    """It prints one line of JSON once it answers, and stops cleanly."""
    with running("--customers", "3", "--seed", "1") as (process, there):
        assert there.keys() == SIX
        address = f"{there['platform_url']}/v3/merchants/{there['merchant_id']}/customers"
        bearer = {"Authorization": f"Bearer {there['access_token']}"}
        assert len(requests.get(address, headers=bearer, timeout=60).json()["elements"]) == 3
        process.send_signal(number)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0


def test_the_command_imports_neither_pandas_nor_jupyter(tmp_path):
    """So it starts within a second, and serves where neither is wanted."""
    command = [sys.executable, "-X", "importtime", COMMAND, "sandbox", "--json"]
    report = tmp_path / "imports"
    with (
        report.open("w") as errors,
        subprocess.Popen(command, stdout=-1, stderr=errors, text=True) as process,
    ):
        assert json.loads(process.stdout.readline()).keys() == SIX
        process.terminate()
    imported = {line.rpartition("|")[2].strip() for line in report.read_text().splitlines()}
    assert "clover_nb.sandbox.server" in imported
    heavy = {"pandas", "requests", "ipywidgets", "IPython", "jupyterlab", "clover_nb.client"}
    assert not heavy & imported


def test_a_client_that_leaves_in_the_middle_makes_no_noise():
    """Of its headers, its body, or before the answer; others are served."""
    with running("--no-limits", "--latency-ms", "20") as (process, there):
        host, _, port = there["ecommerce_url"].removeprefix("http://").partition(":")
        bearer = f"Bearer {there['access_token']}"
        head = (
            f"POST /v1/customers HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n"
            "Content-Length: 1000\r\n\r\n"
        )
        for part in (head[:40], head, head + '{"email":', head + "{}".ljust(1000)):
            for _ in range(5):
                with socket.create_connection((host, int(port))) as connection:
                    connection.sendall(part.encode())
        address, headers = f"{there['ecommerce_url']}/pakms/apikey", {"Authorization": bearer}
        for _ in range(5):
            assert requests.get(address, headers=headers, timeout=60).status_code == 200
        process.terminate()
        assert process.communicate(timeout=60) == ("", "")


def test_a_thousand_idle_connections_keep_nobody_away():
    """Those that have waited longest are closed; the others are served."""
    with ExitStack() as stack:
        process, there = stack.enter_context(running("--customers", "0", limit=512))
        host, _, port = there["ecommerce_url"].removeprefix("http://").partition(":")
        address = (host, int(port))
        for number in range(600):
            idle = stack.enter_context(socket.create_connection(address, timeout=60))
            if number % 2:
                idle.sendall(b"GET /pakms/apikey HTTP/1.1\r\nHo")
        bearer = {"Authorization": f"Bearer {there['access_token']}"}
        answer = requests.get(f"{there['ecommerce_url']}/pakms/apikey", headers=bearer, timeout=60)
        assert answer.status_code == 200
        process.terminate()
        assert process.communicate(timeout=60) == ("", "")


def read_all(connection):
    """What comes until the other side hangs up, or resets since it was still being written to."""
    received = b""
    with suppress(ConnectionError):
        while part := connection.recv(65_536):
            received += part
    return received


def test_a_body_that_breaks_off_into_garbage_is_refused(make):
    """Instead of waiting for the rest of it for good."""
    call = make()
    head = (
        f"POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {call.box.access_token}"
        "\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    address = call.box.ecommerce_url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=60) as connection:
        connection.sendall(head.encode() + b"no size\r\n{}")
        assert read_all(connection).startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end_is_refused(make):
    """Before it takes all memory; a long one that ends is answered."""
    call = make()
    assert call("GET", "/", headers={"X-Long": "x" * 60_000}).status_code == 200
    address = call.box.ecommerce_url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
        with suppress(ConnectionError):
            for _ in range(200):
                connection.sendall(b"x" * 100_000)
            pytest.fail("20 MB of a header were read")
        assert read_all(connection)[:13] in {b"", b"HTTP/1.1 400 "}


def test_the_file_is_for_its_owner_alone(make, tmp_path):
    """It holds the keys; those beside it are the same, and one of before is closed to others."""
    path = tmp_path / "clover.db"
    first = make(db=path)
    first.create()
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes.keys() >= {"clover.db", "clover.db-wal"}
    assert set(modes.values()) == {0o600}
    first.box.stop()
    path.chmod(0o644)
    make(db=path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_dies_with_its_process():
    """A program that ends without stopping it ends, silently."""
    code = "from clover_nb import sandbox; sandbox.start(customers=0)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_private_database_has_no_name(make, tmp_path, monkeypatch):
    """Nothing is left behind, even by a kill."""
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    make(customers=2000)
    assert list(tmp_path.iterdir()) == []
