"""A bar while something takes long, where a person waits for it."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any, Self


def is_watched() -> bool:
    """Whether a person waits: the main thread of a terminal, or of a notebook that is open.

    What runs a notebook by itself, such as nbconvert, Voila or a test, has nobody to answer a
    question, and says so with each cell; there a bar would only be left in the outputs.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython.get_ipython(), "kernel", None) if ipython else None
    if kernel is not None:
        return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stderr is not None and sys.stderr.isatty()


class ProgressBar:
    """A bar on stderr, or a notebook's, which appears with the first number and goes at the end.

    Args:
        unit: What is counted.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._bar: Any = None

    def show(self, done: int, *, total: int | None = None, note: str = "") -> None:
        """Show how far it is.

        Args:
            done: How many are done.
            total: Of how many, where that is known.
            note: What else there is to say.
        """
        if self._bar is None:
            from tqdm.auto import tqdm  # noqa: PLC0415  only who waits pays for it

            tqdm.monitor_interval = 0  # it would leave a thread behind
            self._bar = tqdm(total=total, unit=f" {self._unit}", leave=False, dynamic_ncols=True)
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
