"""Each form through a real browser: right, wrong, twice, refused, cut off, overtaken, undone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

from .card_fields import paste_test_card

# The sandbox keeps its customers in a file, so that it can go away and come back.
CONNECT = """
import socket
import tempfile
from clover_nb import Customer, TEST_CARDS, Token, connect, forms, sandbox, use
from clover_nb.settings import Timeouts

if "practice" in globals():
    practice.stop()
folder = tempfile.TemporaryDirectory()
practice = sandbox.start(seed=5, db=f"{folder.name}/practice", limits=False)
hasty = Timeouts(retry_delay=0.05, max_retry_delay=0.1, unreachable=0.3, total=1.0)
clover = use(connect("local", timeouts=hasty, **practice.connection()))

def a_customer(**fields):
    token = Token.create(card=TEST_CARDS["visa"])["id"]
    return Customer.create(email="ana.rivera@example.com", source=token, **fields)["id"]

def stop_practice():
    # Its port stays taken: else another process may have it when it is started again.
    port = int(practice.token_url.rpartition(":")[2])
    practice.stop()
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", port))
    return kept

def start_practice(kept):
    with kept:
        port = kept.getsockname()[1]
        return sandbox.start(seed=5, db=f"{folder.name}/practice", limits=False, port=port)

address = {"line1": "1 Main St", "city": "Boston", "state": "MA", "postal_code": "02108"}
ana = a_customer(name="Ana Rivera", phone="555-0125", shipping={"address": address})
"""
FORMS = {
    "create": "create = forms.create_customer(); create",
    "contact": "contact = forms.edit_contact(ana); contact",
    "shipping": "shipping = forms.update_shipping(ana); shipping",
    "attach": "attach = forms.attach_card(ana); attach",
    "delete": "delete = forms.delete_card(ana); delete",
}


SUBMIT = re.compile("Save contact|Save address|Attach card|Remove card|Create customer")
SAVED = re.compile("^Saved:")  # and not "Not saved:"


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """The five forms, four of them about the same customer."""
    return open_shared_notebook([CONNECT, *FORMS.values()], run=False, height=2400)


@pytest.fixture
def notebook(shared):
    """The notebook with a customer of its own, and no form yet."""
    shared.start_over(0)
    return shared


def form(notebook, name):
    """The output of the cell that makes this form."""
    return notebook.show(1 + list(FORMS).index(name))


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


# What asks Clover waits until it may go.
HOLD = """
import threading

go, method = threading.Event(), clover.customers.{method}

def held(*args, **kwargs):
    go.wait(60)
    return method(*args, **kwargs)

