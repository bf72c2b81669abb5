// For widgets that hold others.

/** The first element in `root` that matches, once it is there. */
async function waitFor(root, selector, frames = 300) {
  for (let frame = 0; frame < frames; frame += 1) {
    const found = root.querySelector(selector);
    if (found) return found;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return undefined;
}

/** A place for another widget, which can be exchanged. `show` resolves when it is there. */
function widgetPlace(manager) {
  const root = element("div", {});
  let wanted = "";
  let view;
  let shown;
  const exchange = async (id) => {
    view?.remove();
    view = undefined;
    if (!id) return;
    const made = await manager.create_view(await manager.get_model(id));
    await waitForRelease();
    if (id !== wanted) return made.remove(); // another one was wanted meanwhile
    view = made;
    root.replaceChildren(view.el);
    await waitFor(root, "button");
  };
  return {
    root,
    show: (id) => {
      if (id !== wanted) {
        wanted = id;
        shown = exchange(id);
      }
      return shown;
    },
    end: () => view?.remove(),
  };
}
