"""The customer desk for Clover, in JupyterLab: customers as pandas rows.

Names are imported when they are first used, so that the command line and the sandbox need not
wait for pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clover_nb import addresses as addresses
    from clover_nb import charts as charts
    from clover_nb import errors as errors
    from clover_nb import forms as forms
    from clover_nb import quality as quality
    from clover_nb.bulk.plan import read_plan as read_plan
    from clover_nb.bulk.tables import read_table as read_table
    from clover_nb.bulk.tables import save_table as save_table
    from clover_nb.client import Clover as Clover
    from clover_nb.client import connect as connect
    from clover_nb.client import use as use
    from clover_nb.constants import TEST_CARDS as TEST_CARDS
    from clover_nb.errors import CloverError as CloverError
    from clover_nb.frames import to_frame as to_frame
    from clover_nb.frames import to_row as to_row
    from clover_nb.frames import upsert as upsert
    from clover_nb.settings import Timeouts as Timeouts
    from clover_nb.shortcuts import Customer as Customer
    from clover_nb.shortcuts import Token as Token

_HOMES = {
    "Clover": "client",
    "CloverError": "errors",
    "Customer": "shortcuts",
    "TEST_CARDS": "constants",
    "Timeouts": "settings",
    "Token": "shortcuts",
    "addresses": "",
    "charts": "",
    "connect": "client",
    "errors": "",
    "forms": "",
    "quality": "",
    "read_plan": "bulk.plan",
    "read_table": "bulk.tables",
    "save_table": "bulk.tables",
    "to_frame": "frames",
    "to_row": "frames",
    "upsert": "frames",
    "use": "client",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module 'clover_nb' has no attribute {name!r}")
    home = _HOMES[name]
    module = importlib.import_module(f"clover_nb.{home or name}")
    value = getattr(module, name) if home else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
