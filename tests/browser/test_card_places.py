"""Where the card fields can be shown, where they can't and say why, and whom they talk to."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from practice_customers import a_customer

from clover_nb import connect, forms, sandbox
from clover_nb.constants import CARD_ELEMENTS, TEST_CARDS
from clover_nb.forms.assets import read_assets

from .card_fields import inside, type_card

pytestmark = pytest.mark.long


HUB = "http://hub.test"

# A page as Clover's documentation has it, with nothing of ours.
DOCUMENTED = """<!doctype html><title>Shop</title>
<form id="payment-form">
  <div id="card-number"></div><div id="card-date"></div>
  <div id="card-cvv"></div><div id="card-postal-code"></div>
  <div id="errors"></div><button>Pay</button>
</form>
<script src="SDK"></script>
<script>
  const clover = new Clover("KEY", {merchantId: "MERCHANT", locale: "en-US"});
  const elements = clover.elements();
  const styles = {body: {fontSize: "20px"}, ".card-cvv input": {color: "red"}};
  const events = window.events = [];
  for (const [type, place] of Object.entries({CARD_NUMBER: "#card-number", CARD_DATE: "#card-date",
      CARD_CVV: "#card-cvv", CARD_POSTAL_CODE: "#card-postal-code"})) {
    const element = elements.create(type, styles);
    element.mount(place);
    for (const name of ["change", "blur"]) {
      element.addEventListener(name, (event) => events.push([name, type, event]));
    }
  }
  const form = document.getElementById("payment-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clover.createToken().then((result) => {
      if (result.errors) {
        document.getElementById("errors").textContent = Object.values(result.errors).join(" ");
        return;
      }
      const hidden = document.createElement("input");
      Object.assign(hidden, {type: "hidden", name: "cloverToken", value: result.token});
      form.append(hidden);
    });
  });
</script>"""

# What Clover documents of its script and nothing more: whatever else is touched raises.
ONLY_DOCUMENTED = """
const only = (name, known) => new Proxy(known, {
  get(target, key) {
    if (key in target || typeof key === "symbol" || key === "then") return target[key];
    throw new Error(`Clover documents no ${name}.${key}`);
  },
});
window.seen = {};
window.Clover = class {
  constructor(key, options) {
    window.seen.made = [key, options];
    return only("clover", {
      elements: () => only("elements", {
        create: (type, styles) => only("element", {
          mount: (selector) => {
            const input = document.createElement("input");
            input.title = type;
            document.querySelector(selector).append(input);
            window.seen[type] = Object.keys(styles);
          },
          addEventListener: (name, listener) => {
            if (!["change", "blur"].includes(name)) throw new Error(`no event ${name}`);
            if (type === "CARD_NUMBER") (window.fire ??= {})[name] = listener;
          },
        }),
      }),
      createToken: () => Promise.resolve(window.result),
    });
  }
};"""

# The fields in a page without Jupyter: what it sends is kept, and a test answers.
ALONE = """<!doctype html><title>Alone</title>
<script id="jupyter-config-data" type="application/json">{"baseUrl": "/user/ana/"}</script>
<div id="here"></div>
<script type="module">
  import { cardFields } from "/form.js";
  window.sent = [];
  const here = document.getElementById("here");
  const fields = cardFields(here, (content) => window.sent.push(content));
  window.tell = fields.receive;
</script>"""


# A form in a page that stands for another program's: its attributes, colours and policy are that
# program's, and its widget manager is ours. JupyterLab's names of colours are there, and light.
ELSEWHERE = """<!doctype html><html lang="en"><title>Elsewhere</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'
  'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; connect-src https:">
