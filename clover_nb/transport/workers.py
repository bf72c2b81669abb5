"""Threads that do the network's work, so that an interrupt of the caller never reaches it.

Python raises ``KeyboardInterrupt`` between any two steps of the main thread, also between taking a
lock and the ``try`` that gives it back. A worker thread gets none. ``ThreadPoolExecutor`` does not
serve: its ``submit`` takes locks of its own in the caller's thread. What is used here are single
steps in C, each of which is either done or not.
"""

from __future__ import annotations

import _thread
import os
from collections.abc import Callable
from queue import Empty, SimpleQueue

_jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
_idle: SimpleQueue[None] = SimpleQueue()  # an item for each thread that waits for a job


def start_job(job: Callable[[], None]) -> None:
    """Call a function in a worker thread. It must not raise."""
    try:
        _idle.get_nowait()
    except Empty:
        _thread.start_new_thread(_run_jobs, (_jobs, _idle))
    _jobs.put(job)


def _run_jobs(jobs: SimpleQueue[Callable[[], None]], idle: SimpleQueue[None]) -> None:
    while True:
        jobs.get()()
        idle.put(None)


def _start_anew() -> None:
    """A forked child has none of its parent's threads, and its queues may be locked."""
    global _jobs, _idle
    _jobs, _idle = SimpleQueue(), SimpleQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
