"""What an anomaly is here, and what the four have in common."""

from dataclasses import dataclass
from typing import Callable

from .simulated import Simulated
from .told import Book, Hold, Told, violations


@dataclass
class Anomaly:
    """A scenario of the corpus, and how it is told. `A` is who was granted the lock first, `B` who got it next."""

    # What the command line calls it.
    key: str
    name: str
    file: str
    # Each event's name, and the sentence that it is told by.
    events: dict[str, str]
    # How it is made to happen, and what of the run is put in, since no server decides it.
    how: str
    # Where times may differ, and why.
    why: str
    # When those events were in the simulated run, as a function of the run, A and B.
    simulated: Callable
    # The real run, as a function of the simulated one.
    real: Callable
    seed: int | None = None
    # Whether the lock has a token for a store to check.
    has_token: bool = True

    def simulate(self, fencepost):
        return Simulated(fencepost, self.file, self.seed)


def tell_simulated(anomaly, run):
    """The simulated run, as told by its records."""
    first, second = run.holders()[:2]
    records = anomaly.simulated(run, first, second)
    verdict = run.verdict
    fenced = run.fenced() if anomaly.has_token else None
    return Told(
        moments={event: (record["at_ns"], record["record"]) for event, record in records.items()},
        holds=[simulated_hold(run, buyer) for buyer in (first, second)],
        violations={violation["kind"] for violation in verdict["violations"]},
        plain=book_of(verdict),
        fenced=fenced and book_of(fenced),
        stood=[
            (began["node"], began["at_ns"], ended["at_ns"])
            for began, ended in zip(run.each("paused"), run.each("resumed"))
        ],
    )


def book_of(verdict):
    left, sold, refused = (verdict[name] for name in ("stock_remaining", "sold", "fenced_off"))
    return Book(verdict["stock_initial"], left, sold, refused)


def simulated_hold(run, buyer):
    granted = run.first("acquired", node=buyer)
    ends = [next(run.each(event, node=buyer), None) for event in ("lock-lost", "releasing")]
    ended = min((end["at_ns"] for end in ends if end), default=None)
    return Hold(buyer, granted["token"], granted["at_ns"], ended)


def tell_real(moments, buyers, shop):
    """The real run, as told by its buyers, its shop and the moments that were observed."""
    holds, plain = buyers.holds(), shop.book("off")
    writes = [(entry["buyer"], entry["at_ns"]) for entry in shop.entries("taken")]
    return Told(
        moments={event: (moment, 0) for event, moment in moments.items()},
        holds=holds,
        violations=violations(holds, writes, plain),
        plain=plain,
        fenced=shop.fenced_book(),
        stood=buyers.stood(),
    )


def in_the_shop(shop, first, second):
    """When the two read and wrote, on the shop's own clock."""
    moments = {}
    for letter, buyer in (("a", first), ("b", second)):
        for event, kind in (("read", "served"), ("write", "taken")):
            entries = shop.entries(kind, buyer=buyer.name)
            if entries:
                moments[f"{event}-{letter}"] = entries[0]["at_ns"]
    return moments


def in_the_simulated_shop(run, first, second):
    """The same in the simulated run."""
    records = {}
    for letter, buyer in (("a", first), ("b", second)):
        records[f"read-{letter}"] = run.first("stock-served", to=buyer)
        records[f"write-{letter}"] = run.first("write-taken", **{"from": buyer})
    return records


def order_for(run, name, **details):
    """What a buyer's process is to do: what it does in the simulated run."""
    return {"recipe": run.scenario["lock"]["recipe"], "work": run.work(name), "stops": False, **details}
