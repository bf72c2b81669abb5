"""The desk, driven by the messages of a browser, on the practice sandbox."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import subprocess
import sys
import threading
import uuid

import pytest
from form_driver import FormDriver
from lossy_proxy import lossy_proxy
from practice_customers import a_customer
from scripted_server import said

from clover_nb import TEST_CARDS, connect, forms, to_frame
from clover_nb.errors import APIConnectionError, OutcomeUnknownError
from clover_nb.forms.customer_record import render_cards
from clover_nb.forms.runner import WORKER


@pytest.fixture
def make_customer(clover):
    """Makes a customer with a card."""

    def make(name: str):
        token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
        email = f"{uuid.uuid4().hex[:12]}@example.com"
        return clover.customers.create(email=email, source=token, name=name)

    return make


@pytest.fixture
def ana(make_customer):
    """A customer that the desk's table knows."""
    return make_customer("Ana")


@pytest.fixture
def bea(make_customer):
    """Another one."""
    return make_customer("Bea")


@pytest.fixture
def desk(clover, ana, bea):
    """A desk with all customers in it, some of them Ana and Bea."""
    made = forms.desk(clover.customers.list(), clover=clover)
    yield made
    made.close()


class Gate:
    """Holds the first call up in its thread, after it was made, until it is opened."""

    def __init__(self, call):
        self._call = call
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, *args, **kwargs):
        result = self._call(*args, **kwargs)
        if not self.entered.is_set():
            self.entered.set()
            assert self.opened.wait(60)
        return result


def held_threads() -> list[threading.Thread]:
    """The threads that work for forms at this moment."""
    return [thread for thread in threading.enumerate() if thread.name == WORKER]


