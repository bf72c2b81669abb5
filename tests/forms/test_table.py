"""The table, as the kernel sees it; clicks and keys are tried in a browser."""

from __future__ import annotations

import threading

import pandas as pd
import pytest

from clover_nb import forms
from clover_nb.forms.table import CustomerTable
from clover_nb.forms.table_page import TablePage
from clover_nb.frames import to_frame, to_row


@pytest.fixture
def people() -> pd.DataFrame:
    """Five customers, with something missing in most columns."""
    return pd.DataFrame(
        {
            "name": ["José Rivera", "ana", None, "Zoë Straße", ""],
            "email": ["j@example.com", "a@example.com", "m@example.com", "z@example.com", None],
            "phone": ["555-0123", None, "+1 (408) 555-0124", "5550125", None],
            "shipping_line1": ["1 Elm St", "2 Oak St", None, None, None],
            "card_last4": ["4242", None, "0005", "4242", None],
            "card_count": pd.array([2, None, 1, 10, 1], dtype="Int64"),
            "source_ids": [["A", "B"], None, ["C"], ["D"], []],
            "created": pd.to_datetime(
                ["2026-03-01T10:00Z", None, "2025-01-01T10:00Z", "2026-01-01T10:00:59Z", None],
                format="ISO8601",
            ),
        },
        index=pd.Index(list("PQRST"), name="id"),
    )


def ids(table: CustomerTable) -> str:
    """The ids of the rows that are shown, in order."""
    return "".join(table.view["ids"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "PQRST"),
        ("jose", "P"),
        ("RIVERA jos", "P"),
        ("strasse", "S"),
        ("zoe", "S"),
        ("5550123", "P"),
        ("555-0125", "S"),
        ("(408)", "R"),
        ("4085550124", "R"),
        ("4242", "PS"),
        ("elm", "P"),
        ("2026-01", "S"),
        ("R", "PS"),
        (" s ", "PQS"),
        (".*", ""),
        ("<b>", ""),
    ],
)
def test_search_finds_words_in_any_part(people, query, found):
    """Any part, any order, without case, accents or the dashes of a phone."""
    people.index = pd.Index(["11", "12", "13", "14", "15"], name="id")
    table = forms.customer_table(people)
    table.search(query)
    letters = dict(zip(people.index, "PQRST", strict=True))
    assert "".join(letters[key] for key in table.view["ids"]) == found


def test_search_finds_the_id_and_the_columns_asked_for(people):
    """What is searched can be chosen; the id always is."""
    table = forms.customer_table(people, columns=["name"], search=["source_ids"])
    for query, found in (("P", "P"), ("d", "S"), ("example.com", ""), ("q", "Q")):
        table.search(query)
        assert ids(table) == found


@pytest.mark.parametrize(
    ("column", "up", "down"),
    [
        ("name", "QPSRT", "SPQRT"),
        ("card_count", "RTPSQ", "SPRTQ"),
        ("created", "RSPQT", "PSRQT"),
        ("card_last4", "RPSQT", "PSRQT"),
        ("source_ids", "PRSQT", "SRPQT"),
        ("id", "PQRST", "TSRQP"),
    ],
)
def test_sort_is_stable_with_missing_last(people, column, up, down):
    """The first click sorts, the second the other way, the third not at all."""
    table = forms.customer_table(people, columns=[*people.columns, "id"])
    for order in (up, down, "PQRST"):
        table.sort(column)
        assert ids(table) == order


def test_pages_say_what_they_leave_out():
    """A page says which rows it shows, of how many; a page that isn't there is the nearest."""
    frame = pd.DataFrame({"name": [f"Person {n}" for n in range(1234)]})
    frame.index = pd.Index([f"ID{n:04}" for n in range(1234)], name="id")
    table = forms.customer_table(frame)

    def said() -> str:
        return table.view["status"].replace("\N{EN DASH}", "-")

    assert said() == "1-25 of 1,234 customers"
    table.turn(999)
    assert said() == "1,226-1,234 of 1,234 customers"
    assert len(table.view["rows"]) == 9
    table.search("person id12")
    assert said() == "1-25 of 34 matches (of 1,234 customers)"
    table.search("nobody")
    assert said() == "No match among 1,234 customers"
    table.data = frame[:0]
    assert said() == "No customers yet"


