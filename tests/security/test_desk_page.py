"""The desk's page from outside: what is served, to whom, and with which headers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from desk_process import running_desk
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from clover_nb.cli import desk as desk_command


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    home = tmp_path_factory.mktemp("desk")
    with running_desk(home, "--no-browser", orphan_seconds=600) as running:  # a busy machine's
        yield running


@pytest.fixture(scope="module")
def cookie(desk):
    return desk.log_in()


@pytest.fixture
def no_new_kernel(desk):
    """Fails when a kernel was started meanwhile."""
    before = {each.pid for each in desk.kernels()}
    yield
    assert {each.pid for each in desk.kernels()} <= before


def test_the_token_leaves_the_address_for_a_strict_cookie(desk):
    """It goes to no other site and no script, and no Referer has ever held the token."""
    status, headers, text = desk.request("GET", desk.url[desk.url.index("/?") :])
    assert status == 200
    token = desk.url.partition("=")[2]
    assert token not in text + headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(headers["Set-Cookie"].split("; "))
    assert headers["Referrer-Policy"] == "no-referrer"
    assert 'location.replace("/" + location.hash)' in text


@pytest.mark.usefixtures("no_new_kernel")
@pytest.mark.parametrize("wrong", ["", "?token=", "?token=wrong", "?token[]=x", "?Token=x"])
def test_without_the_token_nothing_is_opened(desk, wrong):
    """A page says what to do, and no kernel is started."""
    status, _, text = desk.request("GET", f"/{wrong}")
    assert status == 403
    assert "clover-nb desk has printed" in text


@pytest.mark.usefixtures("no_new_kernel")
@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "192.0.2.1", ""])
@pytest.mark.parametrize("path", ["/", "/voila/static/voila.js"])
def test_another_host_name_is_refused(desk, cookie, host, path):
    """A stranger's name that was made to lead to this machine (DNS rebinding)."""
    port = desk.host.partition(":")[2]
    status, _, _ = desk.request("GET", path, Host=f"{host}:{port}", Cookie=cookie)
    assert status in (400, 403)


@pytest.mark.usefixtures("no_new_kernel")
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_site_opens_it(desk, cookie, site):
    """Other local servers count as the same site, and their pages send the cookie along."""
    status, _, text = desk.request("GET", "/", Cookie=cookie, Sec_Fetch_Site=site)
    assert status == 403
    assert '<a href="/">Open the desk</a>' in text


@pytest.mark.parametrize(
    "path",
    [
        "/voila/render/Customer%20desk.ipynb",
        "/voila/tree",
        "/voila/files/desk.html",
        "/voila/api/contents",
        "/voila/api/shutdown/9ef4318e-935b-4de2-b87e-5c86fc990d77",
        "/voila/templates/lab/static/index.css",
        "/api/kernels",
        "/api/contents",
        "/api/sessions",
        "/files/desk.html",
        "/static/",
        "/login",
        "/voila/static/../../../../../../etc/passwd",
        "/voila/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/voila/static//etc/passwd",
        "/voila/labextensions/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "/voila/labextensions//etc/passwd",
    ],
)
def test_nothing_else_is_served(desk, cookie, path):
    """Neither Voila's other pages, nor Jupyter's, nor files of this machine."""
    for method in ("GET", "POST"):
        status, _, text = desk.request(method, path, Cookie=cookie)
        assert status in (403, 404, 405)
        assert "root:" not in text


def test_a_theme_in_the_address_is_not_even_read(desk, cookie, other_page):
    """Nor is any other part of it; what the page may load stands in its policy."""
    payload = "%22%3E%3Cimg%20src=x%20onerror=hacked=1%3E"
    names = ("theme", "template", "classic-tree", "kernel_id", "voila-theme")
    query = "&".join(f"{name}={payload}" for name in names)
    status, headers, text = desk.request("GET", f"/?{query}", Cookie=cookie)
    assert status == 200
    assert "hacked" not in text
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    nonce = re.search(r"'nonce-([\w-]+)'", policy["script-src"])[1]
    assert f'<script nonce="{nonce}">' in text
    assert not re.search(r"<script(?! nonce=| src=\"/| type=\"application| id=)", text)
    cards = policy["frame-src"]
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}' blob: {cards}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' ws://{desk.host}",
        "frame-src": cards,
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", cards)
    assert headers["Cache-Control"] == "no-store"
    assert nonce not in other_page


@pytest.fixture(scope="module")
def other_page(desk, cookie):
    """The text of a page that was opened; each costs a kernel."""
    return desk.request("GET", "/", Cookie=cookie)[2]


@pytest.fixture(scope="module")
def kernel_id(other_page):
    """Of that page."""
    return re.search(r'"kernelId": "([\w-]+)"', other_page)[1]


