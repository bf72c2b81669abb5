"""`clover-nb lab` as a process: what it serves, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

ROOT = Path(__file__).parents[2]
TOKEN = "only-for-this-test"


@pytest.fixture
def lab(tmp_path):
    """A running lab: its process and its address."""
    folders = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    environment = os.environ | {f"JUPYTER_{name}": str(tmp_path / name) for name in folders}
    options = ["--no-browser", f"--IdentityProvider.token={TOKEN}"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "clover_nb.cli", "lab", *options],
            cwd=ROOT,
            env=environment | {"TMPDIR": str(tmp_path), "IPYTHONDIR": str(tmp_path)},
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process, _address(process, tmp_path)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _address(process, folder) -> str:
    for _ in range(600):
        assert process.poll() is None, (folder / "log").read_text()
        for info in (folder / "RUNTIME_DIR").glob("jpserver-*.json"):
            try:
                url = json.loads(info.read_text())["url"]
                requests.get(url + "api", timeout=5)
            except (ValueError, requests.ConnectionError):
                continue
            return url
        time.sleep(0.05)
    raise AssertionError((folder / "log").read_text())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_opens_the_first_lesson_and_leaves_nothing_behind(lab, tmp_path, how):
    """Kernels know the shared sandbox; when it is stopped, no process and no database is left."""
    process, url = lab
    headers = {"Authorization": f"token {TOKEN}"}
    notebooks = requests.get(f"{url}api/contents", headers=headers, timeout=10).json()["content"]
    assert "01_first_customers.ipynb" in {entry["name"] for entry in notebooks}
    requests.post(f"{url}api/kernels", headers=headers, json={}, timeout=20).raise_for_status()
    kernels = psutil.Process(process.pid).children(recursive=True)
    assert kernels
    shared = json.loads(kernels[0].environ()["CLOVER_NB_SANDBOX"])
    assert requests.get(shared["ecommerce_url"], timeout=5).ok

    process.send_signal(how)
    assert process.wait(30) == 0
    _gone, alive = psutil.wait_procs(kernels, timeout=10)
    assert not alive
    with pytest.raises(requests.ConnectionError):
        requests.get(shared["ecommerce_url"], timeout=5)
    assert not list(tmp_path.glob("**/*.sqlite*"))
    assert not list(tmp_path.glob("**/*.db*"))
