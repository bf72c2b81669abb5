"""Clover's hosted card fields, as the kernel knows them: what comes of them is a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any, Final

from clover_nb.client import Clover
from clover_nb.errors import APIConnectionError, CloverError, ValidationError
from clover_nb.forms.messages import describe_failure
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.masking import Secret

_BROWSER_SECONDS: Final = 40.0  # the browser gives up before, and says so
_WRONG: Final = "Nothing was sent: the card fields say what is wrong."
_NO_TOKEN: Final = "Nothing was sent: no token was made of the card, and its fields say why."  # noqa: S105  a sentence


class CardFields:
    """Clover's own fields for a card's number, expiry, security code and postal code.

    They are iframes of Clover's page, or of the embedded sandbox's, within a form: what is typed
    goes from there to Clover, and neither the notebook's page nor Python ever has it. A token
    comes here, with the card's brand and last four digits where Clover tells them.

    Attributes:
        token: The token of what is typed, once one was made; it prints masked. Else empty.
        brand: The brand of its card, or ``None``.
        last4: The last four digits of its card, or ``None``.
        has_input: Whether something was typed that no saved card came of.
    """

    def __init__(self, clover: Clover, send: Callable[[dict[str, Any]], object]) -> None:
        self._clover = clover
        self._send = send
        self._runner = TaskRunner(self._not_shown)
        self._view = ""  # the place in the browser where somebody typed last
        self._asking_view = ""  # the place that asked last for what it needs
        self._asked = 0
        self._answer: Future[Secret] = Future()
        self.has_input = False
        self.token = Secret("")
        self.brand: str | None = None
        self.last4: str | None = None

    def request_token(self) -> Future[Secret]:
        """Ask the browser for a token of what is typed, unless there is one already.

        Returns:
            The answer, to wait for in a worker thread with :func:`wait_for_token`.

        Raises:
            APIConnectionError: No browser shows the fields.
        """
        self._answer = Future()
        if self.token:
            self._answer.set_result(self.token)
        elif not self._view:
            raise APIConnectionError(
                "Nothing was sent: the card fields are not shown in a browser."
            )
        else:
            self._asked += 1
            self._send({"do": "tokenize", "view": self._view, "asked": self._asked})
        return self._answer

    def clear(self) -> None:
        """Forget the token, and let the fields be empty again."""
        if self.token or self.has_input:
            self._start_over()
            self._send({"do": "clear"})

    def receive(self, content: Mapping[str, Any]) -> bool:
        """Take what the browser tells.

        Returns:
            Whether another card is typed than before.
        """
        event, view = content["event"], content["view"]
        if event == "hello":
            return self._send_setup(view, content["origin"])
        if event == "shown":
            self._view = self._view or view
        elif event == "unavailable" and view == self._view:
            self._start_over()
            return True
        elif event == "edit":
            self._view = view
            self._drop_token()
            self.has_input = True
            return True
        elif content.get("asked") == self._asked and not self._answer.done():
            self._take_answer(content)
        return False

    def close(self) -> None:
        """Let nobody wait any more."""
        self._answer.cancel()
        self._runner.stop()

    def _send_setup(self, view: str, origin: str) -> bool:
        # Of a page that was loaded anew, perhaps. Another place where a card is typed says so.
        had = bool(self.token or self.has_input)
        self._start_over()
        self._asking_view = view
        self._runner.read(
            lambda: self._clover.tokens.hosted_fields(origin),
            lambda fields: self._send(
                {"do": "show", "view": view, **fields._asdict(), "api_key": fields.api_key.reveal()}
            ),
        )
        return had

    def _not_shown(self, failure: TaskFailure) -> None:
        why = f"Clover's card fields can't be shown. {describe_failure(failure)}"
        self._send({"do": "fail", "view": self._asking_view, "message": why})

    def _take_answer(self, content: Mapping[str, Any]) -> None:
        if content["event"] == "token":
            if not content["stale"]:
                self.token = Secret(content["token"])
                self.brand, self.last4 = content["brand"], content["last4"]
            self._answer.set_result(Secret(content["token"]))
        elif content["event"] == "refused":
            self._answer.set_exception(ValidationError(_WRONG))
        elif content["event"] == "failed":
            self._answer.set_exception(APIConnectionError(_NO_TOKEN))

    def _drop_token(self) -> None:
        self.token = Secret("")
        self.brand = self.last4 = None

    def _start_over(self) -> None:
        self._drop_token()
        self._answer.cancel()  # the page that was asked is gone
        self._view, self.has_input = "", False


def wait_for_token(answer: Future[Secret], seconds: float = _BROWSER_SECONDS) -> Secret:
    """The token that a browser was asked for. To be called in a worker thread.

    Raises:
        ValidationError: Something is wrong with what was typed; it says so beside its fields.
        APIConnectionError: The browser, or Clover, did not answer.
    """
    try:
        return answer.result(seconds)
    except CloverError:
        raise
    except (TimeoutError, CancelledError) as silence:
        answer.cancel()  # a later answer is of nobody's
        raise APIConnectionError(
            "Nothing was sent: the browser did not answer.", hint="Try again."
        ) from silence
