"""What a comparison says, as text: shared by the terminal, the recorded result and the page."""

import html

BOOKS = {
    "plain": "a store that checks no token",
    "fenced": "a store that checks the token on every read and write",
}


def seconds(time, signed=False):
    """With three digits; no sign before what is nothing at this precision."""
    if time is None:
        return "not seen"
    time = round(time, 3) + 0
    return f"{time:+.3f}" if signed and time else f"{time:.3f}"


def columns(comparison):
    runs = len(comparison.real)
    real = ["real"] if runs == 1 else [f"real {number}" for number in range(1, runs + 1)]
    return ["simulated", *real, "difference"]


def cells(row):
    _, sentence, simulated, real, apart = row
    return [sentence, seconds(simulated), *map(seconds, real), seconds(apart, signed=True)]


def verdicts(comparison):
    """What came of it, in sentences."""
    simulated, real = comparison.simulated, comparison.real
    yield f"Violations: simulated {listed(simulated)}; real {' / '.join(once(map(listed, real)))}."
    for name, title in BOOKS.items():
        ours = getattr(simulated, name)
        if ours:
            theirs = once(books(getattr(told, name)) for told in real)
            yield f"With {title}: simulated {books(ours)}; real {' / '.join(theirs)}."
        else:
            yield "The lock hands out no token, so that a store has nothing to check."


def listed(told):
    return ", ".join(sorted(told.violations)) or "none"


def books(book):
    return f"{book.sold} sold of {book.initial}" + (f" and {book.refused} refused" if book.refused else "")


def once(sentences):
    return list(dict.fromkeys(sentences))


def in_line(text):
    """A paragraph in one line."""
    return " ".join(text.split())


def marked_up(text):
    """A paragraph for a page, with its `code`."""
    parts = html.escape(in_line(text)).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def markdown(comparisons, versions, command):
    """The recorded result."""
    lines = ["# Anomalies in the flesh", "", *INTRODUCTION.strip().splitlines()]
    lines += ["", f"    {command}", "", f"Recorded with {versions}."]
    for comparison in comparisons:
        lines += ["", f"## {comparison.anomaly.name}", "", *comparison.anomaly.how.splitlines(), ""]
        lines += [f"    {comparison.run.command}", f"    {alone(comparison)}", ""]
        head = columns(comparison)
        lines += [f"| seconds since A was granted the lock | {' | '.join(head)} |", "|---" + "|--:" * len(head) + "|"]
        lines += [f"| {' | '.join(cells(row))} |" for row in comparison.rows()]
        lines += ["", *(f"* {sentence}" for sentence in verdicts(comparison)), "", *comparison.anomaly.why.splitlines()]
    return "\n".join(lines) + "\n"


def alone(comparison):
    return f"python3 tests/real/flesh.py --only {comparison.anomaly.key}"


INTRODUCTION = """
Four anomalies of the corpus, each in the simulator and with real servers and real client processes on one host. The
steps are the scenario's. The script asks that the events come in the same order, that the same is violated, and that a
store which checks fencing tokens oversells in both or in neither; times are compared and not asked for. A is who was
granted the lock first, B who got it while A believed that it held it. A difference is that of the real runs' median.

What a real run takes from the simulated one is what no server decides: who asks first and how long a buyer's own code
works. When a lease or a session is over, when Sentinels act and when B is granted the lock is up to the real servers.
"""