<style>:root { --jp-layout-color1: #fff; --jp-layout-color2: #eee;
  --jp-ui-font-color1: rgba(0, 0, 0, 0.87); --jp-ui-font-color2: rgba(0, 0, 0, 0.54);
  --jp-border-color1: #bdbdbd; --jp-border-color2: #e0e0e0; --jp-brand-color1: #1976d2;
  --vscode-foreground: #ccc; --vscode-editor-background: #1f1f1f; --vscode-focusBorder: #0078d4;
  --vscode-errorForeground: #f85149; --vscode-editorWarning-foreground: #cca700;
  --vscode-charts-green: #89d185; }
  STYLE</style>
<body ATTRIBUTES><main id="here"></main>
<script type="module">
  import form from "/form.js";
  const state = STATE;
  const heard = {};
  window.sent = [];
  const model = {
    get: (name) => state[name],
    on: (name, hear) => (heard[name] = hear),
    off: () => {},
    send: (content) => window.sent.push(content.card ?? content),
  };
  window.tell = (card) => heard["msg:custom"]({ card });
  const link = { isAlive: () => true, onChange: () => {}, offChange: () => {} };
  form.render({ model, el: document.getElementById("here"), link });
</script></body></html>"""
TRAITS = (
    *("spec", "values", "errors", "choices", "arranged", "hints", "about", "who", "preview"),
    *("status", "outcome", "busy", "locked", "has_warnings", "has_token"),
)


@pytest.fixture(scope="module")
def there():
    """A sandbox for these tests."""
    with sandbox.start(seed=5, limits=False, customers=0) as running:
        yield running


@pytest.fixture
def clover(there):
    """A connection to it."""
    with connect("local", **there.connection()) as connection:
        yield connection


class Pages(ThreadingHTTPServer):
    """Pages of an origin of their own, on loopback: a browser keeps others from loopback."""

    def __init__(self):
        self.bodies = {}
        super().__init__(("127.0.0.1", 0), Answer)
        self.origin = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """Answers with what a test has put there."""

    def do_GET(self):
        kind, body = self.server.bodies.get(self.path, ("text/plain", ""))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def shop():
    """A web server for a page."""
    with Pages() as pages:
        thread = threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield pages
        pages.shutdown()
        thread.join()


evil = shop


@pytest.fixture
def page(chromium):
    """A page of a browser."""
    page = chromium.new_page()
    yield page
    page.close()


def documented(fields):
    return (
        DOCUMENTED.replace("SDK", fields.sdk_url)
        .replace("KEY", fields.api_key.reveal())
        .replace("MERCHANT", fields.merchant_id)
    )


def tell(page, fields):
    """What the kernel tells the widget once it has said where it is."""
    page.wait_for_function("window.sent?.some(({event}) => event === 'hello')")
    told = {**fields._asdict(), "api_key": fields.api_key.reveal(), "do": "show"}
    page.evaluate("told => window.tell(told)", told)


def alone(page, shop, fields, head=""):
    """The widget on a page without Jupyter."""
    shop.bodies["/"] = ("text/html", ALONE.replace("<title>", f"{head}<title>"))
    shop.bodies["/form.js"] = ("text/javascript", read_assets("form")[0])
    page.goto(f"{shop.origin}/")
    tell(page, fields)


def at_the_hub(page, fields):
    """The same page, of another machine's server."""
    html = {"body": ALONE, "content_type": "text/html"}
    script = {"body": read_assets("form")[0], "content_type": "text/javascript"}
    page.route(f"{HUB}/", lambda route: route.fulfill(**html))
    page.route(f"{HUB}/form.js", lambda route: route.fulfill(**script))
    page.goto(f"{HUB}/")
    tell(page, fields)


def sent(page, event):
    return page.evaluate("event => window.sent.filter((each) => each.event === event)", event)


def test_a_page_that_follows_clovers_documentation_works(page, shop, clover):
    """Script, constructor, elements, styles, events, errors, token: all as documented."""
    shop.bodies["/"] = ("text/html", documented(clover.tokens.hosted_fields(shop.origin)))
    page.goto(f"{shop.origin}/")
    inside(page, "Card number").fill("4242")
    page.get_by_role("button", name="Pay").click()
    expect(page.locator("#errors")).to_contain_text("Card number is not valid. Expiry is required.")
    type_card(page, TEST_CARDS["visa"]["number"])
    page.get_by_role("button", name="Pay").click()
    token = page.locator("input[name=cloverToken]")
    expect(token).to_have_value(re.compile("^clv_"))
    email = "shop@example.com"
    row = clover.customers.create(email=email, source=token.get_attribute("value"))
    assert clover.customers.retrieve(row["id"])["card_last4"] == "4242"
    events = page.evaluate("events")
    assert {(name, kind) for name, kind, _ in events} >= {
        (name, kind) for name in ("change", "blur") for kind in CARD_ELEMENTS
    }
    assert {"error": "Card number is not valid.", "touched": True} in [
        states.get("CARD_NUMBER") for _, _, states in events
    ]
    colour = "input => getComputedStyle(input).color"
    assert inside(page, "Security code").evaluate(colour) == "rgb(255, 0, 0)"
    assert inside(page, "Expiry").evaluate(colour) != "rgb(255, 0, 0)"


WRITTEN = [
    ("Card number", "4000-0566-5566-5556", "4000 0566 5566 5556"),
    ("Card number", "No. 4000056655665556", "4000 0566 5566 5556"),
    ("Card number", "378282246310005", "3782 822463 10005"),
    ("Card number", "3782822463100051", "3782 822463 100051"),  # one too many is not hidden
    ("Card number", "٤٢٤٢٤٢٤٢", "4242 4242"),
    ("Expiry", "1/30", "01/30"),
    ("Expiry", "1 / 2030", "01/2030"),
    ("Expiry", "12/30", "12/30"),
    ("Expiry", "1230", "12/30"),
    ("Security code", "١٢٣", "123"),
    ("Postal code", "K1A 0B1", "K1A 0B1"),
]


@pytest.mark.parametrize("way", ["typed", "pasted"])
def test_what_is_typed_is_written_as_on_a_card(page, shop, clover, way):
    """However somebody spells it, and whatever digits they have."""
    shop.bodies["/"] = ("text/html", documented(clover.tokens.hosted_fields(shop.origin)))
    page.goto(f"{shop.origin}/")
    for title, text, written in WRITTEN:
        place = inside(page, title)
        place.fill("" if way == "typed" else text)
        if way == "typed":
            place.press_sequentially(text)
        expect(place).to_have_value(written)


def test_a_number_can_be_mended_in_its_middle(page, shop, clover):
    """The cursor stays; the groups come back when the field is left. What is wrong is told."""
    shop.bodies["/"] = ("text/html", documented(clover.tokens.hosted_fields(shop.origin)))
    page.goto(f"{shop.origin}/")
    place = inside(page, "Card number")
    place.fill(TEST_CARDS["visa"]["number"])
    place.evaluate("input => input.setSelectionRange(1, 1)")
    place.press("9")
    now = place.evaluate("input => [input.value, input.selectionStart]")
    assert now == ["49242 4242 4242 4242", 2]
    place.press("Tab")
    expect(place).to_have_value("4924 2424 2424 2424 2")
    expect(place).to_have_accessible_description("Card number is not valid.")


def test_the_widget_uses_what_clover_documents_and_nothing_else(page, shop, clover):
    """With a script that has nothing else; brand and last four are not documented."""
    fields = clover.tokens.hosted_fields(shop.origin)
    script = {"body": ONLY_DOCUMENTED, "content_type": "text/javascript"}
    page.route(fields.sdk_url, lambda route: route.fulfill(**script))
    alone(page, shop, fields)
    expect(page.locator("input[title=CARD_POSTAL_CODE]")).to_be_visible()
    seen = page.evaluate("seen")
    assert seen.pop("made") == [fields.api_key.reveal(), {"merchantId": fields.merchant_id}]
    assert seen == {kind: ["body", "input", "input:focus"] for kind in CARD_ELEMENTS}
    ask = "() => window.tell({do: 'tokenize', view: window.sent[0].view, asked: 1})"
    page.evaluate("fire.blur({CARD_NUMBER: {touched: true, error: 'Number?'}})")
    expect(page.get_by_text("Number?")).to_be_visible()
    page.evaluate("fire.change({CARD_NUMBER: {touched: true}})")
    expect(page.get_by_text("Number?")).to_have_count(0)
    page.evaluate("window.result = {errors: {CARD_DATE: 'Date?', CARD_NAME: 'Name?'}}")
    page.evaluate(ask)
    for text in ("Date?", "Name?"):
        expect(page.get_by_text(text)).to_be_visible()
    page.evaluate("window.result = {token: 'clv_1TSTSmade'}")
    page.evaluate(ask)
    page.wait_for_function("window.sent.at(-1).event === 'token'")
    (answer,) = sent(page, "token")
    expected = {"token": "clv_1TSTSmade", "stale": False, "brand": None, "last4": None, "asked": 1}
    assert {key: answer[key] for key in expected} == expected


@pytest.mark.parametrize("tunnel", [False, True])
def test_a_browser_elsewhere_goes_through_the_notebook_server(page, shop, clover, there, tunnel):
    """The kernel's loopback is not the browser's, but jupyter-server-proxy leads there.

    As at a hub, or where a tunnel leads to the notebook server alone.
    """
    port = urlsplit(there.ecommerce_url).port
    proxied = f"{shop.origin if tunnel else HUB}/user/ana/proxy/{port}"

    def forward(route):
        answer = route.fetch(url=route.request.url.replace(proxied, there.ecommerce_url))
        route.fulfill(response=answer)

    page.route(f"{proxied}/**", forward)
    page.route(f"{there.ecommerce_url}/**", lambda route: route.abort())
    if tunnel:
        alone(page, shop, clover.tokens.hosted_fields(shop.origin))
    else:
        at_the_hub(page, clover.tokens.hosted_fields(HUB))
    type_card(page, TEST_CARDS["visa"]["number"])
    page.evaluate("window.tell({do: 'tokenize', view: window.sent[0].view, asked: 1})")
    page.wait_for_function("window.sent.at(-1).event === 'token'")
    assert sent(page, "token")[0]["last4"] == "4242"


def test_a_browser_elsewhere_without_a_way_says_what_to_install(page, clover, there):
    """Or to paste a token."""
    page.route(f"{HUB}/user/**", lambda route: route.fulfill(status=404))
    page.route(f"{there.ecommerce_url}/**", lambda route: route.abort())
    at_the_hub(page, clover.tokens.hosted_fields(HUB))
    expect(page.get_by_text("Install jupyter-server-proxy")).to_contain_text("paste a token")
    assert sent(page, "shown") == []


def test_a_script_that_does_not_come_can_be_tried_again(page, shop, clover):
    """No network, or a browser extension: which address, and a button."""
    address = "https://checkout.test/sdk.js"
    fields = clover.tokens.hosted_fields(shop.origin)._replace(sdk_url=address)
    again = page.get_by_role("button", name="Try again")
    alone(page, shop, fields)
    expect(page.get_by_text("could not be loaded from checkout.test")).to_be_visible()
    script = {"body": "1", "content_type": "text/javascript"}
    page.route(address, lambda route: route.fulfill(**script))
    again.click()
    tell(page, fields)
    expect(page.get_by_text("answered with something other than card fields")).to_be_visible()
    script["body"] = ONLY_DOCUMENTED
    again.click()
    tell(page, fields)
    expect(page.locator("input[title=CARD_NUMBER]")).to_be_visible()
    assert len(sent(page, "hello")) == 3


def test_fields_are_emptied_at_once_and_asked_for_again(page, shop, clover):
    """By now the sandbox may be another; what the last one left is not taken for its own."""
    fields = clover.tokens.hosted_fields(shop.origin)
    script = {"body": ONLY_DOCUMENTED, "content_type": "text/javascript"}
    page.route(fields.sdk_url, lambda route: route.fulfill(**script))
    alone(page, shop, fields)
    number = page.locator("input[title=CARD_NUMBER]")
    expect(number).to_be_visible()
    page.evaluate("window.tell({do: 'clear'})")
    expect(number).to_have_count(0)
    assert len(sent(page, "hello")) == 2
    empty = {"body": "1", "content_type": "text/javascript"}
    page.route("https://checkout.test/sdk.js", lambda route: route.fulfill(**empty))
    tell(page, fields._replace(sdk_url="https://checkout.test/sdk.js"))
    expect(page.get_by_text("answered with something other than card fields")).to_be_visible()
    assert len(sent(page, "unavailable")) == 1


def test_a_view_tells_what_is_typed_in_it_when_there_is_another(page, shop, clover):
    """Each time that something is typed, and when another view is shown; and messages go."""
    fields = clover.tokens.hosted_fields(shop.origin)
    script = {"body": ONLY_DOCUMENTED, "content_type": "text/javascript"}
    page.route(fields.sdk_url, lambda route: route.fulfill(**script))
    alone(page, shop, fields)
    expect(page.locator("input[title=CARD_NUMBER]")).to_be_visible()
    another = "window.tell({do: 'show', view: 'another'})"
    page.evaluate(another)
    assert sent(page, "edit") == []
    page.evaluate("window.result = {errors: {CARD_NAME: 'Name?'}}")
    page.evaluate("window.tell({do: 'tokenize', view: window.sent[0].view, asked: 1})")
    expect(page.get_by_text("Name?")).to_be_visible()
    for _ in range(2):
        page.evaluate("fire.change({CARD_NUMBER: {touched: true}})")
    assert len(sent(page, "edit")) == 2
    expect(page.get_by_text("Name?")).to_have_count(0)
    page.evaluate(another)
    assert len(sent(page, "edit")) == 3
    expect(page.locator("input[title=CARD_NUMBER]")).to_be_visible()


@pytest.mark.parametrize("rule", ["script-src 'self' 'unsafe-inline'", "frame-src 'none'"])
def test_a_page_that_forbids_foreign_content_says_who_can_allow_it(page, shop, clover, rule):
    """By its Content-Security-Policy."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{rule}">'
    alone(page, shop, clover.tokens.hosted_fields(shop.origin), policy)
    expect(page.get_by_text("Whoever runs the notebook server can allow them")).to_be_visible()


def open_elsewhere(page, url, clover, attributes=""):
    """A form that attaches a card, in another program's page, which can't show the fields."""
    form = forms.attach_card(a_customer(clover)["id"], clover=clover)
    state = json.dumps({name: getattr(form, name) for name in TRAITS})
    form.close()
    script, style = read_assets("form")
    body = ELSEWHERE.replace("ATTRIBUTES", attributes).replace("STATE", state)
    html = {"body": body.replace("STYLE", style), "content_type": "text/html"}
    module = {"body": script, "content_type": "text/javascript"}
    page.route(f"{url}/", lambda route: route.fulfill(**html))
    page.route(f"{url}/form.js", lambda route: route.fulfill(**module))
    page.goto(f"{url}/")
    tell(page, clover.tokens.hosted_fields(url))


ELSEWHERES = [
    ("http://vscode.test", 'data-vscode-theme-kind="vscode-dark" class="vscode-dark"', "VS Code"),
    ("http://x.colab.googleusercontent.com", "", "Colab"),
]


@pytest.mark.parametrize(("url", "attributes", "program"), ELSEWHERES)
def test_where_frames_can_not_be_shown_a_token_is_asked_for_first(
    page, clover, url, attributes, program
):
    """The kernel hears of it, and what is said can be done there; the card can still be tried."""
    open_elsewhere(page, url, clover, attributes)
    expect(page.get_by_label("Paste a token")).to_be_checked()
    expect(page.get_by_role("radio").first).to_have_accessible_name("Paste a token")
    expect(page.get_by_label("Card token")).to_be_visible()
    told = page.get_by_role("status").filter(has_text=f"{program} doesn't show")
    expect(told).to_be_visible()
    expect(told).not_to_contain_text(re.compile("proxy|notebook server"))
    assert sent(page, "unavailable")
    (edits,) = page.evaluate("sent.map(({edits}) => edits).filter((edits) => edits?.way)")
    texts = {name: edit["text"] for name, edit in edits.items()}
    assert texts == {"way": "paste", "ecomind": "ecom"}
    page.get_by_label("Type the card").check()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_form_has_the_colours_of_vs_code(page, clover):
    """Of its theme, and not those of JupyterLab, which VS Code knows by name and in light alone."""
    open_elsewhere(page, ELSEWHERES[0][0], clover, ELSEWHERES[0][1])
    colour = "form => getComputedStyle(form)"
    form = page.locator(".clover-form")
    assert form.evaluate(f"{colour}.backgroundColor") == "rgb(31, 31, 31)"
    assert form.evaluate(f"{colour}.color") == "rgb(204, 204, 204)"
    report = Axe().run(page, context=".clover-form", options={"runOnly": ["color-contrast"]})
    assert report.response["violations"] == []


def test_other_pages_can_not_show_the_fields(page, shop, evil, clover, there):
    """A page that nobody let in has empty frames, and no token."""
    fields = clover.tokens.hosted_fields(shop.origin)
    for pages, count in ((shop, 1), (evil, 0)):
        pages.bodies["/"] = ("text/html", documented(fields))
        page.goto(f"{pages.origin}/")
        page.wait_for_load_state("networkidle")
        assert [frame.locator("input").count() for frame in page.frames[1:]] == [count] * 4
    page.clock.install()
    ask = "clover.createToken().then(() => 'made', () => 'refused')"
    page.evaluate(f"() => {{ window.told = {ask}; }}")
    page.clock.fast_forward("01:00")
    assert page.evaluate("told") == "refused"


# Of an origin of its own, and it knows the session of the page around it.
STRANGER = """async ([session, key]) => {
  const asked = [
    {do: "setup", session: "mine", styles: {}},
    {do: "tokenize", session: "mine", asked: 1, apiAccessKey: key},
    {do: "tokenize", session, asked: 1, apiAccessKey: key},
  ];
  const told = {session, event: "change", state: {touched: true, error: "Stranger"}};
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.srcdoc = `<script>
    for (const message of ${JSON.stringify(asked)})
      for (let i = 0; i < parent.length; i += 1) parent[i].postMessage(message, "*");
    parent.postMessage(${JSON.stringify(told)}, "*");
    parent.postMessage("done", "*");
  </script>`;
  const done = new Promise((resolve) => {
    window.heard = [];
    addEventListener("message", ({data}) => {
      window.heard.push(data.event ?? data);
      if (data === "done") resolve();
    });
  });
  document.body.append(frame);
  await done;
}"""


def test_messages_of_strangers_are_not_heard(page, shop, clover, there):
    """The page hears the sandbox's frames alone, and a field the page that was let in alone."""
    fields = clover.tokens.hosted_fields(shop.origin)
    shop.bodies["/"] = ("text/html", documented(fields))
    page.goto(f"{shop.origin}/")
    type_card(page, TEST_CARDS["visa"]["number"])
    there.reset()
    page.evaluate(STRANGER, [page.evaluate("clover.session"), fields.api_key.reveal()])
    assert "done" in page.evaluate("heard")
    # What the page asks comes after all that the stranger asked; and it alone is answered.
    assert page.evaluate("clover.createToken()")["token"]
    assert page.evaluate("heard").count("token") == 1
    assert "Stranger" not in json.dumps(page.evaluate("events"))
    assert [entry["path"] for entry in there.requests].count("/v1/tokens") == 1


@pytest.mark.parametrize("kind", CARD_ELEMENTS)
def test_each_field_is_open_to_all(page, clover, there, kind):
    """By axe's measure, of the page inside the frame."""
    page.goto(f"{there.ecommerce_url}/checkout/{kind}")
    report = Axe().run(page, options={"resultTypes": ["violations"]})
    found = report.response["violations"]
    assert [each for each in found if each["impact"] in ("serious", "critical")] == []
