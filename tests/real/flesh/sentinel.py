"""The lock that was lost at a failover: the master is killed before a replica has heard of the lock."""

import time

from fixtures import RealSentinel

from .anomaly import Anomaly, in_the_shop, in_the_simulated_shop, order_for, tell_real
from .locks import KEY
from .simulated import seconds
from .stage import Buyers, Heard, Relay, Shop

MASTER = "redis-1"
REPLICAS = ("redis-2", "redis-3")
# Source: Redis 7.0.15, `sentinel.c`, `sentinel_default_failover_timeout`. The scenario has it so too.
FAILOVER_TIMEOUT_MS = 180_000
HOW = """A master, two replicas and three Sentinels. The replicas follow the master through a relay, which is what is
cut: connections stay, and nothing passes. The master is killed with `kill -9`. Without the cut its kernel would still
send what it had written (`seeds/sentinel-killed.toml`), and a whole host without power
(`seeds/sentinel-lost-lock.toml`) cannot be had on one machine. Buyers are processes with redis-py, which asks the
Sentinels for the master. Put in: who asks first, what each buyer's own code takes, and that the cut is there before A
asks. What the Sentinels do is what they publish; that no replica had heard of the lock is seen in their keyspace
events."""
WHY = """Sentinels ask, vote and look around at their own times; `models/redis/FIDELITY.md` has how far that spreads.
B asks every 100 to 150 ms, and what comes later for B follows from its grant."""
# What the Sentinels say, by the names that events have here.
SENTINELS = {
    "down": ("+sdown", "master "),
    "agreed": ("+odown", "master "),
    "promoted": ("+promoted-slave", ""),
    "switched": ("+switch-master", ""),
}


def simulated(run, first, second):
    return {
        **in_the_simulated_shop(run, first, second),
        **{name: run.first(*said) for name, said in SENTINELS.items()},
        "cut": run.first("fault-began", fault=0),
        "granted-a": run.first("acquired", node=first),
        "killed": run.first("crashed", node=MASTER),
        "granted-b": run.first("acquired", node=second),
    }


class Group(RealSentinel):
    """A group whose replicas reach their master through a relay."""

    def __init__(self, down_after_s):
        super().__init__([MASTER, *REPLICAS], round(down_after_s * 1000), FAILOVER_TIMEOUT_MS)

    def begin(self):
        self.begun, self.relay = time.monotonic(), None
        super().begin()

    def options(self, name):
        follows = []
        if name != MASTER:
            if not self.relay:
                self.relay = Relay(self.address(MASTER))
                self.callback(self.relay.close)
            follows = ["--replicaof", "127.0.0.1", str(self.relay.port)]
        return [*follows, "--notify-keyspace-events", "KEA"]


def real(run):
    scenario = run.scenario
    group = Group(seconds(scenario["backend"]["down_after"]))
    with group, Shop(scenario["shop"]["stock"]) as shop:
        setup = {
            "servers": {},
            "sentinels": [group.address(name) for name in group.names("sentinel")],
            "ttl_ms": round(seconds(scenario["lock"]["ttl"]) * 1000),
            "shop": shop.address("store"),
            "books": shop.books,
        }
        orders = {name: order_for(run, name, **setup) for name in run.holders()}
        replicas = {name: group.address(name) for name in REPLICAS}
        sentinels = {name: group.address(name) for name in group.names("sentinel")}
        with Heard(replicas, "__keyevent@0__:*") as keys, Heard(sentinels, "*") as said, Buyers(orders) as buyers:
            # The simulated buyers leave the group that long to settle; Sentinels look around every ten seconds.
            settled = run.first("acquiring")["at_ns"] / 1e9
            time.sleep(max(0, group.begun + settled - time.monotonic()))
            return play(run, group, shop, buyers, keys, said)


def play(run, group, shop, buyers, keys, said):
    first = buyers[run.holders()[0]]
    cut = group.relay.cut()
    first.go()
    granted = first.hears("acquired")
    killed = time.time_ns()
    group.crash(MASTER)
    for buyer in buyers.others(first):
        buyer.go()
    observed = {name: said.hears(*what)["at_ns"] for name, what in SENTINELS.items()}
    second = buyers.second_holder()
    first.hears("written")
    second.hears("written")
    granted_b = second.noted("acquired")["at_ns"]
    heard = keys.first("__keyevent@0__:set", KEY)
    if heard and heard["at_ns"] < observed["promoted"]:
        raise RuntimeError("a replica had heard of the lock: the cut came too late")
    moments = {
        **in_the_shop(shop, first, second),
        **observed,
        "cut": cut,
        "granted-a": granted["at_ns"],
        "killed": killed,
        "granted-b": granted_b,
    }
    return tell_real(moments, buyers, shop)


SENTINEL = Anomaly(
    key="sentinel",
    name="The lock that was lost at a failover",
    file="seeds/sentinel-killed-cut.toml",
    events={
        "cut": "the links to the replicas are cut",
        "granted-a": "A is granted the lock",
        "killed": "the master is killed",
        "down": "a Sentinel finds it down (+sdown)",
        "agreed": "two agree (+odown)",
        "promoted": "a replica is promoted (+promoted-slave)",
        "switched": "a Sentinel goes over to it (+switch-master)",
        "granted-b": "B is granted the lock: two holders",
        "read-a": "A reads that one piece is left",
        "read-b": "B reads that one piece is left",
        "write-a": "the store takes A's order",
        "write-b": "the store takes B's order: oversold",
    },
    how=HOW,
    why=WHY,
    simulated=simulated,
    real=real,
)
