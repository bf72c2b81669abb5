"""What the forms say, in sentences. Nothing here is HTML, and nothing knows of a widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from clover_nb.errors import CloverError, EditConflictError, OutcomeUnknownError, PartialChangeError
from clover_nb.forms.runner import TaskFailure
from clover_nb.settings import Environment, Settings

if TYPE_CHECKING:
    import pandas as pd

ENVIRONMENTS: Final[dict[Environment, str]] = {
    "local": "LOCAL practice: invented customers, nothing leaves this machine",
    "sandbox": "CLOVER SANDBOX: test merchant, test cards",
    "production": "PRODUCTION: real customers",
}
CARD_NUMBER: Final = (
    "That looks like a card number. Card numbers never belong here: use a card token (clv_...)."
)
_READ_ONLY: Final = (
    "Read-only: this is production, and it was connected without writes=True. You can look, but "
    "nothing can be changed from here."
)
_UNFORESEEN: Final = {
    "no": "Something unexpected went wrong. Nothing was sent. Try again; the log has the details.",
    "unknown": (
        "Something unexpected went wrong, so it is not known whether this was done. Look the "
        "customer up before you try again."
    ),
    "yes": (
        "It was done, but it can't be shown: something unexpected went wrong. Run this cell again "
        "to see the customer as it is now."
    ),
}


def describe_read_only(settings: Settings) -> str:
    """That nothing can be changed by this connection; empty where something can."""
    return "" if settings.may_write else _READ_ONLY


def describe_gaps(customers: pd.DataFrame) -> str:
    """Who is missing from a list, as far as the list can tell; empty where nobody is."""
    unreadable = customers.attrs.get("unreadable") or []
    gaps = []
    if unreadable:
        gaps.append(f"Left out, as it can't be read: {', '.join(unreadable)} of Clover's list.")
    if not customers.attrs.get("complete", True):
        gaps.append(
            "Customers may be missing: others deleted some while the list was read. Refresh later."
        )
    return " ".join(gaps)


def describe_failure(failure: TaskFailure) -> str:
    """What went wrong, what to do, and whether something was sent."""
    if isinstance(failure.error, CloverError):
        return describe_error(failure.error)
    return _UNFORESEEN[failure.sent]


def describe_error(error: CloverError) -> str:
    """An error as it stands beside a form's button; what code would do next is not for there."""
    if isinstance(error, EditConflictError):
        return "Not saved: the customer was changed by somebody else since you read it."
    if isinstance(error, OutcomeUnknownError):
        return (
            "It is not known whether this was saved, as the answer was lost. What you typed is "
            "kept: look at the record as it is now before you try again."
        )
    if isinstance(error, PartialChangeError):
        reason = error.__cause__
        why = reason.message if isinstance(reason, CloverError) else reason
        return f"{error.message} The reason: {why}"
    return f"{error.message} {error.hint}".strip()


def describe_field_error(error: CloverError, label: str) -> str:
    """An error as it stands beside its field: the field by its label, and what to do."""
    message = error.message
    if error.field and message.startswith(error.field):
        message = label + message.removeprefix(error.field)
    return f"{message} {error.hint}".strip()


def request_id(error: BaseException | None) -> str:
    """Clover's request id, which its support asks for; of the second step where one was made."""
    if isinstance(error, PartialChangeError):
        error = error.__cause__
    return (error.request_id or "") if isinstance(error, CloverError) else ""


def summarize_errors(labels: Sequence[str]) -> str:
    """Which fields must be fixed before anything is sent."""
    if len(labels) == 1:
        return f"Nothing was sent: 1 field needs attention: {labels[0]}."
    return f"Nothing was sent: {len(labels)} fields need attention: {', '.join(labels)}."


def column_label(name: str) -> str:
    """A label of a row in words."""
    words = name.removeprefix("shipping_").replace("_", " ").replace("line", "address line ")
    prefix = "Recipient's " if name in ("shipping_name", "shipping_phone") else ""
    return (prefix + words)[:1].upper() + (prefix + words)[1:]


def count_rows(count: int, noun: str = "row") -> str:
    """A number of rows, in words."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
