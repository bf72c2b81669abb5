"""Changing many, as the kernel sees it, message by message; the page is tried in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
import re
import threading

import pandas as pd
import psutil
import pytest
from batch_rows import are_verified, renaming_rows

from clover_nb import connect, forms, read_plan, sandbox
from clover_nb.bulk.tables import MAX_BYTES, parse_table
from clover_nb.constants import TEST_CARDS
from clover_nb.errors import JournalError, ValidationError
from clover_nb.forms import apply_process, change_source
from clover_nb.forms.apply_process import describe_duration
from clover_nb.journal.batches import Batches

VIEW = "view-1"
CHUNK = 512 * 1024


class Browser:
    """Does to the form what a page does, and reads what it would show."""

    def __init__(self, form) -> None:
        self.form, self.heard, self._number = form, [], 0
        form.send = lambda content, buffers=(): self.heard.append((content, buffers))

    def tell(self, do: str, edits=None, buffers=(), **more) -> Browser:
        self._number += 1
        made = {
            name: {"text": text, "number": self._number} for name, text in (edits or {}).items()
        }
        message = {"do": do, "view": VIEW, "number": self._number, "edits": made}
        self.form.receive(message | more, buffers)
        return self

    def edit(self, **texts: str) -> Browser:
        return self.tell("edit", {name.replace("__", " "): text for name, text in texts.items()})

    def send(self, content: bytes, name: str = "pasted cells") -> Browser:
        for start in range(0, len(content) or 1, CHUNK):
            part = content[start : start + CHUNK]
            place = {"upload": "u", "name": name, "size": len(content), "start": start}
            self.tell("chunk", buffers=[part], **place)
        return self

    def apply(self) -> Browser:
        return self.tell("go", step="apply").tell("apply", plan=self.form.applying["plan"])

    @property
    def counts(self) -> dict[str, int]:
        return {name: count for name, _, count in self.form.rows["counts"]}

    @property
    def status(self) -> str:
        return html.unescape(re.sub("<[^>]+>", "", self.form.status))

    def cells(self, column: str) -> list[str]:
        view = self.form.table.view
        place = [each["key"] for each in view["columns"]].index(column)
        return [cells[place] for cells in view["rows"]]


@pytest.fixture
def clover():
    """A sandbox whose customers are this test's alone; its journal is in memory."""
    with connect("local", seed=6) as connection:
        yield connection


@pytest.fixture
def browser(clover):
    """A form for a file."""
    form = forms.change_many(clover=clover)
    yield Browser(form)
    form.close()


def table(**columns: list[str]) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False, sep="\t").encode()


# -- the file --------------------------------------------------------------------------------------


def test_a_large_file_comes_in_parts(browser):
    """More than what one message may carry; each part is acknowledged."""
    rows = 2 * CHUNK // 30
    content = table(email=[f"p{n:06}@example.com" for n in range(rows)], name=["Ana Rivera"] * rows)
    browser.send(content, "big.csv")
    assert browser.form.upload == {"id": "u", "received": len(content)}
    assert browser.form.step == "columns"
    assert browser.form.summaries["file"].startswith(f"big.csv: {rows:,} rows, 2 columns; UTF-8")


