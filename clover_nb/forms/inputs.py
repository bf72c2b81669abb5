"""What the inputs of a form hold, as the kernel knows it, and what is said beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

TICKED: Final = "yes"  # what a box holds that is ticked; else it holds ""


class FieldMessage(NamedTuple):
    """What is said beside an input."""

    tone: Literal["error", "warning", "info"]
    text: str


class FormValues:
    """The texts of a form's inputs by name, each edit numbered by the browser that made it.

    The browser is ahead of the kernel. So what goes back to it carries the number of the last
    edit that is known here, and the browser keeps what was edited since.

    Attributes:
        initial: What the inputs held before anything was typed.
        values: What they hold.
        seen: The number of the last edit that came from each view.
        touched: FormValues that were left or sent, so that what is wrong with them is said.
        messages: What Clover, or a search, said about an input; its next edit ends it.
    """

    def __init__(self, initial: Mapping[str, str]) -> None:
        self.initial = dict(initial)
        self.values = dict(initial)
        self.seen: dict[str, int] = {}
        self.touched: set[str] = set()
        self.messages: dict[str, FieldMessage] = {}

    def take(self, edits: Mapping[str, str], view: str, number: int) -> set[str]:
        """Take over edits of the browser.

        Returns:
            The names of the inputs that hold something else now.
        """
        self.seen[view] = max(number, self.seen.get(view, 0))
        changed = {
            name
            for name, text in edits.items()
            if name in self.values and self.values[name] != text
        }
        self.values |= {name: edits[name] for name in changed}
        for name in changed:
            self.messages.pop(name, None)
        return changed

    def find_edits(self, besides: Iterable[str] = ()) -> dict[str, str]:
        """What was typed, ticked and chosen, but for some inputs."""
        ignored = set(besides)
        return {
            name: text
            for name, text in self.values.items()
            if text.strip() != self.initial.get(name, "").strip() and name not in ignored
        }

    def reset(self, initial: Mapping[str, str], keep: Mapping[str, str] | None = None) -> None:
        """Begin anew from these values, but for what is kept; nothing is said any more."""
        self.initial = {name: initial.get(name, "") for name in self.values}
        self.values = {**self.initial, **(keep or {})}
        self.touched.clear()
        self.messages.clear()

    def state(self) -> dict[str, Any]:
        """What travels to the browser: never a value without the edits that it knows of."""
        return {"texts": dict(self.values), "seen": dict(self.seen)}
