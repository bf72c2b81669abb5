// Inputs with their labels and messages, and what is typed into them.
//
// The browser is ahead of the kernel. Each edit has a number and travels until the kernel has heard
// of it; what the kernel sends carries the number of the last message that it knows of, and an input
// that was edited since keeps what is in it.

const HELD_DIGITS = 8; // the kernel sees at most these many of a card number that is being typed
const SECRET = "source"; // the input for a token, which is none of the texts
const UNHEARD = "The kernel has not received this yet: it is sent again.";

/** What is typed into the inputs of one view of a widget; `changed` hears of what is to be shown. */
function typedValues(model, link, changed) {
  const view = `view-${Math.random().toString(36).slice(2)}`;
  const kernel = watchKernel(model, link, changed);
  const texts = {};
  const edited = {}; // the number of each input's last edit
  const held = new Set(); // inputs with what the kernel must not have yet
  const refused = new Set(); // inputs that a card number was typed into
  let secret = "";
  let number = 0; // of the last message
  let task; // the last that was asked for
  let prompting;

  const heard = (kind) => model.get("values")[kind][view] ?? 0;
  const isNewer = (name) => held.has(name) || (edited[name] ?? 0) > heard("seen");
  const isBegun = () => !task || task.message.number <= heard("begun");
  const send = (what, more = {}, buffers = undefined) => {
    const edits = {};
    for (const [name, made] of Object.entries(edited)) {
      if (held.has(name) || !isNewer(name)) continue;
      edits[name] = { text: name === SECRET ? secret : texts[name], number: made };
    }
    number += 1;
    const message = { do: what, view, number, edits, ...more };
    kernel.send(message, buffers);
    return message;
  };
  // The same message again, of which the kernel does one; not while it is silent, as it may be busy.
  const askAgain = () => {
    if (isBegun() || kernel.isGone()) return clearInterval(prompting);
    if (kernel.trouble()) return undefined;
    task.isLate = true;
    kernel.send(task.message);
    return changed();
  };
  return {
    view,
    texts,
    held,
    send,
    isNewer,
    isGone: kernel.isGone,
    trouble: () => kernel.trouble() || (task?.isLate && !isBegun() ? UNHEARD : ""),
    isAnswered: (seen) => number <= (seen[view] ?? 0),
    /** Ask for what a button does. */
    ask: (what, more) => {
      task = { message: send(what, more), isLate: false };
      clearInterval(prompting);
      prompting = setInterval(askAgain, PROMPT);
    },
    /** Take edits, texts by input; of those that are held the kernel hears later. */
    edit: (changes, { isHeld = false, isRefused = false } = {}) => {
      for (const [name, text] of Object.entries(changes)) {
        if (name === SECRET) secret = text;
        else texts[name] = text;
        edited[name] = number + 1;
        held[isHeld ? "add" : "delete"](name);
        refused[isRefused ? "add" : "delete"](name);
      }
      if (!isHeld) send("edit");
      changed();
    },
    /** Show in the inputs what the kernel knows, but for what is newer here. */
    show: (inputs) => {
      for (const [name, text] of Object.entries(model.get("values").texts)) {
        if (isNewer(name)) continue;
        if (texts[name] !== text) refused.delete(name);
        texts[name] = text;
        inputs[name]?.show(text);
      }
    },
    /** Show beside the inputs what is wrong; a tone and a text each, by input. */
    showErrors: (inputs, errors) => {
      for (const [name, input] of Object.entries(inputs)) {
        input.say(...(refused.has(name) ? ["error", model.get("card_refusal")] : (errors[name] ?? ["", ""])));
      }
    },
    /** Forget what was typed: the inputs are others now. */
    reset: () => {
      for (const kept of [texts, edited]) for (const name of Object.keys(kept)) delete kept[name];
      for (const kept of [held, refused]) kept.clear();
      Object.assign(texts, model.get("values").texts);
    },
    end: () => {
      clearInterval(prompting);
      kernel.end();
    },
  };
}

/** Tell the kernel what is held back; false when it was a card number. */
const flush = (inputs) => Object.values(inputs).every((input) => input.flush());

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
function labelled({ name, label, required, help = "" }, input, id) {
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
/** An input for text, or for lines of it, which refuses card numbers. */
function textInput(field, id, on) {
  const secret = field.kind === "secret";
  const isWhole = field.kind === "address"; // the kernel splits it into its parts
  const hasLines = field.kind === "lines";
  const input = element(hasLines ? "textarea" : "input", {
    rows: hasLines ? 4 : undefined,
    type: hasLines ? undefined : secret ? "password" : "text", // "email" would change what was typed
    inputmode: { email: "email", tel: "tel", number: "numeric" }[field.kind],
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
    on.edit(input.value, { isRefused: true });
    return true;
  };
  const flush = () => {
    clearTimeout(pause);
    if (!held) return true;
    if (refuseCard()) return false;
    held = false;
    on.edit(input.value);
    return true;
  };
  input.addEventListener("input", (event) => {
    clearTimeout(pause);
    held = isTyping(event) && longestRun(input.value) > HELD_DIGITS;
    if (held) {
      pause = setTimeout(refuseCard, TYPING_PAUSE);
      on.edit(input.value, { isHeld: true });
    } else if (!refuseCard()) {
      on.edit(input.value);
      if (isWhole && event.inputType === "insertFromPaste") on.leave();
    }
  });
  input.addEventListener("paste", (event) => {
    const lines = event.clipboardData.getData("text").trim();
    // Else the browser does it well; it would join lines, and keep the tabs between cells.
    if (hasLines || !/[\r\n\t]/.test(lines)) return;
    event.preventDefault();
    const text = lines.replace(/\s*[\r\n\t]+\s*/g, isWhole ? ", " : " ");
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
      on.edit("");
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
    on.edit(input.value);
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
function tickInput({ name, label }, id, on) {
  const input = element("input", { type: "checkbox" });
  const part = inputBox(input, id, name, "clover-tick");
  part.box.append(element("div", {}, input, element("label", { for: id }, label)), part.note);
  input.addEventListener("change", () => on.edit(input.checked ? "yes" : ""));
  return { ...part, show: (text) => (input.checked = Boolean(text)) };
}

/** The input that a field asks for. `on` hears of edits, of Enter, and when it is left. */
function makeInput(field, id, on, countries = []) {
  const make = { choice: choiceInput, country: countryInput, tick: tickInput }[field.kind] ?? textInput;
  const input = make(field, `${id}-${field.name.replace(/[^\w.]/g, "-")}`, on, countries);
  if (field.options) input.offer(field.options);
  return input;
}
