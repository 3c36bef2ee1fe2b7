"""A lease that ends by itself, whoever's words a client has for it."""

import time

from fixtures import until

# How much later than at the end of a lease another client may have taken the lock: it asks again and again.
LATE_MS = 5000


def taken(answer):
    """What is said of a lock by who has it now; nothing for any other answer."""
    return answer if answer in ("OK", "taken", True) else None


def expires(locks, ms):
    """One takes a lock for a moment and lets it be; the other takes it when that is over, and not before."""
    begun = time.monotonic()
    yield "take for a moment", locks.take("one", ms)
    yield "expire: another takes it", until("the end of a lease", lambda: taken(locks.take("other", 60_000)))
    lasted_ms = (time.monotonic() - begun) * 1000
    yield "expire: in its time", ms <= lasted_ms < ms + LATE_MS
    yield "release what has expired", locks.release("one")
    yield "release what was taken then", locks.release("other")
