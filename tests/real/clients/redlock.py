"""RedLock on five masters, by three clients: pottery (Python), redlock on ioredis (Node.js), rslock (Rust)."""

from fixtures import said_by, until

from . import drivers
from .cases import on_masters
from .drivers import Told, places
from .lease import expires, taken
from .redis_python import redis_at


def redlock_story(servers, locks):
    """RedLock on five masters: take, contend, extend, expire, release; with two masters gone, and with three. Then a
    lock is taken, and three masters crash and come back empty."""
    names = servers.names("redis")
    yield "take", locks.take("one", 60_000)
    yield "contend", locks.take("other", 60_000)
    yield "extend", locks.extend("one", 30_000)
    yield "release", locks.release("one")
    yield "release: at each master", is_free(servers, names)
    yield from expires(locks, 500)
    yield "release: at each master after that", is_free(servers, names)
    yield "take after that", locks.take("other", 60_000)
    yield "extend another's", locks.extend("one", 60_000)
    yield "release another's", locks.release("one")
    yield "contend with who has it still", locks.take("one", 60_000)
    yield "release one's own", locks.release("other")
    yield "release: at each master again", is_free(servers, names)
    crash(servers, names[:2])
    yield "take with two gone", locks.take("one", 60_000)
    yield "contend with two gone", locks.take("other", 60_000)
    yield "release with two gone", locks.release("one")
    yield "release: at each master that is left", is_free(servers, names[2:])
    crash(servers, names[2:3])
    yield "take with three gone", locks.take("one", 60_000)
    servers.heal()
    until("connections", locks.refresh)
    yield "take when they are back", until("a majority", lambda: taken(locks.take("one", 60_000)))
    crash(servers, names[:3])
    servers.heal()
    until("connections", locks.refresh)
    yield "lose: another takes it", until("a majority", lambda: taken(locks.take("other", 60_000)))
    yield "lose: extend", locks.extend("one", 60_000)
    yield "lose: release", locks.release("one")
    yield "contend with who has it now", locks.take("one", 60_000)


def is_free(servers, names):
    """Waits until no master has the lock any more. A release by pottery is over with most of them, and goes on with the
    rest under whatever name its next take has: after one that comes too soon a key stays there until it expires."""
    places = [servers.address(name) for name in names]
    return until("a lock that is released", lambda: all(said_by(place, "DBSIZE") == ":0\r\n" for place in places))


def crash(servers, names):
    for name in names:
        servers.crash(name)


class Pottery:
    """pottery's, a lock for each of the two."""

    def __init__(self, servers):
        from pottery import Redlock

        def lock():
            return Redlock(key="lock", masters={redis_at(servers, name) for name in servers.names("redis")})

        self.locks = {who: lock() for who in ("one", "other")}

    def take(self, who, ms):
        lock = self.locks[who]
        lock.auto_release_time = ms / 1000
        return self.said(lambda: "taken" if lock.acquire(blocking=False) else "refused")

    def extend(self, who, _ms):
        """By as long as it was taken for: pottery has it so."""
        return self.said(self.locks[who].extend)

    def release(self, who):
        return self.said(self.locks[who].release)

    @staticmethod
    def said(attempt):
        try:
            return attempt()
        except Exception as error:  # pylint: disable=broad-except
            return type(error).__name__

    def refresh(self):
        """Its clients connect when they are asked."""
        return True


@on_masters("pottery", redlock_story)
def pottery_redlock(servers):
    yield from redlock_story(servers, Pottery(servers))


@on_masters("redlock with ioredis", redlock_story)
def ioredis_redlock(servers):
    with drivers.node("redlock", *places(servers, "redis")) as driver:
        yield from redlock_story(servers, Told(driver))


@on_masters("rslock", redlock_story)
def rust_rslock(servers):
    with drivers.rust("redlock", *places(servers, "redis")) as driver:
        yield from redlock_story(servers, Told(driver))
