"""``clover-nb doctor``: is everything as it should be? It reads, and never changes anything."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple

from clover_nb import team
from clover_nb.client import Clover, connect
from clover_nb.env_file import find_env_file, read_env_file
from clover_nb.errors import (
    APIConnectionError,
    APIError,
    CloverError,
    JournalError,
    SettingsError,
)
from clover_nb.exit_codes import DONE, ERROR
from clover_nb.journal.processes import FileProcesses
from clover_nb.journal.registry import default_path, team_file
from clover_nb.masking import Secret
from clover_nb.setting_sources import VARIABLES
from clover_nb.settings import Timeouts
from clover_nb.team_database import describe_database, examine_database
from clover_nb.transport.http import HTTPTransport, path_of

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_PATIENCE: Final = Timeouts(unreachable=1.0, total=5.0)
_CLOCK_SECONDS: Final = 60.0
_PACKAGES: Final = ("clover-nb", "pandas", "pyarrow", "requests", "jupyterlab", "ipywidgets")
_NAMES: Final = {"ecommerce": "Ecommerce API", "token": "card tokens", "platform": "Platform API"}


class CheckResult(NamedTuple):
    """One line of the report: what was found, and what to do where it is wrong."""

    good: bool
    what: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{'ok   ' if self.good else 'WRONG'}  {_escape_controls(self.what)}"
        return line + f"\n       {_escape_controls(self.todo)}" if self.todo else line


def _escape_controls(text: str) -> str:
    """A text in one line, without signs that a terminal takes for commands."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def print_report(_: argparse.Namespace) -> int:
    """Print the findings as they come.

    Returns:
        The exit code: 1 when something is wrong.
    """
    well = True
    for finding in run_checks():
        print(finding, flush=True)
        well = well and finding.good
    return DONE if well else ERROR


