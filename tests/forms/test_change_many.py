"""Changing many, as the kernel sees it, message by message; the page is tried in a browser."""

from __future__ import annotations

import html
import json
import os
import re
import stat
from pathlib import Path

import pandas as pd
import pytest
from batch_rows import are_verified

from clover_nb import connect, forms, read_plan, sandbox
from clover_nb.bulk.rows import KINDS
from clover_nb.bulk.tables import MAX_BYTES, parse_table
from clover_nb.constants import TEST_CARDS
from clover_nb.errors import ValidationError
from clover_nb.forms import apply_process, change_rows, change_source
from clover_nb.forms.apply_progress import describe_duration

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
        return self.tell("next").tell("apply", plan=self.form.applying["plan"])

    @property
    def counts(self) -> dict[str, int]:
        found = self.form.review or self.form.results
        return {name: count for name, _, count in found["counts"]}

    @property
    def status(self) -> str:
        return html.unescape(re.sub("<[^>]+>", "", self.form.status))

    def rows(self, column: str) -> list[str]:
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
    assert browser.form.problems == {"file": "The row of the headings is a number, such as 2."}
    browser.edit(header="2", encoding="mac_roman").tell("read")
    assert browser.form.columns[1]["samples"] == ["Zoë"]
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
    assert found["Created"].note == "Is ignored: it can't be set"
    assert found["Notes"] == change_source.ColumnChoice("Notes", ["x"], "")


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


def test_every_doubt_has_words():
    """One that was added to the plans without them would have no box."""
    assert set(change_rows.DOUBTS) == set(KINDS)


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
    (changes,) = doubtful.rows("changes")
    assert changes.startswith("Phone: ")
    assert changes.endswith(" → +1 408 555 0199")
    doubtful.tell("filter", name="wrong")
    assert doubtful.rows("customer") == ["Bo Lee"]
    assert doubtful.rows("reasons")[0].startswith("Email is not an email address")
    doubtful.tell("filter", name="wrong")
    assert len(doubtful.rows("number")) == 7


def test_doubts_are_accepted_by_kind(doubtful):
    """All rows that have this doubt alone; unticked, they are doubtful again."""
    doubts = {name: count for name, _, count in doubtful.form.review["doubts"]}
    assert doubts == {"doubt address_doubtful": 2, "doubt same_customer": 2}
    doubtful.edit(doubt__address_doubtful="yes")
    assert doubtful.counts == {"create": 3, "modify": 1, "doubtful": 2, "wrong": 1}
    doubtful.tell("filter", name="doubtful")
    assert doubtful.rows("number") == ["7", "8"]
    doubtful.edit(doubt__address_doubtful="")
    assert doubtful.counts["doubtful"] == 4


def test_single_rows_are_decided_on(doubtful):
    """Accepted or left out, whatever is said of their kind; what is wrong stays wrong."""
    for row in (4, 7):
        doubtful.form.table.receive({"do": "tick", "id": str(row), "on": True, "click": row})
    assert doubtful.form.review["ticked"] == 2
    doubtful.tell("decide", decision="accepted")
    assert doubtful.counts == {"create": 1, "modify": 2, "doubtful": 3, "wrong": 1}
    assert doubtful.form.review["ticked"] == 0
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
    browser.apply()
    assert browser.form.step == "results"
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
    assert all("Address line 2: " in text for text in browser.rows("changes"))
    assert all("→ (empty)" in text for text in browser.rows("changes"))
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
    browser.tell("filter", name="failed")
    assert browser.rows("customer") == ["Ana A"]
    browser.tell("save_failed", kind="csv")
    content, (saved,) = browser.heard[-1]
    assert content["name"] == "failed.csv"
    assert parse_table(saved, "failed.csv")["email"].tolist() == ["a1@example.com"]
    browser.tell("undo")
    assert browser.form.step == "review"
    assert browser.counts == {"doubtful": 1}
    assert not browser.form.review["ready"]


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
        sandbox.start(seed=6, customers=20) as box,
        connect("local", **box.connection(), journal=tmp_path / "journal") as connection,
    ):
        yield connection


def wait_until_over(application) -> apply_process.ApplyStatus:
    status = None
    while status is None or not status.is_over:
        status = application.wait_for_news(status)
    return status


def test_the_process_gets_its_settings_where_nobody_else_sees_them(kept):
    """No token in its arguments, nor in a file; a session of its own; all is closed to others."""
    plan = kept.customers.plan(pd.DataFrame({"email": ["a1@example.com"], "name": ["Ana A"]}))
    application = apply_process.start_apply(kept, plan)
    process = application._worker._process
    arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
    token = "".join(kept.settings.access_token)
    assert token not in arguments
    assert os.getsid(process.pid) == process.pid
    folder = kept.journal.path.with_name("journal-plans")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert token not in path.read_text(encoding="utf-8")
    assert wait_until_over(application).state == "done"
    assert are_verified(application.batch)


def test_what_was_kept_of_a_plan_goes_when_its_end_was_seen(kept):
    """Until then another form offers it."""
    plan = kept.customers.plan(pd.DataFrame({"email": ["a1@example.com"], "name": ["Ana A"]}))
    assert wait_until_over(apply_process.start_apply(kept, plan)).state == "done"
    folder = kept.journal.path.with_name("journal-plans")
    browser = Browser(forms.change_many(clover=kept))
    assert browser.form.offered == "Batch 1 is done."
    browser.tell("open")
    assert browser.counts == {"done": 1}
    assert list(folder.iterdir()) == []
    browser.form.close()
    again = Browser(forms.change_many(clover=kept))
    assert again.form.offered == ""
    again.form.close()


def test_a_process_that_cannot_begin_says_why(kept):
    """In the place of the step, with the reason that it gave."""
    plan = kept.customers.plan(pd.DataFrame({"email": ["a1@example.com"], "name": ["Ana A"]}))
    plan.merchant = "ANOTHERMERCHT"
    status = wait_until_over(apply_process.start_apply(kept, plan))
    assert status.state == "failed"
    assert status.reason.startswith("The plan is of merchant ANOTHERMERCHT")


def test_plans_that_nobody_came_back_to_are_deleted(kept):
    """After as long as the journal keeps its entries."""
    folder = kept.journal.path.with_name("journal-plans")
    folder.mkdir()
    old, new = folder / "old.plan.jsonl", folder / "new.plan.jsonl"
    for path in (old, new):
        path.write_text(json.dumps({}))
    os.utime(old, (0, 0))
    plan = kept.customers.plan(pd.DataFrame({"email": ["a1@example.com"], "name": ["Ana A"]}))
    wait_until_over(apply_process.start_apply(kept, plan))
    assert (old.exists(), new.exists()) == (False, True)
