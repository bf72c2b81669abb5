"""The pages for people, the description of the API, and what schemathesis makes of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from clover_nb.sandbox.api import pages as about
from clover_nb.sandbox.settings import SETTINGS

HERE = Path(__file__).parent


def test_first_page(shared):
    """Says what this is, and what it doesn't do; no key is needed."""
    answer = shared("GET", "/", headers={"Authorization": ""})
    assert "Everybody in it is invented" in answer.text
    assert "No OAuth" in answer.text


def test_docs_work_offline(shared):
    """Everything that the page loads comes from the sandbox."""
    page = shared("GET", "/docs").text
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert path.startswith("/")
        assert shared("GET", path).status_code == 200


def test_the_documentation_is_up_to_date():
    """docs/sandbox.md is what the code says; about.py tells how to write it anew."""
    written = (HERE.parents[1] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert written == about.page()
    assert all(f"`{name}`" in written for name in SETTINGS)


def test_schemathesis_finds_nothing(make, tmp_path):
    """With all its checks on. All its phases, with 5,000 examples: set EXAMPLES=5000."""
    box = make(seed=1, customers=3).box
    headers = ("-H", f"Authorization: Bearer {box.access_token}", "-H", f"apikey: {box.api_key}")
    tool = Path(sys.executable).with_name("schemathesis")
    command = [tool, "run", f"{box.ecommerce_url}/openapi.json", *headers, "--checks", "all"]
    command += ["--no-color", "--continue-on-failure", "--seed", "1"]
    if "EXAMPLES" in os.environ:
        command += ["-n", os.environ["EXAMPLES"]]
    else:
        command += ["-n", "8", "--phases", "fuzzing"]
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    hooks = {"SCHEMATHESIS_HOOKS": "hooks", "SANDBOX": json.dumps(box.connection())}
    done = subprocess.run(
        command,
        env=os.environ | hooks | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
