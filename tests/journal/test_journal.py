"""What the journal holds of each change, who can read it, and what can be undone."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
import time
import uuid
from contextlib import suppress

import pandas as pd
import pytest
from practice_requests import requests_during
from scripted_server import BRIEF, said

from clover_nb import TEST_CARDS, connect, errors
from clover_nb.cli import doctor
from clover_nb.errors import EditConflictError, JournalError, ValidationError
from clover_nb.journal import registry as journals
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal

ADDRESS = {"line1": "415 N Mathilda Ave", "city": "Sunnyvale", "state": "CA"}


@pytest.fixture
def clover(practice, tmp_path):
    with connect("local", journal=tmp_path / "journal", **practice.connection()) as connection:
        yield connection


def a_token(clover, card="visa"):
    return clover.tokens.create(card=TEST_CARDS[card])["id"]


def a_customer(clover, **fields):
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    return clover.customers.create(email=email, source=a_token(clover), **fields)


def last(clover):
    return clover.journal.frame().iloc[-1]


def test_each_change_is_written_down(clover):
    """Who, where, what, before, after and the outcome."""
    row = a_customer(clover, name="Ana", consent=True)
    made = last(clover)
    assert made["operation"] == "create"
    assert made["customer_id"] == row["id"]
    assert made["outcome"] == "done"
    assert made["consent"]
    assert made["merchant"] == clover.settings.merchant_id
    assert made["host"] in clover.settings.ecommerce_url
    assert made["person"]
    assert made["request_id"]
    assert made["before"] is None
    assert made["after"]["name"] == "Ana"
    assert abs(pd.Timestamp.now("UTC") - made["time"]) < pd.Timedelta(minutes=5)

    clover.customers.modify(row["id"], name="Bea")
    changed = last(clover)
    assert (changed["operation"], changed["before"]["name"]) == ("modify", "Ana")
    assert (changed["sent"]["name"], changed["after"]["name"]) == ("Bea", "Bea")

    clover.customers.delete_source(row["id"], row["source_ids"][0])
    deleted = last(clover)
    assert deleted["operation"] == "delete_source"
    assert deleted["before"]["card_last4"] == "4242"


def test_one_customers_part_of_it_is_as_the_whole(clover):
    """The same lines and types, without those of others."""
    row, other = a_customer(clover, name="Ana"), a_customer(clover)
    clover.customers.modify(row["id"], name="Bea")
    whole = clover.journal.frame()
    part = clover.journal.frame(customer_id=row["id"])
    pd.testing.assert_frame_equal(part, whole[whole["customer_id"] == row["id"]])
    assert list(part["operation"]) == ["create", "modify"]
    assert list(clover.journal.frame(customer_id=other["id"])["operation"]) == ["create"]


def test_a_refusal_is_written_down(clover):
    """With its outcome."""
    row = a_customer(clover)
    with pytest.raises(errors.AlreadyOnFileError):
        clover.customers.add_source(row["id"], a_token(clover), consent=True)
    assert last(clover)["outcome"] == "refused"


def test_it_is_written_before_it_is_sent(scripted, tmp_path):
    """A program that dies in the middle leaves an open entry."""
    file = tmp_path / "journal"
    seen = []

    class Answers(list):
        def __getitem__(self, index):
            with sqlite3.connect(file) as other:
                seen.extend(other.execute("SELECT operation, outcome FROM entries").fetchall())
            other.close()
            return said({"id": "7QK2M9ZX4T0BC"})

        def __len__(self):
            return 1

    scripted.answers = Answers()
    with scripted.connect(journal=file) as clover:
        clover.customers.create(email="ana@example.com", source="clv_1TSTS")
    assert seen == [("create", "open")]


def test_secrets_and_card_numbers_are_not_in_the_file(clover, tmp_path):
    """Card tokens are masked, and so is a card number that stands in a record at Clover."""
    token = a_token(clover, "mastercard")
    row = a_customer(clover)
    clover.customers.add_source(row["id"], token, consent=True)
    number = TEST_CARDS["visa"]["number"]
    before = {"name": f"Ana {number}", "cards": [{"token": token.reveal()}]}
    journal = clover.journal
    journal.end(journal.begin(Write("modify", "X", {}, before), host="h", merchant=None), "done")
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("journal*"))
    assert b"add_source" in kept
    for secret in (token.reveal(), number, clover.settings.access_token.reveal()):
        assert secret.encode() not in kept


def test_only_its_owner_can_read_it(clover, tmp_path):
    """Mode 0600, the companions of the file too, also where it was wider before."""
    a_customer(clover)
    files = list(tmp_path.glob("journal*"))
    assert len(files) == 5  # the database with its two companions, and two locks
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_default_file_is_in_the_users_folder(monkeypatch, tmp_path):
    """For Clover's sandbox and production; a local sandbox's journal is in memory."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert journals.default_path() == tmp_path / "clover-nb" / "journal.sqlite3"
    with connect("sandbox", access_token="x") as clover:
        assert clover.journal.path == journals.default_path()
        assert stat.S_IMODE((tmp_path / "clover-nb").stat().st_mode) == 0o700
    with connect("local", seed=1) as clover:
        assert clover.journal.path is None


