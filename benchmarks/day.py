"""A support person's day by keyboard alone: `python benchmarks/day.py`.

Thirty tasks in Chromium against `clover-nb desk` with 200 invented customers. Of each it prints the
keys (a chord is one, each letter is one), the clicks, the seconds until the desk shows that it is
done, and, where it was counted, what the first desk took. Exits with 1 when a task can't be done.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Error, expect

from clover_nb import TEST_CARDS, Clover, connect, sandbox

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from chromium import running_browser
from desk_process import running_desk

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

MOST_TABS = 60
PATIENCE = 30_000  # milliseconds
FIRST_DESK = {  # what the desk took at first, counted by hand
    "the city of ten customers": "130 clicks",
    "an address, pasted": "failed",
    "attach a card": "45 keys",  # whether with the search for the customer is not known
}
TASKS: dict[str, Callable[[Person], object]] = {}


class Person:
    """Who sits at the desk, and what they have done of a task.

    Attributes:
        page: The desk's page.
        clover: A colleague's connection.
        keys: How many keys were pressed.
    """

    def __init__(self, chromium: BrowserContext, url: str, clover: Clover) -> None:
        self.page, self.clover, self.keys = chromium.new_page(), clover, 0
        self.page.on("dialog", lambda dialog: dialog.accept())
        self._url = url
        chromium.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.open(url)

    def open(self, url: str) -> None:
        self.page.goto(url, wait_until="commit")
        shown = self.page.get_by_text(re.compile(r"of \d+ customers")).first
        expect(shown).to_be_visible(timeout=4 * PATIENCE)  # a kernel may have to start
        expect(self.page.get_by_role("searchbox")).to_be_visible()

    # -- keys --------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=15)
        self.keys += len(text)

    def write(self, text: str) -> None:
        """In place of what stands there."""
        self.press("Control+a")
        self.type(text)

    def paste(self, text: str) -> None:
        """What was copied elsewhere, over what stands there."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.press("Control+a", "Control+v")

    def tab_to(self, target: Locator, key: str = "Tab") -> None:
        expect(target.first).to_be_visible()
        for _ in range(MOST_TABS):
            if target.first.evaluate("target => target === document.activeElement"):
                return
            self.press(key)
        raise AssertionError(f"{key} does not lead to {target}")

    def choose(self, label: str, option: str) -> None:
        """An option of a list, by its first letters."""
        self.tab_to(self.page.get_by_label(label, exact=True))
        self.type(option)

    # -- what is there -----------------------------------------------------------------------------

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def frame(self, title: str) -> Locator:
        return self.page.get_by_title(title, exact=True)

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def row(self) -> Locator:
        return self.page.get_by_role("row", selected=True)

    # -- what is done again and again --------------------------------------------------------------

    def find(self, text: str, who: str = "") -> None:
        """Search, and open the first match."""
        self.press("/")
        self.write(text)
        self.press("Enter")
        expect(self.page.locator(".clover-who").first).to_contain_text(who or text)
        expect(self.row()).to_be_focused()

    def edit(self, key: str, label: str) -> None:
        """Open a form by its letter; the first field has the focus."""
        self.press(key)
        expect(self.field(label)).to_be_focused()

    def write_contact(self, who: str, text: str, label: str = "Name") -> None:
        """In place of what stands in a field of a customer's contact."""
        self.find(who)
        self.edit("e", "Name")
        self.tab_to(self.field(label))
        self.write(text)

    def paste_shipping(self, who: str, address: str, city: str) -> None:
        """A whole address into the first line of a customer's; see its parts."""
        self.find(who)
        self.edit("s", "Address line 1")
        self.paste(address)
        expect(self.field("City")).to_have_value(city)

    def save(self) -> None:
        self.press("Control+Enter")
        self.sees("Saved: ")

    def start_over(self) -> None:
        """Be as after any other task: no form is open, nothing is searched for."""
        for _ in range(3):
            self.page.keyboard.press("Escape")
            self.page.wait_for_timeout(300)
        self.page.get_by_role("combobox", name="Customers to show").select_option("")
        self.page.get_by_role("searchbox").first.focus()  # the list's, not that of a plan
        self.press("Control+a", "Backspace")
        self.sees(re.compile(r"10 of \d+ customers"))
        self.press("ArrowDown")  # out of the search, where letters are no keys
        expect(self.page.get_by_role("row").nth(1)).to_be_focused()
        self.keys = 0

    def reopen(self) -> None:
        """Load the page again, after a task that could not be done."""
        self.page.goto("about:blank")
        self.open(self._url)


