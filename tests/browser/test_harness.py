"""The harness itself: what the other browser tests rely on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

BUTTON = """
import ipywidgets as w
label = w.Label('waiting')
button = w.Button(description='Go')
button.on_click(lambda _: setattr(label, 'value', 'it went'))
w.VBox([button, label])
"""

REACH = """
import os, socket
settings = [name for name in os.environ if name.startswith("CLOVER")]
def refused(host):
    try:
        socket.create_connection((host, 9), timeout=1)
    except OSError as error:
        return "loopback only" in str(error)
"""


def test_cells_run_and_widgets_answer(open_notebook):
    """A click reaches the kernel, and what the kernel answers is shown and can be saved."""
    notebook = open_notebook(["1 + 1", BUTTON])
    notebook.page.get_by_role("button", name="Go", exact=True).click()
    expect(notebook.output(1).get_by_text("it went")).to_be_visible()
    assert notebook.evaluate("label.value") == "'it went'"
    assert any("comm_msg" in frame for frame in notebook.sent)
    assert "it went" in notebook.saved()


def test_cell_that_raises_fails_the_test(open_notebook):
    """An error in a cell doesn't pass unseen."""
    with pytest.raises(pytest.fail.Exception, match="ZeroDivisionError"):
        open_notebook(["1 / 0"])


def test_kernel_reaches_loopback_only(open_notebook):
    """A kernel has no setting of this machine, and no way out of it."""
    notebook = open_notebook([REACH])
    assert notebook.evaluate("settings") == "[]"
    assert notebook.evaluate("refused('192.0.2.1')") == "True"
    assert notebook.evaluate("refused('127.0.0.1')") == "False"


def test_dark_theme_and_window_size(open_notebook):
    """A notebook opens in the theme and at the size that the test asks for."""
    notebook = open_notebook(["1 + 1"], dark=True, width=900)
    assert notebook.page.evaluate("document.body.dataset.jpThemeLight") == "false"
    assert notebook.page.viewport_size["width"] == 900
    assert open_notebook([]).page.evaluate("document.body.dataset.jpThemeLight") == "true"
