"""pyproject.toml, environment.yml, CONTRIBUTING and the lock files say the same."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
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
DOCS = "requirements-docs.lock"
HUB = "requirements-hub.lock"
INSTALLER = "requirements-uv.lock"
OLDEST = "requirements-lowest.lock"
GIVEN = {"ipywidgets", "jupyterlab", "requests", "pandas", "python-dotenv", "nbval"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {each.name: each for each in map(Requirement, lines)}


def pins(lock: str) -> set[tuple[str, str]]:
    """Names and versions; a name may have one for each Python."""
    text = (ROOT / lock).read_text()
    return set(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


RUNTIME = requirements(PROJECT["dependencies"])
EXTRAS = requirements([*chain.from_iterable(PROJECT["optional-dependencies"].values())])
GROUP = {
    name: requirements([line for line in lines if isinstance(line, str)])
    for name, lines in GROUPS.items()
}
RUN = RUNTIME | EXTRAS | GROUP["environment"]
DEVELOP = GROUP["test"] | GROUP["dev"] | GROUP["installer"]
ALL = RUN | DEVELOP | GROUP["docs"] | GROUP["hub"]


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
    assert CONDA[-1] == {"pip": ["-e .[charts,team]"]}


def locks_with(name):
    """Which lock files have to pin a package."""
    for group, lock in (("docs", DOCS), ("hub", HUB)):
        if name in GROUP[group]:
            return [lock]
    locks = [RUNNING] * (name in RUN) + [DEVELOPING]
    return locks + [INSTALLER] * (name in GROUP["installer"])


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_locks_pin_what_is_asked_for(name):
    """With a version in the range; what running needs, for developing too."""
    for lock in locks_with(name):
        versions = [version for pinned, version in pins(lock) if pinned == name]
        assert versions
        assert all(Version(version) in ALL[name].specifier for version in versions)


def test_running_installs_nothing_that_only_developing_needs():
    """Each pin for running is one for developing; the others stay out."""
    running, developing = pins(RUNNING), pins(DEVELOPING)
    assert running < developing
    assert not (DEVELOP | GROUP["docs"]).keys() & dict(running).keys()


def test_what_two_locks_pin_has_one_version():
    """Each of them can be installed into the same environment."""
    developing = dict(sorted(pins(DEVELOPING)))
    for lock in (DOCS, INSTALLER):
        both = dict(sorted(pins(lock))).keys() & developing.keys()
        assert {pin for pin in pins(lock) if pin[0] in both} <= pins(DEVELOPING)


def test_the_oldest_versions_are_those_that_are_asked_for():
    """What `make lowest` installs is each lower bound itself."""
    oldest = pins(OLDEST)
    for name, requirement in (RUNTIME | EXTRAS).items():
        (bound,) = requirement.specifier
        found = {Version(version) for pinned, version in oldest if pinned == name}
        assert bound.operator == ">="
        assert Version(bound.version) in found, name


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_dependency_has_a_line_that_says_what_it_is_for(name):
    """In CONTRIBUTING; and no line is about one that isn't asked for."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.split("## What it depends on")[1].split("\n## ")[0]
    lines = re.findall(r"^\| ((?:`[\w.-]+`(?:, )?)+) \| (.+) \|$", section, re.MULTILINE)
    reasons = {each: reason for names, reason in lines for each in re.findall(r"`(.+?)`", names)}
    assert len(reasons[name]) > 10
    assert reasons.keys() == ALL.keys()


@pytest.mark.parametrize("lock", [RUNNING, DEVELOPING, DOCS, HUB, INSTALLER])
def test_a_lock_has_hashes_and_no_addresses(lock):
    """Each pin has a hash, and nothing says where a package is fetched from."""
    text = (ROOT / lock).read_text()
    pinned = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(pinned) >= len(pins(lock)) >= 1
    assert all("--hash=sha256:" in pin for pin in pinned)
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash)", text, re.MULTILINE)


@pytest.mark.long
@pytest.mark.parametrize(
    ("uv", "more"),
    [([], set()), (["UV=.venv/bin/uv"], pins(INSTALLER)), (["UV="], set())],
    ids=["the machine's uv", "uv from PyPI", "pip"],
)
def test_make_sets_up_an_environment_to_run_in(tmp_path, uv, more):
    """`make lab` installs the pins for running alone, its pip too; and uv, where it had to come."""
    copy = tmp_path / "clover-nb"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv*", ".git", "__pycache__"))
    command = ["make", "lab", "ARGS=--version", f"PYTHON={sys.executable}", *uv]
    ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert re.search(rf"^Installing the \d+ packages of {RUNNING}", ran.stdout, re.MULTILINE)
    listed = subprocess.run(
        [copy / ".venv/bin/python", "-m", "pip", "list", "--format=json"],
        capture_output=True,
        check=True,
    )
    installed = {
        (canonicalize_name(each["name"]), each["version"]) for each in json.loads(listed.stdout)
    }
    assert installed - pins(RUNNING) == {("clover-nb", PROJECT["version"])} | more
    assert {"jupyterlab", "pip"} <= dict(installed).keys()


@pytest.mark.long
def test_pip_installs_where_uv_cannot_be_had(tmp_path):
    """Its hash is another one, as if somebody had put a file in its place."""
    copy = tmp_path / "clover-nb"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv*", ".git", "__pycache__"))
    (copy / INSTALLER).write_text(f"uv==0.13.9 --hash=sha256:{64 * '0'}\n")
    command = ["make", "lab", "ARGS=--version", f"PYTHON={sys.executable}", "UV=.venv/bin/uv"]
    ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "with pip ..." in ran.stdout
    assert not (copy / ".venv/bin/uv").exists()


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
    paths = set((ROOT / "clover_nb").rglob("*.py"))
    paths -= {ROOT / "clover_nb/pytest_plugin.py"}  # pytest itself imports it
    trees = [ast.parse(path.read_text()) for path in paths]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"clover_nb"}
    packages = packages_distributions()
    asked = {canonicalize_name(name) for name in RUNTIME | EXTRAS}
    tops.discard("pytest")  # it is what imports its plugin
    missing = {top for top in tops if not {*map(canonicalize_name, packages[top])} & asked}
    assert missing == set()