def test_a_user_without_a_home_is_told_so(monkeypatch):
    """As in some containers: nobody is known by this number, and no variable says where it is."""
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    assert journals.default_path().is_absolute()  # imports what another user may not read

    def as_nobody_known():
        os.setuid(54321)
        with pytest.raises(JournalError, match=r"has no home.*HOME"):
            connect("sandbox", access_token="x", merchant_id="M1")
        connect("sandbox", access_token="x", merchant_id="M1", journal=None).close()
        (finding,) = doctor._check_journal()
        assert (finding.good, "has no home" in finding.what) == (False, True)

    child = multiprocessing.get_context("fork").Process(target=as_nobody_known)
    child.start()
    child.join()
    assert child.exitcode == 0


def test_connections_to_one_local_sandbox_share_its_journal(practice):
    """What one has changed, the other can undo."""
    with (
        connect("local", **practice.connection()) as one,
        connect("local", **practice.connection()) as other,
    ):
        row = a_customer(one)
        assert other.journal.frame()["customer_id"].iloc[-1] == row["id"]


def test_it_can_be_switched_off(practice):
    """Changes go on, and asking for it says how to have one."""
    with connect("local", journal=None, **practice.connection()) as clover:
        a_customer(clover)
        with pytest.raises(errors.SettingsError, match="switched off"):
            _ = clover.journal


def test_old_entries_are_deleted(tmp_path):
    """After the days of the setting."""
    journal = Journal(tmp_path / "journal")
    for _ in range(2):
        journal.end(journal.begin(Write("modify", "X", {}), host="h", merchant=None), "done")
    with sqlite3.connect(tmp_path / "journal") as db:
        db.execute("UPDATE entries SET time = ? WHERE entry = 1", (time.time() - 8 * 86400,))
    db.close()
    assert list(Journal(tmp_path / "journal", retention_days=7).frame().index) == [2]


def test_an_entry_of_a_machine_without_a_clock_is_as_old_as_by_clovers(tmp_path):
    """It stood at 1970 when the entry was written, and is right by now."""
    journal = Journal(tmp_path / "journal")
    for clover_time in (time.time(), time.time() - 8 * 86400, None):
        entry = journal.begin(
            Write("modify", "X", {}), host="h", merchant=None, clover_time=clover_time
        )
        journal.end(entry, "done")
    with sqlite3.connect(tmp_path / "journal") as db:
        db.execute("UPDATE entries SET time = 60.0")
    db.close()
    assert list(Journal(tmp_path / "journal", retention_days=7).frame().index) == [1]


def test_an_empty_journal_has_its_columns():
    """The same types as a full one."""
    journal = Journal()
    empty = journal.frame()
    journal.begin(Write("modify", "X", {}, consent=True), host="h", merchant=None)
    assert empty.empty
    assert (journal.frame().dtypes == empty.dtypes).all()


@pytest.mark.parametrize("content", [b"this is no database" * 100, None])
def test_what_can_not_be_written_down_is_not_sent(scripted, tmp_path, content):
    """The error names the file and says what to do."""
    file = tmp_path / "journal"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(JournalError, match="journal=None"):
        scripted.connect(journal=file)


def test_a_change_that_is_made_does_not_fail_for_the_journal(scripted, tmp_path, caplog):
    """It can't be completed there, which is logged."""
    file = tmp_path / "journal"

    class Answers(list):
        def __getitem__(self, index):
            with sqlite3.connect(file) as other:
                other.execute("DROP TABLE entries")
            other.close()
            return said({"id": "7QK2M9ZX4T0BC"})

        def __len__(self):
            return 1

    scripted.answers = Answers()
    with scripted.connect(journal=file) as clover:
        row = clover.customers.create(email="ana@example.com", source="clv_1TSTS")
    assert row["id"] == "7QK2M9ZX4T0BC"
    assert "could not be written down" in caplog.text


