"""Clover's card fields in a real browser: a card becomes a token, its number goes nowhere."""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import expect

from clover_nb import sandbox
from clover_nb.constants import TEST_CARDS
from clover_nb.sandbox.api import tokens

from .card_fields import TITLES, inside, type_card

CONNECT = """
import json
from pathlib import Path
from clover_nb import Customer, TEST_CARDS, Token, connect, forms, use

clover = use(connect("local", **json.loads(Path("there.json").read_text())))
token = Token.create(card=TEST_CARDS["amex"])["id"]
ana = Customer.create(email="ana.rivera@example.com", source=token, name="Ana Rivera")["id"]
"""
FORMS = ["attach = forms.attach_card(ana); attach", "create = forms.create_customer(); create"]


@pytest.fixture(scope="module")
def there(lab):
    """A sandbox of the tests' own process: the kernel's memory is not its memory."""
    with sandbox.start(seed=5, limits=False, customers=0) as running:
        (lab.folder / "there.json").write_text(json.dumps(running.connection()))
        yield running


@pytest.fixture(scope="module")
def shared(open_shared_notebook, there):
    """Two forms that take a card."""
    return open_shared_notebook([CONNECT, *FORMS], run=False, height=2000)


@pytest.fixture
def notebook(shared, there):
    """The notebook with a customer of its own, and no form yet."""
    there.reset()
    shared.start_over(0)
    return shared


@pytest.fixture
def number(monkeypatch):
    """A number that is in nobody's code, and that this sandbox takes for a test card's."""
    made = "4" + "".join(str(secrets.randbelow(10)) for _ in range(14))
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(made))
    total = sum(sum(divmod(value, 10)) for value in doubled)
    made += str(-total % 10)
    monkeypatch.setitem(tokens._NAMES, made, "visa")
    return made


def button(part, name):
    return part.get_by_role("button", name=name, exact=True)


def expect_typed(part, *texts):
    """Wait until the fields hold these texts, written as on a card."""
    for title, text in zip(TITLES, texts, strict=True):
        written = r"\s*".join(map(re.escape, text))
        expect(inside(part, title)).to_have_value(re.compile(f"^{written}$"))


def paths(there):
    return [entry["path"] for entry in there.requests]


def memory(process):
    """All that a process holds in memory, part by part."""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as held:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            start, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if rights.startswith("rw"):
                held.seek(int(start, 16))
                with suppress(OSError):  # a device's
                    yield held.read(int(end, 16) - int(start, 16))


def test_a_card_is_attached_and_its_number_is_nowhere_but_in_its_fields(
    notebook, there, number, lab
):
    """Not in the page, a frame of the websocket, a request, the notebook, the kernel's memory."""
    page, attach = notebook.page, notebook.show(1)
    requests, messages = [], []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108  Playwright marks it
    page.expose_function("heard", lambda message: messages.append(message))  # noqa: PLW0108  as above
    page.evaluate("addEventListener('message', ({data}) => heard(JSON.stringify(data)))")
    inside(attach, "Card number").press_sequentially(number)
    inside(attach, "Expiry").press_sequentially("1234")
    inside(attach, "Security code").press_sequentially("987")
    inside(attach, "Postal code").press_sequentially("60614")
    expect(attach.get_by_role("table", name="What will change")).to_contain_text("one more")
    attach.get_by_label("The cardholder agreed").check()
    button(attach, "Attach card").dblclick()
    expect(attach.get_by_text("Saved: Ana Rivera")).to_be_visible()
    told = "Customer.retrieve(ana)[['card_brand', 'card_last4', 'card_expiry']].tolist()"
    assert notebook.evaluate(told) == repr(["VISA", number[-4:], "2034-12"])
    assert paths(there).count("/v1/tokens") == 2, "one was made before, by code"
    expect_typed(attach, "", "", "", "")

    here = [request for request in requests if not request.url.startswith(there.token_url)]
    gone_out = [f"{each.url} {each.headers} {each.post_data or ''}" for each in here]
    frames = [*notebook.sent, *notebook.received]
    process = int(notebook.evaluate("__import__('os').getpid()"))
    assert number[-4:] in " ".join(frames)
    searched = {
        "the websocket": "\n".join(frames),
        "requests": "\n".join(gone_out),
        "messages to the page": "\n".join(messages),
        "the page": page.content(),
        "the notebook": notebook.saved(),
        "logs": (lab.folder.parent / "lab.log").read_text() + str(there.requests),
    }
    parts = [number[place : place + 4] for place in range(0, 16, 4)]
    spelled = [number, " ".join(parts), "-".join(parts), number[:12], number[4:]]
    for where, held in searched.items():
        assert [text for text in spelled if text in held] == [], where
    known = [there.access_token.encode(), *(text.encode() for text in spelled)]
    held = {text for part in memory(process) for text in known if text in part}
    assert held == set(known[:1]), "the memory holds what the kernel knows, and no more"
    typed = "\n".join([*messages, notebook.saved()])
    assert not re.search(r"12 ?/ ?(20)?34|\b987\b|\b60614\b", typed)
    assert not re.search(r"clv_\w", notebook.saved())


