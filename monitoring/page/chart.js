"use strict";

// One chart: lines or stacked areas, with axes, a legend, and a readout of its values.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 58, right: 14, top: 8, bottom: 22 };
const HEIGHT = 190;
const COLOURS = 6; // of runs and of series; further ones are dotted
const MOST_MARKS = 60; // points that are drawn as dots

const element = (name, attributes = {}, text = "") => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
};

class Chart {
  // `settings` are those of the form; `runs` are all runs, `visible` where they are switched on.
  constructor(figure, chart, runs, settings) {
    Object.assign(this, { figure, chart, runs, settings, cursor: null, frame: 0 });
    this.svg = figure.querySelector("svg");
    this.readout = figure.querySelector("output");
    this.note = figure.querySelector(".note");
    this.lines = this.collect();
    this.legend(figure.querySelector(".keys"));
    this.svg.addEventListener("pointermove", event => this.pointAt(event));
    this.svg.addEventListener("pointerdown", event => this.pointAt(event));
    this.svg.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") this.read(null); });
    this.svg.addEventListener("keydown", event => this.key(event));
    this.svg.addEventListener("blur", () => this.read(null));
    new ResizeObserver(() => this.later()).observe(figure);
  }

  // Every curve of every run of this chart, with its colour and stroke.
  collect() {
    const own = this.runs.filter(run => !run.reference).length;
    const lines = [];
    this.runs.forEach((run, place) => {
      if (this.chart.run !== null && this.chart.run !== place) return;
      this.chart.series.forEach((series, order) => {
        const curve = run.curves[series.curve];
        if (!curve) return;
        const [grid, mean, low, high, gaps] = curve;
        const byRun = own > 1 && !this.chart.stacked;
        const index = byRun ? place : order;
        lines.push({
          run, series, order, points: series.style.endsWith("points"), mean, low, high, gaps,
          steps: run.grids[grid],
          colour: run.reference && !this.chart.stacked ? "of-reference" : `colour-${index % COLOURS}`,
          stroke: run.reference ? (order ? "reference-dotted" : "reference-dashed")
            : index >= COLOURS && byRun ? "dotted" : series.style.startsWith("dash") ? "dashed" : "",
          label: own > 1 || run.reference ? `${run.name}: ${series.label}` : series.label,
        });
      });
    });
    return lines;
  }

  // The kinds of lines; the colours of runs are in the form, once for all charts.
  legend(list) {
    if (this.chart.series.length < 2) return;
    const own = this.runs.filter(run => !run.reference).length;
    this.chart.series.forEach((series, order) => {
      const line = this.lines.find(one => one.order === order && (!one.run.reference || this.chart.stacked));
      if (!line) return;
      const item = document.createElement("li");
      const sample = element("svg", { viewBox: "0 0 26 10", "aria-hidden": "true" });
      const colour = own > 1 && !this.chart.stacked ? "colour-any" : line.colour;
      if (this.chart.stacked) sample.append(element("rect", { x: 2, y: 0, width: 22, height: 10, class: `area ${colour}` }));
      else {
        sample.append(element("path", { d: "M0 5H26", class: `line ${line.stroke} ${colour}` }));
        if (line.points) sample.append(element("circle", { cx: 13, cy: 5, r: 3, class: `dot ${colour}` }));
      }
      item.append(sample, series.label);
      list.append(item);
    });
  }

  later() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  x(run, step) { return this.settings.axis === "hours" ? hoursAt(run, step) ?? step : step; }

  // The range of the x axis: that of the runs, so that a longer reference does not compress them.
  domain() {
    const { range, axis } = this.settings;
    const own = this.runs.filter(run => !run.reference && run.visible);
    const counted = range === "reference" || !own.length ? this.runs.filter(run => run.visible) : own;
    const last = Math.max(...counted.map(run => this.x(run, run.last) ?? 0), axis === "hours" ? 1e-4 : 1);
    return [range === "half" ? last / 2 : range === "tenth" ? last * 0.9 : 0, last];
  }

