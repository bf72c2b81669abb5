"""What is known of Clover, as data: what is asked, what must come back, how well it is known.

`fact_checker` holds it against an address, and docs/sandbox-facts.md lists it. Texts in braces are
filled in: `{m}` the merchant, `{customer}` a customer who is there, `{new}` one made for this fact
by the Ecommerce API and `{card}` their card, `{record}` one made by the Platform API, `{token}` and
`{amex}` new card tokens, and `{id}` the `id` that came back before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where evidence stands, by the keys of the list at the end of docs/sandbox-facts.md.
SOURCES: Final = {
    "card": 'Clover\'s page "Save a card for future transactions"',
    "create": 'Clover\'s page "Create a card-on-file customer"',
    "update": 'Clover\'s page "Update a customer"',
    "revoke": 'Clover\'s page "Revoke a card"',
    "sdk": 'Clover\'s page "Work with customers (SDK)"',
    "faq": 'Clover\'s pages "Ecommerce FAQs" and "Ecommerce API response codes"',
    "token": 'Clover\'s pages "Generate a card token" and "Error codes"',
    "multipay": 'Clover\'s page "Interoperability with Ecommerce API"',
    "filter": 'Clover\'s pages "Apply filters" and "Add pagination requests"',
    "401": 'Clover\'s page "401 Unauthorized"',
    "spec": "Clover's description of the Platform API of 2018, as others keep it",
    "android": "Clover's Android SDK, its validators",
    "ios": "Clover's iOS SDK",
    "python": "Clover's Python SDK of 2019, its recorded tests",
    "typescript": "fixtures of a TypeScript client of Clover",
    "mcp": "notes of a server for assistants, checked against Clover's sandbox in June 2026",
    "probes": "live probes of a connector, July 2026",
    "cassettes": "recorded answers in public repositories, 2015 to 2026",
    "forum": "community.clover.com, with answers of Clover's staff",
    "programs": "several unrelated programs that work with Clover",
    "samples": "every sample that was found",
}


class FactRequest(NamedTuple):
    """A request.

    Attributes:
        method: Of HTTP.
        path: With its query.
        body: What is sent as JSON.
        headers: In place of the right ones.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None


class Fact(NamedTuple):
    """One thing that is known of Clover.

    Attributes:
        says: What is so.
        mark: How well it is known.
        source: By whom, a key of `SOURCES`.
        asks: Requests, one after the other; the last one is judged.
        status: What must come back.
        body: By the path of a part, a regular expression for its JSON, or None if it must not be
            there; the path `` is the whole body as text, and `NAME.#` the length of a list.
        headers: By name, a regular expression, or None.
    """

    says: str
    mark: str
    source: str
    asks: tuple[FactRequest, ...]
    status: int = 200
    body: Mapping[str, str | None] = {}
    headers: Mapping[str, str | None] = {}

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        texts = str(self.asks)
        made = any(name in texts for name in ("{new}", "{record}", "{token}", "{amex}"))
        return made or any(ask.method != "GET" for ask in self.asks)


