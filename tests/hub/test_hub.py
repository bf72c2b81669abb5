"""`make hub`: two people of a team in a browser each, and what a stranger's link gets."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from hub_process import running_hub
from playwright.sync_api import expect, sync_playwright

pytestmark = pytest.mark.long

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
WAIT = 120_000  # a server, a desk and its kernel start one after the other


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with running_hub(tmp_path_factory.mktemp("hub", numbered=True)) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    found = os.environ.get("CLOVER_NB_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=CHROMIUM)
        yield running
        running.close()


def log_in(browser, hub, name):
    """A browser of this person's own, at the desk."""
    page = browser.new_context().new_page()
    page.goto(hub.url)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(hub.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("searchbox")).to_be_visible(timeout=WAIT)
    return page


@pytest.fixture(scope="module")
def ana(browser, hub):
    return log_in(browser, hub, "ana")


@pytest.fixture(scope="module")
def bo(browser, hub):
    return log_in(browser, hub, "bo")


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def select_first(page):
    """Select the customer at the top of the table; gives the id."""
    page.get_by_role("row").nth(1).click()
    expect(button(page, "Note")).to_be_visible()
    return page.locator(".clover-who").first.inner_text().rpartition(" ")[2]


def select(page, customer_id):
    """Select a customer anew, so that the record is read again."""
    page.get_by_role("searchbox").fill(customer_id)
    expect(page.get_by_text("1\N{EN DASH}1 of 1 match")).to_be_visible()
    page.get_by_role("row").nth(1).click()
    expect(page.locator(".clover-who").first).to_contain_text(customer_id)


def test_one_writes_a_note_and_the_other_reads_it(ana, bo):
    """Each in a desk of their own, in front of the same customers."""
    customer = select_first(ana)
    button(ana, "Note").click()
    ana.get_by_label("Note", exact=True).fill("Calls after 5 pm")
    button(ana, "Save note").click()
    expect(ana.get_by_text("Saved:")).to_be_visible()
    select(bo, customer)
    expect(bo.locator(".clover-row").first).to_contain_text("Calls after 5 pm", timeout=30_000)


def test_the_lab_has_a_tile_for_the_desk(browser, hub, ana):
    """In its launcher."""
    page = ana.context.new_page()
    page.goto(f"{hub.url}/user/ana/lab")
    expect(page.locator(".jp-LauncherCard", has_text="Customer desk")).to_be_visible(timeout=WAIT)
    page.close()


@pytest.mark.parametrize(
    "path",
    [
        "voila/render/Customer%20desk.ipynb",
        "voila/tree",
        "proxy/8888/",
        "proxy/absolute/8888/",
        "proxy/127.0.0.1:8888/",
        "desk/voila/render/Customer%20desk.ipynb",
        "desk/api/contents",
        "desk/files/desk.html",
        "desk/voila/static/../../../../../../etc/passwd",
    ],
)
def test_nothing_else_is_served_beside_the_lab_and_the_desk(hub, ana, path):
    """Neither Voila, nor a way to any port of this machine, nor files."""
    answer = ana.request.get(f"{hub.url}/user/ana/{path}")
    assert answer.status in (403, 404)
    assert "root:" not in answer.text()


def test_a_strangers_link_opens_no_desk(hub, ana):
    """It asks first, and nothing of its address gets into the page."""
    payload = quote('"><img src=x onerror=hacked=1>')
    link = f"{hub.url}/user/ana/desk/?theme={payload}&template={payload}"
    for site, status in (("cross-site", 403), ("none", 200)):
        answer = ana.request.get(link, headers={"Sec-Fetch-Site": site})
        assert answer.status == status
        assert "hacked" not in answer.text()
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["desk/", "lab", "api/contents", "api/kernels"])
def test_nobody_enters_another_ones_server(hub, ana, bo, path):
    """Neither a colleague nor who is not logged in."""
    url = f"{hub.url}/user/ana/{path}"
    assert ana.request.get(url, headers={"Sec-Fetch-Site": "none"}).status == 200
    assert bo.request.get(url, headers={"Sec-Fetch-Site": "none"}).status in (403, 404)


def test_a_page_of_another_origin_gets_no_connection_to_a_kernel(hub, ana):
    """Of the desk's kernel, whose id it would have to know besides."""
    kernel = ana.evaluate(
        "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
    )
    url = f"{hub.url}/user/ana/desk/api/kernels/{kernel}"
    assert ana.request.get(url).status == 200
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Origin": "http://evil.test",
    }
    assert ana.request.get(f"{url}/channels?session_id=x", headers=upgrade).status == 403


def find_token(hub):
    """The merchant's token, as the users' servers have it."""
    for each in hub.children():
        with suppress(psutil.Error):
            if token := each.environ().get("CLOVER_ACCESS_TOKEN"):
                return token
    raise AssertionError("no process has the token")


def test_the_token_is_in_no_page_file_or_list_of_processes(hub, ana):
    """The hub gives it to the servers by their environment, and what it reads is its own."""
    token = find_token(hub)
    assert token not in ana.content()
    assert token not in hub.log.read_text()
    for each in hub.children():
        with suppress(psutil.Error):
            assert token not in " ".join(each.cmdline())
    folder = hub.log.parent
    holding = [
        path for path in folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()
    ]
    assert [path.name for path in holding] == ["hub.env"]
    assert holding[0].stat().st_mode & 0o077 == 0


def test_each_home_is_closed_to_the_other(hub, ana, bo):
    """Where root runs the hub, as another user of the system for each."""
    homes = {each.name: each.stat() for each in hub.log.parent.glob("*/homes/*")}
    assert homes.keys() == {"ana", "bo"}
    assert all(each.st_mode & 0o077 == 0 for each in homes.values())
    for each in hub.children():
        with suppress(psutil.Error):
            if "jupyterhub-singleuser" in " ".join(each.cmdline()):
                home = Path(each.environ()["HOME"])
                assert each.uids().real == home.stat().st_uid
