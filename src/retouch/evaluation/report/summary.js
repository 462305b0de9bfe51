// The data, small helpers, the table of means, and the list of pairs that could not be scored.
const report = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** Make an element with attributes (undefined and false are skipped) and children; text is never parsed as HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.onclick = value;
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function number(value, digits, signed = false) {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value).toFixed(digits);
  const sign = value < 0 ? "−" : signed ? "+" : "";
  return sign + text;
}

/** The name of a metric, with an arrow that shows which way is better; the two never wrap apart. */
function label(metric) {
  return metric.label + "\u00a0" + { lower: "↓", higher: "↑", one: "→1" }[metric.better];
}

/** Smaller is better, for every metric; as `badness` in retouch.evaluation.statistics. */
function badness(metric, value) {
  if (value === null || value === undefined) return null;
  if (metric.better === "one") return Math.abs(Math.log(Math.max(value, 1e-3)));
  return metric.better === "higher" ? -value : value;
}

function differenceCell(metric, difference) {
  const [mean, low, high, wins, of] = difference;
  const sign = metric.better === "higher" ? -1 : 1;
  // A difference is called better or worse only if its interval excludes zero.
  const sure = low !== null && high !== null && low * high > 0;
  const kind = sure ? (sign * mean < 0 ? "better" : "worse") : "";
  const signed = (value) => number(value, metric.digits, true);
  return [
    element("small", { class: kind }, `${signed(mean)} ${kind}`),
    element("small", {}, low === null || high === null ? "" : `[${signed(low)}, ${signed(high)}]`),
    element("small", {}, wins === null ? "" : `wins ${wins} of ${of}`),
  ];
}

/** The summary for one kind of masks, "" for all of them. */
function drawSummary(masks) {
  const kind = masks || (report.summary.some((entry) => entry.masks === "all") ? "all" : report.masks[0]);
  const every = byId("every").checked;
  const entries = report.summary.filter((entry) => entry.masks === kind);
  const papers = report.published.filter((entry) => entry.masks === kind || (!masks && kind === "all"));
  const has = (entry, place) => entry.means[place] !== null;
  const places = [...report.metrics.keys()].filter((place) =>
    (every || report.metrics[place].main || papers.some((paper) => has(paper, place))) &&
    [...entries, ...papers].some((entry) => has(entry, place)));
  const column = (text) => element("th", { scope: "col" }, text);
  const head = element("tr", {}, column("Model"),
    ...places.map((place) => column(label(report.metrics[place]))),
    column("Seconds"), column("Peak MB"), column("Pairs"));
  const rows = entries.map((entry) => element("tr", {},
    element("th", { scope: "row" }, entry.model),
    ...places.map((place) => {
      const metric = report.metrics[place];
      const below = entry.differences[place] ? differenceCell(metric, entry.differences[place]) : [];
      return element("td", { class: entry.best[place] ? "best" : undefined },
        number(entry.means[place], metric.digits), ...below);
    }),
    element("td", {}, number(entry.seconds, 2)), element("td", {}, number(entry.peak, 0)),
    element("td", {}, String(entry.count ?? "–"),
      ...(entry.errors ? [element("small", { class: "worse" }, `${entry.errors} not scored`)] : []),
      ...(entry.changed ? [element("small", {}, `${entry.changed} changed known pixels`)] : []))));
  const published = papers.map((entry) => element("tr", { class: "published" },
    element("th", { scope: "row" }, `${entry.label} (published${entry.masks === kind ? "" : ", " + entry.masks})`),
    ...places.map((place) => element("td", {}, number(entry.means[place], report.metrics[place].digits))),
    element("td", {}, "–"), element("td", {}, "–"), element("td", {}, "–")));
  byId("summary").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows, ...published));
  byId("summary-title").textContent = `Summary, ${kind === "all" ? "all masks" : "masks: " + kind}`;
  const differences = entries.some((entry) => entry.differences.some((each) => each));
  byId("summary-note").textContent = "Means over the pairs; the best is bold. Seconds are the median." +
    (differences ? ` Below each mean: the difference to ${report.models[0]}, its 95 % interval (from five photos on), and the number of pairs won. ${report.ratioNote}` : "");
}

function drawFailures() {
  byId("failures").hidden = report.failures.length === 0;
  byId("failures-title").textContent = `Could not be scored: ${report.failures.length}`;
  byId("failure-list").replaceChildren(...report.failures.map((failure) => element("li", {},
    element("b", {}, failure.photo), ` (${failure.masks}; ${failure.models.join(", ")}): ${failure.error}`)));
}
