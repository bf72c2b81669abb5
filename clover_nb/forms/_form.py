"""A form: fields, what will change, a button, and what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import pandas as pd
from ipywidgets import HTML, Button, Dropdown, HBox, VBox, Widget
from traitlets import TraitError

from clover_nb.client import Clover
from clover_nb.errors import (
    CloverError,
    EditConflictError,
    OutcomeUnknownError,
    PartialChangeError,
    ValidationError,
)
from clover_nb.forms import _text
from clover_nb.forms._field import Field
from clover_nb.forms._job import Job, Typed
from clover_nb.forms._keys import Keys
from clover_nb.forms._outcome import Outcome
from clover_nb.forms._parts import Tick
from clover_nb.forms._picker import Picker
from clover_nb.forms._static import Static
from clover_nb.forms._token import TokenEntry
from clover_nb.forms._work import Work
from clover_nb.forms.actions import Done, Doubtful

Row = pd.Series
_UNEXPECTED: Final = (
    "Something unexpected went wrong, so it is not known whether this was done. Look the customer "
    "up before you try again."
)


class Form(Static, VBox):
    """A form for one kind of change. Made by the functions of :mod:`clover_nb.forms`.

    Attributes:
        fields: The fields, by the names that errors use.
        ticks: What must be agreed to, by the same kind of names.
        row: The customer as the last change left it, or ``None``.
        picker: What chooses the customer, where the form does.
        token: What holds the card token, where the form has one.
        button: The button that submits.
        preview: What will change, above it.
        overrule: The tick that lets a doubt pass, when there is one.
        status: What happened, beside the button.
        outcome: What can be done about it, and the changed customer.
        on_open: What leads to a customer by its id; can be set.
        on_saved: What hears of each changed customer; can be set.
    """

    def __init__(
        self,
        clover: Clover,
        job: Job,
        parts: Sequence[Widget],
        *,
        fields: Mapping[str, Field],
        picker: Picker | None = None,
        token: TokenEntry | None = None,
        choices: Mapping[str, Dropdown] | None = None,
    ) -> None:
        """Lay the form out.

        Args:
            clover: The connection.
            job: What it is for.
            parts: What stands between the heading and the button, from top to bottom.
            fields: The fields in it, by the names that errors use; those of ``picker`` and
                ``token`` come by themselves, as ``"customer"`` and ``"source"``.
            picker: Chooses the customer; Enter in it finds instead of submits.
            token: Holds the card token.
            choices: Inputs that offer a choice, by such names.
        """
        self.picker, self.token, self._choices = picker, token, dict(choices or {})
        self.fields: dict[str, Field | TokenEntry] = dict(fields)
        if token is not None:
            self.fields["source"] = token
        if picker is not None:
            self.fields["customer"] = picker.field
            picker.on_pick(self._picked)
            picker.on_forget(self._show_changes)
        self.row: Row[Any] | None = None
        self._clover, self._job = clover, job
        self._shown = {name: each.value for name, each in self.fields.items()}
        self._sure_of: Typed | None = None  # what was doubtful; another card ends it by itself
        ticks = dict(job.ticks)
        if clover.environment == "production":
            ticks["production"] = "I mean to change a real customer"
        self.ticks = {name: Tick(sentence, self._unlock) for name, sentence in ticks.items()}
        self.overrule = Tick("I have looked at it, and mean it", self._unlock)
        self.overrule.layout.display = "none"
        self.button = Button(description=job.submit, button_style="primary")
        self._work = Work(self.button, job.busy)
        self.preview, self.status = HTML(), HTML().add_class("clover-live")
        self.outcome = Outcome(self._lead_to)
        self.on_open: Callable[[str], object] = self._open
        self.on_saved: Callable[[Row[Any]], object] = lambda _: None
        self._listen()
        buttons = [self.button, self.outcome.undo.button, self.status]
        super().__init__(
            [
                HTML(_text.heading(job.title, clover.environment)),
                Keys(self.cancel),
                *parts,
                *self.ticks.values(),
                self.preview,
                self.overrule,
                HBox(buttons).add_class("clover-actions"),
                self.outcome,
            ],
            static=f"{job.title}: run this cell to use the form.",
        )
        self.add_class("clover-form")

    def _listen(self) -> None:
        self.button.on_click(lambda _: self.submit())
        for name, each in self.fields.items():
            each.on_cancel(self.cancel)
            if name != "customer":
                each.on_submit(self.submit)
                each.on_edit(self.edited)
        for choice in self._choices.values():
            choice.observe(lambda _: self.edited(), "value")

    @property
    def typed(self) -> Typed:
        """What was typed and chosen, by name."""
        held: dict[str, Field | TokenEntry | Dropdown] = {**self.fields, **self._choices}
        return {name: each.value for name, each in held.items() if name != "customer"}

    @property
    def dirty(self) -> bool:
        """Whether something was typed that isn't saved."""
        if self.token is not None and self.token.begun:
            return True
        return any(
            each.value != self._shown.get(name, "")
            for name, each in self.fields.items()
            if name != "customer"
        )

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self._work.busy

    @property
    def _customer(self) -> Row[Any] | None:
        return None if self.picker is None else self.picker.row

    # -- what the person does ------------------------------------------------------------------

    def submit(self) -> threading.Thread | None:
        """Check what was typed and, when nothing is wrong, do the change in a thread.

        Returns:
            The thread, to wait for; ``None`` when something is wrong or work is under way.
        """
        if self.button.disabled or not self._sound():
            return None
        row, typed = self._customer, self.typed
        sure = self.overrule.value and self._sure_of == {**typed, "source": ""}
        return self._work.start(lambda: self._change(row, typed, sure))

    def edited(self) -> None:
        """Something was edited, so that there is something to submit again."""
        self._unlock()
        self._sure_of = None
        self.overrule.value = False
        self.overrule.layout.display = "none"
        self.outcome.undo.make(None)
        self._show_changes()

    def cancel(self) -> None:
        """Put the fields back as they were; this can be undone, but for a token."""
        if self._work.busy or not self.dirty:
            return
        typed = {
            name: each.value
            for name, each in self.fields.items()
            if name != "customer" and each.kind != "secret"
        }
        self._reset()
        self.status.value = _text.note("info", "Cancelled: nothing was sent.")
        self.outcome.undo.make(lambda: self._restore(typed))

    def _restore(self, typed: Typed) -> bool:
        for name, value in typed.items():
            self.fields[name].value = value
        self._clear_messages()
        self.edited()
        return True

    def _reset(self) -> None:
        self._clear_messages()
        for name, each in self.fields.items():
            if each.kind == "secret":
                each.clear()
            elif name != "customer":
                each.value = self._shown.get(name, "")
        self.edited()

    def _unlock(self) -> None:
        self._work.ready()

    def _picked(self, row: Row[Any]) -> None:
        """Show a customer's values, as they are before anything is typed."""
        self._shown = {**dict.fromkeys(self.fields, ""), **self._job.shown(row)}
        self.outcome.clear()
        self._reset()

    def _lead_to(self, key: str) -> None:
        self.on_open(key)

    def _open(self, key: str) -> None:
        with suppress(CloverError):  # it was there a moment ago
            self.outcome.show_row(self._clover.customers.retrieve(key))

    # -- the change ------------------------------------------------------------------------------

    def _sound(self) -> bool:
        self._clear_messages()
        row = self._customer
        if self.picker is not None and row is None:
            self._tell(ValidationError("Find the customer first.", field="customer"))
            return False
        found = dict(self._job.problems(row, self.typed))
        for name, tick in self.ticks.items():
            if not tick.value:
                found[name] = ValidationError("Please tick this first.", field=name)
        token = self.token
        if token is not None and token.typing and (token.begun or found.keys() <= {"source"}):
            found.pop("source", None)  # its fields tell, when the token is made
        for problem in found.values():
            self._tell(problem)
        return not found

    def _change(self, row: Row[Any] | None, typed: Typed, sure: bool) -> bool:  # noqa: FBT001  of a thread
        self.status.value = _text.note("busy", "Sending to Clover…")
        try:
            if self.token is not None:
                typed = {**typed, "source": self.token.obtain()}
            done = self._job.act(row, typed, sure)
        except Doubtful as doubtful:
            self._doubt(typed, doubtful)
        except CloverError as error:
            self._clear_messages()
            self._tell(error)
        except Exception:
            self.status.value = _text.note("error", _UNEXPECTED)
            raise
        else:
            return self._done(done, self._job.done, typed)
        return True

    def _doubt(self, typed: Typed, doubtful: Doubtful) -> None:
        self._sure_of = {**typed, "source": ""}
        for doubt in doubtful.doubts:
            self.fields[doubt.field].tone = "warning"
            self.fields[doubt.field].message = doubt.message
        self.outcome.show_links(each for doubt in doubtful.doubts for each in doubt.customers)
        self.overrule.value = False
        self.overrule.layout.display = None
        told = "Not sent yet. Mend it, or tick that you mean it, and press the button again."
        self.status.value = _text.note("warning", told)

    def _done(self, done: Done, word: str, sent: Typed) -> bool:
        """Show the changed customer, and keep what was typed since it was sent."""
        since = {name: value for name, value in self.typed.items() if value != sent[name]}
        row = self.row = done.row
        for tick in self.ticks.values():
            tick.value = False
        if self.picker is None:
            self._reset()
        else:
            self.picker.show(row)
        for name in since.keys() & self.fields.keys():
            if name != "source" or since[name]:  # a card that was typed leaves nothing to restore
                self.fields[name].value = since[name]
        self.button.disabled = not since  # a double click must not do it twice
        self.preview.value = ""
        told = f"{word}: {row['name'] or row['email'] or row['id']}"
        self.status.value = _text.note("done", f"{told}. {done.note}" if done.note else told)
        self.outcome.show_row(row)
        undo = done.undo
        self.outcome.undo.make(undo and (lambda: self._undo(undo)))
        self.on_saved(row)
        return bool(since)

    def _undo(self, undo: Callable[[], Done]) -> bool:
        self.status.value = _text.note("busy", "Taking it back…")
        try:
            done = undo()
        except CloverError as error:
            self._tell(error)
        else:
            self._done(done, "Taken back", self.typed)
        return True

    def _reload(self) -> bool:
        """Go on with the record as it is now, and with what was typed."""
        typed, shown = self.typed, self._shown
        try:
            self._read_again()
        except CloverError as error:
            self._tell(error)
            return True
        for name, value in typed.items():
            if name in self.fields and value != shown.get(name, ""):
                self.fields[name].value = value
            elif name in self._choices:
                with suppress(TraitError):  # the card that was chosen is gone
                    self._choices[name].value = value
        self.edited()
        told = "This is the record as it is now, with what you typed. Look, and save again."
        self.status.value = _text.note("info", told)
        return True

    # -- what is said --------------------------------------------------------------------------

    def _show_changes(self) -> None:
        row = self._customer
        labels = {name: each.label for name, each in self.fields.items()}
        typed = self.typed
        if self.token is not None:
            typed["source"] = "a new card" if self.token.begun else ""
        known = self.picker is None or row is not None
        changes = self._job.changes(row, typed) if known else ()
        self.preview.value = _text.differences(changes, labels)

    def _clear_messages(self) -> None:
        for each in self.fields.values():
            each.message, each.tone = "", "error"
        for tick in self.ticks.values():
            tick.message = ""
        self.status.value = ""
        self.outcome.clear()

    def _tell(self, problem: CloverError) -> None:
        """Show a problem beside what it is about, or else beside the button."""
        name = problem.field or ""
        told = _text.in_a_form(problem)
        if isinstance(problem, EditConflictError):
            self.outcome.show_conflict(problem)
        elif name in self.fields:
            self.fields[name].message = _text.told(problem, self.fields[name].label)
            told = "Not saved." if problem.request_id else ""
        elif name in self.ticks:
            self.ticks[name].message, told = problem.message, ""
        if told:
            self.status.value = _text.note("error", told, problem.request_id)
        if self._customer is not None and isinstance(
            problem, EditConflictError | OutcomeUnknownError
        ):
            self.outcome.reload.make(self._reload)
        if isinstance(problem, PartialChangeError):
            with suppress(CloverError):
                self.on_saved(self._read_again())
            why = problem.__cause__
            asked = why.request_id if isinstance(why, CloverError) else None
            self.status.value = _text.note("error", told, asked)

    def _read_again(self) -> Row[Any]:
        """Show the customer as it is now."""
        assert self.picker is not None  # noqa: S101  asked where a customer was changed
        assert self.picker.row is not None  # noqa: S101  as above
        row = self._clover.customers.retrieve(self.picker.row["id"])
        self.picker.show(row)
        return row
