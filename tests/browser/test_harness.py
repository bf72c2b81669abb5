"""The harness itself: what the other browser tests rely on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.long


BUTTON = """
import ipywidgets as w
label = w.Label('waiting')
button = w.Button(description='Go')
button.on_click(lambda _: setattr(label, 'value', 'it went'))
w.VBox([button, label])
"""

SLOW_BUTTON = """
import ipywidgets as w, time
count = w.IntText(0)
button = w.Button(description='Go')
def go(_):
    time.sleep(0.5)
    button.tooltip = 'went'
    count.value += 1
button.on_click(go)
button
"""

TIMED = """async () => {{
  const panel = window.jupyterapp.shell.currentWidget;
  const started = performance.now();
  await {action};
  return performance.now() - started;
}}"""

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


def test_what_is_run_comes_after_what_was_clicked(open_notebook):
    """A widget's message is heard in another thread, so that a cell might come before it."""
    notebook = open_notebook([SLOW_BUTTON])
    for times in (1, 2, 3):
        notebook.page.get_by_role("button", name="Go", exact=True).click()
        assert notebook.evaluate("count.value") == str(times)


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


@pytest.mark.parametrize("milliseconds", [75, 150, 400])
def test_a_slow_network_takes_its_time_each_way(open_notebook, milliseconds):
    """A click and its answer, and an HTTP request: a round trip each; without latency neither."""
    notebook = open_notebook([BUTTON], latency=milliseconds)
    for action in ("panel.sessionContext.session.kernel.requestKernelInfo()", "fetch('/api/me')"):
        took = notebook.page.evaluate(TIMED.format(action=action))
        assert took >= 2 * milliseconds - 1  # what the browser's clock leaves out
    notebook.set_latency(0)
    assert notebook.evaluate("label.value") == "'waiting'"


def test_typing_arrives_whole_over_a_slow_network(open_notebook):
    """Letters come one by one, in order, none of them lost."""
    notebook = open_notebook(["import ipywidgets as w\ntext = w.Text(); text"], latency=150)
    notebook.page.get_by_role("textbox").last.focus()
    notebook.type("ana.costa@example.com")
    notebook.wait_for("text.value", "'ana.costa@example.com'")


def test_what_a_cell_costs_is_counted(open_notebook):
    """Comms and bytes that came to the browser, and widgets that the kernel keeps."""
    notebook = open_notebook([BUTTON])
    before = notebook.living_widgets()
    notebook.received.clear()
    notebook.run_all()
    # Of the three widgets each has a layout, and two have a style.
    assert notebook.opened_comms() == 8
    assert notebook.living_widgets() == before + 8
    assert 1_000 < notebook.received_bytes() < 100_000


def test_a_reload_keeps_the_kernel_and_shows_its_widgets_again(open_notebook):
    """What was said before is there, and a click still arrives."""
    notebook = open_notebook([BUTTON])
    notebook.reload()
    notebook.page.get_by_role("button", name="Go", exact=True).click()
    expect(notebook.output(0).get_by_text("it went")).to_be_visible()
    assert notebook.evaluate("label.value") == "'it went'"


@pytest.mark.parametrize("how", ["restart_kernel", "kill_kernel"])
def test_a_restarted_or_dead_kernel_forgets_and_runs_again(open_notebook, how):
    """The names of the cells are gone, until the cells run again."""
    notebook = open_notebook([BUTTON])
    getattr(notebook, how)()
    notebook.wait_for("'label' in globals()", "False")
    notebook.run_all()
    notebook.page.get_by_role("button", name="Go", exact=True).click()
    notebook.wait_for("label.value", "'it went'")