clover.customers.{method} = held
"""


def asked(notebook, expression):
    return notebook.evaluate(expression).strip("'")


def test_each_form_shows_what_will_change_does_it_and_leaves_no_secret(notebook):
    """The whole walk; afterwards the saved notebook holds no token and no card number."""
    create, contact, shipping, attach, delete = (form(notebook, name) for name in FORMS)
    create.get_by_label("Email").fill("bo@example.com")
    create.get_by_label("Name", exact=True).fill('Bo <script>alert("x")</script> 🍀')
    paste_test_card(create)
    expect(create.get_by_role("table")).to_contain_text("a new card")
    create.get_by_label("The cardholder agreed").check()
    button(create, "Create customer").click()
    expect(create.get_by_text(SAVED)).to_contain_text('Bo <script>alert("x")</script> 🍀')

    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    expect(contact.get_by_role("row").nth(1)).to_have_text(re.compile("Name.*Ana Rivera.*Ana Cos"))
    contact.get_by_label("Name", exact=True).press("Enter")
    expect(contact.get_by_text("Saved: Ana Costa")).to_be_visible()
    assert asked(notebook, "Customer.retrieve(ana)['name']") == "Ana Costa"
    button(contact, "Undo").click()
    expect(contact.get_by_text("Undone: Ana Rivera")).to_be_visible()
    expect(contact.get_by_label("Name", exact=True)).to_have_value("Ana Rivera")

    shipping.get_by_label("State").fill("CA")
    button(shipping, "Save address").click()
    expect(shipping.get_by_text("02108 is not a ZIP code of the state CA.")).to_be_visible()
    shipping.get_by_label("Save anyway").check()
    button(shipping, "Save address").click()
    expect(shipping.get_by_text(SAVED)).to_be_visible()

    paste_test_card(attach, "MC •••• 3294")
    attach.get_by_label("Other cards").select_option(
        label="Replace VISA •••• 4242, expires 2035-12"
    )
    attach.get_by_label("The cardholder agreed").check()
    button(attach, "Attach card").click()
    expect(attach.get_by_text(SAVED)).to_be_visible()

    button(delete, "Find").click()
    expect(delete.get_by_text("MC •••• 3294").first).to_be_visible()
    delete.get_by_label("Card", exact=True).select_option(index=1)
    expect(delete.get_by_role("row").nth(1)).to_contain_text("MC •••• 3294, expires 2035-12")
    delete.get_by_label("I mean to remove this card").check()
    button(delete, "Remove card").click()
    expect(delete.get_by_text(SAVED)).to_be_visible()
    seen = "Customer.retrieve(ana)[['name', 'shipping_state', 'card_count']].tolist()"
    assert notebook.evaluate(seen) == repr(["Ana Rivera", "CA", 0])

    form(notebook, "create").get_by_label("Card token").fill("clv_1TSTStypedbysomebody")
    notebook.wait_for("'typed' in create.token", "True")
    saved = notebook.saved()
    assert "Ana Rivera" in saved, "the state of the widgets is saved"
    assert not re.search(r"clv_\w", saved)
    assert asked(notebook, "practice.access_token") not in saved
    assert not [card for card in TEST_CARDS.values() if card["number"] in saved]


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(notebook):
    """Messages are tied to their fields for screen readers; nothing is sent, all stays typed."""
    names = ("create", "contact", "attach", "delete")
    create, contact, attach, delete = (form(notebook, name) for name in names)
    before = notebook.evaluate("len(practice.requests)")
    typed = {
        "Email": ("ana@", "not an email address"),
        "Card token": ("tok_visa", "is not a card token"),
        "Phone": ("CALL-ME", "is not a phone number"),
        "City": ("x" * 10_000, "10,000 characters"),
        "State": ("XX", "XX is not a state of the United States"),
        "ZIP code": ("0210", "0210 is not a ZIP code of the United States"),
        "Recipient's phone": ("\u202e none", "invisible sign"),
    }
    create.get_by_label("Paste a token").check()
    for label, (text, _) in typed.items():
        create.get_by_label(label, exact=True).fill(text)
    button(create, "Create customer").click()
    for label, (text, told) in typed.items():
        field = create.get_by_label(label, exact=True)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(told))
        expect(field).to_have_value(text)
    line1 = create.get_by_label("Address line 1")
    expect(line1).to_have_accessible_description(re.compile("missing"))
    expect(create.get_by_text("Please tick this first.")).to_be_visible()
    create.get_by_label("Country").fill("ZZ")
    button(create, "Create customer").click()
    expect(create.get_by_label("Country")).to_have_accessible_description(re.compile("no country"))

    contact.get_by_label("Name", exact=True).fill("")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Clover has no way to empty it.")).to_be_visible()
    for part, told in ((attach, "Please tick this first."), (delete, "Choose the card.")):
        part.get_by_role("button", name=re.compile("Attach card|Remove card")).click()
        expect(part.get_by_text(told)).to_be_visible()
    assert notebook.evaluate("len(practice.requests)") == before

    contact.get_by_label("Name", exact=True).fill("Ana Rivera")
    contact.get_by_label("Email").fill("  ana.costa@example.com ")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("keeps the old one", exact=False).last).to_be_visible()
    notebook.wait_for("Customer.retrieve(ana)['email']", "'ana.costa@example.com'")


def test_a_double_click_does_it_once(notebook):
    """However fast the second click comes; the button says what it does meanwhile."""
    create, contact = form(notebook, "create"), form(notebook, "contact")
    notebook.run(HOLD.format(method="create"))
    create.get_by_label("Email").fill("once@example.com")
    paste_test_card(create)
    create.get_by_label("The cardholder agreed").check()
    button(create, "Create customer").dblclick()
    expect(button(create, "Creating…")).to_be_disabled()
    contact.get_by_label("Phone").fill("555-0199")  # the page is alive meanwhile
    button(contact, "Save contact").dblclick()
    expect(contact.get_by_text(SAVED)).to_be_visible()
    notebook.run("go.set()")
    expect(create.get_by_text(SAVED)).to_be_visible()
    expect(button(create, "Create customer")).to_be_disabled()
    counted = "clover.journal.frame()['operation'].value_counts().to_dict()"
    assert notebook.evaluate(counted) == repr({"create": 2, "modify": 1})


# One after the other, a form is told something else each time: it is waited for.
REFUSALS = [
    ("contact", "PUT", 400, "Bad Request"),
    ("contact", "PUT", 401, "Clover no longer takes the access token"),
    ("contact", "PUT", 404, "Check the id"),
    ("contact", "PUT", 403, "Clover refused the credentials"),
    ("contact", "PUT", 429, "Too many requests"),
    ("contact", "PUT", 500, "It is not known whether this was saved"),
    ("attach", "PUT", 402, "ask for another card"),
    ("attach", "PUT", 409, "Nothing needs to be done if it is this very card"),
    ("delete", "DELETE", 401, "Clover no longer takes the access token"),
    ("shipping", "PUT", 503, "It is not known whether this was saved"),
    ("create", "POST", 400, "Bad Request"),
    ("create", "POST", 402, "ask for another card"),
    ("create", "POST", 403, "Clover refused the credentials"),
    ("create", "POST", 409, "Nothing needs to be done"),
    ("create", "POST", 502, "It is not known whether this was saved"),
]


@pytest.mark.parametrize(("name", "method", "status", "told"), REFUSALS)
def test_a_refusal_is_told_and_what_was_typed_is_kept(notebook, name, method, status, told):
    """In a sentence, with what to do and the request id; then the same is sent again, and done."""
    part = form(notebook, name)
    fill(part, name)
    before = int(notebook.evaluate("len(Customer.list())"))
    times = 50 if status == 429 or status >= 500 else 1  # those are tried again
    notebook.evaluate(f"practice.fail_next({status}, {times}, method={method!r})")
    submit = part.get_by_role("button", name=SUBMIT)
    submit.click()
    expect(part.get_by_text(told).first).to_be_visible()
    expect(part.locator(".clover-id code")).to_have_text(re.compile(r"^[\w-]{36}$"))
    if times == 1:
        submit.click()
        expect(part.get_by_text(SAVED)).to_be_visible()
    elif status == 429:
        expect(part.get_by_label("Name", exact=True)).to_have_value("Ana Costa")
    elif name == "create":
        button(part, "Look the customer up").click()
        expect(part.get_by_text("Nobody has this address")).to_be_visible()
        expect(part.get_by_label("Email")).to_have_value("bo@example.com")
    else:
        button(part, "Reload, keep my edits").click()
        expect(part.get_by_text("with what you typed")).to_be_visible()
    created = name == "create" and times == 1
    assert int(notebook.evaluate("len(Customer.list())")) == before + created


@pytest.mark.parametrize("kind", ["reset-after", "truncated", "html"])
def test_a_lost_answer_is_found_out(notebook, kind):
    """The change was made, and the form says so."""
    contact = form(notebook, "contact")
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    notebook.evaluate(f"practice.fail_next({kind!r}, method='PUT')")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Saved: Ana Costa")).to_be_visible()
    assert notebook.evaluate("Customer.retrieve(ana)['name']") == "'Ana Costa'"


def fill(part, name):
    """Type what each form needs."""
    if name == "contact":
        part.get_by_label("Name", exact=True).fill("Ana Costa")
    elif name == "shipping":
        part.get_by_label("City").fill("Somerville")
    elif name == "delete":
        part.get_by_label("Card", exact=True).select_option(index=1)
        part.get_by_label("I mean to remove this card").check()
    else:
        if name == "create":
            part.get_by_label("Email").fill("bo@example.com")
        paste_test_card(part, "MC •••• 3294")
        part.get_by_label("The cardholder agreed").check()


def test_a_failed_submit_leads_to_what_is_wrong(notebook):
    """In a small window too: how many fields there are, and the focus on the first."""
    page, create = notebook.page, form(notebook, "create")
    notebook.resize(1400, 800)
    live = create.locator(".clover-actions [aria-live=polite]")
    expect(live).to_have_text("")  # it is there before it says something
    create.get_by_label("City").click()
    notebook.type("Boston")
    page.keyboard.press("Enter")
    summary = create.get_by_role("alert").filter(has_text="5 fields need attention: Email, Card")
    expect(summary).to_have_count(1)
    expect(create.get_by_label("Email")).to_be_focused()
    expect(create.get_by_label("Email")).to_be_in_viewport()
    notebook.type("ana@example.com")
    page.keyboard.press("Enter")
    number = create.locator("iframe[title='Card number']")
    expect(number).to_be_focused()
    expect(number).to_be_in_viewport()
    create.get_by_label("Paste a token").check()
    create.get_by_label("Card token").fill("clv_1TSTSabc")
    create.get_by_label("Card token").press("Enter")
    expect(create.get_by_role("alert").filter(has_text="3 fields need attention")).to_have_count(1)


def test_a_button_stays_under_the_pointer_until_it_is_let_go(notebook):
    """A message that comes meanwhile moves no button away, so the click counts."""
    contact = form(notebook, "contact")
    contact.get_by_label("Phone", exact=True).fill("none")
    expect(contact.get_by_role("table")).to_contain_text("none")
    notebook.hold(button(contact, "Save contact"))
    notebook.run("contact.preview += '<p>And more.</p>' * 9")
    notebook.page.mouse.up()
    expect(contact.get_by_text("Nothing was sent: 1 field needs attention: Phone.")).to_be_visible()


def test_an_attached_card_is_removed_by_the_form_for_that_alone(notebook):
    """One click does not do it: it can't be undone, and says so."""
    attach = form(notebook, "attach")
    fill(attach, "attach")
    button(attach, "Attach card").click()
    expect(attach.get_by_text(SAVED)).to_be_visible()
    expect(button(attach, "Undo")).to_have_count(0)
    button(attach, "Remove this card").click()
    expect(attach.get_by_role("heading", name="Remove a card")).to_be_visible()
    expect(attach.get_by_role("table")).to_contain_text("MC •••• 3294")
    expect(attach.get_by_text("can't be undone: the old card").first).to_be_visible()
    button(attach, "Remove card").click()
    expect(attach.get_by_text("Please tick this first.")).to_be_visible()
    assert notebook.evaluate("int(Customer.retrieve(ana)['card_count'])") == "2"
    attach.get_by_label("I mean to remove this card").check()
    button(attach, "Remove card").click()
    expect(attach.get_by_text(SAVED)).to_be_visible()
    assert notebook.evaluate("Customer.retrieve(ana)['card_brand']") == "'VISA'"


