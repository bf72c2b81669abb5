"""One labelled input with a message: what a form is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import anywidget
from traitlets import Bool, Enum, Unicode

from clover_nb.forms._static import script, style
from clover_nb.masking import Secret

Kind = Literal["text", "email", "tel", "secret"]
Callback = Callable[[], object]

REFUSAL: Final = (
    "That looks like a card number. Card numbers never belong here: use a card token (clv_...)."
)


class Field(anywidget.AnyWidget):
    """A labelled input with a message beside it that screen readers announce.

    What a person types is here at once: before any click or Enter that follows it is handled. A
    card number is refused in the browser and never comes here. Keys typed in the field don't
    reach the notebook's shortcuts.

    A ``"secret"`` is shown as bullets and is no part of the widget's state, which JupyterLab may
    save in the notebook.

    Attributes:
        label: What stands above the input.
        kind: ``"text"``, ``"email"``, ``"tel"`` or ``"secret"``.
        required: Whether the label carries a star. It is not checked here.
        help: A quiet hint below the input, where the message stands when there is one.
        placeholder: An example, shown while the input is empty.
        message: What is wrong or worth knowing; an edit by the person clears it.
        tone: What the message is: ``"error"``, ``"warning"`` or ``"info"``.
        disabled: Whether the input refuses typing.

    Args:
        label: See above, as the following.
        kind: Can't be changed later.
        required: See above.
        help: See above.
        placeholder: See above.
        value: What the input holds at the start.
    """

    _esm = script("field.js")
    _css = style("desk.css", "form.css")

    kind = Enum(["text", "email", "tel", "secret"], "text", read_only=True).tag(sync=True)
    label = Unicode().tag(sync=True)
    required = Bool().tag(sync=True)
    help = Unicode().tag(sync=True)
    placeholder = Unicode().tag(sync=True)
    disabled = Bool().tag(sync=True)
    # The browser is ahead of the kernel in these, so they must not come back to it.
    message = Unicode().tag(sync=True, echo_update=False)
    tone = Enum(["error", "warning", "info"], "error").tag(sync=True, echo_update=False)
    _text = Unicode().tag(sync=True, echo_update=False)  # what is typed, unless it is a secret
    _filled = Bool().tag(sync=True)  # whether there is a secret
    _refusal = Unicode(REFUSAL).tag(sync=True)

    def __init__(
        self,
        label: str,
        *,
        kind: Kind = "text",
        required: bool = False,
        help: str = "",  # noqa: A002  what the HTML and the person call it
        placeholder: str = "",
        value: str = "",
    ) -> None:
        self._secret = ""
        self._on_submit: list[Callback] = []
        self._on_cancel: list[Callback] = []
        self._on_edit: list[Callback] = []
        super().__init__(label=label, required=required, help=help, placeholder=placeholder)
        self.set_trait("kind", kind)
        self.on_msg(self._receive)
        if value:
            self.value = value

    @property
    def value(self) -> str:
        """What the input holds, without white space around it; a secret prints masked."""
        return Secret(self._secret) if self.kind == "secret" else str(self._text).strip()

    @value.setter
    def value(self, value: str) -> None:
        if self.kind == "secret":
            self.clear()
            self._keep(value)
        else:
            self._text = value

    def clear(self) -> None:
        """Empty the input, here and in the browser."""
        if self.kind == "secret":
            self._keep("")
            self.send({"do": "clear"})
        else:
            self._text = ""

    def on_submit(self, callback: Callback) -> None:
        """Call this when Enter is pressed in the field."""
        self._on_submit.append(callback)

    def on_cancel(self, callback: Callback) -> None:
        """Call this when Escape is pressed in the field."""
        self._on_cancel.append(callback)

    def on_edit(self, callback: Callback) -> None:
        """Call this after each change that the person makes, but not after one made by code."""
        self._on_edit.append(callback)

    def _keep(self, secret: str) -> None:
        self._secret = "".join(Secret(secret)).strip()
        self._filled = bool(self._secret)

    def _receive(self, _: Field, content: dict[str, Any], __: list[memoryview]) -> None:
        event = content["event"]
        if event == "submit":
            callbacks = self._on_submit
        elif event == "cancel":
            callbacks = self._on_cancel
        else:
            callbacks = self._on_edit
            self._take(content.get("text"), refused=event == "refused")
        for callback in callbacks:
            callback()

    def _take(self, text: str | None, *, refused: bool) -> None:
        """Take what the browser tells; no text when it holds back what may be a card number."""
        state: dict[str, Any] = (
            {"message": REFUSAL, "tone": "error"} if refused else {"message": ""}
        )
        if text is not None and self.kind == "secret":
            self._keep(text)
        elif text is not None:
            state["_text"] = text
        self.set_state(state)  # as the browser has it already, nothing is sent back

    def __repr__(self) -> str:
        held = "" if self.kind == "secret" else f", value={self.value!r}"
        return f"Field({self.label!r}, kind={self.kind!r}{held})"
