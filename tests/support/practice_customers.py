"""Customers that tests make in a practice sandbox, and answers as other versions give them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pandas as pd

from clover_nb import TEST_CARDS
from clover_nb.client import Clover


def an_email() -> str:
    """An address that no other test has."""
    return f"{uuid.uuid4().hex[:12]}@example.com"


def a_token(clover: Clover, card: str = "visa") -> Any:
    """A new token of a test card."""
    return clover.tokens.create(card=TEST_CARDS[card])["id"]


def a_customer(clover: Clover, **fields: Any) -> pd.Series[Any]:
    """A new customer."""
    return clover.customers.create(email=an_email(), source=a_token(clover), **fields)


def outcomes(clover: Clover) -> list[str]:
    """What the journal says became of each write."""
    return list(clover.journal.frame()["outcome"])


def hide_tokens(content: bytes) -> bytes:
    """An answer in which cards show no token."""
    if b'"token"' not in content or b'"cards"' not in content:
        return content
    answer = json.loads(content)
    for record in answer.get("elements", [answer]):
        for card in record.get("cards", {}).get("elements", []):
            card.pop("token", None)
    return json.dumps(answer).encode()