  draw() {
    const width = this.figure.clientWidth - 2; // without the border
    this.svg.replaceChildren();
    this.figure.hidden = this.chart.run !== null && !this.runs[this.chart.run].visible;
    if (width < 100) return; // folded away: drawn when it is opened
    this.width = width;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute("height", HEIGHT);
    [this.from, this.to] = this.domain();
    this.drawn = this.lines.filter(line => line.run.visible).map(line => this.prepared(line));
    const values = this.values();
    this.svg.setAttribute("aria-label", this.description());
    if (!values.length) {
      this.svg.append(element("text", { x: width / 2, y: HEIGHT / 2, class: "tick", "text-anchor": "middle" },
        this.drawn.length ? "no values in this range" : "switched off"));
      this.note.textContent = "";
      return;
    }
    this.scale(values);
    this.axes();
    const clip = `clip-${this.figure.dataset.chart}`;
    const area = element("clipPath", { id: clip });
    area.append(element("rect", {
      x: MARGIN.left, y: MARGIN.top - 3, width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom + 6,
    }));
    const inside = element("g", { "clip-path": `url(#${clip})` });
    this.svg.append(area, inside);
    if (this.chart.stacked) this.areas(inside);
    else for (const line of this.drawn) this.line(inside, line);
    this.marks(inside);
    this.pointer = element("g", { class: "pointer" });
    this.svg.append(this.pointer);
    if (this.cursor !== null) this.read(this.cursor);
  }

  // A line with its x values and its smoothed values.
  prepared(line) {
    const halfLife = this.settings.halfLife;
    const smoothed = halfLife && !line.points && line.series.style !== "exact" && line.steps.length > 2
      ? smooth(line.steps, line.mean, halfLife) : null;
    return { ...line, smoothed, xs: line.steps.map(step => this.x(line.run, step)) };
  }

  // All visible values, for the scale.
  values() {
    const found = [];
    for (const line of this.drawn) {
      line.xs.forEach((x, place) => {
        if (x < this.from || x > this.to) return;
        for (const list of [line.low, line.high, line.mean]) if (list && list[place] !== null) found.push(list[place]);
      });
    }
    return found;
  }

  // Chooses the scale of the values, and notes where it is not the chosen one.
  scale(values) {
    let low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    const { limits, level } = this.chart;
    if (level !== null && !limits) { low = Math.min(low, level); high = Math.max(high, level); }
    this.log = this.settings.scale === "log" && !limits && level === null && low > 0;
    this.note.textContent = this.settings.scale === "log" && !limits && level === null && low <= 0
      ? "linear, because not all values are above 0" : "";
    if (limits) [low, high] = [limits[0], limits[1] ?? (Math.max(high, limits[0]) * 1.04 || 1)];
    else if (!this.log && low > 0 && low < 0.35 * high) low = 0;
    if (!(high > low)) { const room = Math.abs(high) * 0.1 || 1; high += room; low -= this.log ? room / 2 : room; }
    const forward = this.log ? Math.log : value => value;
    const bottom = HEIGHT - MARGIN.bottom, top = MARGIN.top;
    let a = forward(low), b = forward(high);
    if (!limits) { const room = (b - a) * 0.04; b += room; if (low !== 0) a -= room; }
    this.low = this.log ? Math.exp(a) : a;
    this.high = this.log ? Math.exp(b) : b;
    this.px = x => MARGIN.left + (x - this.from) / (this.to - this.from) * (this.width - MARGIN.left - MARGIN.right);
    this.py = value => bottom - (forward(Math.max(value, this.log ? 1e-30 : -Infinity)) - a) / (b - a) * (bottom - top);
  }

