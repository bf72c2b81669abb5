"""Every refusal of the sandbox: when, its status and its body, with the evidence for it."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import Any, Final, NamedTuple


class ErrorSpec(NamedTuple):
    """A refusal: `type` and `code` are the Ecommerce API's; None leaves them out.

    The Platform API shows the message alone, and `details`.
    """

    status: int
    type: str | None
    code: str | None
    message: str  # if empty, the status line
    evidence: str
    details: str = ""


class ErrorCase(Enum):
    """The reasons to refuse a request."""

    EMAIL_INVALID = ErrorSpec(
        400,
        "invalid_request_error",
        "email_invalid",
        "Please provide a valid email address.",
        "D code, O-live status",
    )
    SOURCE_MISSING = ErrorSpec(
        400,
        "invalid_request_error",
        "invalid_request",
        "Please provide a valid source or token.",
        "O-fix",
    )
    SOURCE_UNKNOWN = ErrorSpec(
        400,
        "invalid_request_error",
        "invalid_request",
        "There is no such token. Make one with POST /v1/tokens.",
        "I",
    )
    TOKEN_USED = ErrorSpec(
        400, None, "token_already_used", "The token was already used.", "O-live, I"
    )
    BODY_INVALID = ErrorSpec(
        400, "invalid_request_error", "invalid_request", "The request is not valid.", "I"
    )
    CUSTOMER_MISSING = ErrorSpec(
        404, "validation_error", "resource_missing", "There is no such customer.", "O-fix"
    )
    SOURCE_MISSING_ON_REVOKE = ErrorSpec(
        404,
        "invalid_request_error",
        "invalid_request",
        "There is no such customer or card.",
        "O-fix",
    )
    CVC_MISSING = ErrorSpec(
        400, None, "invalid_cvc", "The token was made without a CVV.", "O-fix, I message"
    )
    CARD_ALREADY_SAVED = ErrorSpec(
        409,
        "invalid_request_error",
        "resource_already_exists",
        "This card is already saved for this customer.",
        "D status, I body",
    )
    SECOND_CARD = ErrorSpec(
        409,
        "invalid_request_error",
        "resource_already_exists",
        "The customer already has a card; delete it first.",
        "O-code, I body",
    )
    # O-fix: this code comes without a type.
    MULTIPAY_OFF = ErrorSpec(
        402,
        None,
        "processing_error",
        "This merchant may not save cards (multi-pay tokens are off).",
        "O-code status, I body",
    )
    CARD_DECLINED = ErrorSpec(
        402, "card_error", "card_declined", "The card was declined.", "D, I pairing"
    )
    INVALID_NUMBER = ErrorSpec(
        400,
        "invalid_request_error",
        "invalid_number",
        "please provide valid card number",
        "O-fix",
    )
    TEST_CARDS_ONLY = ErrorSpec(
        400,
        "invalid_request_error",
        "invalid_number",
        "please provide valid card number: the sandbox takes Clover's published test cards alone, "
        "such as the Visa that ends in 4242; its card fields list them",
        "I",
    )
    INVALID_MONTH = ErrorSpec(
        400,
        "invalid_request_error",
        "invalid_expiry_month",
        "please provide valid expiry month",
        "D code, I body",
    )
    INVALID_YEAR = ErrorSpec(
        400,
        "invalid_request_error",
        "invalid_expiry_year",
        "please provide valid expiry year",
        "D code, I body",
    )
    CARD_EXPIRED = ErrorSpec(
        400, "invalid_request_error", "expired_card", "the card has expired", "D code, I body"
    )
    INCORRECT_CVC = ErrorSpec(
        400,
        "invalid_request_error",
        "incorrect_cvc",
        "please provide valid cvv value",
        "O-fix",
    )
    BEARER_INVALID = ErrorSpec(401, None, None, "", "D, O-fix")
    API_KEY_INVALID = ErrorSpec(
        401, "authentication_error", "invalid_key", "The apikey header is missing or wrong.", "I"
    )
    RECORD_MISSING = ErrorSpec(404, None, None, "Not Found", "O-live", details="Customer not found")
    PART_MISSING = ErrorSpec(
        404, None, None, "Not Found", "I", details="No such part of the customer"
    )
    QUERY_INVALID = ErrorSpec(400, None, None, "The query is not valid.", "O-live")
    NOT_FOUND = ErrorSpec(404, None, None, "", "O-live, as text")
    METHOD_NOT_ALLOWED = ErrorSpec(405, None, None, "", "O-live as text on /v3, else I")
    BODY_TOO_LARGE = ErrorSpec(413, None, None, "", "I")
    RATE_LIMIT = ErrorSpec(
        429, "rate_limit_error", "rate_limit", "Too many requests.", "D status and code, I body"
    )
    NOT_JSON = ErrorSpec(
        415,
        "invalid_request_error",
        "invalid_request",
        "Send application/json.",
        "I, as OAuth does",
    )


class APIException(Exception):
    """A refusal; the application makes the response of it."""

    def __init__(self, case: ErrorCase, message: str = "", *, param: str = "") -> None:
        super().__init__(case.name)
        self.spec = case.value
        self.status = self.spec.status
        self.message = message or self.spec.message or status_line(self.status)
        self.param = param

    def body(self, *, platform: bool) -> dict[str, Any]:
        """Return the envelope of the API that refuses."""
        if platform:
            details = {"details": self.spec.details} if self.spec.details else {}
            return {"message": self.message, **details}
        # O-fix: `error` may be absent, and so may its `type`.
        envelope: dict[str, Any] = {"message": status_line(self.status)}
        if self.spec.code:
            error = {
                "type": self.spec.type,
                "code": self.spec.code,
                "message": self.message,
                "param": self.param,
            }
            envelope["error"] = {key: value for key, value in error.items() if value}
        return envelope


def status_line(status: int) -> str:
    """Return the status line, such as `400 Bad Request`."""
    return f"{status} {_RENAMED.get(status) or HTTPStatus(status).phrase}"


# Python names these after RFC 9110 from 3.13 on.
_RENAMED: Final = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
