"""The table of what is sent again, row by row, for a read and for a write."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace

import pytest
import trustme
from scripted_server import BRIEF, LATE, QUICK, said

from clover_nb import TEST_CARDS, connect, errors

CUSTOMER = {"id": "7QK2M9ZX4T0BC", "email": "ana@example.com"}
REFUSED = said({"message": "no"}, 429)


def read(clover):
    return clover.customers.retrieve("7QK2M9ZX4T0BC")


def write(clover):
    return clover.customers.create(email="ana@example.com", source="clv_1TSTS")


READ = {"merchant_id": "M1"}
WRITE = {}  # without a merchant id, so that nothing is looked up

both = pytest.mark.parametrize(("call", "settings"), [(read, READ), (write, WRITE)])


@both
def test_a_429_is_sent_again(scripted, call, settings):
    """Clover did nothing, so it is safe for everything."""
    scripted.answers = [REFUSED, REFUSED, said(CUSTOMER)]
    with scripted.connect(**settings) as clover:
        assert call(clover)["id"] == CUSTOMER["id"]
    assert len(scripted.requests) == 3


@both
def test_a_429_that_stays_is_raised_in_the_end(scripted, call, settings):
    """Time is bounded."""
    scripted.answers = [REFUSED]
    with (
        scripted.connect(timeouts=BRIEF, **settings) as clover,
        pytest.raises(errors.RateLimitError),
    ):
        call(clover)


def test_retry_after_is_waited_for(scripted):
    """A wait longer than there is time for is not begun: nobody calls before it is over."""
    scripted.answers = [said({}, 429, retry_after="30"), said(CUSTOMER)]
    with scripted.connect(timeouts=BRIEF, **READ) as clover, pytest.raises(errors.RateLimitError):
        read(clover)
    assert len(scripted.requests) == 1


def test_a_retry_after_of_nothing_is_no_trouble(scripted):
    """It is sent again at once."""
    scripted.answers = [said({}, 429, retry_after="0"), said(CUSTOMER)]
    with scripted.connect(**READ) as clover:
        assert read(clover)["id"] == CUSTOMER["id"]


@both
def test_a_refused_connection_is_made_again(scripted, call, settings):
    """Nothing was sent, so it is safe for everything: the server begins to listen later."""
    scripted.answers = [said(CUSTOMER)]
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{late.getsockname()[1]}"
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), url)

        def answer_once():
            late.listen()
            with late.accept()[0] as client:
                client.recv(65536)
                body = b'{"id": "7QK2M9ZX4T0BC"}'
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        listening = threading.Timer(0.1, answer_once)
        listening.start()
        with connect("local", access_token="x", timeouts=QUICK, **urls, **settings) as clover:
            assert call(clover)["id"] == CUSTOMER["id"]
        listening.join()


@both
def test_a_certificate_that_is_not_accepted_is_said_at_once(brief, call, settings):
    """Trying again does not help; setting the company's certificates does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    tries = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake_hands():
            while True:
                try:
                    client = server.accept()[0]
                except OSError:
                    return
                tries.append(client)
                with client:
                    try:
                        context.wrap_socket(client, server_side=True)
                    except OSError:
                        continue

        thread = threading.Thread(target=shake_hands)
        thread.start()
        url = f"https://localhost:{server.getsockname()[1]}"
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), url)
        with (
            connect("local", access_token="x", timeouts=brief, **urls, **settings) as clover,
            pytest.raises(errors.APIConnectionError, match="REQUESTS_CA_BUNDLE"),
        ):
            call(clover)
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert len(tries) == 1


UNCLEAR = [
    pytest.param(said({"message": "500"}, 500), errors.ServerError, id="500"),
    pytest.param(said({"message": "503"}, 503), errors.ServerError, id="503"),
    pytest.param(None, errors.APIConnectionError, id="lost"),
    pytest.param(
        (200, "text/html", b"<html>Sign in</html>"), errors.InvalidResponseError, id="html"
    ),
    pytest.param((200, "application/json", b'{"id": "7QK'), errors.InvalidResponseError, id="half"),
    pytest.param(said(CUSTOMER, Content_Length="1000"), errors.APIConnectionError, id="cut short"),
    pytest.param((302, "application/json", b"{}"), errors.InvalidResponseError, id="redirect"),
]


@pytest.mark.parametrize(("answer", "kind"), UNCLEAR)
def test_a_read_without_a_clear_answer_is_sent_again(scripted, answer, kind):
    """It does no harm, and in the end the last trouble is raised; what isn't Clover's, soon."""
    times = 1 if kind is errors.InvalidResponseError else 2
    scripted.answers = [*[answer] * times, said(CUSTOMER)]
    with scripted.connect(**READ) as clover:
        assert read(clover)["id"] == CUSTOMER["id"]
    assert len(scripted.requests) == times + 1
    scripted.answers = [answer]
    with scripted.connect(timeouts=BRIEF, **READ) as clover, pytest.raises(kind):
        read(clover)


@pytest.mark.parametrize(("answer", "kind"), UNCLEAR)
def test_a_write_without_a_clear_answer_is_not_sent_again(scripted, answer, kind):
    """Whether it was done is not known, and without a merchant id nothing can be looked up."""
    scripted.answers = [answer]
    with scripted.connect(**WRITE) as clover, pytest.raises(errors.OutcomeUnknownError) as caught:
        write(clover)
    assert len(scripted.requests) == 1
    assert caught.value.sent == {"email": "ana@example.com", "source": "clv_••••"}
    assert "CLOVER_MERCHANT_ID" in str(caught.value)


def test_a_read_whose_answer_comes_too_late_is_sent_again(scripted):
    """Nobody waits for it."""
    scripted.answers = [LATE, said(CUSTOMER)]
    with scripted.connect(timeouts=replace(QUICK, read=0.1), **READ) as clover:
        assert read(clover)["id"] == CUSTOMER["id"]
    assert len(scripted.requests) > 1


def test_a_write_whose_answer_comes_too_late_is_unknown():
    """It is not sent again: one connection waits to be accepted, and no other."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), url)
        timeouts = replace(QUICK, read=0.05)
        with (
            connect("local", access_token="x", timeouts=timeouts, **urls) as clover,
            pytest.raises(errors.OutcomeUnknownError, match="did not answer in time"),
        ):
            write(clover)
        silent.accept()[0].close()
        silent.settimeout(0)
        with pytest.raises(BlockingIOError):
            silent.accept()


@both
@pytest.mark.parametrize("status", [400, 401, 402, 404, 409])
def test_any_other_refusal_is_final(scripted, call, settings, status):
    """Clover has answered: sending it again would change nothing."""
    scripted.answers = [said({"message": "no"}, status)]
    with scripted.connect(**settings) as clover, pytest.raises(errors.APIError) as caught:
        call(clover)
    assert caught.value.status == status
    assert len(scripted.requests) == 1


def test_a_lost_token_is_made_again(scripted):
    """A token that nobody has is no harm, so making one is retried like a read."""
    card = {"exp_month": "1", "exp_year": "35"}
    scripted.answers = [None, said({"id": "clv_1TSTS", "card": card})]
    with scripted.connect(api_key="key") as clover:
        assert clover.tokens.create(card=TEST_CARDS["visa"])["card_expiry"] == "2035-01"
