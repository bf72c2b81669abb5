"""`clover-nb lab` as a process: what it serves, and what it leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from lab_process import TOKEN, running_lab

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab(tmp_path):
    """A running lab, from an environment that is not activated: its process and its address."""
    token, path = f"--IdentityProvider.token={TOKEN}", os.defpath
    with running_lab(tmp_path, ROOT, token, PATH=path) as running:
        yield running


@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_it_opens_the_first_lesson_and_leaves_nothing_behind(lab, tmp_path, how):
    """Kernels know the shared sandbox; when it is stopped, no process and no database is left.

    They find the command, where uvx has installed it too. Its log tells of nothing that failed.
    """
    process, url = lab
    headers = {"Authorization": f"token {TOKEN}"}
    first = requests.get(f"{url}?token={TOKEN}", allow_redirects=False, timeout=60)
    assert "/lab/tree/notebooks/01_first_customers.ipynb" in first.headers["Location"]
    assert "Traceback" not in (tmp_path / "log").read_text()
    folder = requests.get(f"{url}api/contents/notebooks", headers=headers, timeout=60)
    notebooks = folder.json()["content"]
    assert "01_first_customers.ipynb" in {entry["name"] for entry in notebooks}
    requests.post(f"{url}api/kernels", headers=headers, json={}, timeout=60).raise_for_status()
    kernels = psutil.Process(process.pid).children(recursive=True)
    assert kernels
    environment = kernels[0].environ()
    assert shutil.which("clover-nb", path=environment["PATH"])
    shared = json.loads(environment["CLOVER_NB_SANDBOX"])
    assert requests.get(shared["ecommerce_url"], timeout=60).ok

    process.send_signal(how)
    assert process.wait(60) == 0
    _gone, alive = psutil.wait_procs(kernels, timeout=60)
    assert not alive
    with pytest.raises(requests.ConnectionError):
        requests.get(shared["ecommerce_url"], timeout=60)
    assert not list(tmp_path.glob("**/*.sqlite*"))
    assert not list(tmp_path.glob("**/*.db*"))


@pytest.mark.long
@pytest.mark.parametrize(
    "options", [["environment"], ["--IdentityProvider.token="], ["--ServerApp.token="]]
)
def test_it_does_not_open_without_a_token(tmp_path, options):
    """Whoever is on this machine could use it."""
    environment = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    if options == ["environment"]:
        options, environment["JUPYTER_TOKEN"] = [], ""
        (tmp_path / "jupyter_server_config.py").write_text("c.IdentityProvider.token = ''\n")
    ran = subprocess.run(
        [sys.executable, "-m", "clover_nb.cli", "lab", "--no-browser", *options],
        cwd=ROOT,
        env=os.environ | environment | {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1
    assert "without a token or password" in ran.stderr
