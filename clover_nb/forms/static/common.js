// Put in front of each widget's own script: the module of a widget is one text.

/** An element with these attributes; children are elements or text, never markup. */
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * Keep what is typed inside `root` from the notebook, where Escape and then `d d` deletes a cell.
 * Lab may look at keys before any element does, and passes over those from an element marked so.
 * Saving still goes to Lab. Returns a function that undoes it.
 */
function keepKeys(root) {
  const saves = ({ ctrlKey, metaKey, key }) => (ctrlKey || metaKey) && key.toLowerCase() === "s";
  const mark = (event) => root.toggleAttribute("data-lm-suppress-shortcuts", !saves(event));
  const stop = (event) => saves(event) || event.stopPropagation();
  // A key that is held presses once: by then what it has opened has the focus, and would be pressed too.
  const pressOnce = (event) => {
    if (!event.repeat || event.key !== "Enter" || event.target.closest("textarea")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const kinds = ["keydown", "keypress", "keyup"];
  window.addEventListener("keydown", mark, true);
  root.addEventListener("keydown", pressOnce, true);
  for (const kind of kinds) root.addEventListener(kind, stop);
  return () => {
    window.removeEventListener("keydown", mark, true);
    root.removeEventListener("keydown", pressOnce, true);
    for (const kind of kinds) root.removeEventListener(kind, stop);
  };
}

/** Whether an input event comes from keys; everything else (paste, drop) arrives as a whole. */
function isTyping(event) {
  return /^(insertText|insertCompositionText|delete)/.test(event.inputType ?? "");
}

const TYPING_PAUSE = 500; // milliseconds after which a number counts as typed

/** Put a text on the clipboard, and say so; where that is not allowed, it stands there, selected. */
async function copyText(text, told) {
  try {
    await navigator.clipboard.writeText(text); // there on https and localhost alone
    told.textContent = "Copied";
  } catch {
    const shown = element("span", { class: "clover-copied" }, text);
    told.replaceChildren("Selected: copy it with Ctrl+C: ", shown);
    getSelection().selectAllChildren(shown);
  }
}

/** Copy the request id that stands before a button. */
const copyRequestId = ({ parentElement: place }) =>
  copyText(place.querySelector("code").textContent, place.querySelector("[role=status]"));

const isDeskPage = () => "cloverDesk" in document.body.dataset; // and no cell of a notebook

/** A text whose signs that turn the direction around are seen: else a name reads as another. */
const plainText = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

/** Show a text, unless it is there already: else a screen reader reads it again. */
function showText(place, text) {
  const shown = plainText(text);
  if (place.textContent !== shown) place.textContent = shown;
}

/** Show a heading of the kernel's; in the desk's page, which has no other, it has this level. */
function showHeading(place, html, level) {
  showHtml(place, isDeskPage() ? html.replace(/(<\/?)h3\b/g, `$1h${level}`) : html);
}

/** Make the children of a place anew, but only when what they show has changed: so the focus stays. */
function redraw(place, shown, make) {
  const text = JSON.stringify(shown);
  if (place.dataset.drawn === text) return;
  place.dataset.drawn = text;
  place.replaceChildren(...make());
}

/** A button; one that is disabled for a while, by `aria-disabled`, keeps the focus. */
function button(label, press, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", () => {
    if (made.getAttribute("aria-disabled") !== "true") press(made);
  });
  return made;
}

/** A button in the look of a form's. */
const pressable = (label, press, kind = "") => button(label, press, { class: `clover-button ${kind}` });

/** One that stands within something else; `words` are said where its label is short. */
const smallButton = (label, press, words = undefined) =>
  button(label, press, { class: "clover-small", "aria-label": words });

/** Give the person a file. */
function download(name, content) {
  const address = URL.createObjectURL(new Blob([content]));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Show HTML that the kernel has escaped, unless it is there already: else it is read again. */
function showHtml(place, html) {
  if (place.dataset.shown === html) return;
  place.dataset.shown = html;
  place.innerHTML = plainText(html);
  for (const time of place.querySelectorAll("time")) showLocalTime(time);
}

// As 2026-01-31 15:04 CET, which Swedish alone has.
const TIME_PARTS = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };

