"""The desk as a web page: Voilà serves it from this machine, without a line of code in sight."""

from __future__ import annotations

import json
import tempfile
import webbrowser
from pathlib import Path
from typing import Any, Final

from voila.app import Voila

_NOTEBOOK: Final = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "cells": [
        {
            "cell_type": "code",
            "id": "desk",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": "from clover_nb import forms\n\nforms.desk()",
        }
    ],
}
_TEMPLATES: Final = Path(__file__).parent / "templates"
_PORT: Final = 8866


class _Page(Voila):  # type: ignore[misc]  # Voilà has no types
    """Voilà, which tells the page's address once it answers, and may open it."""

    shows = True

    def launch_browser(self) -> None:
        # Called when the port is known, which is the moment to tell.
        print(f"URL {self.display_url}", flush=True)  # noqa: T201  of a command
        if self.shows:
            webbrowser.open(self.display_url)


def serve(*, port: int | None = None, browser: bool = True) -> None:
    """Serve the desk on loopback, behind a token in its address, until Ctrl-C.

    Args:
        port: The port; left out, the first free one from 8866.
        browser: Whether to open it in a browser.
    """
    with tempfile.TemporaryDirectory(prefix="clover-nb-") as folder:
        page = _Page.instance(**_options(port))
        page.shows = browser
        notebook = Path(folder) / "Customer desk.ipynb"
        notebook.write_text(json.dumps(_NOTEBOOK), encoding="utf-8")
        page.initialize([str(notebook)])
        page.template_paths.insert(0, str(_TEMPLATES))
        page.start()


def _options(port: int | None) -> dict[str, Any]:
    return {
        "ip": "127.0.0.1",
        "port": port or _PORT,
        "port_retries": 0 if port else 50,
        "auto_token": True,
        "open_browser": True,  # in a way of our own
        "log_level": "ERROR",  # its log would tell the token
    }
