"""The desk's speed and weight in Chromium: `python benchmarks/desk.py`, or one part by its name.

`table`, at 100,000 customers: each time is taken in the browser, from the key or the click to what
it shows; of the desk they are medians. It needs itables to compare with, which is no part of this
project (`pip install itables`, or `--without-itables`); ITable does each once, as it needs minutes.

`page`: `clover-nb desk` beside a page of Voilà's with a label, one after the other. `memory`: what
kernels have for themselves alone, beside one that has imported the same and does nothing.
`visits`: what is left of 100 pages that were opened and left.
"""

from __future__ import annotations

import argparse
import importlib.util
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import psutil

from clover_nb import sandbox

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from chromium import running_browser
from desk_process import Desk, running_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HARNESS = Path(__file__).parents[1] / "tests" / "browser" / "conftest.py"
FRAME = """
from clover_nb import connect, forms, sandbox
practice = sandbox.start(seed=1, customers={customers}, limits=False)
clover = connect("local", requests_per_second=None, **practice.connection())
customers = clover.customers.list()
"""
DESK = "forms.desk(customers, clover=clover)"
ITABLE = """
from itables.widget import ITable
ITable(customers.drop(columns="source_ids"), select=True, maxBytes=0)
"""
# Does something, and tells how many milliseconds pass until a condition holds.
TIMED = """async ([act, root, holds]) => {
  const condition = new Function(`${root} return ${holds}`);
  const started = performance.now();
  new Function(act)();
  while (!condition()) {
    if (performance.now() - started > 120000) throw new Error(`never: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now() - started;
}"""
RUN = """window.jupyterapp.commands.execute('notebook:run-cell')"""
RUN_FIRST = f"async () => {RUN}"
READY = """async () => {
  while (!window.jupyterapp?.shell?.currentWidget?.sessionContext) {
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
}"""
SELECT_CELL = """(index) => {
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
}"""


# What shows that a row is selected: its details; of ITable the row's colour.
DETAILS = "root.querySelector('dl')?.innerText.includes(window.row.dataset.id)"
HIGHLIGHT = "window.row.classList.contains('selected')"


@dataclass
class Side:
    """One way to show the table: its cell, and where its parts are, as JavaScript and CSS."""

    page: Page
    cell: int
    root: str
    status: str
    sorts: str
    selected: str

    def timed(self, act: str, holds: str) -> float:
        root = f"const root = document.querySelector('{self.root}');"
        return self.page.evaluate(TIMED, [root + act, root, holds]) / 1000

    def show(self) -> float:
        self.page.evaluate(SELECT_CELL, self.cell)
        return self.timed(RUN, "root?.querySelector('tbody tr td:nth-child(2)')")

    def type(self, text: str) -> float:
        told = f"root.querySelector('{self.status}').innerText"
        event = "new InputEvent('input', {inputType: 'insertText', bubbles: true})"
        box = "root.querySelector('input[type=search]')"
        act = f"window.before = {told}; {box}.value = '{text}'; {box}.dispatchEvent({event})"
        return self.timed(act, f"{told} !== window.before")

    def select(self, row: int) -> float:
        click = "new MouseEvent('click', {bubbles: true, cancelable: true})"
        act = f"window.row = root.querySelectorAll('tbody tr')[{row}];"
        act += f"window.row.querySelector('td').dispatchEvent({click})"
        return self.timed(act, self.selected)

    def sort(self, column: int) -> float:
        sorted_by = "[...root.querySelectorAll('thead th')].map((head) => head.ariaSort).join()"
        act = (
            f"window.before = {sorted_by}; root.querySelectorAll('{self.sorts}')[{column}].click()"
        )
        return self.timed(act, f"{sorted_by} !== window.before")


def measured(side: Side, notebook, rounds: int) -> dict[str, float]:
    notebook.received.clear()
    found = {"shown": side.show()}
    side.page.wait_for_timeout(500)
    found["MB sent"] = sum(map(len, notebook.received)) / 1e6
    words = ["ana", "ana to", "toronto", "4242", "kim"]
    found["a letter typed"] = median(side.type, words[:rounds])
    side.type("rivera")
    found["a row selected"] = median(side.select, range(1, rounds + 1))
    side.type("")
    found["sorted"] = median(side.sort, range(rounds))
    return found


