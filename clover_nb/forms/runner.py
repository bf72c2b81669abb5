"""Runs the work of a form off the kernel's loop, and applies what comes of it on the loop.

A widget is written in two places alone: where a message of the browser is handled, and where a
result is applied. JupyterLab sends messages of widgets over a subshell, which is another thread
than that of the cells, so both wait for one lock, which nobody holds while Clover is asked.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from clover_nb.forms.cells import running_shell

log = logging.getLogger(__name__)

T = TypeVar("T")
Sent = Literal["no", "unknown", "yes"]
WORKER: Final = "clover-nb-worker"  # the name of the threads that work
_TURN: Final = threading.RLock()


@dataclass(frozen=True)
class TaskFailure:
    """Why nothing could be shown.

    Attributes:
        error: What was raised.
        sent: Whether a change was sent to Clover: ``"no"``, ``"unknown"``, or ``"yes"`` when it
            was made and could not be shown.
    """

    error: Exception
    sent: Sent


class TaskRunner:
    """Runs the reads and the writes of one form.

    A read may be superseded: a later one, a write or :meth:`drop_reads` makes its result stale,
    and a stale result is dropped. A write is never superseded: until it ends, nothing else begins.

    Without a running event loop, as in a plain script, the work is done before the call returns.

    Args:
        on_failure: Called on the loop with what a task raised, expected or not.
    """

    def __init__(self, on_failure: Callable[[TaskFailure], object]) -> None:
        self._on_failure = on_failure
        self._generation = 0
        self._task: Literal["read", "write"] | None = None
        self._finish: Callable[[], None] = lambda: None  # waits for the task, and applies it

    @property
    def is_writing(self) -> bool:
        """Whether a change is under way."""
        return self._task == "write"

    @property
    def is_reading(self) -> bool:
        """Whether a read is under way whose result is still wanted."""
        return self._task == "read"

    def read(self, work: Callable[[], T], apply: Callable[[T], object]) -> bool:
        """Do something that changes nothing at Clover. It supersedes an earlier read.

        Args:
            work: Runs in a worker thread; it touches no widget.
            apply: Called on the loop with what ``work`` returned, unless that is stale.

        Returns:
            Whether it has begun: it has not while a write is under way.
        """
        return self._start_task("read", work, apply)

    def write(self, work: Callable[[], T], apply: Callable[[T], object]) -> bool:
        """Change something at Clover. Arguments and return as of :meth:`read`."""
        return self._start_task("write", work, apply)

    def finish_write(self) -> None:
        """Wait until the change that is under way has ended, and apply what came of it, here."""
        if self.is_writing:
            self._finish()

    def drop_reads(self) -> None:
        """Make the read that is under way stale."""
        if not self.is_writing:
            self.stop()

    def stop(self) -> None:
        """Drop whatever is under way, since nobody looks any more."""
        self._generation += 1
        self._task = None

    def handle(self, handler: Callable[..., object], *args: object) -> None:
        """Call the handler of a message; what it raises is told and logged."""
        with _TURN:
            try:
                handler(*args)
            except Exception as error:
                log.exception("A message of a form could not be handled")
                self._report_failure(TaskFailure(error, "no"))

    def _start_task(
        self,
        kind: Literal["read", "write"],
        work: Callable[[], T],
        apply: Callable[[T], object],
    ) -> bool:
        with _TURN:
            if self.is_writing:
                return False
            self.stop()
            self._task, generation = kind, self._generation

        def finish(result: T | None, error: Exception | None) -> None:
            with _TURN:
                if generation != self._generation:
                    return  # stale, or finished by the other loop
                self.stop()
                if error is not None:
                    sent: Sent = "no" if kind == "read" else "unknown"
                    self._report_failure(TaskFailure(error, sent))
                    return
                try:
                    apply(result)  # type: ignore[arg-type]  # without an error it is there
                except Exception as unforeseen:
                    log.exception("The result of a form's work could not be shown")
                    self._report_failure(TaskFailure(unforeseen, "no" if kind == "read" else "yes"))

        loops = _find_loops()
        if not loops:
            finish(*_run_safely(work))
            return True
        context = contextvars.copy_context()
        outcome: Future[tuple[T | None, Exception | None]] = Future()
        self._finish = lambda: finish(*outcome.result())

        def run() -> None:
            ended = context.copy().run(_run_in_thread, work)
            outcome.set_result(ended)
            for loop in loops:
                try:
                    loop.call_soon_threadsafe(finish, *ended, context=context)
                except RuntimeError:
                    log.debug("A loop was closed before the work was done")

        threading.Thread(target=run, name=WORKER, daemon=True).start()
        return True

    def _report_failure(self, failure: TaskFailure) -> None:
        try:
            self._on_failure(failure)
        except Exception:
            log.exception("A failure could not be shown")


def _run_safely(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001  the form tells it, whatever it is
        return None, error


def _run_in_thread(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return _run_safely(work)
    except SystemExit:  # it would end the thread, and nobody would hear of it
        return None, RuntimeError("sys.exit was called.")


def _find_loops() -> list[asyncio.AbstractEventLoop]:
    """The loop of this thread, and the kernel's main loop; whichever is free first, applies.

    The loop of a subshell ends with the page that it is for, and the main one waits for cells.
    """
    try:
        loops = [asyncio.get_running_loop()]
    except RuntimeError:
        return []
    kernel = getattr(running_shell(), "kernel", None)
    main = getattr(getattr(kernel, "io_loop", None), "asyncio_loop", None)
    if main is not None and main not in loops:
        loops.append(main)
    return loops
