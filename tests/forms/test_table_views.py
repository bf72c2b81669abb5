"""The views of the desk's table: which customers need somebody."""

from __future__ import annotations

import datetime as dt

import pytest

from clover_nb import TEST_CARDS, connect, to_frame
from clover_nb.forms.table_views import mark_views

ADDRESS = {"address1": "1 Main St", "city": "Boston", "state": "MA", "country": "US"}


def customer(key, months=None, zip_code=None, age=30):
    """A record as Clover's Platform API gives it: months until the card expires, days of age."""
    now = dt.datetime.now(dt.UTC).astimezone()
    expiry = months is not None and f"{now.replace(day=15) + dt.timedelta(31 * months):%m%y}"
    cards = [{"id": "C", "last4": "4242", "expirationDate": expiry}] if expiry else []
    addresses = [{**ADDRESS, "zip": zip_code}] if zip_code is not None else []
    created = (now - dt.timedelta(age)).timestamp() * 1000
    lists = {"cards": {"elements": cards}, "addresses": {"elements": addresses}}
    return {"id": key, "customerSince": int(created), **lists}


@pytest.mark.parametrize(
    ("view", "members"),
    [
        ("Card expired", "A"),
        ("Card expires this month or next", "BC"),
        ("No card", "DEFG"),
        ("Address incomplete", "E"),
        ("Address doubtful", "F"),
        ("New this week", "G"),
    ],
)
def test_each_holds_whom_it_is_about(clover, view, members):
    """Months and days are those of the person at the desk."""
    records = [
        *(customer("A", -1), customer("B", 0), customer("C", 1)),
        *(customer("D"), customer("E", zip_code=""), customer("F", zip_code="60601")),
        customer("G", age=6),
    ]
    customers = to_frame(records)
    held = mark_views(clover, customers)[view]
    assert "".join(customers.index[held]) == members


def test_what_was_changed_today_is_found_by_the_journal(clover):
    """What was tried and refused is not."""
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    made = clover.customers.create(email="views@example.com", source=token)
    customers = clover.customers.list()
    held = mark_views(clover, customers)["Changed by the team today"]
    assert made["id"] in customers.index[held]


def test_without_a_journal_nobody_counts_as_changed(practice):
    """The other views are there."""
    with connect("local", journal=None, **practice.connection()) as clover:
        held = mark_views(clover, clover.customers.list())
        assert not held["Changed by the team today"].any()
        assert held["No card"].any()
