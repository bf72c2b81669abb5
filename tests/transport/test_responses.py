"""Refusals and unreadable answers, in each shape that Clover has been seen to send."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest
from scripted_server import BRIEF, said

from clover_nb import errors
from clover_nb.client import connect
from clover_nb.constants import TEST_CARDS
from clover_nb.transport.responses import error_from_response

JSON = "application/json"


def refused(scripted, status: int, body: bytes, kind: str = JSON, **headers: str):
    scripted.answers.append((status, kind, body, headers))
    with (
        scripted.connect(merchant_id="M1", timeouts=BRIEF) as clover,
        pytest.raises(errors.CloverError) as caught,
    ):
        clover.customers.retrieve("7QK2M9ZX4T0BC")
    return caught.value


def envelope(**detail: str) -> bytes:
    return json.dumps({"message": "400 Bad Request", "error": detail}).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidRequestError),
        (401, errors.AuthenticationError),
        (402, errors.CardError),
        (403, errors.AuthenticationError),
        (404, errors.NotFoundError),
        (405, errors.InvalidRequestError),
        (409, errors.AlreadyOnFileError),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (503, errors.ServerError),
    ],
)
def test_each_status_has_its_error(scripted, status, kind):
    """The status decides which error of the tree is raised, whatever the body says."""
    body = envelope(type="card_error", code="some_code", message="404 Not Found")
    error = refused(scripted, status, body)
    assert type(error) is kind
    assert error.status == status
    assert error.code == "some_code"
    assert error.type == "card_error"
    assert error.request_id == "request-of-the-test"


def test_a_refusal_names_its_field_and_what_to_do():
    """A spent token is about `source`, and the message says how to go on."""
    error = error_from_response(
        400, envelope(code="token_already_used", message="Token used."), "r1"
    )
    assert error.field == "source"
    assert error.type is None
    assert str(error) == (
        "Clover says: Token used. A card token works once: ask for the card again and use the new "
        "token. [HTTP 400, token_already_used, request r1]"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"401 Unauthorized",
        b'{"message": "401 Unauthorized"}',
        b'{"message": "401 Unauthorized", "error": null}',
        b'{"error": "unauthorized"}',
        b'["unauthorized"]',
        b"<html><body>401</body></html>",
        b'{"message": ',
        b"\xff\xfe\x00",
    ],
)
def test_a_401_in_any_shape_lists_the_five_reasons(scripted, body):
    """Clover doesn't say which of five things a 401 means, so the message lists them."""
    error = refused(scripted, 401, body)
    assert type(error) is errors.AuthenticationError
    assert "five things" in str(error)
    assert "HTTP 401" in str(error)


def test_what_a_refusal_quotes_is_hidden(scripted):
    """A token or a card number that Clover quotes back doesn't reach the message."""
    said = "No such token clv_1TSTSsecret"
    assert "secret" not in str(refused(scripted, 400, envelope(message=said)))
    number = TEST_CARDS["visa"]["number"]
    assert number not in str(refused(scripted, 400, envelope(message=f"Bad card {number}")))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>Sign in to the network</html>"),
        (200, b"[]"),
        (200, b'{"id": '),
        (302, b"{}"),
    ],
)
def test_a_success_that_is_not_json_is_an_error(scripted, status, body):
    """A sign-in page with status 200 is never taken for a customer."""
    assert type(refused(scripted, status, body)) is errors.InvalidResponseError


def test_an_answer_that_is_cut_short_is_no_answer(scripted):
    """A body with fewer bytes than announced isn't parsed as if it were whole."""
    error = refused(scripted, 200, b'{"id": "7QK2M9ZX4T0BC"}', Content_Length="1000")
    assert type(error) is errors.APIConnectionError


def test_a_closed_port_is_no_answer(brief):
    """An address where nothing listens gives an error of the tree, with something to do."""
    urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), "http://127.0.0.1:1")
    with (
        connect("local", access_token="x", merchant_id="M1", timeouts=brief, **urls) as clover,
        pytest.raises(errors.APIConnectionError, match="could not be reached"),
    ):
        clover.customers.list()


def test_a_server_that_never_answers_is_left_in_time(brief):
    """Waiting ends, so that a notebook doesn't hang for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), url)
        with (
            connect(
                "local", access_token="x", timeouts=replace(brief, read=0.05), **urls
            ) as clover,
            pytest.raises(errors.APIConnectionError, match="did not answer in time"),
        ):
            clover.api_keys.retrieve()


def test_the_requests_library_never_leaks(scripted):
    """Every failure is of our tree, so that one `except` serves."""
    error = refused(scripted, 500, b"")
    assert isinstance(error, errors.CloverError)
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda clover: clover.api_keys.retrieve(), errors.InvalidResponseError),
        (lambda clover: clover.tokens.create(card=TEST_CARDS["visa"]), errors.InvalidResponseError),
        (
            lambda clover: clover.customers.create(email="ana@example.com", source="clv_1TSTS"),
            errors.OutcomeUnknownError,
        ),
    ],
    ids=["key", "token", "customer"],
)
def test_an_answer_without_what_was_asked_for_says_what_to_do(scripted, call, kind):
    """With the request's id, for Clover's support."""
    scripted.answers = [said({})]
    with scripted.connect(api_key="key") as clover, pytest.raises(kind) as caught:
        call(clover)
    assert caught.value.hint
    assert caught.value.request_id == "request-of-the-test"