def test_an_upload_that_another_one_overtook_is_dropped(browser):
    """What comes late of the first file doesn't get into the second."""
    browser.tell("chunk", buffers=[b"email\n"], upload="u1", name="a", size=7, start=0)
    browser.send(table(email=["a@example.com"]))
    browser.tell("chunk", buffers=[b"x"], upload="u1", name="a", size=7, start=6)
    assert browser.form.summaries["file"].startswith("pasted cells: 1 row, 1 column")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "There is nothing in this file."),
        (b"email,name\n", "There is nothing below the headings."),
        (b"email,name\na@example.com\n", "Row 2 has 1 values, and there are 2 headings."),
        (b"email,email\na,b\n", "The columns A and B have the same heading, 'email'."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_its_place(browser, content, told):
    """In a sentence, at the step of the file, and another one can be chosen."""
    browser.send(content, "spring.csv")
    assert browser.form.step == "file"
    assert browser.form.problems["file"].startswith(told)
    browser.send(table(email=["a@example.com"]))
    assert (browser.form.step, browser.form.problems) == ("columns", {})


def test_a_file_that_is_too_large_is_not_taken(browser):
    """Not even its first part."""
    place = {"upload": "u", "name": "a.csv", "size": MAX_BYTES + 1, "start": 0}
    browser.tell("chunk", buffers=[b"x" * 10], **place)
    assert browser.form.upload["received"] == 0


def test_a_file_is_read_again_as_somebody_says(browser):
    """With another encoding or another row of headings; what is wrong is said there."""
    browser.send("Kunden,\nemail,name\na@example.com,Zoë\n".encode("mac_roman"), "a.csv")
    browser.edit(header="two").tell("read")
    assert browser.form.problems == {"header": "The row of the headings is a number, such as 2."}
    browser.edit(header="2", encoding="mac_roman").tell("read")
    assert [each["help"] for each in browser.form.fields["columns"]] == ["a@example.com", "Zoë"]
    assert browser.form.values["texts"]["encoding"] == "mac_roman"


# -- the columns -----------------------------------------------------------------------------------


def test_what_is_sure_is_set_and_what_is_not_waits():
    """Synonyms are; two headings for one field are not; what can't be set says why."""
    content = b"Mail,Correo,ZIP,Notes,Created,Contact\na@example.com,b@example.com,94085,x,y,z\n"
    found = {each.heading: each for each in change_source.list_columns(parse_table(content, "a"))}
    assert found["ZIP"].field == "shipping_postal_code"
    assert (found["Correo"].field, found["Mail"].field) == ("", "")
    assert found["Mail"].note == "Another column can be the same field: choose"
    assert found["Created"].is_fixed
    assert found["Created"].note == "is ignored: it can't be set"
    assert found["Notes"] == change_source.ColumnChoice("Notes", ["x"], "")


def test_a_column_that_cannot_be_set_is_no_choice(browser):
    """It is said why; the others are, with values and what is to be said beside them."""
    browser.send(table(Seller=["a@example.com"], created=["2026-01-02"]))
    assert browser.form.notes["columns"] == ["Column 'created' is ignored: it can't be set."]
    (choice,) = browser.form.fields["columns"]
    assert (choice["label"], choice["help"]) == (
        "Seller",
        "a@example.com\nLooks like email: choose",
    )


def test_a_column_that_looks_like_emails_is_suggested():
    """By its values, where no heading says it."""
    (choice,) = change_source.list_columns(parse_table(b"Contact\na@example.com\n", "a"))
    assert (choice.field, choice.note) == ("", "Looks like email: choose")


def test_samples_are_three_different_values_without_card_numbers():
    """Short, and filled."""
    number = TEST_CARDS["visa"]["number"]
    lines = ["name", number, '""', "Ana", "Ana", "B" * 90, "Cy"]
    (choice,) = change_source.list_columns(parse_table("\n".join(lines).encode(), "a"))
    masked, *others = choice.samples
    assert number not in masked
    assert others == ["Ana", "B" * 59 + "…"]


def test_a_field_that_is_chosen_twice_is_told_at_both(browser):
    """Nothing is planned before one is left out."""
    browser.send(table(email=["a@example.com"], other=["b@example.com"]))
    browser.edit(column__1="email").tell("plan")
    told = "Email is chosen twice: leave one out."
    assert browser.form.problems == {"column 0": told, "column 1": told}
    browser.edit(column__1="").tell("plan")
    assert browser.form.step == "review"


def test_a_table_that_names_nobody_is_told_at_its_columns(browser):
    """With what to choose."""
    browser.send(table(remark=["x"])).tell("plan")
    assert browser.form.step == "columns"
    assert "none of id, email" in browser.form.problems["columns"]


# -- the review ------------------------------------------------------------------------------------


@pytest.fixture
def doubtful(browser, clover):
    """A plan with a new customer, one to change, a wrong row, and two of each of two doubts."""
    known, other = clover.customers.list().dropna(subset="email").iloc[:2].to_dict("records")
    street = {"line1": "1 Elm St", "city": "Albany", "state": "NY", "zip": "94085"}
    rows = [
        {"email": "new@example.com", "name": "Ana Rivera"},
        {"email": known["email"], "phone": "+1 408 555 0199"},
        {"email": "wrong@", "name": "Bo Lee"},
        {"email": "d1@example.com", "name": "Cy Young", **street},
        {"email": "d2@example.com", "name": "Di Young", **street},
        {"email": other["email"], "phone": "+1 408 555 0101"},
        {"email": other["email"], "phone": "+1 408 555 0102"},
    ]
    browser.send(table(**pd.DataFrame(rows).fillna("").to_dict("list"))).tell("plan")
    return browser


def test_the_review_shows_only_what_changes_and_every_reason(doubtful):
    """Before and after, by the names of the form; counts that filter the rows."""
    assert doubtful.counts == {"create": 1, "modify": 1, "doubtful": 4, "wrong": 1}
    doubtful.tell("filter", name="modify")
    (changes,) = doubtful.cells("changes")
    assert changes.startswith("Phone: ")
    assert changes.endswith(" → +1 408 555 0199")
    doubtful.tell("filter", name="wrong")
    assert doubtful.cells("customer") == ["Bo Lee"]
    assert doubtful.cells("reasons")[0].startswith("Email is not an email address")
    assert doubtful.form.rows["filter"] == "wrong"
    doubtful.tell("filter", name="")
    assert len(doubtful.cells("row")) == 7


def test_doubts_are_accepted_by_kind(doubtful):
    """All rows that have this doubt alone; unticked, they are doubtful again."""
    assert {each["name"]: each["label"] for each in doubtful.form.fields["doubts"]} == {
        "doubt address_doubtful": "the address is doubtful (2 rows)",
        "doubt same_customer": "another row is the same customer (2 rows)",
    }
    doubtful.edit(doubt__address_doubtful="yes")
    assert doubtful.counts == {"create": 3, "modify": 1, "doubtful": 2, "wrong": 1}
    doubtful.tell("filter", name="doubtful")
    assert doubtful.cells("row") == ["7", "8"]
    doubtful.edit(doubt__address_doubtful="")
    assert doubtful.counts["doubtful"] == 4


def test_a_row_with_two_doubts_waits_for_both(browser, clover):
    """To accept one of them says nothing of the other."""
    known = clover.customers.list().dropna(subset="email").iloc[0]
    street = {"line1": "1 Elm St", "city": "Albany", "state": "NY", "zip": "94085"}
    rows = [
        {"email": known["email"], **street},
        {"email": known["email"], **street, "zip": "94086"},
    ]
    browser.send(table(**pd.DataFrame(rows).to_dict("list"))).tell("plan")
    browser.edit(doubt__same_customer="yes")
    assert browser.counts == {"doubtful": 2}
    browser.edit(doubt__address_doubtful="yes")
    assert browser.counts == {"modify": 2}


def test_single_rows_are_decided_on(doubtful):
    """Accepted or left out, whatever is said of their kind; what is wrong stays wrong."""
    for row in (4, 7):
        doubtful.form.table.receive({"do": "tick", "id": str(row), "on": True, "click": row})
    assert doubtful.form.rows["ticked"] == 2
    doubtful.tell("decide", decision="accepted")
    assert doubtful.counts == {"create": 1, "modify": 2, "doubtful": 3, "wrong": 1}
    assert doubtful.form.rows["ticked"] == 0
    doubtful.edit(doubt__same_customer="yes")
    doubtful.form.table.receive({"do": "tick", "id": "7", "on": True, "click": 9})
    doubtful.tell("decide", decision="skipped")
    assert doubtful.counts["skipped"] == 1
    doubtful.form.table.receive({"do": "tick", "id": "7", "on": True, "click": 11})
    doubtful.tell("decide", decision=None)
    assert "skipped" not in doubtful.counts


def test_the_plan_is_saved_by_the_browser(doubtful, tmp_path):
    """As it was decided on; it can be applied elsewhere."""
    doubtful.edit(doubt__same_customer="yes").tell("save")
    (content, (saved,)) = doubtful.heard[-1]
    path = tmp_path / content["name"]
    path.write_bytes(saved)
    assert read_plan(path).counts == doubtful.form.plan.counts


def test_an_edit_makes_what_was_planned_no_more(doubtful):
    """Nothing is applied that was planned with other columns."""
    plan = doubtful.form.plan.id
    doubtful.tell("go", step="columns").edit(empty="clear")
    assert doubtful.form.plan is None
    doubtful.tell("apply", plan=plan)
    assert doubtful.form.step == "columns"


def test_no_card_number_gets_anywhere(browser, clover, capfd):
    """Into nothing that the form shows, keeps or sends."""
    number = TEST_CARDS["visa"]["number"]
    browser.send(table(email=["new@example.com"], name=[number], phone=["555-0100"])).tell("plan")
    assert browser.counts == {"wrong": 1}
    browser.tell("save")
    held = [str(browser.form.get_state()), str(browser.form.table.get_state()), str(browser.heard)]
    assert not [text for text in held if number in re.sub(r"[\s-]", "", text)]


# -- one field for several -------------------------------------------------------------------------


def test_one_field_is_set_for_several(clover):
    """The same plan, review and application."""
    customers = clover.customers.list().iloc[:3]
    browser = Browser(forms.change_many(customers, clover=clover))
    assert browser.form.step == "set"
    browser.edit(field="phone", phone=" +1 408 555 0177 ").tell("plan")
    assert browser.counts == {"modify": 3}
    assert browser.cells("customer") == customers["name"].tolist()
    browser.apply()
    assert browser.form.step == "results"
    assert browser.cells("customer") == customers["name"].tolist()
    phones = clover.customers.list().loc[customers.index, "phone"]
    assert set(phones) == {"+1 408 555 0177"}
    browser.form.close()


def test_an_address_for_several_takes_the_place_of_all_its_parts(clover):
    """No second line of the old one stays."""
    customers = clover.customers.list()
    customers = customers.dropna(subset=["shipping_line1", "email"]).iloc[:2]
    for key in customers.index:
        clover.customers.modify(key, shipping={"address": {"line2": "Floor 2"}})
    browser = Browser(forms.change_many(customers, clover=clover))
    browser.edit(field="address", shipping_line1="1 Elm St", shipping_city="Sunnyvale")
    browser.edit(shipping_state="CA", shipping_postal_code="94085").tell("plan")
    assert browser.counts == {"modify": 2}
    assert all("Address line 2: " in text for text in browser.cells("changes"))
    assert all("→ (empty)" in text for text in browser.cells("changes"))
    browser.form.close()


def test_nobody_is_refused(clover):
    """A table without a row, as of a search that found nothing."""
    with pytest.raises(ValidationError, match="There are no customers"):
        forms.change_many(clover.customers.list().iloc[:0], clover=clover)


# -- applying --------------------------------------------------------------------------------------


def test_rows_that_failed_are_saved_and_the_batch_is_undone(browser, clover):
    """The file can be fed again; undoing is a plan that is reviewed again."""
    browser.send(table(email=["a1@example.com", "b1@example.com"], name=["Ana A", "Bo B"]))
    browser.tell("plan")
    clover.sandbox.fail_next("400", times=1, method="POST", path="/customers")
    browser.apply()
    assert browser.form.step == "results"
    assert browser.counts == {"done": 1, "failed": 1}
    assert browser.status == "It has ended, and 1 row failed: look at the reasons."
    browser.tell("filter", name="failed")
    assert browser.cells("customer") == ["Ana A"]
    browser.tell("save_failed", kind="csv")
    content, (saved,) = browser.heard[-1]
    assert content["name"] == "failed.csv"
    assert parse_table(saved, "failed.csv")["email"].tolist() == ["a1@example.com"]
    browser.tell("undo")
    assert browser.form.step == "review"
    assert browser.counts == {"doubtful": 1}
    assert browser.cells("customer") == ["Bo B"], "who is deleted for good"
    assert not browser.form.ready


def test_production_asks_for_a_tick(browser, clover, monkeypatch):
    """Each time; nothing is begun without."""
    monkeypatch.setattr(type(clover), "environment", "production")
    browser.send(table(email=["a1@example.com"], name=["Ana A"])).tell("plan").apply()
    assert browser.form.step == "apply"
    assert browser.form.problems == {"live": "Please tick this first."}
    assert browser.form.batch is None
    browser.edit(live="yes").tell("apply", plan=browser.form.applying["plan"])
    assert browser.counts == {"done": 1}
    assert browser.form.values["texts"]["live"] == ""


def test_the_tick_is_asked_for_only_where_something_would_be_sent(browser, clover, monkeypatch):
    """Before it is applied, and where rows are left; not when all is done."""
    monkeypatch.setattr(type(clover), "environment", "production")
    browser.send(table(email=["a1@example.com", "b1@example.com"], name=["Ana A", "Bo B"]))
    asked = lambda: [each["name"] for each in browser.form.fields["confirm"]]  # noqa: E731
    browser.tell("plan")
    assert asked() == []
    browser.tell("go", step="apply")
    assert asked() == ["live"]
    clover.sandbox.fail_next("401", times=1, method="POST", path="/customers")
    browser.edit(live="yes").tell("apply", plan=browser.form.applying["plan"])
    assert browser.counts == {"left": 2}
    assert asked() == ["live"]
    browser.tell("resume")
    assert browser.form.problems == {"live": "Please tick this first."}
    browser.edit(live="yes").tell("resume")
    assert browser.counts == {"done": 2}
    assert asked() == []


def test_read_only_production_says_so(browser, clover, monkeypatch):
    """The plan can be made and saved, and is not applied."""
    monkeypatch.setattr(type(clover.settings), "may_write", False)
    browser.send(table(email=["a1@example.com"], name=["Ana A"])).tell("plan").apply()
    assert browser.form.problems["apply"].startswith("Read-only")
    assert browser.form.batch is None


def test_words_for_how_long_it_takes():
    """Rounded as people say it."""
    say = describe_duration
    assert [say(n) for n in (0, 29, 60, 61, 3600, 6450)] == [
        "about 5 seconds",
        "about 30 seconds",
        "about 1 minute",
        "about 2 minutes",
        "about 1 hour",
        "about 1 hour 48 minutes",
    ]


# -- a process of its own --------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path):
    """A connection whose journal is a file, so that another process applies a plan."""
    with (
        sandbox.start(seed=6, customers=24) as box,
        connect("local", **box.connection(), journal=tmp_path / "journal") as connection,
    ):
        yield connection


def plan_one(clover):
    """A plan of one new customer."""
    return clover.customers.plan(pd.DataFrame({"email": ["a1@example.com"], "name": ["Ana A"]}))


def start(clover, plan):
    """Start to apply a plan, as the form does."""
    return apply_process.start_apply(clover, clover.customers.prepare_batch(plan))


def find_process():
    """The process that applies a plan, once it is there."""
    while True:
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "resume" in child.cmdline():
                    return child


def follow(application, until) -> apply_process.ApplyStatus:
    """How far it is when this is so."""
    while not until(application.status):
        application.update(application.read_status())
    return application.status


def wait_until_over(application) -> apply_process.ApplyStatus:
    return follow(application, lambda status: status.state != "running")


def test_the_process_gets_its_settings_where_nobody_else_sees_them(kept, tmp_path):
    """No token in its arguments nor in a file, and no file but the journal; its own session."""
    before = set(tmp_path.iterdir())
    application = start(kept, plan_one(kept))
    process = find_process()
    token = "".join(kept.settings.access_token)
    assert token not in " ".join(process.cmdline())
    assert os.getsid(process.pid) == process.pid
    assert wait_until_over(application).state == "done"
    assert are_verified(application.batch)
    assert set(tmp_path.iterdir()) == before
    assert not [path for path in before if token.encode() in path.read_bytes()]


def test_who_opens_another_form_is_offered_what_came_of_the_last_batch(kept):
    """Also later, so that it can still be taken back; of a colleague's nothing is said."""
    assert wait_until_over(start(kept, plan_one(kept))).state == "done"
    browser = Browser(forms.change_many(clover=kept))
    assert browser.form.offered == "Batch 1 is done."
    browser.tell("open")
    assert browser.counts == {"done": 1}
    assert browser.form.offered == ""
    browser.tell("undo")
    assert browser.counts == {"doubtful": 1}
    browser.form.close()
    kept.journal.person = "Bo"
    colleague = Browser(forms.change_many(clover=kept))
    assert colleague.form.offered == ""
    colleague.form.close()


def test_a_batch_that_was_begun_elsewhere_is_gone_on_with(kept):
    """Such as by a kernel that died before the first row was sent: no plan is needed for it."""
    kept.customers.prepare_batch(plan_one(kept))
    browser = Browser(forms.change_many(clover=kept))
    assert browser.form.offered == "Batch 1 has stopped with 1 row left."
    browser.tell("open")
    assert browser.counts == {"left": 1}
    browser.tell("resume")
    assert browser.counts == {"done": 1}
    browser.form.close()


def test_a_form_that_is_closed_while_it_starts_to_apply_is_followed_by_the_next(kept):
    """As when the cell runs again at once: it isn't said that it has stopped with rows left."""
    browser = Browser(forms.change_many(clover=kept))
    browser.send(table(email=["a1@example.com"], name=["Ana A"])).tell("plan")

    async def apply_and_close():
        browser.apply()
        assert browser.status == "Starting…"
        browser.form.close()

    asyncio.run(apply_and_close())
    found = apply_process.find_apply(kept)
    assert found.status.state != "stopped"
    assert wait_until_over(found).state == "done"


def test_a_form_that_starts_to_apply_gives_way_to_no_other(clover, monkeypatch):
    """Though others are ticked by then: nobody on the desk waits until it has started."""
    desk = forms.desk(clover.customers.list(limit=2), clover=clover)
    begun, may_begin = threading.Event(), threading.Event()

    def hold(*_):
        begun.set()
        may_begin.wait()

    monkeypatch.setattr(apply_process.Application, "await_begin", hold)

    async def tick_another():
        first, second = desk.table.data.index
        desk.table.receive({"do": "tick", "id": first, "click": 1, "on": True})
        desk.receive({"do": "many"})
        browser = Browser(desk.many)
        browser.edit(field="phone", phone="408 555 0177").tell("plan")
        while browser.form.plan is None:
            await asyncio.sleep(0.01)
        browser.apply()
        assert await asyncio.to_thread(begun.wait, 60)
        desk.table.receive({"do": "tick", "id": second, "click": 2, "on": True})
        releasing = threading.Timer(1, may_begin.set)  # for whoever waits all the same
        releasing.start()
        desk.receive({"do": "many"})
        assert desk.many is browser.form
        may_begin.set()
        releasing.cancel()
        while not browser.form.work.is_applying and browser.form.batch is None:
            await asyncio.sleep(0.01)

    asyncio.run(tick_another())
    desk.close()


@contextlib.contextmanager
def being_applied(clover):
    """A batch that is being applied all the while."""
    begun, may_end = threading.Event(), threading.Event()

    def hold(_):
        begun.set()
        may_end.wait()

    rows = pd.DataFrame({"email": ["b1@example.com"], "name": ["Bo B"]})
    batch = clover.customers.prepare_batch(clover.customers.plan(rows))
    holder = threading.Thread(target=batch.resume, kwargs={"progress": hold})
    holder.start()
    begun.wait()
    try:
        yield
    finally:
        may_end.set()
        holder.join()


def test_a_process_that_cannot_begin_says_why(kept):
    """With the reason that it gave; the rows wait."""
    with being_applied(kept):
        application = start(kept, plan_one(kept))
        status = wait_until_over(application)
    assert (status.state, status.progress.left) == ("stopped", 1)
    assert status.reason.startswith("Batch 1 is being applied by")


def test_what_a_colleague_applies_is_shown_before_what_ended(kept):
    """One applies at a time, so whoever opens the form follows that."""
    with being_applied(kept):
        kept.journal.person = "Bo"
        kept.customers.prepare_batch(plan_one(kept))
        found = apply_process.find_apply(kept)
        assert (found.batch.number, found.is_over) == (1, False)


@pytest.mark.long
def test_a_process_that_is_killed_leaves_rows_to_go_on_with(kept):
    """It is not said that it had not begun; each row is sent once."""
    table = renaming_rows(kept.customers.list(), 24)
    application = start(kept, kept.customers.plan(table))
    follow(application, lambda status: status.progress.done)
    find_process().kill()
    status = wait_until_over(application)
    assert (status.state, status.reason) == ("stopped", "Its process was ended.")
    assert status.progress.left
    assert (
        application.describe_end() == f"Batch 1 has stopped with {status.progress.left} rows left."
    )
    assert wait_until_over(apply_process.start_apply(kept, application.batch)).state == "done"
    assert are_verified(application.batch)


def test_a_journal_that_is_away_for_a_while_ends_nothing(browser, clover, monkeypatch):
    """It is said; the form goes on to follow, and shows the results."""
    told, answers = [], iter([True, False])
    count = Batches.count_states

    def count_states(self, number):
        if next(answers, True):
            return count(self, number)
        raise JournalError("The journal is away.")

    monkeypatch.setattr(Batches, "count_states", count_states)
    browser.form.observe(lambda change: told.append(change.new), "problems")
    browser.send(table(email=["a1@example.com"], name=["Ana A"])).tell("plan").apply()
    assert {"apply": "The journal is away."} in told
    assert (browser.form.problems, browser.counts) == ({}, {"done": 1})
