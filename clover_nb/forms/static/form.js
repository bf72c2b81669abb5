// A form: draws what the kernel declares, and tells it each edit with a number.
//
// The browser is ahead of the kernel. What the kernel sends carries the number of the last edit
// that it knows of, and an input that was edited since keeps what is in it.

const HELD_DIGITS = 8; // the kernel sees at most these many of a card number that is being typed
const BULLETS = "••••••••••••";

let forms = 0;

/** An input with a message, in a box of its own. */
function inputBox(input, id, name, kind) {
  const note = element("div", { id: `${id}-note`, class: "clover-message", role: "status" });
  const box = element("div", { class: `clover-field ${kind}`, "data-name": name });
  input.id = id;
  input.setAttribute("aria-describedby", note.id);
  return {
    box,
    note,
    input,
    focus: () => input.focus(),
    flush: () => true, // tells what is held back; false when it was a card number
    say: (tone, text) => {
      showText(note, text);
      box.dataset.tone = text ? tone : "";
      input.setAttribute("aria-invalid", Boolean(text) && tone === "error");
    },
    end: () => {},
  };
}

/** A label, something to type into or to choose from, a message and a hint. */
function labelled({ name, label, required, help }, input, id) {
  const part = inputBox(input, id, name, "");
  const words = element("label", { for: id }, label);
  const star = element("span", { class: "clover-star", "aria-hidden": "true" }, "*");
  const hint = element("div", { id: `${id}-help`, class: "clover-help" }, help);
  star.hidden = !required;
  input.setAttribute("aria-describedby", `${part.note.id} ${hint.id}`);
  if (required) input.setAttribute("aria-required", "true");
  part.box.append(element("div", { class: "clover-label" }, words, star), input, part.note, hint);
  return { ...part, rename: (text) => showText(words, text), advise: (text) => showText(hint, text) };
}

/** An input for text, or for lines of it, which refuses card numbers. `on` hears of edits, Enter
 *  and leaving it. */
function textInput(field, id, on) {
  const secret = field.kind === "secret";
  const isWhole = field.kind === "address"; // the kernel splits it into its parts
  const hasLines = field.kind === "lines";
  const input = element(hasLines ? "textarea" : "input", {
    rows: hasLines ? 4 : undefined,
    type: hasLines ? undefined : secret ? "password" : "text", // "email" would change what was typed
    inputmode: { email: "email", tel: "tel" }[field.kind],
    dir: "auto",
    placeholder: field.placeholder,
    autocomplete: "off",
    autocapitalize: hasLines || field.kind === "text" ? undefined : "off",
    spellcheck: "false",
    "data-1p-ignore": secret, // a token is no password to keep
    "data-lpignore": secret,
  });
  const part = labelled(field, input, id);
  let held = false; // whether it holds what the kernel must not have yet
  let pause;

  const refuseCard = () => {
    const start = findCard(input.value);
    if (start < 0) return false;
    clearTimeout(pause);
    held = false;
    input.value = input.value.slice(0, start).trimEnd(); // what follows is its expiry and code
    on.edit(input.value, { refused: true });
    return true;
  };
  const flush = () => {
    clearTimeout(pause);
    if (!held) return true;
    if (refuseCard()) return false;
    held = false;
    on.edit(input.value, {});
    return true;
  };
  input.addEventListener("input", (event) => {
    clearTimeout(pause);
    held = isTyping(event) && longestRun(input.value) > HELD_DIGITS;
    if (held) {
      pause = setTimeout(refuseCard, TYPING_PAUSE);
      on.edit(input.value, { held });
    } else if (!refuseCard()) {
      on.edit(input.value, {});
      if (isWhole && event.inputType === "insertFromPaste") on.leave();
    }
  });
  input.addEventListener("paste", (event) => {
    const lines = event.clipboardData.getData("text").trim();
    if (hasLines || !/[\r\n]/.test(lines)) return; // the browser does it well, but would join lines
    event.preventDefault();
    const text = lines.replace(/\s*[\r\n]+\s*/g, isWhole ? ", " : " ");
    input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
    input.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste", bubbles: true }));
  });
  input.addEventListener("keydown", (event) => {
    const plain = !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey);
    if (event.isComposing || !plain) return;
    if (event.key === "Enter" && !hasLines) {
      event.preventDefault();
      if (flush()) on.enter();
    } else if (event.key === "Backspace" && secret && !input.value) {
      on.edit("", {});
    }
  });
  input.addEventListener("blur", () => {
    flush();
    on.leave();
  });
  return {
    ...part,
    flush,
    show: (text) => {
      if (input.value === text) return;
      const [start, end] = [input.selectionStart, input.selectionEnd];
      input.value = text;
      if (document.activeElement === input) input.setSelectionRange(start, end);
    },
    end: () => clearTimeout(pause),
  };
}

