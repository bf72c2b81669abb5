"""The desk's page by keyboard alone: finding, opening, saving, leaving, and what is kept."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe
from desk_process import running_desk
from latency import running_proxy
from playwright.sync_api import expect

NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A desk, which stops at the end."""
    home = tmp_path_factory.mktemp("desk")
    # A busy machine's browser may take long until it has loaded a page, and asks for its kernel.
    with running_desk(home, "--no-browser", orphan_seconds=600, max_kernels=3) as running:
        yield running


@pytest.fixture(scope="module")
def line(desk):
    """The way to it, which can be slow."""
    with running_proxy(urlsplit(desk.url).port) as proxy:
        yield proxy


def expect_customers(page):
    """Wait for the customers: a kernel takes its time on a busy machine."""
    expect(page.get_by_text("of 200 customers")).to_be_visible(timeout=90_000)


def reload(page):
    """Load it again, with a kernel of its own; it turns to the customer whom its address names."""
    names_one = "#customer=" in page.url
    page.reload(wait_until="commit")
    expect_customers(page)
    if names_one:
        expect(chosen(page)).to_have_count(1)


@pytest.fixture(scope="module")
def shared(chromium, desk, line):
    """The page, which the tests of this file share."""
    opened = chromium.new_page()
    parts = urlsplit(desk.url)
    opened.goto(parts._replace(netloc=f"127.0.0.1:{line.port}").geturl(), wait_until="commit")
    expect_customers(opened)
    yield opened
    opened.close()


# One Cancel takes back what was typed, and the next one closes the form.
CLOSE_FORMS = """() => {
  const buttons = [...document.querySelectorAll("button")];
  const cancel = buttons.find((each) => each.textContent === "Cancel" && each.checkVisibility());
  cancel?.click();
  return !cancel;
}"""


@pytest.fixture
def page(shared, line):
    """The page with no form open, nothing searched for, and the search focused."""
    line.milliseconds = 0
    shared.set_viewport_size(WIDE)
    shared.emulate_media(color_scheme="light")
    shared.wait_for_function(CLOSE_FORMS, polling=200)
    shared.get_by_label("Customers to show").select_option("")
    shared.get_by_role("searchbox").fill("")
    expect(shared.get_by_text("10 of 200 customers")).to_be_visible()
    expect(shared.get_by_role("searchbox")).to_be_focused()
    return shared


def edit_contact(page, text):
    """Find a customer and open the form for the contact, by keys."""
    search_for(page, text)
    page.keyboard.press("Enter")
    page.keyboard.press("e")
    expect(field(page, "Name")).to_be_focused()


def search_for(page, text):
    """Search, from wherever the keyboard is; with the text at once, as each letter is a search."""
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def save(page, name):
    """Save the form that has the keyboard, which goes back to the row."""
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(f"Saved: {name}")).to_be_visible()
    expect(chosen(page)).to_be_focused()


def field(page, label):
    return page.get_by_role("textbox", name=label, exact=True)


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def chosen(page):
    return page.get_by_role("row", selected=True)


def who(page):
    return page.locator(".clover-who").first


def expect_history(page):
    """Wait for what comes last of a customer who was opened: what was changed from here."""
    nothing = page.get_by_text("Nothing was changed from here yet.")
    expect(nothing.or_(page.get_by_role("table", name="History"))).to_be_visible()


