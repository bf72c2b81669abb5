"""Work behind a button: once at a time, off the kernel's main thread, the button telling of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ipywidgets import Button

log = logging.getLogger(__name__)


class Work:
    """Runs a button's work.

    A second click while work is under way does nothing. The work runs in a thread, so that the
    page and the other widgets stay alive; a click handler that blocked would freeze them.
    """

    def __init__(self, button: Button, busy: str) -> None:
        self._button = button
        self._idle = button.description
        self._busy = busy
        self._free = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self._free.locked()

    def ready(self) -> None:
        """Let the button be clicked again, unless work is under way."""
        if not self.busy:
            self._button.disabled = False

    def start(self, work: Callable[[], bool]) -> threading.Thread | None:
        """Begin, unless work is under way already.

        Args:
            work: Returns whether the button may be clicked again. It handles its own errors; one
                that it doesn't is logged, and the button comes back.

        Returns:
            The thread, to wait for, or ``None`` when nothing was begun.
        """
        if not self._free.acquire(blocking=False):
            return None
        self._button.disabled = True
        self._button.description = self._busy
        thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        thread.start()
        return thread

    def _run(self, work: Callable[[], bool]) -> None:
        again = True
        try:
            again = work()
        except Exception:
            log.exception("A form's work failed in a way that it does not know")
        finally:
            self._button.description = self._idle
            self._button.disabled = not again
            self._free.release()
