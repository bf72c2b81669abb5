"""Card tokens and the key that makes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from clover_nb import constants, validation
from clover_nb.api.ecommerce import EcommerceAPI
from clover_nb.errors import InvalidResponseError, SettingsError, ValidationError
from clover_nb.masking import OpaqueSecret, Secret
from clover_nb.records import format_expiry
from clover_nb.settings import Settings


class ApiKeys:
    """The merchant's public key for making tokens (Clover docs: "Generate a card token")."""

    def __init__(self, ecommerce: EcommerceAPI, settings: Settings) -> None:
        self._ecommerce = ecommerce
        self._settings = settings
        self._fetched: Secret | None = None

    def retrieve(self) -> pd.Series[Any]:
        """Ask Clover for the key, ``GET /pakms/apikey``.

        Returns:
            A Series with Clover's names: ``apiAccessKey`` (prints masked), ``merchantUuid``,
            ``developerAppUuid``, ``active``, ``createdTime`` and ``modifiedTime`` (milliseconds).

        Raises:
            AuthenticationError: The access token is not accepted.
        """
        answer = self._ecommerce.get_api_key()
        key = answer.get("apiAccessKey")
        if not isinstance(key, str) or not re.fullmatch("[!-~]+", key):  # it goes into a header
            raise InvalidResponseError(
                "Clover answered without an API key.",
                hint="Try again; if it stays so, set CLOVER_API_KEY.",
                request_id=answer.request_id,
            )
        answer["apiAccessKey"] = OpaqueSecret(key)
        return pd.Series(answer, dtype=object, name="api_key")

    def current(self) -> Secret:
        """The key from the settings, or else from Clover, asked once: it does not expire (D)."""
        if self._settings.api_key:
            return self._settings.api_key
        if self._fetched is None:
            self._fetched = Secret(self.retrieve()["apiAccessKey"])
        return self._fetched


class HostedFields(NamedTuple):
    """What a page needs to show Clover's hosted card fields.

    Attributes:
        sdk_url: The address of Clover's script.
        api_key: The public key that the script makes tokens with; prints masked.
        merchant_id: The merchant's id.
    """

    sdk_url: str
    api_key: Secret
    merchant_id: str


class Tokens:
    """Card tokens of one connection (Clover docs: "Generate a card token")."""

    def __init__(self, ecommerce: EcommerceAPI, settings: Settings, api_keys: ApiKeys) -> None:
        self._ecommerce = ecommerce
        self._settings = settings
        self._api_keys = api_keys

    @validation.check_arguments
    def create(self, *, card: Mapping[str, str]) -> pd.Series[Any]:
        """Make a token of one of Clover's published test cards, ``POST /v1/tokens``.

        It is for practice and tests: on the embedded sandbox and on Clover's sandbox, with test
        cards alone. A real card's number is typed into Clover's own fields in the browser and
        never reaches Python.

        Args:
            card: One of ``TEST_CARDS``, such as ``TEST_CARDS["visa"]``.

        Returns:
            A Series with ``id`` (the ``clv_`` token; it prints masked, ``token["id"].reveal()`` is
            the text, and it works once), and
            ``card_brand``, ``card_last4`` and ``card_expiry`` (``YYYY-MM``).

        Raises:
            ValidationError: It is not a test card, or this is production.
            APIError: Clover refused the card or the key.
        """
        if self._settings.environment == "production":
            raise ValidationError(
                "Tokens are not made in Python on production.",
                hint="Card numbers are typed into Clover's own fields in the browser.",
                field="card",
            )
        if not isinstance(card, Mapping) or not _is_test_card(card):
            raise ValidationError(
                "card is not one of Clover's published test cards.",
                hint='Use TEST_CARDS["visa"] or another of TEST_CARDS.',
                field="card",
            )
        answer = self._ecommerce.create_token(
            _find_test_card(card), api_key=self._api_keys.current()
        )
        token, details = answer.get("id"), answer.get("card")
        details = details if isinstance(details, dict) else {}
        last4 = details.get("last4")
        if not _is_token(token) or last4 not in (None, card["number"][-4:]):
            raise InvalidResponseError(
                "Clover answered without a token of this card.",
                hint="Try again; if it stays so, ask Clover's support.",
                request_id=answer.request_id,
            )
        row = {
            "id": OpaqueSecret(str(token)),
            "card_brand": details.get("brand"),
            "card_last4": last4,
            "card_expiry": format_expiry(details.get("exp_month"), details.get("exp_year")),
        }
        return pd.Series(row, dtype=object, name="token")

    def hosted_fields(self, page: str) -> HostedFields:
        """What a page needs to show Clover's hosted card fields (``forms.card_fields`` asks it).

        Args:
            page: The page's origin, such as ``"http://localhost:8888"``. The embedded sandbox
                lets the fields be shown by pages alone that somebody asked for here.

        Raises:
            SettingsError: Where the script is, or the merchant's id, is not known.
            APIError: Clover did not give the API key.

        Source: Clover docs, "Use the Clover-hosted iframe".
        """
        settings = self._settings
        if settings.checkout_url is None:
            raise SettingsError(
                "It is not known where Clover's card fields are for this region.",
                hint="Set CLOVER_CHECKOUT_URL to the address of the folder of its sdk.js.",
                field="checkout_url",
            )
        if settings.merchant_id is None:
            raise SettingsError(
                "Clover's card fields need the merchant's id.",
                hint="Set CLOVER_MERCHANT_ID.",
                field="merchant_id",
            )
        if settings.environment == "local":
            self._ecommerce.allow_page(page)
        return HostedFields(
            f"{settings.checkout_url}/sdk.js", self._api_keys.current(), settings.merchant_id
        )


def _is_token(value: object) -> bool:
    pattern = rf"{constants.TOKEN_PREFIX}[0-9A-Za-z]+"
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_test_card(card: Mapping[str, str]) -> bool:
    known = [each["number"] for each in constants.TEST_CARDS.values()]
    return card.get("number") in known and all(isinstance(part, str) for part in card.values())


def _find_test_card(card: Mapping[str, str]) -> constants.TestCard:
    number = card["number"]
    return constants.TestCard({**card, "first6": number[:6], "last4": number[-4:]})
