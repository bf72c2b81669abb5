"""One rate for an account over all machines of a team, by PostgreSQL.

A turn is one call of one function. It gives each who asks a moment, in the order in which they
ask, and at that moment one of the account's slots: an advisory lock, which ends with the connection
of its process. The clock is the server's. While the database is away, each user of a machine keeps
to the limits alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from weakref import WeakSet, WeakValueDictionary, finalize

import psycopg

from clover_nb.masking import Secret
from clover_nb.team_database import SCHEMA, WRITES_LOCK, connect_database
from clover_nb.transport.rate_limit import (
    BEGUN_KEPT,
    FASTER_PER_SECOND,
    LOWER_RATE_SECONDS,
    SHARE,
    SLOWER,
    SLOWEST,
    WINDOW,
    RateLimiter,
)
from clover_nb.transport.rate_limit_locks import AccountLocks, hash_account

log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.005
# Seconds until the database is asked again after it could not be reached.
_AWAY_SECONDS: Final = 5.0

_SLOWDOWN: Final = f"greatest(0, {{0}}slower - {FASTER_PER_SECOND} * ({{1}} - {{0}}slower_since))"
_NOW: Final = "extract(epoch FROM clock_timestamp())::float8"
_BODY: Final = f"""
DECLARE
    now float8;
    kept pace%ROWTYPE;
    rate float8;
    count integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('clover-nb pace ' || of_account, 0));
    now := {_NOW};
    SELECT * INTO kept FROM pace WHERE account = of_account;
    IF NOT FOUND OR greatest(kept.slower_since, kept.begun[cardinality(kept.begun)]) > now THEN
        -- There was none, or the server's clock was set back.
        DELETE FROM pace WHERE account = of_account;
        INSERT INTO pace (account) VALUES (of_account) RETURNING * INTO kept;
    END IF;
    wait := 0;
    IF per_second > 0 THEN
        IF per_second <= kept.lowest OR now > kept.lowest_until THEN
            kept.lowest := per_second;
            kept.lowest_until := now + {LOWER_RATE_SECONDS};
        END IF;
        rate := least(per_second, kept.lowest) * (1 - {_SLOWDOWN.format("kept.", "now")});
        count := greatest(1, floor(rate)::integer);
        IF scheduled IS NULL THEN
            scheduled := greatest(kept.next, now);
            kept.next := scheduled + 1 / (rate * {SHARE});
        END IF;
        wait := greatest(scheduled, kept.not_before) - now;
        IF cardinality(kept.begun) >= count THEN
            wait := greatest(
                wait,
                kept.begun[cardinality(kept.begun) - count + 1] + {WINDOW} * count / rate - now
            );
        END IF;
    END IF;
    IF wait <= 0 THEN
        slot := CASE WHEN at_once = 0 THEN -1 END;
        FOR number IN 0 .. at_once - 1 LOOP
            -- A session may take a lock twice, so it says which it holds.
            IF number <> ALL (held) AND pg_try_advisory_lock(slot_key(of_account, number)) THEN
                slot := number;
                EXIT;
            END IF;
        END LOOP;
        IF slot IS NULL THEN
            wait := {_POLL_SECONDS};
        ELSE
            kept.begun := (kept.begun || now)[greatest(1, cardinality(kept.begun) - {BEGUN_KEPT - 1}):];
        END IF;
    END IF;
    UPDATE pace SET next = kept.next, begun = kept.begun, lowest = kept.lowest,
        lowest_until = kept.lowest_until WHERE account = of_account;
