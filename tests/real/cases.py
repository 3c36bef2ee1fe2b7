"""Cases: what a client does to some servers, step by step. The servers are served or real, the steps are the same."""

import traceback

from fixtures import RealCluster, RealRedis, RealSentinel, RealZooKeeper, Served

# A failover that finds no replica awake is tried again after twice the timeout: soon, and so in `RealSentinel`.
GROUP_SCENARIO = """
title = "A group for real clients"
lock.recipe = "none"
[backend]
kind = "redis-sentinel"
down_after = "1s"
failover_timeout = "3s"
"""

CASES = []


def case(served, real):
    """Registers a function that yields steps: how its servers are had, behind real sockets and for real."""

    def register(function):
        CASES.append((function, served, real))
        return function

    return register


def masters(count):
    return [f"redis-{number}" for number in range(1, count + 1)]


on_redis = case(lambda binary: Served(binary, "redis"), lambda: RealRedis(["redis"]))
on_masters = case(lambda binary: Served(binary, "redis-independent"), lambda: RealRedis(masters(5)))
on_group = case(lambda binary: Served(binary, "redis-sentinel", GROUP_SCENARIO), lambda: RealSentinel(masters(3), 1000, 3000))
on_cluster = case(lambda binary: Served(binary, "redis-cluster"), RealCluster)
on_ensemble = case(lambda binary: Served(binary, "zookeeper"), RealZooKeeper)


def steps_of(function, servers_of):
    """What a case gives, step by step; the last step says what it died of, if it did."""
    seen = []
    try:
        with servers_of() as servers:
            for step, outcome in function(servers):
                seen.append((step, repr(outcome)))
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        seen.append(("died of", f"{type(error).__name__}: {error}"))
    return seen
