"""Whatever answers a call, the result is what was asked for, or an error of the tree.

``EXAMPLES=20000 python -m pytest tests/faults/test_mutated_responses.py`` runs ten times as many.
"""

from __future__ import annotations

import os
import traceback
import warnings
from collections import Counter

import pytest
from mutations import lying_proxy

from clover_nb import TEST_CARDS, connect, errors, sandbox
from clover_nb.masking import OpaqueSecret
from clover_nb.settings import Timeouts

pytestmark = pytest.mark.long


COUNT = int(os.environ.get("EXAMPLES", "2000"))
BRIEF = Timeouts(retry_delay=0.001, max_retry_delay=0.002, unreachable=0.01, total=0.02, read=10)
# What a change that was made may raise: it is not known, or Clover said no, as far as one can tell.
AFTER_A_CHANGE = (errors.OutcomeUnknownError, errors.APIError, errors.EditConflictError)


class Story:
    """The calls, on a customer who is really there, and what each may give."""

    def __init__(self, truth, lies):
        self._truth, self._lies = truth, lies
        self._emails = iter(range(10**9))
        self.key = self._new(truth)["id"]
        self.calls = {
            "retrieve": self._retrieve,
            "list": self._list,
            "search by id": self._search_by_id,
            "search by email": self._search_by_email,
            "token": self._token,
            "api key": self._api_key,
            "create": self._create,
            "modify": self._modify,
        }

    def _new(self, clover):
        token = self._truth.tokens.create(card=TEST_CARDS["visa"])["id"]
        email = f"customer-{next(self._emails)}@example.com"
        return clover.customers.create(email=email, source=token, name="Ana Rivera", phone="555-01")

    def _retrieve(self):
        row = self._lies.customers.retrieve(self.key)
        assert row["id"] == row.name == self.key
        return row

    def _list(self):
        table = self._lies.customers.list()
        assert table.index.is_unique
        return table

    def _search_by_id(self):
        table = self._lies.customers.search(id=self.key)
        assert set(table.index) <= {self.key}
        return table

    def _search_by_email(self):
        return self._lies.customers.search(email="customer-0@example.com")

    def _token(self):
        row = self._lies.tokens.create(card=TEST_CARDS["visa"])
        assert isinstance(row["id"], OpaqueSecret)
        assert row["card_last4"] in ("4242", None)
        return row

    def _api_key(self):
        row = self._lies.api_keys.retrieve()
        assert isinstance(row["apiAccessKey"], OpaqueSecret)
        return row

    def _create(self):
        row = self._new(self._lies)
        assert row["id"] == row.name
        assert isinstance(row["id"], str)
        return row

    def _modify(self):
        row = self._lies.customers.modify(self.key, name="Ana Moss", email="ana@example.com")
        assert row["id"] == row.name == self.key
        return row


@pytest.fixture(scope="module")
def outcomes():
    """How often each call gave a result or an error of the tree, and whatever else it did."""
    counts, surprises = Counter(), []
    with (
        sandbox.start(seed=1, customers=20, limits=False) as running,
        lying_proxy(running.connection()["platform_url"]) as proxy,
        connect("local", **running.connection(), requests_per_second=None) as truth,
    ):
        urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), proxy.url)
        there = running.connection() | urls
        there.pop("api_key")
        with connect("local", **there, requests_per_second=None, timeouts=BRIEF) as lies:
            story = Story(truth, lies)
            names = list(story.calls)
            for seed in range(COUNT):
                name = names[seed % len(names)]
                proxy.lie(seed)
                proxy.applied = False
                try:
                    outcome = attempt(story.calls[name])
                except Exception:  # noqa: BLE001  whatever comes is what is looked for
                    surprises.append((name, seed, traceback.format_exc(limit=-6)))
                    continue
                counts[name, "error" if isinstance(outcome, errors.CloverError) else "result"] += 1
                failed = isinstance(outcome, errors.CloverError) and proxy.applied
                if failed and not isinstance(outcome, AFTER_A_CHANGE):
                    surprises.append((name, seed, f"It was made, and raised {outcome!r}"))
    return counts, surprises


def attempt(call):
    """What a call gives, or an error of the tree; both can be shown and saved."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = call()
        except errors.CloverError as error:
            f"{error} {error!r} {vars(error)}".encode()
            return error
    f"{result}".encode()
    result.to_csv().encode()
    return result


@pytest.mark.parametrize(
    "name",
    [
        *("retrieve", "list", "search by id", "search by email"),
        *("token", "api key", "create", "modify"),
    ],
)
def test_whatever_answers_the_outcome_is_right(outcomes, name):
    """A row or a table of what was asked for, or an error of the tree: never Python's own."""
    counts, surprises = outcomes
    assert [surprise for surprise in surprises if surprise[0] == name] == []
    assert counts[name, "result"] > 0
    assert counts[name, "error"] > 0