def test_an_address_of_somebody_else_warns_before_it_is_saved(notebook):
    """And what can't be undone says so before."""
    contact = form(notebook, "contact")
    notebook.evaluate("a_customer(name='Bea', phone='555-0142')")
    notebook.evaluate("Customer.modify(ana, email='ana.costa@example.com')")
    contact.get_by_label("Customer").fill(asked(notebook, "ana"))
    contact.get_by_label("Customer").press("Enter")
    expect(contact.get_by_label("Email")).to_have_value("ana.costa@example.com")
    contact.get_by_label("Email").fill("ana.rivera@example.com")
    expect(contact.get_by_text("Clover keeps the old email address")).to_be_visible()
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Fix it, or tick to save anyway")).to_be_visible()
    seen = "Customer.retrieve(ana)['email']"
    assert notebook.evaluate(seen) == "'ana.costa@example.com'"
    contact.get_by_label("Save anyway").check()
    button(contact, "Save contact").click()
    expect(contact.get_by_text(SAVED)).to_be_visible()
    assert notebook.evaluate(seen) == "'ana.rivera@example.com'"


def test_a_name_reads_in_its_own_direction(notebook):
    """In the fields, in the line that says who it is, and in what will change."""
    contact = form(notebook, "contact")
    contact.get_by_label("Name", exact=True).fill("مرحبا (Ana)")
    button(contact, "Save contact").click()
    expect(contact.get_by_text(SAVED)).to_be_visible()
    expect(contact.get_by_label("Name", exact=True)).to_have_css("direction", "rtl")
    for place in (".clover-who bdi", ".clover-note bdi"):
        expect(contact.locator(place).first).to_have_css("direction", "rtl")
    expect(contact.get_by_label("Email")).to_have_css("direction", "ltr")