def test_a_day_goes_by_without_a_mouse(page):
    """The focus is in a form that opens, and on the row after a save."""
    page.keyboard.type("Zhou, Qiang", delay=20)
    page.keyboard.press("Enter")
    expect(who(page)).to_contain_text("Qiang Zhou")
    expect(chosen(page)).to_be_focused()
    for key, label in {"e": "Name", "s": "Address line 1", "n": "Email"}.items():
        page.keyboard.press(key)
        expect(field(page, label)).to_be_focused()
        page.keyboard.press("Escape")
        expect(chosen(page)).to_be_focused()
    page.keyboard.press("e")
    expect(field(page, "Name")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("nobody", delay=20)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("1 field needs attention: Email")).to_be_visible()
    expect(field(page, "Email")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Cancelled: nothing was sent.")).to_be_visible()
    field(page, "Phone").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("615-555-0199", delay=20)
    save(page, "Qiang Zhou")
    expect(chosen(page)).to_contain_text("615-555-0199")


def test_letters_are_keys_outside_of_fields_alone_and_can_be_switched_off(page):
    """The keys are shown by ``?``; the choice is kept for the next time.

    Which begins with the focus in the search.
    """
    page.keyboard.type("zhou n", delay=20)
    expect(page.get_by_role("searchbox")).to_have_value("zhou n")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("?")
    shown = page.get_by_role("dialog", name="Keys")
    expect(shown.get_by_role("row", name="Ctrl+Enter")).to_contain_text("Save")
    shown.get_by_label("Keys of one character").uncheck()
    page.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    reload(page)
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("row").nth(1).click()
    expect(chosen(page)).to_be_focused()
    page.keyboard.press("n")
    button(page, "Edit contact").press("Enter")
    expect(field(page, "Name")).to_be_focused()
    button(page, "Keys").click()
    shown.get_by_label("Keys of one character").check()
    button(page, "Close").click()


def test_the_cancel_button_leads_back_to_the_row(page):
    """First what was typed is taken back, and then the form is closed."""
    edit_contact(page, "qiang zhou")
    page.keyboard.type("X")
    button(page, "Cancel").click()
    expect(field(page, "Name")).to_have_value("Qiang Zhou")
    button(page, "Cancel").click()
    expect(field(page, "Name")).to_have_count(0)
    expect(chosen(page)).to_be_focused()


FOUND_BY = ("1-443-555-0101", "Barbosa, Rafael")


def test_enter_opens_whom_one_typed(page):
    """By a phone with its country, a name by the last, and any card by its last four."""
    for text in FOUND_BY:
        search_for(page, "liam whitker")
        page.keyboard.press("Enter")
        expect(who(page)).to_contain_text("Liam Whitker")
        search_for(page, text)
        page.keyboard.press("Enter")
        expect(who(page)).to_contain_text("Rafael Barbosa")
    search_for(page, "amex •••• 1340")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Cards")).to_contain_text("AMEX •••• 1340")


def test_a_key_that_comes_before_the_answer_is_about_whom_was_typed(page, line):
    """Enter and at once ``e``, on a slow line: nobody else's form opens, and no letter is lost."""
    page.get_by_role("row").nth(1).click()
    expect(chosen(page)).to_be_focused()
    line.milliseconds = 400
    search_for(page, "qiang zhou")
    page.keyboard.press("Enter")
    page.keyboard.press("e")
    expect(field(page, "Name")).to_be_focused()
    expect(field(page, "Name")).to_have_value("Qiang Zhou")


def test_nobody_found_offers_who_sounds_alike_and_a_new_customer(page):
    """Enter opens nobody who wasn't meant; the name is in its place in the form."""
    search_for(page, "liam whitker")
    page.keyboard.press("Enter")
    expect(who(page)).to_contain_text("Liam Whitker")
    search_for(page, "Jou, Kiang")
    expect(
        page.get_by_text("No match among 200 customers; these names are like it")
    ).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text="Qiang Zhou")).to_be_focused()
    expect(page.get_by_role("row").filter(has_text="Qiang Zhou")).to_have_attribute(
        "aria-selected", "false"
    )
    button(page, "Create “Jou, Kiang”").press("Enter")
    expect(field(page, "Name")).to_have_value("Kiang Jou")
    expect(field(page, "Email")).to_be_focused()


def test_the_address_names_the_customer(page, chromium):
    """It never holds the token, and works as a link."""
    search_for(page, "qiang zhou")
    page.keyboard.press("Enter")
    expect(who(page)).to_contain_text("Qiang Zhou")
    key = chosen(page).filter(has_text="Qiang Zhou").get_attribute("data-id")
    expect(page).to_have_url(re.compile(rf"/#customer={key}$"))
    link = page.url
    chromium.grant_permissions(["clipboard-read", "clipboard-write"])
    button(page, "Copy link").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    button(page, "Copy address").click()
    expected = "Qiang Zhou\n1618 Prospect Avenue\nNashville, TN 37203\nUS"
    page.wait_for_function(
        "text => navigator.clipboard.readText().then((t) => t === text)", arg=expected
    )
    page.get_by_role("searchbox").fill("rivera")
    expect(page.get_by_text("matches")).to_be_visible()
    page.get_by_role("row").nth(1).click()
    expect(who(page)).to_contain_text("Rivera")
    expect(page).not_to_have_url(link)
    page.evaluate("link => location.assign(link)", link)
    expect(who(page)).to_contain_text("Qiang Zhou")