  axes() {
    const right = this.width - MARGIN.right, bottom = HEIGHT - MARGIN.bottom;
    const ticks = this.log ? logTicks(this.low, this.high) : linearTicks(this.low, this.high, 4);
    const labels = shownApart(ticks);
    for (const [place, tick] of ticks.entries()) {
      const y = this.py(tick);
      this.svg.append(element("line", { x1: MARGIN.left, x2: right, y1: y, y2: y, class: "grid" }));
      this.svg.append(element("text", { x: MARGIN.left - 5, y: y + 3.5, class: "tick", "text-anchor": "end" }, labels[place]));
    }
    if (this.chart.level !== null) {
      const y = this.py(this.chart.level);
      this.svg.append(element("line", { x1: MARGIN.left, x2: right, y1: y, y2: y, class: "level" }));
    }
    this.svg.append(element("line", { x1: MARGIN.left, x2: right, y1: bottom, y2: bottom, class: "axis" }));
    const hours = this.settings.axis === "hours";
    for (const tick of linearTicks(this.from, this.to, Math.max(2, Math.min(5, this.width / 80)))) {
      const x = this.px(tick);
      const anchor = x > right - 14 ? "end" : "middle";
      this.svg.append(element("line", { x1: x, x2: x, y1: bottom, y2: bottom + 4, class: "axis" }));
      this.svg.append(element("text", { x: anchor === "end" ? right + 8 : x, y: bottom + 16, class: "tick", "text-anchor": anchor },
        hours ? `${Number(tick.toPrecision(4))} h` : ofSteps(tick)));
    }
  }

  line(inside, line) {
    const classes = `${line.stroke} ${line.colour}`;
    if (!line.smoothed || !line.run.reference) inside.append(element("path", { d: this.raw(line), class: `line ${line.smoothed ? "thin" : ""} ${classes}` }));
    if (line.smoothed) {
      inside.append(element("path", { d: this.path(line.xs, line.smoothed), class: `line smoothed ${classes}` }));
    }
    const inRange = line.xs.filter(x => x >= this.from && x <= this.to).length;
    if (line.points ? inRange <= MOST_MARKS : inRange === 1) {
      line.xs.forEach((x, place) => {
        if (line.mean[place] === null || x < this.from || x > this.to) return;
        inside.append(element("circle", { cx: this.px(x).toFixed(1), cy: this.py(line.mean[place]).toFixed(1), r: 2.6, class: `dot ${line.colour}` }));
      });
    }
  }

  // The reported values: from the lowest to the highest of each bucket, beginning with the nearer one.
  raw(line) {
    if (!line.low) return this.path(line.xs, line.mean);
    const xs = [], values = [];
    let before = null;
    line.xs.forEach((x, place) => {
      let ends = [line.low[place], line.high[place]];
      if (before !== null && Math.abs(ends[1] - before) < Math.abs(ends[0] - before)) ends = [ends[1], ends[0]];
      before = ends[1];
      xs.push(x, x); values.push(...ends);
    });
    return this.path(xs, values);
  }

  path(xs, values) {
    let d = "", pen = "M";
    xs.forEach((x, place) => {
      if (values[place] === null) { pen = "M"; return; }
      d += `${pen}${this.px(x).toFixed(1)} ${this.py(values[place]).toFixed(1)}`;
      pen = "L";
    });
    return d;
  }

  areas(inside) {
    const floor = this.drawn[0].xs.map(() => 0);
    for (const line of this.drawn) {
      const values = line.smoothed ?? line.mean;
      const under = [...floor];
      values.forEach((value, place) => { floor[place] += value ?? 0; });
      const upper = this.path(line.xs, floor);
      const back = this.path([...line.xs].reverse(), under.reverse()).replace("M", "L");
      inside.append(element("path", { d: `${upper}${back}Z`, class: `area ${line.colour}` }));
    }
  }

  // Marks of values that were not finite, and of the best step of each run.
  marks(inside) {
    const bottom = HEIGHT - MARGIN.bottom;
    for (const line of this.drawn) {
      for (const place of line.gaps) {
        const x = this.px(line.xs[place]);
        const mark = element("path", { d: `M${x - 4} ${MARGIN.top - 2}h8l-4 7z`, class: "gap" });
        mark.append(element("title", {}, `not finite at step ${grouped(line.steps[place])}`));
        inside.append(mark);
      }
    }
    if (this.chart.stacked) return;
    for (const [place, run] of this.runs.entries()) {
      if (run.best === null || run.reference || !run.visible) continue;
      const x = this.px(this.x(run, run.best));
      const single = this.runs.filter(one => !one.reference).length === 1;
      const mark = element("path", { d: `M${x - 4} ${bottom + 1}h8l-4 -7z`, class: `best ${single ? "colour-any" : `colour-${place % COLOURS}`}` });
      mark.append(element("title", {}, `best step, ${grouped(run.best)}`));
      inside.append(mark);
    }
  }

