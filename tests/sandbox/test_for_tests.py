"""The sandbox in the tests of other programs: what docs/sandbox-for-tests.md shows is run."""

import fnmatch
import json
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import requests
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox-for-tests.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = FENCE.findall(DOCUMENT.read_text(encoding="utf-8"))
COMMAND = Path(sys.executable).with_name("clover-nb")


def examples(language):
    return [code for name, code in EXAMPLES if name == language]


# What other packages bring to pytest: a project that has only clover-nb does without.
OTHERS = {each.name for each in metadata.entry_points(group="pytest11")} - {"clover_sandbox"}


def run_pytest(folder):
    """Run a project's tests, as its developer would; gives the exit code and what is said."""
    without = [f"-pno:{name}" for name in sorted(OTHERS)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *without, folder],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return done.returncode, done.stdout + done.stderr


TESTS = [code for code in examples("python") if "def test_" in code]
CONFTESTS = [code for code in examples("python") if "def test_" not in code]


def test_the_examples_for_pytest_pass(tmp_path):
    """Each as a file of a project that has nothing but clover-nb."""
    assert len(TESTS) == 3
    for number, code in enumerate(TESTS):
        (tmp_path / f"test_{number}.py").write_text(code)
    status, said = run_pytest(tmp_path)
    passed = sum(code.count("def test_") for code in TESTS)
    assert (status, f"{passed} passed" in said) == (0, True), said


def test_a_project_chooses_another_sandbox(tmp_path):
    """By the fixture that the document shows."""
    (conftest,) = CONFTESTS
    (tmp_path / "conftest.py").write_text(conftest)
    code = """
import requests


def test_it(clover_sandbox):
    customers = f"{clover_sandbox.platform_url}/v3/merchants/{clover_sandbox.merchant_id}/customers"
    bearer = {"Authorization": f"Bearer {clover_sandbox.access_token}"}
    assert requests.get(customers, headers=bearer, timeout=60).json()["elements"] == []
"""
    (tmp_path / "test_example.py").write_text(code)
    status, said = run_pytest(tmp_path)
    assert status == 0, said


SEQUENCE = """
import sys

import requests


def ids(box):
    path = f"{box.platform_url}/v3/merchants/{box.merchant_id}/customers?limit=1000"
    answer = requests.get(path, headers={"Authorization": f"Bearer {box.access_token}"}, timeout=60)
    return [each["id"] for each in answer.json()["elements"]]


seen = []


def test_one(clover_sandbox):
    seen.append((clover_sandbox.ecommerce_url, ids(clover_sandbox)))
    clover_sandbox.seed(5)
    clover_sandbox.fail_next(500, 10)
    assert len(clover_sandbox.requests) == 1


def test_two(clover_sandbox, clover_sandbox_server):
    assert clover_sandbox is clover_sandbox_server
    assert clover_sandbox.requests == []
    assert seen == [(clover_sandbox.ecommerce_url, ids(clover_sandbox))]


def test_three():
    assert not {"pandas", "jupyterlab", "ipywidgets", "clover_nb.client"} & sys.modules.keys()
"""


def test_each_test_begins_at_the_start(tmp_path):
    """On the same server; neither pandas nor Jupyter is imported for it."""
    (tmp_path / "test_example.py").write_text(SEQUENCE)
    status, said = run_pytest(tmp_path)
    assert status == 0, said


def test_who_asks_for_no_sandbox_pays_for_none(tmp_path):
    """The fixture is known to every run of pytest, and imports nothing of the sandbox."""
    code = """
import sys


def test_it():
    assert not [name for name in sys.modules if name.startswith("clover_nb.sandbox")]
    assert "uvicorn" not in sys.modules
"""
    (tmp_path / "test_example.py").write_text(code)
    status, said = run_pytest(tmp_path)
    assert status == 0, said


def test_the_example_for_node_passes(tmp_path):
    """The three lines, and the file that they are the beginning of."""
    lines, rest = examples("javascript")
    assert len(lines.splitlines()) == 3
    program = lines.replace('"clover-nb"', json.dumps(str(COMMAND))) + rest
    (tmp_path / "shop.test.mjs").write_text(program)
    done = subprocess.run(
        [shutil.which("node") or "node", "--test", "shop.test.mjs"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^# pass 1$", done.stdout, re.MULTILINE), done.stdout


def test_the_container_installs_what_is_built():
    """The wheel of `make dist`, on a Python that it runs on, into the folder that it comes from."""
    root = DOCUMENT.parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (lines,) = examples("dockerfile")
    python = re.search(r"^FROM python:([0-9.]+)-slim$", lines, re.MULTILINE)[1]
    assert SpecifierSet(project["requires-python"]).contains(python)
    bound = re.search(r"type=bind,target=(\S+) pip install .* (\S+)$", lines, re.MULTILINE)
    target, wheel = bound.groups()
    name = canonicalize_name(project["name"]).replace("-", "_")
    built = f"{target}/{name}-{metadata.version(project['name'])}-py3-none-any.whl"
    assert fnmatch.fnmatch(built, wheel)
    # What is bound is the folder that the image is built from, into which hatchling builds.
    assert "`make dist`" in DOCUMENT.read_text(encoding="utf-8")
    command = re.search(r"`docker build .* (\S+)`", DOCUMENT.read_text(encoding="utf-8"))[1]
    assert command == "dist"
    assert json.loads(re.search("^CMD (.*)$", lines, re.MULTILINE)[1])[0] in project["scripts"]


def test_the_command_of_the_container_serves(tmp_path):
    """On the port that it names, with the keys that it prints."""
    (lines,) = examples("dockerfile")
    _, *options = json.loads(re.search("^CMD (.*)$", lines, re.MULTILINE)[1])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    options[options.index("--port") + 1] = port
    with subprocess.Popen([COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline()
            assert f"http://127.0.0.1:{port}" in first
            token = process.stdout.readline().partition("CLOVER_ACCESS_TOKEN=")[2].strip()
            answer = requests.post(
                f"http://127.0.0.1:{port}/_sandbox/reset",
                headers={"Authorization": f"Bearer {token}"},
                timeout=60,
            )
            assert answer.status_code == 200
        finally:
            process.terminate()
    assert process.returncode == 0