def run_checks() -> Iterator[CheckResult]:
    """Look at versions, settings, hosts, clock, credentials, the journal and the team."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    yield CheckResult(good=True, what=f"Python {platform.python_version()}; {versions}")
    path = find_env_file()
    yield CheckResult(good=True, what=f"settings file: {path or 'none, the environment alone'}")
    yield from _check_names(path)
    try:
        clover = connect(timeouts=_PATIENCE, journal=None)
    except CloverError as error:
        yield _failed_check("settings", error)
        return
    with clover:
        yield CheckResult(good=True, what=f"settings: {clover!r}")
        yield from _check_hosts(clover)
        yield from _check_credentials(clover)
        if clover.settings.team:
            yield from _check_team(clover.settings.team)
        elif clover.environment != "local":
            yield from _check_journal()


def _check_names(path: Path | None) -> Iterator[CheckResult]:
    """A misspelled setting is none, and nothing else would say so."""
    known = {ours for ours, _ in VARIABLES.values()}
    given = set(os.environ)
    with suppress(SettingsError):  # said with the settings
        given.update(read_env_file(path) if path else ())
    for name in sorted(given - known):
        if name.startswith("CLOVER") and (near := get_close_matches(name, known, n=1, cutoff=0.8)):
            what = f"setting {name}: there is none of this name"
            yield CheckResult(good=False, what=what, todo=f"Did you mean {near[0]}?")


def _check_hosts(clover: Clover) -> Iterator[CheckResult]:
    """Any answer will do, a refusal too: somebody is there."""
    transport: HTTPTransport = clover._transport
    answered = False
    for api, name in _NAMES.items():
        address = getattr(clover.settings, f"{api}_url")
        what = f"{name} at {address}"
        try:
            transport.send("GET", api, path_of("v1"))  # type: ignore[arg-type]  # one of the three
        except APIConnectionError as error:
            yield _failed_check(what, error)
            continue
        except CloverError:
            pass
        answered = True
        yield CheckResult(good=True, what=what)
    if answered:  # else nobody has told the time
        yield _check_clock(transport.server_time() - time.time(), "Clover's")


def _check_clock(behind: float, whose: str) -> CheckResult:
    if abs(behind) <= _CLOCK_SECONDS:
        return CheckResult(good=True, what=f"clock: as {whose}, to the minute")
    which = "behind" if behind > 0 else "ahead of"
    what = f"clock: it is {abs(behind):.0f} seconds {which} {whose}"
    todo = "Set this machine's clock (in its settings: date and time, automatically)."
    return CheckResult(good=False, what=what, todo=todo)


def _check_credentials(clover: Clover) -> Iterator[CheckResult]:
    yield _check_access(
        "access token, for the Ecommerce API (asked for the API key)", clover, _ask_key
    )
    if clover.settings.merchant_id:
        what = f"reading customers of merchant {clover.settings.merchant_id}"
        yield _check_access(what, clover, _ask_customer)
    else:
        todo = "Set CLOVER_MERCHANT_ID: without it customers can't be read, nor changes looked up."
        yield CheckResult(good=False, what="merchant id: missing", todo=todo)


def _ask_key(clover: Clover) -> None:
    clover.api_keys.retrieve()


def _ask_customer(clover: Clover) -> None:
    clover.customers.list(limit=1)


def _check_access(what: str, clover: Clover, ask: Callable[[Clover], None]) -> CheckResult:
    try:
        ask(clover)
    except CloverError as error:
        return _failed_check(what, error)
    return CheckResult(good=True, what=what)


def _failed_check(what: str, error: CloverError) -> CheckResult:
    status = f" (HTTP {error.status})" if isinstance(error, APIError) else ""
    return CheckResult(good=False, what=f"{what}: {error.message}{status}", todo=error.hint)


def _check_journal() -> Iterator[CheckResult]:
    try:
        path = default_path()
    except JournalError as error:
        yield _failed_check("journal", error)
        return
    there = next(each for each in (path, *path.parents) if each.exists())
    if os.access(there, os.R_OK | os.W_OK):
        made = "" if there == path else ", made with the first connection"
        yield CheckResult(good=True, what=f"journal: {path}{made}")
    else:
        todo = f"There is no connection without it: let your user read and write {there}."
        yield CheckResult(good=False, what=f"journal: {path} can't be written", todo=todo)


def _check_team(place: Secret) -> Iterator[CheckResult]:
    """Mode and file system of a folder were looked at with the settings."""
    if team.is_database(place):
        yield from _check_database(place.reveal())
        return
    file = team_file(place)
    mode, kind = f"{team.FOLDER_MODE:o}", team.file_system_of(file.parent) or "not known"
    what = f"team: folder {file.parent}, mode {mode}, file system {kind}"
    yield CheckResult(good=True, what=what)
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        todo = f"Give it to the team's group: chmod {team.FILE_MODE:o} {file}"
        yield CheckResult(good=False, what=f"team: {file} can't be written", todo=todo)
    yield from _check_processes(FileProcesses(file, team.FILE_MODE).list_alive())


def _check_database(address: str) -> Iterator[CheckResult]:
    from psycopg import Error  # noqa: PLC0415  an extra

    what = f"team: database {describe_database(address)}"
    try:
        state = examine_database(address)
    except Error as error:
        todo = "Start it, or ask who runs it to let your role in: GRANT its owner TO your role."
        reason = str(error).strip().splitlines()[0]
        yield CheckResult(good=False, what=f"{what}: {reason}", todo=todo)
        return
    what = f"{what}, PostgreSQL {state.version}, as role {state.role}"
    yield CheckResult(good=True, what=what)
    if state.is_open:
        todo = "Close it: REVOKE CONNECT ON DATABASE ... FROM PUBLIC."
        yield CheckResult(good=False, what="team: every role may connect to it", todo=todo)
    yield _check_clock(state.clock - time.time(), "the database's")
    yield from _check_processes(state.processes)


def _check_processes(alive: list[str]) -> Iterator[CheckResult]:
    processes = "; ".join(alive) or "none"
    yield CheckResult(good=True, what=f"team: processes that are alive: {processes}")
    if others := [each for each in alive if not each.startswith(f"{team.application_name()} ")]:
        what = f"team: not all run {team.application_name()}: {'; '.join(others)}"
        todo = "Update the older ones, and start them again."
        yield CheckResult(good=False, what=what, todo=todo)
