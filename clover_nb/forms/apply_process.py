"""Applies a batch in a process of its own, and follows and stops it through the journal.

The process has its own session, so neither a closed page nor the end of this kernel ends it; and
who comes later finds the batch in the journal. Where the journal is in memory, the customers are
those of a practice sandbox that ends with this process too, and a thread applies the batch.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple

from clover_nb import constants
from clover_nb.bulk.batch import Batch
from clover_nb.bulk.batch_progress import BatchProgress
from clover_nb.bulk.plan import Plan
from clover_nb.client import Clover
from clover_nb.errors import CloverError, JournalError
from clover_nb.exit_codes import CHANGES, DONE, ERROR
from clover_nb.forms.messages import count_rows
from clover_nb.journal.batches import BatchState
from clover_nb.masking import mask_text
from clover_nb.settings import hand_over_settings

_LOOK_SECONDS: Final = 0.5
_BEGIN_SECONDS: Final = 0.1
_ENDS: Final = (DONE, CHANGES)  # of an application that has said in the journal how it ended
_MINUTE: Final = 60
_HOUR: Final = 3600


class ApplyStatus(NamedTuple):
    """How far an application is.

    Attributes:
        state: ``running`` as long as anything may be sent.
        progress: How many rows are done, failed and left.
        reason: Why it stopped, or can't be looked at, in a sentence.
    """

    state: BatchState
    progress: BatchProgress
    reason: str = ""


class Application:
    """A batch that is being applied, or was.

    Attributes:
        batch: The batch.
        status: How far it is, as far as that was read.

    Args:
        batch: The batch.
        work: Applies it; left out, another process does, or nobody.
    """

    def __init__(self, batch: Batch, work: Callable[[], None] | None = None) -> None:
        self.batch = batch
        self._error = ""
        self._is_stop_wanted = False
        self._is_working = work is not None
        self._has_ended = threading.Event()  # what works here; set until that was seen
        self.status = self._read_journal()
        self._began = time.monotonic(), self.status.progress.left
        if work is not None:
            threading.Thread(target=self._run_work, args=(work,), daemon=True).start()

    def _run_work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  the form tells it, whatever it is
            self._error = mask_text(str(error)) or type(error).__name__
        self._is_working = False
        self._has_ended.set()

    def await_begin(self) -> None:
        """Wait until the journal says that it has begun; before, it looks as if it had stopped."""
        with suppress(JournalError):  # one that is away for a moment
            while self._is_working and self.batch.state != "running":
                self._has_ended.wait(_BEGIN_SECONDS)

    @property
    def is_over(self) -> bool:
        """Whether nothing is sent any more."""
        return self.status.state != "running"

    def stop(self) -> None:
        """Let what is under way finish, and keep the rest for later."""
        self._is_stop_wanted = True

    def update(self, status: ApplyStatus) -> None:
        """Take what was read."""
        self.status = status
        if status.progress.left == self._began[1]:  # no row has ended yet
            self._began = time.monotonic(), status.progress.left

    def read_status(self) -> ApplyStatus:
        """How far it is after a moment; for a worker thread. A journal that is away comes back."""
        if self._has_ended.wait(_LOOK_SECONDS):
            self._has_ended.clear()
        try:
            return self._read_journal()
        except JournalError as error:
            return self.status._replace(reason=str(error))

    def _read_journal(self) -> ApplyStatus:
        is_working = self._is_working  # first: what it writes down last must be read after that
        state, progress = self.batch.state, self.batch.progress
        if state == "running" and self._is_stop_wanted:
            self.batch.stop()  # again and again, as it may begin only now
        if is_working:
            return ApplyStatus("running", progress)
        if state == "running":
            self._error = ""  # of what was begun here: another process has the batch
            return ApplyStatus(state, progress)
        return ApplyStatus(state, progress, self._error or self.batch.reason or "")

    def describe(self) -> dict[str, Any]:
        """How many rows have ended, of how many, and both in words."""
        progress = self.status.progress
        words = str(progress)
        begun, left = self._began
        if not progress.left:
            words += "; comparing with what is there"
        elif progress.left < left:
            each = (time.monotonic() - begun) / (left - progress.left)
            words += f", {describe_duration(progress.left * each)} to go"
        ended = progress.done + progress.failed
        return {"ended": ended, "total": ended + progress.left, "words": words}

    def describe_end(self) -> str:
        """That it has ended."""
        if self.status.state == "done":
            return f"Batch {self.batch.number} is done."
        left = count_rows(self.status.progress.left)
        return f"Batch {self.batch.number} has stopped with {left} left."


def start_apply(clover: Clover, batch: Batch) -> Application:
    """Start to apply a batch, or go on with it."""
    if clover.journal.path is None and not clover.settings.team:
        return Application(batch, batch.resume)
    return Application(batch, partial(_run_process, clover, batch.number))


def _run_process(clover: Clover, number: int) -> None:
    """``clover-nb resume`` with this connection's settings, which no other user can see.

    Arguments can be seen by everybody on the machine; the environment by its user alone.

    Raises:
        ChildProcessError: It has ended otherwise than the journal says.
    """
    journal = {} if clover.settings.team else {"journal": str(clover.journal.path)}
    command = [sys.executable, "-P", "-m", "clover_nb.cli", "resume", "--yes", str(number)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603  ourselves
            command,
            env=hand_over_settings(clover.settings, **journal),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
        if process.wait() in _ENDS:
            return
        log.seek(0)
        lines = log.read().decode(errors="replace").replace("\r", "\n").split("\n")
    printed = [line for line in lines if line.strip()] if process.returncode == ERROR else []
    raise ChildProcessError(printed[-1] if printed else "Its process was ended.")


def find_apply(clover: Clover) -> Application | None:
    """The application that is under way, or else the last that this person has begun.

    Raises:
        SettingsError: The journal is off.
    """
    batches = clover.batches()
    begun = batches.index[batches["person"] == clover.journal.person][-1:]
    running = batches.index[batches["state"] == "running"]
    found = [*begun, *running]
    return Application(clover.batch(int(found[-1]))) if found else None


def is_applying(clover: Clover) -> bool:
    """Whether a plan is being applied to this merchant; where no journal tells it, none is."""
    try:
        return bool((clover.batches()["state"] == "running").any())
    except CloverError:
        return False


def describe_duration(seconds: float) -> str:
    """A time to wait, in words."""
    if seconds < _MINUTE:
        return f"about {max(5, math.ceil(seconds / 5) * 5)} seconds"
    minutes = math.ceil(seconds / _MINUTE)
    hours, rest = divmod(minutes, _HOUR // _MINUTE)
    if not hours:
        return f"about {count_rows(minutes, 'minute')}"
    words = f"about {count_rows(hours, 'hour')}"
    return f"{words} {count_rows(rest, 'minute')}" if rest else words


def describe_work(plan: Plan) -> str:
    """What applying a plan takes."""
    ready = sum(row.requests > 0 for row in plan.rows)
    requests = count_rows(plan.requests, "request")
    duration = describe_duration(plan.requests / constants.REQUESTS_PER_SECOND)  # Clover's pace
    return f"{count_rows(ready, 'customer')}, {requests}: {duration}."
