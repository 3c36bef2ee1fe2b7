// The space-time diagram of one run: a lane for each node, time to the right. Only what is in view is drawn.

const SVG = "http://www.w3.org/2000/svg";
const MOST_ARROWS = 700;
const DENSE = 150;
const MOST_MARKS = 400;

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// What the diagram shows around a moment, and the names of its classes in the style sheet.
const SPAN_CLASS = {
  holds: "holds", doubly: "holds doubly", waits: "waits", reads: "reads", paused: "paused", down: "down",
  owner: "owner", stranger: "owner stranger", leads: "leads", looks: "looks", follows: "follows",
  cut: "cut", clock: "clock", books: "books", oversold: "books oversold",
};

class Diagram {
  constructor(run, scale, curve, name) {
    this.run = run;
    this.scale = scale;
    this.curve = curve;
    this.selected = -1;
    this.related = { causes: new Set(), effects: new Set() };
    this.near = new Set();
    this.layer = svg("g", {});
    this.root = svg("svg", { class: "diagram", role: "img", "aria-label": name, tabindex: 0 }, this.layer);
    this.faultRows = this.rowsOfFaults();
  }

  // Faults that overlap lie one under the other.
  rowsOfFaults() {
    const ends = [];
    const rows = this.run.faults.map((fault) => {
      let row = ends.findIndex((end) => end <= fault.from);
      if (row < 0) row = ends.length < 5 ? ends.push(0) - 1 : 4;
      ends[row] = Math.max(ends[row], fault.to);
      return row;
    });
    return { rows, height: ends.length * 17 };
  }

  resize(width) {
    this.isNarrow = width < 640;
    this.gutter = this.isNarrow ? 0 : 104;
    this.laneHeight = this.isNarrow ? 58 : 54;
    this.curveHeight = this.curve ? 46 : 0;
    this.top = 26 + this.faultRows.height + this.curveHeight;
    this.width = width;
    this.bottom = this.top + this.run.lanes.length * this.laneHeight;
    const kinds = this.run.violations.filter((violation) => violation.first).length;
    this.height = this.bottom + 13 * kinds + 24;
    this.root.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.root.setAttribute("height", this.height);
    return width - this.gutter;
  }

  y(lane) { return this.top + lane * this.laneHeight + this.laneHeight * 0.62; }

  laneTop(lane) { return this.top + lane * this.laneHeight; }

  x(time) { return this.gutter + this.scale.x(time); }

  select(record) {
    this.selected = record;
    if (record < 0) this.related = { causes: new Set(), effects: new Set() };
    else this.related = { causes: this.run.ancestors(record), effects: this.run.descendants(record) };
    const next = record < 0 ? [] : [this.run.causeOf(record), ...this.run.effectsOf(record).slice(0, 6)];
    this.near = new Set(next.filter((one) => one >= 0 && this.run.isMessage(one)).map((one) => this.run.about[one]));
  }

  draw(parting) {
    const field = svg("g", { "clip-path": `url(#${this.clip()})` });
    field.append(this.overlaps(), this.spansOf(), this.arrows(), this.marks(), this.violations());
    if (parting !== null && parting !== undefined) field.append(this.partingLine(parting));
    field.append(this.cursor());
    const defs = svg("defs", {}, svg("clipPath", { id: this.clip() },
      svg("rect", { x: this.gutter, y: 0, width: Math.max(this.width - this.gutter, 1), height: this.height })),
    this.arrowhead("arrow"), this.arrowhead("arrow-cause"), this.arrowhead("arrow-effect"), this.hatch());
    this.layer.replaceChildren(defs, this.grounds(), this.faults(), this.curveLine(), field, this.axis(), this.names());
  }

  id(name) { return `${this.run.key}-${name}`; }

  clip() { return this.id("clip"); }

  arrowhead(name) {
    return svg("marker", {
      id: this.id(name), class: name, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7,
      orient: "auto-start-reverse",
    }, svg("path", { d: "M0,0.8 L8,4 L0,7.2 z" }));
  }

