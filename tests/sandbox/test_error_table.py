"""Every refusal there is, with its exact status, headers and body."""

import json
import threading
import uuid
from types import MappingProxyType
from typing import NamedTuple

import pytest
import requests

from clover_nb.sandbox.errors import ErrorCase

RECORDS = "/v3/merchants/{m}/customers"
ANA = {"email": "ana@example.com"}
STRANGER = {"Authorization": "Bearer nonsense"}
# What every answer of a web server has; everything else is named in the table.
USUAL = {"date", "content-length", "content-type", "x-clover-request-id", "connection"}


class Row(NamedTuple):
    """A case, a request that it comes of, and the whole answer."""

    case: ErrorCase
    name: str
    ask: object
    status: int
    body: object
    headers: dict = MappingProxyType({})
    options: dict = MappingProxyType({})


def error(status, code, message, param=None, type_="invalid_request_error"):
    """The Ecommerce API's envelope; what is None is absent."""
    parts = {"type": type_, "code": code, "message": message, "param": param}
    return {"message": status, "error": {k: v for k, v in parts.items() if v is not None}}


def bad(code, message, param=None, type_="invalid_request_error"):
    return error("400 Bad Request", code, message, param, type_)


def create(call, **fields):
    return call("POST", "/v1/customers", json=ANA | fields)


def attach(call, first, token):
    """Attach a second card to a customer who has a first."""
    return call.update(call.create(first), **ANA, source=token)


def spend_twice(call):
    token = call.token()
    call.create(source=token)
    return create(call, source=token)


def revoke_twice(call):
    customer = call.create()
    path = f"/v1/customers/{customer['id']}/sources/{customer['sources']['data'][0]}"
    assert call("DELETE", path).status_code == 200
    return call("DELETE", path)


def without_cvv(call):
    return call.tokenize("amex", without="cvv")


def until_limited(call, path):
    while True:
        answer = call("GET", path)
        if answer.status_code == 429:
            return answer


def sixth_at_once(call):
    """Of six requests that all wait, the one that is answered at once.

    Once more, should a busy machine have begun one of them when others were done.
    """
    refused: list[requests.Response] = []
    while not refused:
        refused = [answer for answer in six_at_once(call) if answer.status_code == 429]
    (answer,) = refused
    return answer


def six_at_once(call):
    answers = []

    def ask():
        headers = {"Authorization": f"Bearer {call.box.access_token}"}
        url = call.box.ecommerce_url + "/pakms/apikey"
        answers.append(requests.get(url, headers=headers, timeout=60))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def post(path, content, kind="application/json"):
    return lambda call: call("POST", path, data=content, headers={"Content-Type": kind})


