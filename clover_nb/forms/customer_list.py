"""Reads all customers into the desk's table, and says how far that is."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import pandas as pd

from clover_nb.client import Clover
from clover_nb.forms import messages
from clover_nb.forms.runner import TaskFailure, TaskRunner
from clover_nb.forms.table import CustomerTable
from clover_nb.forms.values import Row
from clover_nb.frames import upsert


class CustomerList:
    """All customers, as they were read last. What is changed meanwhile is not lost.

    Args:
        clover: The connection.
        table: Shows them.
        on_read: Called when they are shown.
        on_failure: Called with why they could not be read.
    """

    def __init__(
        self,
        clover: Clover,
        table: CustomerTable,
        on_read: Callable[[], object],
        on_failure: Callable[[TaskFailure], object],
    ) -> None:
        self._clover, self._table = clover, table
        self._on_read, self._on_failure = on_read, on_failure
        self._runner = TaskRunner(self._show_failure)
        self._newer: list[Row] = []  # than the list that was asked for last
        self._count = 0

    @property
    def is_reading(self) -> bool:
        """Whether they are being read."""
        return self._runner.is_reading

    def read(self) -> None:
        """Read all of them again."""
        self._newer.clear()
        self._count = 0
        self._runner.read(
            lambda: self._clover.customers.list(progress=self._note_count), self._show
        )
        self.show_progress()

    def _note_count(self, count: int) -> None:
        """Remember how many were read; this is called in another thread, and shows nothing."""
        self._count = count

    def show_progress(self) -> None:
        """Say in the table how many were read."""
        if self.is_reading:
            known = len(self._table.data)
            so_far = f" {self._count:,} so far" if self._count else ""
            self._table.progress = f"Reading {f'{known:,}' if known else 'the'} customers…{so_far}"

    def put(self, row: Row) -> None:
        """Show a customer as it is now, also when an older list arrives."""
        self._newer.append(row)
        self._table.put(row)

    def stop(self) -> None:
        """Drop what is under way."""
        self._runner.stop()

    def _show(self, customers: pd.DataFrame) -> None:
        self._table.progress = messages.describe_gaps(customers)
        self._table.data = functools.reduce(upsert, self._newer, customers)
        self._table.read_at = time.time()
        self._table.count_views()
        self._on_read()

    def _show_failure(self, failure: TaskFailure) -> None:
        self._table.progress = "The customers could not be read."
        self._on_failure(failure)
