"""Records written through the Platform API."""

import pytest

ADDRESS = {
    "address1": "1 Main St",
    "city": "Boston",
    "state": "MA",
    "zip": "02108",
    "country": "US",
}
RECORDS = "/v3/merchants/{m}/customers"
EVERYTHING = {"expand": "addresses,emailAddresses,phoneNumbers,cards,metadata"}


@pytest.fixture
def record(shared):
    """A customer without a card, made on the Platform API."""
    body = {
        "firstName": "Ana",
        "lastName": "Rivera",
        "marketingAllowed": True,
        "emailAddresses": [{"emailAddress": "ana@example.com"}],
        "phoneNumbers": [{"phoneNumber": "617-555-0100"}],
        "addresses": [ADDRESS],
        "metadata": {"note": "likes tea", "dobYear": 1980},
    }
    return shared("POST", RECORDS, json=body, params=EVERYTHING).json()


def test_create(record, shared):
    """Contacts are lists of objects; marketingAllowed is ignored."""
    assert record["marketingAllowed"] is False
    assert record["metadata"]["note"] == "likes tea"
    assert [e["emailAddress"] for e in record["emailAddresses"]["elements"]] == ["ana@example.com"]
    (address,) = record["addresses"]["elements"]
    assert address.items() >= ADDRESS.items()
    assert record["cards"] == {"elements": []}
    assert shared.platform(record) == record


def test_create_answers_without_contacts(shared):
    """Unless they are asked for; flat texts in their place are dropped."""
    body = {"firstName": "Ana", "emailAddresses": "ana@example.com"}
    made = shared("POST", RECORDS, json=body).json()
    assert "emailAddresses" not in made
    assert shared.platform(made)["emailAddresses"] == {"elements": []}


def test_update_is_a_post(record, shared):
    """What isn't given stays."""
    answer = shared(
        "POST", f"{RECORDS}/{record['id']}", json={"lastName": "Ortiz"}, params=EVERYTHING
    )
    assert (answer.status_code, answer.json()) == (200, record | {"lastName": "Ortiz"})


def test_delete(record, shared):
    """A deleted customer is gone from both APIs."""
    path = f"{RECORDS}/{record['id']}"
    assert shared("DELETE", path).json() == {}
    assert shared("DELETE", path).status_code == 404
    assert shared.update(record, email="ana@example.com").status_code == 404
    assert shared.list(filter=f"id={record['id']}") == []


PARTS = {
    "email_addresses": (
        "emailAddresses",
        {"emailAddress": "b@example.com", "primaryEmail": True},
        {"emailAddress": "c@example.com"},
    ),
    "phone_numbers": (
        "phoneNumbers",
        {"phoneNumber": "617-555-0101"},
        {"phoneNumber": "617-555-0102"},
    ),
    "addresses": ("addresses", ADDRESS, {**ADDRESS, "zip": "02109"}),
    "cards": (
        "cards",
        {"first6": "424242", "last4": "4242", "expirationDate": "1235", "token": "clv_1"},
        {
            "first6": "424242",
            "last4": "4242",
            "tokenType": "CTOKEN",
            "additionalInfo": {"default": True, "zip": "02108", "isPurchaseCard": "false"},
        },
    ),
}


@pytest.mark.parametrize("kind", PARTS)
def test_parts(record, shared, kind):
    """Emails, phones, addresses and cards are added, changed and deleted on their own."""
    name, first, second = PARTS[kind]
    path = f"{RECORDS}/{record['id']}/{kind}"
    part = shared("POST", path, json=first).json()
    assert part.items() >= first.items()
    changed = shared("POST", f"{path}/{part['id']}", json=second).json()
    expected = part | second
    if "modifiedTime" in part:
        expected["modifiedTime"] = changed["modifiedTime"]
    assert changed == expected
    assert shared.platform(record)[name]["elements"][0 if kind == "cards" else -1] == changed
    assert shared("DELETE", f"{path}/{part['id']}").json() == {}
    gone = shared("DELETE", f"{path}/{part['id']}")
    assert (gone.status_code, gone.json()["details"]) == (404, "No such part of the customer")


def test_a_list_in_a_record_stops_at_a_hundred(shared):
    """One more is kept, found by a filter, changed by its id, and shown when another one goes."""
    phones = [{"phoneNumber": f"5555550{number}"} for number in range(100, 201)]
    body = {"phoneNumbers": phones, "emailAddresses": [{"emailAddress": "crowd@example.com"}]}
    made = shared("POST", RECORDS, json=body, params=EVERYTHING).json()
    shown = made["phoneNumbers"]["elements"]
    assert [each["phoneNumber"] for each in shown] == [p["phoneNumber"] for p in phones[:100]]
    assert len(made["emailAddresses"]["elements"]) == 1
    (found,) = shared.list(filter="phoneNumber=5555550200", expand="phoneNumbers")
    assert found["phoneNumbers"]["elements"] == shown
    assert shared.update(made, email="crowd@example.com", name="Ana").status_code == 200
    path = f"{RECORDS}/{made['id']}/phone_numbers/{shown[0]['id']}"
    assert shared("DELETE", path).status_code == 200
    assert shared.platform(made)["phoneNumbers"]["elements"][-1]["phoneNumber"] == "5555550200"


