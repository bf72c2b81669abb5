"""The desk, driven as the browser drives it, on the practice sandbox."""

from __future__ import annotations

import re
import threading
import time
import uuid

import pytest

from clover_nb import TEST_CARDS, connect, forms, to_frame
from clover_nb.errors import APIConnectionError


@pytest.fixture
def ana(clover):
    """A customer that the desk's table knows."""
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    return clover.customers.create(email=email, source=token, name="Ana")


@pytest.fixture
def desk(clover, ana):
    """A desk with all customers in it."""
    return forms.desk(clover.customers.list(), clover=clover)


def until(condition):
    """Wait for what another thread does."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_reads_the_customers_itself_and_again(clover, ana):
    """And says how old they are."""
    desk = forms.desk(clover=clover)
    until(lambda: ana["id"] in desk.table.data.index)
    until(lambda: not desk._work.busy)
    assert desk.table.read_at > 0
    clover.customers.modify(ana["id"], name="Bo")
    desk.refresh().join()
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"


def test_a_selected_customer_is_shown_with_details_cards_and_history(desk, clover, ana):
    """What the table knows at once; then what Clover says now."""
    clover.customers.modify(ana["id"], phone="555-0111")
    desk.table.selected_id = ana["id"]
    assert desk.row["name"] == "Ana"
    until(lambda: "555-0111" in desk.details.value)
    assert "VISA •••• 4242" in desk.details.value
    assert "<dt>Marketing allowed</dt><dd>no</dd>" in desk.details.value
    assert "phone: nothing → 555-0111" in desk.history.lines.value
    desk.table.selected_id = ""
    assert desk.details.layout.display == "none"


def test_a_saved_change_is_in_the_table_the_details_and_the_history(desk, ana):
    """Through the same form that stands alone."""
    desk.table.selected_id = ana["id"]
    until(lambda: "created" in desk.history.lines.value)
    desk.open_form("Edit contact")
    desk.form.fields["name"].value = "Bo"
    desk.form.submit().join()
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"
    assert ">Bo<" in desk.details.value
    until(lambda: "name: Ana → Bo" in desk.history.lines.value)


def test_an_answer_that_comes_late_does_not_hide_a_change(desk, clover, ana, monkeypatch):
    """A customer was asked for, changed and saved; then the first answer arrives."""
    asked, go, late = threading.Event(), threading.Event(), []
    retrieve = clover.customers.retrieve

    def slow(customer_id):
        row = retrieve(customer_id)
        if not late:
            late.append(threading.current_thread())
            asked.set()
            assert go.wait(10)
        return row

    monkeypatch.setattr(clover.customers, "retrieve", slow)
    desk.open_form("Edit contact")
    desk.table.selected_id = ana["id"]
    assert asked.wait(10)
    desk.form.fields["name"].value = "Bo"
    desk.form.submit().join()
    go.set()
    late[0].join()
    assert desk.row["name"] == "Bo"
    assert "Saved: Bo" in desk.form.status.value


def test_a_list_that_comes_late_does_not_hide_a_change(desk, clover, ana, monkeypatch):
    """All customers were asked for, one was changed and saved; then the list arrives."""
    asked, go = threading.Event(), threading.Event()
    read = clover.customers.list

    def slow():
        table = read()
        asked.set()
        assert go.wait(10)
        return table

    monkeypatch.setattr(clover.customers, "list", slow)
    refreshing = desk.refresh()
    assert asked.wait(10)
    desk.table.selected_id = ana["id"]
    desk.open_form("Edit contact")
    desk.form.fields["name"].value = "Bo"
    desk.form.submit().join()
    go.set()
    refreshing.join()
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"


def test_what_is_typed_is_not_lost_by_selecting_somebody_else(desk, ana):
    """The form stays with its customer and says so; another one doesn't open over it."""
    desk.table.selected_id = ana["id"]
    desk.open_form("Edit contact")
    form = desk.form
    form.fields["name"].value = "Bo"
    other = next(key for key in desk.table.data.index if key != ana["id"])
    desk.table.selected_id = other
    until(lambda: "still about Ana" in desk.status.value)
    desk.open_form("Shipping address")
    assert desk.form is form
    assert form.picker.row["id"] == ana["id"]
    form.cancel()
    desk.open_form("Shipping address")
    assert desk.form.picker.row["id"] == other


def test_a_new_customer_is_selected_and_a_duplicate_leads_to_the_old_one(desk, clover, ana):
    """Even one that the table doesn't know yet."""
    desk.table.data = desk.table.data.drop(ana["id"])
    desk.open_form("New customer")
    desk.form.fields["email"].value = ana["email"]
    desk.form.fields["source"].value = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    desk.form.ticks["consent"].value = True
    desk.form.submit().join()
    desk.form.outcome.links.children[0].click()
    until(lambda: desk.table.selected_id == ana["id"])
    desk.form.overrule.value = True
    desk.form.submit().join()
    assert desk.table.selected_id == desk.form.row["id"] != ana["id"]


def test_without_a_journal_all_but_the_history_is_there(practice, ana):
    """It says why."""
    with connect("local", journal=None, **practice.connection()) as clover:
        desk = forms.desk(clover.customers.list(), clover=clover)
        clover.customers.modify(ana["id"], name="Bo")
        desk.table.selected_id = ana["id"]
        until(lambda: ">Bo<" in desk.details.value)
    assert "No history: The journal is switched off." in desk.history.lines.value
    assert desk.status.value == ""


