// The whole run in true proportions, a thin line for each lane, with what is in view marked. A touch moves the view.

class Overview {
  constructor(runs, changed) {
    this.runs = runs;
    this.changed = changed;
    this.end = Math.max(...runs.map((run) => run.end), 1);
    this.root = svg("svg", { class: "overview", "aria-hidden": "true" });
    const move = (event) => {
      if (event.buttons === 0) return;
      const time = ((event.clientX - this.root.getBoundingClientRect().left) / this.width) * this.end;
      const place = this.scale.place(Math.min(Math.max(time, 0), this.end));
      const half = (this.scale.to - this.scale.from) / 2;
      this.scale.show(place - half, place + half);
      this.changed();
    };
    this.root.addEventListener("pointerdown", (event) => { this.root.setPointerCapture(event.pointerId); move(event); });
    this.root.addEventListener("pointermove", move);
  }

  resize(width) {
    this.width = width;
    this.rows = this.runs.map((run) => run.lanes.map((lane, place) => ({ run, lane, place })).filter(({ lane }) => lane.part !== "other"));
    const count = this.rows.reduce((sum, rows) => sum + rows.length, 0);
    this.height = count * 8 + (this.rows.length - 1) * 6 + 18;
    this.root.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.root.setAttribute("height", this.height);
    this.still = null;
  }

  x(time) { return (time / this.end) * this.width; }

  picture() {
    const group = svg("g", {});
    let top = 2;
    for (const rows of this.rows) {
      for (const { run, lane, place } of rows) {
        group.append(svg("line", { class: `lane ${lane.part}`, x1: 0, x2: this.width, y1: top + 4, y2: top + 4 }));
        for (const span of run.spans) {
          if (span.lane === place && span.track !== "trouble" && span.track !== "books") group.append(this.bar(span, top));
        }
        top += 8;
      }
      top += 6;
    }
    let last = -Infinity;
    for (const violation of this.runs[0].violations.filter((one) => one.first)) {
      const x = this.x(this.runs[0].time(violation.record));
      group.append(svg("line", { class: "violation", x1: x, x2: x, y1: 0, y2: this.height - 14 }));
    }
    for (let tick = 0; tick <= 6; tick++) {
      const [x, anchor] = [(this.width * tick) / 6, tick === 0 ? "start" : tick === 6 ? "end" : "middle"];
      if (x - last < 70) continue;
      last = x;
      group.append(svg("text", { x, y: this.height - 3, "text-anchor": anchor }, seconds((this.end * tick) / 6, 1)));
    }
    return group;
  }

  bar(span, top) {
    const colour = span.owner > 0 ? ` c${(span.owner - 1) % 6}` : "";
    const [from, to] = [this.x(span.begin), this.x(span.end)];
    const height = span.track === "process" ? 8 : SPAN_CLASS[span.sign]?.startsWith("holds") || span.sign === "owner" ? 6 : 2;
    return svg("rect", {
      class: `${SPAN_CLASS[span.sign] ?? ""}${colour}`, x: from, y: top + 4 - height / 2, width: Math.max(to - from, 1), height,
    });
  }

  draw(scale) {
    this.scale = scale;
    if (!this.still) this.still = this.picture();
    const [from, to] = [this.x(scale.begin), this.x(scale.end)];
    const view = svg("rect", { class: "view", x: from, y: 0.5, width: Math.max(to - from, 3), height: this.height - 14 });
    this.root.replaceChildren(this.still, view);
  }
}
