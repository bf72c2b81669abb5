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
  const kinds = ["keydown", "keypress", "keyup"];
  window.addEventListener("keydown", mark, true);
  for (const kind of kinds) root.addEventListener(kind, stop);
  return () => {
    window.removeEventListener("keydown", mark, true);
    for (const kind of kinds) root.removeEventListener(kind, stop);
  };
}

// The numbers of the issuers (ISO/IEC 7812): how they begin, and how long they are.
const ISSUED = new RegExp(
  "^(" +
    [
      "4(\\d{12}|\\d{15}|\\d{18})", // Visa
      "(5[1-5]\\d{2}|222[1-9]|22[3-9]\\d|2[3-6]\\d{2}|27[01]\\d|2720)\\d{12}", // Mastercard
      "3[47]\\d{13}", // American Express
      "3(0[0-5]|[689]\\d)\\d{11}", // Diners Club
      "(6011|64[4-9]\\d|65\\d{2})\\d{12,15}", // Discover
      "35(2[89]|[3-8]\\d)\\d{12,15}", // JCB
      "62\\d{14,17}", // UnionPay
    ].join("|") +
    ")$",
);
const GAP = "[\\s.\\u2010-\\u2015-]{0,3}";
const RUN = new RegExp(`\\+?\\d(?:${GAP}\\d)*`, "g");
const LONGEST_PHONE = 15; // E.164

function passesLuhn(digits) {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** Runs of digits as people write them, in groups; a number with a plus is a phone. */
function digitRuns(text) {
  const plain = text.replace(/[\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/g, (digit) =>
    String(digit.charCodeAt(0) & 15), // Arabic, Persian and full-width digits
  );
  return [...plain.matchAll(RUN)]
    .map((run) => ({ start: run.index, plus: run[0][0] === "+", groups: run[0].match(/\d+/g) }))
    .map((run) => ({ ...run, digits: run.groups.join("") }))
    .filter((run) => !run.plus || run.digits.length > LONGEST_PHONE);
}

/** Whether there is a card number in a run, alone or with its expiry and code behind it. */
function holdsCard({ digits, groups }) {
  const isCard = (number) => ISSUED.test(number) && passesLuhn(number);
  const startsHere = (_, first) => {
    let number = "";
    return (
      groups[first].length >= 4 && // as cards are written; not two phones in a row
      groups.slice(first).some((group) => isCard((number += group)))
    );
  };
  return isCard(digits) || groups.some(startsHere);
}

/** Where the first card number of a text begins, or -1. */
function findCard(text) {
  return digitRuns(text).find(holdsCard)?.start ?? -1;
}

/** How many digits the longest run has: a card number that is being typed has more and more. */
function longestRun(text) {
  return Math.max(0, ...digitRuns(text).map((run) => run.digits.length));
}

/** Whether an input event comes from keys; everything else (paste, drop) arrives as a whole. */
function isTyping(event) {
  return /^(insertText|insertCompositionText|delete)/.test(event.inputType ?? "");
}

const TYPING_PAUSE = 500; // milliseconds after which a number counts as typed

/** Copy the request id that stands before a button; where that is not allowed, select it. */
async function copyRequestId(button) {
  const code = button.parentElement.querySelector("code");
  let told = "Copied";
  try {
    await navigator.clipboard.writeText(code.textContent); // there on https and localhost alone
  } catch {
    getSelection().selectAllChildren(code);
    told = "Selected: copy it with Ctrl+C";
  }
  button.parentElement.querySelector("[role=status]").textContent = told;
}

/** Show HTML that the kernel has escaped, unless it is there already: else it is read again. */
function showHtml(place, html) {
  if (place.dataset.shown === html) return;
  place.dataset.shown = html;
  place.innerHTML = html;
}

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
      if (state.isGone) return "The kernel was restarted or is gone. Run this cell again to go on.";
      return state.isSilent ? "The kernel does not answer: it is busy or gone." : "";
    },
    send: (content) => {
      try {
        model.send(content);
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
      model.off("change", heard);
      link.offChange(alive);
    },
  };
}