_M: Final = "/v3/merchants/{m}"
_ALL: Final = f"{_M}/customers"
_NEW: Final = f"{_ALL}/{{new}}"
_RECORD: Final = f"{_ALL}/{{record}}"
_NOBODY: Final = "0000000000000"
_ID: Final = '"[0-9A-HJKMNP-TV-Z]{13}"'
_MS: Final = "[0-9]{13}"
_BOOL: Final = "true|false"
_ANY: Final = r"[\s\S]*"
_EXPAND: Final = "expand=addresses,emailAddresses,phoneNumbers,cards,metadata"
_STRANGER: Final = {"Authorization": "Bearer 00000000-0000-0000-0000-000000000000"}
_UNAUTHORIZED: Final = {"message": '"401 Unauthorized"', "error": None}
_EMAIL: Final = "ana.rivera@example.com"
_ADDRESS: Final = {
    "address1": "1 Main St",
    "city": "Boston",
    "state": "MA",
    "zip": "02108",
    "country": "US",
}
_NUMBERS: Final = {
    "AMEX": "378282246310005",
    "DISCOVER": "6011000050617475",
    "DINERS_CLUB": "30569309025904",
    "JCB": "3566002020360505",
}
_FILTERS: Final = {
    "customerSince": ">=1700000000000",
    "firstName": "=Ana",
    "lastName": "!=Rivera",
    "fullName": "=Ana Rivera",
    "emailAddress": "=ana@example.com",
    "phoneNumber": "=5555550125",
    "marketingAllowed": "=false",
    "id": "=0000000000000",
    "deletedTime": ">=1700000000000",
}
# What is added by calls of its own, changed by its id, and deleted.
_ENTRIES: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "email": (
        "email_addresses",
        {"emailAddress": "bo@example.com"},
        {"emailAddress": "cy@example.com"},
    ),
    "phone": ("phone_numbers", {"phoneNumber": "5555550126"}, {"phoneNumber": "5555550127"}),
    "address": ("addresses", _ADDRESS, {**_ADDRESS, "zip": "02109"}),
    "card": (
        "cards",
        {"first6": "424242", "last4": "4242", "expirationDate": "1235"},
        {"first6": "424242", "last4": "4242", "expirationDate": "1236"},
    ),
}
_TOO_LONG: Final = {
    "A first name has at most 64 characters.": ("", {"firstName": "x" * 65}),
    "A last name has at most 64 characters.": ("", {"lastName": "x" * 65}),
    "A ZIP has at most 10 characters.": ("/addresses", {**_ADDRESS, "zip": "1" * 11}),
    "A line of an address has at most 127 characters.": (
        "/addresses",
        {**_ADDRESS, "address1": "x" * 128},
    ),
    "A country has two letters.": ("/addresses", {**_ADDRESS, "country": "USA"}),
    "A business name has at most 127 characters.": ("/metadata", {"businessName": "x" * 128}),
    "A note has at most 2000 characters.": ("/metadata", {"note": "x" * 2001}),
    "A card shows six digits of its beginning.": ("/cards", {"first6": "4242", "last4": "4242"}),
    "A card shows four digits of its end.": ("/cards", {"first6": "424242", "last4": "42"}),
}
_CARD: Final = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2035", "cvv": "123"}
_BAD: Final = {"message": '"400 Bad Request"'}


def _ask_get(path: str, **headers: str) -> tuple[FactRequest, ...]:
    return (FactRequest("GET", path, headers=headers or None),)


def _ask_post(path: str, body: Mapping[str, Any]) -> tuple[FactRequest, ...]:
    return (FactRequest("POST", path, body),)


def _ask_put(body: Mapping[str, Any], who: str = "{new}") -> tuple[FactRequest, ...]:
    return (FactRequest("PUT", f"/v1/customers/{who}", body),)


def _ask_token(**changes: Any) -> tuple[FactRequest, ...]:  # noqa: ANN401  any JSON
    return _ask_post("/v1/tokens", {"card": {**_CARD, **changes}})


def _ask_create(**fields: Any) -> tuple[FactRequest, ...]:  # noqa: ANN401  any JSON
    return _ask_post("/v1/customers", {"email": _EMAIL, "source": "{token}", **fields})


