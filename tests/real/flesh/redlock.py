"""One restart, and two majorities: a server of RedLock's five is killed and comes back without what it knew."""

import time

from fixtures import RealRedis

from .anomaly import Anomaly, in_the_shop, in_the_simulated_shop, order_for, tell_real
from .locks import NODE_TIMEOUT
from .simulated import seconds, since
from .stage import Buyers, Shop, Silence

HOW = """Five servers that keep nothing on disk; RedLock as redsync has it, over redis-py's connections. Where A would
reach redis-4 and redis-5 nobody reads what it sends, for the whole run. redis-3 is killed with `kill -9` and started
again. Put in: that A asks 20 ms before B does, when B tries again, and what each buyer's own code takes. The seed is
26, since the file's own has the store take the two orders 17 ms apart, which is less than two processes can be relied
on to keep to. The script looks whether the order is the same under both."""
WHY = """B asks 20 ms later than A here, and at the same time in the simulated run."""
HEAD_START = 0.02


def simulated(run, first, second):
    crashed = run.fault("crash")["node"]
    return {
        **in_the_simulated_shop(run, first, second),
        "granted-a": run.first("acquired", node=first),
        "killed": run.first("crashed", node=crashed),
        "started": run.first("started", node=crashed, incarnation=1),
        "granted-b": run.first("acquired", node=second),
    }


def tries_at(run, buyer):
    """When it began each of its first hold's tries, in seconds since it began to ask. One try's messages are sent
    within the time that a node is waited for."""
    begun = run.first("acquiring", node=buyer)
    granted = run.first("acquired", node=buyer)
    asked = run.each("sent", node=buyer, name="SET")
    sent = [since(begun, record) for record in asked if record["at_ns"] < granted["at_ns"]]
    return [at for before, at in zip([-1, *sent], sent) if at - before > NODE_TIMEOUT]


def real(run):
    scenario, cut = run.scenario, run.fault("partition")
    names = [f"redis-{number}" for number in range(1, 6)]
    ttl_ms = int(run.first("sent", name="SET")["content"][-1])
    silences = {name: Silence() for name in cut["and"]}
    # RedLock has no token, so that a store has nothing to check.
    with RealRedis(names) as servers, Shop(scenario["shop"]["stock"], with_fencing=False) as shop:
        places = {name: servers.address(name) for name in names}
        behind_the_cut = {**places, **{name: silence.place for name, silence in silences.items()}}
        setup = {"ttl_ms": ttl_ms, "shop": shop.address("store"), "books": shop.books}
        orders = {
            name: order_for(
                run,
                name,
                **setup,
                servers=behind_the_cut if name == cut["between"] else places,
                tries_at=tries_at(run, name),
            )
            for name in run.holders()
        }
        with Buyers(orders) as buyers:
            told = play(run, servers, shop, buyers)
    for silence in silences.values():
        silence.close()
    return told


def play(run, servers, shop, buyers):
    crash = run.fault("crash")
    first = buyers[run.holders()[0]]
    first.go()
    time.sleep(HEAD_START)
    for buyer in buyers.others(first):
        buyer.go()
    granted = first.hears("acquired")
    sleep_until(granted["at_ns"] + seconds(crash["when"]["after"]) * 1e9)
    killed = time.time_ns()
    servers.crash(crash["node"])
    sleep_until(killed + seconds(crash["for"]) * 1e9)
    started = time.time_ns()
    servers.start(crash["node"])
    second = buyers.second_holder()
    first.hears("written")
    second.hears("written")
    both = set(granted["granted_by"]) & set(second.noted("acquired")["granted_by"])
    if both != {crash["node"]}:
        raise RuntimeError(f"{sorted(both)} granted it to both, and not {crash['node']} alone")
    moments = {
        **in_the_shop(shop, first, second),
        "granted-a": granted["at_ns"],
        "killed": killed,
        "started": started,
        "granted-b": second.noted("acquired")["at_ns"],
    }
    return tell_real(moments, buyers, shop)


def sleep_until(at_ns):
    time.sleep(max(0, (at_ns - time.time_ns()) / 1e9))


REDLOCK = Anomaly(
    key="redlock",
    name="One restart, and two majorities",
    file="seeds/redlock-restart-forgets.toml",
    seed=26,
    events={
        "granted-a": "A is granted the lock by redis-1, 2 and 3",
        "killed": "redis-3 is killed",
        "started": "redis-3 starts again, empty",
        "granted-b": "B is granted the lock by redis-3, 4 and 5: two holders",
        "read-a": "A reads that one piece is left",
        "read-b": "B reads that one piece is left",
        "write-b": "the store takes B's order",
        "write-a": "the store takes A's order: oversold",
    },
    how=HOW,
    why=WHY,
    simulated=simulated,
    real=real,
    has_token=False,
)
