"""A stranger's page beside the desk in one browser, and kernels that end with their page."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest
from desk_process import running_desk
from playwright.sync_api import expect

from clover_nb import sandbox

pytestmark = pytest.mark.long


ATTACK = """async ([origin, kernel]) => {
  const told = {};
  const tried = async (name, what) => {
    try { told[name] = String(await what()); } catch (error) { told[name] = "refused"; }
  };
  const sent = { mode: "no-cors", credentials: "include" };
  for (const path of ["/", `/api/kernels/${kernel}`]) {
    await tried(`read ${path}`, async () =>
      (await fetch(origin + path, { credentials: "include" })).text());
    await tried(`opaque ${path}`, async () => (await fetch(origin + path, sent)).type);
  }
  for (const path of ["/", "/api/kernels", `/api/kernels/${kernel}/restart`,
                      `/voila/api/shutdown/${kernel}`]) {
    await tried(`post ${path}`, async () =>
      (await fetch(origin + path, { ...sent, method: "POST", body: "_xsrf=1" })).type);
  }
  await tried("delete", async () => (await fetch(`${origin}/api/kernels/${kernel}`,
    { credentials: "include", method: "DELETE" })).status);
  await tried("socket", () => new Promise((resolve, reject) => {
    const socket = new WebSocket(
      `${origin.replace("http", "ws")}/api/kernels/${kernel}/channels?session_id=x`);
    socket.onopen = () => resolve("open");
    socket.onerror = reject;
  }));
  await tried("frame", () => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.onload = () => {
      try { resolve(frame.contentDocument?.body.textContent || "refused"); }
      catch { resolve("refused"); }
    };
    frame.src = origin;
    document.body.append(frame);
  }));
  await tried("script", () => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.onload = () => resolve("ran");
    script.onerror = reject;
    script.src = origin + "/voila/static/voila.js";
    document.head.append(script);
  }));
  return told;
}"""
PAYLOAD = '"><img src=x onerror="window.hacked=1">'


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    home = tmp_path_factory.mktemp("desk")
    with running_desk(home, "--no-browser", orphan_seconds=600) as running:  # a busy machine's
        yield running


@pytest.fixture(scope="module")
def local_stranger():
    """Another user's web server on this machine, for cookies the same site as the desk."""
    cookies = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            cookies.append(self.headers.get("Cookie"))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Nice</title><body>Nice")

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def opened(chromium, url):
    """A page of the desk that has read its customers, and the requests of its kernel."""
    page = chromium.new_page()
    page.goto(url, wait_until="commit")
    expect_customers(page)
    return page


def expect_customers(page):
    """Wait for a desk whose kernel may have to start, on the busiest machine."""
    expect(page.get_by_text("of 200 customers")).to_be_visible(timeout=120_000)


def wait_for_kernels(desk, count):
    """Wait until the desk has so many kernels."""
    end = time.monotonic() + 120
    while len(desk.kernels()) != count:
        assert time.monotonic() < end
        time.sleep(0.2)


def wait_until_idle(process):
    """Wait until a process has done what it does by itself."""
    before, now = -1.0, 0.0
    while now == 0 or now > before:
        time.sleep(0.5)
        before, now = now, sum(process.cpu_times()[:2])


def kernel_of(page):
    config = page.locator("#jupyter-config-data").text_content()
    return page.evaluate("config => JSON.parse(config).kernelId", config)


@pytest.mark.parametrize("where", ["elsewhere", "this machine"])
def test_a_strangers_page_reads_and_changes_nothing(chromium, desk, local_stranger, where):
    """Whatever it sends; and the desk that was open goes on."""
    mine = opened(chromium, desk.url)
    kernel, before = kernel_of(mine), {each.pid for each in desk.kernels()}
    stranger = chromium.new_page()
    if where == "elsewhere":
        stranger.route("http://stranger.test/", lambda route: route.fulfill(body="<body>Nice"))
        stranger.goto("http://stranger.test/")
    else:
        stranger.goto(local_stranger)
    told = stranger.evaluate(ATTACK, [f"http://{desk.host}", kernel])
    # What an opaque answer says, its page can't see; nothing was done for it either.
    assert {name: what for name, what in told.items() if what not in ("refused", "opaque")} == {}
    assert {each.pid for each in desk.kernels()} <= before
    mine.get_by_role("searchbox").fill("example")
    expect(mine.get_by_role("row").filter(has_text="example").first).to_be_visible()
    for page in (mine, stranger):
        page.close()


