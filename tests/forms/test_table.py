"""The table, as the kernel sees it; clicks and keys are tried in a browser."""

from __future__ import annotations

import pandas as pd
import pytest
from ipywidgets import Label, VBox

from clover_nb.forms._static import Static
from clover_nb.forms._table import Table
from clover_nb.frames import to_frame


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


def ask(table: Table, what: str, **content: object) -> None:
    """Do as if the browser had sent this."""
    data = {"method": "custom", "content": {"do": what, **content}}
    table._handle_msg({"content": {"data": data}, "buffers": []})


def ids(table: Table) -> str:
    """The ids of the rows that are shown, in order."""
    return "".join(table._view["ids"])


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
    table = Table(people)
    ask(table, "search", text=query)
    letters = dict(zip(people.index, "PQRST", strict=True))
    assert "".join(letters[key] for key in table._view["ids"]) == found


def test_search_finds_the_id_and_the_columns_asked_for(people):
    """What is searched can be chosen; the id always is."""
    table = Table(people, columns=["name"], search=["source_ids"])
    for query, found in (("P", "P"), ("d", "S"), ("example.com", ""), ("q", "Q")):
        ask(table, "search", text=query)
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
    table = Table(people, columns=[*people.columns, "id"])
    for order in (up, down, "PQRST"):
        ask(table, "sort", column=column)
        assert ids(table) == order


def test_pages_say_what_they_leave_out():
    """A page says which rows it shows, of how many; a page that isn't there is the nearest."""
    frame = pd.DataFrame({"name": [f"Person {n}" for n in range(1234)]})
    frame.index = pd.Index([f"ID{n:04}" for n in range(1234)], name="id")
    table = Table(frame)

    def said() -> str:
        return table._view["status"].replace("\N{EN DASH}", "-")

    assert said() == "1-25 of 1,234 customers"
    ask(table, "page", page=999)
    assert said() == "1,226-1,234 of 1,234 customers"
    assert len(table._view["rows"]) == 9
    ask(table, "search", text="person id12")
    assert said() == "1-25 of 34 matches (of 1,234 customers)"
    ask(table, "search", text="nobody")
    assert said() == "No match among 1,234 customers"
    table.data = frame[:0]
    assert said() == "No customers yet"


def test_cells_are_text(people):
    """Missing is blank, a time goes to the minute, a list has commas, the rest is as it is."""
    table = Table(people, columns=["name", "card_count", "source_ids", "created", "id"])
    assert table._view["rows"][0] == ["José Rivera", "2", "A, B", "2026-03-01 10:00", "P"]
    assert table._view["rows"][1] == ["ana", "", "", "", "Q"]


def test_selection_is_a_customer_not_a_place(people):
    """The choice survives a search, a sort and new data, until the customer is gone."""
    table, chosen = Table(people), []
    table.on_select(chosen.append)
    assert table.selected.empty
    assert list(table.selected.columns) == list(people.columns)
    ask(table, "select", id="R")
    ask(table, "search", text="jose")
    ask(table, "sort", column="name")
    table.data = people.iloc[::-1].assign(name="New")
    assert table.selected.index.tolist() == ["R"]
    assert table.selected.loc["R", "name"] == "New"
    table.data = people.drop("R")
    assert (table.selected_id, len(table.selected)) == ("", 0)
    assert chosen == ["R", ""]


def test_new_data_keeps_search_and_order(people):
    """New data is searched and sorted as the old was."""
    table = Table(people)
    ask(table, "search", text="com")
    ask(table, "sort", column="email")
    ask(table, "sort", column="email")
    assert ids(table) == "SRPQ"
    table.data = people.drop("R")
    assert ids(table) == "SPQ"
    assert table._view["query"] == "com"


def test_customers_of_the_client_are_shown_by_what_matters():
    """Rows as the client makes them show the columns that matter, under plain headings."""
    record = {"id": "7QK2M9ZX4T0BC", "created": 1_767_225_600_000, "email": "ana@example.com"}
    table = Table(to_frame([record]))
    labels = [column["label"] for column in table._view["columns"]]
    assert labels[:3] == ["Name", "Email", "Phone"]
    assert labels[-2:] == ["Created (UTC)", "Customer id"]
    assert table._view["rows"][0][-2:] == ["2026-01-01 00:00", "7QK2M9ZX4T0BC"]
    empty = Table(to_frame([]))
    ask(empty, "search", text="x")
    ask(empty, "sort", column="created")
    assert empty._view["rows"] == []


def test_unknown_column_is_named(people):
    """A column that doesn't exist is refused, with those that do."""
    with pytest.raises(ValueError, match="no column 'mail'; there are: id, name"):
        Table(people, columns=["mail"])
    with pytest.raises(ValueError, match="'town'"):
        Table(people, search=["town"])


def test_saved_output_shows_the_first_page_as_html(people):
    """Where no script runs, the first page stands as a table; text is escaped, no id is in it."""
    people.loc["P", "name"] = "<script>alert(1)</script>"
    bundle, _ = Table(people, page_size=2)._repr_mimebundle_()
    html = bundle["text/html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>" not in html
    assert "2 of 5 customers; run this cell to search and sort" in html
    assert bundle["text/plain"] == "Customers: run this cell to search and sort."
    again, _ = Table(people, page_size=2)._repr_mimebundle_()
    live = "application/vnd.jupyter.widget-view+json"
    assert live in bundle
    assert {**again, live: 0} == {**bundle, live: 0}


def test_any_widget_can_leave_a_sentence():
    """The mixin gives a container a sentence for where it can't run."""

    class Form(Static, VBox):
        pass

    form = Form([Label("x")], static="A <form>: run this cell.")
    bundle, _ = form._repr_mimebundle_()
    assert bundle["text/html"] == "<p>A &lt;form&gt;: run this cell.</p>"
    assert bundle["text/plain"] == "A <form>: run this cell."
    assert repr(form) == "<A <form>: run this cell.>"
    assert form.children[0].value == "x"
    form.close()
