"""Webhooks: what changed is posted to a program on this machine, after the answer."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clover_nb import sandbox
from clover_nb.sandbox.middleware import webhooks

RECORDS = "/v3/merchants/{m}/customers"


class Receiver(BaseHTTPRequestHandler):
    """Keeps what is posted; refuses as often as it is told."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refuse = self.server.refusals > 0
        self.server.refusals -= refuse
        self.send_response(503 if refuse else 200)
        self.end_headers()
        if not refuse:
            self.server.received.put((dict(self.headers), json.loads(body)))

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    """A program that takes webhooks, in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.received, server.refusals = queue.Queue(), 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def take(receiver):
    """The next event: its kind, and whose it is."""
    _, body = receiver.received.get(timeout=60)
    (events,) = body["merchants"].values()
    (event,) = events
    return event["type"], event["objectId"]


def test_every_change_is_posted(make, receiver):
    """By whichever API; as Clover documents it. A refused change is none."""
    call = make(webhook=receiver.url, webhook_auth="sesame", seed=1)
    customer = call.create()
    headers, body = receiver.received.get(timeout=60)
    assert headers["X-Clover-Auth"] == "sesame"
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "appId": body["appId"],
        "merchants": {
            call.box.merchant_id: [
                {"objectId": f"C:{customer['id']}", "type": "CREATE", "ts": customer["created"]}
            ]
        },
    }
    assert len(body["appId"]) == 13
    assert call.update(customer, email="nonsense").status_code == 400
    path = f"{RECORDS}/{customer['id']}"
    for method, end, sent, kind in (
        ("POST", "", {"firstName": "Ana"}, "UPDATE"),
        ("POST", "/phone_numbers", {"phoneNumber": "617-555-0100"}, "UPDATE"),
        ("DELETE", "", None, "DELETE"),
    ):
        assert call(method, path + end, json=sent).status_code == 200
        assert take(receiver) == (kind, f"C:{customer['id']}")
    assert receiver.received.empty()


def test_a_receiver_that_refuses_is_asked_again(make, receiver):
    """At least once is what is promised."""
    receiver.refusals = 1
    call = make(webhook=receiver.url)
    customer = call.create()
    assert take(receiver) == ("CREATE", f"C:{customer['id']}")


def test_a_webhook_is_posted_although_the_answer_is_lost(make, receiver):
    """The change was made."""
    call = make(webhook=receiver.url)
    customer = call.create()
    take(receiver)
    call.box.fail_next("truncated", method="PUT")
    with pytest.raises(Exception, match=r"IncompleteRead|broken"):
        call.update(customer, email="b@example.com")
    assert take(receiver) == ("UPDATE", f"C:{customer['id']}")


def test_faults_lose_a_webhook_or_hold_it_back(make, receiver):
    """The one after it overtakes a late one."""
    call = make(webhook=receiver.url)
    call.box.fail_next("webhook-lost", path="/v1/customers")
    call.create()
    call.box.fail_next("webhook-late", path="/v1/customers")
    late, punctual = call.create(), call.create()
    assert take(receiver) == ("CREATE", f"C:{punctual['id']}")
    assert take(receiver) == ("CREATE", f"C:{late['id']}")
    assert receiver.received.empty()


def test_a_receiver_that_takes_nothing_is_named(make, receiver, caplog, monkeypatch):
    """A wrong address would else look like no change at all."""
    monkeypatch.setattr(webhooks, "_TRIES", 1)
    receiver.refusals = 9
    call = make(webhook=receiver.url)
    call.create()
    while not caplog.messages:
        call("GET", "/pakms/apikey")
    assert caplog.messages == [
        f"{receiver.url} took no webhook, asked 1 times: it answered with the status 503"
    ]


@pytest.mark.parametrize(("url", "code"), [("http://127.0.0.1/a b", ""), ("http://[::1]/", "a\nb")])
def test_what_no_request_can_carry_is_refused(url, code):
    """At the start, instead of at the first change."""
    with pytest.raises(ValueError, match="letters, digits and signs"):
        sandbox.start(customers=0, webhook=url, webhook_auth=code)


@pytest.mark.parametrize(
    "url",
    ["http://example.com/hook", "https://127.0.0.1/", "http://127.0.0.1.example/", "nonsense"],
)
def test_webhooks_stay_on_this_machine(url):
    """Anything else is an error."""
    with pytest.raises(ValueError, match="on this machine alone"):
        sandbox.start(customers=0, webhook=url)
