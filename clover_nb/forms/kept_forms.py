"""The forms of the desk: the open one, and those put aside with something typed in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clover_nb.forms import rendering
from clover_nb.forms.form import Form
from clover_nb.forms.rendering import Markup
from clover_nb.forms.values import Row

MakeForm = Callable[[str, Row | None, Mapping[str, str] | None], Form]


class KeptForms:
    """One form is open at most. Another is kept as long as there is something in it.

    Attributes:
        form: The open form, or ``None``.
        name: What is on its button; empty when none is open.

    Args:
        make: Makes a form by its name, for a customer, with values besides the record's.
    """

    def __init__(self, make: MakeForm) -> None:
        self._make = make
        self.form: Form | None = None
        self.name = ""
        self._forms: dict[tuple[str, str], Form] = {}  # by name and customer

    @property
    def has_changed(self) -> bool:
        """Whether something was typed into one of them that isn't saved."""
        return any(form.has_changed for form in self._forms.values())

    def open(self, name: str, row: Row | None, values: Mapping[str, str] | None) -> None:
        """Open a form about a customer, or a new one: one that is kept, unless there are values.

        One at work stays, whatever the values.
        """
        key = (name, "" if row is None else str(row["id"]))
        if values and key in self._forms and not self._forms[key].is_busy:
            self._forms.pop(key).close()
        if key not in self._forms:
            self._forms[key] = self._make(name, row, values)
        self.form, self.name = self._forms[key], name

    def put_aside(self) -> Markup:
        """Close the open form, or keep it, without what was agreed to; a sentence if it is kept."""
        form, name = self.form, self.name
        self.form, self.name = None, ""
        if form is None:
            return Markup()
        if not form.is_busy:
            form.drop_statements()
        self.forget(form)
        if form.is_busy or form not in self._forms.values():
            return Markup()
        if form.customer is None:
            return Markup(f"What you typed is kept: press {name} to go on.")
        customer = rendering.render_name(form.customer)
        return Markup(f"What you typed about {customer} is kept: it is there under {name}.")

    def forget(self, form: Form) -> None:
        """Close a form that isn't open and has nothing in it."""
        if form is self.form or form.is_busy or form.has_changed:
            return
        self._forms = {key: each for key, each in self._forms.items() if each is not form}
        form.close()

    def close(self) -> None:
        """Close all of them."""
        for form in self._forms.values():
            form.close()