def test_a_request_id_is_copied_or_else_selected(notebook):
    """With a key; a page that is neither https nor localhost has no clipboard."""
    page, contact = notebook.page, form(notebook, "contact")
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    notebook.evaluate("practice.fail_next(400, method='PUT')")
    button(contact, "Save contact").click()
    code = contact.locator(".clover-id code")
    expect(code).to_be_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button(contact, "Copy the request id").press("Enter")
    expect(contact.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code.text_content()
    page.context.clear_permissions()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {configurable: true})")
    button(contact, "Copy the request id").press("Enter")
    expect(contact.get_by_text("Selected: copy it with Ctrl+C")).to_be_visible()
    assert page.evaluate("getSelection().toString()") == code.text_content()
    page.evaluate("delete navigator.clipboard")


def test_a_lost_connection_keeps_what_was_typed(notebook):
    """And when it is back, the same click does it."""
    contact = form(notebook, "contact")
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    notebook.run("kept = stop_practice()")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("could not be reached")).to_be_visible()
    expect(contact.get_by_label("Name", exact=True)).to_have_value("Ana Costa")
    notebook.run("practice = start_practice(kept)")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Saved: Ana Costa")).to_be_visible()


def test_a_change_in_between_is_shown_and_not_overwritten(notebook):
    """As it was read, as it is; then the person goes on with what was typed."""
    contact = form(notebook, "contact")
    notebook.evaluate("Customer.modify(ana, phone='555-0199')")
    contact.get_by_label("Name", exact=True).fill("Ana Costa")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Not saved. You changed this customer a moment ago")).to_be_visible()
    row = contact.get_by_role("row").filter(has_text="Phone")
    expect(row).to_have_text(re.compile("555-0125.*555-0199"))
    button(contact, "Reload, keep my edits").click()
    expect(contact.get_by_label("Phone")).to_have_value("555-0199")
    expect(contact.get_by_label("Name", exact=True)).to_have_value("Ana Costa")
    button(contact, "Save contact").click()
    expect(contact.get_by_text("Saved: Ana Costa")).to_be_visible()
    seen = "Customer.retrieve(ana)[['name', 'phone']].tolist()"
    assert notebook.evaluate(seen) == repr(["Ana Costa", "555-0199"])