  hatch() {
    return svg("pattern", {
      id: this.id("hatch"), width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
    }, svg("rect", { class: "hatch-ground", width: 6, height: 6 }), svg("rect", { class: "hatch", width: 2, height: 6 }));
  }

  // The lanes' lines.
  grounds() {
    const group = svg("g", {});
    this.run.lanes.forEach((lane, place) => {
      const y = this.y(place);
      group.append(svg("line", { class: `lane ${lane.part}`, x1: this.gutter, x2: this.width, y1: y, y2: y }));
    });
    return group;
  }

  names() {
    const group = svg("g", { class: "names" });
    this.run.lanes.forEach((lane, place) => {
      const [x, y] = this.isNarrow ? [4, this.laneTop(place) + 13] : [this.gutter - 10, this.y(place) + 4];
      const name = svg("text", { x, y, "text-anchor": this.isNarrow ? "start" : "end" });
      if (lane.number > 0) name.append(svg("tspan", { class: `number c${(lane.number - 1) % 6}` }, `${lane.number} `));
      name.append(this.run.nodes[lane.node]);
      group.append(name);
    });
    return group;
  }

  inView(begin, end) { return end >= this.scale.begin && begin <= this.scale.end; }

  box(begin, end) {
    const from = Math.max(this.x(begin), this.gutter - 2);
    const to = Math.min(this.x(end), this.width + 2);
    return { x: from, width: Math.max(to - from, 1.5) };
  }

  spansOf() {
    const group = svg("g", {});
    for (const span of this.run.spans) {
      if (!this.inView(span.begin, span.end)) continue;
      group.append(this.span(span));
    }
    return group;
  }

  span(span) {
    const y = this.y(span.lane);
    const { x, width } = this.box(span.begin, span.end);
    const isBand = span.track === "process";
    const thin = { waits: 4, reads: 4, follows: 3, looks: 3, leads: 3, cut: 2, clock: 2 }[span.sign];
    const height = isBand ? this.laneHeight - 6 : thin ?? 14;
    const top = isBand ? this.laneTop(span.lane) + 3
      : span.track === "trouble" ? y + 14 : y - height / 2;
    const colour = span.owner > 0 ? ` c${(span.owner - 1) % 6}` : "";
    const group = svg("g", { class: `span ${SPAN_CLASS[span.sign] ?? ""}${colour}`, "data-record": span.from });
    const rect = svg("rect", { x, y: top, width, height, rx: isBand ? 0 : Math.min(height / 2, 4) });
    if (span.sign === "paused") rect.setAttribute("fill", `url(#${this.id("hatch")})`);
    group.append(rect, svg("title", {}, `${this.run.nodes[this.run.lanes[span.lane].node]}: ${span.label}`));
    const room = width - 6;
    if (span.label && room > span.label.length * 6.2) {
      const below = span.track === "trouble";
      const text = { x: x + 4, y: isBand ? top + 11 : below ? top - 2 : thin ? y - 6 : y + 4 };
      if (isBand) Object.assign(text, { x: x + width - 4, "text-anchor": "end" });
      group.append(svg("text", text, span.label));
    }
    return group;
  }

  // Where two believe that they hold one lock.
  overlaps() {
    const group = svg("g", {});
    const lanes = this.run.lanes.filter((lane) => lane.part === "client").length;
    for (const { from, to } of this.run.overlaps) {
      const [begin, end] = [this.run.time(from), to < 0 ? this.run.end : this.run.time(to)];
      if (!this.inView(begin, end)) continue;
      const { x, width } = this.box(begin, end);
      const y = this.top;
      const one = svg("g", { class: "overlap", "data-record": from });
      one.append(svg("rect", { x, y, width, height: lanes * this.laneHeight }));
      const label = `held by several, ${howLong(end - begin)}`;
      if (width > label.length * 6.4) one.append(svg("text", { x: x + width / 2, y: y - 5, "text-anchor": "middle" }, label));
      one.append(svg("title", {}, label));
      group.append(one);
    }
    return group;
  }

