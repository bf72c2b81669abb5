"""What is deleted from a journal: what is old, and what is known of a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from clover_nb.journal import tables
from clover_nb.journal.entries import Fields
from clover_nb.journal.fields import parse_fields

_E: Final = tables.entries.c
_C: Final = tables.claims.c
_B: Final = tables.batches.c
_R: Final = tables.rows.c


def delete_old(db: sa.Connection, days: float, *, now: float) -> None:
    """Delete what is older than so many days; an open entry stays for whoever ends it.

    Args:
        db: Its connection.
        days: How many.
        now: The time, in seconds since 1970. A clock that is ahead deletes too early.
    """
    limit = now - days * 86400
    # Of a machine whose clock stood in the past, an entry is as old as it was by Clover's.
    is_old = sa.and_(_E.time < limit, sa.func.coalesce(_E.clover_time, 0.0) < limit)
    for statement in (
        sa.delete(tables.entries).where(is_old, _E.outcome != "open"),
        sa.delete(tables.claims).where(_C.entry.not_in(sa.select(_E.entry))),
        sa.delete(tables.batches).where(sa.func.coalesce(_B.ended, _B.started) < limit),
        sa.delete(tables.rows).where(_R.batch.not_in(sa.select(_B.batch))),
    ):
        db.execute(statement)


def delete_customer(
    db: sa.Connection, customer_id: str, *, hosts: Collection[str], emails: Iterable[str]
) -> None:
    """Delete what is known of a person; see :meth:`clover_nb.journal.journal.Journal.forget`."""
    known = {email.casefold() for email in emails}
    possible = sa.or_(_E.customer_id == customer_id, _E.customer_id.is_(None))
    chosen = sa.select(_E.entry, _E.customer_id, _E.sent).where(_E.host.in_(hosts), possible)
    sent = [
        (entry, key, _sent_email(parse_fields(text))) for entry, key, text in db.execute(chosen)
    ]
    known |= {email for _, key, email in sent if key and email}
    theirs = [{"number": entry} for entry, key, email in sent if key or email in known]
    if theirs:
        erased = {"before": None, "sent": "{}", "after": None, "token_digest": None}
        erase = sa.update(tables.entries).where(_E.entry == bindparam("number"))
        db.execute(erase.values(erased), theirs)
    claims = sa.delete(tables.claims)
    db.execute(claims.where(_C.host.in_(hosts), _C.customer_id == customer_id))
    here = sa.select(_B.batch).where(_B.host.in_(hosts))
    db.execute(
        sa.update(tables.rows)
        .where(_R.customer_id == customer_id, _R.batch.in_(here))
        .values(before="{}", wanted="{}", cells="[]")
    )


def _sent_email(sent: Fields | None) -> str | None:
    email = (sent or {}).get("email")
    return email.casefold() if isinstance(email, str) else None
