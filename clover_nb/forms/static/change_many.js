// Many changes: five steps on one page; the one that is open is worked on.

const CHUNK = 512 * 1024; // bytes; a message of more than 10 MB is dropped on its way
const AHEAD = 4 * CHUNK; // sent, and not heard of yet

let many = 0;

function render({ model, el, link }) {
  const values = typedValues(model, link, () => show());
  const id = `clover-many-${(many += 1)}`;
  const order = model.get("steps").map(([name]) => name);
  const asksFile = order.includes("file");
  const inputs = {}; // by name; those that are not shown any more keep what they held
  let uploads = 0;
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
  const tick = (name, label) => add({ name, label, kind: "tick" });

  // -- the file ----------------------------------------------------------------------------------

  let sending; // the file that goes to the kernel
  const send = (blob, name) => {
    if (blob.size > model.get("max_bytes")) {
      const most = model.get("max_bytes") / 2 ** 20;
      problems.file.textContent = `${name} has more than ${most} MB: divide it into several files.`;
      return;
    }
    problems.file.textContent = "";
    uploads += 1;
    sending = { blob, name, upload: `${values.view}-${uploads}`, sent: 0 };
    sendMore();
  };
  const sendMore = async () => {
    const { blob, name, upload } = sending;
    const heard = model.get("upload");
    const received = heard.id === upload ? heard.received : 0;
    showUpload(received);
    while (sending?.upload === upload && sending.sent - received < AHEAD) {
      const start = sending.sent;
      if (start >= blob.size && start > 0) break;
      sending.sent = Math.min(start + CHUNK, blob.size) || 1;
      const part = await blob.slice(start, start + CHUNK).arrayBuffer();
      values.send("chunk", { upload, name, size: blob.size, start }, [part]);
    }
  };
  const showUpload = (received) => {
    const { blob, name } = sending;
    const isUnderWay = blob.size > CHUNK && received < blob.size;
    const percent = Math.floor((100 * received) / blob.size);
    uploading.textContent = isUnderWay ? `Sending ${name}: ${percent}%` : "";
  };

  // -- the parts of each step --------------------------------------------------------------------

  const sections = {};
  const problems = {};
  const bodies = {};
  for (const [place, [name, words]] of model.get("steps").entries()) {
    const title = `${place + 1}. ${words}`;
    const key = `${id}-${name}`;
    const summary = element("span", { class: "clover-summary", dir: "auto" });
    const back = asker("Change", "go", { step: name }, "clover-small");
    back.setAttribute("aria-label", `Change: ${words}`);
    const head = element("div", { class: "clover-step-head" });
    const level = isDeskPage() ? "h3" : "h4";
    head.append(element(level, { id: key, class: "clover-step-title", tabindex: "-1" }, title), summary, back);
    problems[name] = element("div", { class: "clover-note clover-error", role: "alert" });
    bodies[name] = element("div", { class: "clover-step-body" });
    bodies[name].append(problems[name]);
    sections[name] = element("section", { class: "clover-step", "aria-labelledby": key }, head, bodies[name]);
    Object.assign(sections[name], { head, summary, back });
  }

  const uploading = element("div", { class: "clover-quiet", role: "status" });
  const reading = element("div", { class: "clover-grid" });
  const offered = element("div", { class: "clover-actions" });
  if (asksFile) {
    const picker = element("input", { type: "file", id: `${id}-picker`, accept: ".csv,.xlsx,.tsv,.txt" });
    picker.addEventListener("change", () => {
      if (picker.files[0]) send(picker.files[0], picker.files[0].name);
      picker.value = ""; // the same one can be chosen again, once it was mended
    });
    const choose = element("div", { class: "clover-drop" });
    choose.append(
      element("label", { for: picker.id }, "Choose a file, or drop it here"),
      picker,
      element("div", { class: "clover-help" }, "CSV or Excel (.xlsx), up to 64 MB"),
    );
    const over = (event) => {
      event.preventDefault();
      choose.classList.toggle("clover-over", event.type === "dragover");
    };
    choose.addEventListener("dragover", over);
    choose.addEventListener("dragleave", over);
    choose.addEventListener("drop", (event) => {
      over(event);
      const [file] = event.dataTransfer.files;
      if (file) send(file, file.name);
    });
    const cells = element("textarea", { id: `${id}-cells`, rows: "4", spellcheck: "false", wrap: "off" });
    const use = () => {
      if (cells.value.trim()) send(new Blob([cells.value]), "pasted cells");
      else problems.file.textContent = "There is nothing pasted yet.";
    };
    cells.addEventListener("input", ({ inputType }) => inputType === "insertFromPaste" && use());
    const paste = element("div", { class: "clover-paste" });
    const words = "Or paste cells from a spreadsheet, headings included";
    paste.append(element("label", { for: cells.id }, words), cells, pressable("Use these cells", use));
    bodies.file.append(offered, element("div", { class: "clover-sources" }, choose, paste), uploading);
  }

  const columnsTable = element("div", { class: "clover-scroll" });
  const matching = element("div", { class: "clover-grid" });
  const planning = element("div", { class: "clover-actions" });
  planning.append(asker("Review the changes", "plan", {}, "clover-primary"));
  if (asksFile) {
    const otherwise = element("details", { class: "clover-otherwise" });
    otherwise.append(element("summary", {}, "The file was read wrong"), reading);
    bodies.columns.append(columnsTable, matching, planning, otherwise);
  } else {
    bodies.set.append(matching, planning);
  }

  const counts = element("div", { class: "clover-counts", role: "group", "aria-label": "Rows to show" });
  const doubts = element("fieldset", { class: "clover-doubts" });
  const notes = element("div", {});
  const tickedActions = element("div", { class: "clover-actions clover-ticked" });
  const tickedWords = element("span", { class: "clover-quiet" });
  const decisions = [
    ["Accept", "accepted"],
    ["Leave out", "skipped"],
    ["Decide by kind", null],
  ].map(([words, decision]) => asker(words, "decide", { decision }, "clover-small"));
  tickedActions.append(tickedWords, ...decisions);
  const reviewPlace = widgetPlace(model.widget_manager);
  const save = asker("Save the plan", "save");
  const next = asker("Go on to apply", "next", {}, "clover-primary");
  bodies.review.append(notes, counts, doubts, tickedActions, reviewPlace.root);
  bodies.review.append(element("div", { class: "clover-actions" }, next, save));

  const work = element("p", { class: "clover-work" });
  const confirm = element("div", {});
  const bar = element("progress", { max: "1", value: "0", "aria-label": "Progress" });
  const told = element("p", { class: "clover-progress-words" });
  const apply = pressable("Apply", () => ask("apply", { plan: model.get("applying").plan }), "clover-primary");
  const stop = asker("Stop", "stop");
  bodies.apply.append(work, confirm, bar, told, element("div", { class: "clover-actions" }, apply, stop));

  const ends = element("div", { class: "clover-counts", role: "group", "aria-label": "Rows to show" });
  const confirmAgain = element("div", {});
  const resultsPlace = element("div", {});
  const after = element("div", { class: "clover-actions" });
  bodies.results.append(ends, resultsPlace, confirmAgain, after);

  const heading = element("div", {});
  const gone = element("div", { class: "clover-gone", role: "alert" });
  const status = element("div", { class: "clover-live", "aria-live": "polite" });
  el.classList.add("clover-form", "clover-many");
  el.append(heading, gone, ...order.map((name) => sections[name]), status);

  // -- showing what the kernel says --------------------------------------------------------------

  const showProblems = () => {
    const found = model.get("problems");
    for (const name of order) {
      if (name === "file" && sending && !found.file) continue; // what was said here about its size
      showText(problems[name], found[name] ?? "");
    }
    values.showErrors(
      inputs,
      Object.fromEntries(Object.entries(found).map(([name, text]) => [name, ["error", text]])),
    );
  };
  const showFields = () => {
    const fields = model.get("fields");
    redraw(matching, fields.matching, () => fields.matching.map(add));
    if (!asksFile) return;
    const words = model.get("offered");
    redraw(offered, words, () => (words ? [element("span", {}, words), asker("Show it", "open")] : []));
    redraw(reading, fields.reading, () => [...fields.reading.map(add), asker("Read it again", "read")]);
    showColumns();
  };
  const showColumns = () => {
    const rows = model.get("columns");
    redraw(columnsTable, rows, () => {
      const head = ["Your column", "Some values", "Our field"].map((title) =>
        element("th", { scope: "col" }, title),
      );
      const lines = rows.map(({ heading: name, samples, note, field }) => {
        const shown = samples.map((value) => element("div", { dir: "auto" }, value));
        const chosen = field ? add({ ...field, options: model.get("fields").columns }) : "";
        const told = note ? element("div", { class: "clover-help" }, note) : "";
        const heads = element("th", { scope: "row", dir: "auto" }, name);
        return element("tr", {}, heads, element("td", {}, ...shown), element("td", {}, chosen, told));
      });
      const table = element("table", { class: "clover-matching" });
      table.append(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
      return [table];
    });
  };
  const countButtons = (place, found, shown) =>
    redraw(place, [found, shown], () =>
      found.map(([name, label, count]) => {
        const words = `${count.toLocaleString("en")} ${label}`;
        const button = asker(words, "filter", { name }, `clover-count clover-is-${name}`);
        button.setAttribute("aria-pressed", name === shown);
        button.dataset.name = name;
        return button;
      }),
    );
  const keepButton = (place, show) => {
    const active = place.contains(document.activeElement) ? document.activeElement.dataset.name : undefined;
    show();
    if (active) place.querySelector(`[data-name="${CSS.escape(active)}"]`)?.focus();
  };
  const showReview = () => {
    const found = model.get("review");
    if (!found.counts) return;
    keepButton(counts, () => countButtons(counts, found.counts, found.filter));
    redraw(notes, found.notes, () => found.notes.map((note) => element("p", { class: "clover-quiet" }, note)));
    redraw(doubts, found.doubts, () =>
      found.doubts.length
        ? [
            element("legend", {}, "Accept what is doubtful, by kind"),
            ...found.doubts.map(([name, label, rows]) =>
              tick(name, `${label} (${rows.toLocaleString("en")} row${rows === 1 ? "" : "s"})`),
            ),
          ]
        : [],
    );
    doubts.hidden = !found.doubts.length;
    const amount = found.ticked.toLocaleString("en");
    tickedWords.textContent = found.ticked ? `${amount} ticked:` : "Tick rows to decide on them:";
    for (const button of decisions) button.setAttribute("aria-disabled", !found.ticked);
    next.setAttribute("aria-disabled", !found.ready);
  };
  const showApplying = () => {
    const { work: words, confirm: sentence, running, progress } = model.get("applying");
    work.textContent = running ? "" : words;
    work.hidden = running;
    const step = model.get("step");
    const showConfirmation = (place, isNext) => {
      const isAsked = Boolean(sentence && isNext);
      redraw(place, isAsked, () => (isAsked ? [tick("live", sentence)] : []));
    };
    showConfirmation(confirm, step === "apply" && !running);
    showConfirmation(confirmAgain, step === "results" && model.get("results").left);
    apply.hidden = running;
    apply.setAttribute("aria-disabled", model.get("busy"));
    stop.hidden = bar.hidden = told.hidden = !running;
    const { ended = 0, total = 0, words: amount = "Starting…" } = progress;
    if (total) bar.max = total;
    bar.value = ended;
    bar.setAttribute("aria-valuetext", amount);
    told.textContent = amount;
  };
  const showResults = () => {
    const found = model.get("results");
    if (!found.counts) return;
    keepButton(ends, () => countButtons(ends, found.counts, found.filter));
    redraw(after, [found.left, found.failed, found.done], () => [
      ...(found.left ? [asker("Go on", "resume", {}, "clover-primary")] : []),
      ...(found.failed
        ? [
            asker("Save failed rows as .xlsx", "save_failed", { kind: "xlsx" }),
            asker("as .csv", "save_failed", { kind: "csv" }),
          ]
        : []),
      ...(found.done ? [asker("Plan to undo it", "undo")] : []),
      asker("Change more", "restart"),
    ]);
  };
  let shownStep = model.get("step");
  const showStep = () => {
    const step = model.get("step");
    const summaries = model.get("summaries");
    const isOver = step === "results" || model.get("applying").running;
    for (const [place, name] of order.entries()) {
      const section = sections[name];
      const isDone = place < order.indexOf(step);
      section.dataset.state = name === step ? "open" : isDone ? "done" : "later";
      if (name === step) section.setAttribute("aria-current", "step");
      else section.removeAttribute("aria-current");
      bodies[name].hidden = name !== step;
      section.summary.textContent = isDone ? (summaries[name] ?? "") : "";
      section.back.hidden = !isDone || isOver || !summaries[name];
    }
    const target = step === "results" ? resultsPlace : bodies.review;
    if (reviewPlace.root.parentElement !== target) {
      if (step === "results") target.append(reviewPlace.root);
      else tickedActions.after(reviewPlace.root);
    }
    reviewPlace.show(step === "review" || step === "results" ? model.get("table_id") : "");
    if (step === shownStep) return;
    shownStep = step;
    const lost = document.activeElement === document.body || el.contains(document.activeElement);
    if (lost) sections[step].querySelector(".clover-step-title").focus(); // whoever reads by ear goes on here
  };
  const show = drawWhenReleased(() => {
    showHeading(heading, model.get("heading"), 2);
    showFields();
    showReview();
    showStep();
    showApplying();
    showResults();
    values.show(inputs);
    showProblems();
    showHtml(status, model.get("status"));
    el.setAttribute("aria-busy", model.get("busy"));
    showText(gone, values.trouble());
  });
  const heard = () => {
    if (!sending) return;
    const { id: upload, received } = model.get("upload");
    if (upload !== sending.upload) return;
    if (received >= sending.blob.size) {
      uploading.textContent = "";
      sending = undefined;
    } else {
      sendMore();
    }
  };
  const received = (message, buffers) => {
    if (message.do === "download") download(message.name, buffers[0]);
  };

  const releaseKeys = keepKeys(el);
  model.on("change", show);
  model.on("change:upload", heard);
  model.on("msg:custom", received);
  show();

  return () => {
    reviewPlace.end();
    releaseKeys();
    values.end();
    for (const input of Object.values(inputs)) input.end();
  };
}

export default { render };
