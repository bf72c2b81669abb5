"""Clover's hosted card fields in a widget, and what it takes to get a token out of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import anywidget
from ipywidgets import HTML, Button, HBox, VBox
from traitlets import Enum, Unicode

from clover_nb.client import Clover, default
from clover_nb.errors import APIConnectionError, CloverError, ValidationError
from clover_nb.forms import _text
from clover_nb.forms._keys import Keys
from clover_nb.forms._static import Static, script, style
from clover_nb.forms._work import Work
from clover_nb.masking import Secret

# The browser gives up before, and says so.
_BROWSER_SECONDS: Final = 40.0
_WRONG: Final = "Nothing was sent: the card fields say what is wrong."
_NO_TOKEN: Final = "Nothing was sent: no token was made of the card, and its fields say why."  # noqa: S105  a sentence
_CHANGED: Final = "The card was changed while a token was made of it. Make one of what it is now."


class CardFields(Static, anywidget.AnyWidget):
    """Clover's own fields for a card's number, expiry, security code and postal code.

    They are iframes of Clover's page, or of the embedded sandbox's: what is typed goes from there
    to Clover, and neither the notebook's page nor Python ever has it. A token comes here, with
    the card's brand and last four digits where Clover tells them.

    Attributes:
        message: What is wrong or worth knowing, below the fields; an edit clears it.
        tone: What the message is: ``"error"``, ``"warning"`` or ``"info"``.
        brand: The brand of the card that the token stands for, or ``None``.
        last4: Its last four digits, or ``None``.
    """

    _esm = script("card.js")
    _css = style("desk.css", "form.css", "card.css")

    message = Unicode().tag(sync=True)
    tone = Enum(["error", "warning", "info"], "error").tag(sync=True)

    def __init__(self, clover: Clover) -> None:
        self._clover = clover
        self._token = ""
        self._view = ""  # the place in the browser where somebody typed last
        self._asked = 0
        self._answer: dict[str, Any] = {}
        self._answered = threading.Event()
        self._on_edit: list[Callable[[], object]] = []
        self.brand: str | None = None
        self.last4: str | None = None
        self.begun = False  # whether something was typed that no saved card came of
        super().__init__(static="Card fields: run this cell to use them.")
        self.on_msg(self._receive)

    @property
    def token(self) -> Secret:
        """The token of what is typed, once one was made; it prints masked. Else empty."""
        return Secret(self._token)

    def obtain(self) -> Secret:
        """The token of what is typed: made now, unless there is one already.

        It waits for the browser, whose answer the kernel's main thread takes: call it in another.

        Raises:
            ValidationError: Something is wrong with what was typed; it says so beside its fields.
            APIConnectionError: The browser, or Clover, did not answer.
        """
        if self._token:
            return self.token
        if not self._view:
            raise APIConnectionError(
                "Nothing was sent: the card fields are not shown in a browser."
            )
        self._asked += 1
        self._answered.clear()
        self.send({"do": "tokenize", "view": self._view, "asked": self._asked})
        if not self._answered.wait(_BROWSER_SECONDS):
            self._asked += 1  # nobody waits for a later answer
            raise APIConnectionError(
                "Nothing was sent: the browser did not answer.", hint="Try again."
            )
        answer, self._answer = self._answer, {}
        if answer["event"] == "refused":
            raise ValidationError(_WRONG)
        if answer["event"] == "failed":
            raise APIConnectionError(_NO_TOKEN)
        return Secret(answer["token"])

    def clear(self) -> None:
        """Forget the token, and let the fields be empty again."""
        if self._token or self.begun:
            self._start_over()
            self.send({"do": "clear"})

    def on_edit(self, callback: Callable[[], object]) -> None:
        """Call this when something is typed."""
        self._on_edit.append(callback)

    def _forget(self) -> None:
        self._token, self.brand, self.last4 = "", None, None

    def _start_over(self) -> None:
        self._forget()
        self._view, self.begun = "", False

    def _receive(self, _: CardFields, content: dict[str, Any], __: list[memoryview]) -> None:
        event, view = content["event"], content["view"]
        if event == "hello":
            # Of a page that was loaded anew, perhaps. Another place where a card is typed says so.
            self._start_over()
            shown = (content["origin"], view)
            threading.Thread(target=self._show, args=shown, daemon=True).start()
        elif event == "shown":
            self._view = self._view or view
        elif event == "unavailable" and view == self._view:
            self._start_over()
        elif event == "edit":
            self._view = view
            self._forget()
            self.begun, self.message = True, ""
            for callback in self._on_edit:
                callback()
        elif content.get("asked") == self._asked:  # not the answer of an attempt that was given up
            if event == "token" and not content["stale"]:
                self._token = content["token"]
                self.brand, self.last4 = content["brand"], content["last4"]
            self._answer = content
            self._answered.set()

    def _show(self, page: str, view: str) -> None:
        try:
            fields = self._clover.tokens.hosted_fields(page)
        except CloverError as error:
            why = f"Clover's card fields can't be shown. {_text.in_a_form(error)}"
            self.send({"do": "fail", "view": view, "message": why})
        else:
            told = {**fields._asdict(), "api_key": fields.api_key.reveal()}
            self.send({"do": "show", "view": view, **told})


class CardForm(Static, VBox):
    """Card fields with a button that makes a token. Made by :func:`clover_nb.forms.card_fields`.

    Attributes:
        fields: The fields.
        button: Makes the token.
        status: What became of it.
    """

    def __init__(self, clover: Clover) -> None:
        self.fields = CardFields(clover)
        self.button = Button(description="Make a token", button_style="primary")
        self.status = HTML().add_class("clover-live")
        self._work = Work(self.button, "Making a token…")
        self.button.on_click(lambda _: self.make())
        self.fields.on_edit(self._edited)
        super().__init__(
            [
                HTML(_text.heading("Card", clover.environment)),
                Keys(),
                self.fields,
                HBox([self.button, self.status]).add_class("clover-actions"),
            ],
            static="Card fields: run this cell to use them.",
        )
        self.add_class("clover-form")

    @property
    def token(self) -> Secret:
        """The token; it works once and prints masked. Empty until one was made of what is typed."""
        return self.fields.token

    @property
    def brand(self) -> str | None:
        """The card's brand, such as ``"VISA"``, once there is a token and Clover tells."""
        return self.fields.brand

    @property
    def last4(self) -> str | None:
        """The last four digits of the card's number, once there is a token and Clover tells."""
        return self.fields.last4

    def make(self) -> threading.Thread | None:
        """Make a token of what is typed, in a thread.

        Returns:
            The thread, to wait for; ``None`` when one is being made already.
        """
        return self._work.start(self._make)

    def _make(self) -> bool:
        self.status.value = _text.note("busy", "Asking Clover…")
        try:
            self.fields.obtain()
        except CloverError as error:
            self.status.value = _text.note("error", _text.in_a_form(error))
            return True
        if not self.token:
            self.status.value = _text.note("warning", _CHANGED)
            return True
        told = f"{self.brand or 'Card'} •••• {self.last4 or '????'}: the token is ready."
        self.status.value = _text.note("done", told)
        return False  # a second click makes no second token

    def _edited(self) -> None:
        self._work.ready()
        self.status.value = ""


def card_fields(*, clover: Clover | None = None) -> CardForm:
    """Clover's hosted card fields, and a button that makes a token of what is typed into them.

    Card number, expiry and security code go from the browser to Clover alone; neither the notebook
    nor Python ever has them. The forms that take a card have these fields in them: this is for a
    token to use in code.

    Args:
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.token`` is the token, once the button made one, ``form.brand`` and
        ``form.last4`` tell its card.

    Raises:
        SettingsError: There is no connection, and the settings don't allow one.

    Source: Clover docs, "Use the Clover-hosted iframe".
    """
    return CardForm(clover or default())