WRONG = [
    ("Card number", {"number": "4242424242424241"}, "Card number is not valid."),
    ("Card number", {"number": ""}, "Card number is required."),
    ("Expiry", {"expiry": "01/20"}, "The card has expired."),
    ("Expiry", {"expiry": "13/34"}, "Expiry must be a month and a year, MM/YY."),
    ("Security code", {"code": "12"}, "Security code must have 3 digits."),
    ("Postal code", {"postal_code": "9408"}, "Postal code must be like 94085 or K1A 0B1."),
]


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_made_or_lost(notebook, there):
    """One after the other; in the end all is right, and the card is attached."""
    attach = notebook.show(1)
    attach.get_by_label("The cardholder agreed").check()
    right = {"number": TEST_CARDS["visa"]["number"]}
    for title, wrong, message in WRONG:
        given = {**right, "expiry": "12/34", "code": "987", "postal_code": "60614", **wrong}
        type_card(attach, **given)
        before = paths(there)
        button(attach, "Attach card").click()
        notebook.evaluate("0")  # the click is heard; what the one before came to is still shown
        notebook.wait_for("attach.is_busy", "False")
        beside = attach.locator(".clover-field").filter(
            has=notebook.page.locator(f"[title='{title}']")
        )
        expect(beside.locator(".clover-message")).to_have_text(message)
        expect(attach.get_by_text("Nothing was sent: the card fields say")).to_be_visible()
        expect_typed(attach, *given.values())
        assert paths(there) == before
    type_card(attach, **right)
    button(attach, "Attach card").click()
    expect(attach.get_by_text("Saved: Ana Rivera")).to_be_visible()


def test_a_card_that_clover_refuses_keeps_what_was_typed(notebook, there):
    """No test card; then declined: the message says so, and another card is attached."""
    attach = notebook.show(1)
    attach.get_by_label("The cardholder agreed").check()
    unknown = "4000000000000002"
    type_card(attach, unknown)
    button(attach, "Attach card").click()
    expect(attach.get_by_text("published test cards alone")).to_be_visible()
    expect_typed(attach, unknown, "12/34", "987", "60614")
    declined = TEST_CARDS["visa_declined"]["number"]
    type_card(attach, declined)
    button(attach, "Attach card").click()
    expect(attach.locator(".clover-card-foot .clover-message")).to_contain_text("declined")
    expect_typed(attach, declined, "12/34", "987", "60614")
    assert notebook.evaluate("int(Customer.retrieve(ana)['card_count'])") == "1"
    type_card(attach, TEST_CARDS["mastercard"]["number"])
    expect(attach.locator(".clover-card-foot .clover-message")).to_have_text("")
    button(attach, "Attach card").click()
    expect(attach.get_by_text("Saved: Ana Rivera")).to_be_visible()


