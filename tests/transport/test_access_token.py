"""Access tokens expire; who gave a function is asked for the next one, once."""

from __future__ import annotations

import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from clover_nb import TEST_CARDS, connect, sandbox
from clover_nb.errors import AuthenticationError, SettingsError

STRANGE = "00000000-1111-2222-3333-444444444444"


class Issuer:
    """Gives the token that the sandbox accepts, or what a test wants, and counts."""

    def __init__(self, box):
        self.box = box
        self.calls = 0
        self.gives = lambda: box.access_token

    def __call__(self):
        self.calls += 1
        return self.gives()


@pytest.fixture
def box():
    """A sandbox of the test's own, whose token may expire."""
    with sandbox.start(seed=4, customers=30, limits=False, latency_ms=10) as running:
        yield running


@pytest.fixture
def issuer(box):
    return Issuer(box)


@pytest.fixture
def near(box, issuer, brief):
    """A connection that asks for its tokens."""
    settings = box.connection() | {"access_token": issuer}
    with connect("local", requests_per_second=None, timeouts=brief, **settings) as connection:
        yield connection


def statuses(box):
    return [entry["status"] for entry in box.requests]


def test_it_is_asked_for_once_while_it_lasts(near, issuer):
    """Connecting asks; reads and writes don't."""
    near.customers.list()
    near.customers.create(name="Ana", source=None)
    assert issuer.calls == 1


def test_a_read_goes_on_with_a_new_token(near, box, issuer):
    """The refused request is sent once more."""
    near.customers.list()
    box.expire_token()
    assert len(near.customers.list()) == 30
    assert issuer.calls == 2
    near.customers.list()
    assert issuer.calls == 2


def test_a_write_goes_on_with_a_new_token(near, box, issuer):
    """A 401 means that nothing was made: it is made once, and the journal has it as done."""
    token = near.tokens.create(card=TEST_CARDS["visa"])["id"]
    near.customers.list()
    box.expire_token()
    near.customers.create(email="ana@example.com", source=token, name="Ana")
    assert len(near.customers.list()) == 31
    assert near.journal.frame()["outcome"].tolist() == ["done"]
    assert issuer.calls == 2
    made = [each["status"] for each in box.requests if each["path"] == "/v1/customers"]
    assert made == [401, 200]


def test_each_token_may_expire(near, box, issuer):
    """One that has worked is replaced, however many came before it."""
    for times in range(1, 5):
        near.customers.list()
        assert issuer.calls == times
        box.expire_token()


def test_a_token_that_never_worked_is_not_replaced(box, brief):
    """What is wrong from the beginning has not expired."""
    issuer = Issuer(box)
    issuer.gives = lambda: STRANGE
    settings = box.connection() | {"access_token": issuer}
    with (
        connect("local", timeouts=brief, **settings) as clover,
        pytest.raises(AuthenticationError, match="five things"),
    ):
        clover.customers.list()
    assert issuer.calls == 1


def test_a_new_token_that_is_refused_is_not_replaced(near, box, issuer):
    """Never in a loop: neither by this call nor by the next."""
    near.customers.list()
    box.expire_token()
    issuer.gives = lambda: STRANGE
    before = len(box.requests)
    for _ in range(3):
        with pytest.raises(AuthenticationError, match="five things"):
            near.customers.list()
    assert issuer.calls == 2
    assert statuses(box)[before:] == [401] * 4


def test_the_same_token_is_not_sent_again(near, box, issuer):
    """The next call asks anew: by then there may be another one."""
    near.customers.list()
    old = box.access_token
    box.expire_token()
    issuer.gives = lambda: old
    before = len(box.requests)
    with pytest.raises(AuthenticationError, match="has expired"):
        near.customers.list()
    assert (issuer.calls, statuses(box)[before:]) == (2, [401])
    issuer.gives = lambda: box.access_token
    assert len(near.customers.list()) == 30