  // The messages in view, at most so many: when there are more, those that are worth telling come first.
  shown() {
    const { messages } = this.run;
    const [begin, end] = [this.scale.begin, this.scale.end];
    const found = [];
    for (let message = 0; message < messages.sent.length; message++) {
      const sent = this.run.time(messages.sent[message]);
      if (sent > end) break;
      const over = messages.end[message] < 0 ? this.run.end : this.run.time(messages.end[message]);
      if (over >= begin && this.run.laneOf.has(messages.from[message]) && this.run.laneOf.has(messages.to[message])) {
        found.push(message);
      }
    }
    if (found.length <= MOST_ARROWS) return { found, left: 0 };
    const dear = (message) => {
      const over = messages.end[message];
      const { causes, effects } = this.related;
      if (causes.has(messages.sent[message]) || effects.has(messages.sent[message])) return 0;
      return this.run.hindrances.has(message) || over < 0 || messages.fate[message] !== 1 ? 1 : 2;
    };
    // Evenly thinned, each sort by itself: the dear ones have half of the room at least.
    const thinned = (some, most) => some.filter((_, place) => Math.floor((place * most) / some.length) !== Math.floor(((place - 1) * most) / some.length));
    const dears = thinned(found.filter((message) => dear(message) < 2), MOST_ARROWS / 2);
    const others = thinned(found.filter((message) => dear(message) === 2), MOST_ARROWS - dears.length);
    const kept = [...dears, ...others].sort((one, other) => one - other);
    return { found: kept, left: found.length - kept.length };
  }

  arrows() {
    const group = svg("g", {});
    const { found, left } = this.shown();
    const withLabels = found.length <= this.width / 28;
    if (found.length > DENSE) group.setAttribute("class", "dense");
    for (const message of found) group.append(this.arrow(message, withLabels));
    if (left > 0) {
      const text = `${left} of the ${found.length + left} messages in view are not drawn: come closer`;
      group.append(svg("text", { class: "note", x: this.width - 6, y: this.height - 22, "text-anchor": "end" }, text));
    }
    return group;
  }

  arrow(message, withLabel) {
    const { messages } = this.run;
    const [sent, over] = [messages.sent[message], messages.end[message]];
    const [from, to] = [this.run.laneOf.get(messages.from[message]), this.run.laneOf.get(messages.to[message])];
    const [y1, y2] = [this.y(from), this.y(to)];
    const x1 = this.x(this.run.time(sent));
    const x2 = this.x(over < 0 ? this.run.end : this.run.time(over));
    const fate = ["open", "delivered", "lost"][messages.fate[message]];
    const way = this.way(message, [x1, y1], [x2, y2]);
    const { causes, effects } = this.related;
    const isOne = this.selected >= 0 && this.run.about[this.selected] === message;
    const relation = isOne ? " chosen" : causes.has(sent) || causes.has(over) ? " cause" : effects.has(over) || effects.has(sent) ? " effect" : "";
    const head = relation === " cause" ? "arrow-cause" : relation === " effect" ? "arrow-effect" : "arrow";
    const hindered = way.marks.length > 0 ? " hindered" : "";
    const group = svg("g", { class: `message ${fate}${hindered}${relation}`, "data-record": over >= 0 ? over : sent });
    const line = svg("path", { d: way.path, "marker-end": fate === "delivered" ? `url(#${this.id(head)})` : null });
    group.append(svg("path", { class: "touch", d: way.path }), line);
    for (const [x, y, how] of way.marks) group.append(svg("text", { class: "obstacle", x, y: y + 4, "text-anchor": "middle" }, how));
    if (fate === "lost") group.append(svg("text", { class: "obstacle lost", x: way.last[0], y: way.last[1] + 4, "text-anchor": "middle" }, "✕"));
    const name = this.run.messageName(message);
    group.append(svg("title", {}, `${name}, ${this.run.route(message)}${fate === "lost" ? ", lost" : ""}`));
    if (withLabel || isOne || this.near.has(message)) {
      group.append(svg("text", { class: "name", x: (x1 + way.knee[0]) / 2 + 4, y: (y1 + way.knee[1]) / 2 + 3 }, name));
    }
    return group;
  }

