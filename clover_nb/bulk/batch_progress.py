"""How far a batch is, told by the thread that applies it to the one that waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from clover_nb.transport.workers import start_job

#: The states of rows that were refused, are in conflict, or of which it is not known.
FAILED: Final = ("failed", "conflict", "unknown")


class BatchProgress(NamedTuple):
    """How far a batch is.

    Attributes:
        done: Rows that are done.
        failed: Rows that are not, and won't be.
        left: Rows that wait.
        seconds: About how long they will take.
    """

    done: int
    failed: int
    left: int
    seconds: float = 0.0

    @classmethod
    def from_counts(cls, counts: Mapping[Any, int], seconds_a_row: float = 0.0) -> BatchProgress:
        """How far a batch is with so many rows of each state."""
        done, failed = counts.get("done", 0), sum(counts.get(name, 0) for name in FAILED)
        left = sum(counts.values()) - done - failed
        return cls(done, failed, left, left * seconds_a_row)

    def __str__(self) -> str:
        return f"{self.done:,} done, {self.failed:,} failed, {self.left:,} left"


class ProgressReporter:
    """Tells one thread how far a job in another is; its errors, as Ctrl-C, are raised in the job.

    Args:
        show: Told now and then.
        on_error: Called at once when it raises, in the thread that waits.
    """

    def __init__(
        self, show: Callable[[BatchProgress], object] | None, on_error: Callable[[], None]
    ) -> None:
        self._show = show
        self._on_error = on_error
        self._reports: SimpleQueue[BatchProgress | BaseException | None] = SimpleQueue()
        self._replies: SimpleQueue[BaseException | None] = SimpleQueue()

    def run(self, job: Callable[[], None]) -> None:
        """Run a job in a thread that no Ctrl-C interrupts, and raise what it raises."""

        def run_job() -> None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001  it is raised by the thread that waits
                self._reports.put(error)
            else:
                self._reports.put(None)

        start_job(run_job)
        while True:
            try:
                report = self._reports.get()
                if not isinstance(report, BatchProgress):
                    break
                if self._show:
                    self._show(report)
                self._replies.put(None)
            except BaseException as error:  # noqa: BLE001  it is raised by the other thread
                self._on_error()
                self._replies.put(error)
        if report is not None:
            raise report

    def report(self, progress: Callable[[], BatchProgress]) -> None:
        """Called in the job: tell how far it is, and raise what came of it."""
        error = None
        if self._show:
            self._reports.put(progress())
            error = self._replies.get()
        else:
            with suppress(Empty):
                error = self._replies.get_nowait()
        if error is not None:
            raise error
