"""A sandbox over real HTTP, and what a program needs to talk to it."""

import itertools

import pytest
import requests

from clover_nb import sandbox
from clover_nb.constants import TEST_CARDS


class Caller:
    """Sends requests to a sandbox with the right keys, unless a test gives others."""

    def __init__(self, box):
        self.box = box
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {box.access_token}"
        self._emails = (f"person{n}@example.com" for n in itertools.count())

    def __call__(self, method, path, **kwargs):
        path = path.replace("{m}", self.box.merchant_id)
        return self.session.request(method, self.box.ecommerce_url + path, timeout=60, **kwargs)

    def tokenize(self, name="visa", without="", **changes):
        card = {**TEST_CARDS[name], **changes}
        card.pop(without, None)
        return self("POST", "/v1/tokens", json={"card": card}, headers={"apikey": self.box.api_key})

    def token(self, name="visa"):
        return self.tokenize(name).json()["id"]

    def create(self, card="visa", **fields):
        body = {"email": next(self._emails), "source": self.token(card), **fields}
        answer = self("POST", "/v1/customers", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def update(self, customer, **fields):
        return self("PUT", f"/v1/customers/{customer['id']}", json=fields)

    def platform(self, customer, expand="addresses,emailAddresses,phoneNumbers,cards,metadata"):
        path = f"/v3/merchants/{{m}}/customers/{customer['id']}"
        return self("GET", path, params={"expand": expand}).json()

    def list(self, **params):
        return self("GET", "/v3/merchants/{m}/customers", params=params).json()["elements"]


def start_and_stop():
    """Start sandboxes, each with a caller, and stop them in the end."""
    callers = []

    def start(**options):
        callers.append(Caller(sandbox.start(**{"limits": False, "customers": 0} | options)))
        return callers[-1]

    yield start
    for caller in callers:
        caller.session.close()
        caller.box.stop()


make = pytest.fixture(start_and_stop, name="make")
make_once = pytest.fixture(start_and_stop, scope="module", name="make_once")


@pytest.fixture(scope="module")
def shared(make_once):
    """One sandbox for the tests of a module that don't mind each other's customers."""
    return make_once()
