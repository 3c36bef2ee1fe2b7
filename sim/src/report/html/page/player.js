// One run on the page, or two under one scale: the diagram, the steps through it, and what is known of a moment.

// So many pixels for each step are enough to tell them apart.
const ROOM = 7;

const BUTTONS = [
  ["|◀", "first step (Home)", "first"], ["◀", "step back (←)", "back"], ["▶", "step on (→)", "on"],
  ["▶|", "last step (End)", "last"], ["✖", "next violation (v)", "violation"], ["+", "closer (+)", "closer"],
  ["−", "further away (−)", "further"], ["⤢", "the whole run (0)", "whole"],
];

const KEYS = {
  Home: "first", ArrowLeft: "back", k: "back", ArrowRight: "on", j: "on", End: "last", v: "violation",
  "+": "closer", "=": "closer", "-": "further", "0": "whole",
};

function html(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

class Player {
  // `section`: the element that the page has for it, with its list of steps.
  constructor(section, data) {
    this.section = section;
    this.runs = data.runs.map((run, place) => new Run({ ...run, key: `${section.id}-${place}` }));
    this.parting = data.parting;
    this.active = 0;
    this.everyEvent = false;
    this.curve = data.curve;
    this.makeScale(false);
    this.diagrams = this.runs.map((run, place) => new Diagram(run, this.scale, place === 0 ? data.curve : null, run.summary));
    this.build();
    this.begin();
  }

  makeScale(isTrue) {
    const times = this.runs.flatMap((run) => run.told.map((line) => run.time(line.record)));
    times.sort((one, other) => one - other);
    const before = this.scale;
    const kept = before ? [before.begin, before.end] : null;
    const end = Math.max(...this.runs.map((run) => run.end));
    this.scale = new Scale(times, end, isTrue);
    if (before) {
      this.scale.pixels = before.pixels;
      this.scale.show(this.scale.place(kept[0]), this.scale.place(kept[1]));
    }
    for (const diagram of this.diagrams ?? []) diagram.scale = this.scale;
  }

  build() {
    const controls = html("div", { class: "controls", role: "toolbar", "aria-label": "player" });
    for (const [sign, title, act] of BUTTONS) {
      const button = html("button", { type: "button", title, "aria-label": title }, sign);
      button.addEventListener("click", () => this.act(act));
      controls.append(button);
    }
    controls.append(this.toggle("true time", (on) => { this.makeScale(on); this.layOut(); }));
    controls.append(this.toggle("every event", (on) => { this.everyEvent = on; }));
    this.overview = new Overview(this.runs, () => this.draw());
    this.strips = this.diagrams.map((diagram, place) => {
      const strip = html("figure", { class: "strip" });
      if (this.runs.length > 1) strip.append(html("figcaption", {}, this.runs[place].heading));
      strip.append(diagram.root);
      this.listen(diagram, place);
      return strip;
    });
    this.panel = html("div", { class: "moment", role: "region", "aria-label": "the chosen moment", tabindex: -1 });
    this.spoken = html("div", { class: "spoken", role: "status", "aria-live": "polite" });
    const hint = html("p", { class: "hint" }, "Drag to move; pinch, or turn the wheel with Ctrl, to come closer; click on anything to see it, what led to it and what came of it. ← → step, + − 0 zoom, v shows the next violation.");
    this.stage = html("div", { class: "stage" }, this.overview.root, controls, ...this.strips, hint);
    this.section.querySelector(".player").replaceChildren(this.stage, this.panel, this.spoken);
    this.section.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.layOut()).observe(this.stage);
    // Paper cannot be moved.
    window.addEventListener("beforeprint", () => this.act("whole"));
  }

  toggle(text, act) {
    const box = html("input", { type: "checkbox" });
    box.addEventListener("change", () => act(box.checked));
    return html("label", {}, box, ` ${text}`);
  }

  // Around the first violation, or the first fault, or the whole run.
  begin() {
    const run = this.runs[0];
    const first = run.violations[0]?.record ?? run.told.find((line) => line.weight >= 3)?.record ?? run.told[0]?.record ?? 0;
    this.layOut();
    this.select(0, first, false);
  }

  layOut() {
    // What is drawn has a border of one pixel.
    const width = this.stage.clientWidth - 2;
    if (width <= 0) return;
    const pixels = this.diagrams.map((diagram) => diagram.resize(width));
    const before = this.scale.pixels;
    this.scale.pixels = pixels[0];
    if (before === 1 && this.scale.whole > pixels[0] / ROOM) this.closeUp();
    this.overview.resize(width);
    this.draw();
  }

  // So close that steps can be told apart.
  closeUp() {
    const run = this.runs[0];
    const place = this.scale.place(run.time(run.violations[0]?.record ?? 0));
    const width = Math.min(this.scale.whole, this.scale.pixels / ROOM);
    this.scale.show(place - width * 0.7, place + width * 0.3);
  }

  draw() {
    this.diagrams.forEach((diagram) => diagram.draw(this.parting?.at));
    this.overview.draw(this.scale);
  }

  later() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  listen(diagram, place) {
    const pointers = new Map();
    const { root } = diagram;
    let moved = 0;
    root.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      pointers.set(event.pointerId, event.clientX);
      moved = 0;
    });
    root.addEventListener("pointermove", (event) => {
      // A button that was let go outside is not told.
      if (event.buttons === 0) pointers.delete(event.pointerId);
      if (!pointers.has(event.pointerId)) return;
      const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
      const [old, now] = [pointers.get(event.pointerId), event.clientX];
      pointers.set(event.pointerId, now);
      moved += Math.abs(now - old);
      if (moved > 4 && !root.hasPointerCapture(event.pointerId)) root.setPointerCapture(event.pointerId);
      if (others.length > 0) {
        const [before, after] = [Math.abs(old - others[0]), Math.abs(now - others[0])];
        if (before > 8 && after > 8) this.scale.zoom(before / after, this.inside(diagram, (now + others[0]) / 2));
      } else if (moved > 4) {
        this.scale.pan(old - now);
      }
      this.later();
    });
    const over = (event) => pointers.delete(event.pointerId);
    for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, over);
    root.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) this.scale.zoom(Math.exp(event.deltaY / 240), this.inside(diagram, event.clientX));
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.scale.pan(event.deltaX || event.deltaY);
      else return;
      event.preventDefault();
      this.later();
    }, { passive: false });
    root.addEventListener("click", (event) => {
      if (moved > 4) return;
      const hit = event.target.closest("[data-record]");
      if (hit) this.select(place, Number(hit.getAttribute("data-record")), true);
    });
  }

  inside(diagram, clientX) { return clientX - diagram.root.getBoundingClientRect().left - diagram.gutter; }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, pre")) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    this.act(act);
  }

  act(act) {
    if (act === "closer") this.scale.zoom(0.6, this.cursorX());
    else if (act === "further") this.scale.zoom(1 / 0.6, this.cursorX());
    else if (act === "whole") this.scale.show(0, this.scale.whole);
    else return this.step(act);
    this.draw();
  }

  cursorX() {
    const x = this.scale.x(this.runs[this.active].time(this.selected));
    return x >= 0 && x <= this.scale.pixels ? x : this.scale.pixels / 2;
  }

  // The records that the player stops at.
  stops() {
    const run = this.runs[this.active];
    if (this.everyEvent) return Array.from({ length: run.length }, (_, record) => record);
    return [...new Set(run.told.map((line) => line.record))];
  }

  step(act) {
    const stops = act === "violation" ? this.runs[this.active].violations.filter((one) => one.first).map((one) => one.record) : this.stops();
    if (stops.length === 0) return;
    const next = stops.findIndex((record) => record > this.selected);
    const back = stops.findLastIndex((record) => record < this.selected);
    const wanted = {
      first: stops[0], last: stops[stops.length - 1],
      on: stops[next] ?? stops[stops.length - 1], back: stops[back] ?? stops[0], violation: stops[next] ?? stops[0],
    }[act];
    this.select(this.active, wanted, true);
  }

  select(place, record, isAsked) {
    this.active = place;
    this.selected = record;
    this.diagrams.forEach((diagram, other) => diagram.select(other === place ? record : -1));
    this.scale.reveal(this.runs[place].time(record));
    this.draw();
    const hadFocus = this.panel.contains(document.activeElement);
    this.panel.replaceChildren(...moment(this.runs[place], record, (to) => this.select(place, to, true)));
    if (hadFocus) this.panel.focus({ preventScroll: true });
    this.spoken.textContent = `${seconds(this.runs[place].time(record))}: ${this.runs[place].describe(record)}`;
    for (const marked of this.section.querySelectorAll("li.here")) marked.classList.remove("here");
    const line = this.section.querySelector(`[id="${this.anchor(place, record)}"]`);
    line?.classList.add("here");
    if (isAsked) history.replaceState(null, "", `#${this.anchor(place, record)}`);
  }

  anchor(place, record) { return `${this.section.id}-${place}-${record}`; }
}