@pytest.mark.parametrize("where", ["elsewhere", "this machine"])
def test_a_strangers_link_runs_no_script(chromium, desk, local_stranger, where):
    """Theme, template and all: the desk asks first, and then opens as ever."""
    opened(chromium, desk.url).close()  # the browser has the cookie
    page = chromium.new_page()
    if where == "elsewhere":
        page.route("http://stranger.test/", lambda route: route.fulfill(body="<body>Nice"))
        page.goto("http://stranger.test/")
    else:
        page.goto(local_stranger)
    address = f"http://{desk.host}/"
    with page.expect_navigation(url=f"{address}?*"):
        page.evaluate(
            "([address, payload]) => { const query = new URLSearchParams({ theme: payload,"
            " template: payload, token: payload, x: payload });"
            " location = `${address}?${query}#${payload}`; }",
            [address, PAYLOAD],
        )
    expect(page.get_by_role("heading", name="doesn't open by a stranger's link")).to_be_visible()
    page.get_by_role("link", name="Open the desk").click()
    expect_customers(page)
    assert page.url == address
    assert page.evaluate("window.hacked") is None
    page.close()


def test_what_else_an_address_holds_does_not_reach_the_page(chromium, desk):
    """Pasted into the address bar, it opens the desk; its policy would stop a script besides."""
    opened(chromium, desk.url).close()  # the browser has the cookie
    page = chromium.new_page()
    page.goto(f"http://{desk.host}/?{urlencode({'theme': PAYLOAD})}#{PAYLOAD}")
    expect_customers(page)
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.hacked") is None
    page.close()


def test_a_file_that_leads_to_it_opens_it(chromium, desk, tmp_path):
    """As the command does, so that no list of processes shows the token; and a link in it lives."""
    leads = tmp_path / "desk.html"
    leads.write_text(f'<meta http-equiv="refresh" content="0;url={desk.url}#customer=1">')
    page = opened(chromium, leads.as_uri())
    assert page.url == f"http://{desk.host}/#customer=1"
    page.close()


def test_kernels_end_with_their_pages(chromium, tmp_path):
    """After twenty visits the one for the next page is left; there were never too many."""
    options = {"orphan_seconds": 30, "max_kernels": 3, "prepare_seconds": 1}
    with running_desk(tmp_path, "--no-browser", **options) as desk:
        page, seen = opened(chromium, desk.url), set()
        for visit in range(19):
            seen |= {each.pid for each in desk.kernels()}
            if visit % 3:  # and is gone before the desk is there
                page.goto(f"http://{desk.host}/", wait_until="commit")
            else:
                page.reload(wait_until="commit")
                expect_customers(page)
            assert len(desk.kernels()) <= 3
        page.close()
        assert len(seen) > 3
        wait_for_kernels(desk, 1)


def test_a_kernel_is_ready_for_the_next_page(chromium, tmp_path):
    """It has asked Clover for nothing, and has the page that comes first; then another is made."""
    with sandbox.start(seed=1, customers=200, limits=False) as practice:
        there = {f"CLOVER_{name.upper()}": text for name, text in practice.connection().items()}
        with running_desk(tmp_path, "--no-browser", prepare_seconds=0, **there) as desk:
            (ready,) = desk.kernels()
            wait_until_idle(ready)
            assert practice.requests == []
            page = opened(chromium, desk.url)
            assert kernel_of(page) in " ".join(ready.cmdline())
            assert practice.requests != []
            wait_for_kernels(desk, 2)
            page.close()


def test_pages_that_open_at_once_start_no_more_kernels(tmp_path):
    """As a browser opens its windows of yesterday: some get the desk, the others a sentence."""
    with running_desk(tmp_path, "--no-browser", max_kernels=2) as desk:
        cookie = desk.log_in()
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(desk.request, "GET", "/", Cookie=cookie) for _ in range(8)]
        assert sorted(each.result()[0] for each in asked)[-1] == 503
        assert len(desk.kernels()) == 2


def test_a_page_says_when_too_many_are_open(chromium, tmp_path):
    """And opens once another was closed."""
    with running_desk(tmp_path, "--no-browser", orphan_seconds=600, max_kernels=1) as desk:
        first = opened(chromium, desk.url)
        kernel, cookie = f"/api/kernels/{kernel_of(first)}", desk.log_in()
        second = chromium.new_page()
        second.goto(desk.url)
        expect(second.get_by_role("heading", name="Too many pages are open")).to_be_visible()
        first.close()
        while json.loads(desk.request("GET", kernel, Cookie=cookie)[2])["connections"]:
            time.sleep(0.1)
        second.get_by_role("link", name="Open the desk").click()
        expect_customers(second)
        second.close()
