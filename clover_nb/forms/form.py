"""A form: one widget that draws what a :class:`FormSpec` declares, checks it, and does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final

import pandas as pd
from traitlets import Bool, Dict, Unicode

from clover_nb import constants
from clover_nb.client import Clover
from clover_nb.errors import (
    CloverError,
    EditConflictError,
    OutcomeUnknownError,
    PartialChangeError,
    ValidationError,
)
from clover_nb.forms import actions, messages, rendering
from clover_nb.forms import customer_picker as picker
from clover_nb.forms.actions import Done, Doubtful
from clover_nb.forms.assets import SharedWidget
from clover_nb.forms.card_fields import wait_for_token
from clover_nb.forms.cells import close_on_rerun
from clover_nb.forms.customer_picker import CustomerPicker
from clover_nb.forms.inputs import TICKED, Inputs, Note
from clover_nb.forms.rendering import Markup
from clover_nb.forms.result_panel import ResultPanel
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.spec import FormSpec, Row
from clover_nb.forms.token_input import ECOMIND, INITIAL, PASTE, TYPE, TokenInput, offered_cards
from clover_nb.masking import Secret

LIVE: Final = "production"  # the confirmation that production asks for
_SURE: Final = "sure"  # the box that lets a doubt pass
_STICKY: Final[tuple[str, ...]] = ("customer", "way", "test_card")  # no statement about a customer
_NOT_TYPED: Final = (*_STICKY, _SURE)
_CHANGED: Final = "The card was changed while a token was made of it. Make one of what it is now."
_LIVE_WORDS: Final = "This changes live data"


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
    doubtful = Bool().tag(sync=True)
    has_token = Bool().tag(sync=True)

    def __init__(
        self,
        clover: Clover,
        spec: FormSpec,
        *,
        row: Row[Any] | None = None,
        asks: bool = True,
        values: Mapping[str, str] | None = None,
        static: str = "",
    ) -> None:
        """Make it.

        Args:
            clover: The connection.
            spec: What it is for.
            row: The customer that it is about.
            asks: Whether a person chooses the customer here; else :meth:`show` does.
            values: What the inputs hold besides.
            static: What stands for it where it can't run; left out, a sentence with its title.
        """
        self.row: Row[Any] | None = None
        self.on_saved: Callable[[Row[Any]], object] = lambda _: None
        self.on_open: Callable[[str], object] = self._look_at
        self.on_switch: Callable[[FormSpec, Mapping[str, str]], object] = self.become
        self.on_released: Callable[[], object] = lambda: None
        self.on_cancelled: Callable[[], object] = lambda: None
        self._clover, self._asks = clover, asks
        self._runner = TaskRunner(self._failed)
        self._token = TokenInput(clover, self._send_to_card)
        self._picker, self._panel = CustomerPicker(), ResultPanel()
        self._task = ""
        self._doubts: dict[str, str] | None = None  # the values that were doubtful
        self._home: FormSpec | None = None  # what this form was before it became another
        self._adopt(spec)
        super().__init__(static=static or f"{spec.title}: run this cell to use the form.")
        if row is not None:
            self._choose(row)
        self._inputs.values |= values or {}
        self._draw()
        self.on_msg(lambda _, content, __: self.receive(content))
        close_on_rerun(self.close)

    # -- for whoever holds the form ----------------------------------------------------------------

    @property
    def customer(self) -> Row[Any] | None:
        """The customer that it is about, as it was read last."""
        return self._picker.row

    @property
    def has_changed(self) -> bool:
        """Whether something was typed, ticked or chosen that isn't saved."""
        return bool(self._inputs.changed(_NOT_TYPED)) or self._token.has_input

    @property
    def is_busy(self) -> bool:
        """Whether a change is under way."""
        return self._runner.is_writing

    @property
    def token(self) -> Secret:
        """The card token; it prints masked. Empty until one was made of what is typed."""
        return self._token.token(self._inputs.values.get("way", TYPE))

    @property
    def brand(self) -> str | None:
        """The card's brand, such as ``"VISA"``, once there is a token and Clover tells."""
        return self._token.card.brand

    @property
    def last4(self) -> str | None:
        """The last four digits of the card's number, once there is a token and Clover tells."""
        return self._token.card.last4

    def show(self, row: Row[Any]) -> bool:
        """Be about this customer, unless that would lose what is typed or under way.

        Returns:
            Whether the form is about this customer now.
        """
        is_same = self._picker.customer_id == str(row["id"])
        if self.is_busy or (self.has_changed and not is_same):
            return is_same
        self._choose(row)
        self._draw()
        return True

    def drop_statements(self) -> None:
        """Forget what the person agreed to and the card that was typed, but not the texts."""
        names = {*self._confirmations, _SURE, "way", "ecomind"} & self._inputs.values.keys()
        self._inputs.values |= {name: self._inputs.initial[name] for name in names}
        self._doubts = None
        self._token.clear()
        self._draw()

    def become(self, spec: FormSpec, values: Mapping[str, str]) -> None:
        """Be another form about the same customer, with a way back."""
        row, self._home = self._picker.row, self._home or self._spec
        back = self._home if self._home is not spec else None
        self._adopt(spec)
        if row is not None:
            self._choose(row)
        self._inputs.values |= values
        if back is not None:
            self._panel.offer("back", "Back", lambda: self.become(back, {}))
        self._draw()

    def receive(self, content: Mapping[str, Any]) -> None:
        """Take a message of the browser."""
        self._runner.handle(self._receive, content)

    def close(self) -> None:
        """Close the widget and drop what is under way."""
        self._runner.stop()
        self._token.card.close()
        super().close()

    # -- messages ----------------------------------------------------------------------------------

    def _receive(self, content: Mapping[str, Any]) -> None:
        handlers: dict[str, Callable[[Mapping[str, Any]], object]] = {
            "edit": lambda _: None,
            "leave": lambda message: self._left(message["name"]),
            "submit": self._submit,
            "cancel": lambda _: self.cancel(),
            "find": lambda _: self._find(),
            "pick": lambda message: self._read("find", message["id"], self._found),
            "press": lambda message: self._press(message["key"]),
            "test_card": lambda _: self._use_test_card(),
            "card": lambda message: self._hear_card(message["card"]),
        }
        self._take(content)
        handlers[content["do"]](content)
        self._draw()

    def _take(self, content: Mapping[str, Any]) -> None:
        """Take the edits that every message brings along."""
        changed = self._inputs.take(content["edits"], content["view"], content["number"])
        if "source" in content:
            self._token.pasted = Secret("".join(content["source"]).strip())
            changed.add("source")
        if changed:
            self._edited(changed)

    def _edited(self, names: set[str]) -> None:
        inputs = self._inputs
        if "customer" in names:
            self._picker.forget()
            self._runner.drop_reads()
        if "way" in names:
            inputs.initial["ecomind"] = inputs.values["ecomind"] = ECOMIND[inputs.values["way"]]
        if not names <= {*self._confirmations, _SURE}:
            if "source" in names and self.locked:
                self._panel.clear()  # the card that it is about is another now
            self.locked = False
            self._doubts = None
            inputs.values[_SURE] = ""
            inputs.told.pop("source", None)
            self._panel.withdraw("undo", "restore")

    def _hear_card(self, content: Mapping[str, Any]) -> None:
        if self._token.card.receive(content):
            self._edited({"source"})

    def _left(self, name: str) -> None:
        """An input was left: what is wrong with what was typed into it is said from now on."""
        if name in self._inputs.changed() or (name == "source" and self._token.pasted):
            self._inputs.touched.add(name)

    def _press(self, key: str) -> None:
        if not self._runner.is_writing:
            self._panel.press(key)

    # -- who it is about ---------------------------------------------------------------------------

    def _find(self) -> None:
        text = self._inputs.values["customer"].strip()
        self._picker.forget()
        self._inputs.told.pop("customer", None)
        self._begin("find")
        self._runner.read(lambda: picker.find(self._clover, text), self._found)

    def _read(
        self, task: str, customer_id: str, apply: Callable[[Row[Any]], object], words: str = ""
    ) -> None:
        self._begin(task, words)
        self._runner.read(lambda: self._clover.customers.retrieve(customer_id), apply)

    def _found(self, found: Row[Any] | pd.DataFrame) -> None:
        if isinstance(found, pd.DataFrame):
            self._picker.offer(found)
            words = f"{len(found)} customers have this address: choose one."
            self._inputs.told["customer"] = Note("info", words)
        else:
            self._choose(found)
        self._draw()

    def _choose(self, row: Row[Any]) -> None:
        """Be about this customer. What was typed about another one ends here."""
        typed = self._inputs.changed(_NOT_TYPED)
        before = self._picker.last
        if self._picker.choose(row):
            self._fill(self._spec.initial(row), typed)
            return
        self._inputs.values["customer"] = self._inputs.values["customer"] or str(row["id"])
        set_aside = self._without_statements(typed)
        self._fill(self._spec.initial(row), {})
        self._token.clear()
        self._panel.clear()
        if before is not None and set_aside:
            name = rendering.render_name(before)
            self._panel.say("warning", Markup(f"What you typed about {name} was put aside."))
            self._panel.offer("restore", "Bring it back", lambda: self._restore(set_aside, before))

    def _fill(self, initial: Mapping[str, str], keep: Mapping[str, str]) -> None:
        sticky = {name: self._inputs.values[name] for name in _STICKY if name in self._blank}
        initial = {**self._blank, **initial, **sticky}
        if "way" in sticky:
            initial["ecomind"] = ECOMIND[sticky["way"]]
        options = self._options()
        kept = {
            name: text
            for name, text in keep.items()
            if name not in options or any(text == value for value, _ in options[name])
        }
        self._inputs.reset(initial, kept)
        self._doubts = None

    def _restore(self, typed: Mapping[str, str], row: Row[Any] | None) -> None:
        """Bring back what was cancelled or put aside."""
        if row is not None and row["id"] != self._picker.customer_id:
            self._inputs.values["customer"] = str(row["id"])
            self._choose(row)
        self._panel.clear()
        self._inputs.values |= typed

    def _without_statements(self, typed: Mapping[str, str]) -> dict[str, str]:
        """What can be brought back: a person who agrees to something does so each time."""
        return {n: text for n, text in typed.items() if n not in (*self._confirmations, "ecomind")}

    def _look_at(self, customer_id: str) -> None:
        self._read("look", customer_id, self._looked)

    def _looked(self, row: Row[Any]) -> None:
        self._panel.show_row(row)
        self._draw()

    # -- sending -----------------------------------------------------------------------------------

    def _submit(self, message: Mapping[str, Any]) -> None:
        if self._runner.is_writing or self.locked or self._read_only:
            return
        if message["texts"] != self._inputs.values or message["about"] != self._picker.customer_id:
            words = "Nothing was sent: the form has just changed. Look, and press again."
            self._panel.say("warning", words)
            return
        self._runner.drop_reads()
        self._panel.clear()
        inputs = self._inputs
        inputs.told.clear()
        inputs.touched |= inputs.values.keys() | {"source"}
        if problems := self._problems():
            self._summarize(problems)
            return
        row, typed, sent = self._picker.row, self._typed(), dict(inputs.values)
        sure = inputs.values[_SURE] == TICKED and self._doubts == self._compared()
        try:
            answer = self._token.request_token(sent["way"]) if self._spec.takes_card else None
        except CloverError as error:
            self._tell(error)
            return
        self._begin("submit", "Sending to Clover…")
        self._runner.write(
            lambda: self._change(row, typed, answer, sure=sure),
            lambda done: self._saved(done, self._spec.done, sent),
        )

    def _change(
        self,
        row: Row[Any] | None,
        typed: dict[str, str],
        answer: Future[Secret] | None,
        *,
        sure: bool,
    ) -> Done:
        if answer is not None:
            typed["source"] = wait_for_token(answer)
        return self._spec.submit(self._clover, row, typed, sure)

    def _saved(self, done: Done, word: str, sent: Mapping[str, str]) -> None:
        """Show the changed customer, and keep what was typed since it was sent."""
        since = {n: text for n, text in self._inputs.values.items() if text != sent[n]}
        row = self.row = done.row
        if row is None:
            self._made_token()
            return
        about = row if self._spec.about_customer else None
        if about is not None:
            self._picker.choose(about)
        self._fill(self._spec.initial(about), since)
        self._token.clear()
        self.locked = not since
        name = rendering.render_name(row)
        self._panel.clear()
        self._panel.say("done", Markup(f"{word}: {name}{'. ' if done.note else ''}{done.note}"))
        self._panel.show_row(row)
        if undo := done.undo:
            self._panel.offer("undo", "Undo", lambda: self._undo(undo))
        if follow_up := self._spec.follow_up(done):
            label, spec, values = follow_up
            self._panel.offer("follow", label, lambda: self.on_switch(spec, values))
        self._draw()
        self.on_saved(row)
        self._release()

    def _made_token(self) -> None:
        card = self._token.card
        self.locked = bool(self.token)  # a second click makes no second token
        words = f"{card.brand or 'Card'} •••• {card.last4 or '????'}: the token is ready."
        self._panel.say(*(("done", words) if self.token else ("warning", _CHANGED)))
        self._draw()

    def _undo(self, undo: Callable[[], Done]) -> None:
        if LIVE in self._confirmations and self._inputs.values[LIVE] != TICKED:
            self._inputs.told[LIVE] = Note("error", "Please tick this first.")
            self._focus(LIVE)
            return
        sent = dict(self._inputs.values)
        self._begin("undo", "Undoing…")
        self._runner.write(undo, lambda done: self._saved(done, "Undone", sent))

    def cancel(self) -> None:
        """Put the inputs back as they were; this can be undone, but for a token."""
        if self._runner.is_writing:
            return
        if not self.has_changed:
            self.on_cancelled()
            return
        typed = self._without_statements(self._inputs.changed(_NOT_TYPED))
        row = self._picker.row
        self._runner.drop_reads()
        self._fill(self._inputs.initial, {})
        self._token.clear()
        self._panel.clear()
        self._panel.say("info", "Cancelled: nothing was sent.")
        if typed:
            self._panel.offer("restore", "Undo", lambda: self._restore(typed, row))
        self._release()

    def _release(self) -> None:
        if not self.has_changed and not self.is_busy:
            self.on_released()

    def _reload(self) -> None:
        """Go on with the record as it is now, and with what was typed."""
        self._read("reload", self._picker.customer_id, self._reloaded, "Reading…")

    def _reloaded(self, row: Row[Any]) -> None:
        self._choose(row)
        self._panel.clear()
        self.locked = False
        words = "This is the record as it is now, with what you typed. Look, and save again."
        self._panel.say("info", words)
        self._draw()

    def _look_up(self, email: str) -> None:
        """Whether a customer was created whose answer was lost."""
        self._begin("look", "Looking…")
        self._runner.read(lambda: actions.customers_with(self._clover, email), self._looked_up)

    def _looked_up(self, found: tuple[tuple[str, str], ...]) -> None:
        if found:
            self._panel.say("info", "There is a customer with this address: is it the new one?")
            self._panel.offer_customers(found, self.on_open)
        else:
            words = "Nobody has this address: it was not saved, and can be sent again."
            self._panel.say("info", words)
        self._draw()

    def _use_test_card(self) -> None:
        card = constants.TEST_CARDS[self._inputs.values["test_card"]]
        self._inputs.values["way"] = PASTE
        self._begin("test_card")
        self._runner.read(lambda: actions.make_test_token(self._clover, card), self._fill_token)

    def _fill_token(self, token: Secret) -> None:
        self._token.pasted = token
        self._edited({"source"})
        self._draw()

    # -- what is wrong -----------------------------------------------------------------------------

    def _problems(self) -> dict[str, CloverError]:
        """What is wrong, by input; before there is a customer, only that there is none."""
        row, values = self._picker.row, self._inputs.values
        if self._spec.about_customer and row is None:
            return {"customer": ValidationError("Find the customer first.", field="customer")}
        found = dict(self._spec.validate(row, self._typed()))
        for name in self._confirmations:
            if values[name] != TICKED:
                found[name] = ValidationError("Please tick this first.", field=name)
        types_card = self._spec.takes_card and values["way"] == TYPE
        if types_card and (self._token.card.has_input or found.keys() <= {"source"}):
            found.pop("source", None)  # its fields tell, when the token is made
        return found

    def _summarize(self, problems: Mapping[str, CloverError]) -> None:
        order = [name for name in ("customer", "source", *self._inputs.values) if name in problems]
        self._panel.say("error", messages.summarize([self._label(name) for name in order]))
        self._focus(order[0])

    def _failed(self, failure: TaskFailure) -> None:
        """Tell why a task has no result."""
        error, task = failure.error, self._task
        self._panel.say("info", "")
        if isinstance(error, Doubtful):
            self._doubt(error)
        elif task in ("find", "test_card") and isinstance(error, CloverError):
            name = "customer" if task == "find" else "source"
            words = messages.describe_field_error(error, self._label(name))
            self._inputs.told[name] = Note("error", words)
        elif isinstance(error, CloverError):
            self._tell(error)
        else:
            self._panel.say("error", messages.describe_failure(failure))
        self._draw()

    def _doubt(self, doubtful: Doubtful) -> None:
        self._doubts = self._compared()
        for doubt in doubtful.doubts:
            self._inputs.told[doubt.field] = Note("warning", doubt.message)
        customers = [each for doubt in doubtful.doubts for each in doubt.customers]
        self._panel.offer_customers(customers, self.on_open)
        self._panel.say("warning", "Not sent yet. Fix it, or tick to save anyway.")

    def _tell(self, error: CloverError) -> None:
        """Show an error beside what it is about, or else beside the button."""
        words = messages.describe_error(error)
        if isinstance(error, EditConflictError):
            self._panel.show_conflict(error)
        elif error.field in self._spec.fields or error.field == "source":
            name = str(error.field)
            text = messages.describe_field_error(error, self._label(name))
            self._inputs.told[name] = Note("error", text)
            words = f"Not saved: {self._label(name)} needs attention."
            self._focus(name)
        self._panel.say("error", words, messages.request_id(error))
        row = self._picker.row
        if row is not None and isinstance(error, EditConflictError | OutcomeUnknownError):
            self._panel.offer("reload", "Reload, keep my edits", self._reload)
        elif isinstance(error, OutcomeUnknownError):
            email = self._typed()["email"]
            self._panel.offer("look", "Look the customer up", lambda: self._look_up(email))
        elif row is not None and isinstance(error, PartialChangeError):
            customer_id = row["id"]
            self._runner.read(
                lambda: self._clover.customers.retrieve(customer_id), self._partly_saved
            )

    def _partly_saved(self, row: Row[Any]) -> None:
        self._choose(row)
        self._token.clear()
        self._draw()
        self.on_saved(row)

    # -- drawing -----------------------------------------------------------------------------------

    @property
    def _read_only(self) -> str:
        return messages.describe_read_only(self._clover.settings)

    @property
    def _confirmations(self) -> dict[str, str]:
        live = {LIVE: _LIVE_WORDS} if self._clover.environment == "production" else {}
        return {**self._spec.confirmations, **live}

    def _adopt(self, spec: FormSpec) -> None:
        """Be the form that a spec declares, with nothing typed."""
        self._spec = spec
        self._panel.clear()
        self._token.clear()
        names = ["customer", *spec.fields, *self._confirmations, _SURE]
        self._blank = dict.fromkeys(names, "") | (INITIAL if spec.takes_card else {})
        self._inputs = Inputs({**self._blank, **spec.initial(None)})
        self._picker.last = None
        self.locked = False

    def _draw(self) -> None:
        """Let the widget show what is so; what hasn't changed is not sent."""
        busy = self._runner.is_writing or self._runner.is_reading
        with self.hold_sync():
            self.spec = self._drawing()
            self.arranged = dict(self._spec.arrange(self._typed()))
            self.values = self._inputs.state()
            self.errors = self._shown_errors()
            self.choices = {"customer": self._picker.options, **self._options()}
            self.hints = dict(self._spec.hints(self._picker.row))
            self.about = self._picker.customer_id
            self.who = (
                "" if self._picker.row is None else rendering.render_identity(self._picker.row)
            )
            self.preview = self._preview()
            self.status, self.outcome = self._panel.status, self._panel.state()
            self.busy = self._task if busy else ""
            self.doubtful = self._doubts is not None
            self.has_token = bool(self._token.pasted)

    def _drawing(self) -> dict[str, Any]:
        spec = self._spec
        sections = [
            {
                "title": section.title,
                "card": section.card,
                "fields": [vars(each) for each in section.fields],
            }
            for section in spec.sections
        ]
        return {
            "heading": rendering.render_heading(spec.title, self._clover.settings),
            "asks": self._asks and spec.about_customer,
            "about": spec.about_customer,
            "sections": sections,
            "confirmations": list(self._confirmations.items()),
            "submit": spec.submit_label,
            "busy": spec.busy_label,
            "readOnly": self._read_only,
            "refusal": messages.CARD_NUMBER,
            "testCards": [] if self._clover.environment == "production" else offered_cards(),
        }

    def _options(self) -> dict[str, list[list[str]]]:
        options = self._spec.options(self._picker.row)
        return {name: [list(each) for each in offered] for name, offered in options.items()}

    def _shown_errors(self) -> dict[str, list[str]]:
        inputs = self._inputs
        wrong = self._problems() if inputs.touched else {}
        notes = {
            name: Note("error", messages.describe_field_error(error, self._label(name)))
            for name, error in wrong.items()
            if name in inputs.touched
        }
        return {name: list(note) for name, note in {**notes, **inputs.told}.items()}

    def _preview(self) -> str:
        row, typed = self._picker.row, self._typed()
        if self._spec.about_customer and row is None:
            return ""
        if self._spec.takes_card:
            typed["source"] = "a new card" if self._token.has_input else ""
        labels = {name: self._label(name) for name in typed}
        changes = self._spec.preview(row, typed)
        return rendering.render_preview(changes, labels, self._spec.irreversible(row, typed))

    def _typed(self) -> dict[str, str]:
        """What the functions of the spec take: texts without white space around them."""
        values = self._inputs.values
        typed = {name: values[name].strip() for name in self._spec.fields}
        if self._spec.takes_card:
            typed |= {"source": self._token.token(values["way"]), "ecomind": values["ecomind"]}
        return typed

    def _compared(self) -> dict[str, str]:
        """The values that a doubt is about; another card ends it by itself."""
        return {**self._typed(), "source": ""}

    def _label(self, name: str) -> str:
        """What an input is called in messages."""
        if name == "source":
            return "Card" if self._inputs.values["way"] == TYPE else "Card token"
        known = {"customer": "Customer", "ecomind": "Typed by"} | self._confirmations
        return self.arranged.get(name) or known.get(name) or self._spec.fields[name].label

    def _begin(self, task: str, words: str = "") -> None:
        self._task = task
        if words:
            self._panel.say("busy", words)

    def _focus(self, name: str) -> None:
        self.send({"do": "focus", "name": name, "seen": dict(self._inputs.seen)})

    def _send_to_card(self, content: dict[str, Any]) -> None:
        self.send({"card": content})