def test_cells_are_text(people):
    """Missing is blank, a time goes to the minute, a list has commas, the rest is as it is."""
    table = forms.customer_table(
        people, columns=["name", "card_count", "source_ids", "created", "id"]
    )
    assert table.view["rows"][0] == ["José Rivera", "2", "A, B", "2026-03-01 10:00", "P"]
    assert table.view["rows"][1] == ["ana", "", "", "", "Q"]


def test_selection_is_a_customer_not_a_place(people):
    """The choice survives a search, a sort and new data, until the customer is gone."""
    table, chosen = forms.customer_table(people), []
    table.on_select(chosen.append)
    assert table.selected.empty
    assert list(table.selected.columns) == list(people.columns)
    table.selected_id = "R"
    table.search("jose")
    table.sort("name")
    table.data = people.iloc[::-1].assign(name="New")
    assert table.selected.index.tolist() == ["R"]
    assert table.selected.loc["R", "name"] == "New"
    table.data = people.drop("R")
    assert (table.selected_id, len(table.selected)) == ("", 0)
    assert chosen == [["R"], []]


def test_what_is_seen_and_picked_comes_back(people):
    """All rows that were found, in the order that is shown; the ids in the order of picking."""
    table = forms.customer_table(people, page_size=1)
    table.search("4242")
    table.sort("created")
    assert table.filtered.index.tolist() == ["S", "P"]
    assert table.filtered.loc["S", "name"] == "Zoë Straße"
    table.receive({"do": "select", "ids": ["S", "P"], "click": 1})
    assert table.selected_ids == ["S", "P"]
    assert table.selected.index.tolist() == ["P", "S"]
    table.data = people.drop("S")
    assert table.selected_ids == ["P"]


def test_a_selection_says_which_click_it_knows_of(people):
    """So that the browser drops one that was sent before the person's latest click."""
    table = forms.customer_table(people)
    table.receive({"do": "select", "ids": ["Q"], "click": 4})
    table.selected_id = "R"
    assert table.selection == {"ids": ["R"], "click": 4}


def test_new_data_keeps_search_and_order(people):
    """New data is searched and sorted as the old was."""
    table = forms.customer_table(people)
    table.search("com")
    table.sort("email")
    table.sort("email")
    assert ids(table) == "SRPQ"
    table.data = people.drop("R")
    assert ids(table) == "SPQ"
    assert table.view["query"] == "com"


def test_a_saved_change_leaves_the_page_and_the_row_where_they_are(people):
    """Even where the row would stand elsewhere, or not at all; a new one is turned to."""
    frame = to_frame([{"id": f"{n:013}", "firstName": f"P{n}", "lastName": ""} for n in range(9)])
    table = forms.customer_table(frame, page_size=2)
    table.search("p")
    table.sort("name")
    table.turn(2)
    assert table.view["ids"] == [f"{n:013}" for n in (4, 5)]
    table.selected_id = f"{4:013}"
    table.put(to_row({"id": f"{4:013}", "firstName": "Ana", "lastName": ""}))
    assert table.view["rows"][0][0] == "Ana"
    assert (table.view["page"], table.selected_id) == (2, f"{4:013}")
    table.put(to_row({"id": "NEW", "firstName": "P0 the second", "lastName": ""}))
    assert table.view["ids"] == [f"{0:013}", "NEW"]
    assert table.selected_id == f"{4:013}"


def test_a_new_list_keeps_the_page_and_follows_the_selected_row(people):
    """As far as it was in sight; a page that isn't there any more is the last."""
    table = forms.customer_table(people, page_size=2)
    table.turn(1)
    table.data = people.assign(name="New")
    assert ids(table) == "RS"
    table.selected_id = "R"
    table.data = people.iloc[::-1].drop("T")
    assert ids(table) == "SR"
    table.turn(1)
    table.data = people.iloc[::-1].drop("T")
    assert ids(table) == "QP"
    table.data = people[:1]
    assert ids(table) == "P"


