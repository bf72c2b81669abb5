"""The fixture `clover_sandbox`, for the tests of any project that has clover-nb installed.

docs/sandbox-for-tests.md shows its use. The sandbox is imported by who asks for it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clover_nb.sandbox import Sandbox


@pytest.fixture(scope="session")
def clover_sandbox_options() -> Mapping[str, Any]:
    """The arguments of `clover_nb.sandbox.start`; a project's own fixture of this name wins."""
    return {"seed": 1, "limits": False}


@pytest.fixture(scope="session")
def clover_sandbox_server(clover_sandbox_options: Mapping[str, Any]) -> Iterator[Sandbox]:
    """A practice sandbox that runs as long as the tests, and keeps what they do."""
    from clover_nb import sandbox  # noqa: PLC0415  most runs of pytest ask for none

    with sandbox.start(**clover_sandbox_options) as running:
        yield running


@pytest.fixture
def clover_sandbox(clover_sandbox_server: Sandbox) -> Sandbox:
    """A practice sandbox as it was at its start: the invented people alone, no faults, no log."""
    clover_sandbox_server.reset()
    return clover_sandbox_server
