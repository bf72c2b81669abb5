"""`clover-nb lessons`, and what `clover-nb lab` does with them in a folder of somebody's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import requests
from lab_process import TOKEN, running_lab

ROOT = Path(__file__).parents[2]
LESSONS = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
NAMES = LESSONS | {"spring.xlsx", "docs"}
LINK = re.compile(r"(?:\]\(|src=\")(?!https?:|#)([^)#\"]+)")


def lessons(folder, *arguments):
    command = [sys.executable, "-P", "-m", "clover_nb.cli", "lessons", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_the_lessons_are_copied(tmp_path):
    """All of them and what they need, into a folder of their own, and the first is named."""
    ran = lessons(tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (
        f"Copied {len(LESSONS)} lessons to clover-nb-lessons; "
        "begin with 01_first_customers.ipynb.\n"
    )
    copies = tmp_path / "clover-nb-lessons"
    assert names_in(copies) == NAMES
    for name in LESSONS:
        original = (ROOT / "notebooks" / name).read_text()
        assert (copies / name).read_text() == original.replace("../docs/", "docs/")


def test_what_the_copies_point_to_is_there(tmp_path):
    """Other lessons, pages, pictures, and the tables that they read."""
    lessons(tmp_path)
    copies = tmp_path / "clover-nb-lessons"
    targets = [(copies, "spring.xlsx")]
    for path in copies.rglob("*.md"):
        targets += [(path.parent, target) for target in LINK.findall(path.read_text())]
    for path in copies.glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            targets += [(copies, target) for target in LINK.findall(cell.source)]
    assert [target for folder, target in targets if not (folder / target).exists()] == []
    found = {target for _, target in targets}
    assert {"02_forms.ipynb", "docs/cards.md", "docs/images/desk-light.png"} <= found


def test_they_go_into_the_folder_that_is_named(tmp_path):
    """It is made, with those above it."""
    ran = lessons(tmp_path, "courses/clover")
    assert ran.returncode == 0, ran.stderr
    assert names_in(tmp_path) == {"courses"}
    assert names_in(tmp_path / "courses" / "clover") == NAMES


def test_what_is_there_already_stays_as_it_is(tmp_path):
    """A file with somebody's answers in it, and what a link points to; what is missing is added."""
    folder = tmp_path / "clover-nb-lessons"
    folder.mkdir()
    (folder / "02_forms.ipynb").write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    (folder / "03_cards_on_file.ipynb").symlink_to(elsewhere)
    ran = lessons(tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "Left 2 as they are" in ran.stdout
    assert (folder / "02_forms.ipynb").read_text() == "mine"
    assert not elsewhere.exists()
    assert names_in(folder) == NAMES


def test_a_folder_that_cannot_be_made_is_an_error_in_one_line(tmp_path):
    """The name belongs to a file."""
    (tmp_path / "clover-nb-lessons").write_text("a file")
    ran = lessons(tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("clover-nb lessons: ")
    assert ran.stderr.endswith("Name another folder.\n")
    assert len(ran.stderr.splitlines()) == 1


@pytest.fixture
def working_folder(tmp_path):
    """Where the lab is started; its own files are elsewhere."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def opened_by(home, folder):
    """The notebook that a lab opens, and what it says."""
    with running_lab(home, folder, f"--IdentityProvider.token={TOKEN}") as (process, url):
        first = requests.get(f"{url}?token={TOKEN}", allow_redirects=False, timeout=60)
        process.terminate()
        process.wait(60)
    return first.headers["Location"].partition("?")[0], (home / "output").read_text()


@pytest.mark.long
def test_the_lab_offers_them_in_an_empty_folder(tmp_path, working_folder):
    """An environment and hidden files may be there; it says what it did, and opens the first."""
    (working_folder / ".env").touch()
    environment = working_folder / "venv"
    environment.mkdir()
    (environment / "pyvenv.cfg").touch()
    opened, said = opened_by(tmp_path, working_folder)
    assert opened == "/lab/tree/clover-nb-lessons/01_first_customers.ipynb"
    assert f"Copied {len(LESSONS)} lessons to clover-nb-lessons" in said
    assert names_in(working_folder) == {".env", "venv", "clover-nb-lessons"}
    assert names_in(working_folder / "clover-nb-lessons") == NAMES


@pytest.mark.long
def test_the_lab_opens_the_lessons_that_are_there(tmp_path, working_folder):
    """The second time, with one deleted: it stays away."""
    lessons(working_folder)
    (working_folder / "clover-nb-lessons" / "08_go_live.ipynb").unlink()
    opened, said = opened_by(tmp_path, working_folder)
    assert opened == "/lab/tree/clover-nb-lessons/01_first_customers.ipynb"
    assert "opied" not in said
    assert names_in(working_folder / "clover-nb-lessons") == NAMES - {"08_go_live.ipynb"}


@pytest.mark.long
def test_the_lab_puts_nothing_into_a_folder_with_work_in_it(tmp_path, working_folder):
    """It says how to get them instead; a folder `notebooks` is somebody's own."""
    (working_folder / "report.csv").touch()
    (working_folder / "notebooks").mkdir()
    opened, said = opened_by(tmp_path, working_folder)
    assert opened == "/lab"
    assert "`clover-nb lessons` copies the lessons into this folder." in said
    assert names_in(working_folder) == {"report.csv", "notebooks"}
