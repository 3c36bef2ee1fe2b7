"""A lock at the master that Sentinels name: ioredis and the `redis` crate."""

from . import drivers
from .cases import on_group
from .drivers import Told, places
from .failover import loses_in_failover


@on_group("ioredis", loses_in_failover)
def ioredis_failover(servers):
    with drivers.node("sentinel", *places(servers, "sentinel")) as driver:
        yield from loses_in_failover(servers, Told(driver))


@on_group("redis (crate)", loses_in_failover)
def rust_redis_failover(servers):
    with drivers.rust("sentinel", *places(servers, "sentinel")) as driver:
        yield from loses_in_failover(servers, Told(driver))
