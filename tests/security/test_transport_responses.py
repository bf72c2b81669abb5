"""Responses without end, and responses that lie: an error of the tree comes in time."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_server import BRIEF, QUICK, said

from clover_nb import connect, errors
from clover_nb.settings import Timeouts
from clover_nb.transport import http
from clover_nb.transport.responses import clean_text, error_from_response, parse_json

KEY = "7QK2M9ZX4T0BC"
#: No step is late, and the whole never ends.
ENDLESS = Timeouts(read=0.4, total=0.4, unreachable=0.4, retry_delay=0.01)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def read(clover):
    return clover.customers.retrieve(KEY)


def write(clover):
    return clover.customers.create(email="ana@example.com", source="clv_1TSTS")


@contextmanager
def endless(start, again, pause=0.02):
    """The address of a server that answers with a start, and then the same bytes for ever."""
    over = threading.Event()
    threads = []

    def answer(client):
        with client, suppress(OSError):
            client.recv(65536)
            client.sendall(start)
            while not over.is_set():
                client.sendall(again)
                over.wait(pause)

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    client = server.accept()[0]
                except OSError:
                    return
                threads.append(threading.Thread(target=answer, args=(client,)))
                threads[-1].start()

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        server.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()


def connected(url, timeouts=ENDLESS, **more):
    urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), url)
    return connect("local", access_token="x", timeouts=timeouts, **urls, **more)


DRIPS = {
    "the status": (b"", b"H"),
    "headers": (HEAD, b"X"),
    "many headers": (HEAD, b"X-A: b\r\n"),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "a body without an end": (HEAD + b"\r\n", b" "),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "the size of a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
}


@pytest.mark.parametrize(("start", "again"), DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize(
    ("call", "kind", "merchant"),
    [
        (read, errors.APIConnectionError, "M1"),
        (write, errors.OutcomeUnknownError, None),
    ],
    ids=["read", "write"],
)
def test_what_drips_without_end_is_left(start, again, call, kind, merchant):
    """One deadline holds for the whole exchange, however often bytes arrive."""
    with (
        endless(start, again) as url,
        connected(url, merchant_id=merchant) as clover,
        pytest.raises(kind),
    ):
        call(clover)


def test_a_handshake_that_drips_is_left_and_gives_its_slot_back():
    """TLS that never gets anywhere: a header of a record, and then a byte now and then."""
    with endless(b"\x16\x03\x03\x40\x00", b"\0") as url:
        secure = url.replace("http:", "https:")
        with connected(secure, merchant_id="M1", at_once=1) as clover:
            for _ in range(2):
                with pytest.raises(errors.APIConnectionError):
                    read(clover)


def test_a_slot_that_was_left_is_free_again():
    """The next call needs not wait for the server to end."""
    with endless(*DRIPS["headers"]) as url, connected(url, merchant_id="M1", at_once=1) as clover:
        for _ in range(3):
            with pytest.raises(errors.APIConnectionError, match="did not answer in time"):
                read(clover)


LONG = {
    "a body": (HEAD + b"\r\n", b" " * 65536),
    "an announced body": (HEAD + b"Content-Length: 2700000000\r\n\r\n", b" " * 65536),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b" " * 32768 + b"\r\n"),
}


@pytest.mark.parametrize(("start", "again"), LONG.values(), ids=LONG)
@pytest.mark.parametrize(
    ("call", "kind"),
    [(read, errors.InvalidResponseError), (write, errors.OutcomeUnknownError)],
    ids=["read", "write"],
)
def test_a_body_of_gigabytes_is_left(monkeypatch, start, again, call, kind):
    """A bound of bytes holds, whatever was announced; here one that is quickly reached."""
    monkeypatch.setattr(http, "_MAX_BODY", 5 << 20)
    merchant = "M1" if call is read else None
    with (
        endless(start, again, pause=0) as url,
        connected(url, QUICK, merchant_id=merchant) as clover,
        pytest.raises(kind, match="more than 5 MB"),
    ):
        call(clover)


@pytest.mark.parametrize("status", [200, 400])
def test_what_is_compressed_is_not_unpacked(scripted, status):
    """Nobody asked for it, and a few bytes could become gigabytes."""
    bomb = gzip.compress(json.dumps({"message": "x" * 100_000, "id": KEY}).encode())
    scripted.answers = [(status, "application/json", bomb, {"Content_Encoding": "gzip"})]
    with (
        scripted.connect(merchant_id="M1") as clover,
        pytest.raises(errors.CloverError) as caught,
    ):
        read(clover)
    assert "xxx" not in str(caught.value)
    assert scripted.requests[0][2]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"a":' + b"[" * 500 + b"]" * 500 + b"}",
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_nested_brackets_are_no_json(scripted, status, body):
    """They are counted before they are parsed, which takes a stack."""
    assert parse_json(body) is None
    scripted.answers = [(status, "application/json", body)]
    with scripted.connect(merchant_id="M1") as clover, pytest.raises(errors.CloverError):
        read(clover)


def test_brackets_in_texts_do_not_count():
    """Somebody's name, or many notes with a smiley."""
    record = {"note": "[" * 1000 + '"{{' + "\\", "elements": [{"name": ":-["}] * 1000}
    assert parse_json(json.dumps(record).encode()) == record


