"""What is refused, with status, headers and body."""

import uuid

import pytest


def test_wrong_bearer(shared):
    """A bare 401, on every call but tokens."""
    for path in ("/pakms/apikey", "/v1/customers", "/v3/merchants/{m}/customers"):
        answer = shared("GET", path, headers={"Authorization": "Bearer nonsense"})
        assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_wrong_merchant(shared):
    """Looks like a wrong token."""
    answer = shared("GET", "/v3/merchants/NOBODY/customers")
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_every_answer_has_a_request_id(shared):
    """A UUID, on refusals too."""
    for path in ("/pakms/apikey", "/nowhere", "/v1/customers", "/v3/merchants/X/customers"):
        assert uuid.UUID(shared("GET", path).headers["X-Clover-Request-Id"])


def test_wrong_method_on_the_platform(shared):
    """Text, no JSON, with the methods that are allowed."""
    answer = shared("PUT", "/v3/merchants/{m}/customers/X")
    assert (answer.status_code, answer.text) == (405, "405 PUT not allowed.")
    assert "GET" in answer.headers["Allow"]


def test_undocumented_reads(shared):
    """The Ecommerce API has no GET for customers."""
    answer = shared("GET", f"/v1/customers/{shared.create()['id']}")
    assert (answer.status_code, answer.json()) == (405, {"message": "405 Method Not Allowed"})


def test_unknown_customer_on_the_platform(shared):
    """Says so in details."""
    answer = shared("GET", "/v3/merchants/{m}/customers/NOBODY")
    assert answer.status_code == 404
    assert answer.json() == {"message": "Not Found", "details": "Customer not found"}


def refusal(answer):
    """Status, type, code and param of an Ecommerce refusal."""
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error.get("type"), error["code"], error.get("param")


@pytest.mark.parametrize(
    "email",
    [
        None,
        "",
        "  ",
        "ana",
        "ana@",
        "@example.com",
        "a b@example.com",
        5,
        [],
        "x" * 300 + "@example.com",
    ],
)
def test_email_must_be_one(shared, email):
    """On create and on update."""
    expected = (400, "invalid_request_error", "email_invalid", "email")
    body = {"email": email, "source": shared.token()}
    assert refusal(shared("POST", "/v1/customers", json=body)) == expected
    assert refusal(shared.update(shared.create(), email=email)) == expected


def test_source_must_be_a_token(shared):
    """Missing and unknown ones are refused."""
    for source in (None, "", "clv_unknown"):
        answer = shared("POST", "/v1/customers", json={"email": "a@example.com", "source": source})
        assert refusal(answer) == (400, "invalid_request_error", "invalid_request", "source")


def test_update_of_nobody(shared):
    """Comes before everything that the body may lack."""
    answer = shared.update({"id": "NOBODY"})
    assert refusal(answer) == (404, "validation_error", "resource_missing", None)


def test_revoke_of_nothing(shared):
    """An unknown customer, an unknown card, and a card that was revoked already."""
    customer = shared.create()
    (card,) = customer["sources"]["data"]
    path = f"/v1/customers/{customer['id']}/sources/"
    assert shared("DELETE", path + card).status_code == 200
    for gone in (path + card, path + "X", "/v1/customers/X/sources/X"):
        answer = shared("DELETE", gone)
        assert refusal(answer) == (404, "invalid_request_error", "invalid_request", None)


def test_a_token_is_good_once(shared):
    """For another customer it is spent (without a type); for the same it is the same card."""
    token = shared.token()
    customer = shared.create(source=token)
    body = {"email": "a@example.com", "source": token}
    assert refusal(shared("POST", "/v1/customers", json=body)) == (
        400,
        None,
        "token_already_used",
        "source",
    )
    for again in (token, shared.token()):
        answer = shared.update(customer, email=customer["email"], source=again)
        assert refusal(answer)[0] == 409


