"""Every refusal of the sandbox: when, its status and its body, with the evidence for it."""

from __future__ import annotations

import json
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastapi import Response

if TYPE_CHECKING:
    from starlette.types import Scope


class Row(NamedTuple):
    """One row of the table: `type` and `code` are the Ecommerce API's; None leaves them out.

    The Platform API shows the message alone, and `details`.
    """

    status: int
    type: str | None
    code: str | None
    message: str  # if empty, the status line
    evidence: str
    details: str = ""


class Case(Enum):
    """Why a request is refused."""

    EMAIL_INVALID = Row(
        400,
        "invalid_request_error",
        "email_invalid",
        "Please provide a valid email address.",
        "D code, O-live status",
    )
    SOURCE_MISSING = Row(
        400,
        "invalid_request_error",
        "invalid_request",
        "Please provide a valid source or token.",
        "O-fix",
    )
    SOURCE_UNKNOWN = Row(
        400,
        "invalid_request_error",
        "invalid_request",
        "There is no such token. Make one with POST /v1/tokens.",
        "I",
    )
    TOKEN_USED = Row(400, None, "token_already_used", "The token was already used.", "O-live, I")
    BODY_INVALID = Row(
        400, "invalid_request_error", "invalid_request", "The request is not valid.", "I"
    )
    CUSTOMER_MISSING = Row(
        404, "validation_error", "resource_missing", "There is no such customer.", "O-fix"
    )
    SOURCE_MISSING_ON_REVOKE = Row(
        404,
        "invalid_request_error",
        "invalid_request",
        "There is no such customer or card.",
        "O-fix",
    )
    CVC_MISSING = Row(
        400, None, "invalid_cvc", "The token was made without a CVV.", "O-fix, I message"
    )
    CARD_ALREADY_SAVED = Row(
        409,
        "invalid_request_error",
        "resource_already_exists",
        "This card is already saved for this customer.",
        "D status, I body",
    )
    SECOND_CARD = Row(
        409,
        "invalid_request_error",
        "resource_already_exists",
        "The customer already has a card; delete it first.",
        "O-code, I body",
    )
    MULTIPAY_OFF = Row(
        402,
        "card_error",
        "processing_error",
        "This merchant may not save cards (multi-pay tokens are off).",
        "O-code status, I body",
    )
    CARD_DECLINED = Row(
        402, "card_error", "card_declined", "The card was declined.", "D, I pairing"
    )
    INVALID_NUMBER = Row(
        400,
        "invalid_request_error",
        "invalid_number",
        "please provide valid card number",
        "O-fix",
    )
    TEST_CARDS_ONLY = Row(
        400,
        "invalid_request_error",
        "invalid_number",
        "please provide valid card number: the sandbox takes Clover's published test cards alone, "
        "such as those in clover_nb.constants.TEST_CARDS",
        "I",
    )
    INVALID_MONTH = Row(
        400,
        "invalid_request_error",
        "invalid_expiry_month",
        "please provide valid expiry month",
        "D code, I body",
    )
    INVALID_YEAR = Row(
        400,
        "invalid_request_error",
        "invalid_expiry_year",
        "please provide valid expiry year",
        "D code, I body",
    )
    CARD_EXPIRED = Row(
        400, "invalid_request_error", "expired_card", "the card has expired", "D code, I body"
    )
    INCORRECT_CVC = Row(
        400,
        "invalid_request_error",
        "incorrect_cvc",
        "please provide valid cvv value",
        "O-fix",
    )
    BEARER_INVALID = Row(401, None, None, "", "D, O-fix")
    API_KEY_INVALID = Row(
        401, "authentication_error", "invalid_key", "The apikey header is missing or wrong.", "I"
    )
    RECORD_MISSING = Row(404, None, None, "Not Found", "O-live", details="Customer not found")
    PART_MISSING = Row(404, None, None, "Not Found", "I", details="No such part of the customer")
    QUERY_INVALID = Row(400, None, None, "The query is not valid.", "O-live")
    NOT_FOUND = Row(404, None, None, "", "I")
    METHOD_NOT_ALLOWED = Row(405, None, None, "", "I")
    BODY_TOO_LARGE = Row(413, None, None, "", "I")
    RATE_LIMIT = Row(
        429, "rate_limit_error", "rate_limit", "Too many requests.", "D status and code, I body"
    )
    NOT_JSON = Row(
        415,
        "invalid_request_error",
        "invalid_request",
        "Send application/json.",
        "I, as OAuth does",
    )


class Refused(Exception):
    """The request is refused; the application makes the answer from it."""

    def __init__(self, case: Case, message: str = "", *, param: str = "") -> None:
        super().__init__(case.name)
        self.row = case.value
        self.status = self.row.status
        self.message = message or self.row.message or status_line(self.status)
        self.param = param

    def body(self, *, platform: bool) -> bytes:
        """The envelope of the API that refuses."""
        envelope: dict[str, Any]
        if platform:
            envelope = {"message": self.message}
            if self.row.details:
                envelope["details"] = self.row.details
            return json.dumps(envelope).encode()
        # O-fix: `error` may be absent, and so may its `type`.
        envelope = {"message": status_line(self.status)}
        if self.row.code:
            error = {
                "type": self.row.type,
                "code": self.row.code,
                "message": self.message,
                "param": self.param,
            }
            envelope["error"] = {key: value for key, value in error.items() if value}
        return json.dumps(envelope).encode()


def status_line(status: int) -> str:
    """Such as `400 Bad Request`."""
    return f"{status} {_RENAMED.get(status) or HTTPStatus(status).phrase}"


# Python names these after RFC 9110 from 3.13 on.
_RENAMED: Final = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}


def on_platform(scope: Scope) -> bool:
    """Tell whether a request is for the Platform API."""
    return bool(scope["path"].startswith("/v3/"))


def refusal(problem: Refused, scope: Scope, headers: dict[str, str] | None = None) -> Response:
    """Make the answer of a refusal, in the envelope of the API that was called."""
    body = problem.body(platform=on_platform(scope))
    return Response(body, problem.status, headers, "application/json")
