"""Verbose tracebacks, as of IPython's `%xmode Verbose`, which a saved notebook would keep."""

from __future__ import annotations

import http.client

import pytest
from IPython.core.ultratb import VerboseTB

from clover_nb import Customer, connect, errors, sandbox
from clover_nb import client as clients
from clover_nb.constants import TEST_CARDS

TYPED = "1TSTSabcdefghijkmnopqrst"
TOKEN = "clv_" + TYPED
ID = "7QK2M9ZX4T0BC"
ACCESS = "the-access-token-that-was-typed"
NUMBER = TEST_CARDS["visa"]["number"]


def verbose(call, error=errors.CloverError):
    """The traceback of a call that fails, but for the person's own frames: nobody can veil them."""
    with pytest.raises(error) as caught:
        call()
    frames = caught.value.__traceback__
    while frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    told = VerboseTB(theme_name="nocolor")
    told.skip_hidden = False
    return "\n".join(told.structured_traceback(type(caught.value), caught.value, frames))


@pytest.fixture(scope="module")
def clover():
    with (
        sandbox.start(seed=1, customers=3, limits=False) as running,
        connect("local", **running.connection(), requests_per_second=None) as connection,
    ):
        yield connection


@pytest.fixture
def somebody(clover):
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    return clover.customers.create(email="bea@example.com", source=token)["id"]


CALLS = {
    "create": lambda calls, _, token: calls.create(email="ana@example.com", source=token),
    "modify": lambda calls, key, token: calls.modify(key, source=token),
    "add_source": lambda calls, key, token: calls.add_source(key, token, consent=True),
    "replace_source": lambda calls, key, token: calls.replace_source(key, ID, token, consent=True),
    "delete_first": lambda calls, key, token: calls.replace_source(
        key, calls.retrieve(key)["source_ids"][0], token, consent=True, delete_first=True
    ),
    "as an id": lambda calls, _, token: calls.retrieve(token),
    "as a search": lambda calls, _, token: calls.search(name=token, card="x"),
    "misnamed": lambda calls, _, token: calls.create(email="ana@example.com", card=token),
    "in shipping": lambda calls, key, token: calls.modify(key, shipping={"city": token}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("typed", [TOKEN, TOKEN + "!", NUMBER], ids=["token", "mistyped", "number"])
def test_what_was_typed_for_a_card_is_in_no_variable_of_ours(clover, somebody, call, typed):
    """A token that Clover refuses, one that can't be right, and a card's number."""
    shown = verbose(lambda: call(clover.customers, somebody, typed))
    assert "customers.py" in shown or "validation.py" in shown
    assert TYPED not in shown
    assert NUMBER not in shown


def test_the_shortcuts_veil_it_too(clover, monkeypatch):
    """`Customer.create` has frames of its own before those of the connection."""
    monkeypatch.setattr(clients, "_default", [clover])
    for call in (
        lambda: Customer.create(email="nobody", source=TOKEN),
        lambda: Customer.add_source(ID, TOKEN, consent=False),
    ):
        shown = verbose(call)
        assert "shortcuts.py" in shown
        assert TYPED not in shown


@pytest.mark.parametrize(
    "settings",
    [
        {"environment": "nowhere"},
        {"environment": "sandbox", "merchant_id": "?"},
        {"environment": "sandbox", "api_key": "with space"},
    ],
)
def test_a_key_that_was_typed_is_in_no_variable_of_ours(settings, monkeypatch):
    """Nor one from the environment, while another setting is refused."""
    assert ACCESS not in verbose(lambda: connect(access_token=ACCESS, **settings))
    monkeypatch.setenv("CLOVER_ACCESS_TOKEN", ACCESS)
    assert ACCESS not in verbose(lambda: connect(**settings))


def test_a_call_that_is_interrupted_shows_no_key(clover, monkeypatch):
    """The stop button, while an answer is waited for: the frames of other packages are shown."""

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(http.client.HTTPResponse, "begin", stopped)
    monkeypatch.setattr(clients, "_default", [clover])
    shown = verbose(
        lambda: Customer.create(email="ana@example.com", source=TOKEN), KeyboardInterrupt
    )
    assert "urllib3" in shown
    for secret in (TYPED, clover.settings.access_token.reveal()):
        assert secret not in shown
