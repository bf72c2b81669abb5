"""A real JupyterLab and a real Chromium for the tests in this folder.

One lab and one Chromium a worker process; the latter ends with the last test of this folder in a
row, as Playwright keeps an event loop running in its thread, which other tests must not meet. A
page of the lab, which takes seconds of a processor to load, shows one notebook after the other.
A test asks for ``open_notebook``::

    def test_something(open_notebook):
        notebook = open_notebook(["import ipywidgets as w", "w.Button(description='Go')"])
        notebook.page.get_by_role("button", name="Go", exact=True).click()

The browser reaches the lab through a proxy that can be slow: ``open_notebook(cells,
latency=150)``, or later ``notebook.set_latency(150)``, in milliseconds each way.

The lab has directories of its own, and its kernels see no setting of this machine and reach
nothing but loopback.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import running_browser
from lab_process import find_free_port
from latency import LatencyProxy, running_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocket

TOKEN = "only-for-tests"
LAB_READY_SECONDS = 60
LAB_STOP_SECONDS = 20
LOAD_SECONDS = 90  # of a page, on the busiest machine
KEY_MILLISECONDS = 35  # between two keys of somebody who types fast

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # The hardest case for secrets: what the widgets hold goes into every saved notebook.
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
    "@jupyterlab/notebook-extension:panel": {
        "toolbar": [
            {"name": name, "disabled": True}
            for name in (
                *("save", "insert", "cut", "copy", "paste", "run", "interrupt", "restart"),
                *("restart-and-run", "cellType", "spacer", "kernelName", "executionProgress"),
            )
        ]
    },
}

# What is drawn anew with each message of a kernel, and no form meets: a third of all that the
# browser has to do. What knows keys, the focus and themes is as it comes.
NOT_NEEDED = [
    *(
        f"@jupyterlab/{name}-extension"
        for name in (
            *("console", "extensionmanager", "help", "inspector", "launcher", "logconsole", "lsp"),
            *("pluginmanager", "running", "settingeditor", "statusbar", "terminal", "toc"),
        )
    ),
    "@jupyterlab/application-extension:dirty",
    "@jupyterlab/application-extension:faviconbusy",
    "@jupyterlab/apputils-extension:kernel-status",
    "@jupyterlab/notebook-extension:execution-indicator",
    "@jupyterlab/notebook-extension:language-server",
    "@jupyterlab/notebook-extension:toc",
]

# Without it the lab asks which kernel to start.
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

# Runs in each kernel before the first cell.
LOOPBACK_ONLY = """
import sys