async def happens(condition):
    """Let the loop run until something is so."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def driver(desk) -> FormDriver:
    """The form that is open, as a browser has it."""
    return FormDriver(desk.form)


def words(html: str) -> str:
    """What of HTML is read."""
    return re.sub("<[^>]+>", "", html)


def test_it_reads_the_customers_itself_and_again(clover, ana):
    """And says how old they are."""
    desk = forms.desk(clover=clover)
    assert ana["id"] in desk.table.data.index
    assert desk.table.read_at > 0
    clover.customers.modify(ana["id"], name="Bo")
    desk.receive({"do": "refresh"})
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"


def test_reading_says_how_many_there_are(clover, ana, monkeypatch):
    """As far as it is known; nobody is told that there are no customers meanwhile."""
    gate = Gate(clover.customers.list)
    monkeypatch.setattr(clover.customers, "list", gate)

    async def scenario():
        desk = forms.desk(clover=clover)
        assert (desk.table.progress, desk.reading) == ("Reading the customers…", True)
        await happens(gate.entered.is_set)
        desk.receive({"do": "progress"})
        said = desk.table.progress
        gate.opened.set()
        await happens(lambda: not desk.reading)
        assert (desk.table.progress, desk.status) == ("", "")
        assert said == f"Reading the customers… {len(desk.table.data):,} so far"
        gate.opened.clear()
        desk.refresh()
        assert words(desk.status).startswith(f"Reading {len(desk.table.data):,} customers…")
        gate.opened.set()
        await happens(lambda: not desk.reading)

    asyncio.run(scenario())


def test_a_selected_customer_is_shown_with_details_cards_and_history(desk, clover, ana):
    """As Clover says it now."""
    clover.customers.modify(ana["id"], phone="555-0111")
    desk.table.selected_id = ana["id"]
    assert desk.row["phone"] == "555-0111"
    assert "555-0111" in desk.details
    assert "VISA •••• 4242" in desk.cards
    assert "<dt>Marketing allowed</dt><dd dir='auto'>no</dd>" in desk.details
    assert "phone: nothing → 555-0111" in desk.history
    desk.table.selected_id = ""
    assert (desk.row, desk.who, desk.details, desk.history) == (None, "", "", "")


def test_what_the_table_knows_is_shown_at_once(desk, clover, ana, monkeypatch):
    """While Clover is asked."""
    gate = Gate(clover.customers.retrieve)
    monkeypatch.setattr(clover.customers, "retrieve", gate)
    clover.customers.modify(ana["id"], phone="555-0111")

    async def scenario():
        desk.select(ana["id"])
        assert "Ana" in desk.who
        assert "555-0111" not in desk.details
        gate.opened.set()
        await happens(lambda: "555-0111" in desk.details)

    asyncio.run(scenario())


def test_a_saved_change_is_in_the_table_the_details_and_the_history(desk, ana):
    """Through the same form that stands alone."""
    desk.select(ana["id"])
    desk.receive({"do": "open", "name": "Edit contact"})
    driver(desk).type(name="Bo").submit()
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"
    assert "<dd dir='auto'>Bo</dd>" in desk.details
    assert "name: Ana → Bo" in desk.history


def test_the_table_shows_who_was_selected_last(clover, make_customer):
    """A click on a page that it has turned from since, as after a reload, turns it back.

    Who turns away from the selected customer stays there, also while that one is saved.
    """
    old = make_customer("Old")
    for _ in range(12):
        make_customer("Newer")
    desk = forms.desk(clover.customers.list(), clover=clover)
    shown = desk.table.view
    clicked = shown["ids"][0]
    desk.receive({"do": "select", "id": old["id"]})
    assert old["id"] in desk.table.view["ids"]
    assert clicked not in desk.table.view["ids"]
    desk.table.receive({"do": "select", "ids": [clicked], "click": 1})
    assert desk.customer_id == clicked
    assert desk.table.view == shown
    desk.table.receive({"do": "page", "page": 1})
    desk.open_form("Edit contact")
    FormDriver(desk.form).type(name="Newest").submit()
    assert clover.customers.retrieve(clicked)["name"] == "Newest"
    assert desk.table.view["page"] == 1
    desk.receive({"do": "select", "id": clicked})
    assert clicked in desk.table.view["ids"]
    desk.close()


def test_an_answer_that_comes_late_shows_nobody_else(desk, clover, ana, bea, monkeypatch):
    """Ana was asked for, then Bea selected; what is shown and edited is Bea."""
    gate = Gate(clover.customers.retrieve)
    monkeypatch.setattr(clover.customers, "retrieve", gate)

    async def scenario():
        desk.select(ana["id"])
        desk.open_form("Edit contact")
        await happens(gate.entered.is_set)
        late = held_threads()
        desk.offer_undo(next(clover.journal.of_customer(ana["id"])).number)
        desk.select(bea["id"])
        assert desk.undo_form is None, "it is about Ana"
        await happens(lambda: "created" in desk.history)
        gate.opened.set()
        await asyncio.to_thread(lambda: [thread.join() for thread in late])
        await asyncio.sleep(0)  # what it has handed to the loop comes first
        assert desk.row["id"] == desk.form.customer["id"] == bea["id"]
        assert "Ana" not in desk.who + desk.details

    asyncio.run(scenario())


def test_what_is_asked_now_and_then_waits_for_what_is_being_read(desk, clover, ana, monkeypatch):
    """Whether somebody else has changed the customer is asked again soon."""
    gate = Gate(clover.customers.retrieve)

    async def scenario():
        desk.select(ana["id"])
        await happens(lambda: desk.history)
        clover.customers.modify(ana["id"], name="Bo")
        monkeypatch.setattr(clover.customers, "retrieve", gate)
        desk.receive({"do": "retry"})
        await happens(gate.entered.is_set)
        desk.receive({"do": "news"})
        gate.opened.set()
        await happens(lambda: desk.row["name"] == "Bo")

    asyncio.run(scenario())


def test_a_card_says_whether_it_is_over_or_near():
    """With month and year as they stand on it."""
    first = dt.datetime.now(dt.UTC).astimezone().replace(day=1)
    states = {-1: "expired", 0: "expires this month", 32: "expires next month", 63: "\N{EM DASH}"}
    for days, state in states.items():
        month = first + dt.timedelta(days)
        card = {"card_brand": "VISA", "card_last4": "4242", "card_expiry": f"{month:%Y-%m}"}
        shown = words(render_cards({"source_ids": ["CARD"], **card}))
        assert f"•••• 4242{month:%m/%y}{state}Replace" in shown


async def leave_form(desk, gate, ana, bea, begin):
    """Begin something with Ana's contact that is held up, go on to Bea; the form that was left."""
    desk.select(ana["id"])
    await happens(lambda: desk.history)
    desk.open_form("Edit contact")
    form = desk.form
    begin(driver(desk))
    await happens(gate.entered.is_set)
    desk.select(bea["id"])
    return form


