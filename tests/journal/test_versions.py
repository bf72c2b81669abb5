"""A journal of a newer version is refused, and one of an older is opened."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from pathlib import Path

import pytest

from clover_nb.errors import JournalError
from clover_nb.journal.batches import Batches
from clover_nb.journal.entries import Write
from clover_nb.journal.journal import Journal

VERSION_1 = Path(__file__).with_name("version_1.sql").read_text()
# What a program of version 1 writes.
INSERT_1 = (
    "INSERT INTO entries (time, person, host, merchant, operation, outcome, sent, process) "
    "VALUES (9e9, 'ana', 'h', 'M1', 'modify', 'done', '{}', 'node.2.b')"
)


@pytest.fixture
def old(tmp_path):
    """A file as version 1 left it."""
    path = tmp_path / "journal"
    with sqlite3.connect(path) as db:
        db.executescript(VERSION_1)
    db.close()
    return path


def schema_of(path):
    with sqlite3.connect(path) as db:
        version = db.execute("PRAGMA user_version").fetchone()
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE sql NOT NULL")]
        columns = {
            name: {c[1] for c in db.execute(f"PRAGMA table_info({name})")} for name in tables
        }
    db.close()
    return version, columns


def test_a_journal_of_version_1_is_migrated_with_all_that_is_in_it(old, tmp_path):
    """In place; its tables are then as a new file's, and can be written to."""
    journal = Journal(old)
    Journal(tmp_path / "new")
    assert schema_of(old) == schema_of(tmp_path / "new")
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    table = journal.frame()
    assert list(table.index) == [4, 7]
    assert list(table["outcome"]) == ["done", "open"]
    assert table["after"].iloc[0] == {"name": "Bea"}
    (left,) = journal.list_unresolved(host="h", merchant="M1")
    assert (left.number, left.write.sent, left.clover_time) == (7, {"name": "Cleo"}, 1.5)
    assert journal.claims.is_claimed("A", 99, host="h")
    batches = Batches(journal, "h", "M1", entries_host="h")
    assert (batches.info(3).state, batches.info(3).headings) == ("stopped", ["id", "phone"])
    done, opened = batches.rows(3)
    assert (done.before, done.wanted, done.state) == ({"phone": "1"}, {"phone": "2"}, "done")
    assert (opened.uid, opened.state, opened.verified) == ("u2", "open", None)
    assert journal.begin(Write("modify", "C", {}), host="h", merchant="M1") == 8


def test_a_program_of_version_1_goes_on_with_a_file_that_was_migrated(old):
    """It was started before."""
    db = sqlite3.connect(old, isolation_level=None)
    journal = Journal(old)
    db.execute(INSERT_1)
    db.close()
    assert list(journal.frame().index) == [4, 7, 8]


def migrate(path, start):
    start.wait()
    Journal(path)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_six_processes_migrate_a_journal_at_once(old):
    """One does, and nobody fails."""
    context = multiprocessing.get_context("fork")
    start = context.Barrier(6)
    workers = [context.Process(target=migrate, args=(old, start)) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert len(Journal(old).frame()) == 2


def test_a_migration_that_fails_leaves_the_old_version(old):
    """All of it, or nothing."""
    with sqlite3.connect(old) as db:
        db.execute("ALTER TABLE rows RENAME TO kept")
        db.execute("CREATE VIEW rows AS SELECT * FROM kept")  # to which nothing can be added
        db.execute("ALTER TABLE kept DROP COLUMN verified")
    db.close()
    before = schema_of(old)
    with pytest.raises(JournalError):
        Journal(old)
    assert schema_of(old) == before


def test_a_journal_of_a_newer_version_is_refused_in_a_sentence(tmp_path):
    """An older program would not know what a line means."""
    path = tmp_path / "journal"
    Journal(path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalError, match=r"newer version of clover-nb\. Update"):
        Journal(path)


def test_a_journal_from_before_batches_is_opened_and_gets_them(tmp_path):
    """With what stands in it."""
    path = tmp_path / "journal"
    Journal(path)
    with sqlite3.connect(path) as db:
        db.executescript("DROP TABLE batches; DROP TABLE rows; PRAGMA user_version = 0")
        db.execute("INSERT INTO entries (time, operation, outcome) VALUES (9e9, 'modify', 'done')")
    db.close()
    journal = Journal(path)
    assert len(journal.frame()) == 1
    with journal.database.connect() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM rows").scalar_one() == 0


def test_old_batches_are_deleted_with_their_rows(tmp_path):
    """As entries are."""
    path = tmp_path / "journal"
    with Journal(path).database.transaction() as db:
        db.exec_driver_sql("INSERT INTO batches (plan, started) VALUES ('old', 1), ('new', 9e9)")
        db.exec_driver_sql("INSERT INTO rows (batch, row) VALUES (1, 2), (2, 2)")
    with Journal(path, retention_days=1).database.connect() as db:
        assert db.exec_driver_sql("SELECT batch FROM rows").all() == [(2,)]
