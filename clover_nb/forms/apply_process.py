"""Applies a plan in a process of its own, and follows and stops it through the journal.

The process has its own session, so neither a closed page nor the end of this kernel ends it; and
who comes later finds the batch in the journal. Where the journal is in memory, the customers are
those of a practice sandbox that ends with this process too, and a thread applies the plan.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple

from clover_nb.bulk.batch import Batch
from clover_nb.bulk.plan import Plan, read_plan
from clover_nb.client import Clover
from clover_nb.errors import CloverError
from clover_nb.journal.registry import RETENTION_DAYS, default_path
from clover_nb.settings import hand_over_settings

_PLAN: Final = ".plan.jsonl"
_LOG: Final = ".log"
_LOG_END: Final = 4000  # characters, in which the error is
_LOOK_SECONDS: Final = 0.5
_FAILED: Final = ("failed", "conflict", "unknown")
_DAY: Final = 86_400

State = Literal["starting", "running", "stopped", "done", "failed"]


class ApplyStatus(NamedTuple):
    """How far an application is, by the journal.

    Attributes:
        state: ``starting`` until the journal knows it; ``failed`` if it ended before that.
        counts: How many rows there are of each outcome.
        reason: Why it stopped or failed, in a sentence.
    """

    state: State
    counts: dict[str, int]
    reason: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing is sent any more."""
        return self.state not in ("starting", "running")

    def count_done(self) -> int:
        """How many rows are done."""
        return self.counts.get("done", 0)

    def count_failed(self) -> int:
        """How many rows are not, and won't be."""
        return sum(self.counts.get(name, 0) for name in _FAILED)

    def count_left(self) -> int:
        """How many rows wait."""
        return sum(self.counts.values()) - self.count_done() - self.count_failed()


class Application:
    """A plan that is being applied, or was.

    Args:
        clover: The connection, whose journal it is in.
        plan_id: The plan's.
        worker: Who applies it, as far as this process has started it.
    """

    def __init__(self, clover: Clover, plan_id: str, worker: _Worker | None = None) -> None:
        self._clover, self._plan_id, self._worker = clover, plan_id, worker
        self._batch: Batch | None = None
        self._is_stop_wanted = False
        self._is_unwatched = threading.Event()

    @property
    def batch(self) -> Batch | None:
        """The batch, once the journal has it."""
        if self._batch is None:
            self._batch = _find_batch(self._clover, self._plan_id)
        return self._batch

    def stop(self) -> None:
        """Let what is under way finish, and keep the rest for later."""
        self._is_stop_wanted = True

    def read_status(self) -> ApplyStatus:
        """What the journal says; a stop that somebody wants is asked for as soon as it can be."""
        is_working = self._worker is not None and self._worker.is_alive()
        error = "" if self._worker is None or is_working else self._worker.error()
        batch = self.batch
        if batch is None:
            return ApplyStatus("starting" if is_working else "failed", {}, error)
        state, counts = batch.state, batch.counts
        if state == "running" and self._is_stop_wanted:
            batch.stop()
        if state == "running" or is_working:  # it begins, or ends, a moment later
            return ApplyStatus("running", counts)
        if state == "done":
            return ApplyStatus("done", counts)
        return ApplyStatus("stopped", counts, batch.reason or error)

    def wait_for_news(self, known: ApplyStatus | None) -> ApplyStatus:
        """Look until something is otherwise than it was; called in a worker thread."""
        while (found := self.read_status()) == known and not found.is_over:
            if self._is_unwatched.wait(_LOOK_SECONDS):
                break
        return found

    def unwatch(self) -> None:
        """End :meth:`wait_for_news`: nobody looks any more."""
        self._is_unwatched.set()


