"""What both tellings of a story are brought to: when each of its events was, who held the lock and when, and what the
books say. Everything is reckoned from what was observed; nothing is set down because it was to be expected.
"""

from dataclasses import dataclass, field


@dataclass
class Hold:
    """A buyer's belief that it holds the lock. Times are in nanoseconds; without an end it lasts to the end."""

    buyer: str
    token: int | None
    begun: int
    ended: int | None = None

    def overlaps(self, other):
        return not (ended_by(self, other.begun) or ended_by(other, self.begun))


def ended_by(hold, moment):
    return hold.ended is not None and hold.ended <= moment


@dataclass
class Book:
    """What became of a book's stock."""

    initial: int
    left: int
    sold: int
    refused: int

    @property
    def oversold(self):
        return max(0, self.sold + self.left - self.initial)


@dataclass
class Told:
    """One telling."""

    # Each event's moment: nanoseconds, and a number that tells two of the same moment apart.
    moments: dict[str, tuple[int, int]]
    holds: list[Hold]
    violations: set[str]
    plain: Book
    fenced: Book | None
    # When a buyer stood still.
    stood: list[tuple[str, int, int]] = field(default_factory=list)

    def order(self):
        return sorted(self.moments, key=self.moments.__getitem__)

    def since_grant(self, nanoseconds):
        """In seconds since the first grant."""
        return (nanoseconds - min(hold.begun for hold in self.holds)) / 1e9

    def at(self, event):
        return self.since_grant(self.moments[event][0])


def violations(holds, writes, book):
    """What is wrong with the real run, by the names that the judge has for it. `writes` are those that the book
    without fencing has taken, in order: the buyer and the moment."""
    found = set()
    holds = sorted(holds, key=lambda hold: hold.begun)
    for place, hold in enumerate(holds):
        earlier = holds[:place]
        if any(other.buyer != hold.buyer and other.overlaps(hold) for other in earlier):
            found.add("two-holders")
        if any(hold.token is not None and other.token >= hold.token for other in earlier):
            found.add("token-regression")
    if book.oversold:
        found.add("oversell")
    for buyer, moment in writes:
        own = max(hold.begun for hold in holds if hold.buyer == buyer and hold.begun <= moment)
        if any(hold.buyer != buyer and own < hold.begun <= moment for hold in holds):
            found.add("stale-write")
    return found