# Clicks on the first row as soon as it is drawn, which says whose it is.
CLICK_FIRST_ROW = """() => {
  const row = document.querySelector("[role=grid] tbody tr");
  row?.click();
  return row?.dataset.id;
}"""


@pytest.mark.long
def test_a_click_right_after_a_reload_counts(page, line):
    """Over a slow line, while the kernel turns to the customer whom the address names."""
    search_for(page, "qiang zhou")
    page.keyboard.press("Enter")
    expect(who(page)).to_contain_text("Qiang Zhou")
    expect(page).to_have_url(re.compile("#customer="))
    named = page.url
    line.milliseconds = 150
    page.reload(wait_until="commit")
    key = page.wait_for_function(CLICK_FIRST_ROW, timeout=90_000).json_value()
    assert key not in named
    expect(page).to_have_url(re.compile(rf"/#customer={key}$"))
    expect(who(page)).to_contain_text(key)
    expect(page.locator(f"tr[data-id='{key}']")).to_have_attribute("aria-selected", "true")
    expect_history(page)
    expect(who(page)).to_contain_text(key)


def test_leaving_with_something_typed_asks_first(page):
    """And without it not; who loads the page again has the same customer."""
    asked = []

    def answer(dialog):
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    search_for(page, "qiang zhou")
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    page.get_by_label("Paste a token").check()  # the way to give a card is not typed
    page.keyboard.press("Escape")
    expect(chosen(page)).to_be_focused()
    key = chosen(page).filter(has_text="Qiang Zhou").get_attribute("data-id")
    reload(page)
    expect(who(page)).to_contain_text("Qiang Zhou")
    expect(page).to_have_url(re.compile(rf"/#customer={key}$"))
    assert asked == []
    chosen(page).focus()
    page.keyboard.press("e")
    expect(field(page, "Name")).to_be_focused()
    page.keyboard.type("X")
    reload(page)
    assert asked == ["beforeunload"]
    page.remove_listener("dialog", answer)


def test_each_card_has_its_row_with_replace_and_remove(page):
    """The form that opens is about that card, and the history says which one was taken off."""
    search_for(page, "mc 3294")
    page.keyboard.press("Enter")
    cards = page.get_by_role("table", name="Cards")
    card = cards.get_by_role("row").filter(has_text="MC •••• 3294").first
    expect(card).to_contain_text(re.compile(r"\d\d/\d\d"))
    expect_history(page)  # so that the cards are not drawn anew
    button(card, "Replace MC •••• 3294").press("Enter")
    expect(page.get_by_label("Other cards")).to_contain_text("Replace MC •••• 3294")
    expect(page.get_by_label("Other cards")).not_to_have_value("")
    button(page, "Cancel").click()
    expect(page.get_by_text("Cancelled: nothing was sent.")).to_be_visible()
    button(page, "Cancel").click()
    expect(chosen(page)).to_be_focused()
    button(card, "Remove MC •••• 3294").press("Enter")
    expect(page.get_by_role("table", name="What will change")).to_contain_text("MC •••• 3294")
    page.get_by_label("I mean to remove this card").check()
    button(page, "Remove card").press("Enter")
    expect(page.get_by_text("Saved: ")).to_be_visible()
    expect(cards.get_by_text("MC •••• 3294")).to_have_count(0)
    expect(page.get_by_role("table", name="History")).to_contain_text("MC •••• 3294, expires 20")


def test_a_pasted_address_is_split_and_taken_back_in_one_step(page, chromium):
    """Lines and all, as it stands in a letter; a country by its name, which stands below it."""
    search_for(page, "nina mazur")
    page.keyboard.press("Enter")
    page.keyboard.press("s")
    line1, city, country = map(page.get_by_label, ("Address line 1", "City", "Country"))
    expect(line1).to_be_focused()
    expect(city).to_have_value("Montréal")
    chromium.grant_permissions(["clipboard-read", "clipboard-write"])
    letter = "415 N Mathilda Ave\nSunnyvale, California 94085\nUSA"
    page.evaluate("text => navigator.clipboard.writeText(text)", letter)
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")
    expect(line1).to_have_value("415 N Mathilda Ave")
    expect(city).to_have_value("Sunnyvale")
    expect(city).to_have_accessible_description(re.compile("Was: Montréal"))
    expect(page.get_by_label("State", exact=True)).to_have_value("CA")
    expect(country).to_have_accessible_description(re.compile("United States"))
    button(page, "Back to what I typed").press("Enter")
    expect(line1).to_have_value(letter.replace("\n", ", "))
    expect(city).to_have_value("Montréal")
    country.fill("germany")
    country.press("Tab")
    expect(country).to_have_value("DE")
    expect(country).to_have_accessible_description(
        re.compile("Was: CA.*Germany|Was: germany.*Germany")
    )


