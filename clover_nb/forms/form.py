"""A form: one widget that draws what a :class:`FormSpec` declares, checks it, and does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import pandas as pd
from traitlets import Bool, Dict, Unicode

from clover_nb import constants
from clover_nb.client import Clover
from clover_nb.errors import (
    CloverError,
    EditConflictError,
    OutcomeUnknownError,
    PartialChangeError,
)
from clover_nb.forms import actions, messages, rendering
from clover_nb.forms.actions import ActionResult, ConfirmationRequired
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.card_fields import wait_for_token
from clover_nb.forms.form_state import ECOMIND, PASTE, PRODUCTION, SURE, FormState
from clover_nb.forms.inputs import TICKED, FieldMessage
from clover_nb.forms.rendering import Markup
from clover_nb.forms.result_panel import ResultPanel
from clover_nb.forms.runner import TaskFailure
from clover_nb.forms.spec import FormSpec, Row
from clover_nb.forms.values import FormWarning
from clover_nb.masking import Secret

T = TypeVar("T")
_CHANGED: Final = "The card was changed while a token was made of it. Make one of what it is now."


class Form(SharedWidget):
    """A form for one kind of change. Made by the functions of :mod:`clover_nb.forms`.

    Attributes:
        row: The customer as the last change left it, or ``None``.
        on_saved: Called with each changed customer; can be set, as the following.
        on_open: Called with the id of a customer that a button leads to. At first it shows the
            customer below the button.
        on_switch: Called with another spec that a button leads to, and with the values that it
            begins with. At first the form becomes that one.
        on_released: Called when nothing is typed or under way any more.
        on_cancelled: Called when the person cancels and nothing is typed.
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
        self.row: Row[Any] | None = None
        self.on_saved: Callable[[Row[Any]], object] = lambda _: None
        self.on_open: Callable[[str], object] = self._look_at_customer
        self.on_switch: Callable[[FormSpec, Mapping[str, str]], object] = self.become
        self.on_released: Callable[[], object] = lambda: None
        self.on_cancelled: Callable[[], object] = lambda: None
        self._clover, self._asks = clover, asks
        self._state = FormState(clover, spec, lambda content: self.send({"card": content}))
        self._panel = ResultPanel()
        self._task = ""
        self._home = spec  # what this form was before it became another
        super().__init__(static=f"{spec.title}: run this cell to use the form.")
        if row is not None:
            self._choose_customer(row)
        self._state.inputs.values |= values or {}
        self._sync_state()

    # -- for whoever holds the form ----------------------------------------------------------------

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
        self._choose_customer(row)
        self._sync_state()
        return True

    def drop_statements(self) -> None:
        """Forget what the person agreed to and the card that was typed, but not the texts."""
        self._state.drop_statements()
        self._sync_state()

    def become(self, spec: FormSpec, values: Mapping[str, str]) -> None:
        """Be another form about the same customer, with a way back."""
        row = self.customer
        self._state.adopt_spec(spec)
        self._panel.clear()
        self.locked = False
        if row is not None:
            self._choose_customer(row)
        self._state.inputs.values |= values
        if spec is not self._home:
            self._panel.add_action("back", "Back", lambda: self.become(self._home, {}))
        self._sync_state()

    def close(self) -> None:
        """Close the widget and drop what is under way."""
        self._state.card.close()
        super().close()

    # -- messages ----------------------------------------------------------------------------------

    def _handle_message(self, content: Mapping[str, Any], _: Sequence[Any]) -> None:
        self._take_edits(content)
        if content["do"] == "leave":
            self._mark_left(content["name"])
        elif content["do"] == "card" and self._state.card.receive(content["card"]):
            self._apply_edits({"source"})
        elif not self.is_busy:  # until it ends nothing else begins, whenever it was asked for
            self._begin_action(content)
        self._sync_state()

    def _begin_action(self, content: Mapping[str, Any]) -> None:
        match content["do"]:
            case "submit":
                self._submit(content["texts"], content["about"])
            case "cancel":
                self.cancel_edits()
            case "find":
                self._find_customer()
            case "pick":
                self._read_customer("find", content["id"], self._choose_customer)
            case "press":
                self._panel.press(content["key"])
            case "test_card":
                self._use_test_card()

    def _take_edits(self, content: Mapping[str, Any]) -> None:
        """Take the edits that every message brings along."""
        changed = self._state.inputs.take(content["edits"], content["view"], content["number"])
        if "source" in content:
            self._state.pasted = Secret("".join(content["source"]).strip())
            changed.add("source")
        if changed:
            self._apply_edits(changed)

    def _apply_edits(self, names: set[str]) -> None:
        inputs = self._state.inputs
        if "customer" in names:
            self._state.forget_customer()
            self._runner.drop_reads()
        if "way" in names:
            inputs.initial["ecomind"] = inputs.values["ecomind"] = ECOMIND[inputs.values["way"]]
        if not names <= {*self._state.confirmations, SURE}:
            if "source" in names and self.locked:
                self._panel.clear()  # the card that it is about is another now
            self.locked = False
            self._state.warned = None
            inputs.values[SURE] = ""
            inputs.messages.pop("source", None)
            self._panel.withdraw("undo", "restore")

    def _mark_left(self, name: str) -> None:
        """Say from now on what is wrong with an input, if something was typed into it."""
        state, inputs = self._state, self._state.inputs
        if not self.is_busy and state.correct_input(name):
            pairs = list(state.corrected.items())
            told = ", ".join(f"{state.label_of(each)} {text}" for each, (_, text) in pairs if text)
            self._panel.say("info", f"In the spelling that is sent: {told}.")
            self._panel.add_action("as_typed", "Back to what I typed", self._restore_typed)
        if name == "email" and not (self.is_busy or self._runner.is_reading):
            self._check_email(inputs.values[name].strip())
        if name in inputs.find_edits() or (name == "source" and self._state.pasted):
            inputs.touched.add(name)

    def _check_email(self, email: str) -> None:
        """Say whose address it is already; where that can't be asked, a save asks again."""
        clover, state = self._clover, self._state
        if "email" not in state.inputs.find_edits() or "email" in state.find_errors():
            return

        def find() -> list[FormWarning]:
            try:
                return actions.find_duplicates(clover, email, state.customer_id)
            except CloverError:
                return []

        def show(found: list[FormWarning]) -> None:
            for each in found if state.inputs.values["email"].strip() == email else ():
                names = ", ".join(name for _, name in each.customers)
                state.inputs.messages["email"] = FieldMessage(
                    "warning", f"{each.message} ({names})"
                )

        self._read("look", find, show)

    def _restore_typed(self) -> None:
        self._state.restore_typed()
        self._panel.withdraw("as_typed")
        self._panel.say("info", "")

    # -- tasks -------------------------------------------------------------------------------------

    def _start_task(
        self,
        start: Callable[[Callable[[], T], Callable[[T], None]], object],
        task: str,
        work: Callable[[], T],
        apply: Callable[[T], object],
        words: str = "",
    ) -> None:
        """Begin a read or a write of the runner, and show what comes of it."""

        def show(result: T) -> None:
            apply(result)
            self._sync_state()

        self._task = task
        if words:
            self._panel.say("busy", words)
        start(work, show)

    def _read(
        self, task: str, work: Callable[[], T], apply: Callable[[T], object], words: str = ""
    ) -> None:
        self._start_task(self._runner.read, task, work, apply, words)

    def _read_customer(
        self, task: str, customer_id: str, apply: Callable[[Row[Any]], object], words: str = ""
    ) -> None:
        self._read(task, lambda: self._clover.customers.retrieve(customer_id), apply, words)

    # -- who it is about ---------------------------------------------------------------------------

    def _find_customer(self) -> None:
        clover, text = self._clover, self._state.inputs.values["customer"].strip()
        self._state.forget_customer()
        self._state.inputs.messages.pop("customer", None)
        self._read("find", lambda: actions.find_customer(clover, text), self._show_found)

    def _show_found(self, found: Row[Any] | pd.DataFrame) -> None:
        if isinstance(found, pd.DataFrame):
            self._state.offer_matches(found)
        else:
            self._choose_customer(found)

    def _choose_customer(self, row: Row[Any]) -> None:
        """Be about this customer. What was typed about another one can be brought back."""
        before, typed = self._state.last_row, self._state.list_texts()
        if self._state.choose_customer(row):
            return
        self._panel.clear()
        if before is not None and typed:
            name = rendering.render_name(before)
            self._panel.say("warning", Markup(f"What you typed about {name} was put aside."))
            self._panel.add_action("restore", "Bring it back", lambda: self._restore(typed, before))

    def _restore(self, typed: Mapping[str, str], row: Row[Any] | None) -> None:
        """Bring back what was cancelled or put aside."""
        if row is not None and row["id"] != self._state.customer_id:
            self._state.inputs.values["customer"] = str(row["id"])
            self._choose_customer(row)
        self._panel.clear()
        self._state.inputs.values |= typed

    def _look_at_customer(self, customer_id: str) -> None:
        self._read_customer("look", customer_id, self._panel.show_row)

    # -- sending -----------------------------------------------------------------------------------

    def _submit(self, texts: Mapping[str, str], about: str) -> None:
        state = self._state
        if self.locked or state.describe_read_only():
            return
        if texts != state.inputs.values or about != state.customer_id:
            words = "Nothing was sent: the form has just changed. Look, and press again."
            self._panel.say("warning", words)
            return
        self._runner.drop_reads()
        self._panel.clear()
        state.inputs.messages.clear()
        state.inputs.touched |= state.inputs.values.keys() | {"source"}
        if errors := state.find_errors():
            self._summarize_errors(errors)
            return
        row, typed, sent = state.row, state.read_values(), dict(state.inputs.values)
        sure = sent[SURE] == TICKED and state.warned == state.read_warned()
        try:
            token = state.card.request_token() if state.types_card else None
        except CloverError as error:
            self._show_error(error)
            return
        self._start_task(
            self._runner.write,
            "submit",
            lambda: self._run_submit(row, typed, token, sure=sure),
            lambda result: self._show_saved(result, state.spec.done, sent),
            "Sending to Clover…",
        )

    def _run_submit(
        self,
        row: Row[Any] | None,
        typed: dict[str, str],
        token: Future[Secret] | None,
        *,
        sure: bool,
    ) -> ActionResult:
        if token is not None:
            typed["source"] = wait_for_token(token)
        return self._state.spec.submit(self._clover, row, typed, sure=sure)

    def _show_saved(self, result: ActionResult, word: str, sent: Mapping[str, str]) -> None:
        """Show the changed customer, and keep what was typed since it was sent."""
        state, row = self._state, result.row
        self.row = row
        if row is None:
            self._show_token()
            return
        since = {n: text for n, text in state.inputs.values.items() if text != sent[n]}
        about = row if state.spec.about_customer else None
        if state.row is not None:  # and its field has not been edited since
            state.choose_customer(row)
        state.fill_inputs(state.spec.initial(about), since)
        state.clear_card()
        self.locked = not since
        self._panel.clear()
        name, note = rendering.render_name(row), result.note and f". {result.note}"
        self._panel.say("done", Markup(f"{word}: {name}{note}"))
        self._panel.show_row(row)
        if undo := result.undo:
            self._panel.add_action("undo", "Undo", lambda: self._undo_change(undo))
        if follow_up := state.spec.follow_up(result):
            label, spec, values = follow_up
            self._panel.add_action("follow", label, lambda: self.on_switch(spec, values))
        self._sync_state()
        self.on_saved(row)
        self._report_release()

    def _show_token(self) -> None:
        card = self._state.card
        self.locked = bool(card.token)  # a second click makes no second token
        words = f"{card.brand or 'Card'} •••• {card.last4 or '????'}: the token is ready."
        self._panel.say(*(("done", words) if card.token else ("warning", _CHANGED)))

    def _undo_change(self, undo: Callable[[], ActionResult]) -> None:
        inputs = self._state.inputs
        if PRODUCTION in self._state.confirmations and inputs.values[PRODUCTION] != TICKED:
            inputs.messages[PRODUCTION] = FieldMessage("error", "Please tick this first.")
            self._focus_input(PRODUCTION)
            return
        sent = dict(inputs.values)
        self._start_task(
            self._runner.write,
            "undo",
            undo,
            lambda result: self._show_saved(result, "Undone", sent),
            "Undoing…",
        )

    def cancel_edits(self) -> None:
        """Put the inputs back as they were; this can be undone, but for a token."""
        if self.is_busy:
            return
        if not self.has_changed:
            self.on_cancelled()
            return
        typed, row = self._state.list_texts(), self.customer
        self._runner.drop_reads()
        self._state.fill_inputs(self._state.inputs.initial, {})
        self._state.clear_card()
        self._panel.clear()
        self._panel.say("info", "Cancelled: nothing was sent.")
        if typed:
            self._panel.add_action("restore", "Undo", lambda: self._restore(typed, row))
        self._sync_state()
        self._report_release()

    def _report_release(self) -> None:
        if not self.has_changed and not self.is_busy:
            self.on_released()

    def _reload_customer(self) -> None:
        """Go on with the record as it is now, and with what was typed."""

        def show(row: Row[Any]) -> None:
            self._choose_customer(row)
            self._panel.clear()
            self.locked = False
            words = "This is the record as it is now, with what you typed. Look, and save again."
            self._panel.say("info", words)

        self._read_customer("reload", self._state.customer_id, show, "Reading…")

    def _look_up_email(self, email: str) -> None:
        """Whether a customer was created whose answer was lost."""

        def show(found: tuple[tuple[str, str], ...]) -> None:
            words = "Nobody has this address: it was not saved, and can be sent again."
            if found:
                words = "There is a customer with this address: is it the new one?"
            self._panel.say("info", words)
            self._panel.offer_customers(found, self.on_open)

        self._read(
            "look", lambda: actions.list_customers_with(self._clover, email), show, "Looking…"
        )

    def _use_test_card(self) -> None:
        card = constants.TEST_CARDS[self._state.inputs.values["test_card"]]
        self._state.inputs.values["way"] = PASTE

        def fill(token: Secret) -> None:
            self._state.pasted = token
            self._apply_edits({"source"})

        self._read("test_card", lambda: actions.make_test_token(self._clover, card), fill)

    # -- what is wrong -----------------------------------------------------------------------------

    def _summarize_errors(self, errors: Mapping[str, CloverError]) -> None:
        names = [n for n in ("customer", "source", *self._state.inputs.values) if n in errors]
        self._panel.say("error", messages.summarize_errors(list(map(self._state.label_of, names))))
        self._focus_input(names[0])

    def _show_failure(self, failure: TaskFailure) -> None:
        """Tell why a task has no result."""
        error, task = failure.error, self._task
        self._panel.say("info", "")
        if isinstance(error, ConfirmationRequired):
            self._show_warnings(error)
        elif task in ("find", "test_card") and isinstance(error, CloverError):
            self._show_field_error("customer" if task == "find" else "source", error)
        elif isinstance(error, CloverError):
            self._show_error(error)
        else:
            self._panel.say("error", messages.describe_failure(failure))
        self._sync_state()

    def _show_warnings(self, required: ConfirmationRequired) -> None:
        self._state.warned = self._state.read_warned()
        for each in required.warnings:
            self._state.inputs.messages[each.field] = FieldMessage("warning", each.message)
            self._panel.offer_customers(each.customers, self.on_open)
        self._panel.say("warning", "Not sent yet. Fix it, or tick to save anyway.")

    def _show_field_error(self, name: str, error: CloverError) -> None:
        words = messages.describe_field_error(error, self._state.label_of(name))
        self._state.inputs.messages[name] = FieldMessage("error", words)

    def _show_error(self, error: CloverError) -> None:
        """Show an error beside what it is about, or else beside the button."""
        words, row = messages.describe_error(error), self.customer
        if isinstance(error, EditConflictError):
            self._panel.conflict = rendering.render_conflict(error.changes)
        elif error.field in self._state.spec.fields or error.field == "source":
            name = str(error.field)
            self._show_field_error(name, error)
            words = f"Not saved: {self._state.label_of(name)} needs attention."
            self._focus_input(name)
        self._panel.say("error", words, messages.request_id(error))
        if row is not None and isinstance(error, EditConflictError | OutcomeUnknownError):
            self._panel.add_action("reload", "Reload, keep my edits", self._reload_customer)
        elif isinstance(error, OutcomeUnknownError):
            email = self._state.read_values()["email"]
            self._panel.add_action(
                "look", "Look the customer up", lambda: self._look_up_email(email)
            )
        elif row is not None and isinstance(error, PartialChangeError):
            self._read_customer("reload", row["id"], self._show_partial)

    def _show_partial(self, row: Row[Any]) -> None:
        self._choose_customer(row)
        self._state.clear_card()
        self._sync_state()
        self.on_saved(row)

    # -- the browser -------------------------------------------------------------------------------

    def _sync_state(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        busy = self._runner.is_writing or self._runner.is_reading
        state = {
            **self._state.describe(),
            **self._panel.describe(),
            "spec": self._state.describe_spec(asks=self._asks),
            "busy": self._task if busy else "",
        }
        with self.hold_sync():
            for name, value in state.items():
                self.set_trait(name, value)

    def _focus_input(self, name: str) -> None:
        self.send({"do": "focus", "name": name, "seen": dict(self._state.inputs.seen)})
