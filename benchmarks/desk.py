"""The desk's speed in Chromium, at 100,000 customers: `python benchmarks/desk.py`.

Needs Chromium, as the browser tests do, and itables to compare with, which is no part of this
project: `pip install itables`, or `--without-itables`. Each time is taken in the browser, from the
key or the click to what it shows; of the desk they are medians, and ITable does each once, as it
needs minutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5, help="at most 5")
    parser.add_argument("--without-itables", action="store_true")
    options = parser.parse_args()
    sys.path.append(str(HARNESS.parents[1] / "support"))
    spec = importlib.util.spec_from_file_location("harness", HARNESS)
    harness = sys.modules["harness"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(harness)
    cells = [FRAME.format(customers=options.customers), DESK, ITABLE]
    with (
        tempfile.TemporaryDirectory() as home,
        harness.running_lab(Path(home)) as lab,
        harness.running_chromium() as chromium,
        harness.notebooks(chromium, lab, "speed") as open_cells,
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


if __name__ == "__main__":
    main()
