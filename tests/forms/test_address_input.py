"""What people type of an address, made what Clover takes."""

from __future__ import annotations

import pytest

from clover_nb.forms import address_input

MEMPHIS = {
    "line1": "1 Main St",
    "line2": "",
    "city": "Memphis",
    "state": "TN",
    "postal_code": "38103",
    "country": "US",
}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "415 N Mathilda Ave, Sunnyvale, CA 94085",
            ["415 N Mathilda Ave", "", "Sunnyvale", "CA", "94085", "US", ""],
        ),
        (
            "1 Main St, Sunnyvale, CA, 94085, USA",
            ["1 Main St", "", "Sunnyvale", "CA", "94085", "US", ""],
        ),
        (
            "Qiang Zhou\n1618 Prospect Avenue\nNashville, TN 37203\nUS",
            ["1618 Prospect Avenue", "", "Nashville", "TN", "37203", "US", "Qiang Zhou"],
        ),
        (
            "1 Main St, Atlanta, Georgia 30301",
            ["1 Main St", "", "Atlanta", "GA", "30301", "US", ""],
        ),
        (
            "301 Front St W, Suite 4, Toronto, Ontario m5v2t6, Canada",
            ["301 Front St W", "Suite 4", "Toronto", "ON", "M5V 2T6", "CA", ""],
        ),
        ("1 King St, Toronto ON M5V 2T6", ["1 King St", "", "Toronto", "ON", "M5V 2T6", "CA", ""]),
        ("Torstr. 43, 10117 Berlin, Germany", ["Torstr. 43", "", "Berlin", "", "10117", "DE", ""]),
        (
            "10 Downing Street\nLondon\nSW1A 2AA\nUnited Kingdom",
            ["10 Downing Street", "", "London", "", "SW1A 2AA", "GB", ""],
        ),
    ],
)
def test_a_whole_address_is_split_into_its_parts(text, parts):
    """On one line or several, with its country or without, and the name above it."""
    names = ("line1", "line2", "city", "state", "postal_code", "country", "name")
    assert address_input.split_address(text, "US") == dict(zip(names, parts, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12 Main St",
        "12 Main St, Apt 4",
        "12345 Main St, Springfield",
        "12 Main St, Suite 12345",
        "12 Main St Nashville TN 37203",
        "12 Main St, Atlanta, Georgia",
    ],
)
def test_what_is_no_whole_address_is_left_alone(text):
    """A part that can't be told from another is not guessed."""
    assert address_input.split_address(text, "US") == {}


@pytest.mark.parametrize(
    ("typed", "changed"),
    [
        (
            {"country": "canada", "state": "Ontario", "postal_code": "m5v3l9"},
            {"country": "CA", "state": "ON", "postal_code": "M5V 3L9"},
        ),
        (
            {"country": "ca", "state": "on", "postal_code": "M5V 3L9"},
            {"country": "CA", "state": "ON"},
        ),
        (
            {"country": "UK", "state": "", "postal_code": "sw1a1aa"},
            {"country": "GB", "postal_code": "SW1A 1AA"},
        ),
        (
            {"state": "tennessee", "postal_code": "381031234"},
            {"state": "TN", "postal_code": "38103-1234"},
        ),
        ({"country": "Singapore", "postal_code": ""}, {"country": "SG"}),
        ({"country": "Atlantis", "state": "Ontario", "postal_code": "m5v3l9"}, {}),
        ({}, {}),
    ],
)
def test_names_become_codes_and_postal_codes_get_their_form(typed, changed):
    """By the country; what isn't known stays as it is."""
    assert address_input.normalize_parts({**MEMPHIS, **typed}) == changed


@pytest.mark.parametrize(
    ("line1", "found"),
    [
        ("12 Main St, Nashville", ("city", "Nashville")),
        ("12 Main St, Nashville, TN", ("city", "Nashville")),
        ("12 Main St Nashville TN 37203", ("postal_code", "37203")),
        ("12 Main St, Memphis, TN 37203", ("postal_code", "37203")),
        ("12 Main St, memphis, TN 38103-1234", ("", "")),
        ("12345 Main St", ("", "")),
        ("12 Main St, Apt 4", ("", "")),
        ("PO Box 12345", ("", "")),
        ("12 Main St, Floor Two", ("", "")),
    ],
)
def test_a_city_or_a_postal_code_in_line_1_that_differs_is_found(line1, found):
    """A number of a house, a box or a suite is none."""
    assert address_input.find_misplaced({**MEMPHIS, "line1": line1}) == found