FACTS: Final = (
    # Keys and tokens
    Fact(
        "The public key is read with the access token; it has 32 hexadecimal digits.",
        "O-fix",
        "typescript",
        _ask_get("/pakms/apikey"),
        body={
            "apiAccessKey": '"[0-9a-f]{32}"',
            "merchantUuid": _ID,
            "developerAppUuid": _ANY,
            "active": "true",
            "createdTime": _MS,
            "modifiedTime": _MS,
        },
    ),
    Fact(
        "With a wrong access token it is refused, without `error`.",
        "O-fix",
        "typescript",
        (FactRequest("GET", "/pakms/apikey", headers=_STRANGER),),
        401,
        _UNAUTHORIZED,
    ),
    Fact(
        "A card becomes a token that begins with `clv_`, and shows brand and ends of the number.",
        "D",
        "token",
        _ask_token(),
        body={
            "id": '"clv_[0-9A-Za-z]+"',
            "object": '"token"',
            "card.first6": '"424242"',
            "card.last4": '"4242"',
            "card.brand": '"VISA"',
            "card.number": None,
            "card.cvv": None,
        },
    ),
    Fact("Tokens have 28 characters.", "I", "samples", _ask_token(), body={"id": '".{28}"'}),
    Fact(
        "The month may have one digit, the year two.",
        "D",
        "token",
        _ask_token(exp_month="1", exp_year="35"),
        body={"object": '"token"'},
    ),
    Fact(
        "Numbers are taken where texts are.",
        "D",
        "token",
        _ask_token(exp_month=12, exp_year=2035, cvv=123),
        body={"object": '"token"'},
    ),
    Fact(
        "Mastercard is `MC`.",
        "O-code",
        "programs",
        _ask_token(number="5204245250003294"),
        body={"card.brand": '"MC"'},
    ),
    *(
        Fact(
            f"A test card of {brand} becomes a token of the brand `{brand}`.",
            "O-code",
            "programs",
            _ask_token(number=number),
            body={"card.brand": f'"{brand}"'},
        )
        for brand, number in _NUMBERS.items()
    ),
    Fact(
        "A number that can't be one is refused with `invalid_number`.",
        "O-fix",
        "typescript",
        _ask_token(number="4242"),
        400,
        {"error.code": '"invalid_number"', "error.type": '"invalid_request_error"'},
    ),
    Fact(
        "A security code of two digits is refused with `incorrect_cvc`.",
        "O-fix",
        "typescript",
        _ask_token(cvv="12"),
        400,
        {"error.code": '"incorrect_cvc"', "error.type": '"invalid_request_error"'},
    ),
    Fact(
        "The month 13 is refused with `invalid_expiry_month`.",
        "D",
        "token",
        _ask_token(exp_month="13"),
        400,
        {"error.code": '"invalid_expiry_month"'},
    ),
    Fact(
        "A year of three digits is refused with `invalid_expiry_year`.",
        "D",
        "token",
        _ask_token(exp_year="203"),
        400,
        {"error.code": '"invalid_expiry_year"'},
    ),
    Fact(
        "The token service takes a misspelt content type.",
        "O-code",
        "programs",
        (FactRequest("POST", "/v1/tokens", {"card": _CARD}, {"Content-Type": "application-json"}),),
        body={"object": '"token"'},
    ),
    Fact(
        "The access token is no public key.",
        "I",
        "programs",
        (FactRequest("POST", "/v1/tokens", {"card": _CARD}, {"apikey": "0" * 32}),),
        401,
    ),
    # Customers with a card
    Fact(
        "A customer is created with an email and a token; times are in milliseconds.",
        "D",
        "create",
        _ask_create(),
        body={
            "id": _ID,
            "object": '"customer"',
            "created": _MS,
            "currency": '"(USD|usd)"',
            "email": f'"{_EMAIL}"',
            "sources.object": '"list"',
        },
    ),
    Fact(
        "`sources.data` is the list of card ids.",
        "D",
        "create",
        _ask_create(),
        body={"sources.data.#": "1", "sources.data.0": _ID},
    ),
    Fact(
        "The card's number is not in the answer, not even its end.",
        "O-code",
        "programs",
        _ask_create(),
        body={"": "(?![\\s\\S]*4242)[\\s\\S]*"},
    ),
    Fact(
        "Name and phone are echoed into `shipping`.",
        "D",
        "sdk",
        _ask_create(name="Ana Rivera", phone="5555550125"),
        body={
            "name": '"Ana Rivera"',
            "phone": '"5555550125"',
            "shipping.name": '"Ana Rivera"',
            "shipping.phone": '"5555550125"',
        },
    ),
    Fact(
        "The country of an address is filled in with `US`.",
        "D",
        "sdk",
        _ask_create(shipping={"address": {"line1": "1 Main St", "city": "Boston", "state": "MA"}}),
        body={"shipping.address.country": '"US"', "shipping.address.line1": '"1 Main St"'},
    ),
    Fact(
        "Recipient, carrier and tracking number can be given.",
        "O-code",
        "typescript",
        _ask_create(shipping={"name": "Bo", "carrier": "UPS", "tracking_number": "1Z"}),
        body={
            "shipping.name": '"Bo"',
            "shipping.carrier": '"UPS"',
            "shipping.tracking_number": '"1Z"',
        },
    ),
    Fact(
        "Fields that Clover doesn't know are no error.",
        "O-code",
        "programs",
        _ask_create(merchant_id="X", phoneNumber="5555550125"),
        body={"object": '"customer"'},
    ),
    Fact(
        "An email belongs to no one customer alone.",
        "O-live",
        "forum",
        (*_ask_create(), *_ask_create(source="{amex}")),
        body={"object": '"customer"', "email": f'"{_EMAIL}"'},
    ),
    Fact(
        "Without an email a customer is refused with `email_invalid`.",
        "D",
        "faq",
        _ask_post("/v1/customers", {"source": "{token}"}),
        400,
        _BAD | {"error.code": '"email_invalid"', "error.type": '"invalid_request_error"'},
    ),
    Fact(
        "So is an email whose domain has an empty part.",
        "D",
        "faq",
        _ask_create(email="ana@example..com"),
        400,
        {"error.code": '"email_invalid"'},
    ),
    Fact(
        "Without a token a customer is refused with `invalid_request`.",
        "O-fix",
        "typescript",
        _ask_post("/v1/customers", {"email": _EMAIL}),
        400,
        {"error.code": '"invalid_request"', "error.type": '"invalid_request_error"'},
    ),
    Fact(
        "A token that is another customer's is refused with `token_already_used`.",
        "O-live",
        "forum",
        (*_ask_create(), *_ask_create()),
        400,
        {"error.code": '"token_already_used"', "error.type": None},
    ),
    Fact(
        "An update changes the name, and the rest stays.",
        "D",
        "update",
        _ask_put({"email": _EMAIL, "name": "Bo Rivera"}),
        body={"name": '"Bo Rivera"', "email": f'"{_EMAIL}"', "sources.data.#": "1"},
    ),
    Fact(
        "An update without an email is refused with `email_invalid`.",
        "O-live",
        "forum",
        _ask_put({"name": "Bo Rivera"}),
        400,
        {"error.code": '"email_invalid"'},
    ),
    Fact(
        "An update of nobody is refused with `resource_missing`, before an email is asked for.",
        "O-fix",
        "typescript",
        _ask_put({}, _NOBODY),
        404,
        {"error.code": '"resource_missing"', "error.type": '"validation_error"'},
    ),
    Fact(
        "An update with another email adds it to the record.",
        "O-live",
        "forum",
        (*_ask_put({"email": "bo@example.com"}), FactRequest("GET", f"{_NEW}?{_EXPAND}")),
        body={"emailAddresses.elements.#": "2"},
    ),
    Fact(
        "An update with a token adds the card, and the newest comes first.",
        "O-code",
        "programs",
        (*_ask_put({"email": _EMAIL, "source": "{amex}"}), FactRequest("GET", f"{_NEW}?{_EXPAND}")),
        body={"cards.elements.#": "2", "cards.elements.0.cardType": '"AMEX"'},
    ),
    Fact(
        "The same card again is refused with 409.",
        "D",
        "faq",
        _ask_put({"email": _EMAIL, "source": "{token}"}),
        409,
    ),
    Fact(
        "A card is replaced by revoking it and saving another.",
        "D",
        "card",
        (
            FactRequest("DELETE", "/v1/customers/{new}/sources/{card}"),
            *_ask_put({"email": _EMAIL, "source": "{amex}"}),
        ),
        body={"sources.data.#": "1"},
    ),
    Fact(
        "A token that was made without a security code is refused with `invalid_cvc`.",
        "O-fix",
        "typescript",
        (
            *_ask_post("/v1/tokens", {"card": {k: v for k, v in _CARD.items() if k != "cvv"}}),
            *_ask_put({"email": _EMAIL, "source": "{id}"}, "{record}"),
        ),
        400,
        {"error.code": '"invalid_cvc"', "error.type": None},
    ),
    Fact(
        "A card is revoked by the id that `sources` shows.",
        "D",
        "revoke",
        (FactRequest("DELETE", "/v1/customers/{new}/sources/{card}"),),
        body={"deleted": "true", "object": '"deletedcard"', "id": _ID},
    ),
    Fact(
        "A card that nobody has is refused with 404 and `invalid_request`.",
        "O-fix",
        "typescript",
        (FactRequest("DELETE", f"/v1/customers/{{new}}/sources/{_NOBODY}"),),
        404,
        {"error.code": '"invalid_request"', "error.type": '"invalid_request_error"'},
    ),
    Fact(
        "A revoked card is gone from the Platform API.",
        "O-code",
        "programs",
        (
            FactRequest("DELETE", "/v1/customers/{new}/sources/{card}"),
            FactRequest("GET", f"{_NEW}?expand=cards"),
        ),
        body={"cards.elements.#": "0"},
    ),
    Fact(
        "The Ecommerce API reads no customer.",
        "I",
        "sdk",
        _ask_get("/v1/customers/{customer}"),
        405,
    ),
    Fact("The Ecommerce API lists no customers.", "I", "sdk", _ask_get("/v1/customers"), 405),
    # One record, two APIs
    Fact(
        "A customer of the Ecommerce API is a record of the Platform API, by the same id.",
        "O-code",
        "programs",
        _ask_get(f"{_NEW}?expand=cards"),
        body={
            "id": _ID,
            "cards.elements.0.first6": '"424242"',
            "cards.elements.0.last4": '"4242"',
            "cards.elements.0.cardType": '"VISA"',
            "cards.elements.0.expirationDate": '"1235"',
            "cards.elements.0.token": '"clv_[0-9A-Za-z]+"',
            "cards.elements.0.tokenType": '"MULTIPAY"',
        },
    ),
    Fact(
        "A record of the Platform API takes a card by the Ecommerce API.",
        "O-code",
        "programs",
        _ask_put({"email": _EMAIL, "source": "{token}"}, "{record}"),
        body={"object": '"customer"', "sources.data.#": "1"},
    ),
    # Lists
    Fact(
        "A list has `elements`, and 100 of them unless asked otherwise.",
        "D",
        "filter",
        _ask_get(_ALL),
        body={"elements.#": "[0-9]{1,2}|100", "href": '".*limit=100"'},
    ),
    Fact(
        "A list's link is http, without what is expanded, its filter encoded, the limit last.",
        "O-live",
        "cassettes",
        _ask_get(f"{_ALL}?filter=customerSince>=1&limit=2&expand=cards"),
        body={"href": r'"http://[^?]*/customers\?filter=customerSince%3E%3D1&limit=2"'},
    ),
    Fact(
        "`limit` and `offset` page.",
        "D",
        "filter",
        _ask_get(f"{_ALL}?limit=1&offset=0"),
        body={"elements.#": "[01]"},
    ),
    Fact(
        "A limit above 1000 is refused, not clamped.",
        "O-live",
        "probes",
        _ask_get(f"{_ALL}?limit=1001"),
        400,
        {"message": '"limit cannot be greater than 1000"'},
    ),
    Fact(
        "A negative offset is refused.",
        "O-live",
        "probes",
        _ask_get(f"{_ALL}?offset=-1"),
        400,
        {"message": _ANY},
    ),
    Fact(
        "A header names the fields that can be filtered by.",
        "D",
        "filter",
        _ask_get(f"{_ALL}?limit=1"),
        headers={
            "X-Clover-Allowed-Filter-Fields": "(?=.*customerSince)(?=.*emailAddress)"
            "(?=.*phoneNumber)(?=.*fullName)(?=.*deletedTime).*"
        },
    ),
    *(
        Fact(
            f"Customers can be filtered by `{field}`.",
            "D",
            "filter",
            _ask_get(f"{_ALL}?filter={field}{wanted}&limit=1"),
            body={"elements": _ANY},
        )
        for field, wanted in _FILTERS.items()
    ),
    Fact(
        "Several filters narrow each other.",
        "D",
        "filter",
        _ask_get(f"{_ALL}?filter=id={{customer}}&filter=id!={{customer}}"),
        body={"elements.#": "0"},
    ),
    Fact(
        "Names of fields are flat.",
        "D",
        "filter",
        _ask_get(f"{_ALL}?filter=phoneNumbers.phoneNumber=1&limit=1"),
        400,
        {"message": _ANY},
    ),
    Fact(
        "Ids can be asked for in one request.",
        "D",
        "filter",
        _ask_get(f"{_ALL}?filter=id in ('{{customer}}','{_NOBODY}')"),
        body={"elements.#": "1"},
    ),
    Fact(
        "There is no filter by the time of change.",
        "D",
        "filter",
        _ask_get(f"{_ALL}?filter=modifiedTime>=1700000000000&limit=1"),
        400,
        {"message": _ANY},
    ),
    Fact(
        "A filter by a field that is none is refused: `externalId`.",
        "O-live",
        "probes",
        _ask_get(f"{_ALL}?filter=externalId=1&limit=1"),
        400,
        {"message": _ANY},
    ),
    Fact(
        "Customers can be ordered by `customerSince DESC`.",
        "O-code",
        "programs",
        _ask_get(f"{_ALL}?orderBy=customerSince DESC&limit=1"),
        body={"elements": _ANY},
    ),
    Fact(
        "An unknown name in `expand` is ignored.",
        "O-live",
        "probes",
        _ask_get(f"{_ALL}?expand=nonsense&limit=1"),
        body={"elements": _ANY},
    ),
    Fact(
        "Five names in `expand` are taken; lists in a record are `elements`.",
        "D",
        "spec",
        _ask_get(f"{_ALL}/{{customer}}?{_EXPAND}"),
        body={
            "addresses.elements": _ANY,
            "emailAddresses.elements": _ANY,
            "phoneNumbers.elements": _ANY,
            "cards.elements": _ANY,
        },
    ),
    Fact(
        "All customers can be downloaded as a table.",
        "D",
        "spec",
        _ask_get(f"{_ALL}.csv"),
        headers={"Content-Type": "text/csv.*"},
    ),
    # Records
    Fact(
        "A record has these fields, and no contacts unless they are asked for.",
        "D",
        "android",
        _ask_get(f"{_ALL}/{{customer}}"),
        body={
            "id": '".{13}"',
            "href": _ANY,
            "marketingAllowed": _BOOL,
            "customerSince": _MS,
            "emailAddresses": None,
            "cards": None,
        },
    ),
    Fact(
        "Ids have 13 characters of Crockford's base 32.",
        "I",
        "samples",
        _ask_get(f"{_ALL}/{{customer}}"),
        body={"id": _ID},
    ),
    Fact(
        "A record's own link is on the web's host.",
        "O-live",
        "cassettes",
        _ask_get(f"{_ALL}/{{customer}}"),
        body={"href": r'"https://(sandbox\.dev|www)\.clover\.com/v3/merchants/.*"'},
    ),
    Fact(
        "JSON names its encoding.",
        "O-live",
        "cassettes",
        _ask_get(f"{_ALL}?limit=1"),
        headers={"Content-Type": "application/json ?;charset=utf-8"},
    ),
    Fact(
        "So does the refusal of a record.",
        "O-live",
        "cassettes",
        _ask_get(f"{_ALL}/{_NOBODY}"),
        404,
        headers={"Content-Type": "application/json ?;charset=utf-8"},
    ),
    Fact(
        "Nobody is told by `details`.",
        "O-live",
        "mcp",
        _ask_get(f"{_ALL}/{_NOBODY}"),
        404,
        {"message": '"Not Found"', "details": '"Customer not found"'},
    ),
    Fact(
        "Every answer has the id of its request.",
        "O-live",
        "probes",
        _ask_get(f"{_ALL}?limit=1"),
        headers={"X-Clover-Request-Id": "[0-9a-fA-F-]{36}"},
    ),
    Fact(
        "A slash at the end changes nothing.",
        "O-live",
        "cassettes",
        _ask_get(f"{_ALL}/?limit=1"),
        body={"elements": _ANY, "href": r'".*/customers\?limit=1"'},
    ),
    Fact(
        "The merchant can be read.",
        "O-live",
        "cassettes",
        _ask_get(_M),
        body={"href": _ANY, "id": _ID, "name": _ANY},
    ),
    Fact(
        "The merchant's gateway tells whether cards may be saved.",
        "D",
        "multipay",
        _ask_get(f"{_M}/gateway"),
        body={"supportsMultiPayToken": _BOOL},
    ),
    # Who may ask, and what
    Fact(
        "A wrong access token is refused with a message alone.",
        "D",
        "401",
        (FactRequest("GET", _ALL, headers=_STRANGER),),
        401,
        _UNAUTHORIZED,
    ),
    Fact(
        "Another merchant looks like a wrong token.",
        "D",
        "401",
        _ask_get(f"/v3/merchants/{_NOBODY}/customers"),
        401,
        _UNAUTHORIZED,
    ),
    Fact(
        "What is no endpoint is told by text, before the token is looked at.",
        "O-live",
        "cassettes",
        (FactRequest("GET", f"{_M}/nonsense", headers=_STRANGER),),
        404,
        {"": "404 Not Found"},
    ),
    Fact(
        "So is an empty merchant.",
        "O-live",
        "cassettes",
        (FactRequest("GET", "/v3/merchants//customers", headers=_STRANGER),),
        404,
        {"": "404 Not Found"},
    ),
    Fact(
        "A wrong method is told by text, without a content type and without an id.",
        "O-live",
        "cassettes",
        (FactRequest("PUT", f"{_ALL}/{{customer}}", {}),),
        405,
        {"": r"405 PUT not allowed\."},
        {"Content-Type": None, "X-Clover-Request-Id": None, "Allow": ".*OPTIONS.*"},
    ),
    Fact(
        "A record isn't changed by PATCH.",
        "O-live",
        "mcp",
        (FactRequest("PATCH", f"{_ALL}/{{customer}}", {}),),
        405,
        {"": r"405 PATCH not allowed\."},
    ),
    # Writing records
    Fact(
        "A slash at the end of a create changes nothing.",
        "O-live",
        "cassettes",
        _ask_post(f"{_ALL}/", {"firstName": "Ana"}),
        body={"firstName": '"Ana"'},
    ),
    Fact(
        "A record is made without a card; its contacts are lists.",
        "O-live",
        "mcp",
        _ask_post(
            f"{_ALL}?{_EXPAND}",
            {
                "firstName": "Ana",
                "lastName": "de la Cruz",
                "emailAddresses": [{"emailAddress": _EMAIL}],
                "phoneNumbers": [{"phoneNumber": "5555550125"}],
                "addresses": [_ADDRESS],
            },
        ),
        body={
            "id": _ID,
            "firstName": '"Ana"',
            "lastName": '"de la Cruz"',
            "emailAddresses.elements.0.emailAddress": f'"{_EMAIL}"',
            "emailAddresses.elements.0.customer.id": _ID,
            "phoneNumbers.elements.0.phoneNumber": '"5555550125"',
            "addresses.elements.0.zip": '"02108"',
        },
    ),
    Fact(
        "Its answer has no contacts unless they are asked for.",
        "O-live",
        "mcp",
        _ask_post(_ALL, {"emailAddresses": [{"emailAddress": _EMAIL}]}),
        body={"id": _ID, "emailAddresses": None},
    ),
    Fact(
        "A text in place of a list of contacts is dropped without a word.",
        "O-live",
        "mcp",
        _ask_post(f"{_ALL}?{_EXPAND}", {"firstName": "Ana", "emailAddresses": _EMAIL}),
        body={"emailAddresses.elements.#": "0"},
    ),
    Fact(
        "Nobody looks for the same customer again.",
        "O-code",
        "programs",
        (*_ask_post(_ALL, {"firstName": "Ana"}), *_ask_post(_ALL, {"firstName": "Ana"})),
        body={"id": _ID},
    ),
    Fact(
        "`marketingAllowed` can't be set.",
        "D",
        "mcp",
        _ask_post(_ALL, {"firstName": "Ana", "marketingAllowed": True}),
        body={"marketingAllowed": "false"},
    ),
    Fact(
        "`externalId` is kept.",
        "O-live",
        "probes",
        (
            *_ask_post(_ALL, {"firstName": "Ana", "externalId": "A-1"}),
            FactRequest("GET", f"{_ALL}/{{id}}"),
        ),
        body={"externalId": '"A-1"'},
    ),
    Fact(
        "An update is a POST; what is left out stays.",
        "D",
        "spec",
        _ask_post(_RECORD, {"lastName": "Ortiz"}),
        body={"firstName": '"Ana"', "lastName": '"Ortiz"'},
    ),
    *(
        Fact(says, "D", "android", _ask_post(f"{_RECORD}{path}", sent), 400, {"message": _ANY})
        for says, (path, sent) in _TOO_LONG.items()
    ),
    *(
        Fact(
            f"An entry is added by a call of its own: {kind}.",
            "D",
            "spec",
            _ask_post(f"{_RECORD}/{path}", first),
            body={"id": _ID, "customer.id": _ID},
        )
        for kind, (path, first, _) in _ENTRIES.items()
    ),
    *(
        Fact(
            f"It is changed by its id: {kind}.",
            "D",
            "spec",
            (
                *_ask_post(f"{_RECORD}/{path}", first),
                *_ask_post(f"{_RECORD}/{path}/{{id}}", second),
            ),
            body={
                name: re.escape(f'"{value}"')
                for name, value in second.items()
                if value != first[name]
            },
        )
        for kind, (path, first, second) in _ENTRIES.items()
    ),
    *(
        Fact(
            f"It is deleted by its id: {kind}.",
            "D",
            "spec",
            (
                *_ask_post(f"{_RECORD}/{path}", first),
                FactRequest("DELETE", f"{_RECORD}/{path}/{{id}}"),
            ),
        )
        for kind, (path, first, _) in _ENTRIES.items()
    ),
    Fact(
        "An address needs street, city, state, ZIP and country.",
        "D",
        "android",
        _ask_post(f"{_RECORD}/addresses", {"address1": "1 Main St"}),
        400,
        {"message": _ANY},
    ),
    Fact(
        "A change of an address's entry leaves recipient and tracking number alone.",
        "I",
        "spec",
        (
            *_ask_put({"email": _EMAIL, "shipping": {"name": "Bo", "tracking_number": "1Z"}}),
            *_ask_post(f"{_NEW}/addresses", _ADDRESS),
            *_ask_put({"email": _EMAIL}),
        ),
        body={"shipping.name": '"Bo"', "shipping.tracking_number": '"1Z"'},
    ),
    Fact(
        "A card's `tokenType` may be `CTOKEN`.",
        "O-code",
        "ios",
        _ask_post(f"{_RECORD}/cards", {"first6": "424242", "last4": "4242", "tokenType": "CTOKEN"}),
        body={"tokenType": '"CTOKEN"'},
    ),
    Fact(
        "Business name, note and birthday are written together.",
        "D",
        "spec",
        (
            *_ask_post(
                f"{_RECORD}/metadata",
                {
                    "businessName": "Bo's",
                    "note": "tea",
                    "dobYear": 1980,
                    "dobMonth": 2,
                    "dobDay": 3,
                },
            ),
            FactRequest("GET", f"{_RECORD}?expand=metadata"),
        ),
        body={
            "metadata.businessName": '"Bo\'s"',
            "metadata.note": '"tea"',
            "metadata.dobYear": "1980",
        },
    ),
    Fact(
        "A customer is deleted by the Platform API.",
        "D",
        "spec",
        (FactRequest("DELETE", _RECORD),),
    ),
    Fact(
        "And is gone then.",
        "I",
        "spec",
        (FactRequest("DELETE", _RECORD), FactRequest("GET", _RECORD)),
        404,
    ),
)