def _loopback_only(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        if args[1][0] not in ("127.0.0.1", "::1", "localhost"):
            raise ConnectionRefusedError(f"kernels of the tests reach loopback only: {args[1]}")

sys.addaudithook(_loopback_only)
"""

# The names in Clover's own documentation count as settings too.
SETTING_NAMES = {"ACCESS_TOKEN", "API_KEY", "ENVIRONMENT", "MERCHANT_ID"}
PROXY_NAMES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}

# "Wait for idle, then click Run All" runs only some of the cells now and then; this doesn't.
RUN = """async (numbers) => {
  const app = window.jupyterapp;
  const pause = () => new Promise((resolve) => setTimeout(resolve, 30));
  const run = async () => {
    while (!app?.shell?.currentWidget?.sessionContext) await pause();
    while (!app.commands.hasCommand('notebook:run-cell')) await pause();
    const panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    if (!numbers) await app.commands.execute('notebook:run-all-cells');
    for (const number of numbers ?? []) {
      panel.content.activeCellIndex = number;
      panel.content.deselectAll();
      await app.commands.execute('notebook:run-cell');
    }
    return panel.context.model.toJSON().cells.flatMap((cell) => cell.outputs ?? [])
      .filter((output) => output.output_type === 'error')
      .map((output) => output.traceback.join('\\n'));
  };
  const late = new Promise((_, reject) => setTimeout(
    () => reject(new Error('the cells did not finish in 60 s')), 60000));
  return Promise.race([run(), late]);
}"""
CLEAR = """async () => {
  const [commands, clear] = [window.jupyterapp.commands, 'notebook:clear-all-cell-outputs'];
  while (!commands.hasCommand(clear)) await new Promise((resolve) => setTimeout(resolve, 30));
  await commands.execute(clear);
}"""
EVALUATE = """async (expression) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute(
    {code: '', silent: false, store_history: false, user_expressions: {value: expression}});
  return (await future.done).content;
}"""
# Until the kernel has done what the widgets asked for: it hears them in a thread of their own, a
# subshell, so that what runs as a cell's code may come before what was clicked earlier.
HEARD = """async () => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const comm = [...kernel._comms.values()].find(({subshellId}) => subshellId);
  if (!comm) return;
  kernel.subshellId = comm.subshellId;
  const future = kernel.requestExecute({code: '', silent: true});
  kernel.subshellId = null;
  await future.done;
}"""
SET_THEME = """async (theme) => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 30));
  while (!window.jupyterapp || !document.body.dataset.jpThemeName) await pause();
  if (document.body.dataset.jpThemeName === theme) return;
  await window.jupyterapp.commands.execute('apputils:change-theme', {theme});
  while (document.body.dataset.jpThemeName !== theme) await pause();
}"""
RESTART = (
    "async () => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
)
OPENED = """async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 30));
  const open = async () => {
    while (!window.jupyterapp?.shell?.currentWidget?.sessionContext) await pause();
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
  };
  const late = new Promise((_, reject) => setTimeout(
    () => reject(new Error('no notebook was open in 60 s')), 60000));
  return Promise.race([open(), late]);
}"""
SAVE = "async () => window.jupyterapp.shell.currentWidget.context.save()"
OPEN = """async (path) => {
  const app = window.jupyterapp;
  const panel = await app.commands.execute('docmanager:open', { path });
  await panel.context.ready;
  await panel.sessionContext.ready;
  localStorage.clear();
}"""
# Whether the lab has the window's width: it lays out its parts a moment later.
RESIZED = """(width) => {
  const { right } = document.querySelector('#jp-main-dock-panel')?.getBoundingClientRect() ?? {};
  return innerWidth === width && right <= width && right > width - 100;
}"""
# Whether the page can show another one.
CLOSE = """async () => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  await panel?.sessionContext?.shutdown();
  panel?.dispose();
  return !!panel && !document.querySelector('.jp-Dialog, .jp-NotebookPanel');
}"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: the folder it shows, and the way a browser takes to it."""

    folder: Path
    proxy: LatencyProxy

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.proxy.port}/"


