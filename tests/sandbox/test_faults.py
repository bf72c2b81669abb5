"""Faults on demand, limits, latency, the log, and the calls that control them."""

import statistics
from random import Random

import pytest
import requests

from clover_nb.sandbox.middleware.faults import LatencySampler

CREATE = "/v1/customers"


def body(call):
    return {"email": "ana@example.com", "source": call.token()}


def stored(call):
    return len(call.list(filter="emailAddress=ana@example.com"))


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_status(make, status):
    """A status comes instead of the change, once."""
    call = make()
    sent = body(call)
    call.box.fail_next(status, method="post", path="customers")
    answer = call("POST", CREATE, json=sent)
    assert answer.status_code == status
    assert answer.json()["message"].startswith(str(status))
    assert ("X-RateLimit-tokenLimit" in answer.headers) == (status == 429)
    assert stored(call) == 0
    assert call("POST", CREATE, json=sent).status_code == 200


@pytest.mark.parametrize(
    ("kind", "count"), [("reset-before", 0), ("reset-after", 1), ("truncated", 1)]
)
def test_lost_answers(make, kind, count):
    """The connection drops before or after the change is stored, or in the middle of the answer."""
    call = make()
    sent = body(call)
    call.box.fail_next(kind, path=CREATE)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        call("POST", CREATE, json=sent)
    assert stored(call) == count
    assert [entry["fault"] for entry in call.box.requests if entry["fault"]] == [kind]


@pytest.mark.parametrize(("kind", "status", "count"), [("html", 502, 1), ("portal", 200, 0)])
def test_html(make, kind, status, count):
    """A gateway's page, although the change is stored; another network's page instead of it."""
    call = make()
    sent = body(call)
    call.box.fail_next(kind, path=CREATE)
    answer = call("POST", CREATE, json=sent)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")
    assert stored(call) == count


def test_times_method_and_path(make):
    """A fault waits for the requests that it is meant for."""
    call = make()
    call.box.fail_next(500, times=2, method="GET", path="apikey")
    assert call("GET", "/v3/merchants/{m}/customers").status_code == 200
    assert [call("GET", "/pakms/apikey").status_code for _ in range(3)] == [500, 500, 200]
    with pytest.raises(ValueError, match="no fault 'gremlins'"):
        call.box.fail_next("gremlins")


def test_rates(make):
    """Faults at random; with a seed, the same ones on every run."""
    runs = [make(faults="500:30%,429:20%", seed=3) for _ in range(2)]
    seen = [[call("GET", "/pakms/apikey").status_code for _ in range(60)] for call in runs]
    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 429, 500}


def latencies(call):
    for _ in range(5):
        call("GET", "/pakms/apikey")
    return [entry["latency_ms"] for entry in call.box.requests]


def test_latency(make):
    """Each request waits as long as it was told."""
    assert latencies(make(latency_ms=2)) == [2] * 5
    call = make()
    call("GET", "/pakms/apikey")
    assert "latency_ms" not in call.box.requests[0]


def test_jitter(make):
    """Each waits somewhat longer or shorter; with a seed, the same on every run."""
    first, second = (latencies(make(latency_ms=4, jitter_ms=3, seed=5)) for _ in range(2))
    assert first == second
    assert len(set(first)) == 5
    assert all(1 <= wait <= 7 for wait in first)


def test_latency_and_jitter_of_many_requests():
    """They spread over the whole range, evenly around the latency."""
    latency = LatencySampler(80, 50, Random(1))  # noqa: S311  no secret
    drawn = sorted(latency.sample() for _ in range(2000))
    assert 30 <= drawn[0] < 32
    assert 128 < drawn[-1] <= 130
    assert 77 < statistics.mean(drawn) < 83


def test_the_log_masks_secrets(make):
    """Every call is there, with the end of its key alone."""
    call = make()
    answer = call("GET", "/v3/merchants/{m}/customers?limit=1")
    (entry,) = call.box.requests
    assert entry["request_id"] == answer.headers["X-Clover-Request-Id"]
    assert (entry["method"], entry["query"], entry["status"]) == ("GET", "limit=1", 200)
    assert call.box.access_token not in str(entry)
    assert entry["credential"] == f"…{call.box.access_token[-4:]}"


def test_reset_and_seed(make):
    """Back to the start, with the same ids; or more people."""
    call = make(seed=1, customers=3)
    before = call.list()
    first = call.create()
    call.box.seed(5)
    assert len(call.list()) == 9
    call.box.fail_next(500)
    call.box.reset()
    assert call.box.requests == []
    assert call.list() == before
    assert call.create()["id"] == first["id"]


@pytest.mark.parametrize("path", ["reset", "seed", "faults"])
def test_who_controls_the_sandbox_holds_the_access_token(make, path):
    """A page of a stranger has none, and can't send one across sites unasked."""
    call = make(control=True, customers=3)
    body = {"customers": 1, "kind": 500}
    for bearer in (None, "", "Bearer X", f"Bearer {call.box.api_key}"):
        for kind in ("application/json", "text/plain"):
            headers = {
                "Authorization": bearer,
                "Content-Type": kind,
                "Origin": "http://evil.example",
            }
            answer = call("POST", f"/_sandbox/{path}", json=body, headers=headers)
            assert answer.status_code == 401
            assert "Access-Control-Allow-Origin" not in answer.headers
    assert call("GET", "/_sandbox/requests", headers={"Authorization": None}).status_code == 401
    assert len(call.list()) == 3


def test_control_answers_to_this_machine_s_names_alone(make):
    """A stranger's name that is made to point here is another host."""
    call = make(control=True, customers=3)
    port = call.box.ecommerce_url.rpartition(":")[2]
    for host, status in (
        (f"evil.example:{port}", 400),
        ("evil.example", 400),
        (f"127.0.0.1.evil.example:{port}", 400),
        (f"localhost:{port}", 200),
    ):
        assert call("POST", "/_sandbox/reset", headers={"Host": host}).status_code == status


def test_control_over_http(make):
    """The same for programs in other languages, when it was asked for."""
    assert make()("POST", "/_sandbox/reset").status_code == 404
    call = make(control=True, customers=3)
    call("POST", "/_sandbox/seed", json={"customers": 2})
    assert len(call.list()) == 5
    call("POST", "/_sandbox/faults", json={"kind": 503, "path": "apikey"})
    assert call("GET", "/pakms/apikey").status_code == 503
    assert call("GET", "/_sandbox/requests").json()[-1]["status"] == 503
    assert call("POST", "/_sandbox/faults", json={"kind": "gremlins"}).status_code == 400
    call("POST", "/_sandbox/reset")
    assert len(call.list()) == 3
    token = call("POST", "/_sandbox/expire-token").json()["access_token"]
    assert call("GET", "/pakms/apikey").status_code == 401
    call.session.headers["Authorization"] = f"Bearer {token}"
    assert len(call.list()) == 3
