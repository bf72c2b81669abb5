"""The table in a real JupyterLab: searching, sorting, paging and selecting."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from playwright.sync_api import expect

from clover_nb.constants import TEST_CARDS

TABLE = """
import pandas as pd
from clover_nb import forms, to_frame, to_row

people = pd.DataFrame({
    "name": [f"Person {n:02}" for n in range(60)],
    "email": [f"p{n:02}@example.com" for n in range(60)],
    "phone": [f"555-01{n:02}" for n in range(60)],
}, index=pd.Index([f"ID{n:02}" for n in range(60)], name="id"))
people.loc["ID07", "name"] = "José <script>alert(1)</script>"
people.loc["ID08", "name"] = None
people.loc["ID09", "name"] = "\u05d0\u05d1 1"
people.loc["ID17", "name"] = "Person \u202e71"
table, chosen = forms.customer_table(people, page_size=20), []
table.on_select(chosen.append)
table
"""


@pytest.fixture(scope="module")
def shared(open_shared_notebook):
    """Sixty people, twenty a page."""
    return open_shared_notebook([TABLE], run=False)


@pytest.fixture
def notebook(shared):
    """The notebook as it is at the start."""
    shared.start_over()
    return shared


def search_box(notebook):
    """The table's; older JupyterLabs have one of their own beside it."""
    return notebook.output(0).get_by_role("searchbox")


def row(notebook, text: str):
    """The row that holds this text."""
    return notebook.page.get_by_role("row").filter(has_text=text)


def test_a_page_that_another_one_searches_in_says_so(notebook):
    """What stands in its search is what its rows were found by, also where the focus is."""
    with closing(notebook.open_second_page()) as page:
        other = page.locator(".jp-CodeCell").get_by_role("searchbox")
        for box, text in ((other, "Person 21"), (search_box(notebook), "Person 33")):
            box.fill(text)
            expect(page.get_by_role("row").filter(has_text=text)).to_be_visible()
            expect(page.get_by_role("row")).to_have_count(2)
        expect(other).to_be_focused()
        expect(other).to_have_value("Person 33")
        other.fill("Person 4")
        expect(search_box(notebook)).to_have_value("Person 4")
        expect(row(notebook, "Person 44")).to_be_visible()


def test_search_sort_page_and_select(notebook):
    """What is asked for is shown, and the choice stays with its customer."""
    page, status = notebook.page, notebook.page.get_by_role("status")
    expect(status).to_have_text("1\N{EN DASH}20 of 60 customers")
    page.get_by_role("button", name="Next page").dblclick()
    expect(status).to_have_text("41\N{EN DASH}60 of 60 customers")
    page.get_by_role("button", name="Previous page").click()
    expect(status).to_have_text("21\N{EN DASH}40 of 60 customers")
    row(notebook, "Person 25").click()
    notebook.wait_for("table.selected.name.tolist(), chosen", "(['Person 25'], [['ID25']])")

    search_box(notebook).press_sequentially("example 55501 2")
    expect(status).to_have_text("1\N{EN DASH}15 of 15 matches (of 60 customers)")
    expect(row(notebook, "Person 25")).to_have_attribute("aria-selected", "true")
    name = page.get_by_role("columnheader", name="Name")
    name.get_by_role("button").click()
    expect(name).to_have_attribute("aria-sort", "ascending")
    name.get_by_role("button").click()
    expect(name).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("row").nth(1)).to_contain_text("Person 52")
    expect(row(notebook, "Person 25")).to_have_attribute("aria-selected", "true")

    search_box(notebook).fill("JOSE")
    expect(status).to_have_text("1\N{EN DASH}1 of 1 match (of 60 customers)")
    expect(row(notebook, "José <script>alert(1)</script>")).to_be_visible()
    assert notebook.evaluate("table.selected_id") == "'ID25'"

    notebook.evaluate("setattr(table, 'data', people.drop('ID25'))")
    expect(status).to_have_text("1\N{EN DASH}1 of 1 match (of 59 customers)")
    notebook.wait_for("table.selected_id, len(table.selected), chosen", "('', 0, [['ID25'], []])")


def test_keyboard_alone(notebook):
    """Every part is reached and worked without a mouse, and no key reaches the notebook."""
    page = notebook.page
    search_box(notebook).focus()
    page.keyboard.type("person")
    expect(page.get_by_role("status")).to_have_text(
        "1\N{EN DASH}20 of 57 matches (of 60 customers)"
    )
    page.keyboard.press("ArrowDown")
    expect(row(notebook, "Person 00")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    notebook.wait_for("table.selected_id", "'ID01'")
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    expect(row(notebook, "Person 23")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row(notebook, "Person 22")).to_be_focused()
    for key in ("Escape", "d", "d", "b"):
        page.keyboard.press(key)
    page.keyboard.press("Space")
    notebook.wait_for("table.selected_id", "'ID22'")
    expect(page.locator(".jp-CodeCell")).to_have_count(1)

    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Customer id")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Customer id")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(page.get_by_role("button", name="Customer id")).to_be_focused()


