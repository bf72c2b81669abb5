// Many changes: steps on one page; the one that is open is worked on.

const CHUNK = 2 ** 20; // bytes; a message of more than 10 MB is dropped on its way

let many = 0;

function render({ model, el, link }) {
  const values = typedValues(model, link, () => show());
  const id = `clover-many-${(many += 1)}`;
  const order = model.get("steps").map(([name]) => name);
  const asksFile = order.includes("file");
  const inputs = {}; // by name; those that are not shown any more keep what they held
  values.reset();

  const ask = (what, more) => flush(inputs) && values.ask(what, more);
  const asker = (label, what, more, kind) => pressable(label, () => ask(what, more), kind);
  const add = (field) => {
    const { name } = field;
    inputs[name]?.end();
    inputs[name] = makeInput(field, id, {
      edit: (text, how) => values.edit({ [name]: text }, how),
      enter: () => ask(name === "header" ? "read" : "plan"),
      leave: () => {},
    });
    inputs[name].show(values.texts[name] ?? "");
    return inputs[name].box;
  };
  const box = (kind, ...children) => element("div", { class: kind }, ...children);
  const actions = (...buttons) => box("clover-actions", ...buttons);

  // -- the steps ---------------------------------------------------------------------------------

  const sections = {};
  for (const [place, [name, words]] of model.get("steps").entries()) {
    const title = { id: `${id}-${name}`, class: "clover-step-title", tabindex: "-1" };
    const head = element(isDeskPage() ? "h3" : "h4", title, `${place + 1}. ${words}`);
    const summary = element("span", { class: "clover-summary", dir: "auto" });
    const back = asker("Change", "go", { step: name }, "clover-small");
    back.setAttribute("aria-label", `Change: ${words}`);
    const problem = element("div", { class: "clover-note clover-error", role: "alert" });
    const body = box("clover-step-body", problem);
    const section = element("section", { class: "clover-step", "aria-labelledby": head.id });
    section.append(box("clover-step-head", head, summary, back), body);
    sections[name] = { section, head, summary, back, problem, body };
  }
  const fill = (name, ...children) => sections[name].body.append(...children);
  const places = {
    reading: box("clover-grid"),
    columns: box("clover-headings"),
    matching: box("clover-grid"),
    doubts: box(""),
    confirm: box(""),
  };
  const notes = { columns: box("clover-quiet"), review: box("clover-quiet") };

  const offer = element("span", {});
  const offered = actions(offer, asker("Show it", "open"));
  const uploading = element("div", { class: "clover-quiet", role: "status" });
  let sending; // the file that goes to the kernel
  let uploads = 0;
  let unsent = ""; // why the kernel gets nothing of what was chosen last
  const sayUnsent = (told) => {
    unsent = told;
    showText(sections.file.problem, told);
  };
  const send = (blob, name) => {
    const most = model.get("max_bytes");
    const isLarge = blob.size > most;
    const told = `${name} has more than ${most / 2 ** 20} MB: divide it into several files.`;
    sayUnsent(isLarge ? told : "");
    if (isLarge) return;
    sending = { blob, name, upload: `${values.view}-${(uploads += 1)}` };
    sendPart(0);
  };
  const sendPart = async (start) => {
    const { blob, name, upload } = sending;
    const percent = Math.floor((100 * start) / blob.size);
    uploading.textContent = blob.size > CHUNK ? `Sending ${name}: ${percent}%` : "";
    const part = await blob.slice(start, start + CHUNK).arrayBuffer().catch(() => undefined);
    if (upload !== sending?.upload) return; // another one was chosen meanwhile
    if (part?.byteLength !== Math.min(CHUNK, blob.size - start)) {
      sending = undefined;
      uploading.textContent = "";
      const told = `${name} can not be read: it has changed since it was chosen, or is a folder. Choose it again.`;
      return sayUnsent(told);
    }
    values.send("chunk", { upload, name, size: blob.size, start }, [part]);
  };
  const sendMore = () => {
    const { id: upload, received } = model.get("upload");
    if (upload !== sending?.upload) return;
    if (received < sending.blob.size) return sendPart(received);
    uploading.textContent = "";
    sending = undefined;
  };
  const chooseFile = () => {
    const picker = element("input", { type: "file", id: `${id}-picker`, accept: ".csv,.xlsx,.tsv,.txt" });
    picker.addEventListener("change", () => {
      if (picker.files[0]) send(picker.files[0], picker.files[0].name);
      picker.value = ""; // the same one can be chosen again, once it was mended
    });
    const label = element("label", { for: picker.id }, "Choose a file, or drop it here");
    const choose = box("clover-drop", label, picker, box("clover-help", "CSV or Excel (.xlsx), up to 64 MB"));
    for (const kind of ["dragover", "dragleave", "drop"]) {
      choose.addEventListener(kind, (event) => {
        event.preventDefault();
        choose.classList.toggle("clover-over", kind === "dragover");
        const file = kind === "drop" && event.dataTransfer.files[0];
        if (file) send(file, file.name);
      });
    }
    return choose;
  };
  const pasteCells = () => {
    const cells = element("textarea", { id: `${id}-cells`, rows: "4", spellcheck: "false", wrap: "off" });
    const use = () => {
      if (cells.value.trim()) send(new Blob([cells.value]), "pasted cells");
      else sayUnsent("There is nothing pasted yet.");
    };
    cells.addEventListener("input", ({ inputType }) => inputType === "insertFromPaste" && use());
    const words = "Or paste cells from a spreadsheet, headings included";
    const label = element("label", { for: cells.id }, words);
    return box("clover-field", label, cells, pressable("Use these cells", use));
  };

  const planning = actions(asker("Review the changes", "plan", {}, "clover-primary"));
  if (asksFile) {
    const otherwise = element("details", { class: "clover-quiet" });
    const words = element("summary", {}, "The file was read wrong");
    otherwise.append(words, places.reading, actions(asker("Read it again", "read")));
    fill("file", offered, box("clover-sources", chooseFile(), pasteCells()), uploading);
    const heads = box("clover-quiet", "Your columns, which field each is, and some of its values:");
    fill("columns", heads, places.columns, notes.columns, places.matching, planning, otherwise);
  } else {
    fill("set", places.matching, planning);
  }

  const counts = element("div", { class: "clover-actions", role: "group", "aria-label": "Rows to show" });
  const legend = element("legend", {}, "Accept what is doubtful, by kind");
  const doubts = element("fieldset", { class: "clover-doubts" }, legend, places.doubts);
  const tickedWords = element("span", { class: "clover-quiet" });
  const decisions = [
    ["Accept", "accepted"],
    ["Leave out", "skipped"],
    ["Decide by kind", null],
  ].map(([words, decision]) => asker(words, "decide", { decision }, "clover-small"));
  const deciding = actions(tickedWords, ...decisions);
  const table = widgetPlace(model.widget_manager);
  // Of the plan, and then of what came of it.
  const rows = element("div", {}, counts, doubts, deciding, table.root);
  const next = asker("Go on to apply", "go", { step: "apply" }, "clover-primary");
  fill("review", notes.review, rows, actions(next, asker("Save the plan", "save")));

  const work = element("p", { class: "clover-work" });
  const bar = element("progress", { "aria-label": "Progress" });
  const told = element("p", { class: "clover-work" });
  const applyPlan = () => ask("apply", { plan: model.get("applying").plan });
  const apply = pressable("Apply", applyPlan, "clover-primary");
  const stop = asker("Stop", "stop");
  const applying = actions(apply, stop);
  fill("apply", work, bar, told, applying);

  const saveFailed = (words, kind) => asker(words, "save_failed", { kind });
  const after = [
    ["left", asker("Go on", "resume", {}, "clover-primary")],
    ["failed conflict unknown", saveFailed("Save failed rows as .xlsx", "xlsx"), saveFailed("as .csv", "csv")],
    ["done", asker("Plan to undo it", "undo")],
  ];
  const ending = actions(...after.flatMap(([, ...buttons]) => buttons), asker("Change more", "restart"));
  fill("results", ending);

  const heading = element("div", {});
  const gone = element("div", { class: "clover-gone", role: "alert" });
  const status = element("div", { class: "clover-live", "aria-live": "polite" });
  el.classList.add("clover-form", "clover-many");
  el.append(heading, gone, ...order.map((name) => sections[name].section), status);

  // -- showing what the kernel says --------------------------------------------------------------

  const showProblems = () => {
    const found = model.get("problems");
    for (const name of order) {
      showText(sections[name].problem, (name === "file" && unsent) || (found[name] ?? ""));
    }
    const errors = Object.entries(found).map(([name, text]) => [name, ["error", text]]);
    values.showErrors(inputs, Object.fromEntries(errors));
  };
  const showFields = () => {
    const fields = model.get("fields");
    for (const [name, found] of Object.entries(fields)) redraw(places[name], found, () => found.map(add));
    doubts.hidden = !fields.doubts.length || model.get("step") !== "review";
    for (const [name, said] of Object.entries(model.get("notes"))) {
      redraw(notes[name], said, () => said.map((words) => box("", words)));
    }
    showText(offer, model.get("offered"));
    offered.hidden = !model.get("offered");
  };
  const showRows = () => {
    const { counts: found = [], filter, ticked } = model.get("rows");
    const active = counts.contains(document.activeElement) && document.activeElement.dataset.name;
    const count = ([name, label, many]) => {
      const words = `${many.toLocaleString("en")} ${label}`;
      const wanted = { name: name === filter ? "" : name };
      const made = asker(words, "filter", wanted, `clover-count clover-is-${name}`);
      made.setAttribute("aria-pressed", name === filter);
      made.dataset.name = name;
      return made;
    };
    redraw(counts, [found, filter], () => found.map(count));
    if (active) counts.querySelector(`[data-name="${active}"]`)?.focus();
    const amount = `${ticked?.toLocaleString("en")} ticked:`;
    tickedWords.textContent = ticked ? amount : "Tick rows to decide on them:";
    for (const each of decisions) each.setAttribute("aria-disabled", !ticked);
    deciding.hidden = model.get("step") !== "review";
    next.setAttribute("aria-disabled", !model.get("ready"));
    for (const [kinds, ...buttons] of after) {
      for (const each of buttons) each.hidden = !found.some(([name]) => kinds.includes(name));
    }
  };
  const showApplying = () => {
    const { work: words = "", progress } = model.get("applying");
    showText(work, words);
    work.hidden = apply.hidden = Boolean(progress);
    apply.setAttribute("aria-disabled", model.get("busy"));
    stop.hidden = bar.hidden = told.hidden = !progress;
    if (!progress) return;
    bar.max = progress.total;
    bar.value = progress.ended;
    bar.setAttribute("aria-valuetext", progress.words);
    told.textContent = progress.words;
  };
  let shownStep = model.get("step");
  const showStep = () => {
    const step = model.get("step");
    const summaries = model.get("summaries");
    const isOver = step === "results" || Boolean(model.get("applying").progress);
    for (const [place, name] of order.entries()) {
      const { section, summary, back, body } = sections[name];
      const isDone = place < order.indexOf(step);
      section.dataset.state = name === step ? "open" : isDone ? "done" : "later";
      if (name === step) section.setAttribute("aria-current", "step");
      else section.removeAttribute("aria-current");
      body.hidden = name !== step;
      summary.textContent = isDone ? (summaries[name] ?? "") : "";
      back.hidden = !isDone || isOver || !summaries[name];
    }
    const isEnd = step === "results";
    const before = isEnd ? ending : applying;
    if (before.previousSibling !== places.confirm) before.before(places.confirm);
    const above = isEnd ? sections.results.problem : notes.review;
    if (above.nextSibling !== rows) above.after(rows);
    table.show(isEnd || step === "review" ? model.get("table_id") : "");
    if (step === shownStep) return;
    shownStep = step;
    const isLost = document.activeElement === document.body || el.contains(document.activeElement);
    if (isLost) sections[step].head.focus(); // whoever reads by ear goes on here
  };
  const show = drawWhenReleased(() => {
    showHeading(heading, model.get("heading"), 2);
    showFields();
    showRows();
    showStep();
    showApplying();
    values.show(inputs);
    showProblems();
    showHtml(status, model.get("status"));
    el.setAttribute("aria-busy", model.get("busy"));
    showText(gone, values.trouble());
  });
  const received = (message, buffers) => {
    if (message.do === "download") download(message.name, buffers[0]);
  };

  const releaseKeys = keepKeys(el);
  model.on("change", show);
  model.on("change:upload", sendMore);
  model.on("msg:custom", received);
  show();

  return () => {
    table.end();
    releaseKeys();
    values.end();
    for (const input of Object.values(inputs)) input.end();
  };
}

export default { render };
