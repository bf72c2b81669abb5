"""What a form asks of the browser that plain ipywidgets can't do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget

from clover_nb.forms._static import script, style


class Keys(anywidget.AnyWidget):
    """Keeps the keys of a whole form from the notebook, where Escape and ``d d`` delete a cell.

    It shows nothing. A button or a tick has no script of its own, so one widget among the form's
    children does it for all: Escape anywhere in the form comes here, and the parts with the class
    ``clover-live`` are announced by screen readers when they change.

    Args:
        on_cancel: Called when Escape is pressed outside of a field.
    """

    _esm = script("keys.js")
    _css = style("desk.css", "form.css")

    def __init__(self, on_cancel: Callable[[], object] = lambda: None) -> None:
        self._on_cancel = on_cancel
        super().__init__()
        self.on_msg(self._receive)

    def _receive(self, _: Keys, __: dict[str, Any], ___: list[memoryview]) -> None:
        self._on_cancel()
