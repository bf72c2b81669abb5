"""What can be checked before anything is sent.

Clover checks too; these rules say it sooner, name the field, and keep card numbers out of requests.
"""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import operator
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from numbers import Number
from typing import Any, Final, ParamSpec, SupportsIndex, TypeVar

import numpy as np
import pandas as pd

from clover_nb import constants
from clover_nb.card_numbers import NO_CARD_NUMBERS, contains_card_number
from clover_nb.errors import ValidationError
from clover_nb.masking import Secret, mask_call, mask_value

P = ParamSpec("P")
T = TypeVar("T")

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Unicode's explicit formatting: what follows is shown in another order (UAX 9).
_DIRECTION: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
# No letter or space of any language in a name: they come along with what is pasted from a page,
# are seen by nobody, and hide a text from every search. Joiners (U+200C, U+200D) mean something.
_UNSEEN: Final = re.compile("[\u00ad\u200b\u2060\ufeff]")
_LINE_END: Final = re.compile(r"\r?\n")
_NOTE: Final = "note"  # alone has lines
_WORD: Final = re.compile(r"[^\W\d_]+")


def check_text(field: str, value: object) -> str:
    """A text as it is sent, without outer white space and without signs that nobody sees.

    Raises:
        ValidationError: It is not text, empty, too long, unprintable, or holds a card number.
    """
    if not isinstance(value, str):
        raise ValidationError(
            f"{field} must be text, not {_describe_value(value)}.",
            field=field,
            hint=_suggest_fix(value),
        )
    plain = _UNSEEN.sub("", value).strip()
    trimmed = Secret(plain) if isinstance(value, Secret) else plain
    if not trimmed:
        raise ValidationError(
            f"{field} is empty.",
            hint="" if field in ("email", "source") else "Leave it out to keep it as it is.",
            field=field,
        )
    if contains_card_number(trimmed):
        raise ValidationError(
            f"{field} holds what looks like a card number.", hint=NO_CARD_NUMBERS, field=field
        )
    longest = constants.MAX_LENGTH.get(field, 1000)
    if len(trimmed) > longest:
        raise ValidationError(
            f"{field} has {len(trimmed):,} characters; Clover keeps {longest} at most.", field=field
        )
    if _CONTROL.search(_LINE_END.sub("", trimmed) if field == _NOTE else trimmed):
        raise ValidationError(
            f"{field} holds a line break or another sign that can't be stored.",
            hint="Type it again on one line.",
            field=field,
        )
    if _DIRECTION.search(trimmed):
        raise ValidationError(
            f"{field} holds an invisible sign that turns around the direction of writing.",
            hint="Type it again instead of pasting it.",
            field=field,
        )
    return trimmed


def check_email(value: object) -> str:
    """An email address that could exist; whether it does is not asked."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  20 ms

    address = check_text("email", value)
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValidationError(f"email is not an email address: {error}", field="email") from None
    return address


def check_source(value: object) -> str:
    """A card token, by its documented prefix; nothing else about it is known."""
    token = Secret(check_text("source", mask_value(value, "source")))
    if not re.fullmatch(rf"{constants.TOKEN_PREFIX}[0-9A-Za-z]+", token):
        raise ValidationError(
            "source is not a card token.",
            hint=f"A token begins with {constants.TOKEN_PREFIX} and has letters and digits alone.",
            field="source",
        )
    return token


def check_note(value: object) -> str:
    """A note, which may have several lines; an empty one takes off what is there."""
    return "" if isinstance(value, str) and value == "" else check_text(_NOTE, value)


def check_phone(value: object, field: str = "phone") -> str:
    """A phone number in any spelling; an extension may be named."""
    number = check_text(field, value)
    words = [word.lower() for word in _WORD.findall(number)]
    if not any(map(str.isdigit, number)) or set(words) - {"ext", "x", "extension"}:
        raise ValidationError(
            f"{field} is not a phone number.",
            hint="Use digits, such as 555-0125 or +1 408 555 0125.",
            field=field,
        )
    return number


def check_ecomind(value: object) -> str:
    """Who typed the card: the customer or the merchant."""
    if not isinstance(value, str) or value not in constants.ECOMINDS:
        raise ValidationError(
            f"ecomind must be 'ecom' or 'moto', not {_describe_value(value)}.",
            hint="ecom: the customer typed the card; moto: the merchant did, for them.",
            field="ecomind",
        )
    return value


def check_country(value: object) -> str:
    """A country's two-letter code."""
    field = "shipping.address.country"
    code = check_text(field, value)
    if not re.fullmatch(r"[A-Za-z]{2}", code):
        raise ValidationError(
            f"{field} is {_describe_value(code)}, not a two-letter code.",
            hint="Use US, CA, MX and so on (ISO 3166).",
            field=field,
        )
    return code.upper()


