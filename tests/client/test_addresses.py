"""Addresses: their order in a country, and whether their parts fit together."""

from __future__ import annotations

import pandas as pd
import pytest

from clover_nb import addresses
from clover_nb.errors import ValidationError

GOOD = {
    "US": {"line1": "1 Main St", "city": "Boston", "state": "MA", "postal_code": "02108"},
    "CA": {"line1": "1 King St", "city": "Toronto", "state": "ON", "postal_code": "M5V 2T6"},
}


@pytest.mark.parametrize(
    ("country", "changed"),
    [
        ("US", {}),
        ("US", {"state": "ma"}),
        ("US", {"state": "Massachusetts"}),
        ("US", {"postal_code": "02108-1234"}),
        ("US", {"line2": "Floor 2"}),
        ("", {}),
        ("us", {}),
        ("CA", {}),
        ("CA", {"postal_code": "m5v2t6"}),
        ("CA", {"state": "Québec", "city": "Montréal", "postal_code": "H2Y 1C6"}),
        ("DE", {"state": "", "city": "Köln", "postal_code": "50667"}),
        ("MX", {"state": "JAL", "city": "Guadalajara", "postal_code": "44100"}),
        ("MX", {"state": "Jal.", "city": "Guadalajara", "postal_code": "44100"}),
        ("HK", {"state": "Kowloon", "city": "Mong Kok", "postal_code": ""}),
    ],
)
def test_a_good_address_has_no_finding(country, changed):
    """In any spelling that people use there."""
    good = GOOD.get(country, GOOD["US"])
    assert addresses.check({**good, **changed, "country": country}) == []


@pytest.mark.parametrize(
    ("country", "changed", "part", "certain"),
    [
        ("US", {"state": "CA"}, "postal_code", False),
        ("CA", {"state": "BC"}, "postal_code", False),
        ("US", {"state": "XX"}, "state", True),
        ("US", {"postal_code": "0210"}, "postal_code", True),
        ("US", {"postal_code": "M5V 2T6"}, "postal_code", True),
        ("US", {"postal_code": ""}, "postal_code", False),
        ("US", {"city": ""}, "city", True),
        ("US", {"line1": " "}, "line1", True),
        ("US", {"state": ""}, "state", True),
        ("ZZ", {}, "country", True),
        ("U/", {}, "country", True),
        ("DE", {"postal_code": "1011"}, "postal_code", False),
    ],
)
def test_what_is_wrong_is_named_and_weighed(country, changed, part, certain):
    """A doubt may be overruled; what can't be right may not."""
    good = GOOD.get(country, GOOD["US"])
    findings = {
        each.part: each for each in addresses.check({**good, **changed, "country": country})
    }
    assert findings[part].certain is certain
    assert findings[part].message.endswith(".")


def test_the_message_says_what_does_not_fit():
    """By the names of the country."""
    (finding,) = addresses.check({**GOOD["CA"], "state": "BC", "country": "CA"})
    assert finding.message == "M5V 2T6 is not a postal code of the province BC."


@pytest.mark.parametrize(
    ("country", "order", "state"),
    [
        ("US", "line1 line2 city state postal_code country", "State"),
        ("ca", "line1 line2 city state postal_code country", "Province"),
        ("DE", "line1 line2 postal_code city state country", "Province"),
        ("JP", "postal_code state line1 line2 city country", "Prefecture"),
        ("??", "line1 line2 city state postal_code country", "State"),
        ("", "line1 line2 city state postal_code country", "State"),
    ],
)
def test_the_parts_stand_as_in_the_country(country, order, state):
    """All six are always there."""
    layout = addresses.name_parts(country)
    assert list(layout) == order.split()
    assert layout["state"] == state


@pytest.mark.parametrize("nothing", [None, "", float("nan"), pd.NA, pd.NaT])
def test_a_part_is_missing_in_whatever_way_a_table_says_so(nothing):
    """A row of a table can be checked as it is."""
    found = addresses.check({"line1": "1 Main St", "city": "Boston", "state": nothing})
    assert [each.part for each in found] == ["state", "postal_code"]


def test_a_postal_code_that_is_a_number_is_refused():
    """Its zeros in front are lost."""
    with pytest.raises(ValidationError, match="postal_code must be text") as caught:
        addresses.check({"postal_code": 2101})
    assert caught.value.field == "postal_code"
