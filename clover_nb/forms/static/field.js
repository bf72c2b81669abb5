// One labelled input with a message. Every edit goes to the kernel as a message of its own: a
// synced trait would be held back while the kernel is busy, and a click on a button overtake it.

const HELD_DIGITS = 8; // the kernel sees at most these many of a card number that is being typed
const BULLETS = "••••••••••••";

function render({ model, el }) {
  const id = `clover-field-${Math.random().toString(36).slice(2)}`;
  const kind = model.get("kind");
  const secret = kind === "secret";
  const input = element("input", {
    id,
    type: secret ? "password" : "text", // "email" would change what was typed
    inputmode: { email: "email", tel: "tel" }[kind],
    autocomplete: "off",
    autocapitalize: kind === "text" ? undefined : "off",
    spellcheck: "false",
    "data-1p-ignore": secret, // a token is no password to keep
    "data-lpignore": secret,
    "aria-describedby": `${id}-note ${id}-help`,
  });
  const label = element("label", { for: id });
  const star = element("span", { class: "clover-star", "aria-hidden": "true" }, "*");
  const note = element("div", { id: `${id}-note`, class: "clover-message", role: "status" });
  const help = element("div", { id: `${id}-help`, class: "clover-help" });
  el.classList.add("clover-field");
  el.append(element("div", { class: "clover-label" }, label, star), input, note, help);

  let held = false; // whether the input holds what the kernel doesn't
  let pause;

  const showSetup = () => {
    label.textContent = model.get("label");
    star.hidden = !model.get("required");
    help.textContent = model.get("help");
    input.setAttribute("aria-required", model.get("required"));
    input.disabled = model.get("disabled");
    input.placeholder = secret && model.get("_filled") ? BULLETS : model.get("placeholder");
    input.classList.toggle("clover-filled", secret && model.get("_filled"));
  };
  const showMessage = () => {
    const message = model.get("message");
    note.textContent = message;
    el.dataset.tone = message ? model.get("tone") : "";
    input.setAttribute("aria-invalid", Boolean(message) && model.get("tone") === "error");
  };
  const showText = () => {
    if (!secret && input.value !== model.get("_text")) input.value = model.get("_text");
  };

  // Sets the model here too, without waiting for the kernel, which doesn't send it back.
  const tell = (event, text, message) => {
    held = text === undefined;
    if (!secret && !held) model.set("_text", text);
    model.set("message", message);
    if (message) model.set("tone", "error");
    model.send({ event, text });
  };
  const refuseCard = () => {
    const start = findCard(input.value);
    if (start < 0) return false;
    clearTimeout(pause);
    input.value = input.value.slice(0, start).trimEnd(); // what follows is its expiry and code
    tell("refused", input.value, model.get("_refusal"));
    return true;
  };
  // Tell what is held back; false when it was a card number.
  const flush = () => {
    clearTimeout(pause);
    if (!held) return true;
    if (refuseCard()) return false;
    tell("edit", input.value, "");
    return true;
  };
  const edited = (event) => {
    clearTimeout(pause);
    if (isTyping(event) && longestRun(input.value) > HELD_DIGITS) {
      tell("edit", undefined, "");
      pause = setTimeout(refuseCard, TYPING_PAUSE);
    } else if (!refuseCard()) {
      tell("edit", input.value, "");
    }
  };
  const pasted = (event) => {
    const lines = event.clipboardData.getData("text").trim();
    if (!/[\r\n]/.test(lines)) return; // the browser does it well, but would join lines
    event.preventDefault();
    const text = lines.replace(/\s*[\r\n]+\s*/g, " ");
    input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
    input.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste", bubbles: true }));
  };
  const pressed = (event) => {
    const plain = !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey);
    if (event.isComposing || !plain) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (flush()) model.send({ event: "submit" });
    } else if (event.key === "Escape") {
      flush();
      model.send({ event: "cancel" });
    } else if (event.key === "Backspace" && secret && !input.value && model.get("_filled")) {
      tell("edit", "", "");
    }
  };
  const asked = ({ do: what }) => {
    if (what === "focus") input.focus();
    if (what === "clear") {
      clearTimeout(pause);
      held = false;
      input.value = "";
    }
  };

  input.addEventListener("input", edited);
  input.addEventListener("paste", pasted);
  input.addEventListener("keydown", pressed);
  input.addEventListener("blur", flush);
  document.addEventListener("click", flush, true); // before any button hears of it
  const releaseKeys = keepKeys(el);
  const watched = [
    ["change:label change:required change:help change:disabled", showSetup],
    ["change:placeholder change:_filled", showSetup],
    ["change:message change:tone", showMessage],
    ["change:_text", showText],
    ["msg:custom", asked],
  ];
  for (const [events, show] of watched) model.on(events, show);
  showSetup();
  showMessage();
  showText();

  return () => {
    clearTimeout(pause);
    document.removeEventListener("click", flush, true);
    releaseKeys();
    for (const [events, show] of watched) model.off(events, show);
  };
}

export default { render };