  pointAt(event) {
    if (!this.px) return;
    const box = this.svg.getBoundingClientRect();
    const x = this.from + (event.clientX - box.left - MARGIN.left) / (this.width - MARGIN.left - MARGIN.right) * (this.to - this.from);
    this.readout.setAttribute("aria-live", "off");
    this.read(x);
  }

  key(event) {
    const guide = this.guide();
    if (!guide) return;
    const inside = guide.xs.filter(x => x >= this.from && x <= this.to);
    if (!inside.length) return;
    const here = this.cursor === null ? null : nearest(inside, this.cursor);
    const stride = event.shiftKey ? 10 : 1;
    const next = {
      ArrowRight: here === null ? 0 : here + stride, ArrowLeft: here === null ? inside.length - 1 : here - stride,
      Home: 0, End: inside.length - 1,
    }[event.key];
    if (event.key === "Escape") this.read(null);
    if (next === undefined) return;
    event.preventDefault();
    this.readout.setAttribute("aria-live", "polite");
    this.read(inside[Math.min(Math.max(next, 0), inside.length - 1)]);
  }

  // The line whose points the keys step through: that of a run with the most points.
  guide() {
    const all = this.drawn ?? [];
    const own = all.filter(line => !line.run.reference);
    return (own.length ? own : all).reduce((most, line) => (!most || line.steps.length > most.steps.length ? line : most), null);
  }

  // Shows the values at the nearest point; null hides them.
  read(x) {
    this.cursor = null;
    this.pointer?.replaceChildren();
    this.readout.hidden = true;
    const guide = x === null || !this.pointer ? null : this.guide();
    if (!guide) return;
    const place = nearest(guide.xs, Math.min(Math.max(x, this.from), this.to));
    const step = guide.steps[place], at = guide.xs[place];
    this.cursor = at;
    const left = this.px(at);
    this.pointer.append(element("line", { x1: left, x2: left, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, class: "axis" }));
    const heading = document.createElement("strong");
    const hours = hoursAt(guide.run, step);
    heading.textContent = `step ${grouped(step)}${hours === null ? "" : ` · ${Number(hours.toPrecision(3))} h`}`;
    this.readout.replaceChildren(heading);
    for (const line of this.drawn) this.readLine(line, at);
    this.readout.hidden = false;
    this.readout.style.top = `${this.svg.offsetTop + HEIGHT + 2}px`; // below, so that the curves stay in sight
    const room = this.width - this.readout.offsetWidth - 4;
    this.readout.style.left = `${Math.max(4, Math.min(left > this.width / 2 ? left - this.readout.offsetWidth - 10 : left + 10, room))}px`;
  }

  readLine(line, at) {
    const place = nearest(line.xs, at);
    const next = line.xs[Math.min(place + 1, line.xs.length - 1)] - line.xs[Math.max(place - 1, 0)];
    if (Math.abs(line.xs[place] - at) > Math.max(next, 1e-9)) return; // outside this line
    const row = document.createElement("span");
    const name = document.createElement("i");
    name.className = line.colour;
    name.textContent = line.label;
    const value = document.createElement("b");
    value.textContent = shown(line.mean[place]);
    row.append(name, value);
    if (line.low && line.mean[place] !== null && line.low[place] !== line.high[place]) {
      const range = document.createElement("u"); // where several reports share a place
      range.textContent = `${shown(line.low[place])}…${shown(line.high[place])}`;
      row.append(range);
    }
    this.readout.append(row);
    if (this.chart.stacked || line.mean[place] === null) return;
    this.pointer.append(element("circle", {
      cx: this.px(line.xs[place]), cy: this.py(line.mean[place]), r: 3.5, class: `dot ${line.colour}`,
    }));
  }

  // The chart in a sentence, for screen readers.
  description() {
    const ends = this.drawn.map(line => {
      const known = line.mean.filter(value => value !== null);
      return known.length ? `${line.label} from ${shown(known[0])} to ${shown(known[known.length - 1])}` : `${line.label} never finite`;
    });
    return `${this.chart.title}: ${ends.join("; ") || "nothing drawn"}. Arrow keys read the values.`;
  }
}
