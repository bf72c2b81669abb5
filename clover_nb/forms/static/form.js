// A form: draws what the kernel declares.

const BULLETS = "••••••••••••";
const UNCLEAR = " It is not known whether what was being sent was saved: look at the record before you send it again.";

let forms = 0;

/** Type the card or paste a token. */
function wayInput(id, on) {
  const ways = { type: "Type the card", paste: "Paste a token" };
  const inputs = Object.keys(ways).map((value) =>
    element("input", { type: "radio", name: id, id: `${id}-${value}`, value }),
  );
  const box = element("div", { class: "clover-ways", role: "radiogroup", "aria-label": "How the card is given" });
  for (const input of inputs) {
    box.append(element("div", {}, input, element("label", { for: input.id }, ways[input.value])));
    input.addEventListener("change", () => on.edit(input.value));
  }
  return {
    box,
    flush: () => true,
    offerFirst: (value) => box.prepend(...inputs.filter((input) => input.value === value).map((input) => input.parentElement)),
    show: (text) => inputs.forEach((input) => (input.checked = input.value === text)),
    say: () => {},
    end: () => {},
  };
}

/** A button whose words change; they may be a customer's name. */
function wordedButton(label, press, kind) {
  const words = element("span", { dir: "auto" }, plainText(label));
  const button = pressable(words, press, kind);
  return {
    button,
    say: (text) => showText(words, text),
    allow: (allowed) => button.setAttribute("aria-disabled", !allowed),
  };
}

