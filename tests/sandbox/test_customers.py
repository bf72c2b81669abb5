"""Customers with a card on file, over both APIs."""

import re

import pytest

from clover_nb.constants import ID_PATTERN

ADDRESS = {
    "line1": "415 N Mathilda Ave",
    "city": "Sunnyvale",
    "state": "CA",
    "postal_code": "94085",
}
TEXTS = [
    "Zoë 👩‍👩‍👧 Ångström",
    "عمر الفاروق",
    'a "quoted" \\ name',
    "<script>alert(1)</script>",
    "O'Brien; --",
]


def test_minimal_create(shared):
    """An email and a source are enough; there is no shipping then."""
    token = shared.token()
    answer = shared("POST", "/v1/customers", json={"email": "ana@example.com", "source": token})
    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"id", "object", "created", "currency", "email", "sources", "shipping"}
    assert (body["object"], body["currency"], body["email"]) == (
        "customer",
        "USD",
        "ana@example.com",
    )
    assert body["sources"].keys() == {"object", "data"}
    assert body["shipping"] == {}


def test_create_with_details(shared):
    """Name and phone are echoed into shipping, and the country is filled in."""
    body = shared.create(name="New Customer", phone="555-0125", shipping={"address": ADDRESS})
    assert (body["name"], body["phone"]) == ("New Customer", "555-0125")
    assert body["shipping"] == {
        "name": "New Customer",
        "phone": "555-0125",
        "address": {**ADDRESS, "country": "US"},
    }


def test_update_of_a_name(shared):
    """Changes the name alone, and the recipient that follows it."""
    customer = shared.create(name="New Customer", phone="555-0125", shipping={"address": ADDRESS})
    answer = shared.update(customer, email=customer["email"], name="Updated Name")
    expected = customer | {"name": "Updated Name"}
    expected["shipping"] = customer["shipping"] | {"name": "Updated Name"}
    assert (answer.status_code, answer.json()) == (200, expected)


def test_first_and_last_name_stay_as_they_were_given(shared):
    """By whichever API; a change of something else doesn't split them anew."""
    customer = shared.create(firstName="Ana", lastName="de la Cruz")
    shared.update(customer, email=customer["email"], phone="555-0125")
    seen = shared.platform(customer)
    assert (seen["firstName"], seen["lastName"]) == ("Ana", "de la Cruz")
    shared.update(customer, email=customer["email"], lastName="de la Vega y Cruz")
    seen = shared.platform(customer)
    assert (seen["firstName"], seen["lastName"]) == ("Ana", "de la Vega y Cruz")
    path = f"/v3/merchants/{{m}}/customers/{customer['id']}"
    assert shared("POST", path, json={"firstName": "Ana María"}).json()["lastName"] == (
        "de la Vega y Cruz"
    )
    renamed = shared.update(customer, email=customer["email"], name="Ana de la Cruz").json()
    seen = shared.platform(customer)
    assert (seen["firstName"], seen["lastName"]) == ("Ana de la", "Cruz")
    assert renamed["name"] == "Ana de la Cruz"


def test_a_part_of_the_name_wins_over_the_full_name(shared):
    """Whichever comes first in the body."""
    customer = shared.create(firstName="Ana", lastName="de la Cruz", name="Ana de la Cruz")
    seen = shared.platform(customer)
    assert (seen["firstName"], seen["lastName"]) == ("Ana", "de la Cruz")


def test_update_replaces_shipping_as_a_whole(shared):
    """What the new shipping leaves out is gone."""
    customer = shared.create(
        shipping={
            "name": "A",
            "phone": "1",
            "carrier": "UPS",
            "address": {**ADDRESS, "line2": "Suite 1"},
        }
    )
    moved = {
        "line1": "1 Main St",
        "city": "Boston",
        "state": "MA",
        "postal_code": "02108",
        "country": "CA",
    }
    body = shared.update(customer, email=customer["email"], shipping={"address": moved}).json()
    assert body["shipping"] == {"address": moved}
    addresses = shared.platform(customer)["addresses"]["elements"]
    assert [(a["address1"], a["zip"]) for a in addresses] == [("1 Main St", "02108")]


def test_update_with_another_email_adds_it(shared):
    """It becomes the first and primary one, and the other stays."""
    customer = shared.create(email="old@example.com")
    assert shared.update(customer, email="new@example.com").json()["email"] == "new@example.com"
    emails = shared.platform(customer)["emailAddresses"]["elements"]
    assert [(e["emailAddress"], e["primaryEmail"]) for e in emails] == [
        ("new@example.com", True),
        ("old@example.com", False),
    ]


def test_update_with_a_source_adds_the_card_first(shared):
    """The newest card comes first, in both APIs."""
    customer = shared.create("visa")
    body = shared.update(customer, email=customer["email"], source=shared.token("amex")).json()
    assert body["sources"]["data"][1:] == customer["sources"]["data"]
    cards = shared.platform(customer)["cards"]["elements"]
    assert [card["id"] for card in cards] == body["sources"]["data"]
    assert [card["cardType"] for card in cards] == ["AMEX", "VISA"]
    assert {card["tokenType"] for card in cards} == {"MULTIPAY"}


def test_delete_source(shared):
    """A revoked card is gone from both APIs."""
    customer = shared.create()
    (card,) = customer["sources"]["data"]
    answer = shared("DELETE", f"/v1/customers/{customer['id']}/sources/{card}")
    assert (answer.status_code, answer.json()) == (
        200,
        {"deleted": True, "id": card, "object": "deletedcard"},
    )
    assert shared.platform(customer)["cards"] == {"elements": []}
    assert shared.update(customer, email=customer["email"]).json()["sources"]["data"] == []


def test_platform_view(shared):
    """The Platform API shows the same customer in its own shape."""
    customer = shared.create(
        name="María del Carmen Ortiz", phone="+1 555-0125", shipping={"address": ADDRESS}
    )
    seen = shared.platform(customer)
    assert (seen["firstName"], seen["lastName"]) == ("María del Carmen", "Ortiz")
    assert seen["customerSince"] == customer["created"]
    (address,) = seen["addresses"]["elements"]
    assert (address["address1"], address["zip"], address["country"]) == (
        ADDRESS["line1"],
        "94085",
        "US",
    )
    assert [p["phoneNumber"] for p in seen["phoneNumbers"]["elements"]] == ["+1 555-0125"]
    (card,) = seen["cards"]["elements"]
    assert (card["first6"], card["last4"], card["expirationDate"]) == ("424242", "4242", "1235")


def test_contacts_need_expand(shared):
    """Nested lists come only when they are asked for; an unknown name is ignored."""
    customer = shared.create()
    assert not {"cards", "emailAddresses"} & shared.platform(customer, expand="").keys()
    assert "cards" in shared.platform(customer, expand="cards,nonsense")


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_unchanged(shared, text):
    """Emoji, right-to-left text, quotes and angle brackets are text; outer white space goes."""
    body = shared.create(name=f"  {text}\n", shipping={"address": {"line1": text}})
    assert (body["name"], body["shipping"]["address"]["line1"]) == (text, text)
    seen = shared.platform(body)
    assert f"{seen.get('firstName', '')} {seen.get('lastName', '')}".strip() == text
    assert shared.list(filter=f"fullName={text}")[-1]["id"] == body["id"]


def test_ids_look_like_clovers(shared):
    """Ids are 13 characters of Crockford's base 32."""
    customer = shared.create()
    for each in (customer["id"], *customer["sources"]["data"]):
        assert re.fullmatch(ID_PATTERN, each)
