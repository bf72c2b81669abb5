"""Makes the pictures of the README, with the browser of the tests: `make screenshots`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .card_fields import inside

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CONNECT = """
import os
os.environ["CLOVER_PERSON"] = "maria"  # who is at the lab, as the history tells it
from clover_nb import Customer, connect, forms, use
clover = use(connect("local", seed=2))
customers = Customer.list()
"""


@pytest.fixture(params=["light", "dark"])
def pictures(open_notebook, request):
    """Shows the widget of one cell and returns it, and a function that takes its picture."""

    def show(cell: str):
        notebook = open_notebook(
            [CONNECT, cell], dark=request.param == "dark", width=1280, height=1700
        )
        notebook.page.evaluate("window.jupyterapp.shell.collapseLeft()")
        widget = notebook.page.locator(".clover-form, .clover-table").first
        expect(widget).to_be_visible()

        def take(name: str) -> None:
            IMAGES.mkdir(parents=True, exist_ok=True)
            widget.screenshot(path=IMAGES / f"{name}-{request.param}.png")

        return widget, take

    return show


def choose_test_card(form, name: str) -> None:
    """In the sandbox's own field; the frames are there once the number has a choice of cards."""
    number = form.frame_locator("iframe[title='Card number']")
    number.get_by_label("Fill in a test card").select_option(label=name)
    expect(inside(form, "Postal code")).to_have_value(re.compile("."))


def rename(form) -> None:
    name = form.get_by_label("Name", exact=True)
    name.fill(f"{name.input_value()} Jr.")


def test_create_customer(pictures):
    form, take = pictures("forms.create_customer()")
    form.get_by_label("Email").fill("ana.rivera@example.com")
    form.get_by_label("Name", exact=True).fill("Ana Rivera")
    form.get_by_label("Phone", exact=True).fill("555-0125")
    choose_test_card(form, "VISA 4242")
    form.get_by_label("Address line 1").fill("415 N Mathilda Ave")
    form.get_by_label("City").fill("Sunnyvale")
    form.get_by_label("State").fill("CA")
    form.get_by_label("ZIP code").fill("94085")
    form.get_by_label("The cardholder agreed").check()
    expect(form.get_by_role("row").filter(has_text="94085")).to_be_visible()
    take("create-customer")


def test_bad_input(pictures):
    form, take = pictures("forms.create_customer()")
    form.get_by_label("Email").fill("ana.rivera@")
    form.get_by_label("Phone", exact=True).fill("none")
    form.get_by_label("City").fill("Sunnyvale")
    form.get_by_label("State").fill("XX")
    form.get_by_label("ZIP code").fill("9408")
    form.get_by_role("button", name="Create customer").click()
    expect(form.get_by_text("Please tick this first.")).to_be_visible()
    take("bad-input")


def test_edit_contact(pictures):
    form, take = pictures("forms.edit_contact(customers.index[0])")
    rename(form)
    form.get_by_label("Phone", exact=True).fill("206-555-0188")
    form.get_by_role("button", name="Save contact").click()
    expect(form.get_by_text("Saved:")).to_be_visible()
    take("edit-contact")


def test_conflict(pictures):
    form, take = pictures(
        "form = forms.edit_contact(customers.index[0])\n"
        "Customer.modify(customers.index[0], phone='206-555-0199')\n"
        "form"
    )
    rename(form)
    form.get_by_role("button", name="Save contact").click()
    expect(form.get_by_text("changed this customer")).to_be_visible()
    take("conflict")


def test_attach_card(pictures):
    form, take = pictures("forms.attach_card(customers.index[0])")
    choose_test_card(form, "AMEX 0005")
    form.get_by_label("Other cards").select_option(index=1)
    form.get_by_label("The cardholder agreed").check()
    expect(form.get_by_role("table")).to_contain_text("a new card")
    take("attach-card")


def test_card_fields(pictures):
    form, take = pictures("forms.card_fields()")
    choose_test_card(form, "JCB 0505")
    form.get_by_role("button", name="Make a token").click()
    expect(form.get_by_text("the token is ready")).to_be_visible()
    take("card-fields")


def test_delete_card(pictures):
    form, take = pictures("forms.delete_card(customers.index[0])")
    form.get_by_label("Card", exact=True).select_option(index=1)
    form.get_by_label("I mean to remove this card").check()
    expect(form.get_by_role("table")).to_contain_text("removed")
    take("delete-card")


def test_update_shipping(pictures):
    form, take = pictures("forms.update_shipping(customers.index[0])")
    form.get_by_label("Address line 2").fill("Floor 2")
    form.get_by_label("State").fill("AK")
    form.get_by_role("button", name="Save address").click()
    expect(form.get_by_text("Not sent yet")).to_be_visible()
    take("update-shipping")


def test_customer_table(pictures):
    table, take = pictures("forms.customer_table(customers)")
    table.get_by_role("searchbox").fill("toronto")
    expect(table.get_by_text("matches (of 200 customers)")).to_be_visible()
    table.locator("tbody tr").first.click()
    take("customer-table")


def test_desk(pictures):
    desk, take = pictures("forms.desk()")
    expect(desk.get_by_text("of 200 customers")).to_be_visible()
    desk.get_by_role("searchbox").fill("toronto")
    expect(desk.get_by_text("matches (of 200 customers)")).to_be_visible()
    # By the name: in the middle of a row, a click would scroll the table sideways.
    visa = desk.get_by_role("row").filter(has_text="VISA").first
    visa.locator("bdi").first.click()
    desk.get_by_role("button", name="Edit contact").click()
    desk.get_by_label("Phone").fill("416-555-0188")
    desk.get_by_role("button", name="Save contact").click()
    expect(desk.get_by_text("Saved:")).to_be_visible()
    expect(desk.get_by_role("table", name="History")).to_be_visible()
    desk.get_by_label("Name", exact=True).focus()
    take("desk")


MANY = """E-mail\tName\tTelephone\tStreet\tCity\tState\tZIP\tRemarks
thao.ly@inbox.example.net\t\t\t12 Harbor Street\tBoston\tMA\t02108\thas moved
arjun.das@example.net\t\t303-555-0142\t\t\t\t\tnew phone
maja.kowalski@mail.example.com\tMaja Nowak\t\t\t\t\t\tnew name
beatriz.oliveira@example.org\t\t\t77 Garden Road\tSt. Louis\tMO\t10001\t
lena.hoffmann@example.com\tLena Hoffmann\t408-555-0125\t\t\t\t\t
ana.lima@\tAna Lima\t415-555-0161\t\t\t\t\t
qiang.zhou@example.com\tQiang Zhou\t615-555-0100\t\t\t\t\t"""


def test_change_many(pictures):
    form, take = pictures("forms.change_many()")
    form.get_by_label("Or paste cells").fill(MANY)
    form.get_by_role("button", name="Use these cells").click()
    form.get_by_role("button", name="Review the changes").click()
    expect(form.get_by_role("button", name="1 wrong")).to_be_visible()
    form.get_by_label("the new customer is probably there already").focus()
    take("change-many-review")
    form.get_by_role("button", name="Go on to apply").click()
    form.get_by_role("button", name="Apply", exact=True).click()
    expect(form.get_by_text("All that was planned was sent")).to_be_visible(timeout=60_000)
    take("change-many-results")
