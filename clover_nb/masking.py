"""Secrets that print masked, and texts and arguments without them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, repeat
from typing import Any, Final, ParamSpec, TypeVar

from clover_nb import constants
from clover_nb.card_numbers import contains_card_number

P = ParamSpec("P")
T = TypeVar("T")


class Secret(str):
    """A text that works as itself and prints masked, so that it can't end up in an output.

    ``repr``, ``str``, ``print`` and f-strings show ``••••``; sending it, comparing it and joining
    it with ``+`` use the value.
    """

    __slots__ = ()

    def __new__(cls, value: str | OpaqueSecret) -> Secret:
        """A secret of a text; of a secret, the same one, not what it prints."""
        if isinstance(value, OpaqueSecret):
            value = value.reveal()
        return value if isinstance(value, Secret) else super().__new__(cls, value)

    def __repr__(self) -> str:
        prefix = constants.TOKEN_PREFIX if self.startswith(constants.TOKEN_PREFIX) else ""
        return f"'{prefix}••••'"

    def __str__(self) -> str:
        return repr(self)[1:-1]

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def reveal(self) -> str:
        """The value itself, to paste it somewhere. Don't leave it in a saved notebook."""
        return "".join(self)


class OpaqueSecret:
    """A secret in a row. It is no text, so that nothing that shows or saves texts has it.

    pandas turns texts into arrays of their own, of which tables show the values. This one stays an
    object: ``repr``, ``str``, CSV, JSON and pickles of it and of tables with it hold ``••••``. It
    is equal to the text that it hides; every ``source=`` takes it.
    """

    __slots__ = ("_secret",)

    def __init__(self, value: str) -> None:
        self._secret = Secret(value)

    def reveal(self) -> str:
        """The value itself, to paste it somewhere. Don't leave it in a saved notebook."""
        return self._secret.reveal()

    def __repr__(self) -> str:
        return repr(self._secret)

    def __str__(self) -> str:
        return str(self._secret)

    def __format__(self, spec: str) -> str:
        return format(self._secret, spec)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OpaqueSecret):
            other = other._secret
        return self._secret == other

    def __hash__(self) -> int:
        return hash(self._secret)

    def __copy__(self) -> OpaqueSecret:
        return self

    def __deepcopy__(self, _: object) -> OpaqueSecret:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)  # a saved table holds what it prints


def mask_credentials(values: Mapping[str, T]) -> dict[str, T]:
    """The same values, of which the credentials print masked, in tracebacks too."""
    return {
        name: Secret(value) if name in _CREDENTIALS and isinstance(value, str) else value  # type: ignore[misc]  # as good as a T
        for name, value in values.items()
    }


_CREDENTIALS: Final = ("access_token", "api_key", "team")  # a database's address has a password


def mask_value(value: Any, name: str = "") -> Any:  # noqa: ANN401  any argument
    """An argument as it can stand in a traceback: a token or a card number in it prints masked."""
    if isinstance(value, OpaqueSecret):
        return Secret(value)
    if isinstance(value, str):
        hidden = name in _SECRETS or constants.TOKEN_PREFIX in value or contains_card_number(value)
        return Secret(value) if hidden else value
    return {key: mask_value(each) for key, each in value.items()} if type(value) is dict else value


_SECRETS: Final = frozenset({"source", "token"})


def mask_arguments(method: Callable[P, T]) -> Callable[P, T]:
    """The same call, which keeps what a person typed out of the tracebacks that show variables.

    IPython leaves out the frame of this wrapper; others show it, with its arguments masked.
    """
    names = tuple(inspect.signature(method).parameters)

    @functools.wraps(method)
    def call_masked(*args: Any, **kwargs: Any) -> T:  # noqa: ANN401  the method's
        __tracebackhide__ = True
        args, kwargs = mask_call(names, args, kwargs)
        return method(*args, **kwargs)

    return call_masked


def mask_call(
    names: Iterable[str], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, masked.

    Args:
        names: Those of the parameters.
        args: What is given by position.
        kwargs: What is given by name.
    """
    masked = tuple(map(mask_value, args, chain(names, repeat(""))))
    return masked, {name: mask_value(value, name) for name, value in kwargs.items()}


#: What stands in place of a text that quotes a card number.
HIDDEN: Final = "(hidden: it quotes a card number)"


def mask_text(text: str) -> str:
    """A text without tokens and card numbers, should it quote one."""
    if contains_card_number(text):
        return HIDDEN
    return re.sub(rf"{constants.TOKEN_PREFIX}\w+", f"{constants.TOKEN_PREFIX}••••", text)