def test_a_token_that_is_not_made_says_so_and_can_be_tried_again(notebook, there):
    """A key that has expired, and then a network that is gone."""
    page, attach = notebook.page, notebook.show(1)
    attach.get_by_label("The cardholder agreed").check()
    type_card(attach, TEST_CARDS["visa"]["number"])
    there.fail_next(401, path="/v1/tokens")
    button(attach, "Attach card").click()
    foot = attach.locator(".clover-card-foot .clover-message")
    expect(foot).to_contain_text("No token was made: 401 Unauthorized")
    page.route("**/v1/tokens", lambda route: route.abort())
    button(attach, "Attach card").click()
    expect(foot).to_contain_text("Clover could not be reached. What you typed is still there")
    page.unroute("**/v1/tokens")
    expect_typed(attach, TEST_CARDS["visa"]["number"], "12/34", "987", "60614")
    button(attach, "Attach card").click()
    expect(attach.get_by_text("Saved: Ana Rivera")).to_be_visible()


def test_a_new_customer_has_the_card_that_was_typed(notebook):
    """A token is made once all else is right, and once alone, warnings or not."""
    create = notebook.show(2)
    type_card(create, TEST_CARDS["diners"]["number"])
    expect(create.frame_locator("iframe[title='Card number']").locator("output")).to_have_text(
        "DINERS_CLUB"
    )
    create.get_by_label("Email").fill("ana.rivera@example.com")
    create.get_by_label("The cardholder agreed").check()
    button(create, "Create customer").click()
    create.get_by_label("Save anyway").check()
    notebook.wait_for("create.token != ''", "True")
    button(create, "Create customer").click()
    expect(create.get_by_text("Saved: ana.rivera@example.com")).to_be_visible()
    assert notebook.evaluate("create.row['card_brand']") == "'DINERS_CLUB'"


def test_who_practises_can_choose_a_test_card(notebook):
    """All fields are filled in; typing goes on from there."""
    attach = notebook.show(1)
    number = attach.frame_locator("iframe[title='Card number']")
    choice = number.get_by_label("Fill in a test card")
    choice.select_option(label="AMEX 0005")
    expect(inside(attach, "Postal code")).to_have_value("94085")
    expect_typed(attach, TEST_CARDS["amex"]["number"], "12/35", "1234", "94085")
    expect(choice).to_be_hidden()
    expect(number.locator("output")).to_have_text("AMEX")
    attach.get_by_label("The cardholder agreed").check()
    button(attach, "Attach card").click()
    expect(attach.get_by_text("Nothing needs to be done")).to_be_visible()


def test_another_theme_keeps_a_card_that_is_typed(notebook):
    """Fields that are empty take on its look; others keep what is in them."""
    attach, create = notebook.show(1), notebook.show(2)
    inside(attach, "Card number").press_sequentially("4242 4242")
    expect(attach.get_by_role("table", name="What will change")).to_be_visible()
    other = create.get_by_label("Email")
    for dark in (True, False):
        notebook.use_theme(dark=dark)
        ground = other.evaluate("input => getComputedStyle(input).backgroundColor")
        expect(inside(create, "Card number")).to_have_css("background-color", ground)
        expect(inside(attach, "Card number")).to_have_value("4242 4242")


def test_the_fields_are_open_to_all_and_look_like_the_others(notebook):
    """By axe's measure, in both themes; each field's own page too."""
    attach = notebook.show(1)
    expect(inside(attach, "Postal code")).to_be_visible()
    page, other = notebook.page, attach.get_by_label("Customer")
    for dark in (True, False):
        notebook.use_theme(dark=dark)
        assert notebook.violations(".clover-form") == []
        for look in ("height", "font-size", "color", "background-color"):
            same = other.evaluate(f"input => getComputedStyle(input)['{look}']")
            expect(inside(attach, "Card number")).to_have_css(look, same)
    whole = "form => form.scrollWidth - form.clientWidth <= 1"
    drawn = attach.locator(".clover-form").element_handle()
    for width in (900, 1400):
        notebook.resize(width, 1500)
        page.wait_for_function(whole, arg=drawn)