def test_card_number_is_not_searched_for(notebook):
    """A card number in the search box is refused before it is sent."""
    search, number = search_box(notebook), TEST_CARDS["amex"]["number"]
    search.press_sequentially(number, delay=40)  # each letter is searched for meanwhile
    search.press("Enter")
    expect(search).to_have_value("")
    expect(notebook.page.get_by_text("That looks like a card number")).to_be_visible()
    assert number[:12] not in re.sub(r"\D", "", "".join(notebook.sent))
    search.fill("5550133")
    expect(row(notebook, "Person 33")).to_be_visible()


def test_several_are_picked_with_ctrl_and_shift(notebook):
    """By mouse and by keyboard; what is picked on other pages stays picked."""
    page, status = notebook.page, notebook.page.get_by_role("status")
    row(notebook, "Person 10").click()
    row(notebook, "Person 12").click(modifiers=["Shift"])
    expect(status).to_have_text("1\N{EN DASH}20 of 60 customers, 3 selected")
    row(notebook, "Person 11").click(modifiers=["Control"])
    notebook.wait_for("table.selected_ids", "['ID10', 'ID12']")
    page.get_by_role("button", name="Next page").click()
    row(notebook, "Person 25").click(modifiers=["Control"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    notebook.wait_for("table.selected_ids", "['ID10', 'ID12', 'ID25', 'ID26']")
    expect(page.get_by_role("grid")).to_have_attribute("aria-multiselectable", "true")
    row(notebook, "Person 30").click()
    notebook.wait_for("table.selected_ids", "['ID30']")
    expect(row(notebook, "Person 26")).to_have_attribute("aria-selected", "false")


def test_a_name_has_a_direction_of_its_own(notebook):
    """A Hebrew name with a number in it reads from right to left, and the rest of the row not."""
    name = row(notebook, "p09@").get_by_role("gridcell").first.locator("bdi")
    expect(name).to_have_text("\u05d0\u05d1 1")
    expect(name).to_have_css("direction", "rtl")
    expect(row(notebook, "p09@")).to_have_css("direction", "ltr")


def test_a_sign_that_turns_a_name_around_is_seen(notebook):
    """It can't make it read as another."""
    name = row(notebook, "p17@").get_by_role("gridcell").first
    expect(name).to_have_text("Person \ufffd71")


@pytest.mark.parametrize("drawn", ["table.data = people.iloc[::-1]", "table.search('person 05')"])
def test_a_click_counts_though_the_table_is_drawn_meanwhile(notebook, drawn):
    """By new data or a search's answer between press and release: who was pressed is selected."""
    page = notebook.page
    notebook.hold(row(notebook, "Person 05"))
    notebook.run(drawn)
    page.mouse.up()
    notebook.wait_for("table.selected_ids", "['ID05']")
    expect(page.get_by_role("row").nth(1)).not_to_contain_text("Person 00")
    if "search" in drawn:
        expect(row(notebook, "Person 05")).to_be_focused()


SEEN_SELECTED = """
const seen = (window.seenSelected = []);
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (target.ariaSelected === "true") seen.push(target.dataset.id);
  }
}).observe(document.querySelector(".clover-table tbody"), {
  attributes: true, attributeFilter: ["aria-selected"], subtree: true,
});
"""


@pytest.mark.parametrize("latency", [0, 75, 150, 400])
def test_what_the_kernel_selected_earlier_never_undoes_a_click(notebook, latency):
    """Its message is under way while the person clicks elsewhere; the click stays, in both."""
    page = notebook.page
    expect(row(notebook, "Person 05")).to_be_visible()
    page.evaluate(SEEN_SELECTED)
    notebook.set_latency(latency)
    page.evaluate(SET_WITHOUT_WAITING, "table.selected_id = 'ID03'")
    row(notebook, "Person 05").click()
    notebook.wait_for("table.selected_ids", "['ID05']")
    expect(row(notebook, "Person 05")).to_have_attribute("aria-selected", "true")
    seen = page.evaluate("window.seenSelected")
    assert "ID03" not in seen[seen.index("ID05") :]


def test_two_quick_choices_of_columns_both_count(notebook):
    """Over a slow line, the second one before anything has come of the first."""
    page = notebook.page
    heads = page.get_by_role("columnheader")
    page.locator("summary").filter(has_text="Columns").click()
    notebook.set_latency(400)
    page.get_by_role("checkbox", name="Phone", exact=True).uncheck()
    page.get_by_role("button", name="Earlier: Email").click()
    page.get_by_role("checkbox", name="Customer id", exact=True).uncheck()
    expect(page.get_by_role("checkbox", name="Name", exact=True)).to_be_enabled()
    page.get_by_role("checkbox", name="Name", exact=True).uncheck()
    expect(page.get_by_role("checkbox", name="Email", exact=True)).to_be_disabled()
    expect(heads).to_have_text(["Email"])
    page.get_by_role("checkbox", name="Name", exact=True).check()
    notebook.set_latency(0)
    notebook.evaluate("table.receive({'do': 'columns', 'names': ['phone'], 'click': 9})")
    expect(heads).to_have_text(["Phone"])  # as another page that shows the table has chosen
    page.get_by_role("checkbox", name="Name", exact=True).check()
    expect(heads).to_have_text(["Phone", "Name"])


# In the thread in which the kernel hears of clicks: so it comes before those that follow.
SET_WITHOUT_WAITING = """(code) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const { subshellId } = [...kernel._comms.values()].find((comm) => comm.subshellId) ?? {};
  kernel.subshellId = subshellId ?? null;
  kernel.requestExecute({ code });
  kernel.subshellId = null;
}"""


RECORDS = "[{'id': f'ID{n:02}', 'firstName': f'Person {n:02}', 'lastName': ''} for n in range(60)]"


@pytest.mark.parametrize("latency", [0, 400])
def test_a_saved_change_leaves_the_page_and_the_selected_row(notebook, latency):
    """The table doesn't jump to its start, and the row stays in sight, in focus and selected."""
    page = notebook.page
    notebook.evaluate(f"setattr(table, 'data', to_frame({RECORDS}))")
    page.get_by_role("columnheader", name="Name").get_by_role("button").click()
    page.get_by_role("button", name="Next page").click()
    row(notebook, "Person 25").click()
    notebook.wait_for("table.selected_ids", "['ID25']")
    notebook.set_latency(latency)
    notebook.evaluate("table.put(to_row({'id': 'ID25', 'firstName': 'Aaron', 'lastName': ''}))")
    expect(row(notebook, "Aaron")).to_be_visible()
    expect(row(notebook, "Aaron")).to_have_attribute("aria-selected", "true")
    expect(row(notebook, "Aaron")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("21\N{EN DASH}40 of 60 customers")


LOSE_SEARCH = """() => {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (frame) {
    const text = typeof frame === "string" ? frame : new TextDecoder().decode(frame);
    if (!text.includes('"do":"search"')) return send.call(this, frame);
    WebSocket.prototype.send = send;
    return undefined;
  };
}"""


@pytest.mark.long
def test_a_search_that_is_lost_on_its_way_is_sent_again(notebook):
    """What was typed meanwhile is searched for then; the box isn't dead."""
    search_box(notebook).click()
    notebook.page.evaluate(LOSE_SEARCH)
    notebook.type("17")
    expect(notebook.output(0).locator("tbody tr")).to_have_count(1)


def test_an_unexpected_error_ends_in_a_sentence(notebook):
    """The search isn't dead then: the next one is answered."""
    search, status = search_box(notebook), notebook.page.get_by_role("status")
    notebook.evaluate("setattr(table, 'search', lambda text: {}['nothing'])")
    search.press_sequentially("p1")
    expect(status).to_contain_text("Something unexpected went wrong. Nothing was sent.")
    notebook.evaluate("delattr(table, 'search')")
    search.press_sequentially("1@")
    expect(status).to_have_text("1\N{EN DASH}1 of 1 match (of 60 customers)")


def test_it_weighs_little(notebook):
    """One comm and what is looked at; the script and the style have come with the first."""
    notebook.run_all()
    assert notebook.opened_comms() == 1
    assert notebook.received_bytes() < 30_000


@pytest.mark.long
def test_saved_notebook_shows_the_table_without_script(open_notebook, lab):
    """Opened where the widget can't run, the saved notebook shows the first page as text."""
    notebook = open_notebook([TABLE])
    notebook.saved()
    copy = lab.folder / "copy-from-somebody.ipynb"
    copy.write_text(notebook.path.read_text().replace("import pandas", "import  pandas"))
    notebook.page.goto(f"{lab.url}lab/workspaces/copy/tree/{copy.name}")
    shown = notebook.page.locator(".jp-RenderedHTML")
    expect(shown).to_contain_text("20 of 60 customers; run this cell to search and sort")
    expect(shown.get_by_role("row").nth(8)).to_contain_text("José <script>alert(1)</script>")