def test_what_could_not_be_completed_is_as_soon_as_there_is_room(clover, practice, caplog):
    """A full disk, for example. Until then nothing more is sent, and the journal can be read."""
    row = a_customer(clover, name="Ana")
    clover.customers.modify(row["id"], note="漢" * 2000)  # longer than a page of the file
    journal = clover.journal

    def ask(setting):
        with journal.database.connect() as db:
            return db.exec_driver_sql(f"PRAGMA {setting}").scalar_one()

    entry, most = last(clover).name + 1, ask("max_page_count")
    for pages in itertools.count(ask("page_count")):
        ask(f"max_page_count = {pages}")
        with suppress(JournalError):
            clover.customers.modify(row["id"], phone="555-0100")
            break
    assert "could not be written down" in caplog.text
    assert journal.frame()["outcome"].loc[entry] == "open"
    with requests_during(practice) as sent, pytest.raises(JournalError, match="full"):
        clover.customers.modify(row["id"], phone="555-0199")
    assert {request["method"] for request in sent} == {"GET"}
    ask(f"max_page_count = {most}")
    assert clover.resolve(entry).outcome == "done"
    clover.customers.modify(row["id"], phone="555-0142")
    assert set(journal.frame()["outcome"]) == {"done"}


def test_a_deleted_customer_is_forgotten(clover, tmp_path):
    """What the journal knew of them is gone; that something happened stays."""
    row = a_customer(clover, name="Zaphod Beeblebrox")
    clover.customers.modify(row["id"], name="Ford Prefect")
    assert clover.customers.delete(row["id"])["deleted"]
    table = clover.journal.frame()
    assert list(table["operation"]) == ["create", "modify", "delete"]
    assert table[["before", "after"]].isna().all(axis=None)
    assert "Zaphod" not in str(table.to_dict())
    with pytest.raises(errors.NotFoundError):
        clover.customers.retrieve(row["id"])


# -- what a dead process has left ------------------------------------------------------------------

LEAVE_OPEN = """
import sys
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal
from pathlib import Path
journal = Journal(Path(sys.argv[1]))
key, old, new = sys.argv[2:5]
for sent in ({"name": new}, {"name": "Never"}):
    write = Write("modify", key, sent, {"id": key, "name": old})
    journal.begin(write, host=sys.argv[5], merchant=sys.argv[6])
"""


def test_entries_of_a_dead_process_are_looked_up(clover, practice, tmp_path):
    """At the next start: done, or not; nothing is sent for them."""
    row = a_customer(clover, name="Ana")
    clover.customers.modify(row["id"], name="Bea")
    host = clover.settings.ecommerce_url.removeprefix("http://")
    file = tmp_path / "another"
    arguments = [file, row["id"], "Ana", "Bea", host, clover.settings.merchant_id]
    subprocess.run([sys.executable, "-c", LEAVE_OPEN, *arguments], check=True)
    with connect("local", journal=file, **practice.connection()) as later:
        table = later.journal.frame()
    assert list(table["outcome"]) == ["done", "unknown"]
    assert table["after"].iloc[0]["name"] == "Bea"
    assert len(table) == 2


def test_entries_of_a_living_process_are_left_alone(tmp_path, practice):
    """Another kernel may be in the middle of its change."""
    journal = Journal(tmp_path / "journal")
    host = practice.ecommerce_url.removeprefix("http://")
    journal.begin(Write("modify", "X", {}), host=host, merchant=practice.merchant_id)
    with connect("local", journal=tmp_path / "journal", **practice.connection()) as clover:
        assert list(clover.journal.frame()["outcome"]) == ["open"]


def test_what_can_not_be_looked_up_now_stays_open(scripted, tmp_path, caplog):
    """Until a start at which Clover can be reached."""
    file = tmp_path / "journal"
    host = scripted.url.removeprefix("http://")
    arguments = [file, "7QK2M9ZX4T0BC", "Ana", "Bea", host, "M1"]
    subprocess.run([sys.executable, "-c", LEAVE_OPEN, *arguments], check=True)
    scripted.answers = [None]
    with scripted.connect(journal=file, merchant_id="M1", timeouts=BRIEF) as clover:
        assert set(clover.journal.frame()["outcome"]) == {"open"}
    assert "stays open" in caplog.text


