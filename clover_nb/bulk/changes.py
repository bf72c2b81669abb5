"""Changing many customers: a table becomes a plan, and a plan that is applied a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from clover_nb import constants, validation
from clover_nb.api.pagination import read_frame
from clover_nb.api.platform import PlatformAPI
from clover_nb.bulk.batch import Batch
from clover_nb.bulk.batch_progress import BatchProgress
from clover_nb.bulk.fields import CLOVER_NAMES, FIELDS
from clover_nb.bulk.plan import Plan, make_plan
from clover_nb.bulk.review import Empty, check_arguments
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
        self.list_customers = list_customers

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
        check_arguments(table, key=key, columns=columns, empty=empty)
        host, merchant = self.account
        return make_plan(
            table,
            self.list_customers(),
            host=host,
            merchant=merchant,
            key=key,
            columns=columns,
            base=base,
            empty=empty,
        )

    @property
    def account(self) -> tuple[str, str | None]:
        """Where the customers are, and whose they are."""
        return self._platform.account

    @property
    def batches(self) -> Batches:
        """The batches of this merchant.

        Raises:
            SettingsError: The journal is switched off.
        """
        return Batches(self._writes.journal, *self.account, entries_host=self._writes.host)

    def open_batch(self, number: int) -> Batch:
        """One batch; see :meth:`clover_nb.customers.Customers.batch`."""
        return Batch(number, self)

    def check_plan(self, plan: Plan) -> None:
        """Refuse a plan; see :meth:`clover_nb.customers.Customers.check_plan`."""
        if not isinstance(plan, Plan):
            raise ValidationError(
                f"plan must be a plan, not a {type(plan).__name__}.",
                hint="customers.plan makes one of a table, and read_plan reads one from a file.",
                field="plan",
            )
        self._writes.require_permission()
        if (plan.host, plan.merchant) != self.account:
            host, merchant = self.account
            raise ValidationError(
                f"The plan is of merchant {plan.merchant} at {plan.host}; this connection is to "
                f"{merchant} at {host}.",
                hint="Connect to the merchant whose plan it is, or plan the table anew.",
                field="plan",
            )

    def prepare_batch(self, plan: Plan) -> Batch:
        """Write a plan down; see :meth:`clover_nb.customers.Customers.prepare_batch`."""
        self.check_plan(plan)
        batches = self.batches
        ready = [_as_row(row) for row in plan.rows if row.requests]
        undoes = plan.source.get("undoes")
        return self.open_batch(batches.open(plan.id, ready, headings=plan.headings, undoes=undoes))

    def apply_batch(
        self,
        number: int,
        *,
        listing_wait: float = constants.LISTING_WAIT,
        progress: Callable[[BatchProgress], object] | None = None,
    ) -> None:
        """Apply what is left of a batch; see :meth:`clover_nb.customers.Customers.apply`."""
        self._writes.require_permission()
        with ProgressBar("rows") as bar:

            def show(now: BatchProgress) -> None:
                ended = now.done + now.failed
                note = f"{now.failed:,} failed" if now.failed else ""
                bar.show(ended, total=ended + now.left, note=note)

            BatchRunner(
                self._platform,
                self.batches,
                number,
                list_customers=self._list_quietly,
                pause=self._writes.retry_delay,
                listing_wait=listing_wait,
                progress=progress or (show if is_watched() else None),
            ).run()

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
