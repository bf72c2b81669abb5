"""Every setting: what its values change."""

import uuid

import pytest

from clover_nb import sandbox
from clover_nb.sandbox.settings import PROFILES, SETTINGS

CHECKS = {}
ALLOWED = ["OPTIONS, PUT", "OPTIONS, POST", "OPTIONS, PUT"]
ADDRESS = {"city": "Boston", "state": "MA", "postal_code": "02108", "country": "US"}


def checks(name):
    """Register what shows a setting's value."""

    def register(function):
        CHECKS[name] = function
        return function

    return register


def decided(answer, refused, taken, code):
    """The value that an answer shows: of a refusal with this code, or of a customer.

    The whole bodies of refusals are in test_error_table.py.
    """
    assert answer.headers["Content-Type"] == "application/json"
    assert uuid.UUID(answer.headers["X-Clover-Request-Id"])
    body = answer.json()
    if answer.status_code == 200:
        assert body["object"] in {"customer", "token"}
        return taken
    assert (answer.status_code, body["error"]["code"]) == code
    assert body["message"].startswith(str(answer.status_code))
    return refused


@checks("put_requires_email")
def update_without_email(call):
    answer = call.update(call.create(), name="A B")
    return decided(answer, "on", "off", (400, "email_invalid"))


@checks("put_requires_source")
def update_without_source(call):
    answer = call.update(call.create(), email="b@example.com")
    return decided(answer, "on", "off", (400, "invalid_request"))


@checks("second_card")
def another_card(call):
    answer = call.update(call.create(), email="b@example.com", source=call.token("amex"))
    return decided(answer, "refuse", "append", (409, "resource_already_exists"))


@checks("source_again")
def own_token_again(call):
    token = call.token()
    customer = call.create(source=token)
    answer = call.update(customer, email=customer["email"], source=token)
    return decided(answer, "refuse", "accept", (409, "resource_already_exists"))


@checks("new_email")
def another_email(call):
    customer = call.create(email="old@example.com")
    answer = call.update(customer, email="new@example.com")
    assert decided(answer, None, "taken", None) == "taken"
    entries = call.platform(customer)["emailAddresses"]["elements"]
    assert [entry["primaryEmail"] for entry in entries] == [True, False][: len(entries)]
    assert answer.json()["email"] == entries[0]["emailAddress"]
    emails = [entry["emailAddress"][:3] for entry in entries]
    return {"new,old": "first", "old,new": "last", "new": "replace"}[",".join(emails)]


@checks("spelling")
def odd_spelling(call):
    asked = {"name": "ana  de la RIVERA", "phone": "617.555.0125"}
    made = call.create(**asked, shipping=asked)
    assert made["shipping"] == {name: made[name] for name in asked}
    part = {"phoneNumbers": [{"phoneNumber": "+1 617 555 0125"}], "firstName": "ana"}
    record = call(
        "POST", "/v3/merchants/{m}/customers", json=part, params={"expand": "phoneNumbers"}
    ).json()
    phones = [entry["phoneNumber"] for entry in record["phoneNumbers"]["elements"]]
    if made["name"] == asked["name"]:
        assert made["phone"] == asked["phone"]
        assert (record["firstName"], phones) == ("ana", ["+1 617 555 0125"])
        return "as given"
    assert (made["name"], made["phone"]) == ("Ana De La Rivera", "(617) 555-0125")
    assert (record["firstName"], phones) == ("Ana", ["(617) 555-0125"])
    return "normalized"


@checks("shipping_follows")
def corrected_address(call):
    first, second = ({**ADDRESS, "line1": line} for line in ("1 Main St", "2 Main St"))
    customer = call.create(shipping={"address": first, "name": "Bo", "tracking_number": "1Z"})
    (entry,) = call.platform(customer)["addresses"]["elements"]
    path = f"/v3/merchants/{{m}}/customers/{customer['id']}/addresses/{entry['id']}"
    changed = entry | {"address1": "2 Main St"}
    assert call("POST", path, json=changed).json() == changed
    shipping = call.update(customer, email=customer["email"]).json()["shipping"]
    assert {"name": "Bo", "tracking_number": "1Z"}.items() <= shipping.items()
    lines = {first["line1"]: "ecommerce", second["line1"]: "both"}
    return lines[shipping["address"]["line1"]]


