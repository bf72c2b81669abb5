"""The one merchant who lives in a sandbox: keys, memory, and the choices of its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request, Response

from clover_nb.sandbox.customer import dump

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clover_nb.sandbox.ids import Keys
    from clover_nb.sandbox.store import Store


@dataclass(frozen=True)
class Merchant:
    """What every route works with."""

    store: Store
    keys: Keys
    choices: Mapping[str, str]
    pages: set[str] = field(default_factory=set)  # the origins that may show the card fields

    def on(self, setting: str) -> bool:
        """Tell whether a setting is on."""
        return self.choices[setting] == "on"


def merchant_of(request: Request) -> Merchant:
    """Return the merchant whom the request's application serves."""
    merchant: Merchant = request.app.state.merchant
    return merchant


def answer(body: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(dump(body), status, media_type="application/json")
