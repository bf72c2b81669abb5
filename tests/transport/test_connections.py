"""Connections: proxies, the hosts that get the token, closing, and what is said of retries."""

from __future__ import annotations

import gc
import http.client
import logging
import multiprocessing
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil
import pytest
from loopback_proxy import company
from scripted_server import BRIEF, said

from clover_nb import client, connect, constants, errors, sandbox
from clover_nb.cli import doctor
from clover_nb.journal import store
from clover_nb.transport.responses import retry_after

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
CUSTOMER = {"id": "7QK2M9ZX4T0BC", "email": "ana@example.com"}
HOSTS = constants.HOSTS["production"]
NAMES = [url.removeprefix("https://") for url in (HOSTS.ecommerce, HOSTS.token, HOSTS.platform)]
TOKEN = "the-access-token-of-production"


# -- proxies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lower", [False, True])
def test_no_proxy_leads_to_this_machine(practice, monkeypatch, lower):
    """Practice works behind a company's proxy, here one that is dead."""
    for name in PROXIES:
        monkeypatch.setenv(name.lower() if lower else name, "http://127.0.0.1:1")
    with connect("local", timeouts=BRIEF, **practice.connection()) as clover:
        assert len(clover.customers.list(limit=1)) == 1
        assert clover.api_keys.retrieve()["apiAccessKey"]


@pytest.fixture(params=["http", "https"])
def behind_proxy(request, tmp_path, monkeypatch):
    """Production, by its real names, behind a proxy that is spoken to through either."""
    with company(NAMES, request.param) as there:
        bundle = tmp_path / "authority.pem"
        there.authority.cert_pem.write_to_path(bundle)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        monkeypatch.setenv("HTTPS_PROXY", there.proxy)
        yield there


def test_production_is_reached_through_the_companys_proxy(behind_proxy):
    """Its certificates are the bundle's, and the access token is in the tunnel alone."""
    behind_proxy.answer = CUSTOMER
    settings = {"access_token": TOKEN, "merchant_id": "M1", "journal": None}
    with connect("production", **settings) as clover:
        assert clover.customers.retrieve(CUSTOMER["id"])["id"] == CUSTOMER["id"]
    assert behind_proxy.tunnels == [f"{NAMES[2]}:443"]
    ((host, _, headers),) = behind_proxy.requests
    assert host == NAMES[2]
    assert headers["Authorization"] == f"Bearer {TOKEN}"


def test_the_token_host_never_gets_the_access_token(behind_proxy, monkeypatch, empty_folder):
    """Not even when the doctor looks whether it is there."""
    monkeypatch.setenv("CLOVER_ENVIRONMENT", "production")
    monkeypatch.setenv("CLOVER_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("CLOVER_MERCHANT_ID", "M1")
    list(doctor.run_checks())
    hosts = {host: headers for host, _, headers in behind_proxy.requests}
    assert set(hosts) == set(NAMES)
    assert TOKEN in hosts[NAMES[0]]["Authorization"]
    assert TOKEN not in str(hosts[NAMES[1]])


# -- closing ---------------------------------------------------------------------------------------


def sockets_to(url):
    port = int(url.rpartition(":")[2])
    connections = psutil.Process().net_connections("tcp")
    return [each for each in connections if each.raddr and each.raddr.port == port]


def test_close_closes_every_socket():
    """All that were opened at once, and those to each host."""
    with sandbox.start(customers=3, limits=False, latency_ms=20) as running:
        clover = connect("local", **running.connection(), requests_per_second=None)
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda _: clover.customers.list(limit=1), range(10)))
        clover.api_keys.retrieve()
        assert len(sockets_to(running.ecommerce_url)) > 1
        clover.close()
        assert not sockets_to(running.ecommerce_url)


def test_a_request_under_way_ends_as_it_would_have():
    """Its socket is closed after it."""
    with sandbox.start(customers=3, limits=False, latency_ms=300) as running:
        clover = connect("local", **running.connection())
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(clover.customers.list, limit=1)
            while not running.requests:
                time.sleep(0.001)
            clover.close()
            assert len(reading.result()) == 1
        gc.collect()
        assert not sockets_to(running.ecommerce_url)


@pytest.mark.parametrize(
    "call",
    [
        lambda clover: clover.customers.retrieve(CUSTOMER["id"]),
        lambda clover: clover.customers.list(),
        lambda clover: clover.customers.create(email="ana@example.com", source="clv_1TSTS"),
        lambda clover: clover.api_keys.retrieve(),
    ],
)
def test_calls_after_close_say_that_it_is_closed(scripted, call):
    """At once, and nothing is sent."""
    clover = scripted.connect(merchant_id="M1")
    clover.close()
    clover.close()
    with pytest.raises(errors.CloverError, match="This connection is closed"):
        call(clover)
    assert not scripted.requests


# -- fork ------------------------------------------------------------------------------------------


def read_all(clover, keys):
    """How many of these reads return another customer."""
    return sum(clover.customers.retrieve(key)["id"] != key for key in keys)


