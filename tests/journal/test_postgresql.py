"""A journal in PostgreSQL: of several roles, on several machines, and away for a while."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from batch_rows import MORE_THAN_A_CHUNK, are_verified
from form_driver import FormDriver
from practice_customers import a_customer

from clover_nb import connect, errors, forms
from clover_nb.bulk import row_sender
from clover_nb.errors import JournalError
from clover_nb.forms import history
from clover_nb.forms.customer_forms import undo_spec
from clover_nb.journal.batches import Batches
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal
from clover_nb.masking import Secret
from clover_nb.team_database import examine_database

HERE = {"host": "h", "merchant": None}
TEAM_PAGE = Path(__file__).parents[2] / "docs/team.md"


def journal_of(database, role="ana", **options):
    return Journal(Secret(database.address(role)), **options)


def connect_as(practice, database, role):
    there = practice.connection() | {"team": database.address(role)}
    return connect("local", requests_per_second=None, at_once=None, **there)


def a_write(name="Ana"):
    return Write("modify", "X", {"name": name}, {"name": "Old"}, consent=True)


def test_an_entry_is_kept_as_in_a_file(database, tmp_path):
    """The frames of the two say the same but for who wrote them, when, and the types are equal."""
    tables = []
    for journal in (journal_of(database), Journal(tmp_path / "journal")):
        entry = journal.begin(a_write(), **HERE, clover_time=1.5)
        journal.end(entry, "done", customer_id="X", after={"name": "Ana"}, request_id="r")
        journal.begin(a_write("Bea"), **HERE)
        assert journal.claims.claim("Y", entry, host="h")
        assert journal.claims.is_claimed("Y", 99, host="h")
        tables.append(journal.frame().drop(columns=["time", "person", "process", "login"]))
    assert tables[0].equals(tables[1])
    assert (tables[0].dtypes == tables[1].dtypes).all()


def test_a_machine_whose_clock_is_ahead_deletes_nothing_of_the_team(database, monkeypatch):
    """What is old is old by the database's clock."""
    journal = journal_of(database)
    journal.end(journal.begin(a_write(), **HERE), "done")
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: 4e9)  # the year 2096
        assert len(journal_of(database, "bo").frame()) == 1
    assert len(journal_of(database, "bo", retention_days=0).frame()) == 0


def test_two_roles_see_and_undo_each_others_changes(practice, database):
    """Shown is the role that the database says, for nobody has named themselves."""
    with connect_as(practice, database, "ana") as ana, connect_as(practice, database, "bo") as bo:
        row = a_customer(ana, name="Ana")
        ana.customers.modify(row["id"], name="Bea")
        entry = bo.journal.frame(customer_id=row["id"]).index[-1]
        bo.undo(entry)
        table = ana.journal.frame(customer_id=row["id"])
        assert list(table["person"]) == list(table["login"]) == ["ana", "ana", "bo"]
        assert ana.customers.retrieve(row["id"])["name"] == "Ana"
        ana.undo(table.index[-1])  # and the undo of a colleague too
        assert bo.customers.retrieve(row["id"])["name"] == "Bea"


def test_what_the_database_says_stands_beside_what_a_person_says(database, monkeypatch):
    """A name from the environment is a claim; first the person's own, then the hub's."""
    monkeypatch.setenv("JUPYTERHUB_USER", "carol")
    journal_of(database).begin(a_write(), **HERE)
    monkeypatch.setenv("CLOVER_PERSON", "Ana Lopez")
    journal = journal_of(database)
    journal.begin(a_write(), **HERE)
    assert journal.frame()[["person", "login"]].to_numpy().tolist() == [
        ["carol", "ana"],
        ["Ana Lopez", "ana"],
    ]