def task(name: str) -> Callable[[Callable[[Person], object]], Callable[[Person], object]]:
    def keep(do: Callable[[Person], object]) -> Callable[[Person], object]:
        TASKS[name] = do
        return do

    return keep


# -- finding -----------------------------------------------------------------------------------


@task("find by last name, first name")
def find_by_name(me: Person) -> None:
    me.find("Zhou, Qiang", "Qiang Zhou")


@task("find by phone, as it was dialled")
def find_by_phone(me: Person) -> None:
    me.find("1-443-555-0101", "Rafael Barbosa")


@task("find by the last four of a card")
def find_by_card(me: Person) -> None:
    me.press("/")
    me.write("mc 3294")
    me.press("Enter")
    expect(me.page.get_by_role("table", name="Cards")).to_contain_text("MC •••• 3294")


@task("find by a part of an email")
def find_by_email(me: Person) -> None:
    me.find("rafael.barbosa@", "Rafael Barbosa")


@task("find who sounds like it")
def find_by_sound(me: Person) -> None:
    me.press("/")
    me.write("Jou, Kiang")
    me.sees("these names are like it")
    me.press("Enter", "Enter")
    expect(me.page.locator(".clover-who").first).to_contain_text("Qiang Zhou")


@task("open a link to a customer")
def open_link(me: Person) -> None:
    me.find("Nina Mazur")
    me.tab_to(me.button("Copy link"))
    me.press("Enter")
    me.sees("Copied")
    link = me.page.evaluate("navigator.clipboard.readText()")
    me.page.goto("about:blank")
    me.open(link)
    me.keys += len(("Control+l", "Control+v", "Enter"))  # the browser's own
    expect(me.page.locator(".clover-who").first).to_contain_text("Nina Mazur")


@task("copy an address as a block")
def copy_address(me: Person) -> None:
    me.find("Qiang Zhou")
    me.tab_to(me.button("Copy address"))
    me.press("Enter")
    me.sees("Copied")
    assert "Prospect Avenue\n" in me.page.evaluate("navigator.clipboard.readText()")


# -- the contact -------------------------------------------------------------------------------


@task("correct a phone")
def correct_phone(me: Person) -> None:
    me.write_contact("Qiang Zhou", "615-555-0199", "Phone")
    me.save()


@task("correct a name")
def correct_name(me: Person) -> None:
    me.write_contact("Nina Mazur", "Nina Mazur-Kowal")
    me.save()


@task("a new email address")
def change_email(me: Person) -> None:
    me.write_contact("Kavya Reddy", "kavya.reddy.new@example.com", "Email")
    me.sees("Clover keeps the old email address beside the new one")
    me.save()


@task("an email address that another has")
def duplicate_email(me: Person) -> None:
    me.write_contact("Kenji Tanaka", "rafael.barbosa@example.org", "Email")
    me.press("Tab")
    me.sees(re.compile("Rafael Barbosa.*"))
    expect(me.page.locator(".clover-field[data-tone=warning]")).to_contain_text("Rafael Barbosa")
    me.press("Escape", "Escape")
    expect(me.row()).to_be_focused()


@task("undo what was just saved")
def undo_last(me: Person) -> None:
    me.write_contact("Rafael Barbosa", "Rafael B")
    me.save()
    me.tab_to(me.button("Undo"))
    me.press("Enter")
    me.sees("Undone: Rafael Barbosa")


@task("undo an older change")
def undo_older(me: Person) -> None:
    me.find("Qiang Zhou")
    me.tab_to(me.button(re.compile("^Undo: ")))
    me.press("Enter")
    expect(me.button("Undo this change")).to_be_focused()
    me.press("Enter")
    me.sees("Undone: Qiang Zhou")


