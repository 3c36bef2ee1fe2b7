"""Cases: what a client does to some servers, step by step. The servers are served or real, the steps are the same."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from fixtures import RealCluster, RealRedis, RealSentinel, RealZooKeeper, Served

# What each client does at least. A step is of the kind that its name begins with, or of none.
KINDS = ("take", "contend", "expire", "release", "lose")

# A failover that finds no replica awake is tried again after twice the timeout: soon.
DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS = 1000, 3000
GROUP_SCENARIO = f"""
title = "A group for real clients"
lock.recipe = "none"
[backend]
kind = "redis-sentinel"
down_after = "{DOWN_AFTER_MS}ms"
failover_timeout = "{FAILOVER_TIMEOUT_MS}ms"
"""


@dataclass(frozen=True)
class Case:
    """A client, what it does step by step, and how its servers are had, behind real sockets and for real. What is asked
    has a title, which ends at a colon."""

    client: str
    function: Callable
    asked: str
    served: Callable
    real: Callable

    @property
    def name(self):
        return self.function.__name__

    def steps(self, servers_of):
        """What becomes of it, step by step; the last step says what it died of, if it did."""
        seen = []
        try:
            with servers_of() as servers:
                for step, outcome in self.function(servers):
                    seen.append((step, repr(outcome)))
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            seen.append((DIED, f"{type(error).__name__}: {error}"))
        return seen


DIED = "died of"
CASES = []


def kind_of(step):
    """Which kind a step is of, if it is of one."""
    first = step.split()[0].rstrip(":")
    return first if first in KINDS else None


def on(served, real):
    """A decorator for what a client does to such servers: it names the client, and the story if that is not its own."""

    def by(client, story=None):
        def register(function):
            asked = " ".join((story or function).__doc__.split())
            CASES.append(Case(client, function, asked, served, real))
            return function

        return register

    return by


def masters(count):
    return [f"redis-{number}" for number in range(1, count + 1)]


on_redis = on(lambda binary: Served(binary, "redis"), lambda: RealRedis(["redis"]))
on_masters = on(lambda binary: Served(binary, "redis-independent"), lambda: RealRedis(masters(5)))
on_group = on(
    lambda binary: Served(binary, "redis-sentinel", GROUP_SCENARIO),
    lambda: RealSentinel(masters(3), DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS),
)
on_cluster = on(lambda binary: Served(binary, "redis-cluster"), RealCluster)
on_ensemble = on(lambda binary: Served(binary, "zookeeper"), RealZooKeeper)
