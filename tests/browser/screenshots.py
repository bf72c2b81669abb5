"""Makes the pictures of the README, with the browser of the tests: `make screenshots`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CONNECT = """
from clover_nb import Customer, connect, forms, use
clover = use(connect("local", seed=2))
customers = Customer.list()
"""


@pytest.fixture(params=["light", "dark"])
def pictures(open_notebook, request):
    """Shows the widget of one cell and returns it, and a function that takes its picture."""

    def show(cell: str):
        notebook = open_notebook(
            [CONNECT, cell], dark=request.param == "dark", width=1120, height=1400
        )
        widget = notebook.page.locator(".clover-form, .clover-table").first
        expect(widget).to_be_visible()

        def take(name: str) -> None:
            IMAGES.mkdir(parents=True, exist_ok=True)
            widget.screenshot(path=IMAGES / f"{name}-{request.param}.png")

        return widget, take

    return show


def use_test_card(form) -> None:
    form.get_by_role("button", name="Use this test card").click()
    expect(form.get_by_label("Card token")).to_have_attribute("placeholder", re.compile("•+"))


def test_create_customer(pictures):
    form, take = pictures("forms.create_customer()")
    form.get_by_label("Email").fill("ana.rivera@example.com")
    form.get_by_label("Name", exact=True).fill("Ana Rivera")
    form.get_by_label("Phone", exact=True).fill("555-0125")
    use_test_card(form)
    form.get_by_label("Address line 1").fill("415 N Mathilda Ave")
    form.get_by_label("City").fill("Sunnyvale")
    form.get_by_label("State or province").fill("CA")
    form.get_by_label("Postal code").fill("94085")
    form.get_by_label("The cardholder agreed").check()
    form.get_by_role("button", name="Create customer").click()
    expect(form.get_by_text("Saved:")).to_be_visible()
    take("create-customer")


def test_bad_input(pictures):
    form, take = pictures("forms.create_customer()")
    form.get_by_label("Email").fill("ana.rivera@")
    form.get_by_label("Phone", exact=True).fill("none")
    form.get_by_label("City").fill("Sunnyvale")
    form.get_by_role("button", name="Create customer").click()
    expect(form.get_by_text("Please tick this first.")).to_be_visible()
    take("bad-input")


def test_attach_card(pictures):
    form, take = pictures("forms.attach_card()")
    form.get_by_label("Customer").fill("priya.kapoor@example.com")
    form.get_by_label("Customer").press("Enter")
    expect(form.locator(".clover-who")).to_be_visible()
    use_test_card(form)
    form.get_by_label("The cardholder agreed").check()
    form.get_by_role("button", name="Attach card").click()
    expect(form.get_by_text("Saved:")).to_be_visible()
    take("attach-card")


def test_update_shipping(pictures):
    form, take = pictures("forms.update_shipping(customers.index[0])")
    form.get_by_label("Address line 2").fill("Floor 2")
    form.get_by_role("button", name="Save address").click()
    expect(form.get_by_text("Saved:")).to_be_visible()
    take("update-shipping")


def test_customer_table(pictures):
    table, take = pictures("forms.customer_table(customers)")
    table.get_by_role("searchbox").fill("toronto visa")
    expect(table.get_by_text("of 200 customers")).to_be_visible()
    table.locator("tbody tr").first.click()
    take("customer-table")