def start_apply(clover: Clover, plan: Plan) -> Application:
    """Start to apply a plan, or go on with it.

    Args:
        clover: The connection.
        plan: What to apply; it is kept beside the journal until all of it is done.

    Raises:
        SettingsError: The journal is off.
        OSError: The plan can't be saved, or no process can be started.
    """
    folder = _plan_folder(clover)
    if folder is None:
        return Application(clover, plan.id, _Thread(clover, plan))
    _remove_old(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{plan.id}{_PLAN}"
    plan.save(path)
    return Application(clover, plan.id, _Process(clover, path))


def find_apply(clover: Clover) -> Application | None:
    """The application that is under way, or the last of which nobody has seen the end.

    Raises:
        SettingsError: The journal is off.
    """
    batches, folder = clover.batches(), _plan_folder(clover)
    running = batches.index[batches["state"] == "running"]
    if len(running):
        return Application(clover, clover.batch(int(running[-1])).plan_id)
    kept = {path.name for path in folder.glob(f"*{_PLAN}")} if folder else set()
    ended = (clover.batch(int(number)) for number in reversed(batches.index)) if kept else ()
    found = (batch.plan_id for batch in ended if f"{batch.plan_id}{_PLAN}" in kept)
    newest = next(found, None)
    return None if newest is None else Application(clover, newest)


def is_applying(clover: Clover) -> bool:
    """Whether a plan is being applied to this merchant; where no journal tells it, none is."""
    try:
        return bool((clover.batches()["state"] == "running").any())
    except CloverError:
        return False


def load_plan(clover: Clover, batch: Batch) -> Plan | None:
    """The plan of a batch that has stopped; ``None`` if a form has not started it."""
    folder = _plan_folder(clover)
    try:
        return read_plan(folder / f"{batch.plan_id}{_PLAN}") if folder else None
    except CloverError:
        return None


def remove_plan(clover: Clover, batch: Batch) -> None:
    """Delete what was kept of the plan of a batch that is done; the journal has its rows."""
    if folder := _plan_folder(clover):
        for suffix in (_PLAN, _LOG):
            (folder / f"{batch.plan_id}{suffix}").unlink(missing_ok=True)


def export_file(save: Plan | Batch, name: str) -> bytes:
    """The content of the file of a plan, or of a batch's failed rows, for a browser to keep."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        if isinstance(save, Plan):
            save.save(path)
        else:
            save.save_failed(path)
        return path.read_bytes()


def _find_batch(clover: Clover, plan_id: str) -> Batch | None:
    """The newest first: it is most often that one."""
    found = (clover.batch(int(number)) for number in reversed(clover.batches().index))
    return next((batch for batch in found if batch.plan_id == plan_id), None)


def _plan_folder(clover: Clover) -> Path | None:
    """Where a person's plans are kept: beside the journal. ``None`` for a journal in memory."""
    path = default_path() if clover.settings.team else clover.journal.path
    return path and path.with_name(f"{path.name}-plans")


def _remove_old(folder: Path) -> None:
    """Delete what was never gone on with, as the journal does."""
    for path in folder.glob("*"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - RETENTION_DAYS * _DAY:
                path.unlink()


class _Process:
    """``clover-nb apply`` with this connection's settings, which no other user can see.

    Arguments can be seen by everybody on the machine; the environment by its user alone.
    """

    def __init__(self, clover: Clover, path: Path) -> None:
        self._log = path.with_name(path.name.removesuffix(_PLAN) + _LOG)
        journal = {} if clover.settings.team else {"journal": str(clover.journal.path)}
        environment = hand_over_settings(clover.settings, **journal)
        command = [sys.executable, "-P", "-m", "clover_nb.cli", "apply", "--yes", str(path)]
        with self._log.open("wb") as log:
            self._log.chmod(0o600)
            self._process = subprocess.Popen(  # noqa: S603  ourselves
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=self._process.wait, daemon=True).start()  # reaps it

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def error(self) -> str:
        if self._process.returncode != 1 or not self._log.exists():
            return "" if self._process.returncode in (0, 2) else "It ended before it had begun."
        lines = self._log.read_text(encoding="utf-8", errors="replace")[-_LOG_END:].split("\n")
        return next((line.rpartition("\r")[2] for line in reversed(lines) if line.strip()), "")


class _Thread:
    """Applies a plan in this process."""

    def __init__(self, clover: Clover, plan: Plan) -> None:
        self._clover, self._plan, self._error = clover, plan, ""
        self._thread = threading.Thread(target=self._apply, daemon=True)
        self._thread.start()

    def _apply(self) -> None:
        try:
            self._clover.customers.apply(self._plan)
        except CloverError as error:
            self._error = str(error)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def error(self) -> str:
        return self._error


_Worker = _Process | _Thread
