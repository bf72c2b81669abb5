"""Which column of a table is which field of a customer."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import pandas as pd

from clover_nb import validation
from clover_nb.bulk.fields import FIELDS, READ_ONLY
from clover_nb.errors import ValidationError

ID: Final = "id"
READ: Final = "read"
#: The columns of a file of failed rows, which are no customer's.
_REPORTED: Final = ("row", "reason")
#: What else the fields are called, without blanks and signs.
_SYNONYMS: Final[Mapping[str, str]] = {
    "id": "customerid cloverid",
    "name": "fullname customer customername",
    "first_name": "first givenname forename vorname prenom nombre",
    "last_name": "last surname familyname nachname apellido apellidos",
    "email": "emailaddress mail mailaddress courriel correo correoelectronico",
    "phone": "phonenumber telephone telephonenumber tel telefon telefono mobile mobilephone cell",
    "shipping_line1": "line1 address address1 addressline1 street streetaddress strasse",
    "shipping_line2": "line2 address2 addressline2 apartment apt unit suite",
    "shipping_city": "city town ort stadt ville ciudad",
    "shipping_state": "state province region bundesland estado",
    "shipping_postal_code": "postalcode zip zipcode postcode plz codepostal codigopostal",
    "shipping_country": "country countrycode land pays pais",
}
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOST: Final = 0.9  # of a column's values
_SAMPLE: Final = 200  # values


class ColumnMapping(NamedTuple):
    """The columns of a table.

    Attributes:
        fields: The heading of each field, ``id`` and ``read`` among them.
        read_only: The heading of each field that can't be set.
        left_out: The headings of all others.
        likely: What a column that is left out may be, by its values: a field for each heading.
        ambiguous: The headings that can all be the same field, by its name; they are left out.
    """

    fields: dict[str, str]
    read_only: dict[str, str]
    left_out: list[str]
    likely: dict[str, str]
    ambiguous: dict[str, list[str]]


def match_columns(
    table: pd.DataFrame, given: Mapping[str, str | None] | None = None
) -> ColumnMapping:
    """Tell which column is which field, by the headings.

    Args:
        table: The table.
        given: Fields by heading, which win; ``None`` leaves a column out.

    Raises:
        ValidationError: A heading or a field is none, or two columns can be the same field.
    """
    found = suggest_columns(table, given)
    for field, best in found.ambiguous.items():
        raise ValidationError(
            f"The columns {' and '.join(map(repr, best))} can both be {field}.",
            hint=f"Say which: columns={{{best[0]!r}: {field!r}, {best[1]!r}: None}}.",
            field="columns",
        )
    return found


def suggest_columns(
    table: pd.DataFrame, given: Mapping[str, str | None] | None = None
) -> ColumnMapping:
    """Tell which column is which field, as far as the headings leave no doubt.

    Arguments as of :func:`match_columns`.

    Raises:
        ValidationError: A heading or a field is none, or one is given twice.
    """
    headings = [str(name) for name in table.columns]
    if given is not None and not isinstance(given, Mapping):
        raise ValidationError(
            f"columns must be a dict of fields by heading, not a {type(given).__name__}.",
            hint='Such as columns={"E-mail": "email", "Notes": None}.',
            field="columns",
        )
    given = {str(heading): field for heading, field in (given or {}).items()}
    for heading, field in given.items():
        _check_heading(heading, headings)
        if field is not None:
            validation.check_name(str(field), (ID, *FIELDS))
    chosen = {field: heading for heading, field in given.items() if field is not None}
    if len(chosen) < sum(field is not None for field in given.values()):
        raise ValidationError("columns= names two columns as the same field.", field="columns")
    rest = [heading for heading in headings if heading not in given]
    matched = _match_headings(rest, exclude=chosen)
    found = chosen | {field: best[0] for field, best in matched.items() if len(best) == 1}
    fields = {name: found[name] for name in (ID, *FIELDS, READ) if name in found}
    read_only = {name: found[name] for name in READ_ONLY if name in found}
    used = {*fields.values(), *read_only.values()}
    left_out = [name for name in headings if name not in used and name not in _REPORTED]
    likely = {}
    if "email" not in fields:
        likely = {each: "email" for each in left_out if _shows_emails(table[each])}
    ambiguous = {field: best for field, best in matched.items() if len(best) > 1}
    return ColumnMapping(fields, read_only, left_out, likely, ambiguous)


def _check_heading(heading: str, headings: Sequence[str]) -> None:
    if heading in headings:
        return
    near = difflib.get_close_matches(heading, headings, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(headings)}."
    raise ValidationError(f"There is no column {heading!r}.", hint=hint, field="columns")


def _match_headings(headings: Iterable[str], exclude: Iterable[str]) -> dict[str, list[str]]:
    """Each field's best headings: our own name, else another spelling, else synonyms."""
    candidates: dict[str, dict[int, list[str]]] = {}
    for heading in headings:
        plain = _simplify_heading(heading)
        for field, names in _NAMES.items():
            if field not in exclude and plain in names:
                sure = 0 if heading == field else 1 if plain == _simplify_heading(field) else 2
                candidates.setdefault(field, {}).setdefault(sure, []).append(heading)
    return {field: by_sureness[min(by_sureness)] for field, by_sureness in candidates.items()}


def _simplify_heading(text: str) -> str:
    """A heading without case, accents, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", text.casefold()))


_NAMES: Final[dict[str, frozenset[str]]] = {
    field: frozenset({_simplify_heading(field), *_SYNONYMS.get(field, "").split()})
    for field in (ID, READ, *FIELDS, *READ_ONLY)
}


def _shows_emails(column: pd.Series[str]) -> bool:
    values = [text for text in map(str, column.iloc[:_SAMPLE]) if text.strip()]
    return bool(values) and sum(map(bool, map(_EMAIL.fullmatch, values))) >= _MOST * len(values)
