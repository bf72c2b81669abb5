"""Does to a form what a browser does, message by message, and reads what it would show."""

from __future__ import annotations

import html
import itertools
import re
from typing import Any

from clover_nb.forms.form import Form
from clover_nb.masking import Secret

CARD = "clover-card-1"
_views = itertools.count()


class FormDriver:
    """A browser that shows one form, without a page.

    Attributes:
        form: The form.
        view: Which page it is; each has a name of its own.
        heard: What the form sent besides its state.
        card_answers: What the card fields answer when a token is asked for, one after the other.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        self.heard: list[dict[str, Any]] = []
        self.card_answers: list[dict[str, Any]] = []
        self.view = f"view-{next(_views)}"
        self._number = 0
        self._last: dict[str, Any] = {}
        form.send = self._hear

    def _hear(self, content: dict[str, Any], _buffers: object = None) -> None:
        self.heard.append(content)
        card = content.get("card", {})
        if card.get("do") == "tokenize" and self.card_answers:
            answer = {"asked": card["asked"], "view": card["view"]} | self.card_answers.pop(0)
            self.tell("card", card=answer)

    # -- what a person does ------------------------------------------------------------------------

    def tell(self, do: str, edits: dict[str, str] | None = None, **more: Any) -> None:
        """Send a message."""
        self._number += 1
        made = {
            name: {"text": text, "number": self._number} for name, text in (edits or {}).items()
        }
        message = {"do": do, "view": self.view, "number": self._number, "edits": made}
        self._last = {**message, **more}
        self.form.receive(self._last)

    def repeat(self) -> None:
        """Send the last message again, as when nobody seems to have received it."""
        self.form.receive(self._last)

    def type(self, **texts: str) -> FormDriver:
        """Type into inputs; two underscores stand for a dot."""
        for name, text in texts.items():
            if name == "source":
                self.tell("edit", {"way": "paste"})
                self.tell("edit", {"source": Secret(text).reveal()})
            else:
                self.tell("edit", {name.replace("__", "."): text})
        return self

    def tick(self, *names: str) -> FormDriver:
        """Tick these boxes, or all that the form has."""
        for name in names or [name for name, _ in self.form.spec["confirmations"]]:
            self.tell("edit", {name: "yes"})
        return self

    def submit(self) -> FormDriver:
        """Press the form's button, as it is shown."""
        self.tell("submit", texts=dict(self.texts), about=self.form.about)
        return self

    def press(self, label: str) -> FormDriver:
        """Press one of the buttons that are offered."""
        keys = {words: key for key, words in self.form.outcome["buttons"]}
        self.tell("press", key=keys[label])
        return self

    def find(self, who: str) -> FormDriver:
        """Look for a customer."""
        self.tell("edit", {"customer": who})
        self.tell("find")
        return self

    def type_card(self) -> FormDriver:
        """Type something into the card fields."""
        self.tell("card", card={"event": "shown", "view": CARD})
        self.tell("card", card={"event": "edit", "view": CARD})
        return self

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def texts(self) -> dict[str, str]:
        """What stands in the inputs."""
        return self.form.values["texts"]

    @property
    def errors(self) -> dict[str, str]:
        """What is said beside the inputs."""
        return {name: text for name, (_, text) in self.form.errors.items()}

    @property
    def status(self) -> str:
        """The sentence beside the button, as text."""
        return _text(self.form.status)

    @property
    def preview(self) -> str:
        """What will change, as text."""
        return _text(self.form.preview)

    @property
    def buttons(self) -> list[str]:
        """What is offered beside and below the form's own button."""
        return [label for _, label in self.form.outcome["buttons"]]

    def asked(self, what: str) -> list[dict[str, Any]]:
        """What the card fields were asked to do."""
        told = [content["card"] for content in self.heard if "card" in content]
        return [each for each in told if each["do"] == what]


def _text(markup: str) -> str:
    return html.unescape(re.sub("<[^>]+>", "", markup))
