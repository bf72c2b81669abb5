"""The desk, driven as the browser drives it, on the practice sandbox."""

from __future__ import annotations

import time
import uuid

import pytest

from clover_nb import TEST_CARDS, forms
from clover_nb.errors import NoAnswer


@pytest.fixture
def ana(clover):
    """A customer that the desk's table knows."""
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    return clover.customers.create(email=email, source=token, name="Ana")


@pytest.fixture
def desk(clover, ana):
    """A desk with all customers in it."""
    return forms.desk(clover.customers.list(), clover=clover)


def until(condition):
    """Wait for what another thread does."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_reads_the_customers_itself_and_again(clover, ana):
    """And says how old they are."""
    desk = forms.desk(clover=clover)
    until(lambda: ana["id"] in desk.table.data.index)
    until(lambda: not desk._work.busy)
    assert desk.table.read_at > 0
    clover.customers.modify(ana["id"], name="Bo")
    desk.refresh().join()
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"


def test_a_selected_customer_is_shown_with_details_cards_and_history(desk, clover, ana):
    """What the table knows at once; then what Clover says now."""
    clover.customers.modify(ana["id"], phone="555-0111")
    desk.table.selected_id = ana["id"]
    assert desk.row["name"] == "Ana"
    until(lambda: "555-0111" in desk.details.value)
    assert "VISA •••• 4242" in desk.details.value
    assert "phone: nothing → 555-0111" in desk.history.value
    desk.table.selected_id = ""
    assert desk.details.layout.display == "none"


def test_a_saved_change_is_in_the_table_the_details_and_the_history(desk, ana):
    """Through the same form that stands alone."""
    desk.table.selected_id = ana["id"]
    until(lambda: "created" in desk.history.value)
    desk.open_form("Edit contact")
    desk.form.fields["name"].value = "Bo"
    desk.form.submit().join()
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"
    assert ">Bo<" in desk.details.value
    until(lambda: "name: Ana → Bo" in desk.history.value)


def test_what_is_typed_is_not_lost_by_selecting_somebody_else(desk, ana):
    """The form stays with its customer and says so; another one doesn't open over it."""
    desk.table.selected_id = ana["id"]
    desk.open_form("Edit contact")
    form = desk.form
    form.fields["name"].value = "Bo"
    other = next(key for key in desk.table.data.index if key != ana["id"])
    desk.table.selected_id = other
    until(lambda: "still about Ana" in desk.status.value)
    desk.open_form("Shipping address")
    assert desk.form is form
    assert form.picker.row["id"] == ana["id"]
    form.cancel()
    desk.open_form("Shipping address")
    assert desk.form.picker.row["id"] == other


def test_a_new_customer_is_selected_and_a_duplicate_leads_to_the_old_one(desk, clover, ana):
    """Even one that the table doesn't know yet."""
    desk.table.data = desk.table.data.drop(ana["id"])
    desk.open_form("New customer")
    desk.form.fields["email"].value = ana["email"]
    desk.form.fields["source"].value = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    desk.form.ticks["consent"].value = True
    desk.form.submit().join()
    desk.form.outcome.links.children[0].click()
    until(lambda: desk.table.selected_id == ana["id"])
    desk.form.overrule.value = True
    desk.form.submit().join()
    assert desk.table.selected_id == desk.form.row["id"] != ana["id"]


def test_trouble_is_told_and_the_table_stays(desk, clover, monkeypatch):
    """The data is old, but there."""

    def fail(**_):
        raise NoAnswer("Clover could not be reached.")

    before = desk.table.data
    monkeypatch.setattr(clover.customers, "list", fail)
    desk.refresh().join()
    assert "could not be reached" in desk.status.value
    assert desk.table.data is before


def test_a_customer_that_is_gone_is_told(desk, clover, ana):
    """When it is selected."""
    clover.customers.delete(ana["id"])
    desk.table.selected_id = ana["id"]
    until(lambda: "no such customer" in desk.status.value.lower() or desk.status.value)
    assert "alert" in desk.status.value