/** An input for a country, by its code or its name, which stands below it. */
function countryInput(field, id, on, countries) {
  const part = textInput(field, id, on);
  const list = element("datalist", { id: `${id}-list` });
  const names = new Map(countries);
  list.append(...countries.map(([value, name]) => element("option", { value }, name)));
  part.input.setAttribute("list", list.id);
  part.box.append(list);
  const tell = () => part.advise(names.get(part.input.value.trim().toUpperCase()) ?? field.help);
  part.input.addEventListener("input", tell);
  return {
    ...part,
    advise: tell,
    show: (text) => {
      part.show(text);
      tell();
    },
  };
}

/** A choice of one. */
function choiceInput(field, id, on) {
  const input = element("select", {});
  const part = labelled(field, input, id);
  let wanted = "";
  input.addEventListener("change", () => {
    wanted = input.value;
    on.edit(input.value, {});
  });
  const choose = () => {
    if (input.value !== wanted) input.value = wanted;
  };
  return {
    ...part,
    show: (text) => {
      wanted = text;
      choose();
    },
    offer: (options) => {
      redraw(input, options, () =>
        options.map(([value, label]) => element("option", { value, dir: "auto" }, plainText(label))),
      );
      part.box.hidden = options.length < 2 && !field.required; // there is nothing to choose
      choose();
    },
  };
}

/** A sentence to agree to. */
function tickInput(name, sentence, id, on) {
  const input = element("input", { type: "checkbox" });
  const part = inputBox(input, id, name, "clover-tick");
  part.box.append(element("div", {}, input, element("label", { for: id }, sentence)), part.note);
  input.addEventListener("change", () => on.edit(input.checked ? "yes" : "", {}));
  return { ...part, show: (text) => (input.checked = Boolean(text)) };
}