@pytest.mark.parametrize("do", ["search", "enter"])
def test_a_search_that_is_asked_for_again_is_answered_again(people, do):
    """The first answer was lost on its way, perhaps, and nothing has changed since."""
    table, shows = forms.customer_table(people), []
    table.send_state = lambda key=None: key is None and shows.append(ids(table))
    for found in ([], ["P"]):
        table.receive({"do": do, "text": "jose"})
        assert shows == found


def test_an_unexpected_error_is_told_and_the_search_goes_on(people, caplog):
    """The browser hears of each, and so may ask again."""
    table = forms.customer_table(people)

    class Broken(str):
        def strip(self):
            raise RuntimeError

    table.receive({"do": "search", "text": Broken("jose")})
    assert "Something unexpected went wrong" in table.view["failure"]
    first = dict(table.view)
    table.receive({"do": "search", "text": Broken("jose")})
    assert table.view != first
    table.search("jose")
    assert (ids(table), table.view["failure"]) == ("P", "")


def test_customers_of_the_client_are_shown_by_what_matters():
    """Rows as the client makes them show the columns that matter, under plain headings."""
    record = {"id": "7QK2M9ZX4T0BC", "created": 1_767_225_600_000, "email": "ana@example.com"}
    table = forms.customer_table(to_frame([record]))
    labels = [column["label"] for column in table.view["columns"]]
    assert labels[:3] == ["Name", "Email", "Phone"]
    assert labels[-2:] == ["Created (UTC)", "Customer id"]
    assert table.view["rows"][0][-2:] == ["2026-01-01 00:00", "7QK2M9ZX4T0BC"]
    empty = forms.customer_table(to_frame([]))
    empty.search("x")
    empty.sort("created")
    assert empty.view["rows"] == []


def test_unknown_column_is_named(people):
    """A column that doesn't exist is refused, with those that do."""
    with pytest.raises(ValueError, match="no column 'mail'; there are: id, name"):
        forms.customer_table(people, columns=["mail"])
    with pytest.raises(ValueError, match="'town'"):
        forms.customer_table(people, search=["town"])


def test_saved_output_shows_the_first_page_as_html(people):
    """Where no script runs, the first page stands as a table; text is escaped, no id is in it."""
    people.loc["P", "name"] = "<script>alert(1)</script>"
    bundle, _ = forms.customer_table(people, page_size=2)._repr_mimebundle_()
    html = bundle["text/html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>" not in html
    assert "2 of 5 customers; run this cell to search and sort" in html
    assert bundle["text/plain"] == "Customers: run this cell to search and sort."
    again, _ = forms.customer_table(people, page_size=2)._repr_mimebundle_()
    live = "application/vnd.jupyter.widget-view+json"
    assert live in bundle
    assert {**again, live: 0} == {**bundle, live: 0}


@pytest.fixture
def known() -> pd.DataFrame:
    """Two customers as the client reads them: one with two cards and two addresses."""
    cards = [
        {"id": "C1", "last4": "1126", "cardType": "VISA", "expirationDate": "0727"},
        {"id": "C2", "last4": "0005", "cardType": "AMEX", "expirationDate": "1235"},
    ]
    emails = [{"emailAddress": "a.johnson@example.com"}, {"emailAddress": "Old@example.org"}]
    johnson = {"firstName": "Ana", "lastName": "Johnson", "cards": {"elements": cards}}
    johnson |= {"emailAddresses": {"elements": emails}}
    johnson |= {"phoneNumbers": {"elements": [{"phoneNumber": "615-555-0100"}]}}
    weber = {"firstName": "J\u00f6rg", "lastName": "Weber"}
    weber |= {"phoneNumbers": {"elements": [{"phoneNumber": "+49 30 23125 0100"}]}}
    return to_frame([{"id": "JOHNSON", **johnson}, {"id": "WEBER", **weber}])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("0005", "JOHNSON"),
        ("\u2022\u2022\u2022\u2022 1126", "JOHNSON"),
        ("**** 0005 johnson", "JOHNSON"),
        ("old@example.org", "JOHNSON"),
        ("Johnson, Ana", "JOHNSON"),
        ("+16155550100", "JOHNSON"),
        ("1-615-555-0100", "JOHNSON"),
        ("001 (615) 555 0100", "JOHNSON"),
        ("(615) 5550100", "JOHNSON"),
        ("615 555 0100", "JOHNSON"),
        ("a.johnson@", "JOHNSON"),
        ("visa \u2022\u2022\u2022\u2022 1126", "JOHNSON"),
        ("415-555-0100", ""),
        ("(030) 23125", "WEBER"),
        ("030 23125 0100 j\u00f6rg", "WEBER"),
        ("030 23125 0100 ana", ""),
        ("\u2022\u2022\u2022\u2022", "JOHNSONWEBER"),
    ],
)
def test_search_finds_cards_addresses_and_phones_as_people_write_them(known, query, found):
    """Every card and address that is known, and a phone with or without its country's code."""
    table = CustomerTable(TablePage(known))
    table.search(query)
    shown = ids(table) if table.view["matches"] else ""
    assert shown == found