def test_a_save_that_ends_late_takes_nobody_back(desk, clover, ana, bea, monkeypatch):
    """Ana is saved while Bea is looked at: the table knows it, and Bea stays."""
    gate = Gate(clover.customers.modify)
    monkeypatch.setattr(clover.customers, "modify", gate)

    async def scenario():
        form = await leave_form(desk, gate, ana, bea, lambda ours: ours.type(name="Bo").submit())
        assert desk.form is not form
        gate.opened.set()
        await happens(lambda: desk.table.data.loc[ana["id"], "name"] == "Bo")
        assert desk.table.selected_id == desk.row["id"] == desk.form.customer["id"] == bea["id"]
        assert words(desk.status) == "Saved: Bo"
        assert form.comm is None, "it has nothing to say any more"

    asyncio.run(scenario())


def test_a_save_that_fails_late_says_whom_to_select(desk, clover, ana, bea, monkeypatch):
    """What was typed is there then, with the reason, and nothing that was agreed to."""

    def fail(*_args, **_kwargs):
        raise OutcomeUnknownError("Lost.", operation="modify", customer_id=ana["id"], sent={})

    gate = Gate(lambda *_, **__: None)
    monkeypatch.setattr(clover.customers, "modify", lambda *_, **__: gate() or fail())

    async def scenario():
        await leave_form(desk, gate, ana, bea, lambda ours: ours.type(name="Bo").submit())
        gate.opened.set()
        await happens(lambda: words(desk.status) == "Not saved yet: select Ana to see why.")
        desk.select(ana["id"])
        assert "not known whether this was saved" in driver(desk).status
        assert driver(desk).texts["name"] == "Bo"

    asyncio.run(scenario())


def test_a_look_that_ends_late_is_no_change_that_failed(desk, clover, ana, bea, monkeypatch):
    """Whether an address is taken is asked about a form that was put aside meanwhile."""
    gate = Gate(clover.customers.search)
    monkeypatch.setattr(clover.customers, "search", gate)

    def look(ours):
        ours.type(email="new@example.com").tell("leave", name="email")

    async def scenario():
        form = await leave_form(desk, gate, ana, bea, look)
        gate.opened.set()
        await happens(lambda: not form.busy)
        assert "Not saved" not in words(desk.status)

    asyncio.run(scenario())


def test_a_desk_that_is_closed_while_it_undoes_waits_for_that(
    desk, clover, ana, monkeypatch, capsys
):
    """The cell runs again: the next desk shows the customer as it is then."""
    clover.customers.modify(ana["id"], name="Bo")
    gate = Gate(clover.undo)
    monkeypatch.setattr(clover, "undo", gate)

    async def scenario():
        desk.select(ana["id"])
        await happens(lambda: desk.history)
        desk.offer_undo(next(clover.journal.of_customer(ana["id"])).number)
        FormDriver(desk.undo_form).submit()
        await happens(gate.entered.is_set)
        threading.Timer(0.1, gate.opened.set).start()
        desk.close()

    asyncio.run(scenario())
    assert "Undone: Ana" in capsys.readouterr().out


def test_a_form_at_work_gives_way_to_no_other(desk, clover, ana, monkeypatch):
    """Not to the one that a card's button leads to: what came of its work would never be said."""
    gate = Gate(clover.customers.delete_source)
    monkeypatch.setattr(clover.customers, "delete_source", gate)

    async def scenario():
        desk.select(ana["id"])
        await happens(lambda: desk.history)
        card = ana["source_ids"][0]
        desk.receive({"do": "remove", "card": card})
        form = desk.form
        driver(desk).tick().submit()
        await happens(gate.entered.is_set)
        desk.receive({"do": "remove", "card": card})
        assert desk.form is form
        gate.opened.set()
        await happens(lambda: form.row is not None)
        assert "Saved: Ana" in driver(desk).status

    asyncio.run(scenario())


def test_a_list_that_comes_late_does_not_hide_a_change(desk, clover, ana, monkeypatch):
    """All customers were asked for, one was changed and saved; then the list arrives."""
    gate = Gate(clover.customers.list)
    monkeypatch.setattr(clover.customers, "list", gate)

    async def scenario():
        desk.refresh()
        await happens(gate.entered.is_set)
        desk.select(ana["id"])
        desk.open_form("Edit contact")
        driver(desk).type(name="Bo").submit()
        await happens(lambda: not desk.form.is_busy)
        gate.opened.set()
        await happens(lambda: not desk.reading)
        assert desk.table.data.loc[ana["id"], "name"] == "Bo"

    asyncio.run(scenario())


