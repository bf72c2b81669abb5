"""Whatever is wrong in a request, it is refused for the right reason; see also the table."""

import json

import pytest

from clover_nb.constants import TEST_CARDS


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
        "ana@example..com",
        "ana@.example.com",
        "ana@example.com.",
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


def test_the_token_service_takes_any_content_type(shared):
    """A misspelt one too, as programs send it."""
    for kind in ("application-json", "application/x-www-form-urlencoded", "text/plain"):
        headers = {"apikey": shared.box.api_key, "Content-Type": kind}
        body = json.dumps({"card": TEST_CARDS["visa"]})
        assert shared("POST", "/v1/tokens", data=body, headers=headers).status_code == 200


def test_the_same_token_again_is_the_same_card(shared):
    """For the customer who has it; nothing changes."""
    token = shared.token()
    customer = shared.create(source=token)
    answer = shared.update(customer, email=customer["email"], source=token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "resource_already_exists")
    assert len(shared.platform(customer)["cards"]["elements"]) == 1


def test_a_cvv_left_out_is_not_spent_by_a_refusal(shared):
    """The customer keeps the card, and a good token is taken afterwards."""
    customer = shared.create("visa")
    token = shared.tokenize("amex", without="cvv").json()
    assert token["card"].keys() == {"exp_month", "exp_year", "first6", "last4", "brand"}
    for _ in range(2):
        answer = shared.update(customer, email=customer["email"], source=token["id"])
        assert answer.json()["error"]["code"] == "invalid_cvc"
    good = shared.update(customer, email=customer["email"], source=shared.token("amex"))
    assert len(good.json()["sources"]["data"]) == 2


def test_each_key_has_limits_of_its_own(make):
    """Tokens can still be made when the bearer token has used its second up."""
    caller = make(limits=True)
    while caller("GET", "/pakms/apikey").status_code == 200:
        pass
    assert caller.tokenize().status_code == 200
