"""Which create has made which customer, where the answer that would say so was lost."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from clover_nb.journal import tables
from clover_nb.journal.database import Database

_E: Final = tables.entries.c
_C: Final = tables.claims.c


class CustomerClaims:
    """What creates have claimed: a customer that one has made is no other's.

    Args:
        database: The journal's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_claimed(self, customer_id: str, entry: int, *, host: str) -> bool:
        """Whether another create than an entry's has made a customer."""
        with self._database.connect() as db:
            return _is_claimed(db, customer_id, entry, host)

    def claim(self, customer_id: str, entry: int, *, host: str) -> bool:
        """Take a customer for the create of an entry; false if another create has it."""
        with self._database.transaction() as db:
            if _is_claimed(db, customer_id, entry, host):
                return False
            claim = {"host": host, "customer_id": customer_id, "entry": entry}
            tables.insert_new(db, tables.claims, claim)
            return True


def _is_claimed(db: sa.Connection, customer_id: str, entry: int, host: str) -> bool:
    made = sa.select(_E.entry).where(
        _E.host == host,
        _E.customer_id == customer_id,
        _E.operation == "create",
        _E.outcome == "done",
        _E.entry != entry,
    )
    claimed = sa.select(_C.entry).where(
        _C.host == host, _C.customer_id == customer_id, _C.entry != entry
    )
    return db.execute(sa.union_all(made, claimed)).first() is not None
