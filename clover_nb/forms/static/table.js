// One page of a table that the kernel searches, sorts and cuts into pages.

// A phone is found as it is typed; a longer number waits for Enter, as it may be a card's.
const LIVE_DIGITS = 11;
const MINUTE = 60_000;
const NARROWEST = 60; // pixels
const STEP = 40; // by which a column becomes wider

/** How long ago that was, in words. */
function age(seconds) {
  const minutes = Math.floor((Date.now() - seconds * 1000) / MINUTE);
  if (minutes < 1) return "read just now";
  return minutes < 120 ? `read ${minutes} min ago` : `read ${Math.floor(minutes / 60)} hours ago`;
}

/** What this person wants of the columns, kept in the browser: their keys in order, and widths. */
function columnSettings(name) {
  const place = `clover-nb.columns.${name}`;
  const nothing = { names: [], widths: {} };
  let kept = nothing;
  try {
    kept = { ...nothing, ...JSON.parse(localStorage.getItem(place)) };
  } catch {} // nothing can be kept, or it was written by somebody else
  return {
    get: () => kept,
    set: (changed) => {
      kept = { ...kept, ...changed };
      if (name) localStorage.setItem(place, JSON.stringify(kept));
    },
  };
}

function render({ model, el, link }) {
  const kernel = watchKernel(model, link, () => showGone());
  const id = `clover-table-${Math.random().toString(36).slice(2)}`;
  const noun = model.get("noun");
  const hint = noun === "customer" ? ": name, email, phone, city, last 4 of a card…" : "";
  const search = element("input", {
    type: "search",
    "aria-label": `Search ${noun}s`,
    "aria-describedby": `${id}-status`,
    placeholder: `Search${hint || ` ${noun}s`}`,
    autocomplete: "off",
    dir: "auto",
    spellcheck: "false",
  });
  const status = element("div", { id: `${id}-status`, class: "clover-status", role: "status" });
  const read = element("div", { class: "clover-status clover-age" });
  const heads = element("tr", {});
  const body = element("tbody", {});
  const table = element(
    "table",
    {
      role: "grid",
      tabindex: "-1",
      "aria-label": `${noun[0].toUpperCase()}${noun.slice(1)}s`,
      "aria-multiselectable": model.get("several"),
    },
    element("thead", {}, heads),
    body,
  );
  const turner = (name, sign, ask) => button(sign, ask, { title: name, "aria-label": name });
  // A step from where the kernel is by then: two quick clicks are two pages, however late it answers.
  const back = [
    turner("First page", "«", () => turn(0)),
    turner("Previous page", "‹", () => kernel.send({ do: "step", pages: -1 })),
  ];
  const forth = [
    turner("Next page", "›", () => kernel.send({ do: "step", pages: 1 })),
    turner("Last page", "»", () => turn(view().last)),
  ];
  const place = element("span", { class: "clover-place" });
  const pager = element("div", { class: "clover-pager", role: "group", "aria-label": "Pages" });
  pager.append(...back, place, ...forth);
  const views = element("select", { "aria-label": "Customers to show" });
  const columns = element("ul", {});
  const usual = smallButton("As at first", () => {
    settings.set({ widths: {} });
    want([]);
    for (const each of table.querySelectorAll(":is(th, td)[data-key]")) fit(each);
  });
  const chooser = element("details", { class: "clover-columns" }, element("summary", {}, "Columns"));
  chooser.append(columns, usual);
  const savers = Object.entries({ CSV: "csv", Excel: "xlsx" }).map(([label, kind]) =>
    smallButton(label, (made) => save(made, kind), `Save as ${label}`),
  );
  const tools = element("div", { class: "clover-tools" }, views, ...savers, chooser);
  const create = pressable("", () => kernel.send({ do: "create" }), "clover-create");
  const gone = element("div", { class: "clover-gone", role: "alert" });
  const showGone = () => {
    gone.textContent = kernel.trouble();
  };
  const scroll = element("div", { class: "clover-scroll" }, table);
  el.classList.add("clover-table");
  el.append(
    gone,
    element("div", { class: "clover-search" }, search, status, read),
    tools,
    create,
    scroll,
    pager,
  );

  const view = () => model.get("view");
  let asked = null; // the search that the kernel hasn't answered yet
  let shownQuery; // what the rows were found by that are shown
  let focusRow = null; // the row to move to when the next page is here
  let refused = false; // whether a card number was typed just now
  let pause;
  let prompting;

  // Searching: one question at a time, so that a slow kernel isn't left behind by the typing; and
  // again while no answer comes, as it may be lost on its way.
  const ask = (what) => {
    asked = search.value;
    clearInterval(prompting);
    prompting = setInterval(() => {
      if (asked === null || kernel.isGone()) clearInterval(prompting);
      else kernel.send({ do: what, text: asked });
    }, PROMPT);
    kernel.send({ do: what, text: asked });
  };
  const find = () => {
    if (asked === null && search.value !== view().query) ask("search");
  };
  const refuseCard = () => {
    const start = findCard(search.value);
    if (start < 0) return false;
    search.value = search.value.slice(0, start).trimEnd();
    refused = true;
    showStatus();
    find();
    return true;
  };
  const searched = (event) => {
    clearTimeout(pause);
    refused = false;
    showStatus();
    if (isTyping(event) && longestRun(search.value) > LIVE_DIGITS) {
      pause = setTimeout(refuseCard, TYPING_PAUSE);
    } else if (!refuseCard()) {
      find();
    }
  };
  const searchKey = (event) => {
    if (event.key === "Enter") {
      clearTimeout(pause);
      if (refuseCard()) return;
      if (search.value.trim()) openFirst();
      else find();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      focusOn(body.rows[0]);
    } else if (event.key === "Escape" && search.value) {
      event.preventDefault(); // browsers differ in what they do
      search.value = "";
      find();
    }
  };

  // The kernel searches and selects at once: a key that is pressed before its answer is about whom
  // it has found. The focus waits in the table.
  const openFirst = () => {
    if (asked === null && view().query === search.value) {
      if (view().matches) select(body.rows[0]);
      return focusOn(body.rows[0]);
    }
    ask("enter");
    table.focus();
  };

  const turn = (page) => kernel.send({ do: "page", page });
  const showStatus = () => {
    const { failure, status: found, matches } = view();
    const problem = refused ? model.get("card_refusal") : failure;
    const count = picked().ids.length;
    const { count: boxes } = ticked;
    const told = count > 1 ? `, ${count.toLocaleString("en")} selected` : "";
    const also = told + (boxes ? `, ${boxes.toLocaleString("en")} ticked` : "");
    showText(status, problem || (!matches && model.get("progress")) || found + also);
    status.dataset.tone = problem ? "error" : "";
  };

  const showAge = () => {
    const at = model.get("read_at");
    read.textContent = at ? age(at) : "";
    read.title = at ? new Date(at * 1000).toLocaleString() : "";
  };

  // Selecting: shown at once, then told. What the kernel has sent before it heard of the latest
  // click is out of date.
  let latest = model.get("selection");
  const picked = () => latest;
  const select = (row, { ctrlKey, metaKey, shiftKey } = {}) => {
    if (!row) return;
    const { ids, click } = picked();
    const key = row.dataset.id;
    const shown = [...body.rows].map((each) => each.dataset.id);
    const from = shown.indexOf(ids.at(-1));
    let wanted = [key];
    if (model.get("several") && (ctrlKey || metaKey)) {
      wanted = ids.includes(key) ? ids.filter((each) => each !== key) : [...ids, key];
    } else if (model.get("several") && shiftKey && from >= 0) {
      const [start, end] = [from, shown.indexOf(key)].sort((a, b) => a - b);
      const between = shown.slice(start, end + 1).filter((each) => each !== ids.at(-1) && each !== key);
      wanted = [...ids.filter((each) => each !== key), ...between, key];
    }
    if (String(wanted) === String(ids)) return;
    latest = { ids: wanted, click: click + 1 };
    showSelection();
    kernel.send({ do: "select", ...latest });
  };
  const hearSelection = () => {
    const heard = model.get("selection");
    if (heard.click >= latest.click) latest = heard;
    showSelection();
  };

  // Ticking: as selecting, but for what is ticked on other pages, which the kernel knows.
  const canTick = model.get("can_tick");
  let ticked = model.get("ticks");
  const tick = (row, on) => {
    if (model.get("several")) return select(row, { ctrlKey: true });
    const key = row.dataset.id;
    const ids = ticked.ids.filter((each) => each !== key);
    const count = ticked.count + (on ? 1 : -1);
    ticked = { ids: on ? [...ids, key] : ids, count, click: ticked.click + 1 };
    showSelection();
    kernel.send({ do: "tick", id: key, on, click: ticked.click });
  };
  const tickAll = (on) => {
    const click = (model.get("several") ? latest : ticked).click + 1;
    kernel.send({ do: "tick_all", on, click });
  };
  const hearTicks = () => {
    const heard = model.get("ticks");
    if (heard.click >= ticked.click) ticked = heard;
    showSelection();
  };
  const box = (label, changed) => {
    const made = element("input", { type: "checkbox", "aria-label": label });
    made.addEventListener("change", () => changed(made.checked));
    return made;
  };
  const clicked = (event) => {
    if (event.target.closest("input")) return; // a box is ticked, no row selected
    if (String(window.getSelection())) return; // marking a text, to copy it
    const row = event.target.closest("tr");
    select(row, event);
    focusOn(row);
  };
  const keepUnmarked = (event) => {
    if (event.shiftKey && model.get("several")) event.preventDefault(); // rows are meant, no text
  };
  const focusOn = (row) => {
    if (!row) return;
    for (const other of body.rows) {
      other.tabIndex = other === row ? 0 : -1;
      if (canTick) other.querySelector("input").tabIndex = other.tabIndex;
    }
    row.focus({ preventScroll: true }); // to the side: a row is wider than what is seen of it
    row.cells[0].scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const rowKey = (event) => {
    const row = event.target.closest("tr");
    const rows = [...body.rows];
    const { page, last } = view();
    const move = (step) => {
      const next = rows[rows.indexOf(row) + step];
      if (next) return focusOn(next);
      if (page + step < 0 || page + step > last) return undefined;
      focusRow = step > 0 ? 0 : -1;
      return turn(page + step);
    };
    const jump = (to) => {
      focusRow = 0;
      turn(to);
    };
    const actions = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Home: () => focusOn(rows.at(0)),
      End: () => focusOn(rows.at(-1)),
      PageDown: () => page < last && jump(page + 1),
      PageUp: () => page > 0 && jump(page - 1),
      Enter: () => select(row, event),
      " ": () => select(row, event),
    };
    if (!actions[event.key] || event.altKey) return;
    if (event.key === " " && event.target !== row) return; // of a box
    if ((event.ctrlKey || event.metaKey) && event.key !== " ") return;
    event.preventDefault();
    actions[event.key]();
  };

  // Columns: which, in what order, and how wide.
  const settings = columnSettings(model.get("kept_as"));
  const keyed = (key) => `[data-key="${CSS.escape(key)}"]`;
  // As with selecting: what the kernel has sent before it heard of the latest choice is out of date.
  const hearColumns = () => ({ names: view().columns.map(({ key }) => key), click: view().columns_click });
  let chosen = hearColumns();
  const want = (names) => {
    settings.set({ names });
    chosen = { names: names.length ? names : chosen.names, click: chosen.click + 1 };
    kernel.send({ do: "columns", names, click: chosen.click });
    showChoices();
  };
  const widen = (key, width) => {
    settings.set({ widths: { ...settings.get().widths, [key]: Math.max(NARROWEST, Math.round(width)) } });
    for (const each of table.querySelectorAll(`:is(th, td)${keyed(key)}`)) fit(each);
  };
  const fit = (cell) => {
    const width = settings.get().widths[cell.dataset.key];
    cell.style.minWidth = cell.style.maxWidth = width ? `${width}px` : "";
    return cell;
  };
  const grip = (key) => {
    const made = element("span", { class: "clover-grip", "aria-hidden": "true" });
    made.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      made.setPointerCapture(event.pointerId);
      const start = made.parentElement.offsetWidth - event.clientX;
      made.onpointermove = (moved) => widen(key, start + moved.clientX);
    });
    made.addEventListener("pointerup", () => {
      made.onpointermove = null;
    });
    return made;
  };
  const columnChoice = ([key, label]) => {
    const { names } = chosen;
    const place = names.indexOf(key);
    const tick = element("input", { type: "checkbox" });
    tick.checked = place >= 0;
    tick.disabled = tick.checked && names.length === 1;
    tick.addEventListener("change", () =>
      want(tick.checked ? [...names, key] : names.filter((each) => each !== key)),
    );
    const press = (sign, words, act) => smallButton(sign, act, `${words} ${label}`);
    const move = (sign, words, step) => {
      const others = names.filter((each) => each !== key);
      const made = press(sign, words, () => want(others.toSpliced(place + step, 0, key)));
      made.disabled = !names[place + step];
      return made;
    };
    const size = (sign, words, step) =>
      press(sign, words, () => widen(key, (heads.querySelector(keyed(key))?.offsetWidth ?? 0) + step));
    const buttons = [
      move("↑", "Earlier:", -1),
      move("↓", "Later:", 1),
      size("−", "Narrower:", -STEP),
      size("+", "Wider:", STEP),
    ];
    const item = element("li", { "data-key": key }, element("label", {}, tick, ` ${label}`));
    if (place >= 0) item.append(...buttons);
    [...item.querySelectorAll("input, button")].forEach((each, number) => (each.dataset.place = number));
    return item;
  };
  const showChoices = () => {
    const active = columns.contains(document.activeElement) ? document.activeElement : null;
    const [key, place] = [active?.closest("li").dataset.key, active?.dataset.place];
    columns.replaceChildren(...(chooser.open ? model.get("offered").map(columnChoice) : []));
    const same = [...columns.children].find((each) => each.dataset.key === key);
    const parts = [...(same?.querySelectorAll("[data-place]:enabled") ?? [])];
    (parts.find((each) => each.dataset.place === place) ?? parts[0])?.focus();
  };

  // Views, files, and a new customer by what nobody was found by.
  const showViews = () => {
    const offered = model.get("views");
    const option = ([name, count]) =>
      element("option", { value: name }, `${name} (${count.toLocaleString("en")})`);
    const all = element("option", { value: "" }, "All customers");
    redraw(views, offered, () => [all, ...offered.map(option)]); // not while somebody chooses
    views.value = view().view;
    views.hidden = !offered.length;
  };
  const save = (pressed, kind) => {
    for (const each of savers) each.disabled = true;
    pressed.textContent = "Saving…";
    kernel.send({ do: "save", kind });
  };
  const showSaved = () => {
    savers.forEach((each, place) => {
      each.disabled = false;
      each.textContent = ["CSV", "Excel"][place];
    });
  };
  const receive = (message, buffers) => {
    showSaved();
    download(message.file, buffers[0]);
  };

  const head = ({ key, label }, place) => {
    const { sort, descending } = view();
    const way = sort !== key ? "none" : descending ? "descending" : "ascending";
    const sorter = button(label, () => kernel.send({ do: "sort", column: key }), { "data-key": key });
    const made = fit(element("th", { scope: "col", "aria-sort": way, "data-key": key }, sorter, grip(key)));
    if (canTick && place === 0) made.prepend(box(`All ${noun}s found`, tickAll));
    return made;
  };
  const cell = (text, place) =>
    fit(
      element(
        "td",
        { title: text, "data-key": view().columns[place].key },
        element("bdi", {}, plainText(text)), // of its own direction, whatever stands beside it
      ),
    );
  const row = (cells, place) => {
    const { ids, first } = view();
    const made = element("tr", { "aria-rowindex": first + place + 2 }, ...cells.map(cell));
    made.dataset.id = ids[place];
    if (canTick) made.cells[0].prepend(box(`Tick ${cells[0]}`, (on) => tick(made, on)));
    return made;
  };
  const showSelection = () => {
    const rows = [...body.rows];
    const { ids } = picked();
    const isChosen = (each) => ids.includes(each.dataset.id);
    const last = rows.find((each) => each.dataset.id === ids.at(-1));
    for (const each of rows) each.setAttribute("aria-selected", isChosen(each));
    for (const each of rows) each.tabIndex = each === (last ?? rows[0]) ? 0 : -1;
    if (canTick) showTicks(rows, model.get("several") ? ids : ticked.ids);
    showStatus();
  };
  const showTicks = (rows, ids) => {
    for (const each of rows) {
      const made = each.querySelector("input");
      made.checked = ids.includes(each.dataset.id);
      made.tabIndex = each.tabIndex;
    }
    const all = heads.querySelector("input");
    const count = model.get("several") ? ids.length : ticked.count;
    if (all) all.checked = count > 0 && rows.every((each) => ids.includes(each.dataset.id));
    if (all) all.indeterminate = count > 0 && !all.checked;
  };
  const draw = () => {
    const { columns, rows, matches, page, last, query, failure } = view();
    const active = el.contains(document.activeElement) ? document.activeElement : null;
    const activeHead = active?.dataset?.key;
    const before = String(chosen.names);
    const activeRow = body.contains(active) ? active.closest("tr") : null;
    const { sectionRowIndex: activePlace } = activeRow ?? {};
    heads.replaceChildren(...columns.map(head));
    body.replaceChildren(...rows.map(row));
    table.setAttribute("aria-rowcount", matches + 1);
    showSelection();
    place.textContent = `Page ${(page + 1).toLocaleString("en")} of ${(last + 1).toLocaleString("en")}`;
    pager.hidden = last === 0;
    create.hidden = !view().create;
    create.textContent = `Create “${query.trim()}”`;
    if (view().columns_click >= chosen.click) chosen = hearColumns();
    if (String(chosen.names) !== before) showChoices();
    showViews();
    if (failure) showSaved();
    for (const each of back) each.disabled = page === 0;
    for (const each of forth) each.disabled = page === last;

    const shownRows = [...body.rows];
    const wanted = focusRow ?? activePlace;
    const same = focusRow === null && shownRows.find(({ dataset }) => dataset.id === activeRow?.dataset.id);
    if (wanted !== undefined) focusOn(same || (shownRows.at(wanted) ?? shownRows[0]));
    else if (activeHead) heads.querySelector(`button${keyed(activeHead)}`)?.focus();
    focusRow = null;

    if (failure && asked !== null) {
      const failed = asked;
      asked = null;
      if (search.value !== failed) find(); // what was typed meanwhile
    } else if (asked === query) {
      asked = null;
      if (longestRun(search.value) <= LIVE_DIGITS) find();
    } else if (asked === null && (document.activeElement !== search || query !== shownQuery)) {
      search.value = query; // another page has searched, or a cell
    }
    shownQuery = query;
    if (document.activeElement === table && asked === null) {
      focusOn([...body.rows].find((each) => each.ariaSelected === "true") ?? body.rows[0]);
      if (!body.rows.length) search.focus();
    }
  };

  search.addEventListener("input", searched);
  search.addEventListener("keydown", searchKey);
  search.addEventListener("focus", () => kernel.send({ do: "prepare" }));
  views.addEventListener("focus", () => kernel.send({ do: "count" }));
  views.addEventListener("change", () => kernel.send({ do: "view", name: views.value }));
  chooser.addEventListener("toggle", showChoices);
  chooser.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !chooser.open) return;
    event.preventDefault();
    chooser.open = false;
    chooser.querySelector("summary").focus();
  });
  body.addEventListener("mousedown", keepUnmarked);
  body.addEventListener("click", clicked);
  body.addEventListener("keydown", rowKey);
  const releaseKeys = keepKeys(el);
  const handlers = {
    "change:view": draw,
    "change:selection": hearSelection,
    "change:ticks": hearTicks,
    "change:progress": showStatus,
    "change:views": showViews,
    "change:offered": showChoices,
    "change:read_at": showAge,
  };
  for (const [event, handler] of Object.entries(handlers)) model.on(event, drawWhenReleased(handler));
  model.on("msg:custom", receive);
  const clock = setInterval(showAge, MINUTE / 4);
  showAge();
  showGone();
  search.value = view().query;
  draw();
  if (settings.get().names.length && String(settings.get().names) !== String(chosen.names)) {
    want(settings.get().names);
  }

  return () => {
    clearTimeout(pause);
    clearInterval(prompting);
    clearInterval(clock);
    releaseKeys();
    kernel.end();
  };
}

export default { render };