@dataclass
class Notebook:
    """A notebook that is open in the lab, all cells run.

    Attributes:
        page: Playwright's page; it shows the whole lab.
        path: The notebook's file.
        width, height: The window's, to which it comes back when the cells run again.
        sent: The payload of each websocket frame that left the browser, as text (latin-1 where
            it was binary), from the start.
        received: The same of the frames that came to the browser.
        has_own_clock: Whether the page's clock is not the machine's any more.
    """

    page: Page
    path: Path
    proxy: LatencyProxy
    width: int
    height: int
    sent: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    has_own_clock: bool = False

    @property
    def url(self) -> str:
        """Its address, in a workspace of its own: a page opens what else its workspace had."""
        lab = f"http://127.0.0.1:{self.proxy.port}/lab"
        return f"{lab}/workspaces/{self.path.stem}/tree/{self.path.name}?token={TOKEN}"

    def record(self, socket: WebSocket) -> None:
        """Note what goes over a websocket, from now on."""

        def text(payload: str | bytes) -> str:
            return payload if isinstance(payload, str) else payload.decode("latin-1")

        socket.on("framesent", lambda payload: self.sent.append(text(payload)))
        socket.on("framereceived", lambda payload: self.received.append(text(payload)))

    def run_all(self) -> None:
        """Run every cell; an error in one fails the test with its traceback."""
        self._run(None)

    def run_cell(self, cell: int) -> None:
        """Run the cell with this number, counted from 0; an error fails the test."""
        self._run([cell])

    def _run(self, cells: list[int] | None) -> None:
        if errors := self.page.evaluate(RUN, cells):
            pytest.fail("\n".join(["a cell raised an error:", *errors]))

    def start_over(self, cell: int | None = None) -> None:
        """Run every cell again, in the same kernel, and forget what was sent and received.

        With a number the outputs of all cells go, and this cell alone is run. The widgets of the
        runs before live on in the kernel, and so in what ``saved`` returns. The window and the
        theme are as at first.
        """
        self.set_latency(0)
        self.resize(self.width, self.height)
        self.use_theme(dark=False)
        if cell is None:
            self.run_all()
        else:
            self.page.evaluate(CLEAR)
            self.run_cell(cell)
        self.sent.clear()
        self.received.clear()

    def set_latency(self, milliseconds: float) -> None:
        """Let everything between browser and lab take so much longer, each way, from now on."""
        self.proxy.milliseconds = milliseconds

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, and wait for the lab to have it too."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function(RESIZED, arg=width)

    def hold(self, target: Locator) -> None:
        """Press the mouse button on something, and hold it; ``page.mouse.up()`` lets go.

        What ``run`` lets the kernel send meanwhile has been heard by its widgets when it returns.
        """
        target.hover()
        self.page.mouse.down()
        assert target.evaluate("target => target.matches(':active')"), "it has moved meanwhile"

    def type(self, text: str) -> None:
        """Type as a person does, into what has the focus."""
        self.page.keyboard.type(text, delay=KEY_MILLISECONDS)

    def reload(self) -> None:
        """Save, and load the page again; the kernel lives on, and so do its widgets.

        A page that has shown other notebooks before would open those of its workspace too.
        """
        self.saved()
        self.page.goto(self.url)
        self.page.evaluate(OPENED)

    def open_second_page(self) -> Page:
        """A page of the same browser that shows the same notebook, with its kernel."""
        self.saved()
        page = self.page.context.new_page()
        page.goto(self.url.replace("/tree/", "-second/tree/"))  # a page has its own workspace
        page.evaluate(OPENED)
        return page

    def restart_kernel(self) -> None:
        """Restart the kernel as the lab's menu does; the page keeps showing the old widgets."""
        self.page.evaluate(RESTART)

    def kill_kernel(self) -> None:
        """Let the kernel die, as when the memory is short; the lab says so and starts a new one."""
        os.kill(int(self.evaluate("__import__('os').getpid()")), signal.SIGKILL)
        told = self.page.get_by_role("dialog").filter(has_text="will restart automatically")
        told.get_by_role("button", name="Ok").click()
        self.page.evaluate(OPENED)

    def take_clock(self) -> None:
        """Let ``page.clock`` say what time it is; no other notebook gets such a page."""
        self.page.clock.install()
        self.has_own_clock = True

    def opened_comms(self) -> int:
        """How many comms the kernel has opened in the frames that were received."""
        return sum(_message_type(frame) == "comm_open" for frame in self.received)

    def received_bytes(self) -> int:
        """How much came to the browser over websockets."""
        return sum(map(len, self.received))

    def living_widgets(self) -> int:
        """How many widgets the kernel holds, shown or not."""
        return int(self.evaluate("len(__import__('ipywidgets').widgets.widget._instances)"))

    def output(self, cell: int) -> Locator:
        """The output area of the code cell with this number, counted from 0."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-Cell-outputArea")

    def show(self, cell: int) -> Locator:
        """The output of the code cell with this number, which is run unless it has one."""
        output = self.output(cell)
        if not output.locator(".jp-OutputArea-child").count():
            self.run_cell(cell)
        return output

    def evaluate(self, expression: str) -> str:
        """Return the repr of a Python expression in the kernel, after all that was clicked."""
        self.page.evaluate(HEARD)
        return self._evaluate(expression)

    def _evaluate(self, expression: str, *, fails: bool = True) -> str:
        reply = self.page.evaluate(EVALUATE, f"repr(({expression}))")
        value = reply["user_expressions"]["value"]
        if value["status"] == "ok":
            return ast.literal_eval(value["data"]["text/plain"])
        error = f"{expression}: {value['ename']}: {value['evalue']}"
        return pytest.fail(error) if fails else error

    def run(self, code: str) -> None:
        """Run statements in the kernel."""
        self.evaluate(f"exec({code!r}, globals())")

    def wait_for(self, expression: str, expected: str, *, seconds: float = 30) -> None:
        """Wait until a Python expression in the kernel has this repr; else fail the test.

        What it is about may not be there yet: an error is no repr.
        """
        end = time.monotonic() + seconds
        while (found := self._evaluate(expression, fails=False)) != expected:
            if time.monotonic() > end:
                pytest.fail(f"{expression} is still {found} instead of {expected}")
            self.page.wait_for_timeout(30)

    def use_theme(self, *, dark: bool) -> None:
        """Switch the lab to its light or its dark theme."""
        self.page.evaluate(SET_THEME, "JupyterLab Dark" if dark else "JupyterLab Light")

    def violations(self, selector: str) -> list[str]:
        """What axe finds, serious or critical, in the elements that match a CSS selector."""
        report = Axe().run(self.page, context=selector, options={"resultTypes": ["violations"]})
        return [
            f"{found['id']}: {node['html']}"
            for found in report.response["violations"]
            if found["impact"] in ("serious", "critical")
            for node in found["nodes"]
        ]

    def saved(self) -> str:
        """Save the notebook, widget state included, and return the file's text."""
        self.page.evaluate(SAVE)
        return self.path.read_text(encoding="utf-8")


