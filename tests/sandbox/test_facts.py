"""What is known of Clover, held against the sandbox, and what is told of it."""

import argparse
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from clover_nb.sandbox import cli, fact_checker, fact_report
from clover_nb.sandbox.fact_checker import CloverConnection, FactChecker
from clover_nb.sandbox.facts import FACTS, SOURCES, UNASKED, FactRequest
from clover_nb.sandbox.settings import SETTINGS


def check(call, *, writes=True, api_key="", facts=FACTS):
    """The outcome of each fact, and how it differs."""
    connection = CloverConnection.find(
        call.box.platform_url, call.box.access_token, call.box.merchant_id
    )
    results = list(FactChecker(connection, api_key).check_facts(writes=writes))
    assert [result.fact for result in results] == list(facts)
    return results


def serve(call, *options, access_token=None):
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    box = call.box
    keys = ["--access-token", access_token or box.access_token, "--merchant", box.merchant_id]
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
    assert sum(not fact.writes for fact in FACTS) > 40


# What each setting's other values contradict.
SHOWN = {
    ("put_requires_email", "off"): "An update without an email is refused",
    ("put_requires_source", "on"): "An update changes the name",
    ("second_card", "refuse"): "An update with a token adds the card",
    ("source_again", "accept"): "A customer's own token is the same card again",
    ("new_email", "last"): "An email that an update adds comes first",
    ("new_email", "replace"): "An update with another email adds it",
    ("spelling", "normalized"): "Names and phones are kept as they were given",
    ("shipping_follows", "ecommerce"): "An address that the Platform API changes",
    ("contacts_given", "add"): "A list of contacts in an update takes the place",
    ("external_id", "dropped"): "`externalId` is kept",
    ("deleted", "marked"): "A deleted customer is gone",
    ("wrapped_contacts", "taken"): "Contacts in `elements`",
    ("update_by_post", "on"): "An update isn't a POST",
    ("expired_cards", "accept"): "An expired card is refused",
    ("list_order", "newest"): "A list without `orderBy` begins",
    ("declined_cards", "accept"): "A declining test card is refused with 402",
    ("withdrawn_cards", "refuse"): "A withdrawn test card",
    ("cvv_left_out", "refuse"): "A token that was made without a security code",
    ("multipay", "off"): "A customer is created with an email and a token",
    ("undocumented_calls", "on"): "The Ecommerce API lists no customers",
    ("unknown_filter", "ignore"): "A filter by a field that is none",
    ("email_filter", "empty"): "Customers are found by their email",
    ("currency", "usd"): "The currency is in capitals",
    ("sources", "elements"): "`sources.data` is the list",
    ("has_more", "on"): "`sources` has no `has_more`",
    ("empty_shipping", "left out"): "`shipping` is there although",
    ("recipient", "stays"): "A new name is that of the recipient",
    ("names_of_2019", "on"): "An answer has first and last name",
}
# A token in the query would stand in logs, and the clock of a seed has whole seconds.
NOT_SHOWN = {("token_in_query", "on"), ("times", "seconds")}


@pytest.mark.parametrize("choice", SHOWN)
def test_another_clover_differs(make, choice, monkeypatch):
    """A setting that contradicts a fact is found by it."""
    setting, value = choice
    asked = [fact for fact in FACTS if fact.says.startswith(SHOWN[choice])]
    monkeypatch.setattr(fact_checker, "FACTS", asked)
    found = check(make(customers=5, settings={setting: value}), facts=asked)
    assert {result.outcome for result in found} == {"differs"}


def test_a_fact_whose_first_request_is_refused_differs(make, monkeypatch):
    """What comes after would hold for nothing: no entry is there, since none was made."""
    asked = [fact for fact in FACTS if fact.says == "An entry is deleted by its id: email."]
    monkeypatch.setattr(fact_checker, "FACTS", asked)
    call = make()
    call.box.fail_next(500, method="POST", path="/email_addresses")
    (result,) = check(call, facts=asked)
    assert (result.outcome, result.differences) == ("differs", ("request 1 of 3: status 500",))


def test_each_setting_has_a_fact_that_tells_its_values_apart():
    """Whoever asks Clover learns what nobody knows yet; but for two, which can't be asked."""
    others = {(name, value) for name, each in SETTINGS.items() for value in each.choices[1:]}
    assert SHOWN.keys() | NOT_SHOWN == others


