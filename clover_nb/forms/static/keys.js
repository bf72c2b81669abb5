// Shows nothing: guards the keys of the form that it is in, and makes its messages live.

function render({ model, el }) {
  let release;
  el.hidden = true;
  const cancel = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) model.send({ do: "cancel" });
  };
  // The form comes into the page after its parts are made, and before anything in it has focus.
  const adopt = () => {
    const root = el.closest(".clover-form");
    if (release || !root) return;
    const releaseKeys = keepKeys(root);
    root.addEventListener("keydown", cancel);
    for (const live of root.querySelectorAll(".clover-live")) {
      live.setAttribute("aria-live", "polite");
    }
    release = () => {
      releaseKeys();
      root.removeEventListener("keydown", cancel);
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
