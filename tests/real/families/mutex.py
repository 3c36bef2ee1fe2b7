"""A lock of an ensemble, by two clients that queue for it: kazoo's Lock and Curator's InterProcessMutex. Each client is
a process, so that one can be put to sleep."""

import time

import drivers
from cases import on_ensemble
from fixtures import until

SESSION_MS = 4000
WAIT_MS = 60_000


def mutex_story(servers, start):
    """Take, contend, release; a holder sleeps until its session has expired, and hears of it; the leader crashes."""
    ensemble = ",".join("{}:{}".format(*servers.address(name)) for name in servers.names("zk"))
    with start(ensemble, "/locks/a", str(SESSION_MS)) as one, start(ensemble, "/locks/a", str(SESSION_MS)) as other:
        yield "take", one.ask(f"take {WAIT_MS}")
        yield "contend", other.ask("take 300")
        yield "release", one.ask("release")
        yield "release what it does not hold", one.ask("release")
        yield "take what was released", other.ask(f"take {WAIT_MS}")
        one.tell(f"take {WAIT_MS}")
        time.sleep(0.3)
        yield "release to who waits", other.ask("release")
        yield "who waited", one.answer()
        one.stop()
        begun = time.monotonic()
        yield "take when a session has expired", other.ask(f"take {WAIT_MS}")
        yield "not before that", time.monotonic() - begun > SESSION_MS / 2000
        one.go_on()
        yield "who slept hears of it", until("LOST", lambda: one.ask("state") == "LOST" and "LOST")
        yield "and thinks that it holds", one.ask("holds")
        yield "its release", one.ask("release")
        yield "contends again", one.ask("take 300")
        servers.crash("zk-3")
        yield "contends without the leader", until("an answer", lambda: refused(one.ask("take 300")))
        yield "release without the leader", until("an answer", lambda: released(other.ask("release")))
        yield "take without the leader", until("the lock", lambda: taken(one.ask(f"take {WAIT_MS}")))


def refused(answer):
    return answer if answer == "refused" else None


def released(answer):
    return answer if answer == "released" else None


def taken(answer):
    return answer if answer == "taken" else None


@on_ensemble
def kazoo_mutex(servers):
    """kazoo's Lock."""
    yield from mutex_story(servers, lambda *arguments: drivers.python("kazoo_driver.py", *arguments))


@on_ensemble
def curator_mutex(servers):
    """Curator's InterProcessMutex."""
    yield from mutex_story(servers, drivers.java)