@checks("contacts_given")
def contacts_in_an_update(call):
    customer = call.create(email="a@example.com")
    path = f"/v3/merchants/{{m}}/customers/{customer['id']}"
    body = {"emailAddresses": [{"emailAddress": "b@example.com"}]}
    record = call("POST", path, json=body, params={"expand": "emailAddresses"}).json()
    emails = [each["emailAddress"][0] for each in record["emailAddresses"]["elements"]]
    return {"b": "replace", "a,b": "add"}[",".join(emails)]


@checks("external_id")
def an_external_id(call):
    body = {"firstName": "Ana", "externalId": "A-1"}
    record = call("POST", "/v3/merchants/{m}/customers", json=body).json()
    assert call.platform(record).get("externalId") == record.get("externalId")
    return {"A-1": "stored", None: "dropped"}[record.get("externalId")]


@checks("deleted")
def a_deleted_customer(call):
    customer = call.create()
    path = f"/v3/merchants/{{m}}/customers/{customer['id']}"
    assert call("DELETE", path).status_code == 200
    assert customer["id"] not in {each["id"] for each in call.list(limit=1000)}
    assert call.update(customer, email=customer["email"]).status_code == 404
    assert call("POST", path, json={}).status_code == 404
    assert call("DELETE", path).status_code == 404
    answer = call("GET", path)
    marked = [each["id"] for each in call.list(filter="deletedTime>0")]
    if answer.status_code == 404:
        assert marked == []
        return "gone"
    assert answer.json()["deletedTime"] >= customer["created"]
    assert marked == [customer["id"]]
    return "marked"


@checks("email_filter")
def filters_by_contacts(call):
    customer = call.create(email="found@example.com", phone="617-555-0147")
    found = [call.list(filter="emailAddress=found@example.com")]
    found.append(call.list(filter="phoneNumber=617-555-0147"))
    if found == [[], []]:
        return "empty"
    assert {each["id"] for records in found for each in records} == {customer["id"]}
    return "on"


@checks("wrapped_contacts")
def contacts_in_elements(call):
    body = {"emailAddresses": {"elements": [{"emailAddress": "a@example.com"}]}}
    made = call(
        "POST", "/v3/merchants/{m}/customers", json=body, params={"expand": "emailAddresses"}
    )
    assert made.status_code == 200
    return "taken" if made.json()["emailAddresses"]["elements"] else "dropped"


@checks("update_by_post")
def an_update_by_post(call):
    customer = call.create()
    body = {"email": customer["email"], "name": "Ana Rivera"}
    answer = call("POST", f"/v1/customers/{customer['id']}", json=body)
    if answer.status_code == 405:
        return "off"
    assert answer.json()["name"] == "Ana Rivera"
    return "on"


@checks("token_in_query")
def the_token_in_the_query(call):
    path = f"/v3/merchants/{{m}}/gateway?access_token={call.box.access_token}"
    answer = call("GET", path, headers={"Authorization": None})
    assert call.box.access_token not in str(call.box.requests)
    assert call("GET", path[:-1], headers={"Authorization": None}).status_code == 401
    return {200: "on", 401: "off"}[answer.status_code]


@checks("expired_cards")
def an_expired_card(call):
    return decided(call.tokenize(exp_year="1977"), "refuse", "accept", (400, "expired_card"))


@checks("list_order")
def two_customers(call):
    first, second = call.create()["id"], call.create()["id"]
    listed = [each["id"] for each in call.list(limit=1000)]
    return "oldest" if listed.index(first) < listed.index(second) else "newest"


@checks("times")
def times_of_some_customers(call):
    created = [call.create()["created"] for _ in range(6)]
    return "seconds" if all(time % 1000 == 0 for time in created) else "milliseconds"


@checks("declined_cards")
def declined_card(call):
    body = {"email": "a@example.com", "source": call.token("visa_declined")}
    answer = call("POST", "/v1/customers", json=body)
    return decided(answer, "refuse", "accept", (402, "card_declined"))


@checks("withdrawn_cards")
def a_withdrawn_card(call):
    return decided(call.tokenize("discover_2"), "refuse", "accept", (400, "invalid_number"))


@checks("cvv_left_out")
def no_cvv(call):
    answer = call.tokenize(without="cvv")
    return decided(answer, "refuse", "accept", (400, "incorrect_cvc"))


