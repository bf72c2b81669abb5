// Clover's hosted card fields: iframes of Clover's own page inside this widget. What is typed into
// them never comes here. The kernel is told that something was typed, and in the end a token, the
// brand and the last four digits.

const FIELDS = {
  CARD_NUMBER: "Card number",
  CARD_DATE: "Expiry (MM/YY)",
  CARD_CVV: "Security code",
  CARD_POSTAL_CODE: "Postal code",
};
const SILENT_KERNEL = "The kernel is busy or gone. If the fields don't come, run this cell again.";
const SILENCE = 15_000; // milliseconds after which the kernel or Clover counts as gone
const LOOKS = [
  ...["height", "padding", "border", "borderRadius", "boxSizing", "width"],
  ...["color", "backgroundColor", "fontFamily", "fontSize", "lineHeight"],
];

const isLoopback = (host) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);

/** Where to load Clover's script from, best first. */
function addresses(sdk) {
  const url = new URL(sdk);
  if (!isLoopback(url.hostname)) return [sdk];
  // The sandbox is on the kernel's machine, and this browser may be on another: so it is at a hub,
  // and so it may be where a tunnel leads to the notebook server.
  const config = document.getElementById("jupyter-config-data")?.textContent ?? "{}";
  const base = JSON.parse(config).baseUrl ?? "/";
  const proxied = new URL(`${base}proxy/${url.port}${url.pathname}`, location).href;
  return isLoopback(location.hostname) ? [sdk, proxied] : [proxied, sdk];
}

const scripts = (window[Symbol.for("clover-nb.scripts")] ??= new Map());
const known = (window[Symbol.for("clover-nb.constructors")] ??= new WeakSet());

/** Clover's constructor from its script; a script that could not be loaded is loaded anew. */
function load(address) {
  if (!scripts.has(address)) {
    const script = element("script", { src: address });
    const loaded = new Promise((resolve, reject) => {
      // At once, before another script can take the name; and not what another left there.
      script.onload = () => {
        const { Clover } = window;
        if (!Clover || known.has(Clover)) return reject(new Error("empty"));
        known.add(Clover);
        resolve(Clover);
      };
      script.onerror = () => reject(new Error("unreachable"));
    });
    loaded.catch(() => {
      scripts.delete(address);
      script.remove();
    });
    scripts.set(address, loaded);
    document.head.append(script);
  }
  return scripts.get(address);
}

async function loadFirst(sdk) {
  const failed = [];
  for (const address of addresses(sdk)) {
    try {
      return await load(address);
    } catch (error) {
      failed.push(error);
    }
  }
  throw failed.at(-1);
}

// Programs that show notebooks, but neither scripts nor frames of other hosts: what to do there.
const FRAMELESS = {
  "VS Code":
    "To type a card, run clover-nb desk in a terminal, which opens a browser, or open this notebook in JupyterLab.",
  Colab:
    "Make a token where a browser reaches the kernel: with forms.card_fields() in JupyterLab on your own machine.",
};

/** Which of them this page is in; empty in others. */
function framelessHost() {
  if (document.body.dataset.vscodeThemeKind) return "VS Code";
  return /(^|[.-])colab\.googleusercontent\.com$/.test(location.hostname) ? "Colab" : "";
}

function whyNot(sdk, error, blocked) {
  const host = new URL(sdk).host;
  const program = framelessHost();
  if (program) return `${program} doesn't show Clover's card fields. ${FRAMELESS[program]}`;
  if (blocked) {
    return `This page does not allow scripts or frames from ${host} (its Content-Security-Policy). ` +
      "Whoever runs the notebook server can allow them.";
  }
  if (error.message === "empty") return `${host} answered with something other than card fields.`;
  if (isLoopback(new URL(sdk).hostname)) {
    return `The practice sandbox runs on the kernel's machine (${host}), which this browser can't ` +
      "reach. Install jupyter-server-proxy beside JupyterLab, and run this cell again.";
  }
  return `Clover's card fields could not be loaded from ${host}. Is there a network, and does a ` +
    "browser extension or a proxy block that address?";
}

/**
 * Card fields in an element.
 *
 * `send` takes what the kernel is told, as `{event, view, ...}`; `unavailable` hears why they can't be
 * shown, when that will not pass by itself. Returns what takes the kernel's
 * messages, what shows a message below the fields, what moves the focus there, and what ends it.
 */