def test_what_is_typed_is_kept_for_its_customer(desk, ana, bea):
    """The open form is about the selected customer, always; what was typed comes back with Ana."""
    desk.select(ana["id"])
    desk.open_form("Edit contact")
    driver(desk).type(name="Bo")
    desk.select(bea["id"])
    assert desk.form.customer["id"] == bea["id"]
    assert driver(desk).texts["name"] == "Bea"
    assert words(desk.status) == "What you typed about Ana is kept: it is there under Edit contact."
    desk.open_form("Shipping address")
    assert desk.form.customer["id"] == bea["id"]
    desk.select(ana["id"])
    assert (desk.opened, desk.form.customer["id"]) == ("Shipping address", ana["id"])
    desk.open_form("Edit contact")
    assert driver(desk).texts["name"] == "Bo"


def test_what_was_agreed_to_ends_with_the_customer(desk, clover, ana, bea):
    """Neither Bea's form nor Ana's own has the tick when the person comes back."""
    desk.select(ana["id"])
    desk.open_form("Attach a card")
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"].reveal()
    driver(desk).type(source=token, ecomind="ecom").tick("consent")
    for who in (bea, ana):
        desk.select(who["id"])
        form = driver(desk)
        assert (form.texts["consent"], form.texts["ecomind"]) == ("", "moto")
        assert not desk.form.token


def test_forms_that_nobody_sees_are_closed(desk, ana, bea):
    """But for those with something typed in them."""
    desk.select(ana["id"])
    for name in ("Edit contact", "Shipping address", "Attach a card", "New customer"):
        before = desk.form
        desk.open_form(name)
        assert before is None or before.comm is None
    desk.open_form("Edit contact")
    typed = desk.form
    driver(desk).type(name="Bo")
    desk.select(bea["id"])
    assert typed.comm is not None
    desk.close()
    assert typed.comm is desk.table.comm is desk.comm is None


def test_a_new_customer_is_selected_and_a_duplicate_leads_to_the_old_one(desk, clover, ana):
    """Even one that the table doesn't know yet; the new one's form stays until it is saved."""
    desk.table.data = desk.table.data.drop(ana["id"])
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"].reveal()
    desk.open_form("New customer")
    driver(desk).type(email=ana["email"], source=token).tick().submit().press("Show Ana")
    assert desk.table.selected_id == ana["id"]
    assert desk.form is None
    desk.open_form("New customer")
    form = driver(desk).type(source=token).tick()
    assert form.texts["email"] == ana["email"]
    form.submit().tick("sure").submit()
    assert desk.row["email"] == ana["email"]
    assert desk.table.selected_id == desk.row["id"] != ana["id"]
    assert words(desk.status) == f"Saved: {ana['email']}"
    assert desk.form is None


def test_a_card_that_was_attached_is_removed_by_the_form_that_asks_first(desk, clover, ana):
    """Nothing that gives a card away for good is called Undo, or done in one click."""
    desk.select(ana["id"])
    desk.open_form("Attach a card")
    token = clover.tokens.create(card=TEST_CARDS["amex"])["id"].reveal()
    form = driver(desk).type(source=token).tick().submit()
    assert form.buttons == ["Remove this card"]
    form.press("Remove this card")
    assert desk.opened == "Remove a card"
    removing = driver(desk)
    assert removing.texts["card"] == desk.row["source_ids"][0]
    removing.submit()
    assert removing.errors == {"gone": "Please tick this first."}
    assert clover.customers.retrieve(ana["id"])["card_count"] == 2
    removing.tick().submit()
    assert clover.customers.retrieve(ana["id"])["card_count"] == 1


def test_without_a_journal_all_but_the_history_is_there(practice, ana):
    """It says why."""
    with connect("local", journal=None, **practice.connection()) as clover:
        desk = forms.desk(clover.customers.list(), clover=clover)
        clover.customers.modify(ana["id"], name="Bo")
        desk.select(ana["id"])
        assert "<dd dir='auto'>Bo</dd>" in desk.details
    assert "No history: The journal is switched off." in desk.history
    assert desk.status == ""


def test_production_is_marked_and_asks_for_a_tick_before_anything_is_undone(ana):
    """As it does before any other change."""
    with connect("production", access_token="x", merchant_id="M1", writes=True) as production:
        desk = forms.desk(to_frame([ana.to_dict()]), clover=production)
        assert "PRODUCTION" in desk.heading
        desk.row = ana
        desk.offer_undo(1)
        undo = FormDriver(desk.undo_form).submit()
        assert undo.errors == {"production": "Please tick this first."}