@pytest.mark.parametrize(
    "query", ["Jonson", "Anna Jonsen", "Johnsson, Anna", "a.jonson@example.com"]
)
def test_the_nearest_names_are_shown_when_none_matches(known, query):
    """By spelling and sound; they are no matches, and are neither opened nor saved as such."""
    table = CustomerTable(TablePage(known))
    table.open_first(query)
    assert ids(table) == "JOHNSON"
    assert table.view["matches"] == len(table.filtered) == 0
    assert table.view["status"] == "No match among 2 customers; these names are like it"
    assert table.selected_ids == []
    table.search("xylophone")
    assert ids(table) == ""


def test_enter_selects_the_first_match(known):
    """In one message, so that what comes after it is about that customer."""
    table, chosen = CustomerTable(TablePage(known)), []
    table.on_select(chosen.append)
    table.receive({"do": "enter", "text": "weber"})
    table.receive({"do": "enter", "text": "nobody at all"})
    assert (table.selected_id, chosen) == ("WEBER", [["WEBER"]])


def test_views_are_counted_and_combined_with_the_search(known):
    """And counted anew when the data is another."""
    page = TablePage(known, mark_views=lambda df: {"No card": (df["card_count"] == 0).to_numpy()})
    table = CustomerTable(page)
    table.count_views()
    assert table.views == [["No card", 1]]
    table.receive({"do": "view", "name": "No card"})
    assert (ids(table), table.view["matches"]) == ("WEBER", 1)
    table.search("johnson")
    assert table.view["status"] == "No match among No card, of 2 customers; these names are like it"
    table.search("")
    table.data = known.assign(card_count=0)
    assert table.view["matches"] == 2
    assert table.views == [["No card", 2]]


def test_columns_can_be_chosen_and_the_usual_ones_brought_back(known):
    """Unknown ones are left out; what is hidden is still searched."""
    table = CustomerTable(TablePage(known))
    usual = [column["key"] for column in table.view["columns"]]
    table.receive({"do": "columns", "names": ["shipping_line1", "nothing", "name"], "click": 1})
    assert [column["key"] for column in table.view["columns"]] == ["shipping_line1", "name"]
    table.search("615")
    assert ids(table) == "JOHNSON"
    assert ["phone", "Phone"] in table.offered
    table.receive({"do": "columns", "names": [], "click": 2})
    assert [column["key"] for column in table.view["columns"]] == usual


def test_a_new_customer_is_shown_whatever_is_searched_for(known):
    """In front, until the next search."""
    table = CustomerTable(TablePage(known, newest_first=True))
    table.search("johnson")
    table.put(to_row({"id": "NEW", "firstName": "Bo", "lastName": "Li"}))
    assert table.view["ids"] == ["NEW", "JOHNSON"]
    table.search("johnson")
    assert table.view["ids"] == ["JOHNSON"]


