"""The pages for people, the description of the API, and what schemathesis makes of it."""

import html
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clover_nb.sandbox.settings import SETTINGS

HERE = Path(__file__).parent


def test_first_page(shared):
    """Says what this is, and what it doesn't do; no key is needed."""
    answer = shared("GET", "/", headers={"Authorization": ""})
    assert "Everybody in it is invented" in answer.text
    assert "No OAuth" in answer.text


def test_the_first_page_names_every_call(shared):
    """Those of the description, which tools read."""
    page = html.unescape(shared("GET", "/").text)
    paths = shared("GET", "/openapi.json").json()["paths"]
    assert len(paths) > 15
    for path, operations in paths.items():
        assert path in page
        assert all(operation["summary"] in page for operation in operations.values())


def test_the_documentation_is_up_to_date():
    """docs/sandbox.md is what the code says, where it says so; the tool writes it anew."""
    done = subprocess.run(
        [sys.executable, HERE.parents[1] / "tools" / "sandbox_docs.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    written = (HERE.parents[1] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in written for name in SETTINGS)


def explore(box, folder, *options):
    """Let schemathesis look for faults; gives its exit code and what it says."""
    headers = ("-H", f"Authorization: Bearer {box.access_token}", "-H", f"apikey: {box.api_key}")
    tool = Path(sys.executable).with_name("schemathesis")
    command = [tool, "run", f"{box.ecommerce_url}/openapi.json", *headers, "--checks", "all"]
    # Its database of examples takes six times as long as all else.
    command += ["--no-color", "--continue-on-failure", "--seed", "1"]
    command += ["--generation-database", "none", *options]
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    hooks = {"SCHEMATHESIS_HOOKS": "hooks", "SANDBOX": json.dumps(box.connection())}
    done = subprocess.run(
        command,
        env=os.environ | hooks | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return done.returncode, done.stdout


@pytest.mark.long
def test_schemathesis_finds_nothing(make, tmp_path):
    """With all its checks on. All its phases, with 5,000 examples: set EXAMPLES=5000."""
    if examples := os.environ.get("EXAMPLES"):
        # Each path on its own, several at once; the last run walks from one to the next.
        paths = make()("GET", "/openapi.json").json()["paths"]
        phases = ("-n", examples, "--phases", "examples,coverage,fuzzing")
        runs = [(*phases, "--include-path", path) for path in paths]
        runs.append(("-n", examples, "--phases", "stateful"))
    else:
        runs = [("-n", "8", "--phases", "fuzzing")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for code, said in pool.map(
            lambda options: explore(make(seed=1, customers=3).box, tmp_path, *options), runs
        ):
            assert code == 0, said
