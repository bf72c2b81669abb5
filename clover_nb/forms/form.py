"""A form: one widget that draws what a :class:`FormSpec` declares, checks it, and does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from traitlets import Bool, Dict, Unicode

from clover_nb.client import Clover
from clover_nb.forms import rendering
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.form_work import FormWork
from clover_nb.forms.runner import TaskFailure
from clover_nb.forms.spec import FormSpec
from clover_nb.forms.values import Row
from clover_nb.masking import Secret


class Form(SharedWidget):
    """A form for one kind of change. Made by the functions of :mod:`clover_nb.forms`.

    Attributes:
        work: What it does, and whom it tells of it.
    """

    spec = Dict().tag(sync=True)  # what is drawn once
    values = Dict().tag(sync=True, echo_update=False)  # texts, and the edits that they know of
    errors = Dict().tag(sync=True)  # a tone and a text by input
    choices = Dict().tag(sync=True)  # what can be chosen, by input
    arranged = Dict().tag(sync=True)  # labels of inputs, in their order
    hints = Dict().tag(sync=True)
    about = Unicode().tag(sync=True)  # the id of the customer
    who = Unicode().tag(sync=True)
    preview = Unicode().tag(sync=True)
    status = Unicode().tag(sync=True)
    outcome = Dict().tag(sync=True)
    busy = Unicode().tag(sync=True)  # the button whose work is under way
    locked = Bool().tag(sync=True)  # whether there is nothing to send since the last save
    has_warnings = Bool().tag(sync=True)
    has_token = Bool().tag(sync=True)

    def __init__(
        self,
        clover: Clover,
        spec: FormSpec,
        *,
        row: Row[Any] | None = None,
        asks: bool = True,
        values: Mapping[str, str] | None = None,
    ) -> None:
        """Make it.

        Args:
            clover: The connection.
            spec: What it is for.
            row: The customer that it is about.
            asks: Whether a person chooses the customer here; else :meth:`show` does.
            values: What the inputs hold besides.
        """
        super().__init__(static=f"{spec.title}: run this cell to use the form.")
        self._asks = asks
        send = lambda content: self.send(content)  # noqa: E731, PLW0108  as it is at that time
        self.work = FormWork(clover, spec, self._runner, send, self._sync_state)
        self._state = self.work.state
        if row is not None:
            self.work.choose_customer(row)
        self._state.inputs.values |= values or {}
        self._sync_state()

    # -- for whoever holds the form ----------------------------------------------------------------

    @property
    def row(self) -> Row[Any] | None:
        """The customer as the last change left it, or ``None``."""
        return self.work.row

    @property
    def customer(self) -> Row[Any] | None:
        """The customer that it is about, as it was read last."""
        return self._state.row

    @property
    def has_changed(self) -> bool:
        """Whether something was typed, ticked or chosen that isn't saved."""
        return self._state.has_changed

    @property
    def is_busy(self) -> bool:
        """Whether a change is under way."""
        return self._runner.is_writing

    @property
    def token(self) -> Secret:
        """The card token; it prints masked. Empty until one was made of what is typed."""
        return self._state.token

    @property
    def brand(self) -> str | None:
        """The card's brand, such as ``"VISA"``, once there is a token and Clover tells."""
        return self._state.card.brand

    @property
    def last4(self) -> str | None:
        """The last four digits of the card's number, once there is a token and Clover tells."""
        return self._state.card.last4

    def show(self, row: Row[Any]) -> bool:
        """Be about this customer, unless that would lose what is typed or under way.

        Returns:
            Whether the form is about this customer now.
        """
        is_same = self._state.customer_id == str(row["id"])
        if self.is_busy or (self.has_changed and not is_same):
            return is_same
        self.work.choose_customer(row)
        self._sync_state()
        return True

    def drop_statements(self) -> None:
        """Forget what the person agreed to and the card that was typed, but not the texts."""
        self._state.drop_statements()
        self._sync_state()

    def cancel_edits(self) -> None:
        """Put the inputs back as they were; this can be undone, but for a token."""
        self.work.cancel_edits()

    def close(self) -> None:
        """Close the widget. A change that is under way ends first, and what came of it is printed.

        Else a cell that runs again would show the record as it was, and the change would be made
        behind the back of whoever makes it once more.
        """
        self.work.close()  # nothing is sent that has to wait for its card yet
        if self.is_busy:
            self._await_change()
        super().close()

    def _await_change(self) -> None:
        title = self._state.spec.title
        try:
            print(f"{title}: a change is under way, and is waited for.", flush=True)  # noqa: T201  in a cell
            self._runner.finish_write()
        except KeyboardInterrupt:
            words = "It was not waited for: the record will show whether it was made."
        else:
            words = rendering.to_text(self.status)
        print(words)  # noqa: T201

    # -- messages ----------------------------------------------------------------------------------

    def receive(self, content: Mapping[str, Any], buffers: Sequence[Any] = ()) -> None:
        """Take a message of the browser; the number of its edits, which goes back, answers it."""
        self._runner.handle(self._handle_message, content, buffers)

    def _handle_message(self, content: Mapping[str, Any], _: Sequence[Any]) -> None:
        self._take_edits(content)
        if content["do"] == "leave":
            self.work.mark_left(content["name"])
        elif content["do"] == "card" and self._state.card.receive(content["card"]):
            self.work.apply_edits({"source"})
        elif content["do"] not in ("edit", "card"):
            self._begin_task(content)
        self._sync_state()

    def _begin_task(self, content: Mapping[str, Any]) -> None:
        if not self._state.inputs.begin_task(content):
            self.send_state()  # what came of it was lost on its way, perhaps
            return
        if self.is_busy:
            return  # until it ends nothing else begins, whenever it was asked for
        match content["do"]:
            case "submit":
                self.work.submit(content["texts"], content["about"])
            case "cancel":
                self.work.cancel_edits()
            case "find":
                self.work.find_customer()
            case "pick":
                self.work.read_customer("find", content["id"], self.work.choose_customer)
            case "press":
                self.work.panel.press(content["key"])
            case "test_card":
                self.work.use_test_card()

    def _take_edits(self, content: Mapping[str, Any]) -> None:
        """Take the edits that every message brings along."""
        changed = self._state.take_edits(content)
        if "source" in changed:
            self._state.pasted = Secret(changed["source"].strip())
        if changed:
            self.work.apply_edits(set(changed))

    def _show_failure(self, failure: TaskFailure) -> None:
        self.work.show_failure(failure)

    # -- the browser -------------------------------------------------------------------------------

    def _sync_state(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        busy = self._runner.is_writing or self._runner.is_reading
        state = {
            **self._state.describe(),
            **self.work.panel.describe(),
            "spec": self._state.describe_spec(asks=self._asks),
            "locked": self.work.locked,
            "busy": self.work.task if busy else "",
        }
        with self.hold_sync():
            for name, value in state.items():
                self.set_trait(name, value)
