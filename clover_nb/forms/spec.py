"""What a form is: its fields, what must be confirmed, and what it does. Declared, not drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from clover_nb.errors import CloverError
from clover_nb.forms.actions import ActionResult
from clover_nb.forms.values import FieldChange, Row, Typed

Kind = Literal["text", "lines", "email", "tel", "number", "choice", "address", "country"]


@dataclass(frozen=True)
class FieldSpec:
    """A labelled input.

    Attributes:
        name: The name that errors use, such as ``"shipping.address.city"``.
        label: What stands above it.
        kind: What is typed into it; a ``"choice"`` offers what ``FormSpec.options`` gives, a
            ``"country"`` all countries, and a whole ``"address"`` is split into its parts.
        required: Whether its label has a star.
        help: A hint below it.
        placeholder: An example, shown while it is empty.
    """

    name: str
    label: str
    kind: Kind = "text"
    required: bool = False
    help: str = ""
    placeholder: str = ""


@dataclass(frozen=True)
class SectionSpec:
    """Fields under a heading.

    Attributes:
        title: The heading.
        fields: The fields, in order.
        card: Whether Clover's card fields stand in front of them.
    """

    title: str
    fields: tuple[FieldSpec, ...] = ()
    card: bool = False


@dataclass(frozen=True)
class FormSpec:
    """What a form shows, checks and does. The functions know no widget: tests call them directly.

    In all of them ``row`` is the customer as it was shown, or ``None`` for a new one, and
    ``values`` what was typed and chosen, by the names of the fields.

    Attributes:
        title: The heading.
        submit_label: The button.
        busy_label: The button while it works.
        sections: The fields.
        validate: What is wrong, by field; empty when the values can be sent.
        preview: What will change.
        submit: Makes the change, in a worker thread. It takes the connection, ``row``, ``values``
            and, by its name, ``sure``: whether the person overruled what was warned about.
        initial: What the fields hold for a customer, before any edit; without one, nothing.
        options: What a choice offers for a customer: a value and a label each, by field.
        arrange: Fields in the order, and under the labels, that the values ask for.
        normalize: What is sent in another spelling than it was typed in, by field.
        split: What the fields hold when the text of an ``"address"`` is a whole one; else nothing,
            and what is told beside it, empty when nothing is odd.
        irreversible: Why the change can't be undone, as a sentence; empty when it can be.
        hints: What is told below a field for this customer, by field.
        confirmations: What must be ticked before: a sentence by name.
        follow_up: What can be done next: a button, the form that it leads to, and its values.
        done: What is said when it was done, in front of the customer's name.
        about_customer: Whether it is about a customer that exists.
    """

    title: str
    submit_label: str
    busy_label: str
    sections: tuple[SectionSpec, ...]
    validate: Callable[[Any, Typed], Mapping[str, CloverError]]
    preview: Callable[[Any, Typed], Iterable[FieldChange]]
    submit: Callable[..., ActionResult]
    initial: Callable[[Any], Mapping[str, str]] = lambda _: {}
    options: Callable[[Row[Any] | None], Mapping[str, list[tuple[str, str]]]] = lambda _: {}
    arrange: Callable[[Typed], Mapping[str, str]] = lambda _: {}
    normalize: Callable[[Typed], Mapping[str, str]] = lambda _: {}
    split: Callable[[Row[Any] | None, Typed], tuple[Mapping[str, str], str]] = lambda *_: ({}, "")
    irreversible: Callable[[Any, Typed], str] = lambda *_: ""
    hints: Callable[[Row[Any] | None], Mapping[str, str]] = lambda _: {}
    confirmations: Mapping[str, str] = field(default_factory=dict)
    follow_up: Callable[[ActionResult], tuple[str, FormSpec, Typed] | None] = lambda _: None
    done: str = "Saved"
    about_customer: bool = True

    @property
    def fields(self) -> dict[str, FieldSpec]:
        """All fields, by name."""
        return {each.name: each for section in self.sections for each in section.fields}

    @property
    def subject(self) -> str:
        """The choice of what the form is about besides the customer; empty where there is none."""
        choices = (n for n, each in self.fields.items() if each.kind == "choice" and each.required)
        return next(choices, "")

    @property
    def takes_card(self) -> bool:
        """Whether a card is typed into it."""
        return any(section.card for section in self.sections)
