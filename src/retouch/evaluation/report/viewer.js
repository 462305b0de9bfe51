// The large view: input, fills and photo in the same place, so that switching shows how they differ.
const view = { index: 0, place: 0, model: 1, timer: 0 };

function openViewer(index, place) {
  view.index = index;
  showPair(place);
  byId("viewer").showModal();
}

/** Load all pictures of the pair at once, so that switching between them does not flicker. */
function showPair(place) {
  const pair = state.pairs[view.index];
  const places = [...Array(report.models.length + 2).keys()];
  byId("stage").replaceChildren(...places.map((each) => picture(pair, each, false)));
  byId("viewer-title").textContent = `${pair.photo} · ${pair.masks}`;
  byId("views").replaceChildren(...places.map((each) => element("button", {
    type: "button", onclick: () => { stopBlinking(); showPlace(each); },
  }, placeName(each))));
  byId("previous").disabled = view.index === 0;
  byId("next").disabled = view.index === state.pairs.length - 1;
  drawValues(pair);
  showPlace(place);
}

function showPlace(place) {
  const truth = report.models.length + 1;
  view.place = place;
  if (place > 0 && place < truth) view.model = place;
  [...byId("stage").children].forEach((each, at) => { each.hidden = at !== place; });
  [...byId("views").children].forEach((each, at) => each.setAttribute("aria-pressed", String(at === place)));
  byId("now").textContent = placeName(place);
  for (const cell of byId("values").querySelectorAll("[data-place]")) {
    cell.classList.toggle("shown", Number(cell.dataset.place) === place);
  }
}

function drawValues(pair) {
  const there = sortable.filter((place) => pair.fills.some((fill) => (fill?.values[place] ?? null) !== null));
  const head = element("tr", {}, element("th", { scope: "col" }, "Metric"),
    ...report.models.map((model, at) => element("th", { scope: "col", "data-place": at + 1 }, model)));
  const rows = there.map((place) => {
    const metric = report.metrics[place];
    const bad = pair.fills.map((fill) => badness(metric, fill?.values[place]) ?? Infinity);
    const least = Math.min(...bad);
    return element("tr", {}, element("th", { scope: "row" }, label(metric)),
      ...pair.fills.map((fill, at) => element("td", {
        "data-place": at + 1, class: bad.length > 1 && bad[at] === least ? "best" : undefined,
      }, number(fill?.values[place], metric.digits))));
  });
  byId("values").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

function flip() {
  const truth = report.models.length + 1;
  showPlace(view.place === truth ? view.model : truth);
}

function stopBlinking() {
  clearInterval(view.timer);
  view.timer = 0;
  byId("blink").setAttribute("aria-pressed", "false");
}

function toggleBlinking() {
  if (view.timer) { stopBlinking(); return; }
  view.timer = setInterval(flip, 700);
  byId("blink").setAttribute("aria-pressed", "true");
}

function otherModel(step) {
  const count = report.models.length;
  showPlace(1 + ((view.model - 1 + step + count) % count));
}

function otherPair(step) {
  const index = view.index + step;
  if (index < 0 || index >= state.pairs.length) return;
  view.index = index;
  showPair(view.place);
}

byId("blink").onclick = toggleBlinking;
byId("close").onclick = () => byId("viewer").close();
byId("viewer").onclose = stopBlinking;
byId("previous").onclick = () => otherPair(-1);
byId("next").onclick = () => otherPair(1);
// On the document, because keys do not reach the dialog once the focused button is removed with its pair.
document.addEventListener("keydown", (event) => {
  if (!byId("viewer").open) return;
  const actions = {
    ArrowLeft: flip, ArrowRight: flip, ArrowUp: () => otherModel(-1), ArrowDown: () => otherModel(1),
    PageUp: () => otherPair(-1), PageDown: () => otherPair(1), b: toggleBlinking,
  };
  if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (event.key !== "b") stopBlinking();
  actions[event.key]();
});

start();
