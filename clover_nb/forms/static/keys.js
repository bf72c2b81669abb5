// Shows nothing: guards the keys of the form that it is in, makes its messages live, and hears of
// the buttons in its texts.

/** Copy the request id that stands before a button; where that is not allowed, select it. */
async function copy(button) {
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

function render({ model, el }) {
  let release;
  el.hidden = true;
  // A form within the desk sees an event first; the desk passes over what was handled.
  const cancel = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) model.send({ do: "cancel" });
  };
  const press = (event) => {
    const button = event.target.closest("button[data-clover]");
    if (!button || event.defaultPrevented) return;
    event.preventDefault();
    if (button.dataset.clover === "copy") copy(button);
    else model.send({ do: "undo", entry: button.dataset.entry });
  };
  // The form comes into the page after its parts are made, and before anything in it has focus.
  const adopt = () => {
    const root = el.closest(".clover-form");
    if (release || !root) return;
    const releaseKeys = keepKeys(root);
    root.addEventListener("keydown", cancel);
    root.addEventListener("click", press);
    for (const live of root.querySelectorAll(".clover-live")) {
      live.setAttribute("aria-live", "polite");
    }
    release = () => {
      releaseKeys();
      root.removeEventListener("keydown", cancel);
      root.removeEventListener("click", press);
    };
  };
  const kinds = ["focusin", "pointerdown"];
  for (const kind of kinds) window.addEventListener(kind, adopt, true);
  return () => {
    for (const kind of kinds) window.removeEventListener(kind, adopt, true);
    release?.();
  };
}

export default { render };
