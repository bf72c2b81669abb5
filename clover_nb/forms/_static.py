"""What a widget leaves in a saved notebook where it can't run any more.

Also where the scripts and styles of the widgets are read from.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, Final

FILES: Final = Path(__file__).parent / "static"


def script(name: str) -> str:
    """The module of a widget, with what the widgets share in front of it."""
    parts = ("common.js", "card_numbers.js", name)
    return "\n".join((FILES / part).read_text(encoding="utf-8") for part in parts)


def style(*names: str) -> str:
    """Style sheets as one."""
    return "\n".join((FILES / name).read_text(encoding="utf-8") for name in names)


class Static:
    """A mixin, before the widget's class: a sentence stands for the widget where it can't run.

    A saved output then holds the sentence as HTML and as text, the same every run, beside the
    reference to the live widget. JupyterLab shows the sentence in a notebook that it doesn't
    trust, and GitHub, nbviewer and nbconvert show it always.

    Args:
        static: The sentence, plain text.
        args: What the widget's class takes.
        kwargs: What the widget's class takes.
    """

    def __init__(self, *args: object, static: str, **kwargs: object) -> None:
        self._static = static
        super().__init__(*args, **kwargs)

    def _static_html(self) -> str:
        """What is shown instead of the widget; to be overridden where a sentence isn't enough."""
        return f"<p>{escape(self._static)}</p>"

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict[str, Any], dict[str, Any]] | None:
        shown = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]  # the widget's
        if shown is None:
            return None  # a widget that was closed
        bundle, metadata = shown if isinstance(shown, tuple) else (shown, {})
        static = {"text/plain": self._static, "text/html": self._static_html()}
        return {**bundle, **static}, metadata

    def __repr__(self) -> str:
        return f"<{self._static}>"
