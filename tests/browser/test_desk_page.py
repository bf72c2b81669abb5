"""`clover-nb desk`: the desk as a page of its own, by Voilà."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from desk_process import running_desk
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

from .card_fields import TITLES, inside


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the desk's files are; ``log`` holds what it has printed on the terminal."""
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def address(home):
    """The address of a page, which stops at the end."""
    with running_desk(home, "--no-browser", orphan_seconds=600) as desk:  # a busy machine's
        yield desk.url


def test_it_is_behind_its_token(address):
    """On loopback alone; without the token in its address there is a page that says so."""
    parts = urlsplit(address)
    assert (parts.hostname, parts.query[:6]) == ("127.0.0.1", "token=")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{parts.scheme}://{parts.netloc}/", timeout=60)  # noqa: S310  loopback
    assert refused.value.code == 403
    assert "the address that clover-nb desk has printed" in refused.value.read().decode()
    refused.value.close()


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_a_customer_is_changed_and_the_change_taken_back(chromium, address, home, theme):
    """In the system's theme, without code in sight, and without a request to anywhere else.

    On the terminal it prints nothing but its address.
    """
    page, asked = chromium.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme=theme)
    page.goto(address, wait_until="commit")
    expect(page.get_by_text("of 200 customers")).to_be_visible(timeout=90_000)
    page.get_by_role("searchbox").fill("qiang.zhou@")
    expect(page.get_by_text("of 1 match")).to_be_visible()
    page.get_by_role("row").filter(has_text="qiang.zhou@").click()
    page.get_by_role("button", name="Edit contact").click()
    name = page.get_by_label("Name", exact=True)
    name.fill(f"Somebody {theme}")
    name.press("Enter")
    expect(page.get_by_text(f"Saved: Somebody {theme}")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("Undone:")).to_be_visible()
    page.get_by_role("button", name="Undo: change undone").first.click()
    page.get_by_role("button", name="Undo this change").click()
    expect(page.get_by_text(f"Undone: Somebody {theme}")).to_be_visible()
    assert "forms.desk" not in page.content()
    assert "token" not in page.url
    assert {urlsplit(url.removeprefix("blob:")).hostname for url in asked} == {"127.0.0.1"}
    assert (home / "log").read_text() == ""
    dark = "getComputedStyle(document.querySelector('.clover-desk')).backgroundColor"
    assert (sum(map(int, re.findall(r"\d+", page.evaluate(dark))[:3])) < 300) is (theme == "dark")
    page.close()


@pytest.mark.long
def test_a_card_is_attached_with_the_keyboard_alone(chromium, address):
    """From the search to the row with the card, whose number is typed as it stands on it."""
    page = chromium.new_page()
    press = page.keyboard.press

    def tab_to(target):
        expect(target).to_be_visible()  # else Tab passes it by
        for _ in range(40):
            press("Tab")
            if target.evaluate("target => target === document.activeElement"):
                return
        pytest.fail("Tab does not lead there")

    page.goto(address, wait_until="commit")
    expect(page.get_by_text("of 200 customers")).to_be_visible(timeout=90_000)
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("visa")
    expect(page.get_by_text("matches")).to_be_visible()
    press("ArrowDown")
    press("Enter")
    expect(page.locator(".clover-who").first).to_contain_text("VISA")
    nothing = page.get_by_text("Nothing was changed from here yet.")
    expect(nothing.or_(page.get_by_role("table", name="History"))).to_be_visible()
    tab_to(page.get_by_role("button", name="Attach a card"))
    press("Enter")
    expect(page.get_by_label("Type the card")).to_be_focused()
    for title in TITLES:
        expect(inside(page, title)).to_be_editable()
    tab_to(page.get_by_title("Card number"))
    for text in (TEST_CARDS["amex_avs"]["number"], "1130", "9876", "K1A0B1"):
        page.keyboard.type(text)
        press("Tab")
    tab_to(page.get_by_label("The cardholder agreed"))
    press("Space")
    tab_to(page.get_by_role("button", name="Attach card", exact=True))
    press("Enter")
    expect(page.get_by_text("Saved:")).to_be_visible()
    cards = page.get_by_role("table", name="Cards")
    expect(cards).to_contain_text(re.compile("AMEX •••• 1340.*11/30"))
    expect(page.locator(".clover-who").first).to_contain_text("AMEX")
    page.close()
