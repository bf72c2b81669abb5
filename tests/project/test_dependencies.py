"""pyproject.toml, environment.yml and the two lock files say the same."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
TABLES = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, GROUPS = TABLES["project"], TABLES["dependency-groups"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
RUNNING = "requirements.lock"
DEVELOPING = "requirements-dev.lock"
GIVEN = {"ipywidgets", "jupyterlab", "requests", "pandas", "python-dotenv", "nbval"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {each.name: each for each in map(Requirement, lines)}


def pins(lock: str) -> set[tuple[str, str]]:
    """Names and versions; a name may have one for each Python."""
    text = (ROOT / lock).read_text()
    return set(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


RUNTIME = requirements(PROJECT["dependencies"])
ENVIRONMENT = requirements(GROUPS["environment"])
DEV = requirements([line for line in GROUPS["dev"] if isinstance(line, str)])
ALL = RUNTIME | ENVIRONMENT | DEV


def test_the_packages_that_the_project_is_built_on_are_named():
    """In pyproject.toml and in environment.yml."""
    named = requirements([line for line in CONDA if isinstance(line, str)])
    assert ALL.keys() >= GIVEN
    assert named.keys() >= GIVEN


def test_conda_asks_for_what_pip_asks_for():
    """Each name and range of environment.yml is pyproject.toml's; the rest comes with `-e .`."""
    for line in CONDA[:-1]:
        asked = Requirement(line)
        if asked.name == "python":
            assert str(asked.specifier) == PROJECT["requires-python"]
        elif asked.name != "pip":
            assert asked.specifier == ALL[asked.name].specifier, asked.name
    assert CONDA[-1] == {"pip": ["-e ."]}


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_locks_pin_what_is_asked_for(name):
    """With a version in the range; what running needs, in both."""
    locks = [DEVELOPING] if name in DEV else [RUNNING, DEVELOPING]
    for lock in locks:
        versions = [version for pinned, version in pins(lock) if pinned == name]
        assert versions
        assert all(Version(version) in ALL[name].specifier for version in versions)


def test_running_installs_nothing_that_only_developing_needs():
    """Each pin for running is one for developing; the others stay out."""
    running, developing = pins(RUNNING), pins(DEVELOPING)
    assert running < developing
    assert DEV.keys() & dict(running).keys() == {"psutil"}  # it comes with IPython


@pytest.mark.parametrize("lock", [RUNNING, DEVELOPING])
def test_a_lock_has_hashes_and_no_addresses(lock):
    """Each pin has a hash, and nothing says where a package is fetched from."""
    text = (ROOT / lock).read_text()
    pinned = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(pinned) >= len(pins(lock)) > len(RUNTIME)
    assert all("--hash=sha256:" in pin for pin in pinned)
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash)", text, re.MULTILINE)


@pytest.mark.long
def test_make_sets_up_an_environment_to_run_in(tmp_path):
    """`make lab` installs the pins for running alone, its pip too, with uv or without."""
    copy = tmp_path / "clover-nb"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__"))
    for uv in (["UV="], []):
        shutil.rmtree(copy / ".venv", ignore_errors=True)
        command = ["make", "lab", "ARGS=--version", f"PYTHON={sys.executable}", *uv]
        ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        listed = subprocess.run(
            [copy / ".venv/bin/python", "-m", "pip", "list", "--format=json"],
            capture_output=True,
            check=True,
        )
        installed = {
            (canonicalize_name(each["name"]), each["version"]) for each in json.loads(listed.stdout)
        }
        assert installed - pins(RUNNING) == {("clover-nb", PROJECT["version"])}
        assert {"jupyterlab", "pip"} <= dict(installed).keys()


# Debian's Python without python3-venv: the environment is begun, and has no pip.
WITHOUT_ENSUREPIP = f"""#!/bin/sh
case "$*" in
"-m venv "*) {sys.executable} -m venv --without-pip "$3"; echo "no ensurepip"; exit 1;;
esac
exec {sys.executable} "$@"
"""


def test_a_python_that_makes_no_environments_is_said(tmp_path):
    """With what to install; and no half of an environment is left for the next run."""
    for name in ("Makefile", RUNNING, "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python3"
    python.write_text(WITHOUT_ENSUREPIP)
    python.chmod(0o755)
    command = ["make", "lab", "UV=", f"PYTHON={python}"]
    for _ in range(2):
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode != 0
        assert "apt-get install python3-venv" in ran.stdout
        assert not (tmp_path / ".venv").exists()


def test_what_the_package_imports_is_asked_for():
    """Not left to come along with something else."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "clover_nb").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"clover_nb"}
    packages = packages_distributions()
    asked = {canonicalize_name(name) for name in RUNTIME}
    missing = {top for top in tops if not {*map(canonicalize_name, packages[top])} & asked}
    assert missing == set()