def test_the_history_says_whose_each_change_is(practice, database, monkeypatch):
    """As a person says, with what the database says beside it; an undo names whose it takes back.

    And while a record is open, what somebody else has changed since it was read, and when.
    """
    monkeypatch.setenv("CLOVER_PERSON", "Ana Lopez")
    with connect_as(practice, database, "ana") as ana:
        row = a_customer(ana, name="Ana")
        key = row["id"]
        monkeypatch.delenv("CLOVER_PERSON")
        with connect_as(practice, database, "bo") as bo:
            seen = bo.journal.frame(customer_id=key).index[-1]
            assert history.describe_news(bo, key, seen) == ""
            ana.customers.modify(key, name="Bea")
            told = history.describe_news(bo, key, seen)
            assert told == "<bdi>Ana Lopez (as ana)</bdi> changed this customer a moment ago."
            entry = bo.journal.frame(customer_id=key).index[-1]
            assert undo_spec(bo, entry).title == "Undo a change of Ana Lopez (as ana)"
            assert history.describe_news(ana, key, seen) == ""  # of one's own changes nothing
            bo.undo(entry)
        newest = history.read_history(ana, key)[0]
        assert (newest.person, newest.what) == ("bo", "change undone, made by Ana Lopez (as ana)")
        database.execute("UPDATE clover_nb.entries SET time = time - 120")
        told = history.describe_news(ana, key, entry)
        assert told == "<bdi>bo</bdi> changed this customer 2 minutes ago."
        database.execute("UPDATE clover_nb.entries SET time = 1767193199.9")
        told = history.describe_news(ana, key, entry)
        time = "<time datetime='2025-12-31T14:59:59Z'>2025-12-31 14:59 UTC</time>"
        assert told == f"<bdi>bo</bdi> changed this customer at {time}."


