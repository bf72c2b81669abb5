"""What the forms share: fields, a submit button, messages beside the fields, the changed row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
from ipywidgets import HTML, Button, Checkbox, GridBox, HBox, Layout, VBox, Widget

from clover_nb.client import Clover
from clover_nb.errors import CloverError, InvalidInput
from clover_nb.forms import _text
from clover_nb.forms._field import Field
from clover_nb.forms._picker import Picker
from clover_nb.forms._static import Static
from clover_nb.forms._token import TokenEntry
from clover_nb.forms._work import Work

Typed = dict[str, str]


class Form(Static, VBox):
    """A form for one kind of change. Made by the functions of :mod:`clover_nb.forms`.

    Attributes:
        fields: The fields, by the names that errors use.
        ticks: What must be agreed to, by the same kind of names.
        row: The customer as the last change left it, or ``None``.
        picker: What chooses the customer, where the form does.
        token: What holds the card token, where the form has one.
        button: The button that submits.
        status: What happened, beside the button.
        result: The changed row, below it.
    """

    def __init__(
        self,
        clover: Clover,
        title: str,
        parts: Sequence[Widget],
        *,
        fields: Mapping[str, Field],
        ticks: Mapping[str, str],
        submit: str,
        busy: str,
        check: Callable[[Typed], Mapping[str, CloverError]],
        act: Callable[[Typed], pd.Series[Any]],
        picker: Picker | None = None,
        token: TokenEntry | None = None,
    ) -> None:
        """Lay the form out.

        Args:
            clover: The connection.
            title: The heading.
            parts: What stands between the heading and the button, from top to bottom.
            fields: The fields in it, by the names that errors use; those of ``picker`` and
                ``token`` come by themselves, as ``"customer"`` and ``"source"``.
            ticks: What must be agreed to: a sentence by name.
            submit: The button's text.
            busy: The button's text while it works.
            check: Finds what is wrong with what was typed, by field, before anything is sent.
            act: Does the change and returns the changed row.
            picker: Chooses the customer; Enter in it finds instead of submits.
            token: Holds the card token.
        """
        self.picker, self.token = picker, token
        self.fields = dict(fields)
        if token is not None:
            self.fields["source"] = token.field
        if picker is not None:
            self.fields["customer"] = picker.field
        self.row: pd.Series[Any] | None = None
        self._check, self._act = check, act
        if clover.environment == "production":
            ticks = {**ticks, "production": "I mean to change a real customer"}
        self.ticks = {name: _Tick(sentence, self.edited) for name, sentence in ticks.items()}
        self.button = Button(description=submit, button_style="primary")
        self._work = Work(self.button, busy)
        self.status, self.result = HTML(), HTML()
        self.button.on_click(lambda _: self.submit())
        for field in self.fields.values():
            if picker is None or field is not picker.field:
                field.on_submit(self.submit)
            field.on_edit(self.edited)
        super().__init__(
            [
                HTML(_text.heading(title, clover.environment)),
                *parts,
                *self.ticks.values(),
                HBox([self.button, self.status]).add_class("clover-actions"),
                self.result,
            ],
            static=f"{title}: run this cell to use the form.",
        )
        self.add_class("clover-form")

    def submit(self) -> threading.Thread | None:
        """Check what was typed and, when nothing is wrong, do the change in a thread.

        Returns:
            The thread, to wait for; ``None`` when something is wrong or work is under way.
        """
        typed = {name: field.value for name, field in self.fields.items()}
        if not self._sound(typed):
            return None
        return self._work.start(lambda: self._change(typed))

    def edited(self) -> None:
        """Something was edited, so that there is something to submit again."""
        self._work.ready()

    def _sound(self, typed: Typed) -> bool:
        self._clear_messages()
        found = dict(self._check(typed))
        for name, tick in self.ticks.items():
            if not tick.value:
                found[name] = InvalidInput("Please tick this first.", field=name)
        for problem in found.values():
            self._tell(problem)
        return not found

    def _change(self, typed: Typed) -> bool:
        self.status.value = _text.note("busy", "Sending to Clover…")
        try:
            row = self._act(typed)
        except CloverError as error:
            self._clear_messages()
            self._tell(error)
            return True
        except Exception:
            self.status.value = _text.note(
                "error",
                "Something unexpected went wrong, so it is not known whether this was done. Look "
                "the customer up before you try again.",
            )
            raise
        self._done(row)
        return False  # until something is edited: a double click must not do it twice

    def _done(self, row: pd.Series[Any]) -> None:
        self.row = row
        for field in self.fields.values():
            if field.kind == "secret":
                field.clear()  # a token works once, and must not stay
        for tick in self.ticks.values():
            tick.value = False
        name = row["name"] or row["email"] or row["id"]
        self.status.value = _text.note("done", f"Saved: {name}")
        self.result.value = _text.row_list(row)

    def _clear_messages(self) -> None:
        for field in self.fields.values():
            field.message = ""
        for tick in self.ticks.values():
            tick.message = ""
        self.status.value = ""

    def _tell(self, problem: CloverError) -> None:
        """Show a problem beside what it is about, or else beside the button."""
        name = problem.field or ""
        if name in self.fields:
            field = self.fields[name]
            field.message = _text.told(problem, field.label)
            if problem.request_id:
                told = f"Not saved. Clover's request id: {problem.request_id}"
                self.status.value = _text.note("error", told)
        elif name in self.ticks:
            self.ticks[name].message = problem.message
        else:
            self.status.value = _text.note("error", str(problem))


class _Tick(VBox):
    """A sentence to agree to, with a message below."""

    def __init__(self, sentence: str, on_edit: Callable[[], None]) -> None:
        self._box = Checkbox(description=sentence, indent=False, layout=Layout(width="auto"))
        self._box.observe(lambda _: on_edit(), "value")
        self._note = HTML()
        super().__init__([self._box, self._note])

    @property
    def value(self) -> bool:
        return bool(self._box.value)

    @value.setter
    def value(self, ticked: bool) -> None:
        self._box.value = ticked

    @property
    def message(self) -> str:
        return str(self._note.value)

    @message.setter
    def message(self, text: str) -> None:
        self._note.value = _text.note("error", text) if text else ""


def group(heading: str, parts: Iterable[Widget]) -> VBox:
    """Fields side by side, as many as there is room for, under a heading."""
    title = HTML(f"<h4 class='clover-group'>{escape(heading)}</h4>")
    return VBox([title, GridBox(list(parts)).add_class("clover-grid")])


def shipping_fields() -> dict[str, Field]:
    """The fields of a shipping block, by the names that errors use."""
    prefix = "shipping.address."
    return {
        f"{prefix}line1": Field("Address line 1", placeholder="415 N Mathilda Ave"),
        f"{prefix}line2": Field("Address line 2", help="Apartment, suite, floor"),
        f"{prefix}city": Field("City", placeholder="Sunnyvale"),
        f"{prefix}state": Field("State or province", placeholder="CA"),
        f"{prefix}postal_code": Field("Postal code", placeholder="94085"),
        f"{prefix}country": Field("Country", value="US", help="Two letters, such as US"),
        "shipping.name": Field("Recipient", help="When it is not the customer"),
        "shipping.phone": Field("Recipient's phone", kind="tel"),
    }