def check_shipping(value: object) -> dict[str, Any]:
    """A shipping block: ``name``, ``phone`` and ``address``, and a parcel's carrier and number.

    A part that is ``None`` stays so: where the block is merged into another, it is taken off.
    """
    block = _check_mapping("shipping", value, constants.SHIPPING_FIELDS)
    return {name: check_field(f"shipping.{name}", part) for name, part in block.items()}


def check_address(value: object) -> dict[str, Any]:
    """The address in a shipping block."""
    block = _check_mapping("shipping.address", value, constants.ADDRESS_FIELDS)
    return {name: check_field(f"shipping.address.{name}", part) for name, part in block.items()}


_CHECKS: Final[dict[str, Callable[[object], Any]]] = {
    "email": check_email,
    "source": check_source,
    "ecomind": check_ecomind,
    "phone": check_phone,
    "note": check_note,
    "shipping": check_shipping,
    "shipping.phone": lambda value: check_phone(value, "shipping.phone"),
    "shipping.address": check_address,
    "shipping.address.country": check_country,
}


def check_field(field: str, value: object) -> Any:  # noqa: ANN401  a text or a block
    """One field's value as it is sent; ``None`` within ``shipping`` stays ``None``.

    Args:
        field: The full name, such as ``"shipping.address.city"``.
        value: What was given.

    Raises:
        ValidationError: It can't be right.
    """
    if value is None and field.startswith("shipping."):
        return None
    return _CHECKS[field](value) if field in _CHECKS else check_text(field, value)


def check_customer(fields: Mapping[str, object], *, required: Iterable[str] = ()) -> dict[str, Any]:
    """The body of a request that creates or changes a customer.

    Args:
        fields: By Clover's names; ``None`` means not given.
        required: The fields that must be given.

    Raises:
        ValidationError: The first field that can't be right.
    """
    for name in fields:
        check_name(name, constants.CUSTOMER_FIELDS)
    for name in required:
        if fields.get(name) is None:
            raise ValidationError(f"{name} is missing.", field=name)
    return {name: check_field(name, value) for name, value in fields.items() if value is not None}


def check_customer_without_card(fields: Mapping[str, object]) -> dict[str, Any]:
    """The body of a request that creates a customer without a card, at the Platform API.

    Args:
        fields: As for :func:`check_customer`.

    Raises:
        ValidationError: The first field that can't be right; part of an address; a field that goes
            with a card alone; or neither name, email nor phone.
    """
    body = drop_missing(check_customer(fields))
    shipping = body.get("shipping", {})
    for part in constants.WHOLE_ADDRESS_FIELDS if "address" in shipping else ():
        if part not in shipping["address"]:
            raise ValidationError(
                f"shipping.address.{part} is missing.",
                hint="Without a card, Clover keeps a whole address or none.",
                field=f"shipping.address.{part}",
            )
    extra = [name for name in ("ecomind",) if name in body]
    extra += [f"shipping.{part}" for part in constants.RECIPIENT_FIELDS if part in shipping]
    if extra:
        raise ValidationError(f"{extra[0]} goes with a card alone.", field=extra[0])
    if "name" in body:
        first, _, last = body.pop("name").rpartition(" ")
        body = {"firstName": first or last, "lastName": last if first else ""} | body
    body = drop_missing(body)
    if not body.keys() & {"firstName", "lastName", "email", "phone"}:
        raise ValidationError("A customer needs a name, an email or a phone.", field="name")
    return body


