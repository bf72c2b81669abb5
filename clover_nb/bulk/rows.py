"""A row of a plan: what is to be done, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from clover_nb.bulk.fields import ADDRESS, NAME_PARTS

Action = Literal["create", "modify", "delete", "unchanged"]
Status = Literal["ready", "doubtful", "wrong", "conflict", "skipped"]
Decision = Literal["accepted", "skipped"]

#: What each reason means for its row, also in words; the others are wrong, which is never sent.
KINDS: Final[Mapping[str, tuple[Status, str]]] = {
    "address_doubtful": ("doubtful", "the address is doubtful"),
    "zero_added": ("doubtful", "the ZIP code lacked its zero"),
    "same_customer": ("doubtful", "another row is the same customer"),
    "email_of_another": ("doubtful", "another customer has the email"),
    "probable_duplicate": ("doubtful", "the new customer is probably there already"),
    "names_disagree": ("doubtful", "the name and its parts disagree"),
    "deletes": ("doubtful", "the customer is deleted for good"),
    "changed_since": ("conflict", "changed at Clover since the table was read"),
}
_WRONG: Final[tuple[Status, str]] = ("wrong", "")


class RowReason(NamedTuple):
    """Why a row is not simply ready.

    Attributes:
        field: The column that it is about.
        code: What it is, for programs.
        message: What it is, in a sentence.
    """

    field: str
    code: str
    message: str


@dataclass(slots=True)
class PlanRow:
    """A row of a table, and what becomes of it.

    Attributes:
        row: Its number in the table.
        action: What is to be done.
        customer_id: Whose it is; ``None`` for a new customer.
        before: What the fields that change are now, by column; ``""`` is empty.
        wanted: What they are to be.
        reasons: What speaks against it.
        decision: A person's: do it all the same, or leave it out.
        cells: The row as it came, without card numbers.
    """

    row: int
    action: Action
    customer_id: str | None = None
    before: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    reasons: list[RowReason] = field(default_factory=list)
    decision: Decision | None = None
    cells: list[str] = field(default_factory=list)

    @property
    def status(self) -> Status:
        """Whether it is sent as it is, after it was accepted, or never."""
        kinds = {KINDS.get(reason.code, _WRONG)[0] for reason in self.reasons}
        if "wrong" in kinds:
            return "wrong"
        if self.decision == "skipped":
            return "skipped"
        if self.decision == "accepted" or not kinds:
            return "ready"
        return "conflict" if "conflict" in kinds else "doubtful"

    @property
    def category(self) -> str:
        """What it counts as: what is to be done, or else why it is not simply done."""
        status = self.status
        return self.action if status == "ready" else status

    @property
    def requests(self) -> int:
        """How many requests it takes; none as long as it is not ready."""
        if self.status != "ready" or self.action == "unchanged":
            return 0
        if self.action in ("create", "delete"):
            return 1
        return len(list_calls(self.wanted))

    def as_json(self) -> dict[str, Any]:
        """What is to be done, for programs."""
        return {
            "row": self.row,
            "action": self.action,
            "status": self.status,
            "id": self.customer_id,
            "before": self.before,
            "wanted": self.wanted,
            "reasons": [reason._asdict() for reason in self.reasons],
        }


def name_customer(values: Mapping[str, str]) -> str:
    """Who somebody is, by the fields that are known: the name, or else the email, or ``""``."""
    parts = " ".join(filter(None, (values.get(name, "").strip() for name in NAME_PARTS)))
    return parts or values.get("name", "").strip() or values.get("email", "").strip()


def list_calls(fields: Iterable[str]) -> frozenset[str]:
    """The requests by which fields of a customer are changed, each by what it sets."""
    return frozenset(_CALLS.get(name, name) for name in fields)


# The fields that one request sets; the others have one each.
_CALLS: Final[Mapping[str, str]] = {
    **dict.fromkeys(NAME_PARTS, "name"),
    **dict.fromkeys(ADDRESS, "address"),
}
