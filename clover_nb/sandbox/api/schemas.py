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
# D: no part of the domain is empty.
_LABEL: Final = rf"[^@.{_BLANK}]+"
_EMAIL: Final = rf"^[ \t\r\n]*[^@{_BLANK}]+@{_LABEL}(\.{_LABEL})+[ \t\r\n]*$"
_COUNTRY: Final = r"^[A-Za-z]{2}$"
_COUNTRY_OR_NONE: Final = r"^([A-Za-z]{2})?$"
_TOKEN: Final = rf"^{constants.TOKEN_PREFIX}[0-9A-Za-z]+$"


def _make_text(longest: int) -> FieldInfo:
    field: FieldInfo = Field(max_length=longest, pattern=_NO_NULL)
    return field


def _limit_text(path: str) -> FieldInfo:
    return _make_text(constants.MAX_LENGTH[path])


def _make_filled_text(longest: int) -> FieldInfo:
    field: FieldInfo = Field(max_length=longest, pattern=_FILLED)
    return field


def _describe_digits(pattern: str, *ranges: tuple[int, int]) -> WithJsonSchema:
    numbers = [{"type": "integer", "minimum": least, "maximum": most} for least, most in ranges]
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, *numbers]})


_Email = Annotated[str, Field(max_length=constants.MAX_LENGTH["email"], pattern=_EMAIL)]
_Source = Annotated[str, Field(max_length=constants.MAX_LENGTH["source"], pattern=_TOKEN)]


class ShippingAddress(TypedDict, total=False):
    """`shipping.address` of the Ecommerce API."""

    line1: Annotated[str | None, _limit_text("shipping.address.line1")]
    line2: Annotated[str | None, _limit_text("shipping.address.line2")]
    city: Annotated[str | None, _limit_text("shipping.address.city")]
    state: Annotated[str | None, _limit_text("shipping.address.state")]
    postal_code: Annotated[str | None, _limit_text("shipping.address.postal_code")]
    country: Annotated[str | None, Field(pattern=_COUNTRY_OR_NONE)]


class ShippingBody(TypedDict, total=False):
    """`shipping` of the Ecommerce API."""

    name: Annotated[str | None, _limit_text("shipping.name")]
    phone: Annotated[str | None, _limit_text("shipping.phone")]
    carrier: Annotated[str | None, _limit_text("shipping.carrier")]
    tracking_number: Annotated[str | None, _limit_text("shipping.tracking_number")]
    address: ShippingAddress | None


class _ProfileFields(TypedDict, total=False):
    ecomind: Literal["ecom", "moto"] | None
    firstName: Annotated[str | None, _limit_text("firstName")]
    lastName: Annotated[str | None, _limit_text("lastName")]
    first_name: Annotated[str | None, _limit_text("firstName")]
    last_name: Annotated[str | None, _limit_text("lastName")]
    name: Annotated[str | None, _limit_text("name")]
    phone: Annotated[str | None, _limit_text("phone")]
    shipping: ShippingBody | None


class CustomerCreate(_ProfileFields):
    """The body of POST /v1/customers; snake_case names as in the SDK of 2019."""

    email: Required[_Email]
    source: Required[_Source]


class CustomerUpdate(_ProfileFields, total=False):
    """The body of PUT /v1/customers/{id}."""

    email: Required[_Email]
    source: _Source | None


_TestNumber = WithJsonSchema({"enum": [card["number"] for card in constants.TEST_CARDS.values()]})
_Month = _describe_digits("^(0?[1-9]|1[0-2])$", (1, 12))
_Year = _describe_digits("^(20)?(2[6-9]|[3-9][0-9])$", (26, 99), (2026, 2099))
_Cvv = _describe_digits("^[0-9]{3,4}$", (100, 9999))
_Digits = str | int | None


class CardBody(TypedDict):
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

    card: CardBody


class EmailAddress(TypedDict, total=False):
    """One of a record's `emailAddresses`."""

    emailAddress: Required[_Email]
    primaryEmail: bool | None