def _message_type(frame: str) -> str:
    """The type of a kernel's message (version 1 of Jupyter's protocol on websockets); or empty."""
    if frame.startswith("{"):
        return ""  # of the server itself

    def offset(place: int) -> int:
        return int.from_bytes(frame[8 * place : 8 * place + 8].encode("latin-1"), "little")

    # A number of offsets, the offsets themselves, and then the channel, the header, and so on.
    header = frame[offset(2) : offset(3)]
    return json.loads(header)["msg_type"]


def _environment(home: Path) -> dict[str, str]:
    """The machine's environment without its settings, and with folders of the test's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLOVER", "JUPYTER", "IPYTHON"))
        and name not in SETTING_NAMES
        and name.upper() not in PROXY_NAMES
    }
    folders = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "IPYTHONDIR": home / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
    }
    startup = home / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-loopback-only.py").write_text(LOOPBACK_ONLY)
    overrides = home / "config" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps(SETTINGS))
    disabled = {"disabledExtensions": dict.fromkeys(NOT_NEEDED, True)}
    overrides.with_name("page_config.json").write_text(json.dumps(disabled))
    return kept | {name: str(path) for name, path in folders.items()} | {"JUPYTER_TOKEN": TOKEN}


def _wait_until_ready(process: subprocess.Popen[bytes], home: Path, log: Path) -> int:
    """The port of the lab, once it answers (it names its port in its runtime folder)."""
    end = time.monotonic() + LAB_READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        for info in (home / "runtime").glob("jpserver-*.json"):
            try:
                port = json.loads(info.read_text())["port"]
                url = f"http://127.0.0.1:{port}/api/status?token={TOKEN}"
                with urllib.request.urlopen(url, timeout=60):
                    return port
            except (ValueError, urllib.error.URLError):
                break  # the file is half written, or the server isn't listening yet
        time.sleep(0.05)
    pytest.fail(f"JupyterLab didn't start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """A JupyterLab of this worker's own, stopped with its kernels at the end."""
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@contextmanager
def running_lab(home: Path) -> Iterator[Lab]:
    """A JupyterLab with all its files below a folder."""
    folder = home / "notebooks"
    folder.mkdir()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--allow-root"),
        *("--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"),
        f"--ServerApp.port={find_free_port()}",  # labs that start together choose the same
    ]
    log = home / "lab.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(home),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            with running_proxy(_wait_until_ready(process, home, log)) as proxy:
                yield Lab(folder, proxy)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server and its kernels: asked first, which it passes on to them, then forced."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(LAB_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Chromium:
    """A headless Chromium for the tests of this folder, started when the first asks for it."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._browser: Browser | None = None
        self._pages: dict[Lab, list[Page]] = {}  # that show no notebook at present

    def new_context(self) -> BrowserContext:
        """Cookies, permissions and pages of their own."""
        if self._browser is None:
            self._browser = self._running.enter_context(running_browser())
        context = self._browser.new_context()
        context.set_default_navigation_timeout(LOAD_SECONDS * 1000)
        return context

    def take_page(self, lab: Lab) -> Page:
        """A page of a lab that shows no notebook: one that has been used, or else an empty one."""
        pages = self._pages.get(lab, [])
        return pages.pop() if pages else self.new_context().new_page()

    def give_back(self, lab: Lab, page: Page) -> None:
        """Keep a page for the next notebook."""
        page.unroute_all()
        page.context.clear_permissions()
        self._pages.setdefault(lab, []).append(page)

    def stop(self) -> None:
        """End it."""
        self._pages.clear()
        self._browser = None
        self._running.close()


CHROMIUM = Chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """End Chromium before a test that doesn't use it."""
    yield
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        CHROMIUM.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    """A context of a headless Chromium, for pages that are no notebooks of the lab."""
    context = CHROMIUM.new_context()
    yield context
    context.close()


