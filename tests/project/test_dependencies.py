"""pyproject.toml, environment.yml and requirements.lock say the same."""

from __future__ import annotations

import ast
import re
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
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
LOCK = (ROOT / "requirements.lock").read_text()
GIVEN = {"ipywidgets", "jupyterlab", "requests", "pandas", "python-dotenv", "nbval"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {each.name: each for each in map(Requirement, lines)}


RUNTIME = requirements(PROJECT["dependencies"])
ALL = RUNTIME | requirements(PROJECT["optional-dependencies"]["dev"])
LOCKED = dict(re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.MULTILINE))


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
def test_the_lock_pins_what_is_asked_for(name):
    """With a version in the range."""
    assert Version(LOCKED[name]) in ALL[name].specifier


def test_the_lock_has_hashes_and_no_addresses():
    """Each pin has a hash, and nothing says where a package is fetched from."""
    pins = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(pins) >= len(LOCKED) > len(ALL)
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in LOCK
    assert not re.search(r"^\s*--(?!hash)", LOCK, re.MULTILINE)


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