def test_a_strange_role_reads_no_tables(database):
    """Neither through the journal, nor with statements of its own once it may connect."""
    journal = journal_of(database)
    journal.begin(a_write(), **HERE)
    with pytest.raises(JournalError, match="permission denied") as caught:
        journal_of(database, "eve")
    assert "pass-eve" not in f"{caught.value}{caught.value.hint}"
    database.execute(f"GRANT CONNECT ON DATABASE {database.name} TO eve")
    try:
        with pytest.raises(JournalError, match="permission denied to set role"):
            journal_of(database, "eve")
        with (
            psycopg.connect(database.address("eve")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("SELECT * FROM clover_nb.entries")
    finally:
        database.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM eve")


def test_the_database_of_the_documentation_lets_the_team_in_alone(postgresql_server):
    """By the statements of docs/team.md; the doctor finds nothing wrong with it."""
    (statements,) = re.findall("```sql\n(.*?)```", TEAM_PAGE.read_text(), re.DOTALL)
    execute, names = postgresql_server.execute, {"ANA": "cy", "PASSWORD'": "pass-cy'"}
    for statement in statements.splitlines():
        execute(re.sub("ANA|PASSWORD'", lambda name: names[name[0]], statement))
    try:
        journal = Journal(Secret(postgresql_server.address("cy", "clover")))
        journal.begin(a_write(), **HERE)
        assert list(journal.frame()["login"]) == ["cy"]
        state = examine_database(postgresql_server.address("cy", "clover"))
        assert (state.role, state.is_open) == ("cy", False)
        with pytest.raises(JournalError, match="permission denied"):
            Journal(Secret(postgresql_server.address("eve", "clover")))
    finally:
        execute("DROP DATABASE clover WITH (FORCE)")
        execute("DROP ROLE cy, clover_team")


HOLD = """
import sys
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal
from clover_nb.masking import Secret
address, key, old, new, host, merchant = sys.argv[1:]
journal = Journal(Secret(address))
write = Write("modify", key, {"name": new}, {"id": key, "name": old})
print(journal.begin(write, host=host, merchant=merchant), flush=True)
sys.stdin.readline()
"""


@contextmanager
def held_change(practice, database):
    """A change that was made, of a process of Ana's that lives and has not written down its end."""
    with connect_as(practice, database, "bo") as bo:
        row = a_customer(bo, name="Ana")
        bo.customers.modify(row["id"], name="Bea")
        host = bo.settings.ecommerce_url.removeprefix("http://")
    address, merchant = database.address("ana"), practice.merchant_id
    command = [sys.executable, "-c", HOLD, address, row["id"], "Ana", "Bea", host, merchant]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        yield int(worker.stdout.readline()), worker


def kill(worker, journal, number):
    """As the system does when memory is short; the server notices in a moment."""
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    for _ in range(3000):
        if not journal.is_under_way(journal.entry(number)):
            return
        time.sleep(0.01)
    raise AssertionError("it still counts as alive")


def test_what_a_killed_process_left_is_settled_by_whoever_comes_next(practice, database):
    """Alive as long as its connection holds its lock; then a colleague's connection looks it up."""
    with held_change(practice, database) as (number, worker):
        journal = journal_of(database, "bo")
        assert journal.is_under_way(journal.entry(number))
        assert any(", ana" in each for each in examine_database(database.address("bo")).processes)
        kill(worker, journal, number)
    with connect_as(practice, database, "bo") as bo:
        assert bo.journal.entry(number).outcome == "done"


def test_it_is_settled_also_by_whose_first_look_at_the_journal_failed(practice, database):
    """The database was away then."""
    with connect_as(practice, database, "bo") as bo:
        with held_change(practice, database) as (number, worker):
            kill(worker, journal_of(database), number)
        database.server.stop()
        try:
            with pytest.raises(JournalError):
                bo.journal.frame()
        finally:
            database.server.start()
        assert bo.journal.entry(number).outcome == "done"


def test_who_got_an_answer_knows_better_than_who_looked(database):
    """It looked dead while its connection was lost, and a colleague looked up its change."""
    journal = journal_of(database)
    entry = journal.begin(a_write(), **HERE)
    journal_of(database, "bo").end(entry, "not done", checked=True)
    journal.end(entry, "done", after={"name": "Ana"})
    assert journal.entry(entry).outcome == "done"
    journal_of(database, "bo").end(entry, "unknown", checked=True)
    assert journal.entry(entry).outcome == "done"


def test_one_plan_is_applied_at_a_time_by_all_the_team(database):
    """Who applies it is told; once that one has ended, another one may."""
    rows = [{"row": 2, "action": "modify", "customer_id": "X"}]
    rows = [row | {"before": {}, "wanted": {"phone": "1"}, "cells": []} for row in rows]
    ana = Batches(journal_of(database), "h", "M1", entries_host="h")
    bo = Batches(journal_of(database, "bo"), "h", "M1", entries_host="h")
    one, again, other = (
        each.open(f"plan {each}", rows, headings=["id"]) for each in (ana, ana, bo)
    )
    assert (one, again, other) == (1, 1, 2)
    ana.take(one)
    with pytest.raises(JournalError, match=f"Batch {one} is being applied by ana"):
        bo.take(other)
    (row,) = ana.rows(one)
    row.state, row.verified = "done", True
    ana.save_change(one, row, a_write(), {"name": "Ana"})
    assert bo.count_states(one) == {"done": 1}
    del ana
    bo.take(other)
    assert bo.info(one).state == "stopped"
    assert list(bo.frame()["done"]) == [1, 0]


def test_a_plan_is_applied_and_taken_back_by_a_colleague(practice, database):
    """All of it, through the database."""
    with connect_as(practice, database, "ana") as ana, connect_as(practice, database, "bo") as bo:
        rows = [a_customer(ana, name=f"Ana {turn}") for turn in range(3)]
        keys = [row["id"] for row in rows]
        table = pd.DataFrame({"id": keys, "name": [f"Bea {turn}" for turn in range(3)]})
        batch = ana.customers.apply(ana.customers.plan(table), listing_wait=0)
        assert batch.counts == {"done": 3}
        bo.customers.apply(bo.batch(batch.number).plan_undo(), listing_wait=0)
        names = ana.customers.list().loc[keys, "name"]
        assert list(names) == ["Ana 0", "Ana 1", "Ana 2"]
        assert list(bo.batches()["person"]) == ["ana", "bo"]


def test_a_deleted_person_is_forgotten(database):
    """As in a file."""
    journal = journal_of(database)
    entry = journal.begin(Write("create", None, {"email": "zaphod@example.com"}), **HERE)
    journal.end(entry, "done", customer_id="Z", after={"name": "Zaphod"})
    journal.begin(Write("create", None, {"email": "Zaphod@example.com"}), **HERE)  # an attempt
    journal.forget("Z", hosts={"h"}, emails=["zaphod@example.com"])
    kept = str(database.execute("SELECT * FROM clover_nb.entries"))
    assert "create" in kept
    assert "aphod" not in kept


def test_old_entries_are_deleted(database):
    """After the days of the setting, and their numbers are never used again."""
    journal = journal_of(database)
    journal.end(journal.begin(a_write(), **HERE), "done")
    database.execute("UPDATE clover_nb.entries SET time = 0")
    later = journal_of(database, retention_days=7)
    assert later.frame().empty
    assert later.begin(a_write(), **HERE) == 2


def test_a_newer_version_is_refused_in_a_sentence(database):
    """An older program would not know what a line means."""
    journal_of(database)
    database.execute("COMMENT ON TABLE clover_nb.entries IS '99'")
    with pytest.raises(JournalError, match=r"newer version of clover-nb\. Update"):
        journal_of(database)


def open_and_write(address, start):
    start.wait()
    journal = Journal(Secret(address))
    for _ in range(5):
        journal.end(journal.begin(a_write(), **HERE), "done")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_six_processes_of_two_roles_open_a_new_journal_at_once(database):
    """All succeed, and each writes."""
    context = multiprocessing.get_context("fork")
    start = context.Barrier(6)
    addresses = [database.address(role) for role in ("ana", "bo") * 3]
    workers = [context.Process(target=open_and_write, args=(each, start)) for each in addresses]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert list(journal_of(database).frame()["outcome"]) == ["done"] * 30


def write_and_name(journal):
    """A new entry, and who wrote it: the process, and the server's for its connection."""
    entry = journal.begin(a_write("Bea"), **HERE)
    journal.end(entry, "done")
    with journal.database.connect() as db:
        session = db.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return entry, journal.register_process(), session


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_connection_of_its_own(database):
    """Its parent goes on with the other, and they are two who are alive."""
    journal = journal_of(database)
    entry, *parent = write_and_name(journal)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, json.dumps(write_and_name(journal)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number, process, session = json.loads(pipe.read())
    os.waitpid(child, 0)
    later, *same = write_and_name(journal)
    assert same == parent
    assert process != parent[0]
    assert session != parent[1]
    assert [entry, number, later] == list(journal.frame().index)


def test_threads_share_a_connection(database):
    """Each writes its own, and none is lost with what another one takes back."""
    journal = journal_of(database)

    def write(turn):
        with suppress(ZeroDivisionError), journal.database.transaction():
            time.sleep(0.005)
            raise ZeroDivisionError
        entry = journal.begin(a_write(str(turn)), **HERE)
        journal.end(entry, "done", after={"name": str(turn)})

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(write, range(25)))
    table = journal.frame()
    assert len(table) == 25
    assert [each["name"] for each in table["sent"]] == [each["name"] for each in table["after"]]
    assert len(examine_database(database.address("bo")).processes) == 1


# -- the database is away for a while --------------------------------------------------------------


def test_nothing_is_sent_while_the_database_is_away_and_it_goes_on_by_itself(practice, database):
    """The error says what is wrong, without the password; what was under way is written down."""
    with connect_as(practice, database, "ana") as clover:
        row = a_customer(clover, name="Ana")
        key = row["id"]
        entry = clover.journal.begin(a_write(), **HERE)  # as of a change whose answer comes later
        database.server.stop()
        try:
            for _ in range(2):
                with pytest.raises(JournalError, match="can't be used") as caught:
                    clover.customers.modify(key, name="Bea")
            assert "goes on by itself" in caught.value.hint
            assert "pass-ana" not in str(caught.value)
            ours = [each for each in practice.requests if f"customers/{key}" in each["path"]]
            assert {each["method"] for each in ours} <= {"GET"}
            with pytest.raises(JournalError):
                clover.journal.end(entry, "done")
        finally:
            database.server.start()
        clover.customers.modify(key, name="Bea")
        assert clover.customers.retrieve(key)["name"] == "Bea"
        assert list(clover.journal.frame()["outcome"]) == ["done"] * 3


def test_the_desk_says_that_the_database_is_away_and_goes_on_by_itself(practice, database):
    """What was typed stays, and is saved later; the history is shown as soon as it is back."""
    with connect_as(practice, database, "ana") as clover:
        row = a_customer(clover, name="Ana")
        desk = forms.desk(clover.customers.list(), clover=clover)
        database.server.stop()
        try:
            desk.select(row["id"])
            desk.receive({"do": "news"})
            assert "No history" in desk.history
            desk.open_form("Note")
            form = FormDriver(desk.form).type(note="Calls late").submit()
            assert "can't be used" in form.status
            assert "goes on by itself" in form.status
            assert form.texts["note"] == "Calls late"
        finally:
            database.server.start()
        desk.receive({"do": "news"})
        assert "created" in desk.history
        form.submit()
        assert "nothing → Calls late" in desk.history
        assert clover.customers.retrieve(row["id"])["note"] == "Calls late"
        desk.close()


def test_a_batch_that_stopped_while_the_database_was_away_can_be_gone_on_with(database):
    """By the same process, which is alive and yet no longer about it."""
    batches = Batches(journal_of(database), "h", "M1", entries_host="h")
    number = batches.open("plan", [], headings=["id"])
    batches.take(number)
    with pytest.raises(JournalError, match="is being applied"):
        batches.take(number)
    database.server.stop()
    try:
        with pytest.raises(JournalError, match="can't be used"):
            batches.close(number, "stopped")
    finally:
        database.server.start()
    assert batches.info(number).state == "stopped"
    batches.take(number)
    assert batches.info(number).state == "running"


def make_rows(local, **more):
    """New customers, some of whom are left when the database goes away."""
    emails = [f"{local}{turn}@example.com" for turn in range(MORE_THAN_A_CHUNK)]
    return pd.DataFrame({"email": emails, **more})


def test_a_batch_waits_while_the_database_is_away_and_goes_on_by_itself(practice, database):
    """Nothing is sent that can't be written down, and nothing twice."""
    reports = []

    def follow(progress):
        """Away from the fifth row that is done on, until it was told so three times."""
        away = [each for each in reports if each.done >= 5]
        if len(away) == 1:
            database.server.stop()
        if len(away) == 4:
            database.server.start()
        reports.append(progress)

    with connect_as(practice, database, "ana") as ana:
        known = len(ana.customers.list())
        batch = ana.customers.apply(ana.customers.plan(make_rows("away")), progress=follow)
        assert (batch.number, batch.state) == (1, "done")
        assert batch.counts == {"done": MORE_THAN_A_CHUNK}
        assert are_verified(batch)
        assert len(ana.customers.list()) == known + MORE_THAN_A_CHUNK
        assert len(ana.journal.frame()) == MORE_THAN_A_CHUNK


@pytest.mark.long
def test_what_others_change_while_a_batch_waits_is_not_overwritten(practice, database, monkeypatch):
    """Customers who were read before that are read again, those whose turn it was too."""
    monkeypatch.setattr(row_sender, "STALE_SECONDS", 0.5)
    reports, theirs = [], []
    with connect_as(practice, database, "ana") as ana:
        ana.customers.apply(ana.customers.plan(make_rows("wait", name="Old Name")))
        plan = ana.customers.plan(make_rows("wait", name="Newer Name"))
        ours = [row.customer_id for row in plan.rows]

        def change_what_was_not_sent():
            with connect("local", journal=None, **practice.connection()) as other:
                names = other.customers.list()["name"].loc[ours]
                theirs.extend(names.index[names == "Old Name"])
                for key in theirs:
                    other.customers.modify(key, name="Somebody Else")

        def follow(progress):
            """Away from the fifth row that is done on, while a colleague changes the others."""
            away = [each for each in reports if each.done >= 5]
            if len(away) == 1:
                database.server.stop()
            if len(away) == 3:  # a second later: what was sent has arrived
                change_what_was_not_sent()
            if len(away) == 4:
                database.server.start()
            reports.append(progress)

        table = ana.customers.apply(plan, progress=follow).frame()
        assert theirs
        assert list(table["id"][table["outcome"] == "conflict"]) == theirs
        assert (table["outcome"] == "done").sum() == MORE_THAN_A_CHUNK - len(theirs)
        assert {ana.customers.retrieve(key)["name"] for key in theirs} == {"Somebody Else"}
        assert len(ana.journal.frame()) == 2 * MORE_THAN_A_CHUNK - len(theirs)


def test_ctrl_c_ends_a_batch_that_waits_for_the_database(practice, database):
    """It says why it can't be written down, and goes on when it is applied again."""
    timers = []

    def follow(progress):
        """Away from the fifth row that is done on, and back much later than the Ctrl-C."""
        if progress.done >= 5 and not timers:
            database.server.stop()
            timers.append(threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)))
            timers.append(threading.Timer(60, database.server.start))
            for timer in timers:
                timer.start()

    with connect_as(practice, database, "ana") as ana:
        known = len(ana.customers.list())
        plan = ana.customers.plan(make_rows("stop"))
        with pytest.raises(JournalError, match="can't be used"):
            ana.customers.apply(plan, progress=follow)
        timers[1].cancel()
        database.server.start()
        batch = ana.customers.apply(plan, listing_wait=0.1)
        assert (batch.number, batch.state) == (1, "done")
        assert batch.counts == {"done": MORE_THAN_A_CHUNK}
        assert len(ana.customers.list()) == known + MORE_THAN_A_CHUNK


