// A run as the page's data gives it, and what can be asked of it. Nothing here draws.

const SECOND = 1e9;

class Run {
  constructor(data) {
    Object.assign(this, data);
    this.laneOf = new Map(this.lanes.map((lane, place) => [lane.node, place]));
    this.effects = null;
    this.hindrances = new Map();
    for (const [message, record, how] of this.hindered) {
      if (!this.hindrances.has(message)) this.hindrances.set(message, []);
      this.hindrances.get(message).push({ record, how });
    }
    this.told = this.said.map(([record, weight, sign, text, chosen]) => ({ record, weight, sign, text, chosen }));
    this.saidOf = new Map();
    for (const line of this.told) {
      if (!this.saidOf.has(line.record)) this.saidOf.set(line.record, []);
      this.saidOf.get(line.record).push(line);
    }
    this.spans = this.spans.map(([lane, track, sign, from, to, owner, label]) => ({
      lane, track, sign, owner, label, from, to, begin: this.time(from), end: to < 0 ? this.end : this.time(to),
    }));
  }

  get length() { return this.at.length; }

  time(record) { return this.at[Math.min(record, this.at.length - 1)]; }

  lane(record) { return this.laneOf.get(this.node[record]); }

  isMessage(record) { return this.about[record] >= 0; }

  // What a message is called, in a few words.
  messageName(message) { return this.words[this.messages.name[message]]; }

  messageContent(message) { return this.words[this.messages.content[message]]; }

  route(message) {
    return `${this.nodes[this.messages.from[message]]} → ${this.nodes[this.messages.to[message]]}`;
  }

  // The record that brought a record about: for a delivery, the sending.
  causeOf(record) {
    const event = this.events[this.event[record]];
    if (event !== "sent" && this.isMessage(record)) return this.messages.sent[this.about[record]];
    return this.cause[record];
  }

  effectsOf(record) {
    if (!this.effects) {
      this.effects = new Map();
      for (let one = 0; one < this.length; one++) {
        const cause = this.causeOf(one);
        if (cause < 0) continue;
        if (!this.effects.has(cause)) this.effects.set(cause, []);
        this.effects.get(cause).push(one);
      }
    }
    return this.effects.get(record) ?? [];
  }

  // All that led to a record, and all that came of it.
  ancestors(record) {
    const found = new Set();
    for (let one = this.causeOf(record); one >= 0 && !found.has(one); one = this.causeOf(one)) found.add(one);
    return found;
  }

  descendants(record) {
    const found = new Set();
    const open = [record];
    while (open.length > 0) {
      for (const effect of this.effectsOf(open.pop())) {
        if (found.has(effect)) continue;
        found.add(effect);
        open.push(effect);
      }
    }
    return found;
  }

  // What happened, in a line: the sentences about it, or what the event is called.
  describe(record) {
    const said = this.saidOf.get(record);
    if (said) return said.map((line) => line.text).join(" ");
    const event = this.events[this.event[record]].replaceAll("-", " ");
    if (!this.isMessage(record)) return `${this.nodes[this.node[record]]}: ${event}`;
    const message = this.about[record];
    return `${this.messageName(message)}, ${this.route(message)}: ${event}`;
  }

  // The spans in force after a record, in the order of the lanes.
  spansAt(record) {
    return this.spans.filter((span) => span.from <= record && (span.to < 0 || record < span.to));
  }

  // The last of these entries, which begin with a record, that is not after that one.
  lastUpTo(entries, record) {
    let last = null;
    for (const entry of entries) {
      if (entry[0] > record) break;
      last = entry;
    }
    return last;
  }

  // The first record not before a time.
  recordAt(time) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at[middle] < time) low = middle + 1;
      else high = middle;
    }
    return Math.min(low, this.length - 1);
  }
}

// A time for people, as the command line shows it.
function seconds(time, places = 3) {
  return `${(time / SECOND).toFixed(places)}s`;
}

// How long something takes, in the unit that suits it.
function howLong(span) {
  if (span >= SECOND) return `${+(span / SECOND).toFixed(3)} s`;
  if (span >= 1e6) return `${+(span / 1e6).toFixed(3)} ms`;
  return `${+(span / 1e3).toFixed(1)} µs`;
}