def test_the_preview_shows_what_is_typed_and_warns_before(page):
    """Digit by digit, while the kernel must not have what may become a card number."""
    edit_contact(page, "kavya reddy")
    field(page, "Phone").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("202-555-0199", delay=20)
    preview = page.get_by_role("table", name="What will change")
    expect(preview.get_by_role("cell").last).to_have_text("202-555-0199")
    field(page, "Email").fill("kavya@example.com")
    expect(
        page.get_by_text("Clover keeps the old email address beside the new one.")
    ).to_have_class(re.compile("clover-warning"))
    field(page, "Phone").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("4242424242424242", delay=20)
    expect(page.get_by_text("That looks like a card number")).to_be_visible()
    expect(preview).not_to_contain_text("4242")


def test_views_narrow_the_table_and_go_along_with_the_search(page):
    """They are counted, and what was changed today is among them."""
    views = page.get_by_label("Customers to show")
    expect(views.get_by_role("option", name=re.compile(r"No card \(\d+\)"))).to_have_count(1)
    edit_contact(page, "kavya singh")
    page.keyboard.press("End")
    page.keyboard.type(" II", delay=20)
    save(page, "Kavya Singh II")
    search_for(page, "")
    page.keyboard.press("Backspace")
    views.select_option("Changed by the team today")
    expect(page.get_by_role("grid")).to_contain_text("Kavya Singh II")
    search_for(page, "nikhil nair")
    expect(page.get_by_text("No match among Changed by the team today, of 200")).to_be_visible()