def test_a_wrong_token_is_said_at_once(make, capsys):
    """With what else looks like one; not by a hundred facts that differ."""
    call = make(customers=5)
    assert serve(call, access_token="nonsense") == 2
    said = capsys.readouterr()
    assert "lets nobody in with this access token for this merchant (401)" in said.err
    assert "differs" not in said.out


def test_what_differs_is_shown_with_what_was_asked(make, capsys):
    """The request as it stands in the file, and what came back."""
    assert serve(make(customers=5, settings={"unknown_filter": "ignore"})) == 1
    said = capsys.readouterr().out
    assert "GET /v3/merchants/{m}/customers?filter=externalId=1&limit=1\n" in said
    assert "status 200, not 400" in said
    assert "since it writes; --writes asks for it" in said


def test_the_report_has_no_secret_and_nobody_s_data(make, tmp_path, capsys):
    """Neither has what is printed; a person's name is a text of so many characters."""
    call = make(customers=5, settings={"external_id": "dropped", "currency": "usd"})
    path = tmp_path / "report.json"
    people = call.list(expand="emailAddresses,phoneNumbers,addresses")
    assert serve(call, "--writes", "--report", str(path)) == 1
    written = path.read_text() + capsys.readouterr().out
    for secret in (call.box.access_token, call.box.api_key, call.box.merchant_id):
        assert secret not in written
    for person in people:
        assert person["id"] not in written
        for entry in person["emailAddresses"]["elements"]:
            assert entry["emailAddress"] not in written
    report = json.loads(path.read_text())
    assert report["asked"] == "another address"
    assert [entry["fact"] for entry in report["facts"]] == [fact.says for fact in FACTS]


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
    with pytest.raises(ValueError, match=r"doesn't answer as Clover does: .* status 302"):
        next(FactChecker(CloverConnection.find(url, "t", "m")).check_facts(writes=False))
    server.shutdown()
    thread.join()
    server.server_close()
    assert server.asked == ["/v3/merchants/m/customers?limit=1"]


def test_each_fact_has_a_known_source():
    """And a mark; none stands there twice; no source is named without need."""
    known = [*FACTS, *UNASKED]
    assert {fact.source for fact in known} == SOURCES.keys()
    assert {fact.mark for fact in known} == {"D", "O-live", "O-fix", "O-code", "I"}
    assert len({fact.says for fact in known}) == len(known)


PAGE = Path(__file__).parents[2] / "docs" / "sandbox-facts.md"


def rows(heading):
    """The rows below a heading of the page of facts, each as its cells."""
    part = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}")[2].partition("\n## ")[0]
    lines = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    table = [[cell.strip() for cell in line] for line in lines]
    return [row for row in table if row[0] not in {"---", "fact", "setting"}]


def test_all_that_is_known_is_a_line_of_the_page():
    """What is asked; what is a setting, with its reason; and what isn't asked, and why not."""
    asked = [(row[0], row[1], row[-1]) for row in rows("Facts")]
    assert asked == [(fact.says, fact.mark, fact.source) for fact in FACTS]
    known = {name: each for name, each in SETTINGS.items() if each.evidence != "I"}
    settings = [(row[0].strip("`"), row[2], row[3]) for row in rows("Where sources")]
    assert settings == [(name, each.why, each.evidence) for name, each in known.items()]
    unasked = [tuple(row) for row in rows("Known, and not asked for")]
    assert unasked == [(each.says, each.mark, each.why, each.source) for each in UNASKED]
    assert all(why for *_, why, _ in settings + unasked)


def test_a_reason_that_names_a_setting_names_one_that_there_is():
    """By its name; else the line would be neither a fact nor a setting."""
    named = {name for each in UNASKED for name in re.findall("`([a-z_]+)`", each.why)}
    assert named - {"param"} <= SETTINGS.keys()
    assert {"undocumented_calls", "declined_cards"} <= named


def test_the_example_of_a_check_adds_up():
    """The page's numbers are those of the facts that there are."""
    shown = re.search(
        r"skipped: (\d+),.*\n(\d+) facts: (\d+) hold, (\d+) differ, (\d+) were",
        PAGE.read_text(encoding="utf-8"),
    )
    said, total, holding, other, skipped = map(int, shown.groups())
    writing = sum(fact.writes for fact in FACTS)
    assert (said, skipped, total) == (writing, writing, len(FACTS))
    assert holding + other == total - writing