/** Show a moment in the person's own time zone, which it names; UTC is under the mouse. */
function showLocalTime(time) {
  time.title = time.textContent;
  time.textContent = new Date(time.dateTime).toLocaleString("sv", { ...TIME_PARTS, timeZoneName: "short" });
}

const PRESSED = ".clover-form:active, .clover-table:active"; // by a mouse button or the space bar
const LONGEST_PRESS = 10_000; // milliseconds; of a menu of the browser's own, no end may be told

/** Resolves when nothing of ours is pressed any more; a click comes before. */
async function waitForRelease() {
  const end = performance.now() + LONGEST_PRESS;
  while (document.querySelector(PRESSED) && performance.now() < end) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

/**
 * A function that calls `draw`, but never while something is pressed: what is made anew then, or moves
 * away from under the pointer, would lose the click.
 */
function drawWhenReleased(draw) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    if (!document.querySelector(PRESSED)) return draw();
    isWaiting = true;
    waitForRelease().then(() => {
      isWaiting = false;
      draw();
    });
  };
}

const CELL_GONE = "The kernel was restarted or is gone. Run this cell again to go on.";
const PAGE_GONE = "The desk's own process has ended. Reload the page to go on.";
/** Change what `root` shows; a focus that is lost by it goes to the first of `next` that can have it. */
function keepFocus(root, change, next) {
  const held = document.activeElement;
  const isUsable = (each) => root.contains(each) && each.checkVisibility() && !each.matches(":disabled");
  if (!root.contains(held)) return change();
  change();
  if (!isUsable(document.activeElement)) next(held).find(isUsable)?.focus();
}

const SUPERSEDED =
  "This cell was run again in another window, so this has ended. What was typed can still be copied; run the cell here to go on.";

/** Leave what a widget of this output shows, to be read: the kernel is about to close it. */
export function keepText(el) {
  const output = el.closest(".jp-OutputArea-child");
  if (!output || el.parentElement.closest(".clover-form")) return;
  const kept = el.cloneNode(true);
  for (const each of kept.querySelectorAll("iframe, input[type=password]")) each.remove();
  for (const each of kept.querySelectorAll("button, select, input, textarea")) {
    if (each.matches("button, select, [type=checkbox], [type=radio]")) each.disabled = true;
    else each.readOnly = true;
    each.setAttribute("aria-disabled", each.disabled); // as a button in its look
  }
  kept.querySelector(".clover-gone").textContent = SUPERSEDED;
  output.append(element("div", { class: "jp-OutputArea-output" }, kept));
  el.hidden = true;
}

const PROMPT = 4_000; // milliseconds after which the kernel is asked again for what it has not begun
const PATIENCE = 15_000; // milliseconds after which a kernel that doesn't answer counts as gone

/** Sends to the kernel, and knows whether it is gone or silent; `changed` hears of both. */
function watchKernel(model, link, changed) {
  const state = { isGone: !link.isAlive(), isSilent: false };
  let silence;
  const heard = () => {
    clearTimeout(silence);
    silence = undefined;
    if (!state.isSilent) return;
    state.isSilent = false;
    changed();
  };
  const alive = () => {
    state.isGone = !link.isAlive();
    changed();
  };
  model.on("change", heard);
  link.onChange(alive);
  return {
    isGone: () => state.isGone,
    trouble: () => {
      if (state.isGone) return isDeskPage() ? PAGE_GONE : CELL_GONE;
      return state.isSilent ? "The kernel does not answer: it is busy or gone." : "";
    },
    send: (content, buffers) => {
      try {
        model.send(content, undefined, buffers);
      } catch {
        state.isGone = true;
        changed();
      }
      silence ??= setTimeout(() => {
        state.isSilent = true;
        changed();
      }, PATIENCE);
    },
    end: () => {
      clearTimeout(silence);
      link.offChange(alive);
    },
  };
}
