"""What can go wrong, as one tree.

.. code-block:: text

    CloverError                    everything that this package raises on purpose
    ├── SettingsError              a setting is missing or wrong; nothing was sent
    ├── ValidationError            a value can't be right; nothing was sent (also a ValueError)
    ├── ReadOnlyError              a write to production that was not allowed; nothing was sent
    ├── EditConflictError          somebody else changed the record; nothing was sent
    ├── JournalError               the journal can't be written; nothing was sent
    ├── APIConnectionError         Clover could not be reached, or did not answer in time
    ├── InvalidResponseError       an answer came that is not what Clover documents
    ├── OutcomeUnknownError        a change may or may not have been made
    ├── PartialChangeError         of two steps the first was made, and the second was not
    └── APIError                   Clover answered, and said no
        ├── InvalidRequestError    400 and other 4xx: the request is wrong
        ├── AuthenticationError    401, 403: the key, the merchant or a permission
        ├── CardError              402: the card, or the merchant can't keep cards
        ├── NotFoundError          404: no such customer or card
        ├── AlreadyOnFileError     409: this card, or another one, is on this customer already
        ├── RateLimitError         429: too many requests
        └── ServerError            5xx: Clover's own trouble

Each carries what a person needs to act: ``str(error)`` is one sentence of what happened and one of
what to do, and the parts are attributes.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class CloverError(Exception):
    """The root of the tree. Catch it to catch everything that this package raises on purpose.

    Attributes:
        message: What happened, in one sentence.
        hint: What to do about it; empty when there is nothing to add.
        field: The parameter it is about, as the caller names it (``"email"``,
            ``"shipping.address.state"``), or ``None``.
        status: The HTTP status of Clover's answer, or ``None`` when there was none.
        type: Clover's ``error.type``, an open set, or ``None``.
        code: Clover's ``error.code``, an open set, or ``None``.
        request_id: Clover's ``X-Clover-Request-Id``, which Clover's support asks for, or ``None``.

    Example:
        >>> try:
        ...     Customer.create(email="ana@", source=token["id"])
        ... except CloverError as error:
        ...     print(error.field, error, sep=": ")
        email: email is not an email address: There must be something after the @-sign.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        field: str | None = None,
        status: int | None = None,
        type: str | None = None,  # noqa: A002  Clover's name for it
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        self.message = message
        self.hint = hint
        self.field = field
        self.status = status
        self.type = type
        self.code = code
        self.request_id = request_id
        super().__init__(message)

    def __str__(self) -> str:
        text = f"{self.message} {self.hint}".rstrip()
        facts = [
            fact
            for fact in (
                f"HTTP {self.status}" if self.status else "",
                self.code or "",
                f"request {self.request_id}" if self.request_id else "",
            )
            if fact
        ]
        return f"{text} [{', '.join(facts)}]" if facts else text

    def __reduce__(self) -> tuple[Callable[..., CloverError], tuple[Any, ...], dict[str, Any]]:
        """Pickle all attributes, and the cause where it is of this tree."""
        cause = {"__cause__": self.__cause__} if isinstance(self.__cause__, CloverError) else {}
        new = copyreg.__newobj__  # type: ignore[attr-defined]  # typeshed lacks it
        return new, (type(self), self.message), self.__dict__ | cause


class SettingsError(CloverError):
    """A setting is missing or wrong. Nothing was sent."""


class ValidationError(CloverError, ValueError):
    """A value can't be right; ``field`` names it. Nothing was sent."""


class ReadOnlyError(CloverError):
    """A write to production, without ``writes=True`` or ``CLOVER_WRITES=1``. Nothing was sent."""


class Change(NamedTuple):
    """One field that somebody else changed: its name, its value then, and its value now."""

    field: str
    then: Any
    now: Any


class EditConflictError(CloverError):
    """Somebody else has changed the record. Nothing was sent, or, after a lost answer, not again.

    Attributes:
        changes: What differs, as a list of :class:`Change`.
    """

    def __init__(self, message: str, *, changes: list[Change], hint: str = "") -> None:
        self.changes = changes
        super().__init__(message, hint=hint, field=changes[0].field if changes else None)


class JournalError(CloverError):
    """The journal can't be opened or written. Nothing was sent."""


class APIConnectionError(CloverError):
    """Clover could not be reached, or did not answer in time."""


class InvalidResponseError(CloverError):
    """An answer came that is not what Clover documents, so what it means is not known."""


class OutcomeUnknownError(CloverError):
    """A change may or may not have been made: its answer was lost, and looking did not tell.

    Attributes:
        operation: What was called, such as ``"create"``.
        customer_id: The customer's id, or ``None`` for a new one.
        sent: What was sent, with the card token masked.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        customer_id: str | None,
        sent: Mapping[str, Any],
        hint: str = "",
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        self.operation = operation
        self.customer_id = customer_id
        self.sent = dict(sent)
        super().__init__(message, hint=hint, status=status, request_id=request_id)


class PartialChangeError(CloverError):
    """Of two steps the first was made, and the second was not; ``__cause__`` says why not."""


class APIError(CloverError):
    """Clover answered, and said no."""


class InvalidRequestError(APIError):
    """400 and other 4xx: the request is wrong; ``field`` names the parameter where known."""


class AuthenticationError(APIError):
    """401 or 403: the key, the merchant id or a permission. Clover does not say which."""


class CardError(APIError):
    """402: the card was refused, or the merchant is not set up to keep cards on file."""


class NotFoundError(APIError):
    """404: no such customer or card at this merchant."""


class AlreadyOnFileError(APIError):
    """409: this card is on this customer already, or another one where only one is kept."""


class RateLimitError(APIError):
    """429: more requests than Clover takes."""


class ServerError(APIError):
    """5xx: trouble at Clover's side."""
