// For widgets that hold others.

/** A place for another widget, which can be exchanged. */
function widgetPlace(manager) {
  const root = element("div", {});
  let wanted = "";
  let view;
  return {
    root,
    show: async (id) => {
      if (id === wanted) return;
      wanted = id;
      view?.remove();
      view = undefined;
      if (!id) return;
      const made = await manager.create_view(await manager.get_model(id));
      if (id !== wanted) return made.remove(); // another one was wanted meanwhile
      view = made;
      root.replaceChildren(view.el);
    },
    end: () => view?.remove(),
  };
}
