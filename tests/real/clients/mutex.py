"""A lock of an ensemble, by two clients that queue for it: kazoo's Lock and Curator's InterProcessMutex. Each client is
a process, so that one can be put to sleep."""

import time

from fixtures import until

from . import drivers
from .cases import on_ensemble
from .lease import LATE_MS

SESSION_MS = 4000
# Source: the sample's `tickTime`.
TICK_MS = 2000
WAIT_MS = 60_000


def mutex_story(servers, start):
    """A queue in an ensemble: take, contend, wait, release. A holder sleeps until its session has expired, and hears
    that it has lost the lock; then the leader crashes."""
    queue = (",".join(drivers.places(servers, "zk")), "/locks/a", str(SESSION_MS))
    with start(*queue) as one, start(*queue) as other:
        yield "take", one.ask(f"take {WAIT_MS}")
        yield "contend", other.ask("take 300")
        yield "release", one.ask("release")
        yield "release what it does not hold", one.ask("release")
        yield "take what was released", other.ask(f"take {WAIT_MS}")
        one.tell(f"take {WAIT_MS}")
        time.sleep(0.3)
        yield "release to who waits", other.ask("release")
        yield "take by who waited", one.answer()
        one.stop()
        begun = time.monotonic()
        yield "expire: another takes it", other.ask(f"take {WAIT_MS}")
        yield "expire: in its time", ends_in_time(begun)
        one.go_on()
        yield "lose: who slept hears of it", until("LOST", lambda: one.ask("state") == "LOST" and "LOST")
        yield "lose: thinks that it has it", one.ask("holds")
        yield "lose: release", one.ask("release")
        yield "contend with who has it now", one.ask("take 300")
        servers.crash(servers.leader())
        yield "contend without the leader", answer_to(one, "take 300", "refused")
        yield "release without the leader", answer_to(other, "release", "released")
        yield "take without the leader", answer_to(one, f"take {WAIT_MS}", "taken")


def ends_in_time(begun):
    """Whether the session of a client that fell silent then was ended when it may be: a client pings at least once a
    third of its session, and a session ends with a tick of the servers."""
    return SESSION_MS * 2 / 3 <= (time.monotonic() - begun) * 1000 < SESSION_MS + TICK_MS + LATE_MS


def answer_to(client, line, expected):
    """Asks until the answer is that: who has lost its connection says so first."""
    return until(f"{line}: {expected}", lambda: (client.ask(line) == expected) and expected)


@on_ensemble("kazoo", mutex_story)
def kazoo_mutex(servers):
    yield from mutex_story(servers, lambda *arguments: drivers.python("kazoo_driver.py", *arguments))


@on_ensemble("Curator", mutex_story)
def curator_mutex(servers):
    yield from mutex_story(servers, drivers.java)
