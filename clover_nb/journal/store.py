"""The audit log: one line for each change, kept on this machine.

A change is written down before it is sent and completed after its answer, so that a program that
dies in between leaves a line that says so. Card tokens are masked in it.
"""

from __future__ import annotations

import json
import math
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import repeat
from numbers import Integral
from pathlib import Path
from typing import Any, Final
from weakref import ReferenceType, WeakSet, WeakValueDictionary, finalize, ref

import pandas as pd
import platformdirs
import portalocker

from clover_nb import constants
from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import JournalError, ValidationError
from clover_nb.journal.entries import API, Entry, Fields, Outcome, Write
from clover_nb.journal.processes import ProcessRegistry, user_name
from clover_nb.masking import mask_text

RETENTION_DAYS: Final = 90

# The names of the columns are those of the frame. `before`, `sent` and `after` are JSON.
_SHOWN: Final = (
    "time, person, host, merchant, operation, customer_id, outcome, before, sent, after, "
    "request_id, consent, undoes, process"
)
_ADDED: Final = "api, answered_by, token_digest, clover_time"
_COLUMNS: Final = f"{_SHOWN}, {_ADDED}"
# AUTOINCREMENT: a number is never used again, so nobody can close somebody else's entry. `checked`
# marks what stayed unknown after it was looked up. A create claims the customer that it was found
# to have made, which no other create can then be taken for.
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS entries (
    entry INTEGER PRIMARY KEY AUTOINCREMENT, {_COLUMNS}, checked INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS entries_of_customer ON entries (customer_id);
CREATE TABLE IF NOT EXISTS batches (
    batch INTEGER PRIMARY KEY AUTOINCREMENT, plan TEXT, host TEXT, merchant TEXT, person TEXT,
    process TEXT, started REAL, ended REAL, state TEXT, stop INTEGER NOT NULL DEFAULT 0,
    reason TEXT, headings TEXT, undoes INTEGER, UNIQUE (host, merchant, plan)
);
CREATE TABLE IF NOT EXISTS rows (
    batch INTEGER, row INTEGER, action TEXT, customer_id TEXT, before TEXT, wanted TEXT,
    cells TEXT, state TEXT, reason TEXT, request_id TEXT, uid TEXT, changed REAL, verified INTEGER,
    PRIMARY KEY (batch, row)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rows_of_customer ON rows (customer_id);
CREATE TABLE IF NOT EXISTS claims (
    host TEXT, customer_id TEXT, entry INTEGER NOT NULL, PRIMARY KEY (host, customer_id)
) WITHOUT ROWID;
"""
_INSERT: Final = f"INSERT INTO entries ({_COLUMNS}) VALUES (?{', ?' * _COLUMNS.count(',')})"  # noqa: S608  constants
_END: Final = (
    "UPDATE entries SET outcome = ?, customer_id = coalesce(?, customer_id), after = ?, "
    "request_id = coalesce(?, request_id), answered_by = ?, checked = ? "
    "WHERE entry = ? AND outcome IN ('open', 'unknown')"
)
_CLAIMED: Final = (
    "SELECT entry FROM entries WHERE host = ? AND customer_id = ? AND operation = 'create' "
    "AND outcome = 'done' AND entry != ? UNION ALL "
    "SELECT entry FROM claims WHERE host = ? AND customer_id = ? AND entry != ?"
)
_JSON: Final = ("before", "sent", "after")
# Of the tables. An older program refuses a newer journal: it would not know what a line means.
_VERSION: Final = 1
_BUSY_SECONDS: Final = 30.0
_TRUNCATE_AGAIN_SECONDS: Final = 0.5
_CLEAN_EVERY: Final = 100
_MAX_UNKEPT: Final = 1000


class Journal:
    """The journal of one file, or of one local sandbox. It may be used from several threads.

    A forked child opens it anew: neither SQLite's handles nor locks may cross a fork.

    Args:
        path: The file; ``None`` keeps it in memory, where it ends with its last connection.
        retention_days: Older entries are deleted when it is opened.
        max_entries: Older entries than so many are deleted as others are written.

    Attributes:
        path: The file.
        lock: Held while the database is used.

    Raises:
        JournalError: The file can't be opened.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        retention_days: float = RETENTION_DAYS,
        max_entries: int | None = None,
    ) -> None:
        self.path = path
        self._retention_days = retention_days
        self._max_entries = max_entries
        self._user = user_name()
        self._processes = ProcessRegistry(path)
        self.lock = threading.RLock()
        self._under_way: set[int] = set()  # entries that this process is about to end
        self._db: sqlite3.Connection | None = None
        with self._convert_errors():
            self._get_connection()
        _opened.add(self)

    def frame(self, *, customer_id: str | None = None) -> pd.DataFrame:
        """The journal as a table, oldest first.

        Args:
            customer_id: Of this customer alone; left out, of all.

        Returns:
            A DataFrame whose index, named ``entry``, is the number that ``clover.undo`` takes.
            ``time`` is UTC; ``person`` who ran it, ``host`` and ``merchant`` where; ``operation``
            and ``customer_id`` what; ``outcome`` one of ``open``, ``done``, ``refused``,
            ``not done`` and ``unknown``; ``before``, ``sent`` and ``after`` are dicts or ``None``,
            with card tokens masked; ``request_id`` is Clover's; ``consent`` whether the
            cardholder's was stated; ``undoes`` another entry's number; ``process`` who wrote it.
        """
        names = ["entry", *_SHOWN.split(", ")]
        where = "customer_id IS coalesce(?, customer_id) ORDER BY entry"
        rows = self._fetch_all(f"SELECT entry, {_SHOWN} FROM entries WHERE {where}", customer_id)  # noqa: S608  constants
        columns = dict(zip(names, zip(*rows, strict=True) if rows else repeat(()), strict=False))
        index = pd.Index(columns.pop("entry"), dtype="int64", name="entry")
        table = pd.DataFrame(
            {
                name: pd.Series(
                    [_parse_value(name, value) for value in values],
                    index=index,
                    dtype=_DTYPES.get(name, TEXT_DTYPE),
                )
                for name, values in columns.items()
            }
        )
        table["time"] = pd.to_datetime(table["time"], unit="s", utc=True).dt.as_unit("ms")
        return table

    def __repr__(self) -> str:
        return f"<Journal: {self.path or 'in memory'}>"

    # -- writing ---------------------------------------------------------------------------------

    def begin(
        self,
        write: Write,
        *,
        host: str,
        merchant: str | None,
        clover_time: float | None = None,
    ) -> int:
        """Write down what is about to be sent.

        Args:
            write: The change.
            host: Where it goes.
            merchant: Whose customer it is.
            clover_time: The time by Clover's clock, where it is known. This machine's may be wrong.

        Raises:
            JournalError: It can't be written.
        """
        with self._convert_errors(), self.lock:
            row = (
                time.time(),
                self._user,
                host,
                merchant,
                write.operation,
                write.customer_id,
                "open",
                dump_fields(write.before),
                dump_fields(write.sent),
                None,
                None,
                write.consent,
                write.undoes,
                self._processes.register(),
                write.api,
                None,
                write.token_digest,
                clover_time,
            )
            entry = int(self._get_connection().execute(_INSERT, row).lastrowid or 0)
            self._under_way.add(entry)
            if self._max_entries and entry % _CLEAN_EVERY == 0:
                oldest = (entry - self._max_entries,)
                self._get_connection().execute(
                    "DELETE FROM entries WHERE entry <= ? AND outcome != 'open'", oldest
                )
            return entry

    def end(
        self,
        entry: int,
        outcome: Outcome,
        *,
        customer_id: str | None = None,
        after: Fields | None = None,
        answered_by: API | None = None,
        request_id: str | None = None,
        checked: bool = False,
    ) -> None:
        """Complete an entry; one that is complete already stays as it is.

        Raises:
            JournalError: It can't be written.
        """
        values = (outcome, customer_id, dump_fields(after), request_id, answered_by, checked, entry)
        with self._convert_errors(), self.lock:
            self._get_connection().execute(_END, values)
            self._under_way.discard(entry)

    def is_claimed(self, customer_id: str, entry: int, *, host: str) -> bool:
        """Whether another create than an entry's has made a customer."""
        return bool(self._fetch_all(_CLAIMED, host, customer_id, entry, host, customer_id, entry))

    def claim(self, customer_id: str, entry: int, *, host: str) -> bool:
        """Take a customer for the create of an entry; false if another create has it."""
        with self.transaction() as db:
            others = (host, customer_id, entry)
            if db.execute(_CLAIMED, (*others, *others)).fetchone():
                return False
            db.execute("INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", others)
            return True

    def forget(self, customer_id: str, *, host: str, emails: Iterable[str] = ()) -> None:
        """Delete what the journal knows of a person; that something was changed stays.

        Nothing of it is left in the journal's files once those who still read an older state of
        them have ended.

        Args:
            customer_id: The customer.
            host: Where.
            emails: The person's addresses: attempts to create a customer with one of them, which
                have no customer's id, are of the same person.
        """
        known = {email.casefold() for email in emails}
        with self.transaction() as db:
            where = "host = ? AND (customer_id = ? OR customer_id IS NULL)"
            found = db.execute(
                f"SELECT entry, customer_id, sent FROM entries WHERE {where}",  # noqa: S608  constants
                (host, customer_id),
            ).fetchall()
            sent = [(entry, key, _sent_email(_parse_fields(text))) for entry, key, text in found]
            known |= {email for _, key, email in sent if key and email}
            theirs = [(entry,) for entry, key, email in sent if key or email in known]
            db.executemany(
                "UPDATE entries SET before = NULL, sent = '{}', after = NULL, token_digest = NULL "
                "WHERE entry = ?",
                theirs,
            )
            values = (host, customer_id)
            db.execute("DELETE FROM claims WHERE host = ? AND customer_id = ?", values)
            db.execute(
                "UPDATE rows SET before = '{}', wanted = '{}', cells = '[]' WHERE customer_id = ? "
                "AND batch IN (SELECT batch FROM batches WHERE host = ?)",
                (customer_id, host),
            )
        self.truncate()

    # -- reading ---------------------------------------------------------------------------------

    def entry(self, number: int) -> Entry:
        """One entry.

        Raises:
            ValidationError: There is none with this number.
        """
        # pandas gives numpy's integers, which SQLite doesn't know, nor one of more than 64 bits.
        if (
            isinstance(number, Integral)
            and not isinstance(number, bool)
            and 0 < int(number) <= _LARGEST
        ):
            for found in self._read_entries("entry = ?", int(number)):
                return found
        raise ValidationError(
            f"The journal has no entry {number}.",
            hint="clover.journal.frame() shows them; the number is the first column.",
            field="entry",
        )

    def list_unresolved(self, *, host: str, merchant: str | None) -> list[Entry]:
        """Entries that nobody will end any more, and those that nobody has looked up yet."""
        where = (
            "host = ? AND merchant IS ? AND (outcome = 'open' OR (outcome = 'unknown' AND "
            "NOT checked)) ORDER BY entry"
        )
        found = self._read_entries(where, host, merchant)
        return [each for each in found if not self.is_under_way(each)]

    def is_under_way(self, entry: Entry) -> bool:
        """Whether somebody is about to end an entry: a process that is alive."""
        if entry.outcome != "open":
            return False
        with self._convert_errors(), self.lock:
            if entry.process == self._processes.name:  # an interrupt may have left it
                return entry.number in self._under_way
            return self._processes.is_alive(entry.process)

    def of_customer(self, customer_id: str, *, host: str) -> Iterator[Entry]:
        """The entries of one customer, newest first."""
        return self._read_entries(
            "host = ? AND customer_id = ? ORDER BY entry DESC", host, customer_id
        )

    def _read_entries(self, where: str, *values: object) -> Iterator[Entry]:
        columns = (
            "entry, time, host, merchant, outcome, after, answered_by, clover_time, "
            "process, operation, customer_id, sent, before, consent, undoes, api, token_digest"
        )
        for row in self._fetch_all(f"SELECT {columns} FROM entries WHERE {where}", *values):  # noqa: S608  constants
            number, at, host, merchant, outcome, after, answered_by, clover_time, *more = row
            process, operation, key, sent, before, *rest = more
            yield Entry(
                number,
                at,
                host,
                merchant,
                outcome,
                Write(str(operation), key, _parse_fields(sent) or {}, _parse_fields(before), *rest),
                _parse_fields(after),
                answered_by,
                _parse_number(clover_time),
                str(process),
            )

    def _fetch_all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._convert_errors(), self.lock:
            return self._get_connection().execute(sql, values).fetchall()

    # -- the file --------------------------------------------------------------------------------

    def _get_connection(self) -> sqlite3.Connection:
        if self._db is None:
            if self.path is not None:
                make_private_file(self.path)
            with self._processes.hold_lock():  # WAL can't be set while another process does
                self._db = self._open_database()
                self._processes.clear_away()
            self._closing = finalize(self, _close_database, self._db, self._processes)
        return self._db

    def _open_database(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path or ":memory:",
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
        )
        try:
            self._check_version(db)
            # Survives a kill -9 of this process; a power cut may lose the newest entries.
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")
            db.executescript(_SCHEMA)
            db.execute(f"PRAGMA user_version = {_VERSION}")
            # An open entry stays for whoever ends it.
            old = (time.time() - self._retention_days * 86400,)
            db.execute("DELETE FROM entries WHERE time < ? AND outcome != 'open'", old)
            db.execute("DELETE FROM claims WHERE entry NOT IN (SELECT entry FROM entries)")
            db.execute("DELETE FROM batches WHERE coalesce(ended, started) < ?", old)
            db.execute("DELETE FROM rows WHERE batch NOT IN (SELECT batch FROM batches)")
        except BaseException:
            db.close()
            raise
        return db

    def _check_version(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise JournalError(
                f"The journal {self.path} was written by a newer version of clover-nb.",
                hint="Update clover-nb, or name another file: connect(journal=...).",
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside, or nothing.

        Raises:
            JournalError: It can't be written.
        """
        with self._convert_errors(), self.lock:
            db = self._get_connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def process(self) -> str:
        """This process's name, by which others can tell whether it is alive."""
        with self._convert_errors(), self.lock:
            return self._processes.register()

    def is_alive(self, process: str) -> bool:
        """Whether a process that writes into this journal still runs."""
        with self._convert_errors(), self.lock:
            return self._processes.is_alive(process)

    def truncate(self) -> None:
        """Empty the write-ahead log, which holds older states; again later while one is read."""
        if self.path is None:
            return
        with self._convert_errors(), self.lock:
            db = self._get_connection()
            db.execute("PRAGMA busy_timeout = 0")
            try:
                (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                db.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}")
        if busy:
            again = threading.Timer(_TRUNCATE_AGAIN_SECONDS, _truncate_again, (ref(self),))
            again.daemon = True
            again.start()

    def start_anew(self) -> None:
        """In a forked child: leave the parent's handle and locks alone, and open when needed."""
        if self._db is not None:
            self._closing.detach()
            _inherited.append(self._db)
        self._db = None
        self.lock = threading.RLock()
        self._under_way = set()
        self._processes.forget_parent()

    @contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, portalocker.LockException) as error:
            raise JournalError(
                f"The journal {self.path or 'in memory'} can't be used ({error}).",
                hint="Let your user read and write it, free some space, or move the file away; "
                "connect(journal=None) works without.",
            ) from None


_journals: WeakValueDictionary[object, Journal] = WeakValueDictionary()
_journals_lock = threading.Lock()
_unkept: dict[tuple[object, ...], Journal] = {}
_opened: WeakSet[Journal] = WeakSet()
_inherited: list[sqlite3.Connection] = []  # of a parent process: never used, and never closed


def shared_journal(
    where: Path | tuple[object, ...], *, retention_days: float = RETENTION_DAYS
) -> Journal:
    """The journal that all connections of this process to one file or local sandbox share.

    Args:
        where: The file; or what tells a local sandbox apart, whose journal is kept in memory.
        retention_days: See :class:`Journal`.
    """
    with _journals_lock:
        journal = _journals.get(where)
        if journal is None:
            path = where if isinstance(where, Path) else None
            journal = _journals[where] = Journal(path, retention_days=retention_days)
        return journal


def unkept_journal(account: tuple[object, ...]) -> Journal:
    """What this process remembers of an account where no journal is kept: its newest writes.

    It tells its connections which customers they have made, and what they wrote last.
    """
    with _journals_lock:
        if account not in _unkept:
            _unkept[account] = Journal(max_entries=_MAX_UNKEPT)
        return _unkept[account]


def default_path() -> Path:
    """The journal of this user: in the folder where the system keeps a program's data."""
    return Path(platformdirs.user_data_dir("clover-nb", appauthor=False)) / "journal.sqlite3"


def _before_fork() -> None:
    """Let no other thread be within SQLite, whose own locks would stay held in the child."""
    _journals_lock.acquire()
    _held.extend(_opened)
    for journal in _held:
        journal.lock.acquire()


def _after_fork_in_parent() -> None:
    for journal in _held:
        journal.lock.release()
    _held.clear()
    _journals_lock.release()


def _after_fork_in_child() -> None:
    for journal in _held:
        journal.start_anew()
    _held.clear()
    _journals_lock.release()


_held: list[Journal] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )


def _close_database(db: sqlite3.Connection, processes: ProcessRegistry) -> None:
    db.close()
    processes.leave()


def _truncate_again(journal: ReferenceType[Journal]) -> None:
    living = journal()
    if living is not None:
        with suppress(JournalError):
            living.truncate()


def make_private_file(path: Path) -> None:
    """Make a file, readable by this user alone, should it not be there; and so its folders.

    SQLite gives a database's companions the same mode.

    Args:
        path: The file.

    Raises:
        OSError: It can't be made, or is a link.
    """
    for folder in reversed([path.parent, *path.parent.parents]):
        folder.mkdir(mode=0o700, exist_ok=True)
    # A link could lead to a file whose mode is somebody else's business.
    file = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(file, 0o600)
    finally:
        os.close(file)


# -- what is in a line -----------------------------------------------------------------------------


def dump_fields(fields: Fields | None) -> str | None:
    """Fields as JSON, without what must not be kept."""
    if fields is None:
        return None
    # When a customer was created never changes, and would be mistaken for digits of a card.
    kept = {name: value for name, value in fields.items() if name != "created"}
    text = json.dumps(kept, ensure_ascii=False)
    if _MANY_DIGITS.search(text):
        text = json.dumps(_clean_value(kept), ensure_ascii=False)
    text = _TOKENS.sub(f"{constants.TOKEN_PREFIX}••••", text)
    return text.encode(errors="backslashreplace").decode()  # half an emoji, as JSON writes it


_MANY_DIGITS: Final = re.compile(r"\d(?:\W{0,2}\d){12}")
_TOKENS: Final = re.compile(rf"{constants.TOKEN_PREFIX}\w+")


def _clean_value(value: Any) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {name: _clean_value(each) for name, each in value.items()}
    return [_clean_value(each) for each in value] if isinstance(value, list) else value


def _parse_fields(text: object) -> dict[str, Any] | None:
    """The fields of a line; none where a line makes no sense, as after a bad disk."""
    try:
        fields = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _parse_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _sent_email(sent: Fields | None) -> str | None:
    email = (sent or {}).get("email")
    return email.casefold() if isinstance(email, str) else None


_LARGEST: Final = 2**63 - 1
_DTYPES: Final = dict.fromkeys(_JSON, "object") | {
    "time": "float64",
    "consent": "boolean",
    "undoes": "Int64",
}


def _parse_value(name: str, value: object) -> Any:  # noqa: ANN401  as the column has it
    """A value of the table; missing where it is none of its column's."""
    if name in _JSON:
        return _parse_fields(value)
    if name in _DTYPES:
        number = _parse_number(value)
        if number is None or name == "time":
            return number if number is not None and abs(number) < _LATEST else None
        return bool(number) if name == "consent" else int(number)
    return None if value is None else str(value)


_LATEST: Final = 2**33  # seconds: a time that pandas can show
