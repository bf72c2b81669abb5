"""What a person does with the fields for a card."""

from __future__ import annotations

import re

from playwright.sync_api import FrameLocator, Locator, Page, expect

TITLES = ("Card number", "Expiry", "Security code", "Postal code")


def inside(part: Locator | Page | FrameLocator, title: str) -> Locator:
    """The input in the iframe of one field."""
    return part.frame_locator(f"iframe[title='{title}']").locator("input")


def type_card(part, number, expiry="12/34", code="987", postal_code="60614"):
    for title, text in zip(TITLES, (number, expiry, code, postal_code), strict=True):
        inside(part, title).fill(text)


def paste_test_card(part, card=None):
    """Fill in the token of a test card instead."""
    part.get_by_label("Paste a token").check()
    if card:
        part.get_by_label("Test card", exact=True).select_option(card)
    part.get_by_role("button", name="Use this test card").click()
    expect(part.get_by_label("Card token")).to_have_attribute("placeholder", re.compile("•+"))