def test_a_kernel_ends_by_its_own_page_alone(desk, cookie, kernel_id):
    """Whose script knows what a stranger's can't read."""
    path = f"/api/kernels/{kernel_id}"
    assert desk.request("DELETE", path, Cookie=cookie)[0] == 403
    assert desk.request("GET", path, Cookie=cookie)[0] == 200


def message(kind, content):
    """A message to a kernel, as pages send it."""
    header = {"msg_id": kind, "msg_type": kind, "session": "x", "username": "", "version": "5.3"}
    parts = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    return json.dumps(parts | {"channel": "shell", "buffers": []})


def channels(kernel_id):
    """The path of the connection to a kernel."""
    return f"/api/kernels/{kernel_id}/channels?session_id=x"


async def talk(desk, cookie, kernel_id, messages):
    """Send messages to a kernel, and give the kinds of those that come up to its description."""
    url, headers = f"ws://{desk.host}{channels(kernel_id)}", {"Origin": f"http://{desk.host}"}
    socket = await websocket_connect(HTTPRequest(url, headers=headers | {"Cookie": cookie}))
    kinds = []
    for each in messages:
        await socket.write_message(each)
    while kinds[-1:] != ["kernel_info_reply"]:
        told = await socket.read_message()
        assert told is not None, "the server hung up"
        kinds.append(json.loads(told)["header"]["msg_type"])
    socket.close()
    while await socket.read_message() is not None:
        pass
    return kinds


def test_a_page_sends_words_of_widgets_and_no_code(desk, cookie, kernel_id, tmp_path):
    """So a script that got into it can do no more than its forms do."""
    code = {"code": f"open({str(tmp_path / 'ran')!r}, 'w')", "silent": False}
    messages = [message("execute_request", code), message("kernel_info_request", {})]
    kinds = asyncio.run(talk(desk, cookie, kernel_id, messages))
    assert not {"execute_input", "execute_reply", "error"} & set(kinds)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("origin", ["http://evil.test", "http://127.0.0.1:9", "null"])
def test_another_page_gets_no_connection_to_a_kernel(desk, cookie, kernel_id, origin):
    """A local server's page sends the cookie, and sockets ask no permission across origins."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Cookie": cookie,
    }
    for each, status in ((origin, 403), (f"http://{desk.host}", 101)):
        assert desk.request("GET", channels(kernel_id), Origin=each, **upgrade)[0] == status


@pytest.mark.long
def test_the_browser_is_started_without_the_token(tmp_path):
    """Other users see its arguments: it is given a file that they can't open."""
    seen, browser = tmp_path / "seen", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}.new\nmv {seen}.new {seen}\n')
    browser.chmod(0o755)
    with running_desk(tmp_path, BROWSER=f"{browser} %s") as desk:
        token = desk.url.partition("=")[2]
        while not seen.exists():
            assert desk.process.poll() is None
            time.sleep(0.02)
        address = seen.read_text().strip()
        assert token not in address
        page = Path(urlsplit(address).path)
        assert page.parent.stat().st_mode & 0o077 == 0
        assert desk.url in page.read_text()


@pytest.mark.long
def test_the_port_is_drawn_once_and_kept(tmp_path):
    """At random, so that a stranger's page can't know it; kept, so that links live."""
    ports = set()
    for home in ("one", "one", "another"):
        (tmp_path / home).mkdir(exist_ok=True)
        with running_desk(tmp_path / home, "--no-browser") as desk:
            ports.add((home, desk.host))
    assert len(ports) == 2
    assert len({host for _, host in ports}) == 2


def test_the_port_is_kept_where_nobody_else_writes(tmp_path, monkeypatch):
    """Nor in the folders that are made for it, however careless the user's umask is."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "local" / "share"))
    before = os.umask(0)
    try:
        for each in desk_command._bind_port(None):
            each.close()
    finally:
        os.umask(before)
    made = list(tmp_path.rglob("*"))
    assert tmp_path / "local/share/clover-nb/desk-port" in made
    assert [path for path in made if path.stat().st_mode & 0o077] == []


# The status of an answer, if there is one.
ASK = """
import http.client, socket, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=60)
if sys.argv[4] == "IPv6":
    connection.sock = socket.socket(socket.AF_INET6)
    connection.sock.connect(("::ffff:127.0.0.1", connection.port))
try:
    connection.request("GET", sys.argv[2], headers={"Cookie": sys.argv[3]})
    print(connection.getresponse().status)
except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
    print("nothing")
"""


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_another_user_is_not_even_answered(desk, cookie, run_as_other_user, family):
    """With the token and the cookie neither, which a browser may have sent to their server."""
    for path in (desk.url[desk.url.index("/?") :], "/voila/static/voila.js"):
        arguments = (desk.host, path, cookie, family)
        mine = [sys.executable, "-c", ASK, *arguments]
        assert subprocess.run(mine, capture_output=True, check=True).stdout == b"200\n"
        imports = "import http.client, socket, encodings.idna"
        assert run_as_other_user(imports, ASK, *arguments) == "nothing\n"