def test_what_is_taken_from_the_selection_turns_no_page(people):
    """The row that was clicked stays in sight, though the last selected one is elsewhere."""
    table = forms.customer_table(people, page_size=2)
    table.receive({"do": "select", "ids": ["P"], "click": 1})
    table.turn(1)
    table.receive({"do": "select", "ids": ["P", "R"], "click": 2})
    table.receive({"do": "select", "ids": ["P"], "click": 3})
    assert ids(table) == "RS"


# -- ticking -----------------------------------------------------------------------------------


@pytest.fixture
def ticking(people) -> CustomerTable:
    """A table of which one row is selected and several can be ticked."""
    return CustomerTable(TablePage(people, page_size=2), can_tick=True)


def tick(table: CustomerTable, key: str, click: int, *, on: bool = True) -> None:
    """Click on the box of a row."""
    table.receive({"do": "tick", "id": key, "on": on, "click": click})


def test_ticks_stay_on_other_pages_and_are_no_selection(ticking):
    """What is told to the browser is of its page, with how many there are in all."""
    heard: list[list[str]] = []
    ticking.on_tick(heard.append)
    tick(ticking, "Q", 1)
    ticking.turn(1)
    tick(ticking, "R", 2)
    assert ticking.ticks == {"ids": ["R"], "count": 2, "click": 2}
    assert ticking.ticked_ids == ["Q", "R"]
    assert ticking.selected_ids == []
    tick(ticking, "Q", 3, on=False)
    assert heard == [["Q"], ["Q", "R"], ["R"]]


def test_what_a_page_with_fewer_clicks_does_is_seen_by_the_others(ticking):
    """They drop what has a lower number than their own latest click."""
    for click, names in ((7, ["name"]), (3, ["name", "email"])):
        ticking.receive({"do": "select", "ids": ["PQ"[click < 7]], "click": click})
        tick(ticking, "PQ"[click < 7], click)
        ticking.receive({"do": "columns", "names": names, "click": click})
    assert ticking.selection == {"ids": ["Q"], "click": 7}
    assert ticking.ticks == {"ids": ["P", "Q"], "count": 2, "click": 7}
    assert [column["key"] for column in ticking.view["columns"]] == ["name", "email"]
    assert ticking.view["columns_click"] == 7


def test_all_that_was_found_is_ticked_at_once(ticking):
    """On all pages, besides what was ticked before; and only that is unticked."""
    tick(ticking, "Q", 1)
    ticking.search("4242")
    ticking.receive({"do": "tick_all", "on": True, "click": 2})
    assert ticking.ticked_ids == ["Q", "P", "S"]
    ticking.receive({"do": "tick_all", "on": False, "click": 3})
    assert ticking.ticked_ids == ["Q"]


def test_who_is_gone_is_not_ticked_any_more(ticking, people):
    """New data keeps the other ticks."""
    for click, key in enumerate("QR"):
        tick(ticking, key, click)
    ticking.data = people.drop("Q")
    assert ticking.ticked_ids == ["R"]


def test_where_several_can_be_selected_ticking_selects(people):
    """All that was found too, besides what was selected before."""
    table = forms.customer_table(people)
    table.selected_id = "Q"
    table.search("4242")
    table.receive({"do": "tick_all", "on": True, "click": 1})
    assert table.selected_ids == ["Q", "P", "S"]
    table.receive({"do": "tick_all", "on": False, "click": 2})
    assert table.selected_ids == ["Q"]
    assert table.ticked_ids == []


def test_a_message_is_answered_before_another_thread_has_its_turn(people):
    """Messages come in two threads, and one of them at a time writes a widget."""
    table, handled = forms.customer_table(people), threading.Event()
    other = threading.Thread(target=table.receive, args=({"do": "search", "text": "zoe"},))
    table.observe(lambda _: handled.set(), "view")

    def answered(_):
        table.unobserve(answered, "answers")
        other.start()
        assert not handled.wait(0.2)

    table.observe(answered, "answers")
    table.receive({"do": "select", "ids": ["P"], "click": 1})
    other.join()
    assert ids(table) == "S"
