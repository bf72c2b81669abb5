"""The errors of the tree, as objects."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from clover_nb import errors

COMMON = {"hint": "Do this.", "status": 503, "request_id": "r1"}
OF_ITS_OWN = {
    errors.OutcomeUnknownError: COMMON
    | {"operation": "create", "customer_id": None, "sent": {"email": "ana@example.com"}},
    errors.EditConflictError: {
        "hint": "Do this.",
        "changes": [errors.Change("name", "Ana", "Bea")],
    },
}


def every_error(kind=errors.CloverError):
    return [kind, *(each for child in kind.__subclasses__() for each in every_error(child))]


def through_pickle(error):
    return pickle.loads(pickle.dumps(error))  # noqa: S301  the test's own


@pytest.mark.parametrize("copied", [through_pickle, copy.copy])
@pytest.mark.parametrize("kind", every_error())
def test_every_error_survives_pickle(kind, copied):
    """With all that it carries, and what caused it."""
    error = kind("It broke.", **OF_ITS_OWN.get(kind, COMMON | {"field": "email", "code": "x"}))
    error.__cause__ = errors.ServerError("Before.", status=500)
    error.add_note("by the test")
    again = copied(error)
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert again.args == error.args
    assert str(again) == str(error)
    assert str(again.__cause__) == "Before. [HTTP 500]"


def test_a_cause_of_another_kind_is_left_behind():
    """It may not survive pickle itself."""
    error = errors.SettingsError("It broke.")
    error.__cause__ = OSError(lambda: None)
    assert through_pickle(error).__cause__ is None


def raise_unknown():
    raise errors.OutcomeUnknownError("Lost.", operation="create", customer_id="C1", sent={"a": "b"})


def test_a_process_pool_hands_over_the_error():
    """It is raised in the parent as it was in the child."""
    with (
        ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool,
        pytest.raises(errors.OutcomeUnknownError) as caught,
    ):
        pool.submit(raise_unknown).result()
    assert caught.value.customer_id == "C1"
    assert caught.value.sent == {"a": "b"}
