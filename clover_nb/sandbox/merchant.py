"""The one merchant of a sandbox: credentials, store, and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from clover_nb.sandbox.customer import Customer
    from clover_nb.sandbox.ids import Credentials
    from clover_nb.sandbox.store import Store


@dataclass(frozen=True)
class Merchant:
    """What every route works with.

    Attributes:
        store: The customers and tokens.
        settings: The value of every setting.
        origins: The origins of the pages that may show the card fields.
    """

    store: Store
    settings: Mapping[str, str]
    origins: set[str] = field(default_factory=set)

    @property
    def credentials(self) -> Credentials:
        """The keys that are accepted."""
        return self.store.credentials

    def is_on(self, setting: str) -> bool:
        """Tell whether a setting is on."""
        return self.settings[setting] == "on"

    def delete(self, customer: Customer, now: int) -> None:
        """Delete a customer, or mark them as deleted. Inside `store.write()`."""
        if self.settings["deleted"] == "marked":
            customer.deleted = now
            self.store.save(customer)
        else:
            self.store.delete(customer)


def get_merchant(request: Request) -> Merchant:
    """Return the merchant whom the request's application serves."""
    merchant: Merchant = request.app.state.merchant
    return merchant
