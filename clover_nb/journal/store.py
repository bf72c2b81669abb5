"""What was sent, and what became of it: one line for each change, kept on this machine.

A change is written down before it is sent and completed after its answer, so that a program that
dies in between leaves a line that says so. Card tokens are masked in it.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from numbers import Integral
from pathlib import Path
from typing import Any, Final
from weakref import WeakValueDictionary, finalize

import pandas as pd
import platformdirs

from clover_nb import constants
from clover_nb.errors import JournalError, ValidationError
from clover_nb.journal.entries import Entry, Fields, Outcome, Write
from clover_nb.journal.processes import person, runs, this_process
from clover_nb.masking import mask_text

RETENTION_DAYS: Final = 90

# The names of the columns are those of the frame. `before`, `sent` and `after` are JSON.
_COLUMNS: Final = (
    "time, person, host, merchant, operation, customer_id, outcome, before, sent, after, "
    "request_id, consent, undoes, process"
)
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS writes (entry INTEGER PRIMARY KEY, {_COLUMNS});
"""
_INSERT: Final = f"INSERT INTO writes ({_COLUMNS}) VALUES (?{', ?' * _COLUMNS.count(',')})"  # noqa: S608  constants
_JSON: Final = ("before", "sent", "after")
_BUSY_SECONDS: Final = 10.0


class Journal:
    """The journal of one file, or of one local sandbox. It may be used from several threads.

    Args:
        path: The file; ``None`` keeps it in memory, where it ends with its last connection.
        retention_days: Older entries are deleted when it is opened.

    Raises:
        JournalError: The file can't be opened.
    """

    def __init__(self, path: Path | None = None, *, retention_days: float = RETENTION_DAYS) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._person = person()
        self._process = this_process()
        with self._trouble():
            self._db = sqlite3.connect(
                (path and _private(path)) or ":memory:",
                isolation_level=None,
                check_same_thread=False,
                timeout=_BUSY_SECONDS,
            )
            finalize(self, self._db.close)
            # Survives a kill -9 of this process; a power cut may lose the newest entries.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            oldest = time.time() - retention_days * 86400
            self._db.execute("DELETE FROM writes WHERE time < ?", (oldest,))

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
        names = ["entry", *_COLUMNS.split(", ")]
        where = "customer_id IS coalesce(?, customer_id) ORDER BY entry"
        rows = self._all(f"SELECT entry, {_COLUMNS} FROM writes WHERE {where}", customer_id)  # noqa: S608  constants
        columns = dict(zip(names, zip(*rows, strict=True) if rows else repeat(()), strict=False))
        kinds = {"time": "float64", "consent": "boolean", "undoes": "Int64"}
        index = pd.Index(columns.pop("entry"), dtype="int64", name="entry")
        table = pd.DataFrame(
            {
                name: pd.Series(
                    [_loaded(text) for text in values] if name in _JSON else list(values),
                    index=index,
                    dtype="object" if name in _JSON else kinds.get(name, "str"),
                )
                for name, values in columns.items()
            }
        )
        table["time"] = pd.to_datetime(table["time"], unit="s", utc=True).dt.as_unit("ms")
        return table

    def __repr__(self) -> str:
        return f"<Journal: {self.path or 'in memory'}>"

    # -- writing ---------------------------------------------------------------------------------

    def begin(self, write: Write, *, host: str, merchant: str | None) -> int:
        """Write down what is about to be sent.

        Raises:
            JournalError: It can't be written.
        """
        row = (
            time.time(),
            self._person,
            host,
            merchant,
            write.operation,
            write.customer_id,
            "open",
            _dumped(write.before),
            _dumped(write.sent),
            None,
            None,
            write.consent,
            write.undoes,
            self._process,
        )
        with self._trouble(), self._lock:
            return int(self._db.execute(_INSERT, row).lastrowid or 0)

    def end(
        self,
        entry: int,
        outcome: Outcome,
        *,
        customer_id: str | None = None,
        after: Fields | None = None,
        request_id: str | None = None,
    ) -> None:
        """Complete an entry.

        Raises:
            JournalError: It can't be written.
        """
        with self._trouble(), self._lock:
            self._db.execute(
                "UPDATE writes SET outcome = ?, customer_id = coalesce(?, customer_id), after = ?, "
                "request_id = ? WHERE entry = ?",
                (outcome, customer_id, _dumped(after), request_id, entry),
            )

    def forget(self, customer_id: str) -> None:
        """Delete what the journal knows of a person; that something was changed stays."""
        with self._trouble(), self._lock:
            self._db.execute(
                "UPDATE writes SET before = NULL, sent = '{}', after = NULL WHERE customer_id = ?",
                (customer_id,),
            )

    # -- reading ---------------------------------------------------------------------------------

    def entry(self, number: int) -> Entry:
        """One entry.

        Raises:
            ValidationError: There is none with this number.
        """
        if isinstance(number, Integral):  # pandas gives numpy's, which SQLite doesn't know
            for found in self._entries("entry = ?", int(number)):
                return found
        raise ValidationError(
            f"The journal has no entry {number}.",
            hint="clover.journal.frame() shows them; the number is the first column.",
            field="entry",
        )

    def left_open(self, *, host: str, merchant: str | None) -> list[Entry]:
        """The open entries of processes that have ended."""
        rows = self._all("SELECT DISTINCT process FROM writes WHERE outcome = 'open'")
        dead = [process for (process,) in rows if not runs(process)]
        where = "outcome = 'open' AND host = ? AND merchant IS ? AND process = ?"
        return [each for one in dead for each in self._entries(where, host, merchant, one)]

    def has_created(self, customer_id: str) -> bool:
        """Whether this customer is known to come from a create in this journal."""
        where = "customer_id = ? AND operation = 'create' AND outcome = 'done'"
        return any(self._entries(where, customer_id))

    def _entries(self, where: str, *values: object) -> Iterator[Entry]:
        columns = (
            "entry, time, host, merchant, outcome, after, "
            "operation, customer_id, sent, before, consent, undoes"
        )
        for row in self._all(f"SELECT {columns} FROM writes WHERE {where}", *values):  # noqa: S608  constants
            number, at, host, merchant, outcome, after, operation, key, sent, before, *rest = row
            write = Write(operation, key, json.loads(sent), _loaded(before), *rest)
            yield Entry(number, at, host, merchant, outcome, write, _loaded(after))

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._trouble(), self._lock:
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"The journal {self.path or 'in memory'} can't be used ({error}).",
                hint="Let your user read and write it, free some space, or move the file away; "
                "connect(journal=None) works without.",
            ) from None


