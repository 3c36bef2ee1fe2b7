// What is known of a moment: the record, its causes and effects, and how everybody stands after it.

const MOST_LINKS = 8;

function moment(run, record, go) {
  const when = html("p", { class: "when" }, html("strong", {}, seconds(run.time(record), 6)), ` · ${run.nodes[run.node[record]]} · event ${record}`);
  const parts = [when];
  for (const { sign, text, weight } of run.saidOf.get(record) ?? [{ sign: "", text: run.describe(record), weight: 1 }]) {
    parts.push(html("p", { class: weight >= 4 ? "said violated" : "said" }, `${sign} ${text}`.trim()));
  }
  if (run.isMessage(record)) {
    const message = run.about[record];
    parts.push(html("p", { class: "message-line" }, html("b", {}, run.messageName(message)), ` ${run.route(message)}`));
    parts.push(html("pre", {}, run.messageContent(message)));
  }
  const cause = run.causeOf(record);
  if (cause >= 0) parts.push(links("because of", run, [cause], go));
  const effects = run.effectsOf(record);
  if (effects.length > 0) parts.push(links("led to", run, effects, go));
  parts.push(standing(run, record));
  return parts;
}

function links(label, run, records, go) {
  const list = html("ul", {});
  for (const record of records.slice(0, MOST_LINKS)) {
    const button = html("button", { type: "button", class: "link" }, `${seconds(run.time(record), 6)} ${run.describe(record)}`);
    button.addEventListener("click", () => go(record));
    list.append(html("li", {}, button));
  }
  if (records.length > MOST_LINKS) list.append(html("li", {}, `and ${records.length - MOST_LINKS} more`));
  return html("div", { class: "links" }, html("h4", {}, label), list);
}

// How everybody stands after a record.
function standing(run, record) {
  const table = html("table", {});
  const spans = run.spansAt(record);
  run.lanes.forEach((lane, place) => {
    const here = spans.filter((span) => span.lane === place && span.track !== "books");
    const labels = here.map((span) => span.label).filter((label) => label);
    const books = lane.part === "store" ? run.lastUpTo(run.books, record) : null;
    if (books) labels.push(`${books[1]} left, ${books[2]} sold`);
    const isDouble = here.some((span) => span.sign === "doubly");
    table.append(html("tr", isDouble ? { class: "violated" } : {}, html("th", { scope: "row" }, run.nodes[lane.node]), html("td", {}, labels.join("; ") || "—")));
  });
  return html("div", { class: "standing" }, html("h4", {}, "after it"), table);
}
