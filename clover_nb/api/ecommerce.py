"""The Ecommerce API, and the token host: one method an endpoint.

Source: Clover docs, "Ecommerce API reference". What each call means, and its errors, stand where it
is called: :class:`clover_nb.customers.Customers`, :class:`clover_nb.tokens.Tokens`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clover_nb.api.answers import require_id
from clover_nb.transport.http import HTTPTransport, Response, path_of

Body = Mapping[str, Any]


class EcommerceAPI:
    """The calls of one connection to the Ecommerce API."""

    def __init__(self, transport: HTTPTransport) -> None:
        self._transport = transport

    def create_customer(self, body: Body) -> Response:
        """``POST /v1/customers``.

        Raises:
            AmbiguousWriteError: It may or may not have been made.
            CloverError: It was not made.
        """
        path = path_of("v1", "customers")
        return require_id(self._transport.send("POST", "ecommerce", path, body=body))

    def update_customer(self, customer_id: str, body: Body) -> Response:
        """``PUT /v1/customers/{customerId}``; raises as :meth:`create_customer`."""
        path = path_of("v1", "customers", customer_id)
        answer = self._transport.send("PUT", "ecommerce", path, body=body)
        return require_id(answer, customer_id)

    def delete_source(self, customer_id: str, source_id: str) -> Response:
        """``DELETE /v1/customers/{customerId}/sources/{sourceId}``; raises as the others."""
        path = path_of("v1", "customers", customer_id, "sources", source_id)
        answer = self._transport.send("DELETE", "ecommerce", path)
        return require_id(answer, source_id) if "id" in answer else answer

    def get_api_key(self) -> Response:
        """``GET /pakms/apikey``."""
        return self._transport.send("GET", "ecommerce", path_of("pakms", "apikey"))

    def create_token(self, card: Body, *, api_key: str) -> Response:
        """``POST /v1/tokens``, on the token host. A token that nobody has does no harm."""
        path, body = path_of("v1", "tokens"), {"card": card}
        return self._transport.send(
            "POST", "token", path, body=body, api_key=api_key, idempotent=True
        )

    def allow_page(self, origin: str) -> None:
        """``POST /checkout/pages``, of the embedded sandbox alone: let a page show card fields."""
        path = path_of("checkout", "pages")
        self._transport.send("POST", "ecommerce", path, body={"origin": origin}, idempotent=True)
