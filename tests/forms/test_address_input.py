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


WITHOUT_COMMAS = {
    "742 Evergreen Terrace Springfield IL 62704": "742 Evergreen Terrace||Springfield|IL|62704|US|",
    "742 Evergreen Ter Springfield, IL 62704": "742 Evergreen Ter||Springfield|IL|62704|US|",
    "Homer Simpson\n742 Evergreen Terrace Springfield IL 62704-1234 USA": (
        "742 Evergreen Terrace||Springfield|IL|62704-1234|US|Homer Simpson"
    ),
    "350 5th Ave. Apt 4B New York NY 10118": "350 5th Ave.|Apt 4B|New York|NY|10118|US|",
    "350 5th Ave #4 New York NY 10118": "350 5th Ave|#4|New York|NY|10118|US|",
    "1600 Pennsylvania Ave NW Washington DC 20500": (
        "1600 Pennsylvania Ave NW||Washington|DC|20500|US|"
    ),
    "1 Main St Kansas City Kansas 66101": "1 Main St||Kansas City|KS|66101|US|",
    "12 St Charles Ave New Orleans LA 70130": "12 St Charles Ave||New Orleans|LA|70130|US|",
    "1 Main St Overland Park KS 66204": "1 Main St||Overland Park|KS|66204|US|",
    "123 Queen St W Toronto ON M5H 2M9": "123 Queen St W||Toronto|ON|M5H 2M9|CA|",
    "123 Queen St W Toronto Ontario m5h2m9 Canada": "123 Queen St W||Toronto|ON|M5H 2M9|CA|",
    "Hauptstr. 5 10115 Berlin": "Hauptstr. 5||Berlin||10115|DE|",
    "Hauptstraße 5a, 10115 Berlin": "Hauptstraße 5a||Berlin||10115|DE|",
    "Hauptstraße 5a 10115 Berlin Germany": "Hauptstraße 5a||Berlin||10115|DE|",
    "12 Rue de Rivoli 75001 Paris France": "12 Rue de Rivoli||Paris||75001|FR|",
    "Damrak 1 1012 LG Amsterdam Netherlands": "Damrak 1||Amsterdam||1012 LG|NL|",
}


@pytest.mark.parametrize("text", WITHOUT_COMMAS)
def test_an_address_without_commas_is_split_where_one_place_alone_can_part_it(text):
    """After the kind of the street, or around the postal code where it stands before the city."""
    names = ("line1", "line2", "city", "state", "postal_code", "country", "name")
    parts = dict(zip(names, WITHOUT_COMMAS[text].split("|"), strict=True))
    assert address_input.split_address(text, "US") == parts


@pytest.mark.parametrize(
    "text",
    [
        "12 Main St E Lansing MI 48823",
        "12 Main St W Vancouver BC V7T 1A1",
        "12 Main St St Louis MO 63101",
        "100 Main Street North Little Rock AR 72114",
        "12 Broadway New York NY 10004",
        "300 East Avenue B Dover NH 03820",
        "12 Old Ave of the Americas New York NY 10020",
        "12 Old Court House Vienna VA 22182",
        "9 Route 47 Cape May Court House NJ 08210",
        "12 Broadway St Louis MO 63101",
        "12 N St. Clair Chicago IL 60611",
        "12 Lexington Circle Pines MN 55014",
        "45 Old Court Pike Baltimore MD 21208",
        "2345 County Road AB Appleton WI 54913",
        "2345 Town Road KK Appleton WI 54913",
        "800 Connecticut Avenue Northwest Washington DC 20006",
        "100 Main St Rear Boston MA 02129",
        "12 W Dr MLK Jr Tampa FL 33603",
        "12 Main St E Gwillimbury ON L9N 1M2",
        "10 Rue du Square Victoria Montréal QC H2Z 1A1",
        "12 5e Avenue Est Québec QC G1L 2R1",
        "4500 US Highway 61 Memphis TN 38103",
        "12 Main St Nashville TN 90210",
        "PO Box 12 Nashville TN 37203",
        "742 Evergreen Terrace Attn Homer Springfield IL 62704",
        "10 Downing Street London SW1A 2AA",
        "12 Ringweg 1010 1020 Wien Austria",
    ],
)
def test_a_whole_address_that_two_places_can_part_is_doubted_and_not_split(text):
    """East Lansing or Main Street East: nobody knows but who has written it."""
    assert address_input.split_address(text, "US") == {}
    assert address_input.is_whole(text, "US")


@pytest.mark.parametrize(
    "text", ["", "12 Main St", "12345 Main St Springfield IL", "Suite 12345", "12 Main St Floor 2"]
)
def test_what_is_a_street_alone_is_not_doubted(text):
    """A number in it is no postal code."""
    assert not address_input.is_whole(text, "US")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12 Main St",
        "12 Main St, Apt 4",
        "12345 Main St, Springfield",
        "12 Main St, Suite 12345",
        "12 Main St, Atlanta, Georgia",
        "Torstr. 43 Berlin",
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