def test_forked_children_get_no_answer_of_another(practice):
    """2,400 reads at once by six children of a process whose connections are open."""
    with connect(
        "local", requests_per_second=None, at_once=None, **practice.connection()
    ) as clover:
        keys = list(clover.customers.list(limit=40).index)
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(clover.customers.retrieve, keys))  # all its connections are open
        fork = multiprocessing.get_context("fork")
        wrong = fork.SimpleQueue()

        def child():
            wrong.put(read_all(clover, keys * 10))

        children = [fork.Process(target=child) for _ in range(6)]
        for each in children:
            each.start()
        for each in children:
            each.join()
        assert [wrong.get() for _ in children] == [0] * 6
        assert read_all(clover, keys) == 0


def test_a_child_that_was_forked_in_the_middle_of_a_call_can_call():
    """Whatever the parent's threads held at that moment: connections, locks, the only slot."""
    with (
        sandbox.start(customers=3, latency_ms=500) as running,
        connect("local", **running.connection(), at_once=1) as clover,
        ThreadPoolExecutor(2) as pool,
    ):
        calls = [pool.submit(clover.customers.list, limit=1) for _ in range(2)]
        while not running.requests:
            time.sleep(0.001)
        child = multiprocessing.get_context("fork").Process(target=clover.api_keys.retrieve)
        child.start()
        child.join()
        assert child.exitcode == 0
        assert [len(call.result()) for call in calls] == [1, 1]


def test_a_forked_child_waits_for_no_lock_of_the_modules(practice):
    """A thread of the parent holds them all at that moment; the child has no such thread."""
    locks = [
        value
        for name, module in sys.modules.items()
        if name.startswith("clover_nb.") and name != store.__name__  # which waits before a fork
        for value in vars(module).values()
        if isinstance(value, type(threading.Lock()))
    ]
    assert client._lock in locks
    is_held, has_forked = threading.Event(), threading.Event()

    def hold():
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            is_held.set()
            has_forked.wait()

    def connect_and_read():
        with client.use(connect("local", **practice.connection())):
            client.default().customers.list(limit=1)

    child = multiprocessing.get_context("fork").Process(target=connect_and_read)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        is_held.wait()
        child.start()
        has_forked.set()
    child.join(60)
    child.kill()
    child.join()
    assert child.exitcode == 0


# -- what is said ----------------------------------------------------------------------------------


def test_each_retry_is_logged_once(scripted, caplog):
    """In a line that names request and reason, and nothing secret."""
    caplog.set_level(logging.DEBUG, logger="clover_nb")
    scripted.answers = [None, said({"message": "clv_1TSTSsecret"}, 503), said({"elements": []})]
    with scripted.connect(merchant_id="M1") as clover:
        clover.customers.search(email="ana.rivera@example.com")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("clover")]
    assert len(lines) == 2
    host = re.escape(scripted.url.removeprefix("http://"))
    start = rf"GET {host}/v3/merchants/M1/customers: "
    assert re.fullmatch(start + r"no response, sent again in 0\.\d\d s", lines[0])
    assert re.fullmatch(start + r"HTTP 503, sent again in 0\.\d\d s", lines[1])
    assert not any(secret in str(lines) for secret in ("rivera", "secret", scripted.token))


def test_what_is_sent_is_never_printed(practice, monkeypatch, capfd):
    """`http.client`'s own way to look at requests would print the access token with each."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with connect("local", **practice.connection()) as clover:
        clover.customers.list(limit=1)
    assert capfd.readouterr().out == ""


SIGN_IN = [
    (200, "text/html", b"<html>Sign in to the network</html>"),
    (302, "text/html", b"", {"Location": "https://portal.example/"}),
    (307, "application/json", b"{}"),
]


@pytest.mark.parametrize("answer", SIGN_IN)
def test_a_sign_in_page_is_said_after_one_retry(scripted, answer):
    """Somebody has to sign in: trying for a minute would not help, and would tell nobody why."""
    scripted.answers = [answer]
    with (
        scripted.connect(merchant_id="M1") as clover,
        pytest.raises(errors.InvalidResponseError, match="sign-in page"),
    ):
        clover.customers.retrieve(CUSTOMER["id"])
    assert len(scripted.requests) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0 "}, 0),
        (
            {
                "retry-after": "Thu, 05 Nov 2026 10:00:30 GMT",
                "Date": "Thu, 05 Nov 2026 10:00:00 GMT",
            },
            30,
        ),
        ({"retry-after": "Thu, 05 Nov 2020 10:00:30 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "Thu, 99 Nov 2026 99:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(headers, seconds):
    """A date is reckoned from the response's own, whatever this machine's clock says."""
    assert retry_after(headers) == seconds


def test_a_retry_after_that_is_a_date_is_waited_for(scripted):
    """A wait longer than there is time for is not begun."""
    day = "Thu, 05 Nov 2026"
    dates = {"Date": f"{day} 10:00:00 GMT", "retry_after": f"{day} 10:01:00 GMT"}
    scripted.answers = [said({}, 429, **dates), said(CUSTOMER)]
    with (
        scripted.connect(timeouts=BRIEF, merchant_id="M1") as clover,
        pytest.raises(errors.RateLimitError),
    ):
        clover.customers.retrieve(CUSTOMER["id"])
    assert len(scripted.requests) == 1