@pytest.fixture
def open_notebook(lab: Lab, request) -> Iterator[Callable[..., Notebook]]:
    """A function that opens a new notebook with these code cells and runs them.

    ``open_notebook(cells, dark=False, width=1400, height=900, run=True, latency=0)`` returns a
    Notebook. The latency begins when the cells have run.
    """
    with notebooks(lab, request.node.name.split("[")[0]) as open_cells:
        yield open_cells


@pytest.fixture(scope="module")
def open_shared_notebook(lab: Lab, request) -> Iterator[Callable[..., Notebook]]:
    """The same, for a notebook that the tests of a file share.

    Opening one takes a second or more, and running its cells again a fraction: pass
    ``run=False``, and let each test begin with ``notebook.start_over()``.
    """
    with notebooks(lab, request.node.path.stem) as open_cells:
        yield open_cells


@contextmanager
def notebooks(lab: Lab, name: str) -> Iterator[Callable[..., Notebook]]:
    opened: list[Notebook] = []

    def open_cells(
        cells: list[str],
        *,
        dark: bool = False,
        width: int = 1400,
        height: int = 900,
        run: bool = True,
        latency: float = 0,
    ) -> Notebook:
        lab.proxy.milliseconds = 0
        path = lab.folder / f"{name}-{os.urandom(4).hex()}.ipynb"
        code_cells = [nbformat.v4.new_code_cell(source) for source in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=code_cells, metadata=KERNEL), path)
        notebook = Notebook(CHROMIUM.take_page(lab), path, lab.proxy, width, height)
        page = notebook.page
        opened.append(notebook)
        page.set_viewport_size({"width": width, "height": height})
        page.on("websocket", notebook.record)
        if page.url.startswith(lab.url):
            page.evaluate(OPEN, path.name)
        else:
            page.goto(notebook.url)
        notebook.use_theme(dark=dark)
        if run:
            notebook.run_all()
        notebook.set_latency(latency)
        return notebook

    open_cells.opened = opened  # for the screenshots of a test that failed
    yield open_cells
    lab.proxy.milliseconds = 0
    for notebook in opened:
        page = notebook.page
        page.remove_listener("websocket", notebook.record)
        if page.evaluate(CLOSE) and not notebook.has_own_clock:
            CHROMIUM.give_back(lab, page)
        else:
            page.context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """When a test fails, take a picture of each notebook it has open, and say where."""
    report = yield
    if report.when == "call" and report.failed:
        values = getattr(item, "funcargs", {})
        names = [name for name in ("open_notebook", "open_shared_notebook") if name in values]
        opened = [notebook for name in names for notebook in values[name].opened]
        for number, notebook in enumerate(opened):
            folder = values["request"].getfixturevalue("tmp_path")
            picture = folder / f"notebook-{number}.png"
            notebook.page.screenshot(path=picture)
            report.sections.append(("screenshot", str(picture)))
    return report
