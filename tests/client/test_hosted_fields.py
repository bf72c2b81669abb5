"""What a page needs to show Clover's hosted card fields."""

from __future__ import annotations

import pytest
import requests
from scripted_server import said

from clover_nb import connect, constants, errors, sandbox

pytestmark = pytest.mark.usefixtures("empty_folder")

PAGE = "http://localhost:8888"
KEYS = {"access_token": "token", "api_key": "key", "merchant_id": "M1"}


def test_the_sandbox_serves_the_script_and_lets_the_page_in(clover):
    """The page that was named, and the key that makes tokens, masked."""
    fields = clover.tokens.hosted_fields(PAGE)
    assert fields.sdk_url == f"{clover.settings.ecommerce_url}/sdk.js"
    assert fields.merchant_id == clover.settings.merchant_id
    assert fields.api_key == clover.settings.api_key
    assert clover.settings.api_key.reveal() not in repr(fields)
    assert "window.Clover" in requests.get(fields.sdk_url, timeout=60).text
    field = requests.get(fields.sdk_url.replace("sdk.js", "checkout/CARD_CVV"), timeout=60)
    assert PAGE in field.headers["Content-Security-Policy"]


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_at_clover_the_script_is_where_clover_documents_it(environment):
    """Nothing is asked of Clover when the key is in the settings; reading alone is enough."""
    fields = connect(environment, **KEYS).tokens.hosted_fields(PAGE)
    assert fields.sdk_url == f"{constants.HOSTS[environment].checkout}/sdk.js"


def test_of_another_region_the_address_must_be_told():
    """Clover documents none."""
    europe = {"ecommerce_url": "https://scl.eu.clover.com", **KEYS}
    with pytest.raises(errors.SettingsError, match="CLOVER_CHECKOUT_URL"):
        connect("production", **europe).tokens.hosted_fields(PAGE)
    told = connect("production", checkout_url="https://checkout.example.com/", **europe)
    assert told.tokens.hosted_fields(PAGE).sdk_url == "https://checkout.example.com/sdk.js"


def test_the_address_can_be_set_in_the_environment(monkeypatch):
    """As the other addresses; and it must be one."""
    for name, value in KEYS.items():
        monkeypatch.setenv(f"CLOVER_{name.upper()}", value)
    monkeypatch.setenv("CLOVER_CHECKOUT_URL", "https://checkout.example.com")
    assert connect("production").settings.checkout_url == "https://checkout.example.com"
    monkeypatch.setenv("CLOVER_CHECKOUT_URL", "http://checkout.example.com")
    with pytest.raises(errors.SettingsError, match="CLOVER_CHECKOUT_URL"):
        connect("production")


def test_without_a_merchant_id_it_says_so(practice):
    """Clover's script asks for it."""
    nobody = practice.connection() | {"merchant_id": ""}
    no_merchant = pytest.raises(errors.SettingsError, match="merchant")
    with connect("local", **nobody) as clover, no_merchant:
        clover.tokens.hosted_fields(PAGE)


def test_a_key_that_clover_does_not_give_is_its_refusal(scripted):
    """Without a key in the settings it is asked for."""
    scripted.answers = [said({}), said({"message": "401 Unauthorized"}, 401)]
    refused = pytest.raises(errors.AuthenticationError)
    with scripted.connect(merchant_id="M1") as clover, refused:
        clover.tokens.hosted_fields(PAGE)
    assert scripted.calls == ["POST /checkout/pages", "GET /pakms/apikey"]


def test_a_wrong_token_lets_no_page_in():
    """The sandbox asks who wants it."""
    with sandbox.start(customers=0) as practice:
        wrong = practice.connection() | {"access_token": "wrong"}
        with connect("local", **wrong) as clover, pytest.raises(errors.AuthenticationError):
            clover.tokens.hosted_fields(PAGE)