def drop_missing(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block without the parts that are ``None``, at any depth, and without empty blocks."""
    kept = {k: drop_missing(v) if isinstance(v, Mapping) else v for k, v in block.items()}
    return {name: value for name, value in kept.items() if value is not None and value != {}}


def check_customer_id(value: object) -> str:
    """An id that can stand in an address; Clover's have 13 letters and digits (from samples)."""
    return check_record_id("customer_id", value)


def check_record_id(field: str, value: object) -> str:
    """An id of a customer or a card."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Za-z]{1,64}", value.strip()):
        raise ValidationError(
            f"{field} is not an id: {_describe_value(value)}.",
            hint=_suggest_fix(value)
            if isinstance(value, pd.Series)
            else "Ids have 13 letters and digits, such as 7QK2M9ZX4T0BC.",
            field=field,
        )
    if contains_card_number(value):
        raise ValidationError(
            f"{field} is what looks like a card number.", hint=NO_CARD_NUMBERS, field=field
        )
    return value.strip()


def check_limit(value: SupportsIndex | None) -> int | None:
    """A number of rows, of Python or of numpy; ``None`` is all."""
    if value is None:
        return None
    try:
        limit = -1 if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        limit = -1
    if limit < 0:
        raise ValidationError("limit must be a number of rows, 0 or more.", field="limit")
    return limit


def check_day(field: str, value: dt.date | None) -> dt.date:
    """A day; ``None`` is today, of UTC."""
    if value is None:
        return dt.datetime.now(dt.UTC).date()
    if not isinstance(value, dt.date) or pd.isna(value):
        raise ValidationError(
            f"{field} must be a day, not {_describe_value(value)}.",
            hint="Such as datetime.date(2026, 1, 31).",
            field=field,
        )
    return value


def check_arguments(method: Callable[P, T]) -> Callable[P, T]:
    """The same call, whose arguments are masked in tracebacks, and told when they are misspelled.

    Or missing. A type checker knows the exact signature; whoever has none learns the nearest right
    name.
    """
    parameters = inspect.signature(method).parameters.values()
    every = [each.name for each in parameters]
    names = [name for name in every if name != "self"]
    # With the number of values without names from which on each is given.
    required = [
        (each.name, sys.maxsize if each.kind is each.KEYWORD_ONLY else position)
        for position, each in enumerate(parameters)
        if each.default is each.empty
    ]

    @functools.wraps(method)
    def call_checked(*args: Any, **kwargs: Any) -> T:  # noqa: ANN401  the method's
        __tracebackhide__ = True
        args, kwargs = mask_call(every, args, kwargs)
        for name in kwargs:
            check_name(name, names)
        for name, position in required:
            if name not in kwargs and position >= len(args):
                raise ValidationError(f"{name} is missing.", field=name)
        return method(*args, **kwargs)

    return call_checked


def check_name(name: str, known: Iterable[str], within: str = "") -> None:
    """Refuse a name that Clover doesn't know, with the nearest one that it does."""
    names = list(known)
    if name in names:
        return
    import difflib  # noqa: PLC0415  for misspelled names alone

    plain = {re.sub(r"[_\W]", "", each).lower(): each for each in names}
    near = difflib.get_close_matches(re.sub(r"[_\W]", "", name).lower(), plain, n=1, cutoff=0.5)
    hint = f"Did you mean {plain[near[0]]}?" if near else f"Known are: {', '.join(names)}."
    field = f"{within}.{name}" if within else name
    raise ValidationError(f"{field} is not a field of Clover's.", hint=hint, field=field)


def _check_mapping(field: str, value: object, known: Iterable[str]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValidationError(
            f"{field} must be a dict with {', '.join(known)}, not {_describe_value(value)}.",
            field=field,
        )
    for name in value:
        check_name(str(name), known, within=field)
    return value


def _describe_value(value: object) -> str:
    """A value as a message may show it: short, and never a secret or a card number."""
    if isinstance(value, float) or value is pd.NA or value is pd.NaT:
        return "a missing value" if pd.isna(value) else "a number"
    if isinstance(value, Number) and not isinstance(value, bool):
        return "a number"
    if isinstance(value, pd.Series):
        return "a whole row"
    if isinstance(value, str) and len(value) <= 20 and not contains_card_number(value):  # noqa: PLR2004  a short one
        return repr(value)
    if isinstance(value, str):
        return f"a text of {len(value):,} characters"
    return "a missing value" if value is None else f"a {type(value).__name__}"


def _suggest_fix(value: object) -> str:
    if isinstance(value, pd.Series):
        return 'Give one value of it, such as row["id"] or token["id"].'
    if isinstance(value, Number) and not isinstance(value, bool) and value == value:  # noqa: PLR0124  NaN
        return "Put it in quotes, so that leading zeros stay."
    return "Leave it out if there is none."