@task("a conflict: see it, reload, keep the edit")
def resolve_conflict(me: Person) -> None:
    me.write_contact("Kenji Tanaka", "Kenji Tanaka Jr")
    key = me.row().get_attribute("data-id")
    me.clover.customers.modify(key, phone="202-555-0142")
    me.press("Control+Enter")
    me.sees("changed by somebody else since")
    me.tab_to(me.button("Reload, keep my edits"))
    me.press("Enter")
    me.sees("with what you typed")
    me.save()


@task("give up an edit")
def cancel_edit(me: Person) -> None:
    me.write_contact("Qiang Zhou", "Somebody else")
    me.press("Escape")
    me.sees("Cancelled: nothing was sent.")
    me.press("Escape")
    expect(me.row()).to_be_focused()


@task("a note for colleagues")
def write_note(me: Person) -> None:
    me.find("Kavya Reddy")
    me.tab_to(me.button("Note"))
    me.press("Enter")
    expect(me.field("Note")).to_be_focused()
    me.type("Calls after 5 pm")
    me.save()


# -- addresses ---------------------------------------------------------------------------------


@task("an address, typed")
def type_address(me: Person) -> None:
    me.find("Qiang Zhou")
    me.edit("s", "Address line 1")
    me.write("1 Main St")
    for text in ("", "Memphis", "TN", "38103"):
        me.press("Tab")
        me.write(text) if text else me.press("Control+a", "Delete")
    me.save()


@task("an address, pasted")
def paste_address(me: Person) -> None:
    me.paste_shipping(
        "Nina Mazur", "415 N Mathilda Ave\nSunnyvale, California 94085\nUSA", "Sunnyvale"
    )
    me.save()


@task("an address without commas, pasted")
def paste_run_on_address(me: Person) -> None:
    me.paste_shipping("Rafael Barbosa", "742 Evergreen Terrace Springfield IL 62704", "Springfield")
    me.save()


@task("a split address, taken back")
def take_split_back(me: Person) -> None:
    run_on = "123 Queen St W Toronto ON M5H 2M9"
    me.paste_shipping("Kenji Tanaka", run_on, "Toronto")
    me.tab_to(me.button("Back to what I typed"))
    me.press("Enter")
    expect(me.field("Address line 1")).to_have_value(run_on)
    me.press("Escape", "Escape")
    expect(me.row()).to_be_focused()


# -- cards -------------------------------------------------------------------------------------


def type_card(me: Person, name: str, code: str) -> None:
    number = me.page.frame_locator("iframe[title='Card number']").locator("input")
    expect(number).to_be_editable()
    me.tab_to(me.frame("Card number"))
    me.type(TEST_CARDS[name]["number"])
    for text in ("1130", code, "94085"):
        me.press("Tab")
        me.type(text)
    me.tab_to(me.page.get_by_label("The cardholder agreed"))
    me.press("Space", "Control+Enter")


@task("attach a card")
def attach_card(me: Person) -> None:
    me.find("Qiang Zhou")
    me.press("c")
    expect(me.field("Type the card")).to_be_focused()
    type_card(me, "amex", "9876")
    me.sees("Saved: ")


@task("replace a card")
def replace_card(me: Person) -> None:
    me.find("Qiang Zhou")
    me.tab_to(me.button("Replace AMEX •••• 0005"))
    me.press("Enter")
    type_card(me, "discover", "987")
    me.sees("Saved: ")


@task("remove a card")
def remove_card(me: Person) -> None:
    me.find("Qiang Zhou")
    before = me.button(re.compile("^Remove .*••••")).count()
    me.tab_to(me.button(re.compile("^Remove .*••••")))
    me.press("Enter")
    me.tab_to(me.page.get_by_label("I mean to remove this card"))
    me.press("Space", "Control+Enter")
    me.sees("Saved: ")
    expect(me.button(re.compile("^Remove .*••••"))).to_have_count(before - 1)


# -- new customers -----------------------------------------------------------------------------


def fill_in_new(me: Person, email: str) -> None:
    me.edit("n", "Email")
    me.type(email)
    me.press("Tab")
    me.type("Ana Rivera")
    type_card(me, "visa", "987")