def median(measure, values) -> float:
    return statistics.median(measure(value) for value in values)


PROMISED = {
    "shown": 3.0,
    "MB sent": 1.0,
    "a letter typed": 0.3,
    "a row selected": 0.3,
    "sorted": 0.4,
}


LABEL = "import ipywidgets\n\nipywidgets.Label('the label')"
PAGE_PROMISED = 1.2
MEMORY_PROMISED = 1.3
MORE_PROMISED = 80
LEFT_SECONDS = 120
VISITS = 100


@contextmanager
def running_voila(home: Path) -> Iterator[str]:
    """Voilà with a notebook of one label: the address of its page."""
    cell = nbformat.v4.new_code_cell(LABEL)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), home / "label.ipynb")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "voila", "label.ipynb", "--no-browser", f"--port={port}"]
    url = f"http://127.0.0.1:{port}/"
    with (home / "voila.log").open("w") as log:
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                try:
                    with urllib.request.urlopen(f"{url}voila/static/voila.js", timeout=5):
                        break
                except urllib.error.URLError:
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait()


def opened(chromium: Browser, url: str, text: str) -> tuple[Page, float]:
    """A page that shows a text, and how long that took."""
    page = (
        chromium.contexts[0].new_page() if chromium.contexts else chromium.new_context().new_page()
    )
    started = time.perf_counter()
    page.goto(url, wait_until="commit", timeout=60_000)
    page.get_by_text(text).wait_for(timeout=120_000)
    return page, time.perf_counter() - started


def wait_for_ready_kernel(desk: Desk, pages: int) -> None:
    """Wait until the desk has one kernel more than pages, with all its imports done."""
    while len(desk.kernels()) != pages + 1:
        time.sleep(0.2)
    before, now = -1.0, 0.0
    while now > before:  # it has nothing more to do
        time.sleep(1)
        before, now = now, sum(sum(each.cpu_times()[:2]) for each in desk.kernels())


def measure_page(rounds: int) -> None:
    """The desk's page, with a kernel that is ready and without, beside a label of Voilà's."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_desk(Path(folder), "--no-browser", orphan_seconds=10, prepare_seconds=3) as desk,
        running_voila(Path(folder)) as voila,
        running_browser() as chromium,
    ):
        shown = {"label": (voila, "the label"), "desk": (desk.url, "of 200 customers")}
        shown["desk, at once"] = shown["desk"]  # no kernel is ready for the page after another
        times: dict[str, list[float]] = {name: [] for name in shown}
        for attempt in range(rounds + 1):
            wait_for_ready_kernel(desk, 0)
            for name, (url, text) in shown.items():
                page, seconds = opened(chromium, url, text)
                page.goto("about:blank")
                page.close()
                if attempt:  # the first fills the browser's cache
                    times[name].append(seconds)
    label = statistics.median(times["label"])
    print(f"{'a label of Voilà':<24}{label:8.2f} s")
    for name in ("desk", "desk, at once"):
        median = statistics.median(times[name])
        promised = f"   promised: {PAGE_PROMISED}" if name == "desk" else ""
        print(f"{name:<24}{median:8.2f} s   ratio {median / label:.2f}{promised}", flush=True)


def measure_memory(customers: int) -> None:
    """What five visitors' kernels have for themselves alone, and one with many customers."""
    with tempfile.TemporaryDirectory() as folder, running_browser() as chromium:
        with running_desk(Path(folder), "--no-browser", prepare_seconds=3) as desk:
            wait_for_ready_kernel(desk, 0)
            (alone,) = private_megabytes(desk)
            pages = []
            for count in range(1, 6):
                pages.append(opened(chromium, desk.url, "of 200 customers")[0])
                wait_for_ready_kernel(desk, count)
            visitors = private_megabytes(desk)[:5]
            for page in pages:
                page.close()
        practice = sandbox.start(seed=1, customers=customers, limits=False)
        given = {f"CLOVER_{name.upper()}": text for name, text in practice.connection().items()}
        with (
            practice,
            running_desk(Path(folder), "--no-browser", prepare_seconds=3, **given) as desk,
        ):
            wait_for_ready_kernel(desk, 0)
            page, seconds = opened(chromium, desk.url, f"of {customers:,} customers")
            wait_for_ready_kernel(desk, 1)
            many = private_megabytes(desk)[0]
            page.close()
    mean = statistics.mean(visitors)
    print(f"{'imports alone':<24}{alone:8.0f} MB")
    ratio = f"ratio {mean / alone:.2f}   promised: {MEMORY_PROMISED}"
    print(f"{'each of five visitors':<24}{mean:8.0f} MB   {ratio}")
    more = f"{many - mean:.0f} MB more   promised: {MORE_PROMISED}"
    print(f"{f'with {customers:,}':<24}{many:8.0f} MB   {more}   (shown in {seconds:.1f} s)")


