"""What is known of Clover, held against the sandbox, and what is told of it."""

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from clover_nb.sandbox import cli
from clover_nb.sandbox.fact_checker import CloverConnection, FactChecker
from clover_nb.sandbox.facts import FACTS, SOURCES
from clover_nb.sandbox.settings import SETTINGS


def check(call, *, writes=True):
    """The outcome of each fact, and how it differs."""
    connection = CloverConnection.find(
        call.box.platform_url, call.box.access_token, call.box.merchant_id
    )
    results = list(FactChecker(connection).check_facts(writes=writes))
    assert [result.fact for result in results] == list(FACTS)
    return results


def differing(results):
    return {result.fact.says for result in results if result.outcome == "differs"}


def serve(call, *options):
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    box = call.box
    keys = ["--access-token", box.access_token, "--merchant", box.merchant_id]
    return cli.serve(parser.parse_args(["--check", box.platform_url, *keys, *options]))


def test_every_fact_holds_for_the_sandbox(make):
    """Those that write too; the customers that were made for it are gone afterwards."""
    call = make(customers=5)
    before = call.list()
    results = check(call)
    assert {result.outcome: result.differences for result in results} == {"holds": ()}
    assert call.list() == before


def test_a_check_without_writes_sends_reads_alone(make):
    """What writes is skipped, and said to be."""
    call = make(customers=5)
    results = check(call, writes=False)
    assert {entry["method"] for entry in call.box.requests} == {"GET"}
    outcomes = {result.fact.says: result.outcome for result in results}
    assert outcomes == {fact.says: "skipped" if fact.writes else "holds" for fact in FACTS}
    assert sum(not fact.writes for fact in FACTS) > 25


SHOWN = {
    ("put_requires_email", "off"): "An update without an email is refused",
    ("put_requires_source", "on"): "An update changes the name",
    ("second_card", "refuse"): "An update with a token adds the card",
    ("source_again", "refuse"): None,
    ("new_email", "replace"): "An update with another email adds it",
    ("external_id", "dropped"): "`externalId` is kept",
    ("deleted", "marked"): "And is gone then",
    ("unknown_filter", "ignore"): "A filter by a field that is none",
    ("sources", "elements"): "`sources.data` is the list",
    ("undocumented_calls", "on"): "The Ecommerce API lists no customers",
    ("multipay", "off"): "A customer is created with an email and a token",
}


@pytest.mark.parametrize("choice", [choice for choice, says in SHOWN.items() if says])
def test_another_clover_differs(make, choice):
    """A setting that contradicts a fact is found by it."""
    setting, value = choice
    assert value in SETTINGS[setting].choices
    found = differing(check(make(customers=5, settings={setting: value})))
    assert any(says.startswith(SHOWN[choice]) for says in found), found


def test_a_wrong_token_differs_in_all_that_it_opens(make, capsys, tmp_path):
    """It is said by the status, and what Clover says of it."""
    call = make(customers=5)
    call.box.access_token = "nonsense"
    assert serve(call) == 1
    said = capsys.readouterr().out
    assert "status 401, not 200" in said
    assert 'message "401 Unauthorized"' in said


def test_the_report_has_no_secret_and_nobody_s_data(make, tmp_path, capsys):
    """Neither has what is printed; a person's name is a text of so many characters."""
    call = make(customers=5, settings={"external_id": "dropped", "currency": "usd"})
    path = tmp_path / "report.json"
    people = call.list(expand="emailAddresses,phoneNumbers,addresses")
    call.box.merchant_id, right = "0" * 13, call.box.merchant_id
    assert serve(call, "--writes", "--report", str(path)) == 1
    call.box.merchant_id = right
    assert serve(call, "--writes", "--report", str(path)) == 1
    written = path.read_text() + capsys.readouterr().out
    for secret in (call.box.access_token, call.box.api_key, right):
        assert secret not in written
    for person in people:
        assert person["id"] not in written
        for entry in person["emailAddresses"]["elements"]:
            assert entry["emailAddress"] not in written
    report = json.loads(path.read_text())
    assert [entry["fact"] for entry in report] == [fact.says for fact in FACTS]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.clover.com", False),
        ("https://scl.clover.com", False),
        ("https://api.eu.clover.com", False),
        ("https://example.com", False),
        ("https://apisandbox.dev.clover.com", True),
        ("https://scl-sandbox.dev.clover.com", True),
        ("http://127.0.0.1:9", True),
    ],
)
def test_production_is_never_written(url, allowed):
    """Nor is any host that isn't known to be a test's."""
    connection = CloverConnection.find(url, "token", "merchant")
    assert connection.may_be_written is allowed
    if not allowed:
        with pytest.raises(ValueError, match="test environments alone"):
            next(FactChecker(connection).check_facts(writes=True))


def test_one_of_clovers_hosts_stands_for_all():
    """Each of its APIs has a host of its own."""
    connection = CloverConnection.find("https://apisandbox.dev.clover.com", "token", "merchant")
    assert connection.ecommerce_url == "https://scl-sandbox.dev.clover.com"
    assert connection.token_url == "https://token-sandbox.dev.clover.com"


def test_the_token_does_not_go_over_a_network_in_the_clear():
    """Plain http is for this machine."""
    with pytest.raises(ValueError, match="https"):
        CloverConnection.find("http://apisandbox.example.com", "token", "merchant")


class Redirecting(BaseHTTPRequestHandler):
    """Sends everybody elsewhere."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_the_token_follows_no_redirect(make):
    """It would go along."""
    server = HTTPServer(("127.0.0.1", 0), Redirecting)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    results = list(FactChecker(CloverConnection.find(url, "t", "m")).check_facts(writes=False))
    server.shutdown()
    thread.join()
    server.server_close()
    assert {result.outcome for result in results} == {"differs", "skipped"}
    assert "/elsewhere" not in server.asked


def test_each_fact_has_a_known_source():
    """And a mark; none stands there twice."""
    assert {fact.source for fact in FACTS} <= SOURCES.keys()
    assert {fact.mark for fact in FACTS} == {"D", "O-live", "O-fix", "O-code", "I"}
    assert len({fact.says for fact in FACTS}) == len(FACTS)


def test_an_address_that_does_not_answer_is_said(make, capsys):
    """By the command, with an exit code of its own."""
    call = make()
    call.box.stop()
    assert serve(call) == 2
    assert "clover-nb sandbox:" in capsys.readouterr().err