def test_trouble_is_told_and_the_table_stays(desk, clover, monkeypatch):
    """The data is old, but there; what nobody foresaw ends in a sentence too."""
    before = desk.table.data

    def fail(error):
        def call(**_):
            raise error

        monkeypatch.setattr(clover.customers, "list", call)
        desk.refresh()

    fail(APIConnectionError("Clover could not be reached."))
    assert "could not be reached" in desk.status
    fail(KeyError("id"))
    assert "Something unexpected went wrong" in desk.status
    assert not desk.reading
    assert desk.table.data is before


def test_the_first_reading_that_fails_does_not_say_that_there_are_no_customers(clover, monkeypatch):
    """Nor that they are still being read."""

    def fail():
        raise KeyError("id")

    monkeypatch.setattr(clover.customers, "list", fail)
    desk = forms.desk(clover=clover)
    assert desk.table.progress == "The customers could not be read."
    assert "Something unexpected went wrong" in desk.status


def test_a_record_that_can_not_be_read_is_named_and_hides_nobody(scripted):
    """The desk says which; the others are there."""
    records = [{"id": "C1", "firstName": "Ana"}, 7, {"id": "C3", "firstName": "Cleo"}]
    scripted.answers = [said({"elements": records})]
    with scripted.connect(merchant_id="M1") as clover, pytest.warns(match="number 2"):
        desk = forms.desk(clover=clover)
    assert list(desk.table.data.index) == ["C1", "C3"]
    assert "number 2" in desk.table.progress
    desk.close()


def test_host_and_source_of_the_token_are_in_the_heading(desk):
    """A practice sandbox that was started here needs neither."""
    assert "at 127.0.0.1, token from an argument" in desk.heading


def test_a_customer_that_is_gone_is_told(desk, clover, ana):
    """When it is selected; its history is there."""
    clover.customers.delete(ana["id"])
    desk.select(ana["id"])
    assert "Customer not found" in desk.status
    assert "deleted" in desk.history


def test_an_unexpected_error_about_a_customer_is_told(desk, clover, ana, monkeypatch):
    """And selecting goes on."""

    def fail(_):
        raise KeyError("id")

    monkeypatch.setattr(clover.customers, "retrieve", fail)
    desk.select(ana["id"])
    assert "Something unexpected went wrong. Nothing was sent." in desk.status
    monkeypatch.undo()
    desk.table.selected_id = ""
    desk.select(ana["id"])
    assert "created" in desk.history


def undo_buttons(desk):
    """The names of the Undo buttons of the history."""
    return re.findall(r"aria-label='(Undo: [^']*)'", desk.history)


def ask_to_undo(desk, number=0) -> FormDriver:
    """Press one of them, as the browser tells of it."""
    entry = re.findall(r"data-entry='(\d+)'", desk.history)[number]
    desk.receive({"do": "undo", "entry": entry})
    return FormDriver(desk.undo_form)


def test_any_change_of_the_history_can_be_undone(desk, clover, ana):
    """After a look at what that would change; and it isn't offered as if nothing had happened."""
    clover.customers.modify(ana["id"], name="Bo")
    clover.customers.modify(ana["id"], name="Cy")
    desk.select(ana["id"])
    assert undo_buttons(desk) == ["Undo: changed, name: Bo → Cy"]
    undo = ask_to_undo(desk)
    assert words(undo.form.preview) == "What will changeFieldNowNewNameCyBo"
    assert clover.customers.retrieve(ana["id"])["name"] == "Cy"
    undo.submit()
    assert undo.status == "Undone: Bo"
    assert desk.table.data.loc[ana["id"], "name"] == "Bo"
    assert "<dd dir='auto'>Bo</dd>" in desk.details
    again = ["Undo: change undone, name: Cy → Bo", "Undo: changed, name: Ana → Bo"]
    assert undo_buttons(desk) == again
    assert "changed, undone since" in desk.history
    undo.press("Undo")
    assert clover.customers.retrieve(ana["id"])["name"] == "Cy"
    assert undo_buttons(desk) == ["Undo: change undone, name: Bo → Cy"]


