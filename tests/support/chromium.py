"""A headless Chromium that reaches this machine alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

expect.set_options(timeout=20_000)  # a busy machine; what comes sooner is not waited for

NAMES = ("chromium", "google-chrome", "chromium-browser", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
NO_CHROMIUM = (
    "no Chromium here: install one (Debian: apt-get install chromium; elsewhere: "
    "playwright install chromium), or name its executable in CLOVER_NB_CHROMIUM"
)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """What is found on this machine; without one the test is skipped, but on CI it fails."""
    with sync_playwright() as playwright:
        named = os.environ.get("CLOVER_NB_CHROMIUM")
        installed = named or next(filter(None, map(shutil.which, NAMES)), None)
        executable = installed or playwright.chromium.executable_path
        if not Path(executable).exists():
            (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_CHROMIUM)
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()
