"""The page: both runs of each anomaly in lanes on one axis, and the tables. One file, without a script, that needs
nothing from elsewhere."""

import html
from itertools import takewhile

from .style import STYLE
from .words import INTRODUCTION, alone, cells, columns, marked_up, seconds, verdicts

# How much of a lane's width is left free on either side, and what a marker takes on a narrow screen, in percent.
MARGIN, MARKER = 4, 7
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


class Axis:
    """The time that all lanes of an anomaly share, in seconds since A's grant, as percent of their width."""

    def __init__(self, tellings):
        times = [told.at(event) for told in tellings for event in told.moments]
        self.begin, self.end = min(times), max(times)

    def place(self, time):
        share = (time - self.begin) / (self.end - self.begin)
        return MARGIN + (100 - 2 * MARGIN) * share

    def clipped(self, time):
        return 100 if time is None else min(100, max(0, self.place(time)))

    def ticks(self):
        step = next(step for step in STEPS if (self.end - self.begin) / step <= 8)
        return takewhile(lambda time: time <= self.end, (round(number * step, 1) for number in range(100)))


def page(comparisons, versions):
    sections = "\n".join(map(section, comparisons))
    paragraphs = "".join(f"<p>{marked_up(part)}</p>" for part in INTRODUCTION.strip().split("\n\n"))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Anomalies in the flesh</title>
<style>{STYLE}</style>
<main>
<h1>Anomalies in the flesh</h1>
{paragraphs}
<p class="quiet">{html.escape(versions)}.</p>
{sections}
</main>
</html>
"""


def section(comparison):
    anomaly = comparison.anomaly
    numbers = {event: number for number, event in enumerate(comparison.simulated.order(), 1)}
    differences = comparison.differences()
    came_out = "not the same" if differences else "the same order, and the same comes of it"
    said = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in [*verdicts(comparison), *differences])
    return f"""<section>
<h2>{html.escape(anomaly.name)}</h2>
<p class="{"bad" if differences else "good"}">{came_out}</p>
<p>{marked_up(anomaly.how)}</p>
<pre>{html.escape(comparison.run.command)}
{html.escape(alone(comparison))}</pre>
{chart(comparison, numbers)}
{table(comparison, numbers)}
<ul>{said}</ul>
<p>{marked_up(anomaly.why)}</p>
</section>"""


def chart(comparison, numbers):
    tellings = [comparison.simulated, *comparison.real]
    axis = Axis(tellings)
    names = columns(comparison)[: len(tellings)]
    lanes = "\n".join(lane(comparison, axis, numbers, *named) for named in zip(names, tellings))
    ticks = "".join(f'<i style="left:{axis.place(time):.2f}%">{time:g}</i>' for time in axis.ticks())
    return f"""<figure>
{lanes}
<div class="axis">{ticks}</div>
<figcaption>Seconds since A was granted the lock. A bar is as long as its buyer believes that it holds the lock; hatched
while it is stopped. The shaded time has two holders. Numbers are those of the table.</figcaption>
</figure>"""


def lane(comparison, axis, numbers, name, told):
    first, second = told.holds[:2]
    bars = [bar(axis, told, letter, hold) for letter, hold in (("a", first), ("b", second))]
    both = span(axis, "both", told, max(first.begun, second.begun), earliest(first.ended, second.ended))
    markers, levels = [], []
    for event in told.order():
        place = axis.place(told.at(event))
        level = next((level for level, end in enumerate(levels) if place - end >= MARKER), len(levels))
        levels[level:level + 1] = [place]
        markers.append(marker(comparison, numbers[event], event, told, place, level))
    return f"""<div class="lane"><h3>{html.escape(name)}</h3>
{both}
<div class="bars">{"".join(bars)}</div>
<div class="markers" style="--levels:{len(levels)}">{"".join(markers)}</div></div>"""


def earliest(*moments):
    return min((moment for moment in moments if moment is not None), default=None)


def span(axis, kind, told, begin, end):
    left = axis.clipped(told.since_grant(begin))
    right = axis.clipped(end and told.since_grant(end))
    return f'<div class="{kind}" style="left:{left:.2f}%;width:{max(0, right - left):.2f}%"></div>'


def bar(axis, told, letter, hold):
    stood = [span(axis, "stood", told, begin, end) for buyer, begin, end in told.stood if buyer == hold.buyer]
    held = span(axis, f"held {letter}", told, hold.begun, hold.ended)
    left = axis.clipped(told.since_grant(hold.begun))
    name = f'<span class="name {letter}" style="left:{left:.2f}%">{letter.upper()}</span>'
    return f'<div class="bar">{held}{"".join(stood)}{name}</div>'


def marker(comparison, number, event, told, place, level):
    sentence = comparison.anomaly.events[event]
    title = html.escape(f"{number}. {sentence}, {seconds(told.at(event))} s", quote=True)
    kind = ' class="bad"' if is_bad(sentence) else ""
    return f'<b{kind} style="left:{place:.2f}%;--level:{level}" title="{title}">{number}</b>'


def is_bad(sentence):
    """An event that violates something says so behind a colon."""
    return ":" in sentence


def table(comparison, numbers):
    names = columns(comparison)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    rows = []
    for row in comparison.rows():
        event, sentence, *_ = row
        kind = ' class="bad"' if is_bad(sentence) else ""
        numbered = f"<td><b{kind}>{numbers[event]}</b></td><td>{html.escape(sentence)}</td>"
        rows.append(f"<tr>{numbered}{''.join(f'<td>{cell}</td>' for cell in cells(row)[1:])}</tr>")
    return f"""<div class="table"><table style="--times:{len(names)}">
<thead><tr><th></th><th>seconds since A was granted the lock</th>{head}</tr></thead>
<tbody>{"".join(rows)}</tbody></table></div>"""
