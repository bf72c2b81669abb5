"""What the journal costs a change: `python benchmarks/journal.py`.

Its begin and end are held against the same two statements by sqlite3 alone, as the journal sent
them before it was built on SQLAlchemy, in turns within one run.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from clover_nb.journal.entries import Write
from clover_nb.journal.fields import dump_fields
from clover_nb.journal.journal import Journal

BAR = 2.0
WRITE = Write("create", None, {"email": "ana@example.com", "name": "Ana", "source": "clv_1TSTS"})
AFTER = {"id": "7QK2M9ZX4T0BC", "email": "ana@example.com", "name": "Ana"}

COLUMNS = (
    "time, person, host, merchant, operation, customer_id, outcome, before, sent, after, "
    "request_id, consent, undoes, process, api, answered_by, token_digest, clover_time"
)
INSERT = f"INSERT INTO entries ({COLUMNS}) VALUES (?{', ?' * COLUMNS.count(',')})"
END = (
    "UPDATE entries SET outcome = ?, customer_id = coalesce(?, customer_id), after = ?, "
    "request_id = coalesce(?, request_id), answered_by = ?, checked = ? "
    "WHERE entry = ? AND outcome IN ('open', 'unknown')"
)


def write_with_journal(journal: Journal) -> None:
    entry = journal.begin(WRITE, host="h", merchant="M1")
    journal.end(
        entry, "done", customer_id="X", after=AFTER, answered_by="ecommerce", request_id="r"
    )


def write_with_sqlite(db: sqlite3.Connection) -> None:
    sent = dump_fields(WRITE.sent)
    who = (
        time.time(),
        "ana",
        "h",
        "M1",
        "create",
        None,
        "open",
        None,
        sent,
        None,
        None,
        None,
        None,
    )
    row = (*who, "node.1.a", "ecommerce", None, WRITE.token_digest, None)
    entry = db.execute(INSERT, row).lastrowid
    db.execute(END, ("done", "X", dump_fields(AFTER), "r", "ecommerce", False, entry))


def seconds_of(function, *arguments) -> float:
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writes", type=int, default=5000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "ours")
        Journal(Path(folder) / "plain")  # makes the tables
        db = sqlite3.connect(Path(folder) / "plain", isolation_level=None)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        ours, plain = [], []
        for _ in range(options.writes):
            ours.append(seconds_of(write_with_journal, journal))
            plain.append(seconds_of(write_with_sqlite, db))
        db.close()
    took, least = statistics.median(ours), statistics.median(plain)
    print(f"begin and end: {took * 1e6:.0f} us, by sqlite3 alone {least * 1e6:.0f} us")
    print(f"of sqlite3 alone: {took / least:.2f} (bar: at most {BAR})")


if __name__ == "__main__":
    main()