# What no request can show, or what must not be asked of somebody else's server.
NOT_ASKED: Final = (
    (
        "16 requests a second and 5 at once for one token; 429 names the limit by its header (D)",
        "asking would load Clover's servers; the sandbox's tests show its limits and headers",
    ),
    (
        "10 a page, at most 100, on the Ecommerce API's lists (D)",
        "it has no list of customers; the setting `undocumented_calls` adds one",
    ),
    ("Lists in a record stop at 100 (D)", "the sandbox's don't"),
    (
        "OAuth: codes, refresh tokens that are good once, JSON alone (D, O-live)",
        "the sandbox has one token, which never expires",
    ),
    ("`idempotency-key` is for charges (D)", "the sandbox takes no charges"),
    (
        "GET and PUT /v1/tokens/{id} (O-code, the SDK of 2019)",
        "no page names them, and nobody else sends them; the sandbox lacks them",
    ),
    ("A token that was charged can't be saved (O-live)", "the sandbox takes no charges"),
    ("402 where multi-pay tokens are off (O-code)", "a setting, `multipay`"),
    (
        "Hosts, and the elements and events of the hosted iframe (D)",
        "constants of the client, and the browser's tests of the card fields",
    ),
    ("Webhooks (D)", "they come from Clover; the sandbox's tests show their form"),
    ("Saving a card sends a mail (D)", "nobody is at hand to look"),
)
