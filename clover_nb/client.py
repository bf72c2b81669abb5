"""Connections to Clover."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, get_args

from clover_nb import constants, setting_checks, setting_sources
from clover_nb import settings as settings_
from clover_nb.api.ecommerce import EcommerceAPI
from clover_nb.api.platform import PlatformAPI
from clover_nb.customers import Customers
from clover_nb.errors import SettingsError, ValidationError
from clover_nb.journal import registry as journals
from clover_nb.journal.entries import Entry
from clover_nb.journal.registry import RETENTION_DAYS
from clover_nb.masking import Secret, mask_credentials
from clover_nb.settings import Settings, Timeouts
from clover_nb.tokens import ApiKeys, Tokens
from clover_nb.transport import rate_limit
from clover_nb.transport.http import HTTPTransport
from clover_nb.transport.rate_limit import RateLimiter
from clover_nb.writes.executor import OnUnknown, WriteExecutor

if TYPE_CHECKING:
    import pandas as pd

    from clover_nb.bulk.batch import Batch
    from clover_nb.journal.journal import Journal
    from clover_nb.sandbox import Sandbox

TIMEOUTS: Final = Timeouts()

#: Where `clover-nb lab` tells its notebooks of the sandbox that they share, as JSON.
SHARED_SANDBOX: Final = "CLOVER_NB_SANDBOX"


class Clover:
    """A connection to Clover; made by :func:`connect`.

    It shares nothing with other connections and may be used from several threads. As a context
    manager it closes itself.

    Attributes:
        settings: The :class:`~clover_nb.settings.Settings` in force.
        customers: :class:`~clover_nb.customers.Customers`.
        tokens: :class:`~clover_nb.tokens.Tokens`.
        api_keys: :class:`~clover_nb.tokens.ApiKeys`.
        sandbox: The practice sandbox that was started for this connection, or ``None``.

    Example:
        >>> with connect("local", seed=1) as clover:
        ...     len(clover.customers.list())
        200
    """

    def __init__(
        self,
        settings: Settings,
        *,
        rate_limiter: RateLimiter,
        timeouts: Timeouts,
        journal: Journal | None,
        on_unknown: OnUnknown,
        sandbox: Sandbox | None = None,
        ask_for_token: Callable[[], Secret] | None = None,
    ) -> None:
        self.settings = settings
        self.sandbox = sandbox
        self._transport = HTTPTransport(settings, rate_limiter, timeouts, ask_for_token)
        ecommerce = EcommerceAPI(self._transport)
        platform = PlatformAPI(self._transport, settings)
        self._writes = WriteExecutor(
            self._transport,
            ecommerce,
            platform,
            settings,
            journal or journals.unkept_journal(settings.account),
            is_journal_kept=journal is not None,
            on_unknown=on_unknown,
        )
        self.customers = Customers(platform, self._writes)
        self.api_keys = ApiKeys(ecommerce, settings)
        self.tokens = Tokens(ecommerce, settings, self.api_keys)

    @property
    def environment(self) -> settings_.Environment:
        """``"local"``, ``"sandbox"`` or ``"production"``, by what the addresses lead to."""
        return self.settings.environment

    @property
    def journal(self) -> Journal:
        """What was sent, and what became of it: :class:`~clover_nb.journal.Journal`.

        Raises:
            SettingsError: It was switched off.
        """
        return self._writes.journal

    def batches(self) -> pd.DataFrame:
        """The plans that were applied, oldest first: ``state``, when, by whom, and how many rows.

        Raises:
            SettingsError: The journal is switched off.
        """
        return self.customers.batches()

    def batch(self, number: int) -> Batch:
        """A plan that was applied, by its number in :meth:`batches`.

        Raises:
            ValidationError: This merchant has none with this number.
            SettingsError: The journal is switched off.
        """
        return self.customers.batch(number)

    def undo(self, entry: int) -> pd.Series[Any]:
        """See :meth:`clover_nb.customers.Customers.undo`."""
        return self.customers.undo(entry)

    def resolve(self, entry: int) -> Entry:
        """Look up what became of a change whose answer was lost; nothing is sent.

        A new connection does this by itself for changes that an interrupt or a kill left open.

        Args:
            entry: The change's number in ``clover.journal.frame()``.

        Returns:
            The entry, whose ``outcome`` is ``"done"``, ``"not done"`` or ``"refused"``.

        Raises:
            OutcomeUnknownError: It is still not clear, or still under way.
            ValidationError: There is no such entry here.
            SettingsError: The journal is off.
        """
        return self._writes.resolve(entry)

    def close(self) -> None:
        """Close the connection, and stop the sandbox that was started for it alone."""
        self._transport.close()
        if self.sandbox is not None:
            self.sandbox.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        what = {
            "local": "LOCAL practice sandbox",
            "sandbox": "CLOVER SANDBOX",
            "production": "PRODUCTION, writes allowed"
            if self.settings.may_write
            else "PRODUCTION, read-only",
        }[self.environment]
        merchant = f"merchant {self.settings.merchant_id or 'not set'}"
        parts = [what, merchant, self.settings.provenance]
        return f"<Clover: {', '.join(filter(None, parts))}>"


def connect(
    environment: str | None = None,
    *,
    access_token: str | Callable[[], str] | None = None,
    api_key: str | None = None,
    merchant_id: str | None = None,
    ecommerce_url: str | None = None,
    token_url: str | None = None,
    platform_url: str | None = None,
    checkout_url: str | None = None,
    writes: bool | None = None,
    team: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    requests_per_second: float | None = constants.REQUESTS_PER_SECOND,
    at_once: int | None = constants.REQUESTS_AT_ONCE,
    journal: str | os.PathLike[str] | None = "default",
    retention_days: float = RETENTION_DAYS,
    on_unknown: OnUnknown = "resolve",
    timeouts: Timeouts = TIMEOUTS,
) -> Clover:
    """Connect to the embedded practice sandbox, to Clover's sandbox or to production.

    Arguments win over the environment, which wins over ``.env``. What comes from a weaker source
    than the access token can't say where the token goes, nor allow writes. ``connect("local")``
    looks at arguments alone, so that credentials in ``.env`` never reach a practice session.

    Args:
        environment: ``"local"`` (the default: practice, no account), ``"sandbox"`` or
            ``"production"``; ``None`` takes ``CLOVER_ENVIRONMENT``.
        access_token: The bearer token; or, for one that expires, a function that returns it. It is
            called now, and again when Clover refuses a token that worked before (401): once, and
            from any thread. The call that was refused is then sent with the new token.
        api_key: The public key for card tokens; asked of Clover when it is needed and left out.
        merchant_id: The merchant's id, without which nothing can be read.
        ecommerce_url: Another base address of the Ecommerce API: another region, or a sandbox
            that runs elsewhere.
        token_url: Another base address for tokens.
        platform_url: Another base address of the Platform API.
        checkout_url: Another base address of the script that shows Clover's card fields.
        writes: ``True`` allows writes to production.
        team: What a team shares its journal and its rate in: a folder of this machine, or
            ``"postgresql://..."``.
        seed: With ``"local"``: start a sandbox for this connection alone, with the same ids and
            times in every run. Without, notebooks opened by ``clover-nb lab`` share one, and so
            does everything within one process.
        requests_per_second: Stay below this many. All programs of this user that use the account
            share it, with ``team`` those of the whole team; the lowest in use holds. ``None`` or 0:
            as fast as it goes.
        at_once: How many requests may be under way at the same time; ``None`` or 0: any number.
        journal: The file in which changes are written down (see :mod:`clover_nb.journal`).
            ``"default"``: the team's, or else one in the user's data folder; for a local sandbox,
            in memory, as long as the sandbox lives. ``None``: no journal.
        retention_days: Entries that are older are deleted when the journal is opened, by the first
            connection of a process to it. This machine's clock says how old they are, or the team's
            database's: one that is ahead deletes too early.
        on_unknown: When the answer to a change is lost, ``"resolve"`` looks whether it was made,
            and sends it again where that can't make it twice. ``"raise"`` raises
            :class:`~clover_nb.errors.OutcomeUnknownError` at once and sends nothing again.
        timeouts: How long calls wait (:class:`~clover_nb.settings.Timeouts`).

    Returns:
        The connection. Nothing has been sent yet.

    Raises:
        SettingsError: A setting is missing or can't be right; the message says how to mend it.
        JournalError: The journal can't be opened.

    Example:
        >>> clover = connect("local", seed=1)
        >>> clover
        <Clover: LOCAL practice sandbox, merchant HTZN04FAR1CPC>
    """
    setting_checks.check_path("journal", journal)
    setting_checks.check_path("team", team)
    ask_for_token = None
    if callable(access_token):
        ask_for_token = partial(setting_checks.ask_for_token, access_token)
        access_token = ask_for_token()
    # Now, for a traceback may show this function's variables.
    access_token, api_key, place = mask_credentials(
        {
            "access_token": access_token,
            "api_key": api_key,
            "team": None if team is None else os.fspath(team),
        }
    ).values()
    del team
    seed = None if seed is None else setting_checks.check_whole_number("seed", seed)
    per_second = setting_checks.check_number("requests_per_second", requests_per_second or 0)
    at_once = setting_checks.check_whole_number("at_once", at_once or 0)
    _check_options(retention_days, on_unknown, timeouts)
    arguments = setting_sources.settings_from(
        {
            "access_token": access_token,
            "api_key": api_key,
            "merchant_id": merchant_id,
            "ecommerce_url": ecommerce_url,
            "token_url": token_url,
            "platform_url": platform_url,
            "checkout_url": checkout_url,
            "writes": writes,
            "team": place,
        },
        setting_sources.ARGUMENT,
    )
    name, found = _read_environment(environment)
    values = found | arguments
    if seed is not None and name != "local":
        raise SettingsError("seed goes with the local environment alone.", field="seed")
    use_sandbox = name == "local" and not any(key.endswith("_url") for key in values)
    if use_sandbox and environment is None:
        setting_sources.warn_of_unused_credentials(found)
    own_sandbox = _start_sandbox(seed) if use_sandbox and seed is not None else None
    with _stop_on_failure(own_sandbox):
        if use_sandbox:
            address = own_sandbox.connection() if own_sandbox else _shared_sandbox()
            values = setting_sources.settings_from(address, setting_sources.PRACTICE) | arguments
        if journal == "default" and "journal" in values and "team" not in values:
            journal = str(values["journal"].value)
        settings = settings_.load_settings(values, environment=name)
        limiter = rate_limit.shared_limiter(settings.account, per_second, at_once, settings.team)
        return Clover(
            settings,
            rate_limiter=limiter,
            timeouts=timeouts,
            journal=_open_journal(journal, settings, retention_days),
            on_unknown=on_unknown,
            sandbox=own_sandbox,
            ask_for_token=ask_for_token,
        )


def _check_options(retention_days: object, on_unknown: object, timeouts: object) -> None:
    setting_checks.check_number("retention_days", retention_days)
    setting_checks.check_choice("on_unknown", on_unknown, get_args(OnUnknown))
    if not isinstance(timeouts, Timeouts):
        raise SettingsError(
            f"timeouts must be Timeouts, not {timeouts!r}.",
            hint="Such as clover_nb.Timeouts(total=30).",
            field="timeouts",
        )


def _read_environment(
    environment: str | None,
) -> tuple[settings_.Environment, dict[str, setting_sources.Setting]]:
    """The environment's name, and what is set outside; ``"local"`` as an argument ignores it."""
    name = None if environment is None else settings_.parse_environment(environment)
    found = {} if name == "local" else setting_sources.read_environment()
    if name is None:
        name = settings_.parse_environment(getattr(found.get("environment"), "value", None))
    return name, found


