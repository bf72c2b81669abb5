"""What a form is about, what stands in it, and what it shows of that; it knows no widget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd

from clover_nb import addresses, constants
from clover_nb.client import Clover
from clover_nb.errors import CloverError, ValidationError
from clover_nb.forms import messages, rendering
from clover_nb.forms.card_fields import CardFields
from clover_nb.forms.inputs import TICKED, FieldMessage, FormValues
from clover_nb.forms.spec import FormSpec
from clover_nb.forms.values import Row
from clover_nb.masking import Secret

PRODUCTION: Final = "production"  # the confirmation that production asks for
LIVE: Final = "This changes live data"
SURE: Final = "sure"  # the box that lets a warning pass
TYPE, PASTE = "type", "paste"
# D: what `ecomind` says. A desk is staff's, and a token that is pasted was made by the customer.
ECOMIND: Final = {TYPE: "moto", PASTE: "ecom"}
_TEST_CARDS: Final = ("visa", "mastercard", "amex", "discover", "jcb", "visa_declined")
_CARD: Final = {"way": TYPE, "ecomind": ECOMIND[TYPE], "test_card": _TEST_CARDS[0]}
_STICKY: Final[tuple[str, ...]] = ("customer", "way", "test_card")  # no statement about a customer
_NOT_TYPED: Final = (*_STICKY, SURE)


class FormState:
    """The customer that a form is about, the texts of its inputs, and the card.

    Attributes:
        spec: What the form is for.
        row: The customer, as it was read last; ``None`` when none is chosen.
        last_row: The customer that the inputs were filled in for, also after it was given up.
        matches: Those that a search has found, when there are several: id and words.
        inputs: What stands in the inputs.
        card: The card fields.
        pasted: The token that was pasted; it is in no state that is saved.
        warned: The values that the person was warned about; ``None`` when that is over.
        corrected: What was typed and what stands there instead, by input.
    """

    def __init__(
        self, clover: Clover, spec: FormSpec, send: Callable[[dict[str, Any]], object]
    ) -> None:
        self._clover = clover
        self.card = CardFields(clover, send)
        self.row: Row[Any] | None = None
        self.inputs = FormValues({})
        self.adopt_spec(spec)

    def adopt_spec(self, spec: FormSpec) -> None:
        """Be the form that a spec declares, with nothing typed."""
        self.spec = spec
        self.last_row: Row[Any] | None = None
        self.matches: list[tuple[str, str]] = []
        self.clear_card()
        names = ["customer", *spec.fields, *self.confirmations, SURE]
        self._blank = dict.fromkeys(names, "") | (_CARD if spec.takes_card else {})
        self.fill_inputs(None, {})

    # -- who it is about ---------------------------------------------------------------------------

    @property
    def customer_id(self) -> str:
        """The id of the customer; empty when none is chosen."""
        return "" if self.row is None else str(self.row["id"])

    def choose_customer(self, row: Row[Any]) -> bool:
        """Be about this customer. What was typed about another one ends here.

        Returns:
            Whether the inputs were about the same one before.
        """
        is_same = self.last_row is not None and self.last_row["id"] == row["id"]
        typed = self.inputs.find_edits(_NOT_TYPED) if is_same else {}
        self.row = self.last_row = row
        self.matches = []
        if not is_same:
            self.inputs.values["customer"] = self.inputs.values["customer"] or str(row["id"])
            self.clear_card()
        self.fill_inputs(row, typed)
        return is_same

    def forget_customer(self) -> None:
        """Be about nobody, since something else was typed."""
        self.row = None
        self.matches = []

    def offer_matches(self, found: pd.DataFrame) -> None:
        """Let one of several be chosen."""
        self.matches = [(str(key), _describe_match(row)) for key, row in found.iterrows()]
        words = f"{len(found)} customers have this address: choose one."
        self.inputs.messages["customer"] = FieldMessage("info", words)

    # -- what stands in it -------------------------------------------------------------------------

    def fill_inputs(self, row: Row[Any] | None, keep: Mapping[str, str]) -> None:
        """Begin anew with a customer; of what is kept, a choice only if it is still offered."""
        is_nobody = self.spec.about_customer and row is None
        shown = {} if is_nobody else self.spec.initial(row)
        now = self.inputs.values
        sticky = {name: now[name] for name in _STICKY if name in self._blank and name in now}
        initial = {**self._blank, **shown, **sticky}
        if "way" in sticky:
            initial["ecomind"] = ECOMIND[sticky["way"]]
        options = self.spec.options(self.row)
        kept = {
            name: text
            for name, text in keep.items()
            if name not in options or any(text == value for value, _ in options[name])
        }
        if keep.keys() - kept.keys():  # what was agreed to was about what is not there any more
            kept = {n: text for n, text in kept.items() if n not in self.spec.confirmations}
        self.inputs.begin(initial, kept)
        self.corrected: dict[str, tuple[str, str]] = {}
        self._as_typed: set[tuple[str, str]] = set()
        self.warned: dict[str, str] | None = None

    def take_edits(self, message: Mapping[str, Any]) -> dict[str, str]:
        """Take the edits of a message, as :meth:`FormValues.take` does.

        What was agreed to about one card is not agreed to about another.
        """
        before = self.inputs.values.get(self.spec.subject)
        changed = self.inputs.take(message)
        if before and self.spec.subject in changed:
            self.inputs.values |= dict.fromkeys(self.spec.confirmations, "")
        return changed

    def drop_statements(self) -> None:
        """Forget what the person agreed to and the card that was typed, but not the texts."""
        inputs = self.inputs
        names = {*self.confirmations, SURE, "way", "ecomind"} & inputs.values.keys()
        inputs.values |= {name: inputs.initial[name] for name in names}
        self.warned = None
        self.clear_card()

    def list_texts(self) -> dict[str, str]:
        """What was typed and can be brought back: a person who agrees does so each time."""
        return self.inputs.find_edits((*_NOT_TYPED, *self.confirmations, "ecomind"))

    @property
    def has_changed(self) -> bool:
        """Whether something was typed, ticked or chosen that isn't saved."""
        return bool(self.inputs.find_edits(_NOT_TYPED)) or self.has_card

    def read_values(self) -> dict[str, str]:
        """What the functions of the spec take: texts without white space around them."""
        values = self.inputs.values
        typed = {name: values[name].strip() for name in self.spec.fields}
        typed |= self._normalize(typed)
        if self.spec.takes_card:
            typed |= {"source": self.token, "ecomind": values["ecomind"]}
        return typed

    def _normalize(self, typed: Mapping[str, str]) -> dict[str, str]:
        """What is sent otherwise than it was typed, unless the person has taken that back."""
        changed = self.spec.normalize(typed)
        edited = self.inputs.find_edits() if changed else {}
        return {
            name: text
            for name, text in changed.items()
            if name in edited and (name, typed[name]) not in self._as_typed
        }

    def correct_input(self, name: str) -> bool:
        """Put what will be sent in place of what was typed into an input, and split an address.

        Returns:
            Whether that changed anything.
        """
        inputs = self.inputs
        field = self.spec.fields.get(name)
        typed = {each: inputs.values[each].strip() for each in self.spec.fields}
        if (
            field is None
            or (name, typed[name]) in self._as_typed
            or name not in inputs.find_edits()
        ):
            return False
        split, doubt = self.spec.split(self.row, typed) if field.kind == "address" else ({}, "")
        if doubt:
            inputs.messages[name] = FieldMessage("warning", doubt)
        changed = split or {n: text for n, text in self._normalize(typed).items() if n == name}
        changed = {each: text for each, text in changed.items() if text != typed[each]}
        self.corrected |= {each: (typed[each], text) for each, text in changed.items()}
        inputs.values |= changed
        inputs.messages |= {
            each: FieldMessage("info", f"Was: {typed[each]}" if typed[each] else "From line 1")
            for each in changed
        }
        return bool(changed)

    def restore_typed(self) -> None:
        """Put back what was typed, as far as that was not edited since; it stays so."""
        inputs = self.inputs
        for name, (typed, text) in self.corrected.items():
            if inputs.values[name] == text:
                inputs.values[name] = typed
                inputs.messages.pop(name, None)
            self._as_typed.add((name, typed))
        self.corrected.clear()

    def read_warned(self) -> dict[str, str]:
        """The values that a warning is about; another card ends it by itself."""
        return {**self.read_values(), "source": ""}

    # -- the card ----------------------------------------------------------------------------------

    @property
    def types_card(self) -> bool:
        """Whether a card is typed into Clover's fields, and no token pasted."""
        return self.spec.takes_card and self.inputs.values["way"] == TYPE

    @property
    def token(self) -> Secret:
        """The token, as far as there is one."""
        return self.card.token if self.types_card else self.pasted

    @property
    def has_card(self) -> bool:
        """Whether a card or a token was typed, be it in the way that is not chosen now."""
        return self.card.has_input or bool(self.pasted)

    def clear_card(self) -> None:
        """Empty the card fields and the input for a token."""
        self.card.clear()
        self.pasted = Secret("")

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def confirmations(self) -> dict[str, str]:
        """What must be ticked before anything is sent: a sentence by name."""
        if self._clover.environment != "production":
            return dict(self.spec.confirmations)
        return {**self.spec.confirmations, PRODUCTION: LIVE}

    def find_errors(self) -> dict[str, CloverError]:
        """What is wrong, by input; before there is a customer, only that there is none."""
        if self.spec.about_customer and self.row is None:
            return {"customer": ValidationError("Find the customer first.", field="customer")}
        found = dict(self.spec.validate(self.row, self.read_values()))
        for name in self.confirmations:
            if self.inputs.values[name] != TICKED:
                found[name] = ValidationError("Please tick this first.", field=name)
        if self.types_card and (self.card.has_input or found.keys() <= {"source"}):
            found.pop("source", None)  # its fields tell, when the token is made
        return found

    def list_inputs(self) -> list[str]:
        """The names of the inputs as they stand in the form, from top to bottom."""
        names = ["customer"]
        for section in self.spec.sections:
            names += ["source", "ecomind"] if section.card else []
            names += [field.name for field in section.fields]
        return [*names, *self.confirmations]

    def label_of(self, name: str) -> str:
        """What an input is called in messages."""
        if name == "source":
            return "Card" if self.types_card else "Card token"
        known = {"customer": "Customer", "ecomind": "Typed by"} | self.confirmations
        arranged = self.spec.arrange(self.read_values())
        return arranged.get(name) or known.get(name) or self.spec.fields[name].label

    def describe(self) -> dict[str, Any]:
        """What the widget shows, by trait."""
        row, spec = self.row, self.spec
        return {
            "arranged": dict(spec.arrange(self.read_values())),
            "values": self.inputs.state(),
            "errors": self._list_messages(),
            "choices": {"customer": self.matches, **self.spec.options(self.row)},
            "hints": dict(spec.hints(row)),
            "about": self.customer_id,
            "who": "" if row is None else rendering.render_identity(row),
            "preview": self._render_preview(),
            "has_warnings": self.warned is not None,
            "has_token": bool(self.pasted),
        }

    def describe_spec(self, *, asks: bool) -> dict[str, Any]:
        """What the widget draws once; ``asks`` says whether the customer is chosen in it."""
        spec = self.spec
        sections = [
            {**vars(each), "fields": [vars(field) for field in each.fields]}
            for each in spec.sections
        ]
        asks_country = any(field.kind == "country" for field in spec.fields.values())
        return {
            "heading": rendering.render_heading(spec.title, self._clover.settings),
            "asks": asks and spec.about_customer,
            "about": spec.about_customer,
            "sections": sections,
            "confirmations": list(self.confirmations.items()),
            "submit": spec.submit_label,
            "busy": spec.busy_label,
            "readOnly": messages.describe_read_only(self._clover.settings),
            "ecomind": ECOMIND,
            "countries": addresses.list_countries() if asks_country else [],
            "testCards": [] if self._clover.environment == "production" else _list_test_cards(),
        }

    def _list_messages(self) -> dict[str, list[str]]:
        inputs = self.inputs
        wrong = self.find_errors() if inputs.touched else {}
        errors = {
            name: FieldMessage("error", messages.describe_field_error(error, self.label_of(name)))
            for name, error in wrong.items()
            if name in inputs.touched
        }
        others = {n: m for n, m in inputs.messages.items() if m.tone != "info" or n not in errors}
        return {name: list(message) for name, message in {**errors, **others}.items()}

    def _render_preview(self) -> str:
        row, typed = self.row, self.read_values()
        if self.spec.about_customer and row is None:
            return ""
        if self.spec.takes_card:
            typed["source"] = "a new card" if self.has_card else ""
        labels = {name: self.label_of(name) for name in typed}
        changes = self.spec.preview(row, typed)
        return rendering.render_preview(changes, labels, self.spec.irreversible(row, typed))


def _describe_match(row: Row[Any]) -> str:
    """One of several customers in words, by which it can be told from the others."""
    since = f", since {row['created']:%Y-%m-%d}" if row["created"] else ""  # an old one has none
    return f"{row['name'] or 'no name'}{since} ({row.name})"


def _list_test_cards() -> list[list[str]]:
    """The published test cards that are offered, each by name and in words."""
    cards = {name: constants.TEST_CARDS[name] for name in _TEST_CARDS}
    declined = dict.fromkeys(constants.DECLINED_CARDS, ", declined")
    return [
        [name, f"{card['brand']} •••• {card['number'][-4:]}{declined.get(name, '')}"]
        for name, card in cards.items()
    ]
