"""What the tests of this folder can ask for: another user of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

OTHER_USER = 65534
NEEDS_ROOT = "becoming another user takes root, which CI is"

DROP = f"""
import os
os.setgroups([])
os.setgid({OTHER_USER})
os.setuid({OTHER_USER})
"""


@pytest.fixture(scope="session")
def other_user() -> int:
    """The id of another user; without root the test is skipped, but on CI it fails."""
    if os.geteuid() != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NEEDS_ROOT)
    return OTHER_USER


@pytest.fixture
def run_as_other_user(other_user):
    """A function that runs Python code as another user, after some imports, and gives its output.

    The imports come first, for the other user may not be allowed to read what is installed here.
    """

    def run(imports: str, code: str, *arguments: str) -> str:
        source = f"{imports}\n{DROP}\n{textwrap.dedent(code)}"
        command = [sys.executable, "-c", source, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


@pytest.fixture
def open_folder():
    """A folder that every user may read, which pytest's own may not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