def test_an_address_that_exists_is_shown_before_it_is_made_twice(notebook):
    """With a button that leads to its customer."""
    create = form(notebook, "create")
    create.get_by_label("Email").fill("ana.rivera@example.com")
    paste_test_card(create)
    create.get_by_label("The cardholder agreed").check()
    button(create, "Create customer").click()
    expect(create.get_by_text("belongs to a customer already")).to_be_visible()
    button(create, "Show Ana Rivera").click()
    expect(create.get_by_text(asked(notebook, "ana"))).to_be_visible()
    assert notebook.evaluate("len(Customer.search(email='ana.rivera@example.com'))") == "1"


def test_a_look_at_another_customer_holds_nothing_up_and_says_what_fails(notebook):
    """While Clover is asked the kernel hears each letter, and a refusal is told."""
    create = form(notebook, "create")
    create.get_by_label("Email").fill("ana.rivera@example.com")
    paste_test_card(create)
    create.get_by_label("The cardholder agreed").check()
    button(create, "Create customer").click()
    expect(create.get_by_text("belongs to a customer already")).to_be_visible()
    notebook.run(HOLD.format(method="retrieve"))
    button(create, "Show Ana Rivera").click()
    create.get_by_label("Name", exact=True).click()
    notebook.type("Bo")
    notebook.wait_for("create.values['texts']['name']", "'Bo'")
    expect(create.locator(".clover-result")).to_be_empty()
    notebook.run("go.set()")
    expect(create.locator(".clover-result")).to_contain_text(asked(notebook, "ana"))
    notebook.evaluate("practice.fail_next(401, method='GET')")
    button(create, "Show Ana Rivera").click()
    told = create.get_by_role("alert").filter(has_text="access token")
    expect(told).to_be_visible()
    expect(create.get_by_label("Name", exact=True)).to_have_value("Bo")


