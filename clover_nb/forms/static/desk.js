// The desk: draws what the kernel says, with a place for the table and for each form.

// What a letter does outside of fields: the button that it presses.
const LETTERS = {
  n: "New customer",
  e: "Edit contact",
  s: "Shipping address",
  c: "Attach a card",
};
const KEYS = [
  ["/", "Search"],
  ...Object.entries(LETTERS),
  ["?", "Show these keys"],
  ["Enter", "In the search: open the first match"],
  ["↑ ↓ Page Up Page Down", "Go through the customers; Enter opens one"],
  ["Ctrl+Enter", "Save"],
  ["Esc", "Cancel"],
];
const LETTERS_KEPT_AS = "clover-nb.letters";
const FIELDS = "input, select, textarea, [contenteditable=true]";
const PROGRESS = 1_000; // milliseconds between questions how many customers were read
const RETRY = 10_000; // milliseconds between questions while Clover can't be reached
const NEWS = 5_000; // milliseconds between questions whether somebody else changed the customer

/** The keys, and whether letters count: some people's hands or voices press them unintended. */
function keyHelp() {
  const letters = element("input", { type: "checkbox" });
  letters.checked = localStorage.getItem(LETTERS_KEPT_AS) !== "off";
  letters.addEventListener("change", () =>
    localStorage.setItem(LETTERS_KEPT_AS, letters.checked ? "on" : "off"),
  );
  const rows = KEYS.map(([key, what]) =>
    element("tr", {}, element("th", { scope: "row" }, element("kbd", {}, key)), element("td", {}, what)),
  );
  const close = pressable("Close", () => root.close());
  const root = element(
    "dialog",
    { class: "clover-keys", "aria-label": "Keys" },
    element("table", {}, element("tbody", {}, ...rows)),
    element("label", {}, letters, " Keys of one character work outside of fields"),
    close,
  );
  return { root, show: () => root.showModal(), hasLetters: () => letters.checked };
}