class PhoneNumber(TypedDict, total=False):
    """One of a record's `phoneNumbers`."""

    phoneNumber: Required[Annotated[str, _make_filled_text(constants.MAX_LENGTH["phone"])]]


class RecordAddress(TypedDict, total=False):
    """One of a record's `addresses`. D: which parts are required, and their lengths."""

    address1: Required[Annotated[str, _make_filled_text(127)]]
    address2: Annotated[str | None, _make_text(127)]
    address3: Annotated[str | None, _make_text(127)]
    city: Required[Annotated[str, _make_filled_text(127)]]
    state: Required[Annotated[str, _make_filled_text(127)]]
    zip: Required[Annotated[str, _make_filled_text(10)]]
    country: Required[Annotated[str, Field(pattern=_COUNTRY)]]


class AdditionalInfo(TypedDict, total=False):
    """What else is noted of a card."""

    default: bool | str | None
    zip: Annotated[str | None, _make_text(10)]
    isPurchaseCard: bool | str | None


class RecordCard(TypedDict, total=False):
    """One of a record's `cards`. D: its fields and their lengths."""

    first6: Required[Annotated[str, Field(pattern="^[0-9]{6}$")]]
    last4: Required[Annotated[str, Field(pattern="^[0-9]{4}$")]]
    firstName: Annotated[str | None, _make_text(64)]
    lastName: Annotated[str | None, _make_text(64)]
    expirationDate: Annotated[str | None, Field(pattern="^((0[1-9]|1[0-2])[0-9]{2})?$")]
    cardType: Annotated[str | None, _make_text(32)]
    token: Annotated[str | None, _make_text(72)]
    # O-code: CTOKEN stands in two of Clover's SDKs.
    tokenType: Literal["MULTIPAY", "FINANCIAL", "CTOKEN"] | None
    additionalInfo: AdditionalInfo | None


class MetadataBody(TypedDict, total=False):
    """A record's `metadata`. D: its fields and their lengths."""

    businessName: Annotated[str | None, _make_text(127)]
    note: Annotated[str | None, _make_text(2000)]
    dobYear: Annotated[int | None, Field(ge=1, le=9999)]
    dobMonth: Annotated[int | None, Field(ge=1, le=12)]
    dobDay: Annotated[int | None, Field(ge=1, le=31)]


class EmailAddresses(TypedDict):
    """A list of email addresses, as answers wrap it."""

    elements: list[EmailAddress]


class PhoneNumbers(TypedDict):
    """A list of phone numbers, as answers wrap it."""

    elements: list[PhoneNumber]


class RecordAddresses(TypedDict):
    """A list of addresses, as answers wrap it."""

    elements: list[RecordAddress]


class RecordUpdate(TypedDict, total=False):
    """The body of POST /v3/merchants/{id}/customers, and of an update.

    O-live: contacts are lists of objects; a plain text in their place is dropped without a word.
    """

    firstName: Annotated[str | None, _make_text(64)]
    lastName: Annotated[str | None, _make_text(64)]
    externalId: Annotated[str | None, _make_text(127)]
    marketingAllowed: bool | None
    emailAddresses: list[EmailAddress] | EmailAddresses | str | None
    phoneNumbers: list[PhoneNumber] | PhoneNumbers | str | None
    addresses: list[RecordAddress] | RecordAddresses | str | None
    metadata: MetadataBody | None


CUSTOMER_CREATE: Final = TypeAdapter(CustomerCreate)
CUSTOMER_UPDATE: Final = TypeAdapter(CustomerUpdate)
TOKEN: Final = TypeAdapter(TokenCreate)
RECORD: Final = TypeAdapter(RecordUpdate)
EMAIL_ADDRESS: Final = TypeAdapter(EmailAddress)
PHONE_NUMBER: Final = TypeAdapter(PhoneNumber)
ADDRESS: Final = TypeAdapter(RecordAddress)
CARD: Final = TypeAdapter(RecordCard)
METADATA: Final = TypeAdapter(MetadataBody)