  // The way of a message: straight, unless it met a cut, was held, or waited at its receiver.
  way(message, [x1, y1], [x2, y2]) {
    const hindrances = this.run.hindrances.get(message) ?? [];
    const wait = hindrances.find(({ how }) => how === "waiting");
    const marks = [];
    for (const { record, how } of hindrances) {
      if (how === "waiting") continue;
      const x = Math.min(Math.max(this.x(this.run.time(record)), x1), x2);
      const share = x2 > x1 ? (x - x1) / (x2 - x1) : 0.5;
      if (how === "blocked") marks.push([x, y1 + (y2 - y1) * Math.max(share, 0.5 * (x === x1)), "⊣"]);
      else marks.push([x, y1 + (y2 - y1) * Math.max(share, 0.3), "⧖"]);
    }
    if (wait) {
      const x = this.x(this.run.time(wait.record));
      return { path: `M${x1},${y1} L${x},${y2} L${x2},${y2}`, marks, knee: [x, y2], last: [x2, y2] };
    }
    if (this.run.messages.fate[message] === 2) {
      const last = [x1 + (x2 - x1) * 0.6, y1 + (y2 - y1) * 0.6];
      return { path: `M${x1},${y1} L${last[0]},${last[1]}`, marks, knee: last, last };
    }
    return { path: `M${x1},${y1} L${x2},${y2}`, marks, knee: [x2, y2], last: [x2, y2] };
  }

  // Grants, writes taken and refused, and whatever else has a sign of its own.
  marks() {
    const group = svg("g", {});
    const seen = this.run.marks.filter(([record]) => this.inView(this.run.time(record), this.run.time(record)));
    const step = Math.max(seen.length / MOST_MARKS, 1);
    let right = new Map();
    seen.forEach(([record, kind, text], place) => {
      if (Math.floor(place / step) === Math.floor((place - 1) / step)) return;
      const lane = this.run.lane(record);
      if (lane === undefined) return;
      const [x, y] = [this.x(this.run.time(record)), this.y(lane)];
      const one = svg("g", { class: `mark ${kind}`, "data-record": record });
      const sign = { refused: "⊘", expired: "∅", died: "×", jumped: "⏱" }[kind];
      if (sign) one.append(svg("text", { class: "sign", x, y: y + 5, "text-anchor": "middle" }, sign));
      else one.append(svg("circle", { cx: x, cy: y, r: 3.5 }));
      const fits = !(right.get(lane) > x);
      if (fits) {
        one.append(svg("text", { class: "label", x: x + 5, y: y - 11 }, text));
        right.set(lane, x + 8 + text.length * 6.1);
      }
      one.append(svg("title", {}, text));
      group.append(one);
    });
    return group;
  }

  // The first violation of each kind, its name below the lanes.
  violations() {
    const group = svg("g", {});
    const firsts = this.run.violations.filter((violation) => violation.first);
    firsts.forEach((violation, row) => {
      const time = this.run.time(violation.record);
      if (!this.inView(time, time)) return;
      const [x, y] = [this.x(time), this.bottom + 13 * row + 9];
      const atRight = x > this.width - 130;
      const one = svg("g", { class: "violation", "data-record": violation.record });
      one.append(svg("line", { x1: x, x2: x, y1: this.top - 4, y2: y }));
      const text = { x: atRight ? x - 4 : x + 4, y, "text-anchor": atRight ? "end" : "start" };
      one.append(svg("text", text, `✖ ${violation.kind}`), svg("title", {}, violation.detail));
      group.append(one);
    });
    return group;
  }

