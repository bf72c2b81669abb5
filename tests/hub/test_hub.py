"""`make hub`: two people of a team in a browser each, and what a stranger's link gets."""

from __future__ import annotations

import datetime as dt
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import nbformat
import psutil
import pytest
import requests
from hub_pages import WAIT, button, details, log_in, select, select_row, write_note
from hub_process import running_hub
from latency import running_proxy
from playwright.sync_api import expect

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def hub():
    with (
        tempfile.TemporaryDirectory(prefix="clover-hub-test-") as name,  # others can enter it
        running_hub(Path(name)) as running,
    ):
        (home,) = Path(name).glob("*/homes/ana")
        nbformat.write(nbformat.v4.new_notebook(), home / "of-ana.ipynb")  # that could be shown
        yield running


@pytest.fixture(scope="module")
def ana(browser, hub):
    return log_in(browser, hub.url, "ana", hub.password, zone="Asia/Kolkata")


@pytest.fixture(scope="module")
def bo(browser, hub):
    return log_in(browser, hub.url, "bo", hub.password)


def expect_local_time(time, zone, name):
    """A moment is shown as the clocks of this time zone have it; UTC is under the mouse."""
    moment = dt.datetime.fromisoformat(time.get_attribute("datetime"))
    expect(time).to_have_text(f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {name}")
    expect(time).to_have_attribute("title", f"{moment:%Y-%m-%d %H:%M} UTC")


def test_what_one_changes_the_other_sees_and_undoes_and_the_undo_is_seen(ana, bo):
    """Each in a desk of their own, where the record is open; it tells who did what."""
    select(bo, select_row(ana, 1))
    write_note(bo, "Calls after 5 pm")
    expect(ana.get_by_text("bo changed this customer a moment ago.")).to_be_visible()
    expect(details(ana)).to_contain_text("Calls after 5 pm")
    history = ana.get_by_role("table", name="History")
    change = history.get_by_role("row", name="note: nothing → Calls after 5 pm")
    expect(change).to_contain_text("bo")
    expect_local_time(change.locator("time"), "Asia/Kolkata", "GMT+5:30")
    history.get_by_role("button", name="Undo: changed, note").click()
    expect(ana.get_by_text("Undo a change of bo")).to_be_visible()
    button(ana, "Undo this change").click()
    expect(ana.get_by_text("Undone:")).to_be_visible()
    expect(details(ana)).not_to_contain_text("Calls after 5 pm")
    expect(bo.get_by_text("ana changed this customer a moment ago.")).to_be_visible()
    expect(details(bo)).not_to_contain_text("Calls after 5 pm")
    undo = bo.get_by_role("table", name="History").get_by_role("row").nth(1)
    expect(undo).to_contain_text("change undone, made by bo")
    expect(undo).to_contain_text("ana")


def test_a_slow_line_that_breaks_off_loses_no_letter_and_saves_once(browser, hub, ana):
    """150 ms each way: while somebody types, and with the click that saves under way."""
    name = "Ana Maria de la Costa y Rivera"
    with running_proxy(urlsplit(hub.url).port) as line:
        bo = log_in(browser, f"http://127.0.0.1:{line.port}", "bo", hub.password)
        line.milliseconds = 150
        customer = select_row(bo, 3)
        select(ana, customer)
        button(bo, "Edit contact").click()
        field = bo.get_by_label("Name", exact=True)
        field.fill("")
        field.press_sequentially(name[:9], delay=35)
        line.drop_connections()
        field.press_sequentially(name[9:], delay=35)
        bo.get_by_role("searchbox").fill(customer)
        expect(bo.get_by_text("1\N{EN DASH}1 of 1 match")).to_be_visible()  # the line is back
        line.milliseconds = 5_000  # long enough that the click doesn't arrive
        button(bo, "Save contact").click()
        line.drop_connections()
        line.milliseconds = 150
        expect(bo.get_by_text(f"Saved: {name}")).to_be_visible(timeout=60_000)  # asked for again
        expect(ana.get_by_text("bo changed this customer a moment ago.")).to_be_visible()
        by_bo = ana.get_by_role("cell", name="bo", exact=True)
        changes = ana.get_by_role("table", name="History").get_by_role("row").filter(has=by_bo)
        expect(changes).to_have_count(1)
        expect(changes).to_contain_text(f"→ {name}")
        write_note(ana, "Calls at noon")
        expect(bo.get_by_text("ana changed this customer a moment ago.")).to_be_visible()
        expect(details(bo)).to_contain_text("Calls at noon")
        bo.context.close()


def test_the_lab_has_a_tile_for_the_desk(browser, hub, ana):
    """In its launcher."""
    page = ana.context.new_page()
    page.goto(f"{hub.url}/user/ana/lab")
    expect(page.locator(".jp-LauncherCard", has_text="Customer desk")).to_be_visible(timeout=WAIT)
    page.close()


@pytest.mark.parametrize(
    "path",
    [
        "voila/render/of-ana.ipynb",
        "voila/tree",
        "proxy/8888/",
        "proxy/absolute/8888/",
        "proxy/127.0.0.1:8888/",
        "desk/voila/render/of-ana.ipynb",
        "desk/api/contents",
        "desk/files/desk.html",
        "desk/voila/static/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
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


def test_nobody_enters_another_ones_server(hub, ana, bo):
    """Neither a colleague nor who is not logged in; the page first, which would log him in."""
    typed = {"Sec-Fetch-Site": "none"}
    for path in ("lab", "desk/", "api/contents", "api/kernels"):
        url = f"{hub.url}/user/ana/{path}"
        assert ana.request.get(url, headers=typed).status == 200
        assert bo.request.get(url, headers=typed).status in (403, 404)
        answer = requests.get(url, headers=typed, timeout=60)
        assert answer.status_code == 403 or answer.url.startswith(f"{hub.url}/hub/login?")


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
    holding = [path for path in hub.log.parent.rglob("*") if has(path, token.encode())]
    assert [path.name for path in holding] == ["hub.env"]
    assert holding[0].stat().st_mode & 0o077 == 0


def has(path, content):
    """Whether it is a file with this in it; some are only there for a moment."""
    with suppress(FileNotFoundError):
        return path.is_file() and content in path.read_bytes()
    return False


def test_each_home_is_closed_to_the_other(hub, ana, bo):
    """Where root runs the hub, as another user of the system for each."""
    homes = {each.name: each.stat() for each in hub.log.parent.glob("*/homes/*")}
    assert homes.keys() == {"ana", "bo"}
    assert all(each.st_mode & 0o077 == 0 for each in homes.values())
    owners = {}
    for each in hub.children():
        with suppress(psutil.Error):
            if "jupyterhub-singleuser" in " ".join(each.cmdline()):
                owners[Path(each.environ()["HOME"]).name] = each.uids().real
    assert owners == {name: home.st_uid for name, home in homes.items()}
