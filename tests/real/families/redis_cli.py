"""redis-cli, a process a command."""

import subprocess

from cases import on_group, on_redis
from families.failover import loses_in_failover
from fixtures import PATIENCE, until

RELEASE = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end"


def asker(place):
    """Asks the server there."""

    def ask(*words):
        command = ["redis-cli", "-h", place[0], "-p", str(place[1]), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout.strip() + done.stderr.strip()

    return ask


@on_redis
def redis_cli(servers):
    """Take, contend, expire, release with a script."""
    ask = asker(servers.address("redis"))
    yield "take", ask("SET", "lock", "one", "NX", "PX", "60000")
    yield "contend", ask("SET", "lock", "other", "NX", "PX", "60000")
    yield "is held by", ask("GET", "lock")
    yield "release another's", ask("EVAL", RELEASE, "1", "lock", "other")
    yield "release", ask("EVAL", RELEASE, "1", "lock", "one")
    yield "take for a moment", ask("SET", "lock", "one", "NX", "PX", "100")
    until("expiry", lambda: ask("EXISTS", "lock") == "0")
    yield "take again", ask("SET", "lock", "other", "NX")
    yield "RESP3", ask("-3", "HSET", "h", "field", "value") + " " + ask("-3", "HGETALL", "h")
    yield "an error", ask("INCR", "lock")
    yield "no command", ask("NOSUCH", "a")


class AtMaster:
    """A lock at the master that a Sentinel names."""

    def __init__(self, servers):
        self.sentinel = asker(servers.address("sentinel-1"))
        self.refresh()

    def refresh(self):
        """Asks the Sentinel again where the master is."""
        self.ask = asker(self.sentinel("SENTINEL", "get-master-addr-by-name", "mymaster").split())
        return self.ask("PING") == "PONG"

    def take(self, who, ms):
        return self.ask("SET", "lock", who, "NX", "PX", str(ms))

    def release(self, who):
        return self.ask("EVAL", RELEASE, "1", "lock", who)


@on_group
def redis_cli_failover(servers):
    """Take, contend; lose the lock in a failover."""
    yield from loses_in_failover(servers, AtMaster(servers))