  faults() {
    const group = svg("g", {});
    this.run.faults.forEach((fault, place) => {
      if (fault.from < 0 || !this.inView(fault.from, fault.to)) return;
      const { x, width } = this.box(fault.from, fault.to);
      const left = Math.max(x, this.gutter);
      const y = 3 + this.curveHeight + this.faultRows.rows[place] * 17;
      const one = svg("g", { class: fault.fired ? "fault" : "fault idle", "data-record": fault.record });
      one.append(svg("rect", { x: left, y, width: Math.max(x + width - left, 2), height: 14, rx: 3 }));
      const space = this.width - left;
      const text = fault.text.length * 6 < space ? fault.text : fault.kind;
      const fits = text.length * 6 < space;
      one.append(svg("text", { x: fits ? left + 4 : this.width - 4, y: y + 11, "text-anchor": fits ? "start" : "end" }, text));
      one.append(svg("title", {}, fault.text));
      group.append(one);
    });
    return group;
  }

  // How many futures violate from each point of the run.
  curveLine() {
    const group = svg("g", { class: "curve" });
    if (!this.curve) return group;
    const [low, high] = [this.curveHeight - 6, 6];
    const y = (share) => low - share * (low - high);
    const points = this.curve.points.map((point) => [this.x(point.at), y(point.violating / this.curve.futures), point]);
    const path = points.map(([x, at], place) => `${place ? "L" : "M"}${x},${at}`).join(" ");
    group.append(svg("line", { class: "rule", x1: this.gutter, x2: this.width, y1: low, y2: low }));
    group.append(svg("line", { class: "rule", x1: this.gutter, x2: this.width, y1: high, y2: high }));
    group.append(svg("path", { d: path, "clip-path": `url(#${this.clip()})` }));
    for (const [x, at, point] of points) {
      if (x < this.gutter || x > this.width) continue;
      const dot = svg("circle", { cx: x, cy: at, r: 3, "data-record": Math.max(point.event - 1, 0) });
      dot.append(svg("title", {}, `${point.violating} of ${this.curve.futures} futures: ${this.curve.kind}`));
      group.append(dot);
    }
    if (!this.isNarrow) {
      group.append(svg("text", { x: this.gutter - 8, y: high + 4, "text-anchor": "end" }, "100 %"));
      group.append(svg("text", { x: this.gutter - 8, y: low + 3, "text-anchor": "end" }, "futures 0 %"));
    }
    return group;
  }

  axis() {
    const group = svg("g", { class: "axis" });
    const y = this.height - 8;
    const span = this.scale.end - this.scale.begin;
    const places = span > 60 * SECOND ? 1 : span > SECOND / 10 ? 3 : 6;
    for (const { x, time } of this.scale.ticks()) {
      group.append(svg("line", { x1: this.gutter + x, x2: this.gutter + x, y1: this.top, y2: y - 12 }));
      group.append(svg("text", { x: this.gutter + x, y, "text-anchor": "middle" }, seconds(time, places)));
    }
    return group;
  }

  partingLine(time) {
    const x = this.x(time);
    return svg("g", { class: "parting" },
      svg("line", { x1: x, x2: x, y1: this.top - 4, y2: this.bottom }),
      svg("text", { x: x - 4, y: this.bottom + 9, "text-anchor": "end" }, "here the runs part"));
  }

  cursor() {
    const group = svg("g", { class: "cursor" });
    if (this.selected < 0) return group;
    const x = this.x(this.run.time(this.selected));
    group.append(svg("line", { x1: x, x2: x, y1: this.top - 6, y2: this.height - 20 }));
    const lane = this.run.lane(this.selected);
    if (lane !== undefined) group.append(svg("circle", { cx: x, cy: this.y(lane), r: 7 }));
    return group;
  }
}
