// One strip for each pair: the input, each model's fill, and the photo. Strips are drawn as they come into view.
const BATCH = 12;
const state = { pairs: [], drawn: 0, errors: false };
const sortable = report.metrics.flatMap((metric, place) => (metric.inRows ? [place] : []));

/** A picture that shows a message if its file is missing. */
function image(source, alt, name, lazy = true) {
  const made = element("img", { class: name, alt, loading: lazy ? "lazy" : undefined, decoding: "async" });
  made.onerror = () => markMissing(made.parentElement, "The picture is missing.");
  made.src = source;
  return made;
}

function markMissing(picture, text) {
  picture.dataset.missing = text;
  picture.classList.add("missing");
}

/** The picture at a place of a strip: 0 is the input, then come the models, and the photo is last. */
function picture(pair, place, lazy = true) {
  const model = report.models[place - 1];
  const made = element("span", { class: model === undefined ? "picture" : "picture fill" });
  made.style.aspectRatio = pair.width && pair.height ? `${pair.width} / ${pair.height}` : "1";
  if (model === undefined) {
    const input = place === 0;
    made.append(image(pair.truth, input ? "Input, with the hole painted over" : "Photo", "over", lazy));
    if (input) made.append(image(pair.mask, "", "hole", lazy));
    return made;
  }
  const fill = pair.fills[place - 1];
  if (!fill || fill.error) {
    markMissing(made, fill ? fill.error : "There is no fill.");
    return made;
  }
  // The browser computes the error map as the difference of the two.
  made.append(image(pair.truth, "", "under", lazy), image(fill.picture, `Fill by ${model}`, "over", lazy));
  return made;
}

function placeName(place) {
  if (place === 0) return "Input";
  return report.models[place - 1] ?? "Photo";
}

/** The values below a fill, beginning with the one that pairs are sorted by. */
function values(pair, model) {
  const fill = pair.fills[model];
  if (!fill || fill.error) return "";
  const chosen = Number(byId("metric").value);
  const places = [...new Set([chosen, ...report.shownFirst])].slice(0, 3);
  const list = element("div", { class: "values" }, ...places.map((place) => {
    const metric = report.metrics[place];
    return element("div", { class: place === chosen ? "chosen" : undefined },
      element("span", {}, metric.label), element("span", {}, number(fill.values[place], metric.digits)));
  }));
  if (fill.changed) {
    list.append(element("small", { class: "warning" }, `changed ${fill.changed} known pixels (restored)`));
  }
  return list;
}

function strip(pair, index) {
  const hole = pair.hole ? `, hole ${number(100 * pair.hole, 0)} %` : "";
  const tiles = [...Array(report.models.length + 2).keys()].map((place) => {
    const isFill = place > 0 && place <= report.models.length;
    return element("div", {},
      element("button", {
        type: "button", class: "tile", "aria-label": `${placeName(place)} of ${pair.photo}, enlarge`,
        onclick: () => openViewer(index, place),
      }, picture(pair, place)),
      element("div", { class: "caption" }, element("b", {}, placeName(place)),
        isFill ? values(pair, place - 1) : ""));
  });
  const row = element("div", { class: "tiles" }, ...tiles);
  row.style.setProperty("--columns", tiles.length);
  return element("article", { class: "strip" },
    element("h3", {}, pair.photo, element("span", {}, ` · ${pair.masks}${hole}`)), row);
}

/** How bad a pair is by the chosen metric; null if a value is missing. */
function score(pair) {
  const place = Number(byId("metric").value);
  const of = (model) => badness(report.metrics[place], pair.fills[model]?.values[place]);
  const mine = of(Number(byId("model").value));
  if (byId("against").value === "") return mine;
  const other = of(Number(byId("against").value));
  return mine === null || other === null ? null : mine - other;
}

function drawStrips() {
  const masks = byId("masks").value;
  const direction = byId("order").value === "worst" ? -1 : 1;
  const scored = report.pairs.filter((pair) => !masks || pair.masks === masks)
    .map((pair) => ({ pair, value: sortable.length ? score(pair) : null }));
  const known = scored.filter((each) => each.value !== null);
  known.sort((one, other) => direction * (one.value - other.value));
  const unknown = scored.filter((each) => each.value === null);
  state.pairs = [...known, ...unknown].map((each) => each.pair);
  state.drawn = 0;
  byId("strips").replaceChildren();
  byId("count").textContent = `${state.pairs.length} ${state.pairs.length === 1 ? "pair" : "pairs"}` +
    (unknown.length ? `; the last ${unknown.length} have no such value` : "") +
    ". The hole is painted over in the input. Error maps are shown three times as bright.";
  drawMore();
}

function drawMore() {
  const end = Math.min(state.drawn + BATCH, state.pairs.length);
  const more = state.pairs.slice(state.drawn, end).map((pair, place) => strip(pair, state.drawn + place));
  state.drawn = end;
  byId("strips").append(...more);
}

function showErrors(on) {
  state.errors = on;
  document.body.classList.toggle("errors", on);
  for (const id of ["errors", "viewer-errors"]) byId(id).setAttribute("aria-pressed", String(on));
}

function start() {
  const option = (value, text) => element("option", { value }, text);
  const models = report.models.map((model, place) => option(place, model));
  byId("masks").append(option("", "all"), ...report.masks.map((kind) => option(kind, kind)));
  byId("metric").append(...sortable.map((place) => option(place, report.metrics[place].label)));
  byId("model").append(...models);
  byId("against").append(option("", "nothing"), ...models.map((model) => model.cloneNode(true)));
  // Open with the pairs where the last model loses most to the first.
  byId("model").value = String(report.models.length - 1);
  byId("against").value = report.models.length > 1 ? "0" : "";
  byId("about").textContent = report.about.join(" · ");
  byId("command").textContent = report.command;
  byId("notes").replaceChildren(...report.notes.map((note) => element("li", {}, note)));
  byId("controls").onsubmit = (event) => event.preventDefault();
  for (const id of ["metric", "model", "against", "order"]) byId(id).onchange = drawStrips;
  byId("masks").onchange = () => { drawSummary(byId("masks").value); drawStrips(); };
  byId("every").onchange = () => drawSummary(byId("masks").value);
  for (const id of ["errors", "viewer-errors"]) byId(id).onclick = () => showErrors(!state.errors);
  document.addEventListener("keydown", (event) => {
    if (event.key === "e" && !event.ctrlKey && !event.metaKey && !event.altKey && event.target.tagName !== "SELECT") {
      showErrors(!state.errors);
    }
  });
  drawSummary("");
  drawFailures();
  drawStrips();
  // Draw ahead of the reader. Observing again makes the browser report that the end is still near.
  const observer = new IntersectionObserver((seen) => {
    if (!seen.some((each) => each.isIntersecting) || state.drawn >= state.pairs.length) return;
    drawMore();
    observer.unobserve(byId("more"));
    observer.observe(byId("more"));
  }, { rootMargin: "1500px" });
  observer.observe(byId("more"));
}
