"""Facts about Clover, each in one place, with the evidence for it. Imports nothing of ours.

The marks say how well a fact is known:

- **D**: Clover documents it.
- **O-live**: somebody checked it against Clover, or a recorded answer of Clover's shows it.
- **O-fix**: it appears in somebody's test fixture or forum post, and looks captured.
- **O-code**: somebody's program behaves as if it were true.
- **I**: inferred here; a choice, not a fact.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Hosts(NamedTuple):
    """The base addresses that one environment of Clover answers at."""

    ecommerce: str
    token: str
    platform: str
    checkout: str  # of `sdk.js`, which shows the hosted card fields


# D ("Use Clover REST API", "Ecommerce API"): North America and its sandbox. The Ecommerce and
# token hosts of other regions are known from programs alone or not at all, so they are settings.
HOSTS: Final[dict[str, Hosts]] = {
    "sandbox": Hosts(
        ecommerce="https://scl-sandbox.dev.clover.com",
        token="https://token-sandbox.dev.clover.com",  # noqa: S106  an address
        platform="https://apisandbox.dev.clover.com",
        checkout="https://checkout.sandbox.dev.clover.com",
    ),
    "production": Hosts(
        ecommerce="https://scl.clover.com",
        token="https://token.clover.com",  # noqa: S106  an address
        platform="https://api.clover.com",
        checkout="https://checkout.clover.com",
    ),
}

# D: what takes no real money. "sandbox.dev.clover.com" answers as the Platform host too.
TEST_HOSTS: Final[frozenset[str]] = frozenset(
    {
        "scl-sandbox.dev.clover.com",
        "token-sandbox.dev.clover.com",
        "apisandbox.dev.clover.com",
        "sandbox.dev.clover.com",
    }
)

# D ("API usage and rate limits"): for one token. Whether they bind the Ecommerce host is not said.
REQUESTS_PER_SECOND: Final = 16
REQUESTS_AT_ONCE: Final = 5

# D: after a 429 without `retry-after`, wait a second, and then back off exponentially.
SECONDS_AFTER_429: Final = 1.0

# I: seconds that a create may still be on its way after its answer was lost.
LISTING_WAIT: Final = 60.0

# O-live: a list gives 100 rows unless asked otherwise; more than 1000 is refused, not clamped.
PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1000

# D, but for "orders", which is not among the documented ones: what `expand` takes for customers.
EXPANDS: Final = ("addresses", "emailAddresses", "phoneNumbers", "cards", "metadata")

# D: tokens begin so. All samples have 28 characters, but only the prefix is documented.
TOKEN_PREFIX: Final = "clv_"  # noqa: S105  not a secret

# I, from 15 samples: ids of customers and cards are 13 characters of Crockford's base 32.
ID_PATTERN: Final = r"[0-9A-HJKMNP-TV-Z]{13}"

# D: who typed the card, the customer ("ecom") or the merchant for them ("moto").
ECOMINDS: Final = ("ecom", "moto")

# D: parameters of POST and PUT /v1/customers.
CUSTOMER_FIELDS: Final = (
    "email",
    "source",
    "ecomind",
    "firstName",
    "lastName",
    "name",
    "phone",
    "shipping",
)

# D and O-code: the keys of `shipping`, and of `shipping.address`.
SHIPPING_FIELDS: Final = ("name", "phone", "address", "carrier", "tracking_number")
RECIPIENT_FIELDS: Final = tuple(part for part in SHIPPING_FIELDS if part != "address")
# D: what the Platform API takes an address with, or not at all. The Ecommerce API takes any part.
WHOLE_ADDRESS_FIELDS: Final = ("line1", "city", "state", "postal_code", "country")
ADDRESS_FIELDS: Final = ("line1", "line2", "city", "state", "postal_code", "country")

# The Platform API's limits (D, the Android SDK's validators) bound the record that both APIs
# share; where none is known, the number is a choice (I).
MAX_LENGTH: Final[dict[str, int]] = {
    "email": 254,  # RFC 5321
    "source": 72,  # D, as a card's `token`
    "firstName": 64,  # D
    "lastName": 64,  # D
    "name": 129,  # I: first and last name and a space
    "phone": 32,  # I
    "shipping.name": 129,  # I
    "shipping.phone": 32,  # I
    "shipping.carrier": 127,  # I
    "shipping.tracking_number": 1000,  # I: a list, separated by commas
    "shipping.address.line1": 127,  # D
    "shipping.address.line2": 127,  # I, as line1
    "shipping.address.city": 127,  # I, as line1
    "shipping.address.state": 127,  # I, as line1
    "shipping.address.postal_code": 10,  # D, as `zip`
    "shipping.address.country": 2,  # D
    "note": 2000,  # D, as `metadata.note`
}

# O-code: the brands of tokens; Mastercard is MC. Each with how its numbers begin, as a regular
# expression (ISO/IEC 7812).
BRAND_PREFIXES: Final[dict[str, str]] = {
    "VISA": "^4",
    "MC": "^(5[1-5]|2[2-7])",
    "AMEX": "^3[47]",
    "DISCOVER": "^6(011|4[4-9]|5)",
    "DINERS_CLUB": "^3(0[0-5]|[689])",
    "JCB": "^35",
}

# D ("Use card and page elements"): the elements of a card in Clover's hosted iframe.
CARD_ELEMENTS: Final = ("CARD_NUMBER", "CARD_DATE", "CARD_CVV", "CARD_POSTAL_CODE")


class TestCard(dict[str, str]):
    """A card number that Clover publishes for tests. Prints masked; works as the plain dict."""

    __test__ = False  # not a test, whatever pytest makes of the name

    def __repr__(self) -> str:
        return f"<test card {self['brand']} •••• {self['number'][-4:]}>"

    __str__ = __repr__


def _make_card(number: str, brand: str, cvv: str = "123") -> TestCard:
    return TestCard(number=number, exp_month="12", exp_year="2035", cvv=cvv, brand=brand)


# D ("Test card numbers", United States and Canada).
#: Clover's published test cards, by names such as ``"visa"``; any future expiry and CVV will do.
TEST_CARDS: Final[dict[str, TestCard]] = {
    "visa": _make_card("4242424242424242", "VISA"),
    "visa_debit": _make_card("4000056655665556", "VISA"),
    "visa_2": _make_card("4111111111111111", "VISA"),  # O-code: used by Clover's SDK tests
    "visa_avs": _make_card("4761530001111126", "VISA"),
    "mastercard": _make_card("5204245250003294", "MC"),
    "amex": _make_card("378282246310005", "AMEX", "1234"),
    "amex_2": _make_card("371449635398431", "AMEX", "1234"),
    "amex_avs": _make_card("375186917371340", "AMEX", "1234"),
    "diners": _make_card("30569309025904", "DINERS_CLUB"),
    "diners_2": _make_card("38520000023237", "DINERS_CLUB"),
    "discover": _make_card("6011000050617475", "DISCOVER"),
    "discover_2": _make_card("6011361000006668", "DISCOVER"),  # older docs; since withdrawn
    "discover_3": _make_card("6011000990139424", "DISCOVER"),  # older docs; since withdrawn
    "jcb": _make_card("3566002020360505", "JCB"),
    "visa_declined": _make_card("4005571702222222", "VISA"),
    "visa_partial": _make_card("4005578003333335", "VISA"),  # the Ecommerce API declines it
    "visa_declined_2": _make_card("4264281511117771", "VISA"),  # older docs
    "mastercard_declined": _make_card("5424180273333333", "MC"),  # older docs
    "amex_declined": _make_card("375987654000004", "AMEX", "1234"),  # older docs
}
DECLINED_CARDS: Final = frozenset(
    {
        "visa_declined",
        "visa_partial",
        "visa_declined_2",
        "mastercard_declined",
        "amex_declined",
    }
)
# D: in older pages, and withdrawn by Discover since. What Clover says to one now was not seen.
WITHDRAWN_CARDS: Final = frozenset({"discover_2", "discover_3"})