def test_a_process_that_was_taken_for_dead_sends_no_more_of_its_batch(database):
    """A colleague has gone on with it, while this one had lost its connection."""
    rows = [{"row": 2, "action": "create", "customer_id": None}]
    rows = [row | {"before": {}, "wanted": {"phone": "1"}, "cells": []} for row in rows]
    ana, bo = (
        Batches(journal_of(database, role), "h", "M1", entries_host="h") for role in ("ana", "bo")
    )
    number = ana.open("plan", rows, headings=["id"])
    ana.take(number)
    (row,) = ana.rows(number)
    ana.begin(number, row)
    database.server.stop()
    database.server.start()
    time.sleep(1.1)  # longer than a connection counts as in use
    bo.take(number)
    with pytest.raises(JournalError, match="Another process goes on with batch 1"):
        ana.begin(number, row)
    ana.close(number, "stopped")
    assert bo.info(number).state == "running"


def test_a_connection_that_was_lost_while_nobody_used_it_is_made_anew(database):
    """The first change after a restart of the database is made, and its process is alive."""
    journal = journal_of(database)
    journal.begin(a_write(), **HERE)
    database.server.stop()
    database.server.start()
    time.sleep(1.1)  # longer than a connection counts as in use
    number = journal.begin(a_write(), **HERE)
    other = journal_of(database, "bo")
    assert other.is_under_way(other.entry(number))


@pytest.mark.long
def test_many_changes_while_the_database_is_away_for_20_seconds(practice, database):
    """Four threads change a customer each all the time: what is done is written down as done."""
    with connect_as(practice, database, "ana") as clover:
        rows = [a_customer(clover, name="Ana") for _ in range(4)]
        again, refused = threading.Event(), []

        def change(key):
            """Until ten more are made after the database is back."""
            made, last = 0, 10
            while last:
                try:
                    clover.customers.modify(key, name=f"Ana {made + 1}")
                except errors.JournalError as error:
                    refused.append(error)
                    time.sleep(0.05)
                else:
                    made += 1
                    last -= again.is_set()
            return made

        with ThreadPoolExecutor(4) as pool:
            counts = [pool.submit(change, row["id"]) for row in rows]
            time.sleep(1)
            database.server.stop()
            time.sleep(20)
            database.server.start()
            again.set()
        table = clover.journal.frame()
        changes = table[table["operation"] == "modify"]
        assert len(refused) >= 4
        assert set(changes["outcome"]) <= {"done", "open"}
        for row, count in zip(rows, counts, strict=True):
            done = changes[(changes["customer_id"] == row["id"]) & (changes["outcome"] == "done")]
            assert len(done) == count.result()
