"""redis-cli, a process a command."""

import subprocess

from fixtures import PATIENCE

from .cases import on_group, on_redis
from .failover import loses_in_failover
from .lease import expires

RELEASE = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end"
EXTEND = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('pexpire',KEYS[1],ARGV[2]) else return 0 end"


def asker(place):
    """Asks the server there."""

    def ask(*words):
        command = ["redis-cli", "-h", place[0], "-p", str(place[1]), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout.strip() + done.stderr.strip()

    return ask


class Locks:
    """A lock by hand: a key with a client's name."""

    def __init__(self, place):
        self.ask = asker(place)

    def take(self, who, ms):
        return self.ask("SET", "lock", who, "NX", "PX", str(ms))

    def extend(self, who, ms):
        return self.ask("EVAL", EXTEND, "1", "lock", who, str(ms))

    def release(self, who):
        return self.ask("EVAL", RELEASE, "1", "lock", who)


@on_redis("redis-cli")
def redis_cli(servers):
    """A key on one server: take, contend, expire, release with a script; RESP3; errors."""
    locks = Locks(servers.address("redis"))
    yield "take", locks.take("one", 60_000)
    yield "contend", locks.take("other", 60_000)
    yield "who has it", locks.ask("GET", "lock")
    yield "release another's", locks.release("other")
    yield "release", locks.release("one")
    yield from expires(locks, 500)
    yield "RESP3", locks.ask("-3", "HSET", "h", "field", "value") + " " + locks.ask("-3", "HGETALL", "h")
    yield "an error", locks.ask("HINCRBY", "h", "field", "1")
    yield "no command", locks.ask("NOSUCH", "a")


class AtMaster(Locks):
    """A lock at the master that a Sentinel names."""

    def __init__(self, servers):
        self.sentinel = asker(servers.address("sentinel-1"))
        self.refresh()

    def refresh(self):
        """Asks the Sentinel again where the master is."""
        super().__init__(self.sentinel("SENTINEL", "get-master-addr-by-name", "mymaster").split())
        return self.ask("PING") == "PONG"


@on_group("redis-cli", loses_in_failover)
def redis_cli_failover(servers):
    yield from loses_in_failover(servers, AtMaster(servers))
