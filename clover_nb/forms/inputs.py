"""What the inputs of a form hold, as the kernel knows it, and what is said beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

TICKED: Final = "yes"  # what a box holds that is ticked; else it holds ""
SECRET: Final = "source"  # noqa: S105  the input for a token, which is in no saved state


class FieldMessage(NamedTuple):
    """What is said beside an input."""

    tone: Literal["error", "warning", "info"]
    text: str


class FormValues:
    """The texts of a form's inputs by name, each edit numbered by the browser that made it.

    The browser is ahead of the kernel. So what goes back to it carries the number of the last
    message that is known here, and the browser keeps what was edited since. A message may be lost:
    an edit comes with each one until the browser has heard that it is here, and what a button
    asks for comes again, and is begun once.

    Attributes:
        initial: What the inputs held before anything was typed.
        values: What they hold.
        seen: The number of the last message that came from each view.
        begun: The number of the last that asked for something.
        touched: Inputs that were left or sent, so that what is wrong with them is said.
        messages: What Clover, or a search, said about an input; its next edit ends it.
    """

    def __init__(self, initial: Mapping[str, str]) -> None:
        self.seen: dict[str, int] = {}
        self.begun: dict[str, int] = {}
        self.begin(initial)

    def begin(self, initial: Mapping[str, str], kept: Mapping[str, str] | None = None) -> None:
        """Begin anew from these values, but for what is kept; the numbers of messages go on."""
        self.initial = dict(initial)
        self.values = {**initial, **(kept or {})}
        self.touched: set[str] = set()
        self.messages: dict[str, FieldMessage] = {}

    def take(self, message: Mapping[str, Any]) -> dict[str, str]:
        """Take over the edits of a message, a text and a number by input.

        Returns:
            What inputs hold now that held something else, a token included.
        """
        view, seen = message["view"], self.seen.get(message["view"], 0)
        self.seen[view] = max(message["number"], seen)
        changed = {
            name: edit["text"]
            for name, edit in message["edits"].items()
            if edit["number"] > seen
            and name in (*self.values, SECRET)
            and edit["text"] != self.values.get(name)
        }
        self.values |= {name: text for name, text in changed.items() if name != SECRET}
        for name in changed:
            self.messages.pop(name, None)
        return changed

    def begin_task(self, message: Mapping[str, Any]) -> bool:
        """Whether what a message asks for is to be begun: it was not, when it came before."""
        view: str = message["view"]
        number: int = message["number"]
        is_new = number > self.begun.get(view, 0)
        if is_new:
            self.begun[view] = number
        return is_new

    def find_edits(self, besides: Iterable[str] = ()) -> dict[str, str]:
        """What was typed, ticked and chosen, but for some inputs."""
        ignored = set(besides)
        return {
            name: text
            for name, text in self.values.items()
            if text.strip() != self.initial.get(name, "").strip() and name not in ignored
        }

    def state(self) -> dict[str, Any]:
        """What travels to the browser: never a value without the edits that it knows of."""
        return {"texts": dict(self.values), "seen": dict(self.seen), "begun": dict(self.begun)}
