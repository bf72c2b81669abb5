"""What is for Docker and Kubernetes, as far as it can be looked at without them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/jupyterhub/Dockerfile").read_text()
STEPS = [*filter(None, (shlex.split(line, comments=True) for line in DOCKERFILE.splitlines()))]
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
VALUES = yaml.safe_load((ROOT / "deploy/jupyterhub/values.yaml").read_text())
#: Of the chart's `singleuser.uid`.
CHART_UID = 1000


def copy_context(folder):
    """What Docker is given: the names in `.dockerignore` that are not ignored."""
    names = [line[1:] for line in IGNORED if line.startswith("!")]
    assert "*" in IGNORED  # all else
    assert IGNORED[-2:] == ["**/.*", "**/__pycache__"]
    for name in names:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        else:
            shutil.copy(source, target)


def build_wheel(folder, into):
    """The names of the files in the wheel that a folder builds."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    with zipfile.ZipFile(*into.glob("*.whl")) as wheel:
        return set(wheel.namelist())


def test_the_image_is_built_from_all_that_the_package_needs_and_no_more(tmp_path):
    """Its wheel is the repository's; what is copied is there; no file of settings goes along."""
    context = tmp_path / "context"
    context.mkdir()
    copy_context(context)
    assert (
        {"clover_nb/__init__.py", "clover_nb/lessons/docs/errors.md"}
        <= build_wheel(ROOT, tmp_path / "whole")
        == build_wheel(context, tmp_path / "part")
    )
    for step in STEPS:
        if step[0] == "COPY":
            assert all((context / name).exists() for name in step[1:-1])
    assert not [*context.rglob(".env*")]


def test_the_image_pins_what_it_installs_and_runs_as_the_charts_user():
    """From one Python's image; packages by their hashes, or without any that they ask for."""
    (base,) = [step[1] for step in STEPS if step[0] == "FROM"]
    assert re.fullmatch(r"python:3\.\d+-slim", base)
    installs = [step for step in STEPS if "install" in step]
    assert all({"--require-hashes", "--no-deps"} & set(step) for step in installs)
    (user,) = [step[1] for step in STEPS if step[0] == "USER"]
    (made,) = [step[step.index("--uid") + 1] for step in STEPS if "useradd" in step]
    assert user == made == str(CHART_UID)
    assert "uid" not in VALUES["singleuser"]  # else it is another than the chart's


def test_the_chart_starts_what_the_hub_of_one_machine_starts():
    """The desk first; who is idle is stopped; by HTTPS; the settings come from a Secret alone."""
    config = (ROOT / "deploy/jupyterhub/jupyterhub_config.py").read_text()
    user = VALUES["singleuser"]
    assert f'"{user["cmd"]}"' in config
    assert f'c.Spawner.default_url = "{user["defaultUrl"]}"' in config
    assert f"IDLE_SECONDS = {VALUES['cull']['timeout']}\n" in config
    assert f"MEMORY = {user['memory']['limit'].replace('G', '')} * 1024**3\n" in config
    assert VALUES["cull"]["enabled"]
    assert VALUES["proxy"]["https"]["enabled"]
    spawner = VALUES["hub"]["config"]["KubeSpawner"]
    assert spawner == {"extra_container_config": {"envFrom": [{"secretRef": {"name": "clover"}}]}}
    assert "CLOVER_" not in yaml.safe_dump(VALUES)