def test_an_error_of_the_function_is_reported(near, box, issuer):
    """With the error as its cause, and without the token that it quotes; the next call asks."""

    def fail():
        raise OSError(f"no sign-in for {box.access_token}")

    near.customers.list()
    box.expire_token()
    issuer.gives = fail
    with pytest.raises(AuthenticationError, match="raised OSError: no sign-in for ••••") as caught:
        near.customers.list()
    assert isinstance(caught.value.__cause__.__cause__, OSError)
    assert caught.value.status == 401
    issuer.gives = lambda: box.access_token
    assert len(near.customers.list()) == 30
    assert issuer.calls == 3


@pytest.mark.parametrize("value", [None, "", "two words", b"bytes", 7, "né"])
def test_what_is_no_token_is_refused_as_at_first(near, box, issuer, value):
    """At connect and later alike, and no weaker source stands in for it."""
    near.customers.list()
    box.expire_token()
    issuer.gives = lambda: value
    with pytest.raises(AuthenticationError, match="There is no new one"):
        near.customers.list()
    with pytest.raises(SettingsError):
        connect("local", **(box.connection() | {"access_token": issuer}))


def test_no_token_does_not_mean_the_one_of_the_environment(box, monkeypatch, empty_folder):
    """A function that returns None is a mistake."""
    monkeypatch.setenv("CLOVER_ACCESS_TOKEN", box.access_token)
    with pytest.raises(SettingsError, match="returned NoneType"):
        connect("sandbox", access_token=lambda: None)


def test_calls_that_are_refused_together_ask_once(near, box, issuer):
    """Five threads, one new token, five answers."""
    near.customers.list()
    box.expire_token()
    together = threading.Barrier(5)

    def give():
        while statuses(box).count(401) < 5:
            time.sleep(0.001)
        return box.access_token

    def read(_):
        together.wait(60)
        return len(near.customers.list())

    issuer.gives = give
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(read, range(5))) == [30] * 5
    assert statuses(box).count(401) == 5
    assert issuer.calls == 2


def test_a_call_that_begins_while_a_new_token_is_asked_for_waits_for_it(near, box, issuer):
    """It was sent with the old one, and is no reason to ask again or to give up."""
    near.customers.list()
    box.expire_token()
    later = []

    def give():
        later.append(pool.submit(near.customers.list))
        while statuses(box).count(401) < 2:
            time.sleep(0.001)
        return box.access_token

    issuer.gives = give
    with ThreadPoolExecutor(1) as pool:
        assert len(near.customers.list()) == 30
        assert len(later[0].result()) == 30
    assert issuer.calls == 2


def test_a_function_may_use_the_connection(near, box, issuer):
    """It gets the refusal, and is not asked by its own call."""
    near.customers.list()
    box.expire_token()
    problems = []

    def ask():
        try:
            near.customers.list()
        except AuthenticationError as error:
            problems.append(error)
        return box.access_token

    issuer.gives = ask
    assert len(near.customers.list()) == 30
    assert len(problems) == 1
    assert issuer.calls == 2


def test_without_a_function_the_error_says_that_it_expired(box, brief):
    """And not five things, of which four can't be."""
    with connect("local", timeouts=brief, **box.connection()) as clover:
        clover.customers.list()
        box.expire_token()
        with pytest.raises(AuthenticationError, match="has expired") as caught:
            clover.customers.list()
    assert "five things" not in str(caught.value)


@pytest.mark.parametrize("more", ["", " and a blank"])
def test_no_token_is_shown(near, box, issuer, more):
    """Neither in reprs, nor in the variables of a traceback through the package."""
    near.customers.list()
    old = box.access_token
    box.expire_token()
    issuer.gives = lambda: STRANGE + more
    with pytest.raises(AuthenticationError) as caught:
        near.customers.list()
    errors = filter(None, (caught.value, caught.value.__cause__))
    details = [traceback.TracebackException.from_exception(e, capture_locals=True) for e in errors]
    frames = [each for detail in details for each in detail.stack if "clover_nb" in each.filename]
    assert len(frames) > 3
    shown = "".join(str(each.locals) for each in frames) + repr(near) + repr(near.settings)
    assert old not in shown
    assert STRANGE not in shown
