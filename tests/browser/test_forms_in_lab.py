"""Each form once through a real browser: typed, clicked, refused, saved, and seen in pandas."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

CONNECT = """
from clover_nb import Customer, TEST_CARDS, Token, connect, forms, use
clover = use(connect("local", seed=5))
"""
TWO_CUSTOMERS = """
for name in ("First", "Second"):
    token = Token.create(card=TEST_CARDS["visa"])["id"]
    Customer.create(email="two@example.com", source=token, name=name)
"""


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def test_the_three_forms_and_the_table_end_to_end(open_notebook):
    """Create a customer, attach a second card, change the address; the list shows all three."""
    notebook = open_notebook(
        [
            CONNECT,
            "form = forms.create_customer(); form",
            "attach = forms.attach_card(); attach",
            "shipping = forms.update_shipping(); shipping",
        ]
    )
    create = notebook.output(1)
    create.get_by_label("Email").fill("ana.rivera@example.com")
    create.get_by_label("Name", exact=True).fill('Ana <script>alert("x")</script> 🍀')
    button(create, "Use this test card").click()
    expect(create.get_by_label("Card token")).to_have_attribute("placeholder", re.compile("•+"))
    create.get_by_label("The cardholder agreed").check()
    button(create, "Create customer").click()
    expect(create.get_by_text("Saved:")).to_contain_text('Ana <script>alert("x")</script> 🍀')

    attach = notebook.output(2)
    attach.get_by_label("Customer").fill("ana.rivera@example.com")
    attach.get_by_label("Customer").press("Enter")
    expect(attach.get_by_text("VISA •••• 4242 ·")).to_be_visible()
    attach.get_by_role("combobox").select_option("Test MC •••• 3294")
    button(attach, "Use this test card").click()
    expect(attach.get_by_label("Card token")).to_have_attribute("placeholder", re.compile("•+"))
    attach.get_by_label("The cardholder agreed").check()
    button(attach, "Attach card").click()
    expect(attach.get_by_text("Saved:")).to_be_visible()

    shipping = notebook.output(3)
    shipping.get_by_label("Customer").fill("ana.rivera@example.com")
    button(shipping, "Find").click()
    expect(shipping.locator(".clover-who")).to_be_visible()
    shipping.get_by_label("Address line 1").fill("1 Market Street")
    shipping.get_by_label("City").fill("San Francisco")
    shipping.get_by_label("State or province").fill("CA")
    shipping.get_by_label("City").press("Enter")
    expect(shipping.get_by_text("Saved:")).to_be_visible()

    seen = notebook.evaluate(
        "Customer.list().query('email == \"ana.rivera@example.com\"')"
        "[['name', 'card_count', 'card_brand', 'shipping_city']].values.tolist()"
    )
    assert seen == repr([['Ana <script>alert("x")</script> 🍀', 2, "MC", "San Francisco"]])


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(open_notebook):
    """Messages are tied to their fields for screen readers; nothing is sent, all stays typed."""
    notebook = open_notebook([CONNECT, "form = forms.create_customer(); form"])
    form = notebook.output(1)
    form.get_by_label("Email").fill("ana@")
    form.get_by_label("Card token").fill("tok_visa")
    form.get_by_label("City").fill("Boston")
    button(form, "Create customer").click()
    email = form.get_by_label("Email")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description(re.compile("not an email address"))
    expect(form.get_by_label("Card token")).to_have_accessible_description(
        re.compile("is not a card token")
    )
    expect(form.get_by_label("Address line 1")).to_have_accessible_description(
        re.compile("required")
    )
    expect(form.get_by_text("Please tick this first.")).to_be_visible()
    expect(email).to_have_value("ana@")
    expect(form.get_by_label("City")).to_have_value("Boston")
    assert notebook.evaluate("len(Customer.list())") == "200"

    email.fill("ana@example.com")
    expect(email).not_to_have_attribute("aria-invalid", "true")


def test_a_double_click_creates_one_customer(open_notebook):
    """However fast the second click comes."""
    notebook = open_notebook([CONNECT, "form = forms.create_customer(); form"])
    form = notebook.output(1)
    form.get_by_label("Email").fill("once@example.com")
    button(form, "Use this test card").click()
    expect(form.get_by_label("Card token")).to_have_attribute("placeholder", re.compile("•+"))
    form.get_by_label("The cardholder agreed").check()
    button(form, "Create customer").dblclick()
    expect(form.get_by_text("Saved:")).to_be_visible()
    expect(button(form, "Create customer")).to_be_disabled()
    assert notebook.evaluate("len(Customer.search(email='once@example.com'))") == "1"


def test_one_of_several_customers_is_chosen(open_notebook):
    """Two customers share an address: the form asks which."""
    notebook = open_notebook([CONNECT, TWO_CUSTOMERS, "form = forms.update_shipping(); form"])
    form = notebook.output(2)
    form.get_by_label("Customer").fill("two@example.com")
    form.get_by_label("Customer").press("Enter")
    expect(form.get_by_text("2 customers have this address")).to_be_visible()
    form.get_by_role("listbox").select_option(index=1)
    expect(form.locator(".clover-who")).to_contain_text("Second")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_form_is_whole_on_a_narrow_screen(open_notebook, dark):
    """At 900 pixels no label is cut and nothing needs sideways scrolling, in both themes."""
    notebook = open_notebook(
        [CONNECT, "form = forms.create_customer(); form"], dark=dark, width=900
    )
    form = notebook.page.locator(".clover-form")
    cut = form.evaluate(
        "form => [...form.querySelectorAll('label, button, h3, h4, p')]"
        ".filter(e => getComputedStyle(e).overflow != 'visible')"
        ".filter(e => e.scrollWidth > e.clientWidth + 1)"
        ".map(e => e.textContent)"
    )
    assert cut == []
    assert form.evaluate("form => form.scrollWidth - form.clientWidth") <= 1


def test_no_token_is_saved_with_the_notebook(open_notebook):
    """With widget state saved, neither a typed token nor one of a test card is in the file."""
    notebook = open_notebook([CONNECT, "form = forms.create_customer(); form"])
    form = notebook.output(1)
    form.get_by_label("Card token").fill("clv_1TSTStypedbysomebody")
    notebook.wait_for("'typed' in form.fields['source'].value", "True")
    assert "typedbysomebody" not in notebook.saved()
    button(form, "Use this test card").click()
    notebook.wait_for("'typed' in form.fields['source'].value", "False")
    secret = notebook.evaluate("form.fields['source'].value.reveal()").strip("'")
    assert secret.startswith("clv_")
    assert secret not in notebook.saved()
