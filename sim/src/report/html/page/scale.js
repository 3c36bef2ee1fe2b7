// From time to place and back. Most of a run is silence, and all that matters happens within milliseconds: so time
// is drawn by what happens in it, unless true proportions are asked for.

class Scale {
  // `times`: the moments worth telling, in order, of all runs that share the scale.
  constructor(times, end, isTrue) {
    const moments = [0, ...times.filter((time) => time > 0 && time < end), Math.max(end, 1)];
    this.times = moments.filter((time, place) => place === 0 || time > moments[place - 1]);
    this.places = [0];
    for (let next = 1; next < this.times.length; next++) {
      const gap = this.times[next] - this.times[next - 1];
      this.places.push(this.places[next - 1] + (isTrue ? gap / SECOND : Scale.width(gap)));
    }
    this.isTrue = isTrue;
    this.whole = this.places[this.places.length - 1];
    this.from = 0;
    this.to = this.whole;
    this.pixels = 1;
  }

  // A tenfold gap is a little wider, and the shortest has some width too.
  static width(gap) { return 0.25 + Math.log2(1 + gap / 1e6); }

  static between(given, wanted, value) {
    let [low, high] = [0, given.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (given[middle] <= value) low = middle;
      else high = middle;
    }
    const share = (value - given[low]) / (given[high] - given[low]);
    return wanted[low] + Math.min(Math.max(share, 0), 1) * (wanted[high] - wanted[low]);
  }

  place(time) { return Scale.between(this.times, this.places, time); }

  timeAt(place) { return Scale.between(this.places, this.times, place); }

  // Pixels from the left edge of the view.
  x(time) { return ((this.place(time) - this.from) / (this.to - this.from)) * this.pixels; }

  timeOf(x) { return this.timeAt(this.from + (x / this.pixels) * (this.to - this.from)); }

  get begin() { return this.timeAt(this.from); }

  get end() { return this.timeAt(this.to); }

  show(from, to) {
    const width = Math.min(Math.max(to - from, this.whole / 1e6), this.whole);
    this.from = Math.min(Math.max(from, 0), this.whole - width);
    this.to = this.from + width;
  }

  zoom(factor, x = this.pixels / 2) {
    const share = x / this.pixels;
    const kept = this.from + share * (this.to - this.from);
    const width = (this.to - this.from) * factor;
    this.show(kept - share * width, kept + (1 - share) * width);
  }

  pan(pixels) {
    const by = (pixels / this.pixels) * (this.to - this.from);
    this.show(this.from + by, this.to + by);
  }

  // Moves just as far as is needed to have a time in view, with some room around it.
  reveal(time) {
    const place = this.place(time);
    const room = (this.to - this.from) * 0.15;
    if (place - room < this.from) this.show(place - room, place - room + (this.to - this.from));
    else if (place + room > this.to) this.show(place + room - (this.to - this.from), place + room);
  }

  // Times to write under the diagram: never two closer than they can be read.
  ticks() {
    const least = 84;
    const ticks = [];
    let last = -Infinity;
    for (let x = 42; x < this.pixels - 20; x += 14) {
      if (x - last < least) continue;
      ticks.push({ x, time: this.timeOf(x) });
      last = x;
    }
    return ticks;
  }
}