END
"""  # noqa: S608, E501  of constants
_VERSION: Final = hashlib.sha256(_BODY.encode()).hexdigest()[:8]
_FUNCTION: Final = f"begin_request_{_VERSION}"
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS pace (
    account text PRIMARY KEY,
    next float8 NOT NULL DEFAULT 0,
    not_before float8 NOT NULL DEFAULT 0,
    begun float8[] NOT NULL DEFAULT '{}',
    lowest float8 NOT NULL DEFAULT 'infinity',
    lowest_until float8 NOT NULL DEFAULT 0,
    slower float8 NOT NULL DEFAULT 0,
    slower_since float8 NOT NULL DEFAULT 0
)
"""
_SLOT_KEY: Final = """
CREATE OR REPLACE FUNCTION slot_key(account text, number integer) RETURNS bigint
LANGUAGE sql IMMUTABLE AS
$$ SELECT hashtextextended('clover-nb slot ' || number || ' ' || account, 0) $$
"""
_MAKE_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION {_FUNCTION}(
    of_account text, per_second float8, at_once integer, held integer[],
    INOUT scheduled float8, OUT slot integer, OUT wait float8
) LANGUAGE plpgsql AS $${_BODY}$$
"""
_MAKE_SCHEMA: Final = f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"
_SETUP: Final = (WRITES_LOCK, _MAKE_SCHEMA, _TABLE, _SLOT_KEY, _MAKE_FUNCTION)
_CALL: Final = (
    f"SELECT scheduled, slot, wait FROM {_FUNCTION}"  # noqa: S608  a constant
    "(%s, %s::float8, %s::integer, %s::integer[], %s::float8)"
)
_RELEASE: Final = "SELECT pg_advisory_unlock(slot_key(%s, %s::integer))"
_SLOW_DOWN: Final = (
    f"UPDATE pace SET slower = least({_SLOWDOWN.format('', _NOW)} + {SLOWER}, {SLOWEST}), "  # noqa: S608  constants
    f"slower_since = {_NOW}, not_before = greatest(not_before, {_NOW} + %s::float8) "
    "WHERE account = %s"
)


class DatabaseRateLimiter(RateLimiter):
    """Gives each request its turn, over all machines of a team.

    Args:
        per_second: As of :class:`RateLimiter`.
        at_once: As of :class:`RateLimiter`.
        locks: Of this machine, for while the database is away.
        account: What tells accounts apart: the addresses and the access token.
        session: The connection to the team's database.
    """

    def __init__(
        self,
        per_second: float,
        at_once: int,
        locks: AccountLocks,
        account: tuple[str, ...],
        session: RateSession,
    ) -> None:
        super().__init__(per_second, at_once, locks)
        self._account = hash_account(account)
        self._session = session

    @contextmanager
    def slot(self) -> Iterator[None]:
        """See :class:`RateLimiter`."""
        if not self._per_second and not self._at_once:
            yield
            return
        with ExitStack() as held:
            if not self._wait_for_turn(held):
                held.enter_context(super().slot())
            yield

    def slow_down(self, delay: float) -> None:
        """See :class:`RateLimiter`."""
        if self._session.execute(_SLOW_DOWN, (delay, self._account)) is None:
            super().slow_down(delay)

    def _wait_for_turn(self, held: ExitStack) -> bool:
        """Wait for a turn; false if the database is away."""
        scheduled = None
        with self._session.gates[self._account]:
            while True:
                turn = self._session.take_slot(
                    self._account, self._per_second, self._at_once, scheduled
                )
                if turn is None:
                    return False
                scheduled, slot, wait = turn
                if slot is not None:
                    held.callback(self._session.release_slot, self._account, slot)
                    return True
                time.sleep(wait)


class RateSession:
    """This process's connection to a team's database, for its slots, which end with it.

    Args:
        address: The database's.

    Attributes:
        gates: Where the threads of this process wait, by account: one of them asks.
    """

    def __init__(self, address: Secret) -> None:
        self._address = address
        self._connection: psycopg.Connection | None = None
        self.start_anew()
        _opened.add(self)

    def start_anew(self) -> None:
        """At first, and in a forked child, which leaves its parent's connection alone."""
        if self._connection is not None:
            self._closing.detach()
            _inherited.append(self._connection)
        self._connection = None
        self._lock = threading.Lock()
        self._held: set[tuple[str, int]] = set()
        self._away_until = 0.0
        self.gates: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def take_slot(
        self, account: str, per_second: float, at_once: int, scheduled: float | None
    ) -> tuple[float, int | None, float] | None:
        """Ask for a turn.

        Args:
            account: Whose.
            per_second: As of :class:`RateLimiter`.
            at_once: As of :class:`RateLimiter`.
            scheduled: The moment that it was given before.

        Returns:
            The moment that it is given, the slot, and how long to wait before it asks again, if it
            has got none; ``None`` if the database is away.
        """
        with self._lock:
            held = [number for name, number in self._held if name == account]
            found = self._execute(_CALL, (account, per_second, at_once, held, scheduled))
            if not found:
                return None
            ((scheduled, slot, wait),) = found
            if slot is not None:
                self._held.add((account, slot))
            return scheduled, slot, wait

    def release_slot(self, account: str, slot: int) -> None:
        """Let others have it."""
        with self._lock:
            if (account, slot) in self._held:  # else it has ended with a connection that was lost
                self._held.discard((account, slot))
                if slot >= 0:
                    self._execute(_RELEASE, (account, slot))

    def execute(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]] | None:
        """Run a statement; ``None`` if the database is away."""
        with self._lock:
            return self._execute(statement, values)

    def _execute(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]] | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            connection = self._connection or self._open()
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as problem:
            self._away_until = time.monotonic() + _AWAY_SECONDS
            if self._connection is not None:
                self._closing()
            self._connection = None
            self._held.clear()
            log.warning(
                "This machine keeps to Clover's limits for itself, without regard to the team's "
                "others, until their database can be used again: %s",
                str(problem).strip(),
            )
            return None

    def _open(self) -> psycopg.Connection:
        connection = connect_database(self._address.reveal())
        try:
            exists = "SELECT to_regproc(%s) IS NOT NULL"
            if connection.execute(exists, (f"{SCHEMA}.{_FUNCTION}",)).fetchone() != (True,):
                with connection.transaction():
                    for statement in _SETUP:
                        connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._closing = finalize(self, connection.close)
        return connection


_opened: WeakSet[RateSession] = WeakSet()
_inherited: list[Any] = []  # a parent's connections: never used, and never closed
_sessions: WeakValueDictionary[str, RateSession] = WeakValueDictionary()


def shared_session(address: Secret) -> RateSession:
    """The one connection of this process for the rates in a database."""
    session = _sessions.get(address)
    if session is None:
        session = _sessions[address] = RateSession(address)
    return session


def _start_anew() -> None:
    for session in list(_opened):
        session.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
