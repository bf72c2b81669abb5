"""What `clover_nb` exports."""

from __future__ import annotations

import doctest
import inspect
import operator
import subprocess
import sys
from pathlib import Path

import ipywidgets
import pandas as pd
import pytest

import clover_nb
from clover_nb import TEST_CARDS, forms


def test_all_names_what_is_exported():
    """Each name of `__all__` is there, `dir` lists them, and each has a docstring."""
    assert dir(clover_nb) == sorted(clover_nb.__all__)
    for name in clover_nb.__all__:
        assert getattr(clover_nb, name).__doc__, name


CALLABLE = [name for name in clover_nb.__all__ if callable(getattr(clover_nb, name))]
FUNCTIONS = [
    f"{module}.{name}"
    for module in ("charts", "quality")
    for name, value in vars(getattr(clover_nb, module)).items()
    if inspect.isfunction(value) and value.__module__ == f"clover_nb.{module}" and name[0] != "_"
]


@pytest.fixture
def names(default_connection):
    """What an example can use: every public name, and a fresh card token."""
    public = {name: getattr(clover_nb, name) for name in clover_nb.__all__}
    token = default_connection.tokens.create(card=TEST_CARDS["visa"])
    return public | {"token": token, "clover_nb": clover_nb, "pd": pd, "Path": Path}


@pytest.mark.usefixtures("empty_folder")
@pytest.mark.parametrize("name", CALLABLE + FUNCTIONS)
def test_each_public_name_shows_an_example_that_runs(name, names):
    """What it prints is what stands there."""
    shown = operator.attrgetter(name)(clover_nb)
    found = doctest.DocTestFinder(recurse=False).find(shown, name, globs=names)
    assert any(test.examples for test in found)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in found:
        told: list[str] = []
        assert runner.run(test, out=told.append).failed == 0, "".join(told)


def test_each_form_shows_an_example_that_runs(names):
    """One line makes it."""
    examples = doctest.DocTestParser().get_examples(forms.__doc__)
    assert {each.source.split("(")[0] for each in examples} == {f"forms.{n}" for n in forms.__all__}
    for each in examples:
        assert isinstance(eval(each.source, names), ipywidgets.DOMWidget)  # noqa: S307  our own


def test_an_unknown_name_is_an_attribute_error():
    """As for any module."""
    assert not hasattr(clover_nb, "Costumer")


def test_importing_the_package_alone_imports_no_heavy_library():
    """The command line and the sandbox need not wait for pandas."""
    code = "import sys, clover_nb; print(*{'pandas', 'requests', 'ipywidgets'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_connecting_code_does_not_wait_for_the_journals_database():
    """SQLAlchemy is imported when a journal is opened."""
    code = "import sys; from clover_nb import Customer, connect; print('sqlalchemy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_the_floors_of_the_house_import_downwards():
    """The sandbox knows of the rest `constants` alone, and the forms are known by nobody below."""
    code = (
        "import sys, clover_nb.sandbox, clover_nb.sandbox.cli\n"
        "print(*sorted(n for n in sys.modules if n.startswith('clover_nb.')"
        " and not n.startswith('clover_nb.sandbox')))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["clover_nb.constants"]