function render({ model, el, link }) {
  const kernel = watchKernel(model, link, () => showGone());
  const manager = model.widget_manager;
  const isPage = isDeskPage();
  const [table, form, undo, many] = [1, 2, 3, 4].map(() => widgetPlace(manager));
  const [heading, who, cards, details, history] = [1, 2, 3, 4, 5].map(() => element("div", {}));
  const gone = element("div", { class: "clover-gone", role: "alert" });
  const help = keyHelp();
  const open = (name) => {
    if (model.get("opened") === name) return focusForm();
    begin = { name, focus: document.activeElement };
    kernel.send({ do: "open", name });
  };
  const openers = ["New customer", ...model.get("actions")].map((name) => pressable(name, () => open(name)));
  const refresh = pressable("Refresh", () => kernel.send({ do: "refresh" }));
  const keys = pressable("Keys", help.show);
  const status = element("div", { class: "clover-live", "aria-live": "polite" });
  const [create, ...about] = openers;
  const changeMany = pressable("Change many…", async () => {
    const isShown = Boolean(model.get("many_id"));
    kernel.send({ do: "many" });
    if (isShown) return;
    const title = await waitFor(many.root, "[aria-current=step] .clover-step-title");
    title?.focus(); // where there is little room, it is below the table
  });
  const bar = element("div", { class: "clover-actions" }, create, changeMany, refresh, keys, status);
  const actions = element("div", { class: "clover-actions" }, ...about);
  const copied = element("span", { role: "status" });
  const copies = element("div", { class: "clover-copies" });
  const nobody = element("p", { class: "clover-quiet" }, "Select a customer in the table.");
  const record = element("section", {
    class: "clover-record",
    tabindex: "-1", // has the focus when what had it is gone
    "aria-label": "Selected customer",
  });
  record.append(nobody, who, copies, actions, form.root, cards, details, history, undo.root, many.root);
  const list = element("section", { "aria-label": "All customers" }, table.root);
  const body = element("div", { class: "clover-panes" }, list, record);
  el.append(heading, gone, bar, body, help.root);
  el.classList.add("clover-form", "clover-desk");
  el.tabIndex = -1; // a click beside everything leaves the focus here, so that keys work
  if (isPage) el.setAttribute("role", "main");
  for (const [key, name] of Object.entries(LETTERS)) {
    openers.find((each) => each.textContent === name)?.setAttribute("aria-keyshortcuts", key);
  }

  let begin; // the form that is being opened, and what had the focus then
  let undoing; // the same of an undo, and the one that was open before
  let isEdited = false; // whether something was typed that the kernel hasn't heard of
  let asking; // the kernel, every now and then
  let trigger = record; // the button that was pressed last
  let landed; // what has the focus since what had it is gone

  // -- where the focus is ------------------------------------------------------------------------

  const isLost = () => [document.body, el, landed].includes(document.activeElement);
  // What a row says further to the side is in the record.
  const showNames = () => table.root.querySelector(".clover-scroll")?.scrollTo({ left: 0 });
  const isInForm = () => [form, undo].some(({ root }) => root.contains(document.activeElement));
  const focusSearch = () => table.root.querySelector("input[type=search]")?.focus();
  const focusRow = async (id) => {
    if (!isLost() && !isInForm()) return; // the person has gone on elsewhere
    const row = id && (await waitFor(table.root, `tr[data-id="${CSS.escape(id)}"]`, 30));
    if (!isLost() && !isInForm()) return;
    if (row) row.focus();
    else focusSearch();
  };
  const focusForm = () =>
    [...form.root.querySelectorAll("input, select, textarea")]
      .find((each) => each.checkVisibility() && !each.matches(":disabled"))
      ?.focus();
  const formShown = () => {
    if (begin?.name !== model.get("opened") || !model.get("form_id")) return;
    const { focus } = begin;
    begin = undefined;
    const isTyping = document.activeElement.closest(`${FIELDS}, iframe`); // a card's fields are iframes
    if (focus === document.activeElement || !isTyping) focusForm();
  };

  const undoShown = () => {
    const id = model.get("undo_id");
    if (!undoing || !id || id === undoing.before) return;
    const isWaiting = isLost() || document.activeElement === undoing.focus;
    undoing = undefined;
    if (isWaiting) undo.root.querySelector(".clover-primary")?.focus();
  };

  // -- showing what the kernel says --------------------------------------------------------------

  const showGone = () => {
    const outage = model.get("outage");
    gone.textContent = kernel.trouble() || (outage && `${outage} It is tried again by itself.`);
    for (const each of [create, changeMany, refresh, ...about]) each.disabled = kernel.isGone();
    clearInterval(asking);
    if (model.get("reading")) asking = setInterval(() => kernel.send({ do: "progress" }), PROGRESS);
    else if (outage) asking = setInterval(() => kernel.send({ do: "retry" }), RETRY);
    else if (model.get("customer_id"))
      asking = setInterval(() => document.hidden || kernel.send({ do: "news" }), NEWS);
  };
  const showCopies = () => {
    const texts = { ...model.get("copies") };
    const { id } = texts;
    if (isPage) texts.link = `${location.origin}/#customer=${id}`;
    else texts.code = `forms.desk(customer_id="${id}")`;
    redraw(copies, texts, () => {
      copied.textContent = "";
      const made = Object.entries(texts).map(([name, text]) =>
        smallButton(`Copy ${name}`, () => copyText(text, copied)),
      );
      return [...made, copied];
    });
  };
  const showAll = () => {
    const isNew = model.get("opened") === create.textContent;
    const isMany = Boolean(model.get("many_id"));
    const isSomebody = Boolean(model.get("who")) && !isNew && !isMany;
    const ticked = model.get("ticked");
    const words = `Change ${ticked.toLocaleString("en")} customer${ticked === 1 ? "" : "s"}…`;
    changeMany.textContent = ticked ? words : "Change many…";
    changeMany.setAttribute("aria-expanded", isMany);
    record.setAttribute("aria-label", isMany ? "Many customers" : "Selected customer");
    form.root.hidden = isMany;
    showHeading(heading, model.get("heading"), 1);
    showHtml(status, model.get("status"));
    showHtml(who, model.get("who"));
    showHtml(cards, model.get("cards"));
    showHtml(details, model.get("details"));
    showHtml(history, model.get("history"));
    showCopies();
    for (const part of [who, copies, actions, cards, details, history, undo.root]) part.hidden = !isSomebody;
    nobody.hidden = isSomebody || isNew || isMany;
    refresh.textContent = model.get("reading") ? "Reading…" : "Refresh";
    for (const each of openers) each.setAttribute("aria-expanded", each.textContent === model.get("opened"));
    table.show(model.get("table_id"));
    form.show(model.get("form_id"))?.then(formShown);
    undo.show(model.get("undo_id"))?.then(undoShown);
    many.show(model.get("many_id"));
    showGone();
  };
  const show = drawWhenReleased(() => {
    const held = document.activeElement;
    keepFocus(el, showAll, () => [trigger, record]);
    if (document.activeElement !== held) landed = document.activeElement;
  });

  // -- the address, which names the customer and never the token -----------------------------------

  const wanted = () => new URLSearchParams(location.hash.slice(1)).get("customer") ?? "";
  const followAddress = () => {
    const id = wanted();
    if (id && id !== model.get("customer_id")) kernel.send({ do: "select", id });
  };
  const writeAddress = () => {
    const id = model.get("customer_id");
    window.history.replaceState(null, "", id ? `#customer=${encodeURIComponent(id)}` : location.pathname);
  };
  const askBeforeLeaving = (event) => {
    if (isEdited || model.get("typed")) event.preventDefault();
  };
  // The form's values answer each edit; `typed` follows them, if it is something that was typed.
  const noteEdit = async ({ target }) => {
    if (!form.root.contains(target)) return;
    isEdited = true;
    const edited = await manager.get_model(model.get("form_id"));
    edited.once("change:values", () => (isEdited = false));
  };

  // -- keys and clicks -----------------------------------------------------------------------------

  // Heard before the table and the form hear of a key, as they keep it from what is around them.
  const pressed = (event) => {
    const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
    if (event.isComposing || help.root.open) return;
    if (key === "Escape") {
      setTimeout(() => event.defaultPrevented || kernel.send({ do: "escape" })); // theirs comes first
    } else if (key === "Enter" && (ctrlKey || metaKey)) {
      event.preventDefault();
      const [save] = [undo, form].flatMap(({ root }) => root.querySelector(".clover-primary") ?? []);
      save?.click();
    } else if (!ctrlKey && !metaKey && !altKey && help.hasLetters()) {
      if (target.closest(FIELDS)) return;
      const opener = !shiftKey && openers.find((each) => each.textContent === LETTERS[key]);
      const act = opener ? () => open(opener.textContent) : { "/": focusSearch, "?": help.show }[key];
      if (!act) return;
      event.preventDefault();
      act();
    }
  };
  // A click on the selected customer shows it again, after the form for many.
  const picked = ({ target }) => {
    const isRow = target.closest("tr[aria-selected=true]") && !target.closest("input");
    if (isRow && model.get("many_id")) kernel.send({ do: "record" });
  };
  const clicked = (event) => {
    const pressed = event.target.closest("button");
    if (!pressed || [table, form, undo, many].some(({ root }) => root.contains(pressed))) return;
    trigger = pressed;
    if (!pressed.dataset.clover) return;
    if (pressed.dataset.clover === "copy") return copyRequestId(pressed);
    if (pressed.dataset.clover === "undo") undoing = { focus: pressed, before: model.get("undo_id") };
    kernel.send({ do: pressed.dataset.clover, ...pressed.dataset });
  };
  const receive = (message) => {
    if (message.do === "focus") focusRow(message.id);
    else begin = { name: message.name, focus: document.activeElement };
  };

  const releaseKeys = keepKeys(el);
  const keysOf = isPage ? document : el; // in a page the focus may be beside the desk
  keysOf.addEventListener("keydown", pressed, true);
  el.addEventListener("click", clicked);
  el.addEventListener("input", noteEdit);
  list.addEventListener("click", picked);
  model.on("change", show);
  model.on("change:customer_id", showNames);
  model.on("msg:custom", receive);
  show();
  if (isPage) {
    window.addEventListener("beforeunload", askBeforeLeaving);
    window.addEventListener("hashchange", followAddress);
    model.on("change:customer_id", writeAddress);
    followAddress();
    waitFor(table.root, "input[type=search]").then(() => isLost() && focusSearch());
  }

  return () => {
    for (const place of [table, form, undo, many]) place.end();
    clearInterval(asking);
    releaseKeys();
    kernel.end();
    keysOf.removeEventListener("keydown", pressed, true);
    window.removeEventListener("beforeunload", askBeforeLeaving);
    window.removeEventListener("hashchange", followAddress);
  };
}

export default { render };