_journals: WeakValueDictionary[object, Journal] = WeakValueDictionary()
_journals_lock = threading.Lock()


def shared(where: Path | tuple[object, ...], *, retention_days: float = RETENTION_DAYS) -> Journal:
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


def default_path() -> Path:
    """The journal of this user: in the folder where the system keeps a program's data."""
    return Path(platformdirs.user_data_dir("clover-nb", appauthor=False)) / "journal.sqlite3"


def _private(path: Path) -> Path:
    """Make the file, readable by this user alone; SQLite gives its companions the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    return path


def _dumped(fields: Fields | None) -> str | None:
    """Fields as JSON, without what must not be kept."""
    if fields is None:
        return None
    # When a customer was created never changes, and would be mistaken for digits of a card.
    kept = {name: value for name, value in fields.items() if name != "created"}
    text = json.dumps(kept, ensure_ascii=False)
    if _MANY_DIGITS.search(text):
        text = json.dumps(_clean(kept), ensure_ascii=False)
    return _TOKENS.sub(f"{constants.TOKEN_PREFIX}••••", text)


_MANY_DIGITS: Final = re.compile(r"\d(?:\W{0,2}\d){12}")
_TOKENS: Final = re.compile(rf"{constants.TOKEN_PREFIX}\w+")


def _clean(value: Any) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {name: _clean(each) for name, each in value.items()}
    return [_clean(each) for each in value] if isinstance(value, list) else value


def _loaded(text: str | None) -> Fields | None:
    return json.loads(text) if text else None