def test_what_can_not_be_undone_after_all_says_why(desk, clover, ana):
    """Somebody else has changed it since the history was shown."""
    clover.customers.modify(ana["id"], name="Bo")
    desk.select(ana["id"])
    clover.customers.modify(ana["id"], name="Cy")
    undo = ask_to_undo(desk).submit()
    assert "can&#x27;t be undone" in undo.form.status
    assert "changed again since" in undo.form.status
    assert clover.customers.retrieve(ana["id"])["name"] == "Cy"


def test_the_form_that_undoes_goes_when_it_is_not_so_any_more(desk, clover, ana, bea):
    """With another customer or a change of this one; and with Escape."""
    clover.customers.modify(ana["id"], name="Bo")
    desk.select(ana["id"])
    undo = ask_to_undo(desk).form
    desk.receive({"do": "escape"})
    assert (desk.undo_id, undo.comm) == ("", None)
    ask_to_undo(desk)
    desk.select(bea["id"])
    assert desk.undo_id == ""
    desk.select(ana["id"])
    ask_to_undo(desk)
    desk.open_form("Edit contact")
    driver(desk).type(name="Cy").submit()
    assert desk.undo_id == ""


def test_the_history_shows_what_was_refused_or_is_unknown_as_such(desk, clover, ana, monkeypatch):
    """Neither looks as if it had been done, and neither can be undone."""
    journal = clover.journal
    end = journal.end
    for outcome in ("refused", "unknown", "not done"):
        monkeypatch.setattr(
            journal,
            "end",
            lambda entry, _outcome, outcome=outcome, **more: end(entry, outcome, **more),
        )
        clover.customers.modify(ana["id"], name=f"Name {outcome}")
    monkeypatch.undo()
    desk.select(ana["id"])
    lines = [words(line) for line in re.findall("<tr>.*?</tr>", desk.history)][1:]
    said = ["Did not reach Clover: change", "Not known whether it was done: change"]
    for line, what in zip(lines, [*said, "Refused by Clover: change", "created"], strict=True):
        assert what in line
    assert undo_buttons(desk) == []


@pytest.mark.parametrize(
    ("loss", "found"), [("answer", "It was done."), ("request", "Did not reach Clover.")]
)
def test_what_became_of_an_unknown_change_is_looked_up(practice, tmp_path, loss, found):
    """By a button beside it; nothing is sent."""
    with (
        lossy_proxy(practice) as proxy,
        proxy.connect(journal=tmp_path / "journal", on_unknown="raise") as clover,
    ):
        row = a_customer(clover, name="Ana")
        getattr(proxy, f"lose_{loss}")("PUT")
        with pytest.raises(OutcomeUnknownError):
            clover.customers.modify(row["id"], name="Bo")
        desk = forms.desk(clover.customers.list(), clover=clover)
        desk.select(row["id"])
        assert "Not known whether it was done: change" in desk.history
        name, entry = re.findall("data-entry='(.*?)' aria-label='(.*?)'", desk.history)[0][::-1]
        assert name == "Check again: Not known whether it was done: change, name: Ana → Bo"
        writes = proxy.writes()
        desk.receive({"do": "check", "entry": entry})
        assert words(desk.status) == found
        assert "Not known" not in desk.history
        assert bool(undo_buttons(desk)) == (loss == "answer")
        assert proxy.writes() == writes


COLLEAGUE = """
import json, sys
from clover_nb import connect
with connect("local", **json.loads(sys.argv[1])) as clover:
    clover.customers.modify(sys.argv[2], name=sys.argv[3])
"""


def test_what_somebody_else_changed_meanwhile_is_said_and_shown(practice, tmp_path):
    """By another process; of one's own changes, and of what is known, nothing is said."""
    settings = practice.connection() | {"journal": str(tmp_path / "journal")}

    def change(name):
        arguments = [json.dumps(settings), row["id"], name]
        subprocess.run([sys.executable, "-c", COLLEAGUE, *arguments], check=True, timeout=60)

    with connect("local", **settings) as clover:
        row = a_customer(clover, name="Ana")
        change("Ana Before")
        desk = forms.desk(clover.customers.list(), clover=clover)
        desk.select(row["id"])
        desk.receive({"do": "news"})
        assert desk.status == ""
        clover.customers.modify(row["id"], phone="555-0100")
        desk.receive({"do": "news"})
        assert desk.status == ""
        change("Ana After")
        assert "Ana Before" in words(desk.who)
        desk.receive({"do": "news"})
        assert "changed a moment ago under your own name" in words(desk.status)
        assert "Ana After" in words(desk.who)
        assert "Ana Before → Ana After" in words(desk.history)
        desk.close()


