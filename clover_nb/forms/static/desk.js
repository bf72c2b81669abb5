// The desk: draws what the kernel says, with a place for the table and for each form.

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

/** The first element in `root` that matches, once it is there. */
async function waitFor(root, selector) {
  for (let frame = 0; frame < 300; frame += 1) {
    const found = root.querySelector(selector);
    if (found) return found;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return undefined;
}

function button(label, press, kind = "") {
  const made = element("button", { type: "button", class: `clover-button ${kind}` }, label);
  made.addEventListener("click", press);
  return made;
}

function render({ model, el, link }) {
  const kernel = watchKernel(model, link, () => showGone());
  const manager = model.widget_manager;
  const [table, form, undo] = [1, 2, 3].map(() => widgetPlace(manager));
  const [heading, who, details, history] = [1, 2, 3, 4].map(() => element("div", {}));
  const gone = element("div", { class: "clover-gone", role: "alert" });
  const open = (name) => button(name, () => kernel.send({ do: "open", name }));
  const openers = ["New customer", ...model.get("actions")].map(open);
  const refresh = button("Refresh", () => kernel.send({ do: "refresh" }));
  const status = element("div", { class: "clover-live", "aria-live": "polite" });
  const [create, ...about] = openers;
  const bar = element("div", { class: "clover-actions" }, create, refresh, status);
  const actions = element("div", { class: "clover-actions" }, ...about);
  const nobody = element("p", { class: "clover-quiet" }, "Select a customer in the table.");
  const record = element("section", {
    class: "clover-record",
    tabindex: "-1", // has the focus when what had it is gone
    "aria-label": "Selected customer",
  });
  record.append(nobody, who, actions, form.root, details, history, undo.root);
  const list = element("section", { "aria-label": "All customers" }, table.root);
  const body = element("div", { class: "clover-panes" }, list, record);
  el.append(heading, gone, bar, body);
  el.classList.add("clover-form", "clover-desk");

  const showGone = () => {
    gone.textContent = kernel.trouble();
    for (const each of [create, refresh, ...about]) each.disabled = kernel.isGone();
  };
  let trigger = record; // the button that was pressed last
  const showAll = () => {
    const isNew = model.get("opened") === create.textContent;
    const isSomebody = Boolean(model.get("who")) && !isNew;
    showHtml(heading, model.get("heading"));
    showHtml(status, model.get("status"));
    showHtml(who, model.get("who"));
    showHtml(details, model.get("details"));
    showHtml(history, model.get("history"));
    for (const part of [who, actions, details, history, undo.root]) part.hidden = !isSomebody;
    nobody.hidden = isSomebody || isNew;
    refresh.textContent = model.get("reading") ? "Reading…" : "Refresh";
    for (const each of openers) each.setAttribute("aria-expanded", each.textContent === model.get("opened"));
    table.show(model.get("table_id"));
    form.show(model.get("form_id"));
    undo.show(model.get("undo_id"));
    showGone();
  };
  const show = () => keepFocus(el, showAll, () => [trigger, record]);
  const pressed = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) kernel.send({ do: "escape" });
  };
  const clicked = async (event) => {
    const pressed = event.target.closest("button");
    if (!pressed || [table, form, undo].some(({ root }) => root.contains(pressed))) return;
    trigger = pressed;
    if (!pressed.dataset.clover) return;
    if (pressed.dataset.clover === "copy") return copyRequestId(pressed);
    kernel.send({ do: pressed.dataset.clover, entry: pressed.dataset.entry });
    if (pressed.dataset.clover !== "undo") return;
    const submit = await waitFor(undo.root, ".clover-primary");
    submit?.focus();
  };

  const releaseKeys = keepKeys(el);
  el.addEventListener("keydown", pressed);
  undo.root.addEventListener("keydown", pressed, true); // before the form, which keeps its keys
  el.addEventListener("click", clicked);
  model.on("change", show);
  show();

  return () => {
    for (const place of [table, form, undo]) place.end();
    releaseKeys();
    kernel.end();
    model.off("change", show);
  };
}

export default { render };
