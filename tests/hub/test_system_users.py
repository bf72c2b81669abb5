"""A hub as docs/team.md sets it up on one machine: system users, their passwords, and a folder."""

from __future__ import annotations

import grp
import os
import pwd
import re
import runpy
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import requests
from hub_pages import details, log_in, select, select_row, write_note
from playwright.sync_api import expect

from clover_nb import sandbox

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
EXAMPLE = runpy.run_path(str(ROOT / "deploy/jupyterhub/example.py"))
CULLER = "jupyterhub_idle_culler"
RUN = f"clover-nb-{os.getpid()}"  # another run on this machine has users of its own
GROUP = f"{RUN}-team"
ANA, BO, CY, EVE = NAMES = tuple(f"{RUN}-{name}" for name in ("ana", "bo", "cy", "eve"))
PASSWORD = secrets.token_urlsafe()
IDLE_SECONDS = 90  # a page that is open is heard of every 30
CONFIG = """
load_subconfig({file!r})
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.PAMAuthenticator.allowed_groups = {{{group!r}}}
# Who does nothing is seen within seconds, not minutes.
c.JupyterHub.last_activity_interval = 5
c.Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"] = "5"
"""


class Hub(NamedTuple):
    """A running hub: its address, its process, and the folder with all that is its."""

    url: str
    process: psutil.Process
    folder: Path

    def find_servers(self):
        """The process of each person's server, by the name of its user."""
        children = self.process.children()
        found = [each for each in children if "jupyterhub-singleuser" in " ".join(each.cmdline())]
        return {each.username(): each for each in found}


def run(*command, **options):
    subprocess.run(command, check=True, capture_output=True, text=True, **options)


@contextmanager
def system_users(homes):
    """Four users of this machine; all but the last are of the team."""
    remove_users()
    run("groupadd", GROUP)
    try:
        for name in NAMES:
            options = ["--create-home", "--home-dir", homes / name, "--key", "HOME_MODE=0700"]
            options += [] if name == EVE else ["--groups", GROUP]
            run("useradd", *options, name)
        run("chpasswd", input="".join(f"{name}:{PASSWORD}\n" for name in NAMES))
        yield
    finally:
        remove_users()


def remove_users():
    """With their groups: those of this run, and those of one that was killed."""
    users = [each.pw_name for each in pwd.getpwall()]
    for name in (*users, *(each.gr_name for each in grp.getgrall())):
        run_of = re.match(r"clover-nb-(\d+)-", name)
        if run_of and (name.startswith(f"{RUN}-") or not psutil.pid_exists(int(run_of[1]))):
            command = "userdel" if name in users else "groupdel"
            subprocess.run([command, name], check=False, capture_output=True)


def install(folder):
    """The repository, and its environment with a Python that all users may run."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    uv = shutil.which("uv") or Path(sys.executable).with_name("uv")
    run("make", ".venv-hub/.ready", "PYTHON=/usr/bin/python3", f"UV={uv}", cwd=folder)


def write_config(folder, url):
    given = {
        "file": str(folder / "clover-nb/deploy/jupyterhub/jupyterhub_config.py"),
        "url": url,
        "hub_port": EXAMPLE["find_port"](),
        "proxy_port": EXAMPLE["find_port"](),
        "group": GROUP,
    }
    path = folder / "config.py"
    path.write_text(CONFIG.format(**given))
    return path


@contextmanager
def running_hub(folder, settings):
    url = f"http://127.0.0.1:{EXAMPLE['find_port']()}"
    command = [folder / "clover-nb/.venv-hub/bin/jupyterhub", "-f", write_config(folder, url)]
    places = {"CLOVER_HUB_SETTINGS": settings, "CLOVER_HUB_STATE": folder / "state"}
    environment = os.environ | {name: str(path) for name, path in places.items()}
    with (
        (folder / "state/log").open("w") as log,
        subprocess.Popen(
            command, env=environment, cwd=folder / "state", stdout=log, stderr=log
        ) as process,
    ):
        started = psutil.Process(process.pid)
        try:
            EXAMPLE["wait_for_hub"](process, f"{url}/hub/health")
            yield Hub(url, started, folder)
        finally:
            left = started.children(recursive=True)
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            _, alive = psutil.wait_procs(left, timeout=60)
            for each in alive:
                each.kill()
            assert alive == [], "the hub left processes behind"


@pytest.fixture(scope="module")
def hub():
    assert os.geteuid() == 0, "only root can make users and run their servers"
    with tempfile.TemporaryDirectory(prefix="clover-hub-users-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "state").mkdir(mode=0o700)
        (folder / "homes").mkdir()
        install(folder / "clover-nb")
        with system_users(folder / "homes"), sandbox.start() as box:
            run("install", "-d", "-m", "2770", "-g", GROUP, folder / "team")
            settings = EXAMPLE["write_settings"](folder, box)
            with settings.open("a") as file:
                file.write(f"CLOVER_TEAM={folder / 'team'}\n")
            with running_hub(folder, settings) as running:
                yield running


@pytest.fixture(scope="module")
def pages(browser, hub):
    """The desks of two, by name; a third has closed his."""
    log_in(browser, hub.url, CY, PASSWORD).close()
    return {name: log_in(browser, hub.url, name, PASSWORD) for name in (ANA, BO)}


def try_log_in(hub, name, password):
    with requests.Session() as session:
        session.get(f"{hub.url}/hub/login", timeout=60)
        form = {"username": name, "password": password, "_xsrf": session.cookies["_xsrf"]}
        return session.post(f"{hub.url}/hub/login", data=form, timeout=60).status_code


def test_people_log_in_with_the_password_of_their_system_user(hub, pages):
    """And nobody else: with a wrong one, or who is none of the team's group."""
    assert hub.find_servers().keys() >= pages.keys()
    assert try_log_in(hub, ANA, f"{PASSWORD}x") == 403
    assert try_log_in(hub, EVE, PASSWORD) == 403