def test_each_request_can_be_read():
    """A slip in the file would be found by whoever asks for that fact alone."""
    for fact in FACTS:
        for ask in fact.requests:
            assert ask.body in {None, "null"} or ask.body.startswith("{")
            assert "<<" not in ask.path + (ask.body or "")
    with pytest.raises(ValueError, match="a request is METHOD /PATH JSON, not 'get it'"):
        FactRequest.from_text("get it")


@pytest.mark.parametrize(
    ("url", "merchant", "said"),
    [
        ("apisandbox.dev.clover.com", "M", "'apisandbox.dev.clover.com' is no address"),
        ("https://apisandbox.dev.clover.com", "", "Name the merchant's id by --merchant"),
    ],
)
def test_an_address_that_can_not_be_is_said(url, merchant, said):
    """By what to write instead."""
    with pytest.raises(ValueError, match=said):
        CloverConnection.find(url, "token", merchant)


def test_any_name_of_the_test_environment_stands_for_it():
    """Its web host answers too."""
    connection = CloverConnection.find("https://sandbox.dev.clover.com", "token", "merchant")
    assert connection.platform_url == "https://apisandbox.dev.clover.com"


def test_without_a_public_key_what_needs_one_is_skipped(make, monkeypatch):
    """An access token that opens none is no reason for facts about tokens to differ."""
    call = make(customers=5)
    call.box.fail_next(403, path="/pakms/apikey", times=2)
    results = check(call)
    skipped = [each for each in results if each.outcome == "skipped"]
    assert len(skipped) > 60
    assert {why for each in skipped for why in each.differences} == {fact_checker.NO_KEY}
    call.box.fail_next(403, path="/pakms/apikey")
    assert {each.outcome for each in check(call, api_key=call.box.api_key)} == {"holds", "differs"}


def test_a_report_that_can_not_be_written_is_said_before_anything_is_asked(make, tmp_path, capsys):
    """What was asked for would be lost."""
    call = make(customers=5)
    assert serve(call, "--report", str(tmp_path / "nowhere" / "report.json")) == 2
    assert "nowhere" in capsys.readouterr().err
    assert call.box.requests == []


def test_a_check_that_is_stopped_deletes_what_it_made(make, monkeypatch, capsys):
    """It says how far it came."""
    call = make(customers=5)
    before = call.list()
    shown = []

    def stop(result, number):
        shown.append(result)
        if len(shown) == 60:
            raise KeyboardInterrupt

    monkeypatch.setattr(fact_report, "_print_result", stop)
    assert serve(call, "--writes") == 1
    assert "Stopped after 60 of" in capsys.readouterr().out
    assert any(entry["method"] == "POST" for entry in call.box.requests)
    assert call.list() == before


def test_what_can_not_be_deleted_again_is_named(make, capsys):
    """Whoever asked should know of it."""
    call = make(customers=5)
    before = {each["id"] for each in call.list(limit=1000)}
    call.box.fail_next(500, 10_000, method="DELETE", path="/v3/")
    assert serve(call, "--writes") == 1
    said = capsys.readouterr().out.partition("could not be deleted: ")[2]
    left = {each["id"] for each in call.list(limit=1000)} - before
    assert left
    assert set(re.findall("[0-9A-Z]{13}", said)) == left


def test_an_address_that_does_not_answer_is_said(make, capsys):
    """By the command, with an exit code of its own."""
    call = make()
    call.box.stop()
    assert serve(call) == 2
    said = capsys.readouterr()
    host = call.box.platform_url.removeprefix("http://")
    assert said.err.startswith(f"clover-nb sandbox: {host} can't be reached: ")
    assert said.out == ""


def test_an_access_token_that_can_not_be_one_is_not_shown(make, capsys):
    """An error of the library that sends it would."""
    call = make()
    assert serve(call, access_token="secret\nsecret") == 2
    said = capsys.readouterr()
    assert said.err == "clover-nb sandbox: the access token has characters that no token has\n"
    assert "secret" not in said.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--writes"], "--writes goes with --check URL"),
        (["--access-token", "T"], "--access-token goes with --check URL"),
        (["--webhook-auth", "C"], "--webhook-auth goes with --webhook URL"),
    ],
)
def test_an_option_that_does_nothing_alone_is_refused(options, said, capsys):
    """Instead of serving as if it weren't there."""
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    assert cli.serve(parser.parse_args(options)) == 1
    assert capsys.readouterr().err == f"clover-nb sandbox: {said}\n"