def measure_visits() -> None:
    """Open the page a hundred times, and leave it; one kernel, for the next page, may be left."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_desk(Path(folder), "--no-browser", prepare_seconds=3) as desk,
    ):
        cookie = desk.log_in()
        for _ in range(VISITS):
            assert desk.request("GET", "/", Cookie=cookie)[0] == 200
        last = time.monotonic()
        while len(desk.kernels()) > 1 and time.monotonic() < last + 2 * LEFT_SECONDS:
            time.sleep(1)
        seconds, left = time.monotonic() - last, len(desk.kernels())
    print(f"{left} kernel after {VISITS} visits and {seconds:.0f} s", end="   ")
    print(f"promised: 1, within {LEFT_SECONDS} s")


def private_megabytes(desk: Desk) -> list[float]:
    """What each kernel has for itself alone, oldest first."""
    oldest_first = sorted(desk.kernels(), key=psutil.Process.create_time)
    return [each.memory_full_info().uss / 1e6 for each in oldest_first]


PARTS = ("table", "page", "memory", "visits")


def load_harness():
    """The browser and the lab of the tests."""
    spec = importlib.util.spec_from_file_location("harness", HARNESS)
    harness = sys.modules["harness"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(harness)
    return harness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, help="one alone; else all")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5, help="at most 5")
    parser.add_argument("--without-itables", action="store_true")
    options = parser.parse_args()
    harness = load_harness()
    measures = {
        "page": lambda: measure_page(options.rounds),
        "memory": lambda: measure_memory(options.customers),
        "visits": measure_visits,
        "table": lambda: measure_table(harness, options),
    }
    for part, measure in measures.items():
        if options.part in (None, part):
            measure()


def measure_table(harness, options: argparse.Namespace) -> None:
    cells = [FRAME.format(customers=options.customers), DESK, ITABLE]
    with (
        tempfile.TemporaryDirectory() as home,
        harness.running_lab(Path(home)) as lab,
        harness.notebooks(lab, "speed") as open_cells,
    ):
        notebook = open_cells(cells, run=False, height=1500)
        page = notebook.page
        page.evaluate(READY)
        page.evaluate(SELECT_CELL, 0)
        page.evaluate(RUN_FIRST)
        desk = Side(page, 1, ".clover-desk", ".clover-status", "th button", DETAILS)
        ours = measured(desk, notebook, options.rounds)
        for name, promise in PROMISED.items():
            print(f"{name:<16}{ours[name]:8.2f}   promised: {promise:.1f}", flush=True)
        if not options.without_itables:
            itable = Side(page, 2, ".dt-container", ".dt-info", ".dt-column-order", HIGHLIGHT)
            theirs = measured(itable, notebook, 1)
            for name, value in theirs.items():
                print(f"{name:<16}{value:8.2f}   of ITable; ratio {ours[name] / value:.3f}")
    harness.CHROMIUM.stop()


if __name__ == "__main__":
    main()
