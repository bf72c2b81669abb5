"""Each endpoint is one method, and what comes back is about what was asked for."""

from __future__ import annotations

import json

import pytest
from scripted_server import said

from clover_nb import errors
from clover_nb.api.ecommerce import EcommerceAPI
from clover_nb.api.platform import PlatformAPI
from clover_nb.transport.http import AmbiguousWriteError

KEY, OTHER = "7QK2M9ZX4T0BC", "8QK2M9ZX4T0BC"
BODY = {"email": "ana@example.com"}


@pytest.fixture
def apis(scripted):
    with scripted.connect(merchant_id="M1") as clover:
        yield EcommerceAPI(clover._transport), PlatformAPI(clover._transport, clover.settings)


CUSTOMERS = "/v3/merchants/M1/customers"
CALLS = {
    "create": (lambda e, p: e.create_customer(BODY), "POST /v1/customers"),
    "update": (lambda e, p: e.update_customer(KEY, BODY), f"PUT /v1/customers/{KEY}"),
    "revoke": (lambda e, p: e.delete_source(KEY, KEY), f"DELETE /v1/customers/{KEY}/sources/{KEY}"),
    "key": (lambda e, p: e.get_api_key(), "GET /pakms/apikey"),
    "token": (lambda e, p: e.create_token({}, api_key="k"), "POST /v1/tokens"),
    "get": (lambda e, p: p.get_customer(KEY), f"GET {CUSTOMERS}/{KEY}"),
    "find": (lambda e, p: p.find_customers("id=X"), f"GET {CUSTOMERS}"),
    "delete": (lambda e, p: p.delete_customer(KEY), f"DELETE {CUSTOMERS}/{KEY}"),
    "new address": (lambda e, p: p.create_address(KEY, {}), f"POST {CUSTOMERS}/{KEY}/addresses"),
    "address": (
        lambda e, p: p.update_address(KEY, KEY, {}),
        f"POST {CUSTOMERS}/{KEY}/addresses/{KEY}",
    ),
    "no address": (
        lambda e, p: p.delete_address(KEY, KEY),
        f"DELETE {CUSTOMERS}/{KEY}/addresses/{KEY}",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_method_is_one_call(scripted, apis, name):
    """Method and path, as Clover documents them."""
    call, wanted = CALLS[name]
    scripted.answers = [said({"id": KEY})]
    call(*apis)
    assert scripted.calls == [wanted]


@pytest.mark.parametrize("answered", [{"id": OTHER}, {"id": 5}, {"id": [KEY]}, {}])
@pytest.mark.parametrize("name", ["update", "address"])
def test_an_answer_about_another_record_tells_nothing_of_a_write(scripted, apis, name, answered):
    """Whether it was made is to be looked up."""
    scripted.answers = [said(answered)]
    with pytest.raises(AmbiguousWriteError):
        CALLS[name][0](*apis)


@pytest.mark.parametrize("answered", [{"id": OTHER}, {"id": 5}, {}])
def test_a_read_of_another_record_is_an_error(scripted, apis, answered):
    """It is not shown as the one that was asked for."""
    scripted.answers = [said(answered)]
    with pytest.raises(errors.InvalidResponseError):
        apis[1].get_customer(KEY)


def test_an_address_has_the_platforms_names_and_empties_what_is_taken_off(scripted, apis):
    """What is left out would stay."""
    scripted.answers = [said({"id": KEY})]
    apis[1].update_address(KEY, KEY, {"line1": "1 Main St", "line2": None, "postal_code": "02108"})
    sent = json.loads(scripted.requests[0][3])
    assert sent == {"address1": "1 Main St", "address2": "", "zip": "02108"}