# -- undo ------------------------------------------------------------------------------------------


def test_a_change_can_be_undone(clover):
    """Name, phone and shipping are as they were; the undo is in the journal."""
    shipping = {"address": ADDRESS | {"postal_code": "94085"}}
    row = a_customer(clover, name="Ana", phone="555-0125", shipping=shipping)
    before = clover.customers.retrieve(row["id"])
    moved = {"address": {"line1": "1 Main Street", "line2": "Apt 3", "city": "Boston"}}
    clover.customers.modify(row["id"], name="Bea", phone="555-0126", shipping=moved)
    entry = clover.journal.frame().index[-1]
    clover.undo(entry)
    pd.testing.assert_series_equal(clover.customers.retrieve(row["id"]), before)
    undone = last(clover)
    assert (undone["operation"], undone["undoes"], undone["outcome"]) == ("undo", entry, "done")
    clover.undo(entry + 1)  # and the undo can be undone
    assert clover.customers.retrieve(row["id"])["name"] == "Bea"


def test_a_change_of_several_calls_is_undone_by_all_its_entries(clover):
    """The last first; the address and the note have one of their own."""
    address = {"city": "Austin", "state": "TX", "postal_code": "78701", "country": "US"}
    row = a_customer(clover, name="Ana", phone="555-0101", shipping={"address": ADDRESS})
    before = clover.customers.retrieve(row["id"])
    changed = clover.customers.modify(
        row["id"], name="Bea", phone="555-0102", note="Moved", shipping={"address": address}
    )
    entries = changed.attrs["entries"]
    assert entries[-1] == changed.attrs["entry"]
    assert entries == clover.journal.frame(customer_id=row["id"]).index[-len(entries) :].to_list()
    for entry in reversed(entries):
        clover.undo(entry)
    pd.testing.assert_series_equal(clover.customers.retrieve(row["id"]), before)


def refused(clover, match):
    with pytest.raises(ValidationError, match=match) as caught:
        clover.undo(clover.journal.frame().index[-1])
    assert caught.value.field == "entry"


def test_what_can_not_be_undone_is_refused_with_the_reason(clover):
    """An email, a card, a value that was empty before, a creation."""
    row = a_customer(clover)
    refused(clover, "created can only be deleted")
    clover.customers.modify(row["id"], name="Ana")
    refused(clover, "name was empty before")
    clover.customers.modify(row["id"], shipping={"address": ADDRESS})
    refused(clover, "shipping was empty before")
    clover.customers.modify(row["id"], email="other@example.com")
    refused(clover, "adds an email address")
    clover.customers.modify(row["id"], name="Ana")
    refused(clover, "it changed nothing")
    clover.customers.add_source(row["id"], a_token(clover, "amex"), consent=True)
    refused(clover, "attached can only be taken off")
    clover.customers.delete_source(row["id"], row["source_ids"][0])
    refused(clover, "needs a new token")
    clover.customers.delete(row["id"])
    refused(clover, "deleted is gone at Clover")
    with pytest.raises(ValidationError, match="no entry 999"):
        clover.undo(999)


def test_what_was_changed_again_since_is_not_undone(clover):
    """It would take away somebody else's work."""
    row = a_customer(clover, name="Ana")
    clover.customers.modify(row["id"], name="Bea")
    entry = clover.journal.frame().index[-1]
    clover.customers.modify(row["id"], name="Cleo")
    with pytest.raises(EditConflictError, match="changed again since") as caught:
        clover.undo(entry)
    assert caught.value.changes == [("name", "Bea", "Cleo")]


def test_undo_changes_what_it_has_looked_at(clover, practice):
    """It looks once: with a second look, what somebody changes in between would be overwritten."""
    row = a_customer(clover, name="Ana")
    changed = clover.customers.modify(row["id"], name="Bea")
    with requests_during(practice) as asked:
        clover.undo(changed.attrs["entry"])
    assert [each["method"] for each in asked] == ["GET", "PUT"]


def test_another_merchants_entry_is_not_undone(clover, tmp_path):
    """The journal is the user's, for all merchants; an undo goes to where the change went."""
    row = a_customer(clover, name="Ana")
    clover.customers.modify(row["id"], name="Bea")
    with sqlite3.connect(tmp_path / "journal") as db:
        db.execute("UPDATE entries SET merchant = 'OTHER'")
    db.close()
    refused(clover, "merchant OTHER")
