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

/** Whether an input event comes from keys; everything else (paste, drop) arrives as a whole. */
function isTyping(event) {
  return /^(insertText|insertCompositionText|delete)/.test(event.inputType ?? "");
}

const TYPING_PAUSE = 500; // milliseconds after which a number counts as typed