def test_production_is_marked_and_asks_for_a_tick_before_anything_is_taken_back():
    """As it does before any other change."""
    with connect("production", access_token="x", merchant_id="M1", writes=True) as production:
        desk = forms.desk(to_frame([]), clover=production)
        assert "PRODUCTION" in desk.children[0].value
        assert set(desk.history.form.ticks) == {"production"}


def test_trouble_is_told_and_the_table_stays(desk, clover, monkeypatch):
    """The data is old, but there."""

    def fail(**_):
        raise APIConnectionError("Clover could not be reached.")

    before = desk.table.data
    monkeypatch.setattr(clover.customers, "list", fail)
    desk.refresh().join()
    assert "could not be reached" in desk.status.value
    assert desk.table.data is before


def test_a_customer_that_is_gone_is_told(desk, clover, ana):
    """When it is selected."""
    clover.customers.delete(ana["id"])
    desk.table.selected_id = ana["id"]
    until(lambda: "alert" in desk.status.value)
    assert "Customer not found" in desk.status.value


def told(widget, **content):
    """Do as if the browser had sent this."""
    data = {"method": "custom", "content": content}
    widget._handle_msg({"content": {"data": data}, "buffers": []})


def undo_buttons(desk):
    """The names of the Undo buttons of the history."""
    return re.findall(r"aria-label='(Undo: [^']*)'", desk.history.lines.value)


def ask_to_undo(desk, number=0):
    """Press one of them, as the browser tells of it."""
    entry = re.findall(r"data-entry='(\d+)'", desk.history.lines.value)[number]
    told(desk.children[1], do="undo", entry=entry)
    return desk.history.form


def test_any_change_of_the_history_can_be_taken_back(desk, clover, ana):
    """After a look at what that would change; and it isn't offered as if nothing had happened."""
    clover.customers.modify(ana["id"], name="Bo")
    clover.customers.modify(ana["id"], name="Cy")
    desk.table.selected_id = ana["id"]
    until(lambda: undo_buttons(desk) == ["Undo: changed, name: Bo → Cy"])
    form = ask_to_undo(desk)
    assert form.layout.display is None
    assert "<td>Name</td><td>Cy</td><td>Bo</td>" in form.preview.value
    assert clover.customers.retrieve(ana["id"])["name"] == "Cy"
    form.submit().join()
    assert "Taken back: Bo" in form.status.value
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"
    assert ">Bo<" in desk.details.value
    again = ["Undo: change undone, name: Cy → Bo", "Undo: changed, name: Ana → Bo"]
    until(lambda: undo_buttons(desk) == again)
    assert "changed, taken back since" in desk.history.lines.value
    form.outcome.undo.take().join()
    assert clover.customers.retrieve(ana["id"])["name"] == "Cy"


def test_what_can_not_be_taken_back_after_all_says_why(desk, clover, ana):
    """Somebody else has changed it since the history was shown."""
    clover.customers.modify(ana["id"], name="Bo")
    desk.table.selected_id = ana["id"]
    until(lambda: undo_buttons(desk))
    clover.customers.modify(ana["id"], name="Cy")
    form = ask_to_undo(desk)
    form.submit().join()
    assert "can&#x27;t be taken back" in form.status.value
    assert "changed again since" in form.status.value
    assert clover.customers.retrieve(ana["id"])["name"] == "Cy"


def test_the_form_that_takes_back_goes_when_it_is_not_so_any_more(desk, clover, ana):
    """With another customer or a change of this one; and with Escape."""
    clover.customers.modify(ana["id"], name="Bo")
    desk.table.selected_id = ana["id"]
    until(lambda: undo_buttons(desk))
    form = ask_to_undo(desk)
    told(desk.children[1], do="cancel")
    assert form.layout.display == "none"
    assert ask_to_undo(desk).layout.display is None
    desk.table.selected_id = next(key for key in desk.table.data.index if key != ana["id"])
    until(lambda: form.layout.display == "none")
    desk.table.selected_id = ana["id"]
    until(lambda: undo_buttons(desk))
    assert ask_to_undo(desk).layout.display is None
    desk.open_form("Edit contact")
    desk.form.fields["name"].value = "Cy"
    desk.form.submit().join()
    until(lambda: form.layout.display == "none")


@pytest.mark.parametrize(
    "query", ["zaphod", "BEEBLE", "@search.example", "5550142", "Tokyo", "100-0001", "0005", "ID"]
)
def test_a_customer_is_found_by_any_part_of_what_people_know(clover, query):
    """Name, email, phone, city, postal code, the card's last 4, and the id."""
    made = clover.customers.create(
        email=f"{uuid.uuid4().hex[:12]}@search.example.com",
        source=clover.tokens.create(card=TEST_CARDS["amex"])["id"],
        name="Zaphod Beeblebrox",
        phone="555-0142",
        shipping={
            "address": {
                "line1": "1-1 Chiyoda",
                "city": "Tōkyō",
                "state": "13",
                "postal_code": "100-0001",
                "country": "JP",
            }
        },
    )
    desk = forms.desk(clover.customers.list(), clover=clover)
    asked = made["id"][3:10].lower() if query == "ID" else query
    told(desk.table, do="search", text=asked)
    assert made["id"] in desk.table._rows.ids(desk.table._found)
    assert desk.table._view["matches"] < len(desk.table.data)