@checks("multipay")
def any_card(call):
    answer = call("POST", "/v1/customers", json={"email": "a@example.com", "source": call.token()})
    return decided(answer, "off", "on", (402, "processing_error"))


@checks("undocumented_calls")
def undocumented_calls(call):
    customer = call.create()
    path = f"/v1/customers/{customer['id']}"
    one, many = call("GET", path), call("GET", "/v1/customers")
    gone = call("DELETE", path)
    if gone.status_code == 405:
        assert one.json() == many.json() == gone.json() == {"message": "405 Method Not Allowed"}
        assert [each.headers["Allow"] for each in (one, many, gone)] == ALLOWED
        return "off"
    assert one.json() == customer
    assert many.json()["data"] == [customer]
    assert gone.json() == {"deleted": True, "id": customer["id"], "object": "customer"}
    assert call("GET", path).status_code == 404
    return "on"


@checks("unknown_filter")
def unknown_filter(call):
    customer = call.create()
    answer = call("GET", "/v3/merchants/{m}/customers?filter=shoeSize=42")
    if answer.status_code == 400:
        assert answer.json()["message"].startswith("cannot filter by 'shoeSize=42'")
        return "refuse"
    assert answer.json()["elements"][-1]["id"] == customer["id"]
    return "ignore"


@checks("currency")
def currency(call):
    return call.create()["currency"]


@checks("sources")
def sources(call):
    data = call.create()["sources"]["data"]
    (card,) = data["elements"] if isinstance(data, dict) else data
    assert len(card) == 13
    return "elements" if isinstance(data, dict) else "list"


@checks("has_more")
def has_more(call):
    return "on" if call.create()["sources"].get("has_more") is False else "off"


@checks("empty_shipping")
def empty_shipping(call):
    customer = call.create(name="Ana Rivera")
    assert customer["shipping"] == {"name": "Ana Rivera"}
    return "shown" if "shipping" in call.create() else "left out"


@checks("recipient")
def recipient(call):
    customer = call.create(name="Ana Rivera", phone="5555550125")
    later = call.update(customer, email=customer["email"], name="Ana Ortiz").json()
    assert later["name"] == "Ana Ortiz"
    assert later["shipping"]["phone"] == "5555550125"
    given = call.update(later, email=customer["email"], shipping={"name": "Bo"}).json()
    assert given["shipping"]["name"] == "Bo"
    return {"Ana Rivera": "stays", "Ana Ortiz": "follows"}[later["shipping"]["name"]]


@checks("names_of_2019")
def names_of_2019(call):
    customer = call.create()
    body = {"email": "a@example.com", "first_name": "Ana", "last_name": "Rivera"}
    named = call.update(customer, **body).json()
    if "name" in named:
        assert (named["firstName"], named["lastName"]) == ("Ana", "Rivera")
        assert customer["shipping"] == {"name": "null null"}
        return "on"
    assert customer["shipping"] == {}
    return "off"


VALUES = [(name, value) for name, setting in SETTINGS.items() for value in setting.choices]


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_setting(make, name, value):
    """The sandbox does what the value says."""
    assert CHECKS[name](make(settings={name: value})) == value


@pytest.mark.parametrize("profile", PROFILES)
def test_profile(make, profile):
    """A profile is a set of settings; all others have their first value."""
    caller = make(profile=profile)
    expected = {name: setting.choices[0] for name, setting in SETTINGS.items()} | PROFILES[profile]
    assert {name: check(caller) for name, check in CHECKS.items()} == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "imaginary"}, "no profile 'imaginary'; there are: documented, legacy_2019"),
        (
            {"settings": {"telepathy": "on"}},
            "no setting 'telepathy'; there are: put_requires_email",
        ),
        ({"settings": {"multipay": "perhaps"}}, "multipay can't be 'perhaps'; it takes: on, off"),
        ({"faults": "sometimes"}, "a fault is written KIND:PERCENT%"),
        ({"faults": "500:60%,html:50%"}, "exceed 100%"),
        ({"latency_ms": 10, "jitter_ms": 20}, "a latency of 10 ms can't vary by 20 ms"),
        ({"jitter_ms": -1}, "can't vary by -1 ms"),
        ({"faults": "999:1%"}, "no fault '999'; there are: STATUS, reset-before"),
    ],
)
def test_wrong_options(options, message):
    """The message lists what there is."""
    with pytest.raises(ValueError, match=message):
        sandbox.start(**options)