def test_a_create_whose_outcome_is_unknown_can_be_looked_up(notebook):
    """By its address, with the button that the form offers."""
    create = form(notebook, "create")
    create.get_by_label("Email").fill("nobody.yet@example.com")
    paste_test_card(create)
    create.get_by_label("The cardholder agreed").check()
    notebook.evaluate("practice.fail_next(500, 50, method='POST', path='customers')")
    button(create, "Create customer").click()
    expect(create.get_by_text("It is not known whether this was saved")).to_be_visible()
    button(create, "Look the customer up").click()
    expect(create.get_by_text("Nobody has this address")).to_be_visible()
    expect(create.get_by_label("Email")).to_have_value("nobody.yet@example.com")


def test_one_of_several_can_be_chosen_again_after_it_could_not_be_read(notebook):
    """By the same button."""
    contact = form(notebook, "contact")
    bea = asked(notebook, "a_customer(name='Bea Costa')")
    contact.get_by_label("Customer").fill("ana.rivera@example.com")
    button(contact, "Find").click()
    choice = contact.get_by_label("Choose one").get_by_role("button", name="Bea Costa")
    notebook.evaluate("practice.fail_next(401, method='GET')")
    choice.click()
    expect(contact.get_by_text("access token")).to_be_visible()
    choice.click()
    expect(choice).to_be_hidden()
    assert asked(notebook, "contact.about") == bea


def test_an_answer_takes_the_focus_from_no_other_form(notebook):
    """The first wrong field gets it only as long as the person waits there."""
    create, contact = form(notebook, "create"), form(notebook, "contact")
    name = contact.get_by_label("Name", exact=True)
    told = create.get_by_text("fields need attention")
    notebook.set_latency(400)
    button(create, "Create customer").click()
    name.focus()
    expect(told).to_be_visible()
    expect(name).to_be_focused()
    create.get_by_label("Phone", exact=True).fill("555-0125")
    button(create, "Create customer").click()
    expect(create.get_by_label("Email")).to_be_focused()


