"""The journals of this process: one for each file, and for each local sandbox.

SQLAlchemy takes a tenth of a second to import, so :mod:`~clover_nb.journal.journal` is imported
when the first journal is opened.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from clover_nb import team
from clover_nb.errors import JournalError
from clover_nb.masking import Secret

if TYPE_CHECKING:
    from clover_nb.journal.journal import Journal

RETENTION_DAYS: Final = 90

_MAX_UNKEPT: Final = 1000

_journals: WeakValueDictionary[object, Journal] = WeakValueDictionary()
_unkept: dict[tuple[object, ...], Journal] = {}
_lock = threading.Lock()


def shared_journal(
    where: Path | Secret | tuple[object, ...],
    *,
    retention_days: float = RETENTION_DAYS,
    mode: int = 0o600,
) -> Journal:
    """The journal that all connections of this process to one place share.

    Args:
        where: The file; a database's address; or what tells a local sandbox apart, whose journal
            is kept in memory.
        mode: See :class:`~clover_nb.journal.journal.Journal`.
        retention_days: See :class:`~clover_nb.journal.journal.Journal`.
    """
    from clover_nb.journal.journal import Journal  # noqa: PLC0415  SQLAlchemy

    with _lock:
        journal = _journals.get(where)
        if journal is None:
            path = None if isinstance(where, tuple) else where
            journal = _journals[where] = Journal(path, retention_days=retention_days, mode=mode)
        return journal


def team_journal(place: Secret, *, retention_days: float = RETENTION_DAYS) -> Journal:
    """The journal of a team.

    Args:
        place: Its folder, or its database's address.
        retention_days: See :class:`~clover_nb.journal.journal.Journal`.
    """
    if team.is_database(place):
        return shared_journal(place, retention_days=retention_days)
    path = team_file(place)
    return shared_journal(path, retention_days=retention_days, mode=team.FILE_MODE)


def team_file(folder: Secret) -> Path:
    """The journal's file in a team's folder."""
    return Path(folder.reveal()) / "journal.sqlite3"


def unkept_journal(account: tuple[object, ...]) -> Journal:
    """What this process remembers of an account where no journal is kept: its newest writes.

    It tells its connections which customers they have made, and what they wrote last.
    """
    from clover_nb.journal.journal import Journal  # noqa: PLC0415  SQLAlchemy

    with _lock:
        if account not in _unkept:
            _unkept[account] = Journal(retention_days=RETENTION_DAYS, max_entries=_MAX_UNKEPT)
        return _unkept[account]


def default_path() -> Path:
    """The journal of this user: in the folder where the system keeps a program's data.

    Raises:
        JournalError: This user has no home, as in some containers.
    """
    import platformdirs  # noqa: PLC0415  a local sandbox keeps its journal in memory

    try:
        # Its older versions leave a home that isn't there to us.
        folder = Path(platformdirs.user_data_dir("clover-nb", appauthor=False)).expanduser()
    except RuntimeError:
        raise JournalError(
            "There is no place for the journal: this user has no home.",
            hint="Set HOME, or name a file: connect(journal=...); connect(journal=None) works "
            "without.",
        ) from None
    return folder / "journal.sqlite3"


if hasattr(os, "register_at_fork"):
    # So that no other thread holds it in the child.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )
