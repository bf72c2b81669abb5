"""The tables of a journal, their version, and how a file of an older version becomes one of this.

``before``, ``sent``, ``after``, ``wanted``, ``cells`` and ``headings`` are JSON. Times are seconds
since 1970.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Column, Double, Integer, Text
from sqlalchemy.dialects import postgresql, sqlite

#: Of the tables. An older program refuses a newer journal: it would not know what a line means.
VERSION: Final = 3

metadata: Final = sa.MetaData()
_HAS_ID: Final = sa.text("customer_id IS NOT NULL")

# AUTOINCREMENT: a number is never used again, so nobody can close somebody else's entry. `checked`
# marks what was looked up; `batch` what a batch has changed; `login` is who the database or the
# system says that `person` is.
entries: Final = sa.Table(
    "entries",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("time", Double),
    Column("person", Text),
    Column("host", Text),
    Column("merchant", Text),
    Column("operation", Text),
    Column("customer_id", Text),
    Column("outcome", Text),
    Column("before", Text),
    Column("sent", Text),
    Column("after", Text),
    Column("request_id", Text),
    Column("consent", Integer),
    Column("undoes", Integer),
    Column("process", Text),
    Column("api", Text),
    Column("answered_by", Text),
    Column("token_digest", Text),
    Column("clover_time", Double),
    Column("checked", Integer, nullable=False, server_default="0"),
    Column("batch", Integer),
    Column("login", Text),
    # Of those that have one: a create's gets it with its outcome, and is put in once.
    sa.Index("entries_of_customer", "customer_id", sqlite_where=_HAS_ID, postgresql_where=_HAS_ID),
    sqlite_autoincrement=True,
)

batches: Final = sa.Table(
    "batches",
    metadata,
    Column("batch", Integer, primary_key=True),
    Column("plan", Text),
    Column("host", Text),
    Column("merchant", Text),
    Column("person", Text),
    Column("process", Text),
    Column("started", Double),
    Column("ended", Double),
    Column("state", Text),
    Column("stop", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("headings", Text),
    Column("undoes", Integer),
    sa.UniqueConstraint("host", "merchant", "plan"),
    sqlite_autoincrement=True,
)

rows: Final = sa.Table(
    "rows",
    metadata,
    Column("batch", Integer, primary_key=True, autoincrement=False),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("action", Text),
    Column("customer_id", Text),
    Column("before", Text),
    Column("wanted", Text),
    Column("cells", Text),
    Column("state", Text),
    Column("reason", Text),
    Column("request_id", Text),
    Column("uid", Text),
    Column("changed", Double),
    Column("verified", Integer),
    sa.Index("rows_of_customer", "customer_id"),
    sqlite_with_rowid=False,
)

# A create claims the customer that it was found to have made, which no other create can then be
# taken for.
claims: Final = sa.Table(
    "claims",
    metadata,
    Column("host", Text, primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("entry", Integer, nullable=False),
    sqlite_with_rowid=False,
)


def migrate(connection: sa.Connection) -> None:
    """Give a journal of any older version, or a new one, the tables of this version.

    Within a transaction: a process that is killed leaves the old version. Each version has only
    ever added tables and columns, so a program that has it open goes on writing.
    """
    metadata.create_all(connection)
    for table in metadata.sorted_tables:
        found = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in found:
                kind = column.type.compile(connection.dialect)
                sql = f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"
                connection.exec_driver_sql(sql)


def insert_new(connection: sa.Connection, table: sa.Table, lines: Any) -> None:  # noqa: ANN401  SQLAlchemy's
    """Insert the lines that aren't there yet."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).on_conflict_do_nothing(), lines)