def test_columns_are_kept_and_what_is_shown_is_saved_as_files(page, tmp_path):
    """Shown, hidden, ordered and widened by keyboard; a formula in a name stays a text."""
    page.locator("summary").filter(has_text="Columns").press("Enter")
    page.get_by_role("checkbox", name="Phone", exact=True).uncheck()
    heads = page.get_by_role("columnheader")
    expect(heads.filter(has_text="Phone")).to_have_count(0)
    page.get_by_role("button", name="Earlier: Email").press("Enter")
    expect(heads.first).to_have_text("Email")
    email = heads.first.element_handle()
    width = email.evaluate("head => head.offsetWidth")
    page.get_by_role("button", name="Wider: Email").press("Enter")
    page.wait_for_function("([head, width]) => head.offsetWidth > width", arg=[email, width])
    reload(page)
    expect(heads.first).to_have_text("Email")
    expect(heads.filter(has_text="Phone")).to_have_count(0)

    edit_contact(page, "marek.sikora")
    page.keyboard.press("Control+a")
    page.keyboard.type("=1+1", delay=20)
    save(page, "=1+1")
    for kind in ("CSV", "Excel"):
        with page.expect_download() as download:
            button(page, f"Save as {kind}").press("Enter")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        if kind == "CSV":
            lines = path.read_text("utf-8-sig").splitlines()
            assert lines[0].startswith('"Email","Name","City"')
            assert '"\'=1+1"' in lines[1]
            assert len(lines) == 2
        else:
            sheet = openpyxl.load_workbook(path).active
            assert [cell.value for cell in sheet[1]][:3] == ["Email", "Name", "City"]
            assert (sheet["B2"].value, sheet["B2"].data_type) == ("=1+1", "s")
    page.locator("summary").filter(has_text="Columns").press("Enter")
    button(page, "As at first").press("Enter")
    expect(heads.filter(has_text="Phone")).to_have_count(1)
    expect(heads.first).to_have_text("Name")
    page.locator("summary").filter(has_text="Columns").press("Enter")


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_both_panes_are_in_sight(page, theme):
    """List and record side by side, or one below the other; the new customer's form alone."""
    page.emulate_media(color_scheme=theme)
    edit_contact(page, "qiang zhou")
    expect(button(page, "Save contact")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("searchbox")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    expect(chosen(page)).to_be_focused()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Create a customer")).to_be_in_viewport()
    expect(who(page)).to_be_hidden()
    expect(button(page, "Edit contact")).to_be_hidden()
    page.set_viewport_size(NARROW)
    page.wait_for_function(IS_BELOW, arg=NARROW["width"])  # it scrolls to the form meanwhile


def test_all_of_a_record_is_within_a_phone(page):
    """With a history whose Undo is pressed; nothing moves what is seen to the side."""
    page.set_viewport_size(NARROW)
    edit_contact(page, "kenji tanaka")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("Kenji Alexander Tanaka")
    save(page, "Kenji Alexander Tanaka")
    page.get_by_role("button", name="Undo: changed").first.press("Enter")
    expect(button(page, "Undo this change")).to_be_focused()
    aside = "desk => [desk.scrollLeft, desk.scrollWidth - desk.clientWidth]"
    assert page.locator(".clover-desk").evaluate(aside) == [0, 0]
    page.keyboard.press("Enter")
    expect(page.get_by_text("Undone: Kenji Tanaka")).to_be_visible()
    page.keyboard.press("Escape")
    expect(button(page, "Undo this change")).to_have_count(0)


def test_a_selected_row_is_seen_from_its_beginning(page):
    """Wherever the table was scrolled to; the keyboard leaves it where it is."""
    scrolled = page.locator(".clover-scroll")
    to_the_right = "place => (place.scrollLeft = 10000, place.scrollLeft)"
    assert scrolled.evaluate(to_the_right) > 0
    other = page.get_by_role("row", selected=False).nth(2)  # the first is the heading
    key = other.get_attribute("data-id")
    other.click(position={"x": 300, "y": 10})
    expect(chosen(page)).to_have_attribute("data-id", key)
    expect(chosen(page)).to_be_focused()
    page.wait_for_function("() => document.querySelector('.clover-scroll').scrollLeft === 0")
    expect(who(page)).to_contain_text(key)
    expect_history(page)  # which is drawn last
    right = scrolled.evaluate(to_the_right)
    assert right > 0
    page.keyboard.press("ArrowDown")
    expect(page.locator("tr:focus")).not_to_have_attribute("data-id", key)
    assert scrolled.evaluate("place => place.scrollLeft") == right


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_the_page_is_open_to_all(page, theme):
    """By axe, contrast too; one main, one h1; the ways to give a card are one stop of Tab."""
    page.emulate_media(color_scheme=theme)
    edit_contact(page, "kenji tanaka")
    field(page, "Name").fill("\u202eijneK")
    expect(page.get_by_role("table", name="What will change")).to_contain_text("\ufffdijneK")
    field(page, "Name").fill("Kenji")
    field(page, "Email").fill("nobody")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("1 field needs attention")).to_be_visible()
    expect(page.get_by_text("Clover keeps the old email address beside")).to_be_visible()
    assert find_barriers(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(chosen(page)).to_be_focused()
    page.keyboard.press("c")
    expect(page.get_by_label("Type the card")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Paste a token")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Card token")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(button(page, "Remove a card")).to_be_focused()
    assert find_barriers(page) == []
    expect(page.get_by_role("heading", level=1)).to_have_text(["Customer desk"])
    expect(page.get_by_role("main")).to_have_count(1)
    button(page, "Change many…").click()
    expect(page.get_by_role("heading", level=3, name="1. File")).to_be_focused()
    expect(page.get_by_role("heading", level=2)).to_have_text(["Change many customers"])
    assert find_barriers(page) == []
    button(page, "Change many…").click()
    expect(page.get_by_role("heading", name="1. File")).to_be_hidden()


def find_barriers(page):
    """What axe finds, minor or not."""
    report = Axe().run(page, options={"resultTypes": ["violations"]}).response
    return [
        (found["id"], node["html"]) for found in report["violations"] for node in found["nodes"]
    ]


# Whether the form is below the table, and nothing is wider than the window.
IS_BELOW = """(width) => {
    const { scrollWidth, clientWidth } = document.documentElement
    const place = element => element.getBoundingClientRect()
    const form = [...document.querySelectorAll("h2")].find(
        each => each.textContent === "Create a customer")
    const isBelow = place(document.querySelector("[role=grid]")).bottom < place(form).top
    return innerWidth === width && scrollWidth <= clientWidth && isBelow
}"""
