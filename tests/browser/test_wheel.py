"""The wheel, on a machine that has nothing of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from lab_process import TOKEN, running_lab
from playwright.sync_api import expect

from clover_nb import TEST_CARDS

from .card_fields import type_card
from .conftest import OPENED, RUN

ROOT = Path(__file__).parents[2]
PYTHON = Path("venv/bin/python")
NOTEBOOK = "notebook==7.6.5"  # the newest; its other needs are the lab's

pytestmark = pytest.mark.long


def run(*command, cwd, **environment):
    ran = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def build(folder, into):
    run(sys.executable, "-m", "hatchling", "build", "-d", into, cwd=folder, SOURCE_DATE_EPOCH="1")
    return {path.name: path for path in into.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist of this folder, by their names."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def test_the_same_bytes_are_built_twice(built, tmp_path):
    """From another folder, whose files are newer and have other permissions."""
    copy = tmp_path / "copy"
    (sdist,) = [path for path in built.values() if path.suffix == ".gz"]
    with tarfile.open(sdist) as packed:
        names = [name.partition("/")[2] for name in packed.getnames()]
    for name in names:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    (copy / "clover_nb" / "client.py").chmod(0o600)
    again = build(copy, tmp_path / "again")
    assert again.keys() == built.keys()
    assert [path.suffix for path in sorted(built.values())] == [".whl", ".gz"]
    for name, path in built.items():
        assert path.read_bytes() == again[name].read_bytes(), name


def test_the_sdist_makes_the_same_wheel(built, tmp_path):
    """The lessons are in both."""
    (sdist,) = [path for path in built.values() if path.suffix == ".gz"]
    (wheel,) = [path for path in built.values() if path.suffix == ".whl"]
    shutil.unpack_archive(sdist, tmp_path / "unpacked", filter="data")
    (folder,) = (tmp_path / "unpacked").iterdir()
    again = build(folder, tmp_path / "again")[wheel.name]
    assert again.read_bytes() == wheel.read_bytes()
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.rpartition("/")[2] for name in names if name.endswith(".ipynb")} == notebooks


def install(built, home, *others):
    """An environment below a home, where the wheel is installed, and nothing else but others."""
    (wheel,) = [path for path in built.values() if path.suffix == ".whl"]
    run(sys.executable, "-m", "uv", "venv", "--python", sys.executable, "venv", cwd=home)
    command = (sys.executable, "-m", "uv", "pip", "install", "--python", PYTHON)
    run(*command, "--require-hashes", "-r", ROOT / "requirements.lock", cwd=home)
    run(*command, "--no-deps", wheel, *others, cwd=home)
    return home


@pytest.fixture(scope="module")
def machine(built, tmp_path_factory):
    """A home with the wheel alone."""
    return install(built, tmp_path_factory.mktemp("machine"))


def test_the_first_lesson_runs_in_a_lab_from_the_wheel(machine, tmp_path, chromium):
    """In an empty folder: the lab opens it by itself, and each of its cells runs."""
    folder = tmp_path / "empty"
    folder.mkdir()
    options = (f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True")
    python = str(machine / PYTHON)
    with running_lab(tmp_path, folder, *options, python=python) as (_, address):
        page = chromium.new_page()
        url = address.replace("localhost", "127.0.0.1")  # the only host that this browser finds
        page.goto(f"{url}?token={TOKEN}")
        page.evaluate(OPENED)
        expect(page).to_have_url(f"{url}lab/tree/clover-nb-lessons/01_first_customers.ipynb")
        assert page.evaluate(RUN) == []
        printed = page.locator(".jp-OutputArea-output", has_text="<Clover: LOCAL practice sandbox")
        expect(printed).to_have_count(1)
        expect(page.locator(".jp-OutputArea-output", has_text="Ana")).not_to_have_count(0)

        # The pages that lessons point to are there, too, and open as pages.
        page.goto(f"{url}lab/tree/clover-nb-lessons/03_cards_on_file.ipynb")
        page.get_by_role("link", name="docs/cards.md").click()
        expect(page.get_by_role("heading", name="Where each part of a card goes")).to_be_visible()

        # A picture of somebody else's run is shown, with its text for a screen reader.
        page.goto(f"{url}lab/tree/clover-nb-lessons/05_explore_customers.ipynb")
        chart = page.get_by_role("img", name="New customers by month. 2023: 482.")
        expect(chart).to_be_visible()
        assert chart.evaluate("image => image.naturalWidth") > 1000


def test_a_form_works_in_notebook_7(built, tmp_path_factory, chromium):
    """A lesson opened in Notebook, which is no lab, makes a customer with a card."""
    home, folder = (tmp_path_factory.mktemp(name) for name in ("machine", "empty"))
    install(built, home, NOTEBOOK)
    options = (
        f"--IdentityProvider.token={TOKEN}",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    )
    with running_lab(home, folder, *options, python=str(home / PYTHON)) as (_, address):
        page = chromium.new_page()
        url = address.replace("localhost", "127.0.0.1")
        page.goto(f"{url}notebooks/clover-nb-lessons/02_forms.ipynb?token={TOKEN}")
        page.evaluate(OPENED)
        assert page.evaluate(RUN) == []
        expect(page.get_by_role("button", name="JupyterLab")).to_be_visible()  # leads to the other
        form = page.locator(".jp-CodeCell", has_text="forms.create_customer()")
        form.get_by_label("Email", exact=True).fill("ana.rivera@notebook.example")
        type_card(form, TEST_CARDS["visa"]["number"])
        form.get_by_label("The cardholder agreed").check()
        form.get_by_role("button", name="Create customer").click()
        expect(form).to_contain_text("Saved: ana.rivera@notebook.example")
        expect(form).to_contain_text("VISA •••• 4242, expires 2034-12")


def test_the_package_does_not_need_what_draws_charts(machine, tmp_path):
    """Without matplotlib, the extra for them, every other module can be imported."""
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import importlib, pkgutil, clover_nb\n"
        "for each in pkgutil.walk_packages(clover_nb.__path__, 'clover_nb.'):\n"
        "    if not each.name.endswith(('__main__', '.charts', '.pytest_plugin')):\n"
        "        importlib.import_module(each.name)\n"
        "print(clover_nb.__file__)"
    )
    where = run(machine / PYTHON, "-P", "-c", code, cwd=tmp_path)
    assert where.startswith(str(machine))
