"""The hosted card fields: who may show them, and what is served."""

import re

import pytest

PAGE = "http://localhost:8888"


def let_in(caller, origin=PAGE, **kwargs):
    return caller("POST", "/checkout/pages", json={"origin": origin}, **kwargs)


def policy(caller, kind="CARD_NUMBER"):
    return caller("GET", f"/checkout/{kind}").headers["Content-Security-Policy"]


def test_no_page_shows_the_fields_unless_it_was_let_in(make):
    """Then it alone does; each field of the card is of the same mind."""
    caller = make()
    assert "frame-ancestors 'none'" in policy(caller)
    assert let_in(caller).status_code == 200
    assert let_in(caller, "https://hub.example.com").status_code == 200
    for kind in ("CARD_NUMBER", "CARD_DATE", "CARD_CVV", "CARD_POSTAL_CODE"):
        allowed = re.search("frame-ancestors (.*)$", policy(caller, kind))[1].split()
        assert set(allowed) == {PAGE, "https://hub.example.com"}


def test_who_lets_a_page_in_holds_the_access_token(make):
    """Not the public key, and not nobody."""
    caller = make()
    for bearer in ("", f"Bearer {caller.box.api_key}"):
        assert let_in(caller, headers={"Authorization": bearer}).status_code == 401
    assert "frame-ancestors 'none'" in policy(caller)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "localhost:8888",
        "http:",
        "http://localhost:8888/",
        "http://localhost:8888; script-src *",
        "http://a.example http://b.example",
        "http://*",
        "http://user@host",
        'http://a"b',
        "http://bücher.example",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_origin_is_refused(shared, origin):
    """It would stand in a header."""
    assert let_in(shared, origin).status_code == 400
    assert let_in(shared, "http://good.example").status_code == 200
    assert "http://good.example" in policy(shared)


def test_there_is_no_other_field(shared):
    """Such as one that Clover has for banks."""
    assert shared("GET", "/checkout/ACH_ELEMENTS").status_code == 404


def test_a_field_loads_nothing_from_elsewhere_and_runs_no_code_of_a_page(shared):
    """Its own script and style, its own address, and no code in the page itself."""
    rules = policy(shared).split("; ")
    assert "default-src 'none'" in rules
    assert not re.search("unsafe|http:(?!//good|//localhost)", "; ".join(rules[:-1]))
    html = shared("GET", "/checkout/CARD_NUMBER").text
    assert re.findall("<script[^>]*>", html) == ["<script src=field.js>"]
    for name in ("sdk.js", "checkout/field.js", "checkout/field.css"):
        assert shared("GET", f"/{name}").status_code == 200