@task("a new customer with a card")
def create_customer(me: Person) -> None:
    fill_in_new(me, "ana.rivera.today@example.com")
    me.sees("Saved: Ana Rivera")


@task("a new customer who is there already")
def create_duplicate(me: Person) -> None:
    fill_in_new(me, "rafael.barbosa@example.org")
    me.sees("Not sent yet")
    me.tab_to(me.button(re.compile("Rafael Barbosa")))
    me.press("Enter")
    expect(me.page.locator(".clover-who").first).to_contain_text("Rafael Barbosa")


# -- the list ----------------------------------------------------------------------------------


@task("whose card has expired")
def filter_expired(me: Person) -> None:
    me.press("/")
    me.choose("Customers to show", "Card expired")
    me.sees(re.compile("of .* customers"))
    expect(me.field("Customers to show").locator("option:checked")).to_contain_text("Card expired")


@task("save what is shown as CSV")
def save_csv(me: Person) -> None:
    me.press("/")
    me.choose("Customers to show", "Card expires")
    me.tab_to(me.button("Save as CSV"))
    with me.page.expect_download() as download:
        me.press("Enter")
    assert download.value.suggested_filename.endswith(".csv")


@task("sort by city, and turn the page")
def sort_and_turn(me: Person) -> None:
    head = me.page.get_by_role("columnheader", name="City")
    me.press("/")
    me.tab_to(head.get_by_role("button"))
    me.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    me.press("/", "ArrowDown", "PageDown")
    me.sees(re.compile("11.*20"))


@task("the city of ten customers")
def change_ten(me: Person) -> None:
    found = me.clover.customers.list()
    them = found[found["shipping_city"] == found["shipping_city"].mode()[0]]
    more = found[found["shipping_city"].notna() & ~found.index.isin(them.index)]
    emails = [*them["email"], *more["email"]][:10]
    me.press("/")
    me.tab_to(me.button("Change many…"))
    me.press("Enter")
    me.tab_to(me.page.get_by_label("Or paste cells from a spreadsheet"))
    me.paste("\n".join(["Email\tCity", *(f"{email}\tSpringfield" for email in emails)]))
    for name in ("Review the changes", "Go on to apply", "Apply"):
        me.tab_to(me.button(name))
        expect(me.button(name)).not_to_have_attribute("aria-disabled", "true")
        me.press("Enter")
    me.sees("All that was planned was sent")
    now = me.clover.customers.list().set_index("email").loc[emails, "shipping_city"]
    assert set(now) == {"Springfield"}, now


@task("which keys there are")
def show_keys(me: Person) -> None:
    me.find("Qiang Zhou")
    me.press("?")
    expect(me.page.get_by_role("dialog", name="Keys")).to_be_visible()
    me.press("Escape")
    expect(me.page.get_by_role("dialog", name="Keys")).to_have_count(0)


def main() -> int:
    expect.set_options(timeout=PATIENCE)
    wanted = sys.argv[1:]
    failed = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox.start(seed=1, customers=200, limits=False) as practice,
        connect("local", **practice.connection()) as clover,
    ):
        there = {f"CLOVER_{name.upper()}": text for name, text in practice.connection().items()}
        with (
            running_desk(Path(folder), "--no-browser", **there) as desk,
            running_browser() as browser,
        ):
            me = Person(browser.new_context(), desk.url, clover)
            print(f"{'':<44}{'keys':>6}{'clicks':>8}{'seconds':>9}   the first desk")
            for name, do in TASKS.items():
                if wanted and not any(each in name for each in wanted):
                    continue
                try:
                    me.start_over()
                    started = time.perf_counter()
                    do(me)
                except (AssertionError, Error) as error:
                    failed += 1
                    print(f"{name:<44}  can't be done: {str(error).splitlines()[0]}", flush=True)
                    me.page.screenshot(path=f"{tempfile.gettempdir()}/day-{failed}.png")
                    me.reopen()
                    continue
                seconds = time.perf_counter() - started
                before = FIRST_DESK.get(name, "")
                print(f"{name:<44}{me.keys:>6}{0:>8}{seconds:>9.1f}   {before}", flush=True)
    print(f"{len(TASKS)} tasks, {failed} can't be done by keyboard")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