@contextmanager
def _stop_on_failure(sandbox: Sandbox | None) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if sandbox is not None:
            sandbox.stop()
        raise


def _open_journal(
    where: str | os.PathLike[str] | None, settings: Settings, retention_days: float
) -> Journal | None:
    if where is None:
        return None
    if where != "default":
        return journals.shared_journal(Path(where).absolute(), retention_days=retention_days)
    if settings.team:
        return journals.team_journal(settings.team, retention_days=retention_days)
    if settings.environment != "local":
        return journals.shared_journal(journals.default_path(), retention_days=retention_days)
    journal = journals.shared_journal(settings.account)
    if _shared and settings.ecommerce_url == _shared[0].ecommerce_url:
        _kept[:] = [journal]  # it lives as long as that sandbox, not as its connections
    return journal


def _start_sandbox(seed: int | None) -> Sandbox:
    from clover_nb import sandbox  # noqa: PLC0415  only who practises pays for the server's import

    return sandbox.start(seed=seed)


_lock = threading.Lock()
_shared: list[Sandbox] = []  # at most one, which lives as long as the process
_kept: list[Journal] = []  # the shared sandbox's
_default: list[Clover] = []  # at most one


def _shared_sandbox() -> dict[str, Any]:
    if handed := os.environ.get(SHARED_SANDBOX):
        shared: dict[str, Any] = json.loads(handed)
        return shared
    with _lock:
        if not _shared:
            _shared.append(_start_sandbox(None))
        return _shared[0].connection()


def use(clover: Clover) -> Clover:
    """Make a connection the default one, which ``Customer``, ``Token`` and the forms use.

    Args:
        clover: From :func:`connect`.

    Returns:
        The same connection.

    Raises:
        ValidationError: It is no connection.

    Example:
        >>> clover = use(connect("local", seed=1))
        >>> len(Customer.list(limit=3))
        3
    """
    if not isinstance(clover, Clover):
        raise ValidationError(
            f"clover must be a connection, not a {type(clover).__name__}.",
            hint='Such as use(connect("local")).',
            field="clover",
        )
    with _lock:
        _default[:] = [clover]
    return clover


def default() -> Clover:
    """The default connection: the last that :func:`use` was given, or else ``connect()``.

    Raises:
        SettingsError: As :func:`connect`.
    """
    if not _default:
        clover = connect()
        with _lock:
            if not _default:
                _default.append(clover)
    return _default[0]


def _renew_lock() -> None:
    """In a forked child: the thread of the parent that may hold it is not there."""
    global _lock  # noqa: PLW0603  as after an import
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
