"""The sandbox's memory: one SQLite database, in which every request is one transaction."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from clover_nb.sandbox.customer import LISTS, Customer
from clover_nb.sandbox.ids import Credentials, WriteContext, derive_key, format_uuid
from clover_nb.sandbox.sample_data.rows import generate_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A customer's pieces are ready JSON (see `customer`). The index on `since` is what lists walk along
# to a deep offset, without touching the wide rows; who is marked as deleted has none there.
# `contacts` is what filters look into.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (key BLOB NOT NULL, fixed INTEGER NOT NULL, tick INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS customers (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, since INTEGER,
    deleted INTEGER, first TEXT NOT NULL, last TEXT NOT NULL,
    head TEXT NOT NULL, addresses TEXT NOT NULL, emailAddresses TEXT NOT NULL,
    phoneNumbers TEXT NOT NULL, cards TEXT NOT NULL, metadata TEXT NOT NULL, shipping TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS customers_since ON customers (since);
CREATE TABLE IF NOT EXISTS contacts (
    seq INTEGER NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (seq, field, value)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contacts_value ON contacts (value);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, card TEXT NOT NULL, customer TEXT
) WITHOUT ROWID;
"""
_RECORD: Final = "head || addresses || emailAddresses || phoneNumbers || cards || metadata || '}'"
INSERT: Final = f"INSERT INTO customers VALUES ({', '.join('?' * 13)})"  # noqa: S608  constant
_SELECT: Final = f"SELECT {_RECORD}, shipping FROM customers WHERE id = ? AND deleted IS NULL"  # noqa: S608  constant
_LIST: Final = (
    f"SELECT {_RECORD}, shipping FROM customers "  # noqa: S608  constant
    "WHERE since >= 0 ORDER BY since, seq LIMIT ? OFFSET ?"
)
CONTACT: Final = "INSERT OR IGNORE INTO contacts VALUES (?, ?, ?)"
_PRIVATE: Final = 0o600  # it holds the keys; SQLite gives the files beside it the same mode
_CHUNK: Final = 100  # small enough for the processor's cache
_NESTED_MAX: Final = 100  # D: a list in a record stops here
_SHORT: Final = 60 * _NESTED_MAX  # bytes; no shorter record has more entries: each has two ids


class CustomerChange(NamedTuple):
    """What happened to a customer: CREATE, UPDATE or DELETE, and when, in ms."""

    kind: str
    customer_id: str
    time: int


