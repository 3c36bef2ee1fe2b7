"""What came of the cases: where tellings differ, in the terminal's words and in those of a page."""

import textwrap
from dataclasses import dataclass

import versions

from .cases import DIED, KINDS, Case, kind_of

CLIENTS = {
    "redis-cli": lambda: versions.said("redis-cli"),
    "redis-py": lambda: versions.python("redis"),
    "pottery": lambda: versions.python("pottery"),
    "ioredis": lambda: versions.node("ioredis"),
    "redlock with ioredis": lambda: f"{versions.node('redlock')}, {versions.node('ioredis')}",
    "redis (crate)": lambda: versions.crate("redis"),
    "rslock": lambda: f"{versions.crate('rslock')}, redis {versions.crate('redis')}",
    "kazoo": lambda: versions.python("kazoo"),
    "Curator": lambda: versions.jar("curator-recipes"),
    "zkCli": lambda: versions.jar("zookeeper"),
}
NOTHING = ("nothing", "")


@dataclass
class Told:
    """A case, and its tellings: who told it, and the steps. The first is what the others are held against."""

    case: Case
    tellings: list[tuple[str, list[tuple[str, str]]]]

    @property
    def steps(self):
        return self.tellings[0][1]

    def differences(self):
        """Each place at which a telling is another one: who told it, the step before and what stands there."""
        for teller, steps in self.tellings[1:]:
            for at in range(max(len(steps), len(self.steps))):
                here, there = (some[at] if at < len(some) else NOTHING for some in (self.steps, steps))
                if here != there:
                    yield teller, here, there

    def is_good(self):
        return not any(self.differences()) and all(step != DIED for step, _ in self.steps)

    def sentences(self):
        for step, outcome in self.steps:
            yield f"  {step}: {outcome}"
        for teller, here, there in self.differences():
            yield f"  NOT the same, {teller}: {': '.join(there)}  for  {': '.join(here)}"


def lacking(told):
    """Which kinds of steps a client does not do, in sentences."""
    for client in CLIENTS:
        done = {kind_of(step) for one in told if one.case.client == client for step, _ in one.steps}
        yield from (f"{client}: no step of the kind `{kind}`" for kind in KINDS if kind not in done)


def stories(told):
    """Cases with the same steps side by side."""
    found = {}
    for one in told:
        found.setdefault((one.case.asked, tuple(step for step, _ in one.steps)), []).append(one)
    return list(found.values())


def markdown(told, servers, command):
    """The recorded result."""
    lines = ["# Real clients", "", *INTRODUCTION.strip().splitlines(), "", f"    {command}", ""]
    lines += [f"Recorded with {servers}.", "", "How many steps of each kind a client does:", ""]
    lines += table(["client", "version", *KINDS, "more", "on the real servers"], figures(told), numeric=range(2, 8))
    for story in stories(told):
        names = [one.case.name for one in story]
        title, asked = story[0].case.asked.split(": ", 1)
        lines += ["", f"## {title}", "", *textwrap.wrap(asked[0].upper() + asked[1:], 120), ""]
        lines += [f"    python3 tests/real/clients.py --beside-real --only {name}" for name in names] + [""]
        columns = zip(*(one.steps for one in story))
        rows = [[row[0][0], *(f"`{outcome}`" for _, outcome in row)] for row in columns]
        lines += table(["step", *names], rows)
        for one in story:
            for teller, _, (step, outcome) in one.differences():
                lines += ["", f"NOT the same: {one.case.name}, {teller}: {step}: `{outcome}`"]
    return "\n".join(lines) + "\n"


def figures(told):
    for client, version in CLIENTS.items():
        cases = [one for one in told if one.case.client == client]
        kinds = [kind_of(step) for one in cases for step, _ in one.steps]
        apart = sum(not one.is_good() for one in cases)
        came_out = f"{apart} of {len(cases)} cases not the same" if apart else "the same"
        yield [client, version(), *(str(kinds.count(kind)) for kind in [*KINDS, None]), came_out]


def table(head, rows, numeric=()):
    yield f"| {' | '.join(head)} |"
    yield "|" + "|".join("--:" if at in numeric else "---" for at in range(len(head))) + "|"
    # A bar in a cell would begin another one.
    yield from (f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)


INTRODUCTION = """
Clients as they are published, against `fencepost serve` and against the real servers: the same steps, and whatever a
client says of a step is to be the same, word for word. Each takes a lock, contends for one that another has, lets one
expire, releases one, and loses one: in a failover to a master that has not heard of it, on masters that come back
empty, or with a session that has expired while the client slept. Below is what they said.

Times are looked at where a step says "in its time": not before the lease or the session may end, and not long after.
Not compared is what zkCli says of its connection and of watches, which comes when it likes, and of an error of the
`redis` crate anything but its kind, since the rest has an address. Where a step needs a client that has found its
servers again, it is asked until it has.
"""