export function cardFields(el, send, unavailable = () => {}) {
  const view = `clover-card-${Math.random().toString(36).slice(2)}`;
  const kinds = Object.keys(FIELDS);
  const slots = {};
  const notes = {};
  const boxes = kinds.map((kind) => {
    slots[kind] = element("div", { id: `${view}-${kind}`, class: "clover-slot" });
    notes[kind] = element("div", { class: "clover-message", role: "status" });
    const label = element("div", { class: "clover-label" }, FIELDS[kind]);
    label.addEventListener("click", () => slots[kind].querySelector("iframe")?.focus());
    return element("div", { class: `clover-field clover-card-${kind}` }, label, slots[kind], notes[kind]);
  });
  const fields = element("div", { class: "clover-card-fields" }, ...boxes);
  const state = element("div", { class: "clover-message", role: "status" });
  const again = pressable("Try again", () => hello(), "clover-again");
  const foot = element("div", { class: "clover-field clover-card-foot" }, state, again);
  el.classList.add("clover-card");
  el.append(fields, foot);

  let setup; // what the kernel sent to show the fields with
  let clover;
  let changes = 0; // since the fields were empty
  let blocked = false;
  let silence;

  const say = (tone, text) => {
    state.textContent = text;
    foot.dataset.tone = text ? tone : "";
  };
  const show = (kind, error) => {
    showText(notes[kind], error ?? "");
    boxes[kinds.indexOf(kind)].dataset.tone = error ? "error" : "";
  };
  let told = ["", ""]; // what the kernel says, with its tone
  const showState = () => say(...told);
  const fail = (text, { passes = false } = {}) => {
    clearTimeout(silence);
    clover = undefined;
    fields.hidden = true;
    again.hidden = false;
    say("error", `${text} Or paste a token.`);
    send({ event: "unavailable", view });
    if (!passes) unavailable(text);
  };

  // The look of the other fields of a form, in the colours of the theme.
  const styles = () => {
    const probe = element("input", { tabindex: "-1", "aria-hidden": "true" });
    foot.append(probe);
    const look = getComputedStyle(probe);
    const input = Object.fromEntries(LOOKS.map((name) => [name, look[name]]));
    const brand = getComputedStyle(foot).getPropertyValue("--clover-brand").trim();
    const body = { margin: "0", padding: "0", background: look.backgroundColor, color: look.color };
    probe.remove();
    return {
      body,
      input: { ...input, width: "100%", height: "34px", margin: "0" },
      "input:focus": { outline: `2px solid ${brand}`, outlineOffset: "-2px" },
    };
  };
  const showErrors = (event) => {
    for (const kind of kinds) show(kind, event[kind]?.touched === false ? "" : event[kind]?.error);
  };
  // Each time: the same fields may be shown twice, and where somebody typed last counts.
  const tellEdit = () => send({ event: "edit", view });
  const changed = (event) => {
    showErrors(event);
    say("", "");
    changes += 1;
    tellEdit();
  };
  // Fields that are empty and of no earlier card.
  const mount = (Clover) => {
    clover = new Clover(setup.api_key, { merchantId: setup.merchant_id });
    const elements = clover.elements();
    const dress = styles();
    for (const kind of kinds) {
      show(kind, "");
      slots[kind].replaceChildren();
      const part = elements.create(kind, dress);
      part.addEventListener("change", changed);
      part.addEventListener("blur", showErrors);
      part.mount(`#${slots[kind].id}`);
    }
    changes = 0;
    fields.hidden = false;
    again.hidden = true;
  };
  const open = async () => {
    clearTimeout(silence);
    try {
      mount(await loadFirst(setup.sdk_url));
      showState();
      send({ event: "shown", view });
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, 50)); // a violation is told a little later
      fail(whyNot(setup.sdk_url, error, blocked));
    }
  };
  const hello = () => {
    blocked = false;
    again.hidden = true;
    clover = undefined;
    for (const kind of kinds) slots[kind].replaceChildren();
    if (fields.hidden) say("info", "Loading Clover's card fields…");
    silence = setTimeout(() => fail(SILENT_KERNEL, { passes: true }), SILENCE);
    send({ event: "hello", view, origin: location.origin });
  };
  const tokenize = async (asked) => {
    const late = new Promise((_, reject) => {
      setTimeout(() => reject(new Error("Clover did not answer.")), SILENCE);
    });
    const answer = (event) => send({ view, asked, ...event });
    showState();
    const before = changes;
    try {
      const { token, errors, card } = await Promise.race([clover.createToken(), late]);
      const places = Object.entries(errors ?? {}).filter(([, text]) => text);
      if (!token) {
        for (const [kind, text] of places) if (notes[kind]) show(kind, text);
        const rest = places.filter(([kind]) => !notes[kind]).map(([, text]) => text).join(" ");
        answer({ event: "refused" });
        say("error", rest);
        return;
      }
      const stale = changes !== before; // the token is not of what is in the fields now
      const { brand = null, last4 = null } = card ?? {};
      answer({ event: "token", token, stale, brand, last4 });
    } catch (error) {
      answer({ event: "failed" });
      say("error", `No token was made: ${error?.message ?? error} What you typed is still there: try again.`);
    }
  };
  const receive = (message) => {
    if (message.view && message.view !== view) {
      if (message.do === "show" && changes) tellEdit(); // a second view is no reason to forget this
      return;
    }
    if (message.do === "show" && !clover) {
      setup = message;
      open();
    } else if (message.do === "tokenize") tokenize(message.asked);
    else if (message.do === "clear" && clover) hello(); // the sandbox may be another by now
    else if (message.do === "fail") fail(message.message);
  };
  const violated = ({ blockedURI }) => {
    if (!setup || !blockedURI.startsWith(new URL(setup.sdk_url).origin)) return;
    blocked = true;
    if (clover) fail(whyNot(setup.sdk_url, new Error("blocked"), blocked));
  };

  // The look of the fields is that of the theme they were made in.
  const themes = new MutationObserver(() => clover && !changes && open());
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-name", "data-vscode-theme-kind"] });

  // Clover finds the places of its fields in the document, where the widget comes after this.
  const ready = new ResizeObserver(() => {
    if (!el.isConnected || !el.offsetWidth) return;
    ready.disconnect();
    hello();
  });
  ready.observe(el);
  document.addEventListener("securitypolicyviolation", violated);
  fields.hidden = true;
  again.hidden = true;

  return {
    receive,
    say: (tone, text) => {
      if (told[1] === text) return;
      told = [tone, text];
      showState();
    },
    focus: () => (fields.querySelector("iframe") ?? again).focus(),
    end: () => {
      clearTimeout(silence);
      ready.disconnect();
      themes.disconnect();
      document.removeEventListener("securitypolicyviolation", violated);
    },
  };
}