def test_declining_cards(shared):
    """They can be tokenized, but not attached; nothing of the change is stored."""
    customer = shared.create("amex", name="Before")
    token = shared.token("visa_declined")
    answer = shared.update(customer, email=customer["email"], source=token, name="After")
    assert refusal(answer) == (402, "card_error", "card_declined", "source")
    assert shared.platform(customer)["firstName"] == "Before"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": "4242424242424241"}, "invalid_number"),
        ({"number": "4539578763621486"}, "invalid_number"),
        ({"number": ""}, "invalid_number"),
        ({"exp_month": "13"}, "invalid_expiry_month"),
        ({"exp_month": None}, "invalid_expiry_month"),
        ({"exp_year": "203"}, "invalid_expiry_year"),
        ({"exp_year": "2020"}, "expired_card"),
        ({"cvv": "12"}, "incorrect_cvc"),
        ({"cvv": None}, "incorrect_cvc"),
    ],
)
def test_bad_cards(shared, changes, code):
    """Each field has a code of its own."""
    (name,) = changes
    assert refusal(shared.tokenize(**changes)) == (400, "invalid_request_error", code, name)


def test_other_numbers_are_told_to_be_test_cards(shared):
    """The message says which cards work."""
    message = shared.tokenize(number="4539578763621486").json()["error"]["message"]
    assert "test cards" in message


def test_wrong_api_key(shared):
    """Tokens need the apikey; the bearer token is no use."""
    answer = shared("POST", "/v1/tokens", json={}, headers={"apikey": "nonsense"})
    assert refusal(answer) == (401, "authentication_error", "invalid_key", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 10_000),
        ("name", 5),
        ("phone", ["1"]),
        ("name", "null\0byte"),
        ("shipping", []),
        ("shipping", {"address": []}),
        ("shipping", {"address": {"line1": "x" * 128}}),
        ("shipping", {"address": {"country": "USA"}}),
        ("ecomind", "telepathy"),
    ],
)
def test_wrong_fields(shared, field, value):
    """The refusal names the field."""
    body = {"email": "a@example.com", "source": shared.token(), field: value}
    status, type_, code, param = refusal(shared("POST", "/v1/customers", json=body))
    assert (status, type_, code) == (400, "invalid_request_error", "invalid_request")
    assert param.startswith(field)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"", {}, 400),
        (b"[]", {}, 400),
        (b'"text"', {}, 400),
        (b'{"email": NaN}', {}, 400),
        (b'{"a": 1, "a": 2}', {}, 400),
        (b'{"name": "\\ud800"}', {}, 400),
        (b"\xff\xfe{}", {}, 400),
        (b"1" * 5000, {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}, 400),
        (b'"' + b"x" * 2_000_000 + b'"', {}, 413),
        (b"email=a", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Type": "text/plain"}, 415),
    ],
)
def test_bad_bodies(shared, body, headers, status):
    """Whatever is sent, the answer is a 4xx in Clover's envelope."""
    headers = {"Content-Type": "application/json"} | headers
    answer = shared("POST", "/v1/customers", data=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["message"].startswith(str(status))


@pytest.mark.parametrize(
    "odd", ["' OR 1=1 --", "..%2f..%2fetc", "%00", "%ff", "a" * 5000, "%F0%9F%92%B3", "."]
)
def test_odd_ids(shared, odd):
    """They are ids that nobody has, or paths that lead nowhere."""
    for path in (f"/v1/customers/{odd}", f"/v3/merchants/{{m}}/customers/{odd}"):
        assert shared("PUT", path, json={}).status_code in {401, 404, 405}
        assert shared("GET", path).status_code in {401, 404, 405, 200}


def test_limits(make):
    """The header says which limit was crossed; each token has its own."""
    caller = make(limits=True)
    answers = [caller("GET", "/pakms/apikey") for _ in range(20)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refusal(refused[0]) == (429, "rate_limit_error", "rate_limit", None)
    assert refused[0].headers["X-RateLimit-tokenLimit"] == "16"
    assert caller.tokenize().status_code == 200