def read_limit(process):
    """The bytes of data that a process may have; not even root may ask for it otherwise."""
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    return int(re.search(r"^Max data size +\d+ +(\d+) +bytes", limits, re.MULTILINE)[1])


def test_each_server_runs_as_its_own_user_within_its_memory(hub, pages):
    """With all that it has started: the desk and its kernel too, none of which is root's."""
    servers = hub.find_servers()
    for name in pages:
        below = [servers[name], *servers[name].children(recursive=True)]
        assert any("ipykernel_launcher" in each.cmdline() for each in below)
        assert {each.username() for each in below} == {name}
        assert {read_limit(each) for each in below} == {2 * 1024**3}


def can_read(name, path):
    """Whether a system user can read a file, or list a folder."""
    user = pwd.getpwnam(name)
    groups = os.getgrouplist(name, user.pw_gid)
    command = ["ls" if path.is_dir() else "cat", path]
    ran = subprocess.run(
        command,
        check=False,
        capture_output=True,
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=groups,
        cwd="/",
    )
    assert ran.returncode == 0 or b"Permission denied" in ran.stderr
    return ran.returncode == 0


def test_nobody_reads_the_files_of_others(hub, pages):
    """A colleague not one's home, nor the hub's settings and state; a stranger no team's folder."""
    server = hub.find_servers()[ANA]
    closed = [
        hub.folder / "homes" / ANA,
        hub.folder / "hub.env",
        hub.folder / "state/cookie_secret",
        hub.folder / "state/jupyterhub.sqlite",
        Path(f"/proc/{server.pid}/environ"),  # the token is there
    ]
    team = [hub.folder / "team", hub.folder / "team/journal.sqlite3"]
    assert [each for each in closed if can_read(BO, each)] == []
    assert [each for each in closed + team if can_read(EVE, each)] == []
    assert all(can_read(BO, each) for each in team)
    assert can_read(ANA, closed[0])


def test_the_folder_of_the_team_serves_both(pages):
    """What one writes, the other is told, and by whom."""
    select(pages[BO], select_row(pages[ANA], 1))
    write_note(pages[ANA], "Calls after 5 pm")
    expect(pages[BO].get_by_text(f"{ANA} changed this customer a moment ago.")).to_be_visible()
    expect(details(pages[BO])).to_contain_text("Calls after 5 pm")
    write_note(pages[BO], "Calls at noon")
    expect(pages[ANA].get_by_text(f"{BO} changed this customer a moment ago.")).to_be_visible()


def test_the_server_that_nobody_uses_is_stopped(hub, pages):
    """And none whose desk is open, although nobody types there; by the hub's own command."""
    culler = next(each for each in hub.process.children() if CULLER in each.cmdline())
    command = [*culler.cmdline()[:-1], f"--timeout={IDLE_SECONDS}", "--cull-every=5"]
    server = hub.find_servers()[CY]
    with subprocess.Popen(command, env=culler.environ(), stderr=subprocess.DEVNULL) as hasty:
        try:
            server.wait(10 * IDLE_SECONDS)
        finally:
            hasty.terminate()
    assert hub.find_servers().keys() == pages.keys()


def test_every_option_of_the_configurations_is_known(hub, pages):
    """The hub's and the servers': one of another name would only be a line in the log."""
    log = (hub.folder / "state/log").read_text()
    assert "jupyterhub-singleuser" in log
    assert "not recognized" not in log
