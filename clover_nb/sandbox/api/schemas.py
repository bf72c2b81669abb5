"""The shapes of the bodies that may be sent; they check what comes, and describe it on /docs."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Annotated,
    Final,
    Literal,
    NotRequired,  # pydantic needs both before Python 3.12
    Required,
)

from pydantic import Field, TypeAdapter, WithJsonSchema
from typing_extensions import TypedDict

from clover_nb import constants

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

# What \s is differs between JSON Schema, pydantic and Python, so that blanks are spelled out.
_BLANK: Final = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_NO_NULL: Final = r"^[^\x00]*$"
_FILLED: Final = rf"^[^\x00]*[^{_BLANK}][^\x00]*$"
_EMAIL: Final = rf"^[ \t\r\n]*[^@{_BLANK}]+@[^@{_BLANK}]+\.[^@{_BLANK}]+[ \t\r\n]*$"
_COUNTRY: Final = r"^[A-Za-z]{2}$"
_COUNTRY_OR_NONE: Final = r"^([A-Za-z]{2})?$"
_TOKEN: Final = rf"^{constants.TOKEN_PREFIX}[0-9A-Za-z]+$"


def _text(longest: int) -> FieldInfo:
    field: FieldInfo = Field(max_length=longest, pattern=_NO_NULL)
    return field


def _at_most(path: str) -> FieldInfo:
    return _text(constants.MAX_LENGTH[path])


def _filled(longest: int) -> FieldInfo:
    field: FieldInfo = Field(max_length=longest, pattern=_FILLED)
    return field


def _digits(pattern: str, *ranges: tuple[int, int]) -> WithJsonSchema:
    numbers = [{"type": "integer", "minimum": least, "maximum": most} for least, most in ranges]
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, *numbers]})


_Email = Annotated[str, Field(max_length=constants.MAX_LENGTH["email"], pattern=_EMAIL)]
_Source = Annotated[str, Field(max_length=constants.MAX_LENGTH["source"], pattern=_TOKEN)]


class Address(TypedDict, total=False):
    """`shipping.address` of the Ecommerce API."""

    line1: Annotated[str | None, _at_most("shipping.address.line1")]
    line2: Annotated[str | None, _at_most("shipping.address.line2")]
    city: Annotated[str | None, _at_most("shipping.address.city")]
    state: Annotated[str | None, _at_most("shipping.address.state")]
    postal_code: Annotated[str | None, _at_most("shipping.address.postal_code")]
    country: Annotated[str | None, Field(pattern=_COUNTRY_OR_NONE)]


class Shipping(TypedDict, total=False):
    """`shipping` of the Ecommerce API."""

    name: Annotated[str | None, _at_most("shipping.name")]
    phone: Annotated[str | None, _at_most("shipping.phone")]
    carrier: Annotated[str | None, _at_most("shipping.carrier")]
    tracking_number: Annotated[str | None, _at_most("shipping.tracking_number")]
    address: Address | None


class _Profile(TypedDict, total=False):
    ecomind: Literal["ecom", "moto"] | None
    firstName: Annotated[str | None, _at_most("firstName")]
    lastName: Annotated[str | None, _at_most("lastName")]
    first_name: Annotated[str | None, _at_most("firstName")]
    last_name: Annotated[str | None, _at_most("lastName")]
    name: Annotated[str | None, _at_most("name")]
    phone: Annotated[str | None, _at_most("phone")]
    shipping: Shipping | None


class CustomerCreate(_Profile):
    """The body of POST /v1/customers; snake_case names as in the SDK of 2019."""

    email: Required[_Email]
    source: Required[_Source]


class CustomerUpdate(_Profile, total=False):
    """The body of PUT /v1/customers/{id}."""

    email: Required[_Email]
    source: _Source | None


_TestNumber = WithJsonSchema({"enum": [card["number"] for card in constants.TEST_CARDS.values()]})
_Month = _digits("^(0?[1-9]|1[0-2])$", (1, 12))
_Year = _digits("^(20)?(2[6-9]|[3-9][0-9])$", (26, 99), (2026, 2099))
_Cvv = _digits("^[0-9]{3,4}$", (100, 9999))
_Digits = str | int | None


class Card(TypedDict):
    """`card` in the body of POST /v1/tokens: a published test card.

    D: the month has 1 or 2 digits, the year 2 or 4, the CVV 3 or 4. Samples send them as texts, a
    table calls them numbers: both are taken.
    """

    number: Annotated[_Digits, _TestNumber]
    exp_month: Annotated[_Digits, _Month]
    exp_year: Annotated[_Digits, _Year]
    cvv: NotRequired[Annotated[_Digits, _Cvv]]


class TokenCreate(TypedDict):
    """The body of POST /v1/tokens."""

    card: Card


class EmailAddress(TypedDict, total=False):
    """One of a record's `emailAddresses`."""

    emailAddress: Required[_Email]
    primaryEmail: bool | None


class PhoneNumber(TypedDict, total=False):
    """One of a record's `phoneNumbers`."""

    phoneNumber: Required[Annotated[str, _filled(constants.MAX_LENGTH["phone"])]]


class RecordAddress(TypedDict, total=False):
    """One of a record's `addresses`. D: which parts are required, and their lengths."""

    address1: Required[Annotated[str, _filled(127)]]
    address2: Annotated[str | None, _text(127)]
    address3: Annotated[str | None, _text(127)]
    city: Required[Annotated[str, _filled(127)]]
    state: Required[Annotated[str, _filled(127)]]
    zip: Required[Annotated[str, _filled(10)]]
    country: Required[Annotated[str, Field(pattern=_COUNTRY)]]


class Metadata(TypedDict, total=False):
    """A record's `metadata`. D: its fields and their lengths."""

    businessName: Annotated[str | None, _text(127)]
    note: Annotated[str | None, _text(2000)]
    dobYear: Annotated[int | None, Field(ge=1, le=9999)]
    dobMonth: Annotated[int | None, Field(ge=1, le=12)]
    dobDay: Annotated[int | None, Field(ge=1, le=31)]


class RecordUpdate(TypedDict, total=False):
    """The body of POST /v3/merchants/{id}/customers, and of an update.

    O-live: contacts are lists of objects; a plain text in their place is dropped without a word.
    """

    firstName: Annotated[str | None, _text(64)]
    lastName: Annotated[str | None, _text(64)]
    externalId: Annotated[str | None, _text(127)]
    marketingAllowed: bool | None
    emailAddresses: list[EmailAddress] | str | None
    phoneNumbers: list[PhoneNumber] | str | None
    addresses: list[RecordAddress] | str | None
    metadata: Metadata | None


CUSTOMER_CREATE: Final = TypeAdapter(CustomerCreate)
CUSTOMER_UPDATE: Final = TypeAdapter(CustomerUpdate)
TOKEN: Final = TypeAdapter(TokenCreate)
RECORD: Final = TypeAdapter(RecordUpdate)
EMAIL_ADDRESS: Final = TypeAdapter(EmailAddress)
PHONE_NUMBER: Final = TypeAdapter(PhoneNumber)
ADDRESS: Final = TypeAdapter(RecordAddress)
METADATA: Final = TypeAdapter(Metadata)