def test_the_focus_is_never_lost(notebook):
    """Whatever a form takes away: a button that was pressed, a list, or all that it was."""
    contact, attach = form(notebook, "contact"), form(notebook, "attach")
    name = contact.get_by_label("Name", exact=True)
    name.fill("Ana Costa")
    name.press("Enter")
    expect(contact.get_by_text(SAVED)).to_be_visible()
    expect(name).to_be_focused()
    button(contact, "Undo").press("Enter")
    expect(contact.get_by_text("Undone: Ana Rivera")).to_be_visible()
    expect(button(contact, "Undo")).to_be_focused()
    name.fill("Bo")
    name.press("Escape")
    expect(contact.get_by_text("Cancelled: nothing was sent.")).to_be_visible()
    expect(name).to_have_value("Ana Rivera")
    expect(name).to_be_focused()
    button(contact, "Undo").press("Enter")
    expect(name).to_have_value("Bo")
    expect(button(contact, "Save contact")).to_be_focused()
    notebook.evaluate("a_customer(name='Bea')")
    customer = contact.get_by_label("Customer")
    customer.fill("ana.rivera@example.com")
    customer.press("Enter")
    several = contact.get_by_label("Choose one")
    several.get_by_role("button", name="Bea").press("Enter")
    expect(several).to_be_hidden()
    expect(customer).to_be_focused()
    fill(attach, "attach")
    button(attach, "Attach card").click()
    button(attach, "Remove this card").press("Enter")
    expect(attach.get_by_label("Card", exact=True)).to_be_focused()


def test_escape_cancels_and_does_not_reach_the_notebook(notebook):
    """Where `d d` would delete the cell; on a button and on a tick too."""
    page, contact, delete = notebook.page, form(notebook, "contact"), form(notebook, "delete")
    name = contact.get_by_label("Name", exact=True)
    name.fill("Ana Costa")
    name.press("Escape")
    expect(name).to_have_value("Ana Rivera")
    button(contact, "Undo").click()
    expect(name).to_have_value("Ana Costa")
    button(contact, "Save contact").focus()
    for key in ("Escape", "d", "d"):
        page.keyboard.press(key)
    expect(name).to_have_value("Ana Rivera")
    delete.get_by_label("I mean to remove this card").focus()
    expect(delete.get_by_label("I mean to remove this card")).to_be_focused()
    for key in ("Escape", "d", "d", "x", "b"):
        page.keyboard.press(key)
    assert notebook.evaluate("Customer.retrieve(ana)['name']") == "'Ana Rivera'"
    expect(page.locator(".jp-CodeCell")).to_have_count(1 + len(FORMS))


def test_the_address_follows_its_country(notebook):
    """The fields stand in its order, under its names, and keep what is in them."""
    shipping = form(notebook, "shipping")
    shipping.get_by_label("Country").fill("DE")
    expect(shipping.get_by_label("Postal code")).to_have_value("02108")
    inputs = shipping.locator(".clover-grid .clover-label label")
    expect(inputs.nth(2)).to_have_text("Postal code")
    expect(inputs.nth(3)).to_have_text("City")
    expect(shipping.get_by_label("Country")).to_have_value("DE")


def test_a_form_is_whole_and_open_to_all(notebook):
    """At 900 pixels no label is cut; axe finds nothing serious, light or dark."""
    nothing = re.compile("Nothing (was sent|is changed)")
    for name in FORMS:
        part = form(notebook, name)
        part.get_by_role("button", name=SUBMIT).click()
        expect(part.get_by_role("alert").filter(has_text=nothing)).to_be_visible()
    form(notebook, "contact").get_by_label("Name", exact=True).fill("Ana Costa")
    expect(form(notebook, "contact").get_by_role("table")).to_be_visible()
    notebook.resize(900, 2400)
    for dark in (True, False):
        notebook.use_theme(dark=dark)
        assert notebook.violations(".clover-form") == []
        assert notebook.page.locator(".clover-form").evaluate_all(CUT) == []


# The texts that are wider than their place.
CUT = """forms => forms
  .flatMap((form) => [form, ...form.querySelectorAll("label, button, h3, h4, p, td")])
  .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth)
  .map((each) => each.textContent)"""
