"""A lock at the master that Sentinels name, lost in a failover: ioredis and the `redis` crate."""

import drivers
from cases import on_group
from families.failover import loses_in_failover
from families.redlock import Told, places


@on_group
def ioredis_failover(servers):
    """ioredis: take, contend, expire, release; lose the lock in a failover."""
    with drivers.node("sentinel", *places(servers, "sentinel")) as driver:
        yield from loses_in_failover(servers, Told(driver))


@on_group
def rust_redis_failover(servers):
    """The `redis` crate: take, contend, expire, release; lose the lock in a failover."""
    with drivers.rust("sentinel", *places(servers, "sentinel")) as driver:
        yield from loses_in_failover(servers, Told(driver))