class Store:
    """Customers and tokens of one merchant.

    Used by one thread, the server's: what a request does between two awaits is atomic.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        *,
        seed: int | None,
        customers: int,
        seconds: bool = False,
    ) -> None:
        """Open or make the database.

        Args:
            path: The file; None for a private one that SQLite removes by itself, even after a
                kill -9 (it has no name).
            seed: The seed of ids and times, of a new database.
            customers: How many people to invent, in a new database.
            seconds: Whether times are whole seconds.

        Raises:
            sqlite3.Error: The file can't be opened, or is no database.
        """
        self._seconds = seconds
        self._changed: dict[str, str] = {}
        self._changes: list[CustomerChange] = []
        if path:
            _make_private_file(path)
        self._db = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False)
        try:
            self._open_tables(seed, customers, kept=bool(path))
        except BaseException:
            self._db.close()
            raise
        if path:
            # A file of before; where it is somebody else's, this can't be changed.
            with suppress(OSError):
                Path(path).chmod(_PRIVATE)

    def _open_tables(self, seed: int | None, customers: int, *, kept: bool) -> None:
        if kept:
            # Survives a kill -9; a power cut may lose the newest writes (FULL costs a third).
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
        else:
            self._db.execute("PRAGMA journal_mode = MEMORY")
            self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA cache_size = -4000")  # kB: a deep offset's index, and a page
        self._db.executescript(_SCHEMA)
        new = self._fetch_one("SELECT 1 FROM state") is None
        if new:
            self._db.execute(
                "INSERT INTO state VALUES (?, ?, 0)", (derive_key(seed), seed is not None)
            )
        self._key, self._fixed = self._fetch_one("SELECT key, fixed FROM state")
        self.credentials = Credentials.make(self._key)
        self._people = customers
        if new:
            self.reset()

    def renew_token(self) -> str:
        """Replace the access token, and return the new one; a restart brings the first one back."""
        bits = hashlib.blake2b(self.credentials.access_token.encode(), key=self._key).digest()[:16]
        self.credentials = self.credentials._replace(access_token=format_uuid(bits))
        return self.credentials.access_token

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def write(self, *, afresh: bool = False) -> Iterator[WriteContext]:
        """Store all that happens inside, or, after an exception, nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        self._changed.clear()
        try:
            (tick,) = self._fetch_one(
                "UPDATE state SET tick = tick * ? + 1 RETURNING tick", not afresh
            )
            context = WriteContext(self._key, tick, fixed=self._fixed, seconds=self._seconds)
            yield context
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        self._changes = [
            CustomerChange(kind, each, context.now) for each, kind in self._changed.items()
        ]

    def take_changes(self) -> list[CustomerChange]:
        """Return what the last write changed, once."""
        changes, self._changes = self._changes, []
        return changes

    def reset(self) -> None:
        """Go back to the invented people alone; with a seed, to the same ids."""
        with self.write(afresh=True) as context:
            self._db.execute("DELETE FROM customers")
            self._db.execute("DELETE FROM contacts")
            self._db.execute("DELETE FROM tokens")
            self._add_generated(context, self._people)

    def seed(self, count: int) -> None:
        """Add invented people."""
        with self.write() as context:
            self._add_generated(context, count)

    def _add_generated(self, context: WriteContext, count: int) -> None:
        (start,) = self._fetch_one("SELECT coalesce(max(seq), 0) FROM customers")
        people = generate_rows(
            count, start, context.now, context.take(16), self.credentials.merchant_id
        )
        while chunk := list(islice(people, _CHUNK)):
            rows, contacts = zip(*chunk, strict=True)
            self._db.executemany(INSERT, rows)
            self._db.executemany(CONTACT, chain.from_iterable(contacts))

    # Customers

    def get_customer(self, customer_id: str) -> Customer | None:
        """Return the customer with this id."""
        found = self._fetch_one(_SELECT, customer_id)
        return Customer.from_json(*found) if found else None

    def save(self, customer: Customer) -> None:
        """Store a new customer, or all of a changed one. Inside `write`."""
        found = self._fetch_one("SELECT seq FROM customers WHERE id = ?", customer.id)
        if found:
            self._db.execute("DELETE FROM contacts WHERE seq = ?", found)
            self._db.execute("DELETE FROM customers WHERE seq = ?", found)
        self._changed[customer.id] = (
            "DELETE" if customer.deleted else "UPDATE" if found else "CREATE"
        )
        (seq,) = found or (None,)
        seq = self._db.execute(
            INSERT, (seq, *customer.to_columns(self.credentials.merchant_id))
        ).lastrowid
        self._db.executemany(CONTACT, ((seq, *contact) for contact in customer.contacts()))

    def list_customers(self, limit: int, offset: int) -> list[Customer]:
        """Return customers, oldest first."""
        return [Customer.from_json(*row) for row in self._db.execute(_LIST, (limit, offset))]

    def delete(self, customer: Customer) -> None:
        """Forget a customer. Inside `write`."""
        (seq,) = self._fetch_one("SELECT seq FROM customers WHERE id = ?", customer.id)
        self._db.execute("DELETE FROM contacts WHERE seq = ?", (seq,))
        self._db.execute("DELETE FROM customers WHERE seq = ?", (seq,))
        self._changed[customer.id] = "DELETE"

    def list_records(
        self,
        expand: Iterable[str],
        where: str,
        values: Sequence[Any],
        *,
        order: str = "seq",
        limit: int = 1,
        offset: int = 0,
    ) -> bytes:
        """Return customers in the Platform's shape, joined by commas.

        Args:
            expand: Which of `constants.EXPANDS` to show.
            where: A condition in SQL; made of our own words, never of a request's.
            values: What its question marks stand for.
            order: In which order, in SQL; made of our own words too.
            limit: How many at most.
            offset: How many to leave out before.
        """
        # The inner query walks along the index alone; the outer one joins the few rows found.
        # Bytes, since making text of them only to encode it again would cost twice the rest.
        pieces = " || ".join(["head", *expand, "'}'"])
        rows = self._db.execute(
            f"SELECT CAST({pieces} AS BLOB) FROM (SELECT seq AS found FROM customers WHERE {where} "  # noqa: S608  see above
            f"ORDER BY {order} LIMIT ? OFFSET ?) CROSS JOIN customers ON seq = found",
            (*values, limit, offset),
        )
        return b",".join(
            [record if len(record) < _SHORT else _shorten_lists(record) for (record,) in rows]
        )

    # Tokens

    def add_token(self, token: str, card: str) -> None:
        """Store a new token, with the card (JSON) that it stands for. Inside `write`."""
        self._db.execute("INSERT INTO tokens VALUES (?, ?, NULL)", (token, card))

    def get_token(self, token: str) -> tuple[str, str | None] | None:
        """Return the token's card (JSON), and the id of the customer who has it."""
        found: tuple[str, str | None] | None
        found = self._fetch_one("SELECT card, customer FROM tokens WHERE token = ?", token)
        return found

    def assign_token(self, token: str, customer_id: str) -> None:
        """Make the token a customer's own. Inside `write`."""
        self._db.execute("UPDATE tokens SET customer = ? WHERE token = ?", (customer_id, token))

    def _fetch_one(self, sql: str, *values: object) -> Any:  # noqa: ANN401  a row, or None
        return self._db.execute(sql, values).fetchone()


def _shorten_lists(record: bytes) -> bytes:
    """Leave out what the lists in a record don't show."""
    shown = orjson.loads(record)
    for name in shown.keys() & LISTS:
        shown[name]["elements"] = shown[name]["elements"][:_NESTED_MAX]
    return orjson.dumps(shown)


def _make_private_file(path: str | os.PathLike[str]) -> None:
    """Make the file, if there is none, before SQLite does: nobody else may read it."""
    with suppress(OSError):  # SQLite says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, _PRIVATE))
