"""Run the notebooks and keep their outputs, so that a reader sees them before running anything.

    python tools/run_notebooks.py [notebooks/01_first_customers.ipynb ...]

What belongs to one machine or one run is left out: widget states and views (a form shows its
static sentence until the cell is run), the times of execution, the version of Python.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def run(path: Path) -> None:
    """Execute one notebook in a fresh kernel and write it back, cleaned."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        coalesce_streams=True,  # how output was cut into messages differs between runs
        resources={"metadata": {"path": NOTEBOOKS}},
    )
    client.execute()
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {name: cell.metadata[name] for name in ("tags",) if name in cell.metadata}
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                data.pop(WIDGET_VIEW, None)
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook, version=4) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for chosen in map(Path, sys.argv[1:] or sorted(NOTEBOOKS.glob("*.ipynb"))):
        run(chosen)
        print(chosen.name)  # noqa: T201  a command's output