def test_a_change_that_stays_unclear_says_so(practice, clover, tmp_path):
    """Somebody has changed the customer since."""
    with (
        lossy_proxy(practice) as proxy,
        proxy.connect(journal=tmp_path / "journal", on_unknown="raise") as mine,
    ):
        row = a_customer(mine, name="Ana")
        proxy.lose_answer("PUT")
        with pytest.raises(OutcomeUnknownError):
            mine.customers.modify(row["id"], name="Bo")
        clover.customers.modify(row["id"], name="Cy")
        desk = forms.desk(mine.customers.list(), clover=mine)
        desk.select(row["id"])
        desk.check_again(int(mine.journal.frame().index[-1]))
        assert "Cy" in words(desk.status)
        assert "Not known whether it was done" in desk.history


def test_names_in_the_history_and_the_heading_are_text(desk, clover, ana):
    """Whatever somebody typed."""
    evil = "<img src=x onerror=alert(1)>"
    clover.customers.modify(ana["id"], name=evil)
    desk.select(ana["id"])
    desk.open_form("Edit contact")
    driver(desk).type(phone="555-0111").submit()
    shown = [desk.who, desk.details, desk.history, desk.status, desk.form.who, desk.form.status]
    assert [html for html in shown if "<img" in html] == []
    assert "&lt;img" in desk.who


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
    desk.table.receive({"do": "search", "text": asked})
    assert made["id"] in desk.table.filtered.index
    assert desk.table.view["matches"] < len(desk.table.data)


def test_an_outage_stands_there_until_clover_answers_again(desk, clover, ana, monkeypatch):
    """Asked again by itself, and gone by itself."""

    def fail(*_args, **_kwargs):
        raise APIConnectionError("Clover could not be reached.")

    with monkeypatch.context() as outage:
        outage.setattr(clover.customers, "retrieve", fail)
        desk.select(ana["id"])
        assert "could not be reached" in desk.outage
        desk.receive({"do": "retry"})
        assert "could not be reached" in desk.outage
        assert "Ana" in desk.who, "what is known is there"
    desk.receive({"do": "retry"})
    assert desk.outage == ""
    with monkeypatch.context() as outage:
        outage.setattr(clover.customers, "list", fail)
        desk.refresh()
        assert "could not be reached" in desk.outage
    desk.refresh()
    assert desk.outage == ""


def test_it_opens_at_a_customer_and_tells_what_can_be_copied(clover, ana):
    """Also at one that the list doesn't hold; the address is a block as on a parcel."""
    address = {"line1": "1 Main St", "city": "Boston", "state": "MA", "postal_code": "02108"}
    clover.customers.modify(ana["id"], shipping={"address": {**address, "country": "US"}})
    desk = forms.desk(to_frame([]), customer_id=ana["id"], clover=clover)
    assert desk.customer_id == ana["id"]
    assert desk.copies == {
        "id": ana["id"],
        "email": ana["email"],
        "address": "Ana\n1 Main St\nBoston, MA 02108\nUS",
    }
    desk.table.selected_id = ""
    assert (desk.customer_id, desk.copies) == ("", {})


def test_it_knows_whether_something_is_typed(desk, ana, bea):
    """In any form, also one that was put aside; cancelling ends it, and then closes the form."""
    desk.select(ana["id"])
    desk.open_form("Edit contact")
    assert not desk.typed
    driver(desk).type(name="Bo")
    desk.select(bea["id"])
    assert desk.typed
    desk.select(ana["id"])
    desk.receive({"do": "escape"})
    assert (driver(desk).texts["name"], desk.typed) == ("Ana", False)
    desk.receive({"do": "escape"})
    assert desk.form is None


def test_a_card_is_replaced_or_removed_from_its_row(desk, clover, ana):
    """The form that opens has that card chosen; the history says which one it was."""
    desk.select(ana["id"])
    card = desk.row["source_ids"][0]
    assert "VISA •••• 4242</td><td dir='auto'>12/35" in desk.cards
    desk.receive({"do": "replace", "card": card})
    assert (desk.opened, driver(desk).texts["replaces"]) == ("Attach a card", card)
    desk.receive({"do": "remove", "card": card})
    driver(desk).tick().submit()
    assert "VISA •••• 4242, expires 2035-12" in desk.history
    assert "No card on file." in desk.cards
