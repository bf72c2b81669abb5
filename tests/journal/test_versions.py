"""A journal of a newer version is refused, and one of an older is opened."""

from __future__ import annotations

import sqlite3

import pytest

from clover_nb.errors import JournalError
from clover_nb.journal.store import Journal


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
    with journal.transaction() as db:
        assert db.execute("SELECT count(*) FROM rows").fetchone() == (0,)


def test_old_batches_are_deleted_with_their_rows(tmp_path):
    """As entries are."""
    path = tmp_path / "journal"
    with Journal(path).transaction() as db:
        db.execute("INSERT INTO batches (plan, started) VALUES ('old', 1), ('new', 9e9)")
        db.execute("INSERT INTO rows (batch, row) VALUES (1, 2), (2, 2)")
    with Journal(path, retention_days=1).transaction() as db:
        assert db.execute("SELECT batch FROM rows").fetchall() == [(2,)]
