"""The shapes of the bodies that may be sent; they check what comes, and describe it on /docs."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Annotated,
    Final,
    Literal,
    Required,  # pydantic needs it before Python 3.12
)

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from clover_nb import vendor

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_NO_NULL: Final = r"^[^\x00]*$"
_EMAIL: Final = r"^\s*[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+\s*$"
_COUNTRY: Final = r"^\s*([A-Za-z]{2})?\s*$"


def _text(longest: int) -> FieldInfo:
    field: FieldInfo = Field(max_length=longest, pattern=_NO_NULL)
    return field


def _at_most(path: str) -> FieldInfo:
    return _text(vendor.MAX_LENGTH[path])


class Address(TypedDict, total=False):
    """`shipping.address` of the Ecommerce API."""

    line1: Annotated[str | None, _at_most("shipping.address.line1")]
    line2: Annotated[str | None, _at_most("shipping.address.line2")]
    city: Annotated[str | None, _at_most("shipping.address.city")]
    state: Annotated[str | None, _at_most("shipping.address.state")]
    postal_code: Annotated[str | None, _at_most("shipping.address.postal_code")]
    country: Annotated[str | None, Field(pattern=_COUNTRY)]


class Shipping(TypedDict, total=False):
    """`shipping` of the Ecommerce API."""

    name: Annotated[str | None, _at_most("shipping.name")]
    phone: Annotated[str | None, _at_most("shipping.phone")]
    carrier: Annotated[str | None, _at_most("shipping.carrier")]
    tracking_number: Annotated[str | None, _at_most("shipping.tracking_number")]
    address: Address | None


class CustomerUpdate(TypedDict, total=False):
    """The body of PUT /v1/customers/{id}; snake_case names as in the SDK of 2019."""

    email: Annotated[str | None, Field(max_length=vendor.MAX_LENGTH["email"], pattern=_EMAIL)]
    source: Annotated[str | None, _at_most("source")]
    ecomind: Literal["ecom", "moto"] | None
    firstName: Annotated[str | None, _at_most("firstName")]
    lastName: Annotated[str | None, _at_most("lastName")]
    first_name: Annotated[str | None, _at_most("firstName")]
    last_name: Annotated[str | None, _at_most("lastName")]
    name: Annotated[str | None, _at_most("name")]
    phone: Annotated[str | None, _at_most("phone")]
    shipping: Shipping | None


# D: the month has 1 or 2 digits, the year 2 or 4, the CVV 3 or 4; samples send strings.
_Digits = str | int | None


class Card(TypedDict, total=False):
    """`card` in the body of POST /v1/tokens: the number of a published test card."""

    number: _Digits
    exp_month: _Digits
    exp_year: _Digits
    cvv: _Digits


class TokenCreate(TypedDict, total=False):
    """The body of POST /v1/tokens."""

    card: Card | None


class EmailAddress(TypedDict, total=False):
    """One of a record's `emailAddresses`."""

    emailAddress: Required[
        Annotated[str, Field(max_length=vendor.MAX_LENGTH["email"], pattern=_EMAIL)]
    ]
    primaryEmail: bool | None


class PhoneNumber(TypedDict, total=False):
    """One of a record's `phoneNumbers`."""

    phoneNumber: Required[Annotated[str, _at_most("phone")]]


class RecordAddress(TypedDict, total=False):
    """One of a record's `addresses`. D: which parts are required, and their lengths."""

    address1: Required[Annotated[str, _text(127)]]
    address2: Annotated[str | None, _text(127)]
    address3: Annotated[str | None, _text(127)]
    city: Required[Annotated[str, _text(127)]]
    state: Required[Annotated[str, _text(127)]]
    zip: Required[Annotated[str, _text(10)]]
    country: Required[Annotated[str, Field(pattern=r"^\s*[A-Za-z]{2}\s*$")]]


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
    marketingAllowed: bool | None
    emailAddresses: list[EmailAddress] | str | None
    phoneNumbers: list[PhoneNumber] | str | None
    addresses: list[RecordAddress] | str | None
    metadata: Metadata | None


CUSTOMER: Final = TypeAdapter(CustomerUpdate)
TOKEN: Final = TypeAdapter(TokenCreate)
RECORD: Final = TypeAdapter(RecordUpdate)
EMAIL_ADDRESS: Final = TypeAdapter(EmailAddress)
PHONE_NUMBER: Final = TypeAdapter(PhoneNumber)
ADDRESS: Final = TypeAdapter(RecordAddress)
METADATA: Final = TypeAdapter(Metadata)
