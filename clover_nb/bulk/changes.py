"""Changing many customers: a table becomes a plan, and a plan that is applied a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from clover_nb import validation
from clover_nb.api.pagination import read_frame
from clover_nb.api.platform import PlatformAPI
from clover_nb.bulk.batch import Batch
from clover_nb.bulk.batch_progress import BatchProgress
from clover_nb.bulk.fields import CLOVER_NAMES, FIELDS
from clover_nb.bulk.plan import Plan, make_plan
from clover_nb.bulk.review import Empty
from clover_nb.bulk.rows import PlanRow
from clover_nb.bulk.runner import BatchRunner
from clover_nb.errors import ValidationError
from clover_nb.journal.batches import Batches
from clover_nb.progress import ProgressBar, is_watched
from clover_nb.writes.executor import WriteExecutor


class BulkChanges:
    """The plans and batches of one connection.

    Args:
        platform: The API that is asked, and through which batches are sent.
        writes: Whose journal they are written down in.
        list_customers: Reads all customers, and shows how far it is.
    """

    def __init__(
        self,
        platform: PlatformAPI,
        writes: WriteExecutor,
        list_customers: Callable[[], pd.DataFrame],
    ) -> None:
        self._platform = platform
        self._writes = writes
        self._list_customers = list_customers

    def plan(
        self,
        table: pd.DataFrame,
        *,
        key: str | Sequence[str],
        columns: Mapping[str, str | None] | None,
        base: pd.DataFrame | None,
        empty: Empty,
    ) -> Plan:
        """Plan a table; see :meth:`clover_nb.customers.Customers.plan`."""
        host, merchant = self._platform.account
        return make_plan(
            table,
            self._list_customers(),
            host=host,
            merchant=merchant,
            key=[key] if isinstance(key, str) else key,
            columns=columns,
            base=base,
            empty=empty,
        )

    @property
    def batches(self) -> Batches:
        """The batches of this merchant.

        Raises:
            SettingsError: The journal is switched off.
        """
        return Batches(
            self._writes.journal, *self._platform.account, entries_host=self._writes.host
        )

    def open_batch(self, number: int) -> Batch:
        """One batch; see :meth:`clover_nb.customers.Customers.batch`."""
        return Batch(number, self.batches, self._list_customers, self._platform.account)

    def check_plan(self, plan: Plan) -> None:
        """Refuse a plan; see :meth:`clover_nb.customers.Customers.check_plan`."""
        if not isinstance(plan, Plan):
            raise ValidationError(
                f"plan must be a plan, not a {type(plan).__name__}.",
                hint="customers.plan makes one of a table, and read_plan reads one from a file.",
                field="plan",
            )
        self._writes.require_permission()
        if (plan.host, plan.merchant) != self._platform.account:
            host, merchant = self._platform.account
            raise ValidationError(
                f"The plan is of merchant {plan.merchant} at {plan.host}; this connection is to "
                f"{merchant} at {host}.",
                hint="Connect to the merchant whose plan it is, or plan the table anew.",
                field="plan",
            )

    def apply(
        self,
        plan: Plan,
        *,
        listing_wait: float,
        progress: Callable[[BatchProgress], object] | None,
    ) -> Batch:
        """Apply a plan; see :meth:`clover_nb.customers.Customers.apply`."""
        self.check_plan(plan)
        batches = self.batches
        number = self._write_down(plan, batches)
        with ProgressBar("rows") as bar:

            def show(now: BatchProgress) -> None:
                ended = now.done + now.failed
                note = f"{now.failed:,} failed" if now.failed else ""
                bar.show(ended, total=ended + now.left, note=note)

            BatchRunner(
                self._platform,
                batches,
                number,
                list_customers=self._list_quietly,
                pause=self._writes.retry_delay,
                listing_wait=listing_wait,
                progress=progress or (show if is_watched() else None),
            ).run()
        return self.open_batch(number)

    def _write_down(self, plan: Plan, batches: Batches) -> int:
        """Write a plan's ready rows down, unless they are; returns the batch's number."""
        ready = [_as_row(row) for row in plan.rows if row.requests]
        undoes = plan.source.get("undoes")
        return batches.open(plan.id, ready, headings=plan.headings, undoes=undoes)

    def _list_quietly(self) -> pd.DataFrame:
        """Read all customers without a bar, beside one that is shown."""
        return read_frame(self._platform.read_pages())


def _as_row(row: PlanRow) -> Mapping[str, Any]:
    """A row of a plan as a batch has it, checked once more: a plan is a file."""
    for name, value in row.wanted.items():
        validation.check_name(name, FIELDS)
        if value:
            validation.check_field(CLOVER_NAMES.get(name, name), value)
    before = dict(row.before)
    if row.action == "create" and row.decision == "accepted":
        before["email"] = row.wanted.get("email", "")  # somebody has it, which is meant
    return {
        "row": row.row,
        "action": row.action,
        "customer_id": row.customer_id,
        "before": before,
        "wanted": row.wanted,
        "cells": row.cells,
    }