@pytest.mark.parametrize("ending", [b'"', b"\\", b'\\"'])
def test_texts_without_end_are_read_in_one_pass(ending):
    """However many quotes are escaped in one: twice as long takes no more than twice the time."""
    assert parse_json(b"[" * 200 + b'"' + b'\\"' * 1_000_000 + ending) is None


# -- texts of Clover's -----------------------------------------------------------------------------

HOSTILE = "a\x1b[2Jb\x9bc\r\nd\u202ee\u2066f\u200bg\ud83dh\x00i"


def test_control_signs_of_a_refusal_reach_nobody():
    """Not by message, code, type, parameter or request id."""
    detail = {"message": HOSTILE, "code": HOSTILE, "type": HOSTILE, "param": HOSTILE}
    error = error_from_response(400, json.dumps({"error": detail}).encode(), clean_text(HOSTILE))
    texts = (str(error), error.code, error.type, error.field, error.request_id, error.message)
    for text in texts:
        assert text.isprintable()
        text.encode()
    assert error.code == "a[2Jbc  defg\ufffdhi"


def test_control_signs_of_a_header_reach_nobody():
    """The request id stands in messages and in the journal."""
    body = b'{"message": "no"}'
    head = b"HTTP/1.1 400 No\r\nX-Clover-Request-Id: r\x1b[31m\x9b1\r\nContent-Length: 17\r\n\r\n"
    with (
        endless(head + body, b"") as url,
        connected(url, BRIEF, merchant_id="M1") as clover,
        pytest.raises(errors.InvalidRequestError) as caught,
    ):
        read(clover)
    assert caught.value.request_id == "r[31m1"


def test_a_message_of_megabytes_is_cut():
    """It has to be read by somebody."""
    error = error_from_response(400, json.dumps({"message": "x" * 1_000_000}).encode(), None)
    assert len(str(error)) < 2000


def test_a_token_between_odd_signs_is_masked():
    """Whatever stands in it."""
    for text in ("clv_1TSTSsecret", "clv_\u200b1TSTSsecret", "\x1bclv_1TSTSsecret\u202e"):
        assert "secret" not in clean_text(text)


# -- whatever comes --------------------------------------------------------------------------------

LIES = [
    b"",
    b"\r\n\r\n",
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 99999 OK\r\n\r\n",
    b"HTTP/1.1 -1 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 600 What\r\n\r\n{}",
    b"HTTP/9.9 200 OK\r\n\r\n{}",
    b"SSH-2.0-OpenSSH\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 70000,
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n{}",
    b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000 + b"\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n: \xff\xfe\r\n\x00: x\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nDate: Thu, 99 Foo 9999 99:99:99 +9999999999\r\n\r\n{}",
    b"HTTP/1.1 429 No\r\nretry-after: \xb2\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 429 No\r\nretry-after: " + b"9" * 5000 + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 429 No\r\nretry-after: Thu, 01 Jan 0000 00:00:00\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd, gzip\r\n\r\n{}",
]
BODIES = [
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"NaN",
    b"1" * 10_000,
    b'{"id": 1}',
    b'{"id": {}}',
    b'{"error": []}',
    b'{"error": {"code": 1, "message": {}}}',
    b'{"error": {"message": ["x"], "param": 5}}',
    b'{"message": "\\ud83d\\u0000"}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
]


@contextmanager
def answering(answer):
    """The address of a server that gives this answer on each connection, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    client = server.accept()[0]
                except OSError:
                    return
                with client, suppress(OSError):
                    client.recv(65536)
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def check_errors(answer):
    """A read and a write, of which errors of the tree alone come out."""
    with answering(answer) as url:
        with connected(url, BRIEF, merchant_id="M1") as clover, suppress(errors.CloverError):
            read(clover)
        with connected(url, BRIEF) as clover:
            with suppress(errors.OutcomeUnknownError, errors.APIError):
                write(clover)
            clover._transport.server_time()


@pytest.mark.parametrize("answer", LIES)
def test_whatever_comes_the_error_is_of_the_tree(answer):
    """And of a write that was sent it is that nobody knows."""
    check_errors(answer)


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 409, 500])
def test_whatever_the_body_is_the_error_is_of_the_tree(scripted, status):
    """In every status."""
    for body in BODIES:
        scripted.answers = [(status, "application/json", body)]
        with (
            scripted.connect(merchant_id="M1", timeouts=BRIEF) as clover,
            suppress(errors.CloverError),
        ):
            clover._transport.send("GET", "platform", "/v3")
        with (
            scripted.connect(timeouts=BRIEF) as clover,
            suppress(errors.CloverError, http.AmbiguousWriteError),
        ):
            clover._transport.send("POST", "ecommerce", "/v1")


@pytest.mark.long
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.binary(max_size=100))
def test_random_bytes_make_errors_of_the_tree(headers, body):
    """Behind a status, so that they get somewhere."""
    check_errors(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n" + body)


def test_half_an_emoji_is_sent_and_answered(scripted):
    """In a path, in a query and in a body; in what comes back it is replaced."""
    scripted.answers = [said({"id": "\ud83d"})]
    with scripted.connect(merchant_id="M1") as clover:
        path, params = http.path_of("\ud83d"), {"filter": "name=\ud83d"}
        answer = clover._transport.send(
            "PUT", "platform", path, params=params, body={"a": "\ud83d"}
        )
    assert answer["id"] == "\ufffd"