/** One drawing of a form; another spec makes another one. */
function draw(model, el, values) {
  const spec = model.get("spec");
  const id = `clover-form-${(forms += 1)}`;
  const { texts } = values;
  const inputs = {};
  let card;
  let token;

  let asker; // what had the focus when something was asked for
  const ask = (what, more) => {
    asker = document.activeElement;
    return flush(inputs) && values.ask(what, more);
  };
  const isHere = (held) => el.contains(held) || [asker, document.body].includes(held);
  const submit = () => ask("submit", { texts: { ...texts }, about: model.get("about") });
  const on = (name) => ({
    edit: (text, how) => values.edit({ [name]: text }, how),
    enter: name === "customer" ? () => ask("find") : submit,
    leave: () => values.send("leave", { name }),
  });
  const add = (field) => {
    inputs[field.name] = makeInput(field, id, on(field.name), spec.countries);
    return inputs[field.name].box;
  };
  // Who types a card goes with the way, here as in the kernel: or it would be another form there.
  const chooseWay = (way) => {
    values.edit({ way, ecomind: spec.ecomind[way] });
    inputs.ecomind.show(texts.ecomind);
  };

  // -- its parts, from top to bottom -------------------------------------------------------------

  const heading = element("div", {});
  showHeading(heading, spec.heading, 2);
  const gone = element("div", { class: "clover-gone", role: "alert" });
  const readOnly = element("p", { class: "clover-note clover-warning", role: "status" }, spec.readOnly);
  readOnly.hidden = !spec.readOnly;
  const find = wordedButton("Find", () => ask("find"));
  const several = element("div", { class: "clover-several", role: "group", "aria-label": "Choose one" });
  const picker = element("div", {});
  if (spec.asks) {
    const customer = { name: "customer", label: "Customer", kind: "text", required: true };
    const advice = { placeholder: "email address or id", help: "Then press Find" };
    picker.append(element("div", { class: "clover-find" }, add({ ...customer, ...advice }), find.button), several);
  }
  const who = element("div", {});
  const body = element("fieldset", { class: "clover-body" });
  for (const section of spec.sections) {
    const grid = element("div", { class: "clover-grid" }, ...section.fields.map(add));
    body.append(element(isDeskPage() ? "h3" : "h4", { class: "clover-group" }, section.title));
    if (section.card) body.append(cardPart());
    body.append(grid);
  }
  for (const [name, label] of spec.confirmations) body.append(add({ name, label, kind: "tick" }));
  const preview = element("div", {});
  const sure = add({ name: "sure", label: "Save anyway", kind: "tick" });
  const submitting = wordedButton(spec.submit, submit, "clover-primary");
  const cancel = () => {
    flush(inputs);
    values.ask("cancel");
  };
  const cancelling = wordedButton("Cancel", cancel);
  const offers = element("span", { class: "clover-offers" });
  const status = element("div", { class: "clover-live", "aria-live": "polite" });
  const conflict = element("div", {});
  const result = element("div", { class: "clover-result" });
  const actions = element("div", { class: "clover-actions" }, submitting.button, cancelling.button, offers, status);
  el.replaceChildren(heading, gone, readOnly, picker, who, body, preview, sure, actions, conflict, result);

  function cardPart() {
    const typed = element("div", { class: "clover-card" });
    const reason = element("div", { class: "clover-note", role: "status" });
    // Another page that shows this form may have the fields, and somebody there may type into them.
    const offerToken = (why) => {
      if (Object.keys(model.get("values").seen).some((view) => view !== values.view)) return;
      showText(reason, why);
      inputs.way.offerFirst("paste");
      inputs.way.show("paste");
      if (texts.way !== "paste") chooseWay("paste");
    };
    if (!spec.readOnly) card = cardFields(typed, (content) => values.send("card", { card: content }), offerToken);
    inputs.way = wayInput(`${id}-way`, { edit: chooseWay });
    const secret = {
      ...{ name: "source", label: "Card token", kind: "secret", required: true, placeholder: "clv_…" },
      help: "From Clover's card fields. It works once and is cleared after use.",
    };
    const pasted = element("div", { class: "clover-pasted" }, reason, add(secret));
    token = inputs.source;
    if (spec.testCards.length) {
      const use = wordedButton("Use this test card", () => ask("test_card"));
      const choice = add({ name: "test_card", label: "Test card", kind: "choice", options: spec.testCards });
      pasted.append(element("div", { class: "clover-practice" }, choice, use.button));
    }
    const who = [["moto", "me, for the customer"], ["ecom", "the customer"]];
    const typist = add({ name: "ecomind", label: "Typed by", kind: "choice", options: who });
    return element("div", {}, inputs.way.box, typed, pasted, typist);
  }

  // -- showing what the kernel says --------------------------------------------------------------

  const showWay = () => {
    if (!inputs.way) return;
    const pastes = texts.way === "paste";
    body.querySelector(".clover-card").hidden = pastes;
    body.querySelector(".clover-pasted").hidden = !pastes;
  };
  const showErrors = () => {
    const { source, ...others } = model.get("errors");
    values.showErrors(inputs, texts.way === "type" ? others : { source, ...others });
    card?.say(...((texts.way === "type" && source) || ["", ""]));
  };
  const showToken = () => {
    if (!token) return;
    const filled = model.get("has_token");
    if (!filled && !values.isNewer("source")) token.input.value = "";
    token.input.placeholder = filled ? BULLETS : "clv_…";
    token.input.classList.toggle("clover-filled", filled);
  };
  const showChoices = () => {
    for (const [name, options] of Object.entries(model.get("choices"))) {
      if (name !== "customer") inputs[name]?.offer(options);
    }
    const found = model.get("choices").customer ?? [];
    several.hidden = !found.length;
    const choose = ([id, label]) => wordedButton(label, () => ask("pick", { id }), "clover-match").button;
    redraw(several, found, () => found.map(choose));
  };
  const showHints = () => {
    const hints = model.get("hints");
    const fields = spec.sections.flatMap((section) => section.fields);
    for (const { name, help } of fields) inputs[name].advise(hints[name] ?? help);
  };
  // In their order, but what has the focus stays in the page, or it would lose it.
  const showArranged = () => {
    const wanted = Object.entries(model.get("arranged"));
    for (const [name, label] of wanted) inputs[name]?.rename(label);
    const boxes = wanted.map(([name]) => inputs[name]?.box).filter(Boolean);
    const grid = boxes[0]?.parentElement;
    if (!grid) return;
    const order = [...boxes, ...[...grid.children].filter((box) => !boxes.includes(box))];
    const still = order.findIndex((box) => box.contains(document.activeElement));
    if (order.every((box, place) => grid.children[place] === box)) return;
    if (still < 0) return grid.append(...order);
    order[still].before(...order.slice(0, still));
    grid.append(...order.slice(still + 1));
  };
  // What the kernel must not have yet, as it may become a card number, is filled in here.
  const showPreview = () => {
    showHtml(preview, model.get("preview"));
    for (const cell of preview.querySelectorAll("[data-name]")) {
      cell.dataset.known ??= cell.textContent;
      const { name, known } = cell.dataset;
      const isHeld = name in texts && values.held.has(name); // a token is none of the texts
      showText(cell, isHeld ? texts[name] : known);
    }
  };
  const showState = () => {
    const isGone = values.isGone(); // and will never say what came of what it was at
    const busy = isGone ? "" : model.get("busy");
    const writes = busy === "submit" || busy === "undo";
    const isAbout = !spec.about || Boolean(model.get("about"));
    body.disabled = !isAbout || Boolean(spec.readOnly);
    body.inert = body.disabled;
    submitting.say(busy === "submit" ? spec.busy : spec.submit);
    submitting.allow(!writes && !model.get("locked") && !spec.readOnly && !isGone);
    find.say(busy === "find" ? "Looking…" : "Find");
    find.allow(!writes && !isGone);
    if (inputs.customer) inputs.customer.input.disabled = writes;
    sure.hidden = !model.get("has_warnings");
    const trouble = values.trouble();
    const isUnclear = isGone && ["submit", "undo"].includes(model.get("busy"));
    showText(gone, trouble && `${trouble} What you typed is still here.${isUnclear ? UNCLEAR : ""}`);
    showHtml(who, model.get("who"));
    showPreview();
    showHtml(status, isGone && model.get("busy") ? "" : model.get("status"));
    const outcome = model.get("outcome");
    showHtml(conflict, outcome.conflict);
    showHtml(result, outcome.result);
    redraw(offers, outcome.buttons, () =>
      outcome.buttons.map(([key, label]) => wordedButton(label, () => ask("press", { key })).button),
    );
  };
  const showAll = () => {
    showChoices();
    values.show(inputs);
    showWay();
    showToken();
    showErrors();
    showHints();
    showArranged();
    showState();
  };
  const show = () =>
    keepFocus(el, showAll, (held) => [
      held.matches(".clover-match") ? inputs.customer.input : submitting.button,
    ]);
  show();

  return {
    show,
    flush: () => flush(inputs),
    places: () => [...body.querySelectorAll("input, select"), submitting.button],
    cancel,
    receive: (message) => {
      if (message.card) {
        card?.receive(message.card);
      } else if (values.isAnswered(message.seen) && isHere(document.activeElement)) {
        const isCard = message.name === "source" && texts.way === "type";
        (isCard ? card : inputs[message.name])?.focus();
      }
    },
    end: () => {
      card?.end();
      for (const input of Object.values(inputs)) input.end();
    },
  };
}

function render({ model, el, link }) {
  let drawing;
  const show = drawWhenReleased(() => drawing.show());
  const values = typedValues(model, link, show);
  const redraw = () => {
    drawing?.end();
    values.reset();
    keepFocus(
      el,
      () => (drawing = draw(model, el, values)),
      () => drawing.places(),
    );
  };
  const pressed = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault(); // what holds the form doesn't take it for its own
    drawing.cancel();
  };
  const clicked = (event) => {
    const copy = event.target.closest("button[data-clover=copy]");
    if (copy) copyRequestId(copy);
  };
  const ended = new AbortController();
  const early = { capture: true, signal: ended.signal }; // before any button hears of it

  el.classList.add("clover-form");
  const releaseKeys = keepKeys(el);
  el.addEventListener("keydown", pressed);
  el.addEventListener("click", clicked);
  document.addEventListener("click", () => drawing.flush(), early);
  redraw();
  model.on("change:spec", redraw);
  model.on("change", show);
  model.on("msg:custom", (message) => drawing.receive(message));

  return () => {
    drawing.end();
    releaseKeys();
    values.end();
    ended.abort();
  };
}

export default { render };
