"""What people do in the pages of a hub: log in, and work at the desk."""

from __future__ import annotations

from playwright.sync_api import Browser, Locator, Page, expect

WAIT = 300_000  # a server, a desk and its kernel start one after the other, on a busy machine too


def log_in(
    browser: Browser, url: str, name: str, password: str, *, zone: str | None = None
) -> Page:
    """A browser of this person's own, at the desk; in another time zone than this machine's."""
    page = browser.new_context(timezone_id=zone).new_page()
    page.goto(url)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("searchbox")).to_be_visible(timeout=WAIT)
    return page


def button(page: Page, name: str) -> Locator:
    """The button with this name."""
    return page.get_by_role("button", name=name, exact=True)


def details(page: Page) -> Locator:
    """What the open record says of the customer."""
    return page.locator(".clover-record > div > .clover-row")  # not what a form says of a change


def select_row(page: Page, number: int) -> str:
    """Select a customer by its place in the whole table, from 1; gives the id."""
    page.get_by_role("searchbox").fill("")
    expect(page.get_by_text(" match (of ")).to_have_count(0)
    customer_id = page.get_by_role("row").nth(number).get_attribute("data-id")
    assert customer_id
    _click_row(page, customer_id)
    return customer_id


def select(page: Page, customer_id: str) -> None:
    """Find a customer and open the record."""
    page.get_by_role("searchbox").fill(customer_id)
    _click_row(page, customer_id)


def _click_row(page: Page, customer_id: str) -> None:
    """The row and the record of another customer may still be there for a moment."""
    page.locator(f'tr[data-id="{customer_id}"]').click()
    expect(page.locator(".clover-who").first).to_contain_text(customer_id)


def write_note(page: Page, text: str) -> None:
    """Write a note about the customer whose record is open, and save it."""
    button(page, "Note").click()
    page.get_by_label("Note", exact=True).fill(text)
    button(page, "Save note").click()
    expect(page.get_by_text("Saved:")).to_be_visible()
    expect(details(page)).to_contain_text(text)
