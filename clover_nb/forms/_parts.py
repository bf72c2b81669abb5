"""Parts of forms: a tick with a message, and groups of fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from ipywidgets import HTML, Checkbox, Dropdown, GridBox, Layout, VBox, Widget

from clover_nb.forms import _text


class Tick(VBox):
    """A sentence to agree to, with a message below."""

    def __init__(self, sentence: str, on_edit: Callable[[], None]) -> None:
        self._box = Checkbox(description=sentence, indent=False, layout=Layout(width="auto"))
        self._box.observe(lambda _: on_edit(), "value")
        self._note = HTML()
        super().__init__([self._box, self._note])

    @property
    def value(self) -> bool:
        """Whether it is ticked."""
        return bool(self._box.value)

    @value.setter
    def value(self, ticked: bool) -> None:
        self._box.value = ticked

    @property
    def message(self) -> str:
        """What is wrong with it."""
        return str(self._note.value)

    @message.setter
    def message(self, text: str) -> None:
        self._note.value = _text.note("error", text) if text else ""


def choice(label: str, options: Iterable[tuple[str, str]]) -> Dropdown:
    """A choice of one, under a label on its left; each option is what it says, and its value."""
    made = Dropdown(
        options=list(options),
        description=label,
        tooltip=label,
        layout=Layout(width="auto"),
        style={"description_width": "initial"},
    )
    return made.add_class("clover-choice")


def group(heading: str, parts: Iterable[Widget]) -> VBox:
    """Fields side by side, as many as there is room for, under a heading."""
    title = HTML(f"<h4 class='clover-group'>{escape(heading)}</h4>")
    return VBox([title, GridBox(list(parts)).add_class("clover-grid")])
