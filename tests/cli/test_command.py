"""What `clover-nb` does whichever command it is given."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from clover_nb import cli


def test_it_says_its_version(capsys):
    """For a report of what went wrong."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"clover-nb {version('clover-nb')}\n")