/** Type the card or paste a token. */
function wayInput(id, on) {
  const ways = { type: "Type the card", paste: "Paste a token" };
  const inputs = Object.keys(ways).map((value) =>
    element("input", { type: "radio", name: id, id: `${id}-${value}`, value }),
  );
  const box = element("div", { class: "clover-ways", role: "radiogroup", "aria-label": "How the card is given" });
  for (const input of inputs) {
    box.append(element("div", {}, input, element("label", { for: input.id }, ways[input.value])));
    input.addEventListener("change", () => on.edit(input.value, {}));
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
  const words = element("span", { dir: "auto" }, label);
  const button = pressable(words, press, kind);
  return {
    button,
    say: (text) => showText(words, text),
    allow: (allowed) => button.setAttribute("aria-disabled", !allowed),
  };
}

/** One drawing of a form; another spec makes another one. */
function draw(model, el, state) {
  const spec = model.get("spec");
  const id = `clover-form-${(forms += 1)}`;
  const { texts } = state;
  const inputs = {};
  let card;
  let token;

  // -- telling the kernel ------------------------------------------------------------------------

  const send = (what, more = {}) => {
    const edits = {};
    for (const name of state.unsent) if (!state.held.has(name)) edits[name] = texts[name];
    for (const name of Object.keys(edits)) state.unsent.delete(name);
    state.number += 1; // also of a message without an edit, so that each is answered
    state.kernel.send({ do: what, view: state.view, number: state.number, edits, ...more });
  };
  const edit = (name, text, { held = false, refused = false }) => {
    state.number += 1;
    state.edited[name] = state.number;
    state.refused[name] = refused;
    state.held[held ? "add" : "delete"](name);
    if (name === "source") {
      send("edit", held ? {} : { source: text });
    } else {
      texts[name] = text;
      state.unsent.add(name);
      if (!held) send("edit");
    }
    showErrors();
    showWay();
    showPreview();
  };
  const flush = () => Object.values(inputs).every((input) => input.flush());
  const submit = () => {
    if (flush()) send("submit", { texts: { ...texts }, about: model.get("about") });
  };
  const on = (name) => ({
    edit: (text, how) => edit(name, text, how),
    enter: name === "customer" ? () => send("find") : submit,
    leave: () => send("leave", { name }),
  });
  const add = (field) => {
    const make = { choice: choiceInput, country: countryInput }[field.kind] ?? textInput;
    inputs[field.name] = make(field, `${id}-${field.name}`, on(field.name), spec.countries);
    return inputs[field.name].box;
  };

  // -- its parts, from top to bottom -------------------------------------------------------------

  const heading = element("div", {});
  showHeading(heading, spec.heading, 2);
  const gone = element("div", { class: "clover-gone", role: "alert" });
  const readOnly = element("p", { class: "clover-note clover-warning", role: "status" }, spec.readOnly);
  readOnly.hidden = !spec.readOnly;
  const find = wordedButton("Find", () => flush() && send("find"));
  const several = element("select", { size: "4", class: "clover-several", "aria-label": "Choose one" });
  several.addEventListener("change", () => send("pick", { id: several.value }));
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
  for (const [name, sentence] of spec.confirmations) {
    inputs[name] = tickInput(name, sentence, `${id}-${name}`, on(name));
    body.append(inputs[name].box);
  }
  const preview = element("div", {});
  inputs.sure = tickInput("sure", "Save anyway", `${id}-sure`, on("sure"));
  const submitting = wordedButton(spec.submit, submit, "clover-primary");
  const cancel = () => {
    flush();
    send("cancel");
  };
  const cancelling = wordedButton("Cancel", cancel);
  const offers = element("span", { class: "clover-offers" });
  const status = element("div", { class: "clover-live", "aria-live": "polite" });
  const conflict = element("div", {});
  const result = element("div", { class: "clover-result" });
  const actions = element("div", { class: "clover-actions" }, submitting.button, cancelling.button, offers, status);
  el.replaceChildren(heading, gone, readOnly, picker, who, body, preview, inputs.sure.box, actions, conflict, result);

  function cardPart() {
    const typed = element("div", { class: "clover-card" });
    const reason = element("div", { class: "clover-note", role: "status" });
    // Another page that shows this form may have the fields, and somebody there may type into them.
    const offerToken = (why) => {
      if (Object.keys(model.get("values").seen).some((view) => view !== state.view)) return;
      showText(reason, why);
      inputs.way.offerFirst("paste");
      inputs.way.show("paste");
      if (texts.way !== "paste") edit("way", "paste", {});
    };
    if (!spec.readOnly) card = cardFields(typed, (content) => send("card", { card: content }), offerToken);
    inputs.way = wayInput(`${id}-way`, on("way"));
    const secret = {
      ...{ name: "source", label: "Card token", kind: "secret", required: true, placeholder: "clv_…" },
      help: "From Clover's card fields. It works once and is cleared after use.",
    };
    const pasted = element("div", { class: "clover-pasted" }, reason, add(secret));
    token = inputs.source;
    if (spec.testCards.length) {
      const use = wordedButton("Use this test card", () => send("test_card"));
      add({ name: "test_card", label: "Test card", kind: "choice", help: "" });
      pasted.append(element("div", { class: "clover-practice" }, inputs.test_card.box, use.button));
      inputs.test_card.offer(spec.testCards);
    }
    add({ name: "ecomind", label: "Typed by", kind: "choice", help: "" });
    inputs.ecomind.offer([["moto", "me, for the customer"], ["ecom", "the customer"]]);
    return element("div", {}, inputs.way.box, typed, pasted, inputs.ecomind.box);
  }

  // -- showing what the kernel says --------------------------------------------------------------

  const showWay = () => {
    if (!inputs.way) return;
    const pastes = texts.way === "paste";
    body.querySelector(".clover-card").hidden = pastes;
    body.querySelector(".clover-pasted").hidden = !pastes;
  };
  const showErrors = () => {
    const errors = model.get("errors");
    for (const [name, input] of Object.entries(inputs)) {
      const isElsewhere = name === "source" && texts.way !== "paste";
      const told = (!isElsewhere && errors[name]) || ["", ""];
      input.say(...(state.refused[name] ? ["error", spec.refusal] : told));
    }
    card?.say(...((texts.way === "type" && errors.source) || ["", ""]));
  };
  const showTexts = () => {
    const { texts: known, seen } = model.get("values");
    for (const [name, text] of Object.entries(known)) {
      const isNewer = state.unsent.has(name) || (state.edited[name] ?? 0) > (seen[state.view] ?? 0);
      if (isNewer) continue;
      if (texts[name] !== text) state.refused[name] = false;
      texts[name] = text;
      if (name !== "source") inputs[name]?.show(text);
    }
    showWay();
  };
  const showToken = () => {
    if (!token) return;
    const filled = model.get("has_token");
    const isNewer = (state.edited.source ?? 0) > (model.get("values").seen[state.view] ?? 0);
    if (!filled && !isNewer && !state.held.has("source")) token.input.value = "";
    token.input.placeholder = filled ? BULLETS : "clv_…";
    token.input.classList.toggle("clover-filled", filled);
  };
  const showChoices = () => {
    for (const [name, options] of Object.entries(model.get("choices"))) {
      if (name !== "customer") inputs[name]?.offer(options);
    }
    const found = model.get("choices").customer ?? [];
    several.hidden = !found.length;
    several.replaceChildren(...found.map(([value, label]) => element("option", { value, dir: "auto" }, plainText(label))));
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
      const isHeld = name in texts && state.held.has(name); // a token is none of the texts
      showText(cell, isHeld ? texts[name] : known);
    }
  };
  const showState = () => {
    const busy = model.get("busy");
    const writes = busy === "submit" || busy === "undo";
    const isAbout = !spec.about || Boolean(model.get("about"));
    body.disabled = !isAbout || Boolean(spec.readOnly);
    body.inert = body.disabled;
    submitting.say(busy === "submit" ? spec.busy : spec.submit);
    submitting.allow(!writes && !model.get("locked") && !spec.readOnly && !state.kernel.isGone());
    find.say(busy === "find" ? "Looking…" : "Find");
    find.allow(!writes && !state.kernel.isGone());
    if (inputs.customer) inputs.customer.input.disabled = writes;
    inputs.sure.box.hidden = !model.get("has_warnings");
    const trouble = state.kernel.trouble();
    showText(gone, trouble && `${trouble} What you typed is still here.`);
    showHtml(who, model.get("who"));
    showPreview();
    showHtml(status, model.get("status"));
    const outcome = model.get("outcome");
    showHtml(conflict, outcome.conflict);
    showHtml(result, outcome.result);
    redraw(offers, outcome.buttons, () =>
      outcome.buttons.map(([key, label]) => wordedButton(label, () => send("press", { key })).button),
    );
  };
  const showAll = () => {
    showChoices();
    showTexts();
    showToken();
    showErrors();
    showHints();
    showArranged();
    showState();
  };
  const show = () =>
    keepFocus(el, showAll, (held) => [held === several ? inputs.customer.input : submitting.button]);
  show();

  return {
    show,
    flush,
    places: () => [...body.querySelectorAll("input, select"), submitting.button],
    cancel,
    receive: (message) => {
      if (message.card) {
        card?.receive(message.card);
      } else if (state.number <= (message.seen[state.view] ?? 0)) {
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
  const state = {
    view: `view-${Math.random().toString(36).slice(2)}`,
    texts: {},
    number: 0, // of the last edit
    edited: {}, // the number of each input's last edit
    unsent: new Set(),
    held: new Set(),
    refused: {},
    kernel: watchKernel(model, link, () => show()),
  };
  let drawing;
  const show = drawWhenReleased(() => drawing.show());
  const redraw = () => {
    drawing?.end();
    Object.assign(state, { texts: { ...model.get("values").texts }, edited: {}, refused: {} });
    state.unsent.clear();
    state.held.clear();
    keepFocus(
      el,
      () => (drawing = draw(model, el, state)),
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
    state.kernel.end();
    ended.abort();
  };
}

export default { render };
