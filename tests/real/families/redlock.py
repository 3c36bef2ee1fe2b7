"""RedLock on five masters, by three clients: pottery (Python), redlock on ioredis (Node.js), rslock (Rust)."""

import drivers
from cases import on_masters
from families.redis_python import redis_at
from fixtures import until


def redlock_story(servers, locks):
    """Take, contend, extend, expire, release, with two masters gone, with three gone; lose to masters that come back
    empty."""
    names = servers.names("redis")
    yield "take", locks.take("one", 60_000)
    yield "contend", locks.take("other", 60_000)
    yield "extend", locks.extend("one", 30_000)
    yield "release", locks.release("one")
    yield "take for a moment", locks.take("one", 500)
    yield "take when it is over", until("expiry", lambda: taken(locks.take("other", 60_000)))
    yield "extend what is another's", locks.extend("one", 60_000)
    yield "release what is another's", locks.release("one")
    yield "release that", locks.release("other")
    crash(servers, names[:2])
    yield "take with two gone", locks.take("one", 60_000)
    yield "contend with two gone", locks.take("other", 60_000)
    yield "release with two gone", locks.release("one")
    crash(servers, names[2:3])
    yield "take with three gone", locks.take("one", 60_000)
    servers.heal()
    until("connections", locks.refresh)
    yield "take when they are back", until("a majority", lambda: taken(locks.take("one", 60_000)))
    crash(servers, names[:3])
    servers.heal()
    until("connections", locks.refresh)
    yield "another takes what is held", until("a majority", lambda: taken(locks.take("other", 60_000)))
    yield "extend what is lost", locks.extend("one", 60_000)
    yield "release what is lost", locks.release("one")


def taken(answer):
    return answer if answer == "taken" else None


def crash(servers, names):
    for name in names:
        servers.crash(name)


class Told:
    """A driver's locks, of either kind."""

    def __init__(self, driver):
        self.driver = driver

    def take(self, who, ms):
        return self.driver.ask(f"take {who} {ms}")

    def extend(self, who, ms):
        return self.driver.ask(f"extend {who} {ms}")

    def release(self, who):
        return self.driver.ask(f"release {who}")

    def refresh(self):
        return self.driver.ask("refresh") == "refreshed"


class Pottery:
    """pottery's, a lock for each of the two."""

    def __init__(self, servers):
        from pottery import Redlock

        def lock():
            masters = {redis_at(servers, name) for name in servers.names("redis")}
            return Redlock(key="lock", masters=masters, auto_release_time=60)

        self.locks = {who: lock() for who in ("one", "other")}

    def take(self, who, ms):
        lock = self.locks[who]
        lock.auto_release_time = ms / 1000
        return self.said(lambda: "taken" if lock.acquire(blocking=False) else "refused")

    def extend(self, who, _ms):
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


def places(servers, kind):
    return ["{}:{}".format(*servers.address(name)) for name in servers.names(kind)]


@on_masters
def pottery_redlock(servers):
    """pottery's Redlock."""
    yield from redlock_story(servers, Pottery(servers))


@on_masters
def ioredis_redlock(servers):
    """redlock with ioredis."""
    with drivers.node("redlock", *places(servers, "redis")) as driver:
        yield from redlock_story(servers, Told(driver))


@on_masters
def rust_rslock(servers):
    """rslock with the `redis` crate."""
    with drivers.rust("redlock", *places(servers, "redis")) as driver:
        yield from redlock_story(servers, Told(driver))
