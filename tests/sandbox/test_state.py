"""What is stored: every answered write, whole, and no card number."""

import json
import subprocess
import sys
import threading

import requests

from clover_nb.constants import TEST_CARDS


def test_kill_9_in_the_middle_of_writing(make, tmp_path):
    """Every customer whose creation was answered is there afterwards."""
    path = tmp_path / "clover.db"
    command = ["-m", "clover_nb.sandbox", "--json", "--no-limits", "--customers", "0", "--db", path]
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE) as process:
        there = json.loads(process.stdout.readline())
        url, session = there["ecommerce_url"], requests.Session()
        apikey, bearer = there["api_key"], f"Bearer {there['access_token']}"
        answered = []

        def write():
            while True:
                card = {"card": TEST_CARDS["visa"]}
                token = session.post(f"{url}/v1/tokens", json=card, headers={"apikey": apikey})
                body = {"email": "a@example.com", "source": token.json()["id"]}
                made = session.post(
                    f"{url}/v1/customers", json=body, headers={"Authorization": bearer}
                )
                answered.append(made.json()["id"])

        def until_killed():
            try:
                write()
            except requests.RequestException:
                done.set()

        done = threading.Event()
        threading.Thread(target=until_killed).start()
        while len(answered) < 100:
            done.wait(0.01)
        process.kill()
        assert done.wait(60)
        session.close()
    present = {customer["id"] for customer in make(db=path).list(limit=1000)}
    assert set(answered) <= present
    assert len(present) - len(answered) <= 1


def test_concurrent_writers(make):
    """Twelve threads on one record: every change is whole, and the last one stays."""
    call = make()
    customer = call.create()
    answers = []

    def rename(number):
        body = {"email": f"p{number}@example.com", "name": f"Person {number}"}
        headers = {"Authorization": f"Bearer {call.box.access_token}"}
        url = f"{call.box.ecommerce_url}/v1/customers/{customer['id']}"
        answers.append(requests.put(url, json=body, headers=headers, timeout=60).json())

    threads = [threading.Thread(target=rename, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        assert answer["name"].removeprefix("Person ") == answer["email"][1:].partition("@")[0]
    assert len(call.platform(customer)["emailAddresses"]["elements"]) == 13


def test_numbers_are_stored_nowhere(make, tmp_path):
    """Neither the number nor the CVV is in the database's files or the log."""
    call = make(db=tmp_path / "clover.db")
    call(
        "POST",
        "/v1/tokens",
        json={"card": {**TEST_CARDS["visa"], "cvv": "7391"}},
        headers={"apikey": call.box.api_key},
    )
    call.create()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    seen = stored + str(call.box.requests).encode()
    assert b"424242" in stored
    assert TEST_CARDS["visa"]["number"].encode() not in seen
    assert b"7391" not in seen


def test_nothing_is_stored_of_a_refused_change(make):
    """The record and the token are as before."""
    call = make()
    customer, token = call.create("visa"), call.token("amex")
    before = call.platform(customer)
    body = {"email": "new@example.com", "source": token, "shipping": {"address": []}}
    assert call.update(customer, **body).status_code == 400
    assert call.update(customer, email="new@example.com", source="clv_nothing").status_code == 400
    assert call.platform(customer) == before
    assert call.update(customer, email=customer["email"], source=token).status_code == 200
