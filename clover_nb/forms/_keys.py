"""What a form asks of the browser that plain ipywidgets can't do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget

from clover_nb.forms._static import script, style


class Keys(anywidget.AnyWidget):
    """Keeps the keys of a whole form from the notebook, where Escape and ``d d`` delete a cell.

    It shows nothing. A button or a tick has no script of its own, so one widget among the form's
    children does it for all: Escape anywhere in the form comes here, and so do the Undo buttons
    of a history; the parts with the class ``clover-live`` are announced by screen readers when
    they change, and a request id is copied.

    Args:
        on_cancel: Called when Escape is pressed outside of a field.
        on_undo: Called with the journal's entry when an Undo button of a history is pressed.
    """

    _esm = script("keys.js")
    _css = style("desk.css", "form.css")

    def __init__(
        self,
        on_cancel: Callable[[], object] = lambda: None,
        on_undo: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._on_cancel, self._on_undo = on_cancel, on_undo
        super().__init__()
        self.on_msg(self._receive)

    def _receive(self, _: Keys, content: dict[str, Any], __: list[memoryview]) -> None:
        if content["do"] == "undo":
            self._on_undo(int(content["entry"]))
        else:
            self._on_cancel()
