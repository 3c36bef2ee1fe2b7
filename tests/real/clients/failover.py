"""A lock that is lost in a failover: its replicas have not heard of it."""

import redis
from fixtures import PATIENCE, until

from .lease import expires


def master_of(servers):
    """Where the Sentinel says that the master is."""
    host, port = servers.address("sentinel-1")
    with redis.Redis(host=host, port=port, socket_timeout=PATIENCE, decode_responses=True) as sentinel:
        return tuple(sentinel.execute_command("SENTINEL", "get-master-addr-by-name", "mymaster"))


def loses_in_failover(servers, locks):
    """A lock at the master that Sentinels name: take, contend, extend, expire, release. Then the replicas hang and
    their links are cut; a lock is taken, and the master crashes before they are back."""
    yield "take", locks.take("one", 60_000)
    yield "contend", locks.take("other", 60_000)
    yield "extend", locks.extend("one", 30_000)
    yield "release another's", locks.release("other")
    yield "release", locks.release("one")
    yield from expires(locks, 500)
    host, port = first = servers.address("redis-1")
    with redis.Redis(host=host, port=port, socket_timeout=PATIENCE) as client:
        for name in ("redis-2", "redis-3"):
            servers.pause(name, 5)
        client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    yield "take what no replica hears of", locks.take("one", 60_000)
    servers.crash("redis-1")
    until("another master", lambda: master_of(servers) != (first[0], str(first[1])))
    until("the client has found it", locks.refresh)
    yield "lose: another takes it", locks.take("other", 60_000)
    yield "lose: extend", locks.extend("one", 30_000)
    yield "lose: release", locks.release("one")
    yield "contend with who has it now", locks.take("one", 60_000)
