"""Where the scripts and styles of the widgets come from, and what stands for a widget elsewhere.

Each widget has a script of a few lines. What it draws with comes once a page, from a widget that
holds nothing else: so a form that is made again costs no more than what it says.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Final

import anywidget
from traitlets import Any as AnyTrait
from traitlets import Bool, Bytes, Int, Unicode

from clover_nb.forms.cells import close_on_rerun
from clover_nb.forms.messages import CARD_NUMBER
from clover_nb.forms.runner import TaskFailure, TaskRunner

_FILES: Final = Path(__file__).parent / "static"
_COMMENTS: Final = re.compile(r"^\s*(//|/?\*).*\n", re.MULTILINE)  # lines that browsers don't need
_PARTS: Final = {
    "form": (
        *("common.js", "card_numbers.js", "card_fields.js", "inputs.js", "form.js"),
        *("desk.css", "form.css", "card_fields.css"),
    ),
    "table": ("common.js", "card_numbers.js", "table.js", "desk.css"),
    "desk": ("common.js", "widget_place.js", "desk.js", "desk.css", "form.css"),
    "change_many": (
        *("common.js", "card_numbers.js", "widget_place.js", "inputs.js", "change_many.js"),
        *("desk.css", "form.css", "change_many.css"),
    ),
}

# Unpacks what the page doesn't have yet, and draws with it.
_LOADER: Final = """
const loaded = (window[Symbol.for("clover-nb.assets")] ??= new Map());

async function unpack(packed) {
  const text = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { script, style } = await new Response(text).json();
  const sheet = document.createElement("style");
  sheet.textContent = style;
  document.head.append(sheet);
  return import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
}

function load(assets) {
  const digest = assets.get("digest");
  if (!loaded.has(digest)) loaded.set(digest, unpack(assets.get("packed")));
  return loaded.get(digest);
}

export default {
  async render(view) {
    const assets = await view.model.widget_manager.get_model(view.model.get("assets"));
    // Whether the kernel that made the widget is still there.
    const link = {
      isAlive: () => assets.comm_live !== false,
      onChange: (heard) => assets.on("comm_live_update", heard),
      offChange: (heard) => assets.off("comm_live_update", heard),
    };
    const { default: widget, keepText } = await load(assets);
    view.model.on("change:superseded", () => keepText(view.el));
    const end = widget.render({ ...view, link });
    return () => {
      end();
      view.model.off(null, null); // all that this view has heard
    };
  },
};
"""


class SharedAssets(anywidget.AnyWidget):
    """The script and the style that the widgets of one kind share. It shows nothing."""

    layout = AnyTrait(None, allow_none=True).tag(sync=True)
    packed = Bytes().tag(sync=True)
    digest = Unicode().tag(sync=True)


_living: dict[str, SharedAssets] = {}


def share_assets(kind: str) -> str:
    """The id of the widget that holds the assets of a kind; it is made when there is none.

    Args:
        kind: ``"form"``, ``"table"``, ``"desk"`` or ``"change_many"``.
    """
    assets = _living.get(kind)
    if assets is None or assets.comm is None:
        script, style = read_assets(kind)
        packed = gzip.compress(json.dumps({"script": script, "style": style}).encode(), mtime=0)
        digest = hashlib.sha256(packed).hexdigest()
        assets = _living[kind] = SharedAssets(packed=packed, digest=digest)
    return str(assets.model_id)


@cache
def read_assets(kind: str) -> tuple[str, str]:
    """The script, as the text of one module, and the style of a kind of widget."""
    texts = {name: (_FILES / name).read_text("utf-8") for name in _PARTS[kind]}
    script = "\n".join(text for name, text in texts.items() if name.endswith(".js"))
    return _COMMENTS.sub("", script), "\n".join(
        text for name, text in texts.items() if name.endswith(".css")
    )


class SharedWidget(anywidget.AnyWidget):
    """A widget that draws with the shared assets of its kind, and has no layout of its own.

    It is closed when the cell that has made it runs again.

    A saved output holds a sentence as HTML and as text, the same every run, beside the reference to
    the living widget. JupyterLab shows the sentence in a notebook that it doesn't trust, and
    GitHub, nbviewer and nbconvert show it always.

    Args:
        static: The sentence, plain text.
        state: What the widget's traits hold at first.

    Attributes:
        kind: The kind of its assets, as of :func:`share_assets`.
        answers: How many messages were heard, so that the browser knows that somebody listens.
        superseded: Whether the cell runs again that has made it. Another page, which doesn't show
            what comes of it, keeps what was typed to be read.
        card_refusal: What is said where a card number is typed that doesn't belong there.
    """

    _esm = _LOADER
    kind = "form"

    layout = AnyTrait(None, allow_none=True).tag(sync=True)  # one comm less
    assets = Unicode().tag(sync=True)
    answers = Int().tag(sync=True)
    superseded = Bool().tag(sync=True)
    card_refusal = Unicode(CARD_NUMBER).tag(sync=True)

    def __init__(self, *, static: str, **state: object) -> None:
        self._static = static
        self._runner = TaskRunner(self._show_failure)
        super().__init__(assets=share_assets(self.kind), **state)
        # Newer ipykernels hand messages to the thread that has shown the widget, which is that of
        # the cells: as long as one runs, no form would answer. They came where the browser says.
        self.comm._reply_subshell_for = lambda _data, subshell: subshell
        self.on_msg(lambda _, content, buffers: self.receive(content, buffers))
        close_on_rerun(self._end_with_run)

    def _end_with_run(self) -> None:
        self.superseded = True
        self.close()

    def receive(self, content: Mapping[str, Any], buffers: Sequence[Any] = ()) -> None:
        """Take a message of the browser; what goes wrong with it is shown."""
        self._runner.handle(self._answer_message, content, buffers)

    def _answer_message(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        try:
            self._handle_message(content, buffers)
        finally:
            self.answers += 1  # before another thread has its turn, and writes this widget too

    def _handle_message(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        raise NotImplementedError

    def _show_failure(self, failure: TaskFailure) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close the widget and drop what is under way."""
        self._runner.stop()
        super().close()

    def _static_html(self) -> str:
        """What is shown instead of the widget; to be overridden where a sentence isn't enough."""
        return f"<p>{escape(self._static)}</p>"

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict[str, Any], dict[str, Any]] | None:
        shown = super()._repr_mimebundle_(**kwargs)  # type: ignore[arg-type]  # any
        if shown is None:
            return None  # a widget that was closed
        bundle, metadata = shown if isinstance(shown, tuple) else (shown, {})
        static = {"text/plain": self._static, "text/html": self._static_html()}
        return {**bundle, **static}, metadata

    def __repr__(self) -> str:
        return f"<{self._static}>"
