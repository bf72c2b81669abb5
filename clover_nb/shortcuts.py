"""``Customer`` and ``Token``: Clover's documented calls, on the default connection."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from clover_nb.client import default
from clover_nb.customers import Customers
from clover_nb.masking import mask_arguments
from clover_nb.tokens import Tokens

P = ParamSpec("P")
T = TypeVar("T")


def _on_default(resource: str, method: Callable[Concatenate[Any, P], T]) -> Callable[P, T]:
    @functools.wraps(method)
    def call_default(*args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True  # IPython leaves this frame out
        return method(getattr(default(), resource), *args, **kwargs)

    signature = inspect.signature(method)
    without_self = list(signature.parameters.values())[1:]
    call_default.__signature__ = signature.replace(parameters=without_self)  # type: ignore[attr-defined]  # any function takes it
    return mask_arguments(call_default)


class Customer:
    """Customers of the default connection (see :func:`clover_nb.use`), called as in Clover's SDK.

    Each call is the one of the same name in :class:`clover_nb.customers.Customers`.

    Example:
        >>> ana = Customer.create(email="ana@example.com", source=token["id"])
        >>> Customer.modify(ana["id"], name="Ana Rivera")["name"]
        'Ana Rivera'
    """

    create = staticmethod(_on_default("customers", Customers.create))
    modify = staticmethod(_on_default("customers", Customers.modify))
    add_source = staticmethod(_on_default("customers", Customers.add_source))
    replace_source = staticmethod(_on_default("customers", Customers.replace_source))
    delete_source = staticmethod(_on_default("customers", Customers.delete_source))
    delete = staticmethod(_on_default("customers", Customers.delete))
    retrieve = staticmethod(_on_default("customers", Customers.retrieve))
    list = staticmethod(_on_default("customers", Customers.list))
    search = staticmethod(_on_default("customers", Customers.search))


class Token:
    """Card tokens of the default connection; see :class:`clover_nb.tokens.Tokens`.

    Example:
        >>> token = Token.create(card=TEST_CARDS["visa"])
        >>> token["id"], token["card_last4"]
        ('clv_••••', '4242')
    """

    create = staticmethod(_on_default("tokens", Tokens.create))