def test_an_address_changes_alone(record, shared):
    """Recipient, carrier and tracking number stay; an empty second line clears it."""
    shipped = shared.update(
        record,
        email="ana@example.com",
        source=shared.token(),
        shipping={
            "name": "Bo",
            "phone": "617-555-0108",
            "carrier": "UPS",
            "tracking_number": "1Z",
            "address": {"line1": "1 Main St", "line2": "Suite 2", "city": "Boston"},
        },
    ).json()["shipping"]
    (entry,) = shared.platform(record)["addresses"]["elements"]
    path = f"{RECORDS}/{record['id']}/addresses/{entry['id']}"
    changed = shared("POST", path, json=ADDRESS | {"address1": "3 Elm St", "address2": ""}).json()
    assert changed == {**ADDRESS, "address1": "3 Elm St"} | {
        name: entry[name] for name in ("id", "customer")
    }
    assert shared.platform(record)["addresses"]["elements"] == [changed]
    after = shared.update(record, email="ana@example.com").json()["shipping"]
    assert after.pop("address")["line1"] == "3 Elm St"
    assert after == {name: shipped[name] for name in shipped.keys() - {"address"}}


def test_one_primary_email(record, shared):
    """A new primary address takes over, and is the Ecommerce API's `email`."""
    body = {"emailAddress": "new@example.com", "primaryEmail": True}
    shared("POST", f"{RECORDS}/{record['id']}/email_addresses", json=body)
    emails = shared.platform(record)["emailAddresses"]["elements"]
    assert [e.get("primaryEmail") for e in emails] == [False, True]
    assert shared.list(filter="emailAddress=new@example.com")[-1]["id"] == record["id"]


def test_metadata(record, shared):
    """Notes are changed one by one, and read alone or with the record."""
    path = f"{RECORDS}/{record['id']}/metadata"
    changed = shared("POST", path, json={"note": "coffee now", "businessName": "Bo's"}).json()
    assert (changed["note"], changed["dobYear"], changed["businessName"]) == (
        "coffee now",
        1980,
        "Bo's",
    )
    assert shared("GET", path).json() == shared.platform(record)["metadata"] == changed


def test_a_card_of_the_platform_api_is_one_of_the_ecommerce_api(record, shared):
    """It is shown there, and can be revoked."""
    card = {"first6": "424242", "last4": "4242", "tokenType": "MULTIPAY"}
    added = shared("POST", f"{RECORDS}/{record['id']}/cards", json=card).json()
    customer = shared.update(record, email="ana@example.com").json()
    assert customer["sources"]["data"] == [added["id"]]
    path = f"/v1/customers/{record['id']}/sources/{added['id']}"
    assert shared("DELETE", path).status_code == 200
    assert shared.platform(record)["cards"] == {"elements": []}


def test_both_apis_share_a_record(record, shared):
    """A customer of the Platform API takes a card on the Ecommerce API."""
    made = shared.update(record, email="ana@example.com", source=shared.token()).json()
    assert made["name"] == "Ana Rivera"
    assert made["shipping"]["address"]["line1"] == "1 Main St"
    assert len(shared.platform(record)["cards"]["elements"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("", {"firstName": "x" * 65}, "firstName: string should have at most 64 characters."),
        ("/metadata", {"dobMonth": 13}, "dobMonth: input should be less than or equal to 12."),
        ("/addresses", ADDRESS | {"zip": " "}, "zip: has characters that it can't have."),
        ("/email_addresses", {}, "emailAddress: field required."),
        ("/cards", {"first6": "4242424"}, "first6: has characters that it can't have."),
        ("/cards", {"first6": "424242"}, "last4: field required."),
        (
            "/cards",
            {"first6": "424242", "last4": "4242", "additionalInfo": {"default": 5}},
            "additionalInfo.default: input should be a valid boolean.",
        ),
        ("/phone_numbers", {"phoneNumber": 5}, "phoneNumber: input should be a valid string."),
    ],
)
def test_bad_records(record, shared, path, body, message):
    """A 400 that names the field, in the Platform's envelope."""
    answer = shared("POST", f"{RECORDS}/{record['id']}{path}", json=body)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_gateway(shared, make):
    """Says whether cards may be saved."""
    assert shared("GET", "/v3/merchants/{m}/gateway").json() == {"supportsMultiPayToken": True}
    off = make(settings={"multipay": "off"})
    assert off("GET", "/v3/merchants/{m}/gateway").json() == {"supportsMultiPayToken": False}
