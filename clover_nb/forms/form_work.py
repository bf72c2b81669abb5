"""What a form does: finds, sends, undoes, and says what came of it. It knows no widget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import pandas as pd

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
from clover_nb.forms.card_fields import wait_for_token
from clover_nb.forms.form_state import ECOMIND, PASTE, PRODUCTION, SURE, FormState
from clover_nb.forms.history import describe_conflict
from clover_nb.forms.inputs import TICKED, FieldMessage
from clover_nb.forms.rendering import Markup
from clover_nb.forms.result_panel import ResultPanel
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.spec import FormSpec
from clover_nb.forms.values import FormWarning, Row
from clover_nb.masking import Secret

T = TypeVar("T")
_AGAIN: Final = "Another form here has changed this customer. Look at what will change, and save."
_OVERTAKEN: Final = f"Not saved yet. {_AGAIN}"
_CHANGED: Final = "The card was changed while a token was made of it. Make one of what it is now."


class _NotSaved(Exception):
    """The record was changed since it was read.

    Attributes:
        conflict: What differs.
        author: Who has changed it, as a sentence; empty where nobody can tell.
    """

    def __init__(self, conflict: EditConflictError, author: Markup) -> None:
        self.conflict, self.author = conflict, author
        super().__init__(conflict.message)


class FormWork:
    """The work of one form. What it shows is in its state and its panel.

    Attributes:
        state: What the form is about, and what stands in it.
        panel: What came of it.
        row: The customer as the last change left it, or ``None``.
        locked: Whether there is nothing to send since the last save.
        task: The button whose work has begun last.
        on_saved: Called with each changed customer; can be set, as the following.
        on_open: Called with the id of a customer that a button leads to. At first it shows the
            customer below the button.
        on_switch: Called with another spec that a button leads to, and with the values that it
            begins with. At first the form becomes that one.
        on_cancelled: Called when the person cancels and nothing is typed.

    Args:
        clover: The connection.
        spec: What the form is for.
        runner: Runs its reads and writes.
        send: Sends a message to the browser.
        changed: Called when something else is to be shown.
    """

    def __init__(
        self,
        clover: Clover,
        spec: FormSpec,
        runner: TaskRunner,
        send: Callable[[dict[str, Any]], object],
        changed: Callable[[], object],
    ) -> None:
        self._clover, self._runner, self._send, self._changed = clover, runner, send, changed
        self.on_saved: Callable[[Row[Any]], object] = lambda _: None
        self.on_open: Callable[[str], object] = self.look_at_customer
        self.on_switch: Callable[[FormSpec, Mapping[str, str]], object] = self.become
        self.on_cancelled: Callable[[], object] = lambda: None
        self.state = FormState(clover, spec, lambda content: send({"card": content}))
        self.panel = ResultPanel()
        self.row: Row[Any] | None = None
        self.locked = False
        self.task = ""
        self._home = spec  # what this form was before it became another
        self._overtaken_by: Row[Any] | None = None  # what another form saves during a write
        _open.add(self)

    def close(self) -> None:
        """Hear of nothing any more, and let nobody wait for a card."""
        _open.discard(self)
        self.state.card.close()

    # -- what is typed -----------------------------------------------------------------------------

    def apply_edits(self, names: set[str]) -> None:
        """End what was said or begun about inputs that hold something else now."""
        inputs = self.state.inputs
        if "customer" in names:
            self.state.forget_customer()
            self._runner.drop_reads()
        if "way" in names:
            inputs.initial["ecomind"] = inputs.values["ecomind"] = ECOMIND[inputs.values["way"]]
        if not names <= {*self.state.confirmations, SURE}:
            if "source" in names and self.locked:
                self.panel.clear()  # the card that it is about is another now
            self.locked = False
            self.state.warned = None
            inputs.values[SURE] = ""
            inputs.messages.pop("source", None)
            self.panel.withdraw("undo", "restore")

    def mark_left(self, name: str) -> None:
        """Say from now on what is wrong with an input, if something was typed into it."""
        state, inputs = self.state, self.state.inputs
        if not self._runner.is_writing and state.correct_input(name):
            spellings = ", ".join(
                f"{state.label_of(each)} {text}"
                for each, (_, text) in state.corrected.items()
                if text
            )
            self.panel.say("info", f"In the spelling that is sent: {spellings}.")
            self.panel.add_action("as_typed", "Back to what I typed", self._restore_typed)
        if name == "email" and not (self._runner.is_writing or self._runner.is_reading):
            self._check_email(inputs.values[name].strip())
        if name in inputs.find_edits() or (name == "source" and self.state.pasted):
            inputs.touched.add(name)

    def _check_email(self, email: str) -> None:
        """Say whose address it is already; where that can't be asked, a save asks again."""
        clover, state = self._clover, self.state
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
        self.state.restore_typed()
        self.panel.withdraw("as_typed")
        self.panel.say("info", "")

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
            self._changed()

        self.task = task
        if words:
            self.panel.say("busy", words)
        start(work, show)

    def _read(
        self, task: str, work: Callable[[], T], apply: Callable[[T], object], words: str = ""
    ) -> None:
        self._start_task(self._runner.read, task, work, apply, words)

    def _write(
        self,
        task: str,
        change: Callable[[], ActionResult],
        apply: Callable[[ActionResult], object],
        words: str,
    ) -> None:
        clover, customer_id = self._clover, self.state.customer_id

        def attempt() -> ActionResult:
            try:
                return change()
            except EditConflictError as conflict:
                raise _NotSaved(conflict, describe_conflict(clover, customer_id)) from conflict

        self._start_task(self._runner.write, task, attempt, apply, words)

    def read_customer(
        self, task: str, customer_id: str, apply: Callable[[Row[Any]], object], words: str = ""
    ) -> None:
        """Read a customer, and go on with it."""
        self._read(task, lambda: self._clover.customers.retrieve(customer_id), apply, words)

    # -- who it is about ---------------------------------------------------------------------------

    def find_customer(self) -> None:
        """Find the customer by the address or the id that was typed."""
        clover, text = self._clover, self.state.inputs.values["customer"].strip()
        self.state.forget_customer()
        self.state.inputs.messages.pop("customer", None)
        self._read("find", lambda: actions.find_customer(clover, text), self._show_found)

    def _show_found(self, found: Row[Any] | pd.DataFrame) -> None:
        if isinstance(found, pd.DataFrame):
            self.state.offer_matches(found)
        else:
            self.choose_customer(found)

    def choose_customer(self, row: Row[Any]) -> None:
        """Be about this customer. What was typed about another one can be brought back."""
        before, typed = self.state.last_row, self.state.list_texts()
        if self.state.choose_customer(row):
            return
        self.panel.clear()
        if before is not None and typed:
            name = rendering.render_name(before)
            self.panel.say("warning", Markup(f"What you typed about {name} was put aside."))
            self.panel.add_action("restore", "Bring it back", lambda: self._restore(typed, before))

    def become(self, spec: FormSpec, values: Mapping[str, str]) -> None:
        """Be another form about the same customer, with a way back."""
        row = self.state.row
        self.state.adopt_spec(spec)
        self.panel.clear()
        self.locked = False
        if row is not None:
            self.choose_customer(row)
        self.state.inputs.values |= values
        if spec is not self._home:
            self.panel.add_action("back", "Back", lambda: self.become(self._home, {}))
        self._changed()

    def _restore(self, typed: Mapping[str, str], row: Row[Any] | None) -> None:
        """Bring back what was cancelled or put aside."""
        if row is not None and row["id"] != self.state.customer_id:
            self.state.inputs.values["customer"] = str(row["id"])
            self.choose_customer(row)
        self.panel.clear()
        self.state.inputs.values |= typed

    def look_at_customer(self, customer_id: str) -> None:
        """Show a customer below the button."""
        self.read_customer("look", customer_id, self.panel.show_row)

    # -- sending -----------------------------------------------------------------------------------

    def submit(self, texts: Mapping[str, str], about: str) -> None:
        """Check what was typed, and send it; nothing if the person saw other texts than these."""
        state = self.state
        if self.locked or messages.describe_read_only(self._clover.settings):
            return
        if texts != state.inputs.values or about != state.customer_id:
            words = "Nothing was sent: the form has just changed. Look, and press again."
            self.panel.say("warning", words)
            return
        self._runner.drop_reads()
        self.panel.clear()
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

        def send() -> ActionResult:
            if token is not None:
                typed["source"] = wait_for_token(token)
            return state.spec.submit(self._clover, row, typed, sure=sure)

        self._write(
            "submit",
            send,
            lambda result: self._show_saved(result, state.spec.done, sent),
            "Sending to Clover…",
        )

    def _show_saved(self, result: ActionResult, word: str, sent: Mapping[str, str]) -> None:
        """Show the changed customer, and keep what was typed since it was sent."""
        state, row = self.state, result.row
        self.row, self._overtaken_by = row, None
        if row is None:
            self._show_token()
            return
        since = {n: text for n, text in state.inputs.values.items() if text != sent[n]}
        about = row if state.spec.about_customer else None
        if state.row is not None:  # and its field has not been edited since
            state.choose_customer(row)
        state.fill_inputs(about, since)
        state.clear_card()
        self.locked = not since
        self.panel.clear()
        name, note = rendering.render_name(row), result.note and f". {result.note}"
        self.panel.say("done", Markup(f"{word}: {name}{note}"))
        self.panel.show_row(row)
        if undo := result.undo:
            self.panel.add_action("undo", "Undo", lambda: self._undo_change(undo))
        if follow_up := state.spec.follow_up(result):
            label, spec, values = follow_up
            self.panel.add_action("follow", label, lambda: self.on_switch(spec, values))
        self._changed()
        self._report_saved(row)

    def _report_saved(self, row: Row[Any]) -> None:
        """Tell whoever holds the form, and the others about this customer: it was nobody else."""
        self.on_saved(row)
        for other in _open.copy() - {self}:  # in one step: a cell may make a form meanwhile
            if other._clover is self._clover and other.state.customer_id == row["id"]:
                other.follow_record(row)

    def follow_record(self, row: Row[Any]) -> None:
        """Go on with the record as another form has left it, and with what is typed here."""
        if self._runner.is_writing:
            self._overtaken_by = row
            return
        if self.state.list_texts() and not self.panel.status:
            self.panel.say("info", _AGAIN)
        self.state.choose_customer(row)
        self._changed()

    def _show_token(self) -> None:
        card = self.state.card
        self.locked = bool(card.token)  # a second click makes no second token
        words = f"{card.brand or 'Card'} •••• {card.last4 or '????'}: the token is ready."
        self.panel.say(*(("done", words) if card.token else ("warning", _CHANGED)))

    def _undo_change(self, undo: Callable[[], ActionResult]) -> None:
        inputs = self.state.inputs
        if PRODUCTION in self.state.confirmations and inputs.values[PRODUCTION] != TICKED:
            inputs.messages[PRODUCTION] = FieldMessage("error", "Please tick this first.")
            self._focus_input(PRODUCTION)
            return
        sent = dict(inputs.values)
        self._write(
            "undo",
            undo,
            lambda result: self._show_saved(result, "Undone", sent),
            "Undoing…",
        )

    def cancel_edits(self) -> None:
        """Put the inputs back as they were; this can be undone, but for a token."""
        if self._runner.is_writing:
            return
        if not self.state.has_changed:
            self.on_cancelled()
            return
        typed, row = self.state.list_texts(), self.state.row
        self._runner.drop_reads()
        self.state.fill_inputs(self.state.last_row, {})
        self.state.clear_card()
        self.panel.clear()
        self.panel.say("info", "Cancelled: nothing was sent.")
        if typed:
            self.panel.add_action("restore", "Undo", lambda: self._restore(typed, row))
        self._changed()

    def _reload_customer(self) -> None:
        """Go on with the record as it is now, and with what was typed."""

        def show(row: Row[Any]) -> None:
            self.choose_customer(row)
            self.panel.clear()
            self.locked = False
            words = "This is the record as it is now, with what you typed. Look, and save again."
            self.panel.say("info", words)

        self.read_customer("reload", self.state.customer_id, show, "Reading…")

    def _look_up_email(self, email: str) -> None:
        """Whether a customer was created whose answer was lost."""

        def show(found: tuple[tuple[str, str], ...]) -> None:
            words = "Nobody has this address: it was not saved, and can be sent again."
            if found:
                words = "There is a customer with this address: is it the new one?"
            self.panel.say("info", words)
            self.panel.offer_customers(found, self.on_open)

        self._read(
            "look", lambda: actions.list_customers_with(self._clover, email), show, "Looking…"
        )

    def use_test_card(self) -> None:
        """Fill in the token of the test card that is chosen."""
        card = constants.TEST_CARDS[self.state.inputs.values["test_card"]]
        self.state.inputs.values["way"] = PASTE

        def fill(token: Secret) -> None:
            self.state.pasted = token
            self.apply_edits({"source"})

        self._read("test_card", lambda: actions.make_test_token(self._clover, card), fill)

    # -- what is wrong -----------------------------------------------------------------------------

    def _summarize_errors(self, errors: Mapping[str, CloverError]) -> None:
        names = [name for name in self.state.list_inputs() if name in errors]
        self.panel.say("error", messages.summarize_errors(list(map(self.state.label_of, names))))
        self._focus_input(names[0])

    def show_failure(self, failure: TaskFailure) -> None:
        """Tell why a task has no result."""
        error, task = failure.error, self.task
        self.panel.say("info", "")
        overtaking, self._overtaken_by = self._overtaken_by, None
        if overtaking is not None:
            self.state.choose_customer(overtaking)
        if overtaking is not None and task == "submit" and isinstance(error, _NotSaved):
            self.panel.say("warning", _OVERTAKEN)
        elif isinstance(error, ConfirmationRequired):
            self._show_warnings(error)
        elif task in ("find", "test_card") and isinstance(error, CloverError):
            self._show_field_error("customer" if task == "find" else "source", error)
        elif isinstance(error, _NotSaved):
            self._show_conflict(error)
        elif isinstance(error, CloverError):
            self._show_error(error)
        else:
            self.panel.say("error", messages.describe_failure(failure))
        self._changed()

    def _show_conflict(self, error: _NotSaved) -> None:
        self.panel.conflict = rendering.render_conflict(error.conflict.changes)
        by_whom = error.author and Markup(f"Not saved. {error.author}")
        self.panel.say("error", by_whom or messages.describe_error(error.conflict))
        self._offer_reload()

    def _offer_reload(self) -> None:
        self.panel.add_action("reload", "Reload, keep my edits", self._reload_customer)

    def _show_warnings(self, required: ConfirmationRequired) -> None:
        self.state.warned = self.state.read_warned()
        for each in required.warnings:
            self.state.inputs.messages[each.field] = FieldMessage("warning", each.message)
            self.panel.offer_customers(each.customers, self.on_open)
        self.panel.say("warning", "Not sent yet. Fix it, or tick to save anyway.")

    def _show_field_error(self, name: str, error: CloverError) -> None:
        words = messages.describe_field_error(error, self.state.label_of(name))
        self.state.inputs.messages[name] = FieldMessage("error", words)

    def _show_error(self, error: CloverError) -> None:
        """Show an error beside what it is about, or else beside the button."""
        words, row = messages.describe_error(error), self.state.row
        if error.field in self.state.spec.fields or error.field == "source":
            name = str(error.field)
            self._show_field_error(name, error)
            words = f"Not saved: {self.state.label_of(name)} needs attention."
            self._focus_input(name)
        self.panel.say("error", words, messages.request_id(error))
        if row is not None and isinstance(error, OutcomeUnknownError):
            self._offer_reload()
        elif isinstance(error, OutcomeUnknownError):
            email = self.state.read_values()["email"]
            self.panel.add_action(
                "look", "Look the customer up", lambda: self._look_up_email(email)
            )
        elif row is not None and isinstance(error, PartialChangeError):
            self.read_customer("reload", row["id"], self._show_partial)

    def _show_partial(self, row: Row[Any]) -> None:
        self.choose_customer(row)
        self.state.clear_card()
        self._changed()
        self._report_saved(row)

    def _focus_input(self, name: str) -> None:
        self._send({"do": "focus", "name": name, "seen": dict(self.state.inputs.seen)})


_open: Final[set[FormWork]] = set()  # the work of the forms that are open