EMAIL = "Please provide a valid email address."
SOURCE = "Please provide a valid source or token."
SAVED = "This card is already saved for this customer."
NUMBER = "please provide valid card number"
TEST_NUMBER = (
    "please provide valid card number: the sandbox takes Clover's published test cards alone, "
    "such as the Visa that ends in 4242; its card fields list them"
)
CVV = "please provide valid cvv value"
EXISTS = "resource_already_exists"
UNAUTHORIZED = {"message": "401 Unauthorized"}
NOBODY = {"message": "Not Found", "details": "Customer not found"}
NO_CARD = "There is no such customer or card."
LIMITED = {"limits": True}
RATE = {"x-ratelimit-tokenlimit": "16"}
AT_ONCE = {"x-ratelimit-tokenconcurrentlimit": "5", "retry-after": "1"}
TOO_MANY = error(
    "429 Too Many Requests", "rate_limit", "Too many requests.", type_="rate_limit_error"
)
TOO_LARGE = b'"' + b"x" * 1_000_000 + b'"'
TABLE = [
    Row(
        ErrorCase.EMAIL_INVALID,
        "create",
        lambda call: call("POST", "/v1/customers", json={"source": call.token()}),
        400,
        bad("email_invalid", EMAIL, "email"),
    ),
    Row(
        ErrorCase.EMAIL_INVALID,
        "update",
        lambda call: call.update(call.create(), name="Ana"),
        400,
        bad("email_invalid", EMAIL, "email"),
    ),
    Row(ErrorCase.SOURCE_MISSING, "create", create, 400, bad("invalid_request", SOURCE, "source")),
    Row(
        ErrorCase.SOURCE_MISSING,
        "update, if it is required",
        lambda call: call.update(call.create(), **ANA),
        400,
        bad("invalid_request", SOURCE, "source"),
        options={"settings": {"put_requires_source": "on"}},
    ),
    Row(
        ErrorCase.SOURCE_UNKNOWN,
        "create",
        lambda call: create(call, source="clv_unknown"),
        400,
        bad("invalid_request", "There is no such token. Make one with POST /v1/tokens.", "source"),
    ),
    Row(
        ErrorCase.TOKEN_USED,
        "another customer's",
        spend_twice,
        400,
        bad("token_already_used", "The token was already used.", "source", type_=None),
    ),
    Row(
        ErrorCase.CVC_MISSING,
        "create",
        lambda call: create(call, source=without_cvv(call).json()["id"]),
        400,
        bad("invalid_cvc", "The token was made without a CVV.", "source", type_=None),
    ),
    Row(
        ErrorCase.CVC_MISSING,
        "update",
        lambda call: attach(call, "visa", without_cvv(call).json()["id"]),
        400,
        bad("invalid_cvc", "The token was made without a CVV.", "source", type_=None),
    ),
    Row(
        ErrorCase.BODY_INVALID,
        "on the Ecommerce API",
        post("/v1/customers", b"[]"),
        400,
        bad("invalid_request", "The body must be a JSON object."),
    ),
    Row(
        ErrorCase.BODY_INVALID,
        "on the Platform API",
        post(RECORDS, b"[]"),
        400,
        {"message": "The body must be a JSON object."},
    ),
    Row(
        ErrorCase.CUSTOMER_MISSING,
        "update, before all that the body may lack",
        lambda call: call.update({"id": "NOBODY"}),
        404,
        error(
            "404 Not Found",
            "resource_missing",
            "There is no such customer.",
            type_="validation_error",
        ),
    ),
    Row(
        ErrorCase.SOURCE_MISSING_ON_REVOKE,
        "revoked already",
        revoke_twice,
        404,
        error("404 Not Found", "invalid_request", NO_CARD),
    ),
    Row(
        ErrorCase.SOURCE_MISSING_ON_REVOKE,
        "another's card",
        lambda call: call("DELETE", f"/v1/customers/{call.create()['id']}/sources/X"),
        404,
        error("404 Not Found", "invalid_request", NO_CARD),
    ),
    Row(
        ErrorCase.SOURCE_MISSING_ON_REVOKE,
        "nobody's card",
        lambda call: call("DELETE", "/v1/customers/X/sources/X"),
        404,
        error("404 Not Found", "invalid_request", NO_CARD),
    ),
    Row(
        ErrorCase.CARD_ALREADY_SAVED,
        "under a new token",
        lambda call: attach(call, "visa", call.token("visa")),
        409,
        error("409 Conflict", EXISTS, SAVED, "source"),
    ),
    Row(
        ErrorCase.SECOND_CARD,
        "if one is all that is allowed",
        lambda call: attach(call, "visa", call.token("amex")),
        409,
        error(
            "409 Conflict", EXISTS, "The customer already has a card; delete it first.", "source"
        ),
        options={"settings": {"second_card": "refuse"}},
    ),
    Row(
        ErrorCase.MULTIPAY_OFF,
        "if it is off",
        lambda call: create(call, source=call.token()),
        402,
        error(
            "402 Payment Required",
            "processing_error",
            "This merchant may not save cards (multi-pay tokens are off).",
            "source",
            type_=None,
        ),
        options={"settings": {"multipay": "off"}},
    ),
    Row(
        ErrorCase.CARD_DECLINED,
        "update",
        lambda call: attach(call, "amex", call.token("visa_declined")),
        402,
        error(
            "402 Payment Required",
            "card_declined",
            "The card was declined.",
            "source",
            type_="card_error",
        ),
    ),
    Row(
        ErrorCase.INVALID_NUMBER,
        "too short",
        lambda call: call.tokenize(number="4242"),
        400,
        bad("invalid_number", NUMBER, "number"),
    ),
    Row(
        ErrorCase.TEST_CARDS_ONLY,
        "of no test card",
        lambda call: call.tokenize(number="4242424242424241"),
        400,
        bad("invalid_number", TEST_NUMBER, "number"),
    ),
    Row(
        ErrorCase.INVALID_MONTH,
        "token",
        lambda call: call.tokenize(exp_month="13"),
        400,
        bad("invalid_expiry_month", "please provide valid expiry month", "exp_month"),
    ),
    Row(
        ErrorCase.INVALID_YEAR,
        "token",
        lambda call: call.tokenize(exp_year="203"),
        400,
        bad("invalid_expiry_year", "please provide valid expiry year", "exp_year"),
    ),
    Row(
        ErrorCase.CARD_EXPIRED,
        "token",
        lambda call: call.tokenize(exp_year="2020"),
        400,
        bad("expired_card", "the card has expired", "exp_year"),
    ),
    Row(
        ErrorCase.INCORRECT_CVC,
        "too short",
        lambda call: call.tokenize(cvv="12"),
        400,
        bad("incorrect_cvc", CVV, "cvv"),
    ),
    Row(
        ErrorCase.INCORRECT_CVC,
        "left out, if it is required",
        without_cvv,
        400,
        bad("incorrect_cvc", CVV, "cvv"),
        options={"settings": {"cvv_left_out": "refuse"}},
    ),
    Row(
        ErrorCase.BEARER_INVALID,
        "on the Ecommerce API",
        lambda call: call("PUT", "/v1/customers/X", headers=STRANGER),
        401,
        UNAUTHORIZED,
    ),
    Row(
        ErrorCase.BEARER_INVALID,
        "for the api key",
        lambda call: call("GET", "/pakms/apikey", headers=STRANGER),
        401,
        UNAUTHORIZED,
    ),
    Row(
        ErrorCase.BEARER_INVALID,
        "on the Platform API",
        lambda call: call("GET", RECORDS, headers=STRANGER),
        401,
        UNAUTHORIZED,
    ),
    Row(
        ErrorCase.BEARER_INVALID,
        "another merchant",
        lambda call: call("GET", "/v3/merchants/NOBODY/customers"),
        401,
        UNAUTHORIZED,
    ),
    Row(
        ErrorCase.API_KEY_INVALID,
        "the bearer token is none",
        lambda call: call("POST", "/v1/tokens", json={}),
        401,
        error(
            "401 Unauthorized",
            "invalid_key",
            "The apikey header is missing or wrong.",
            type_="authentication_error",
        ),
    ),
    Row(
        ErrorCase.RECORD_MISSING,
        "read",
        lambda call: call("GET", f"{RECORDS}/NOBODY"),
        404,
        NOBODY,
    ),
    Row(
        ErrorCase.RECORD_MISSING,
        "update",
        lambda call: call("POST", f"{RECORDS}/NOBODY", json={}),
        404,
        NOBODY,
    ),
    Row(
        ErrorCase.RECORD_MISSING,
        "delete",
        lambda call: call("DELETE", f"{RECORDS}/NOBODY"),
        404,
        NOBODY,
    ),
    Row(
        ErrorCase.PART_MISSING,
        "delete",
        lambda call: call("DELETE", f"{RECORDS}/{call.create()['id']}/addresses/NOTHING"),
        404,
        {"message": "Not Found", "details": "No such part of the customer"},
    ),
    Row(
        ErrorCase.QUERY_INVALID,
        "limit",
        lambda call: call("GET", RECORDS, params={"limit": 1001}),
        400,
        {"message": "limit cannot be greater than 1000"},
    ),
    Row(
        ErrorCase.QUERY_INVALID,
        "offset",
        lambda call: call("GET", RECORDS, params={"offset": -1}),
        400,
        {"message": "offset cannot be negative"},
    ),
    Row(
        ErrorCase.NOT_FOUND,
        "on the Ecommerce API",
        lambda call: call("GET", "/v1/nothing"),
        404,
        "404 Not Found",
    ),
    Row(
        ErrorCase.NOT_FOUND,
        "on the Platform API",
        lambda call: call("GET", "/v3/merchants/{m}/nothing"),
        404,
        "404 Not Found",
    ),
    Row(
        ErrorCase.NOT_FOUND,
        "without a merchant, and before the token is looked at",
        lambda call: call("GET", "/v3/merchants//customers", headers=STRANGER),
        404,
        "404 Not Found",
    ),
    Row(
        ErrorCase.METHOD_NOT_ALLOWED,
        "the Ecommerce API reads no customer",
        lambda call: call("GET", f"/v1/customers/{call.create()['id']}"),
        405,
        {"message": "405 Method Not Allowed"},
        {"allow": "OPTIONS, PUT"},
    ),
    Row(
        ErrorCase.METHOD_NOT_ALLOWED,
        "on the Platform API: text",
        lambda call: call("PUT", f"{RECORDS}/NOBODY"),
        405,
        "405 PUT not allowed.",
        {"allow": "DELETE, GET, OPTIONS, POST"},
    ),
    Row(
        ErrorCase.BODY_TOO_LARGE,
        "on the Ecommerce API",
        post("/v1/customers", TOO_LARGE),
        413,
        {"message": "413 Content Too Large"},
    ),
    Row(
        ErrorCase.BODY_TOO_LARGE,
        "on the Platform API",
        post(RECORDS, TOO_LARGE),
        413,
        {"message": "413 Content Too Large"},
    ),
    Row(
        ErrorCase.NOT_JSON,
        "on the Ecommerce API",
        post("/v1/customers", b"email=a", "application/x-www-form-urlencoded"),
        415,
        error("415 Unsupported Media Type", "invalid_request", "Send application/json."),
    ),
    Row(
        ErrorCase.NOT_JSON,
        "on the Platform API",
        post(RECORDS, b"{}", "text/plain"),
        415,
        {"message": "Send application/json."},
    ),
    Row(
        ErrorCase.RATE_LIMIT,
        "a second, on the Ecommerce API",
        lambda call: until_limited(call, "/pakms/apikey"),
        429,
        TOO_MANY,
        RATE,
        LIMITED,
    ),
    Row(
        ErrorCase.RATE_LIMIT,
        "a second, on the Platform API",
        lambda call: until_limited(call, RECORDS),
        429,
        {"message": "Too many requests."},
        RATE,
        LIMITED,
    ),
    Row(
        ErrorCase.RATE_LIMIT,
        "at once",
        sixth_at_once,
        429,
        TOO_MANY,
        AT_ONCE,
        LIMITED | {"latency_ms": 1000},
    ),
]


@pytest.fixture(scope="module")
def callers(make_once):
    """A sandbox for each set of options."""
    started = {}

    def get(options):
        key = json.dumps(dict(options))
        if key not in started:
            started[key] = make_once(**options)
        return started[key]

    return get


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.case.name}: {row.name}")
def test_refusal(callers, row):
    """Status, headers and body are these, and nothing else."""
    answer = row.ask(callers(row.options))
    assert answer.status_code == row.status
    text = isinstance(row.body, str)
    assert (answer.text if text else answer.json()) == row.body
    platform = answer.request.path_url.startswith("/v3/")
    kind = "application/json;charset=utf-8" if platform else "application/json"
    if text and row.status == 405:
        assert not {"Content-Type", "X-Clover-Request-Id"} & answer.headers.keys()
    else:
        assert answer.headers["Content-Type"] == ("text/plain; charset=utf-8" if text else kind)
        assert uuid.UUID(answer.headers["X-Clover-Request-Id"])
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert {name: headers[name] for name in headers.keys() - USUAL} == row.headers


def test_the_table_is_whole():
    """Each refusal of the sandbox is in it."""
    assert {row.case for row in TABLE} == set(ErrorCase)
