"""The desk and the lab, started in a folder that a stranger has filled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from desk_process import running_desk
from lab_process import TOKEN, running_lab

MERCHANTS_TOKEN = "the-token-of-the-merchant"
PRODUCTION = (
    f"CLOVER_ENVIRONMENT=production\nCLOVER_ACCESS_TOKEN={MERCHANTS_TOKEN}\nCLOVER_MERCHANT_ID=M1\n"
)
NAMES = (
    *("voila", "jupyter_config", "jupyter_server_config", "jupyter_lab_config"),
    *("jupyter_voila_config", "ipython_config", "ipython_kernel_config", "sitecustomize"),
    # What a program would import from there, if Python looked there.
    *("clover_nb", "pandas", "anywidget", "ipykernel_launcher", "usercustomize"),
)


@pytest.fixture
def hostile(tmp_path):
    """A folder with configuration for whatever might look for it; what runs leaves a mark."""
    folder, mark = tmp_path / "shop", tmp_path / "mark"
    folder.mkdir()
    code = f"open({str(mark)!r}, 'a').write(__file__ + '\\n')\n"
    taken = "c.IdentityProvider.token = ''\nc.ServerApp.token = ''\nc.Voila.token = ''\n"
    settings = {
        "IdentityProvider": {"token": ""},
        "ServerApp": {"token": ""},
        "Voila": {"token": ""},
    }
    for name in NAMES:
        (folder / f"{name}.py").write_text(
            code + (taken if "config" in name or name == "voila" else "")
        )
        (folder / f"{name}.json").write_text(json.dumps(settings))
    yield folder
    assert not mark.exists(), mark.read_text()


@pytest.mark.long
def test_the_desk_runs_and_reads_nothing_of_it(tmp_path, hostile):
    """And stays behind its token, which Jupyter's own variable does not set either."""
    with running_desk(tmp_path, "--no-browser", cwd=hostile, JUPYTER_TOKEN=TOKEN) as desk:
        assert desk.request("GET", "/")[0] == 403
        assert desk.request("GET", f"/?token={TOKEN}")[0] == 403
        status, _, text = desk.request("GET", "/", Cookie=desk.log_in())
        assert status == 200
        assert "vnd.jupyter.widget-view+json" in text


@pytest.mark.long
def test_the_lab_runs_and_reads_nothing_of_it(tmp_path, hostile):
    """And stays behind its token; Voilà, which would, is not there."""
    headers = {"Authorization": f"token {TOKEN}"}
    with running_lab(tmp_path, hostile, JUPYTER_TOKEN=TOKEN) as (_, url):
        assert requests.get(f"{url}api/contents", timeout=60).status_code == 403
        assert requests.get(f"{url}api/contents", headers=headers, timeout=60).ok
        for path in (
            "voila",
            "voila/render/x.ipynb?theme=x",
            "voila/tree",
            "voila/static/voila.js",
        ):
            assert requests.get(url + path, headers=headers, timeout=60).status_code == 404


@pytest.mark.long
def test_the_desks_kernels_look_nothing_up(tmp_path, open_folder):
    """They are handed what the command has found, and no list of processes shows the token."""
    shop, temporary = tmp_path / "shop", open_folder
    shop.mkdir()
    (shop / ".env").write_text(PRODUCTION)
    # What a kernel below the temporary folder would have found.
    (temporary / ".env").write_text(PRODUCTION.replace("M1", "STRANGER"))
    (temporary / ".git").touch()
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    folders = {"TMPDIR": str(temporary), "XDG_RUNTIME_DIR": ""}
    more = {"CLOVER_API_KEY": "the-key"}
    with running_desk(tmp_path, "--no-browser", cwd=shop, **proxy, **folders, **more) as desk:
        status, _, text = desk.request("GET", "/", Cookie=desk.log_in())
        assert (status, "vnd.jupyter.widget-view+json" in text) == (200, True)
        (kernel,) = desk.kernels()
        assert Path(kernel.cwd()).parent == temporary
        handed = json.loads(kernel.environ()["CLOVER_NB_SETTINGS"])
        assert handed["merchant_id"] == "M1"
        assert handed["source"] == str(shop / ".env")
        assert handed["writes"] is False
        assert handed["api_key"] == "the-key"
        named = {name for name in kernel.environ() if name.startswith("CLOVER_")}
        assert named == {"CLOVER_NB_SETTINGS"}
        for process in (desk.process.pid, kernel.pid):
            arguments = Path(f"/proc/{process}/cmdline").read_text()
            assert desk.url.partition("=")[2] not in arguments
            assert MERCHANTS_TOKEN not in arguments
