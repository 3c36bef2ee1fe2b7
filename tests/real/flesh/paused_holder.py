"""The holder that paused: a client of one Redis stands still for longer than its lease."""

from fixtures import RealRedis

from .anomaly import Anomaly, in_the_shop, in_the_simulated_shop, order_for, tell_real
from .locks import KEY
from .simulated import EPOCH_MS, seconds
from .stage import Buyers, Heard, Shop

HOW = """Each buyer is a process with redis-py. A stops itself with `SIGSTOP` when it has read the stock and is let
run on with `SIGCONT`. Put in: who asks first, and what each buyer's own code takes. When the lease is over is what
`PEXPIRETIME` said of A's key, and the server has told that the key expired."""
WHY = """B asks every 100 to 150 ms, so that it is granted the lock up to that long after the lease's end."""


def simulated(run, first, second):
    lease = run.first("key-set", node="redis", key=KEY)
    over = {**run.first("key-expired", node="redis", key=KEY), "at_ns": (lease["expires_at_ms"] - EPOCH_MS) * 1_000_000}
    return {
        **in_the_simulated_shop(run, first, second),
        "granted-a": run.first("acquired", node=first),
        "stopped": run.first("paused", node=first),
        "lease-over": over,
        "granted-b": run.first("acquired", node=second),
        "continued": run.first("resumed", node=first),
        "not-own": run.first("released", node=first, outcome="not-held"),
    }


class Redis(RealRedis):
    """One server that tells what becomes of its keys."""

    def options(self, _name):
        return ["--notify-keyspace-events", "KEA"]


def real(run):
    scenario, pause = run.scenario, run.fault("pause")
    names = [f"buyer-{number + 1}" for number in range(scenario["shop"]["buyers"])]
    with Redis(["redis"]) as server, Shop(scenario["shop"]["stock"]) as shop:
        setup = {
            "servers": {"redis": server.address("redis")},
            "sentinels": [],
            "ttl_ms": round(seconds(scenario["lock"]["ttl"]) * 1000),
            "shop": shop.address("store"),
            "books": shop.books,
        }
        orders = {name: order_for(run, name, **setup, stops=name == pause["node"]) for name in names}
        with Heard(server.places, "__keyevent@0__:*") as heard, Buyers(orders) as buyers:
            return play(run, server, shop, buyers, heard)


def play(run, server, shop, buyers, heard):
    pause = run.fault("pause")
    first = buyers[run.holders()[0]]
    first.go()
    granted = first.hears("acquired")
    for buyer in buyers.others(first):
        buyer.go()
    lease_over_ms = int(server.ask("redis", f"PEXPIRETIME {KEY}").strip(":\r\n"))
    stopped, continued = first.stands_still(seconds(pause["for"]))
    heard.hears("__keyevent@0__:expired", KEY)
    second = buyers.second_holder()
    released = first.hears("released", outcome="not-held")
    moments = {
        **in_the_shop(shop, first, second),
        "granted-a": granted["at_ns"],
        "stopped": stopped,
        "lease-over": lease_over_ms * 1_000_000,
        "granted-b": second.noted("acquired")["at_ns"],
        "continued": continued,
        "not-own": released["at_ns"],
    }
    return tell_real(moments, buyers, shop)


PAUSED_HOLDER = Anomaly(
    key="paused-holder",
    name="The holder that paused",
    file="seeds/paused-holder.toml",
    events={
        "granted-a": "A is granted the lock",
        "read-a": "A reads that one piece is left",
        "stopped": "A is stopped",
        "lease-over": "A's lease is over on the server",
        "granted-b": "B is granted the lock: two holders",
        "read-b": "B reads that one piece is left",
        "write-b": "the store takes B's order",
        "continued": "A runs on",
        "write-a": "the store takes A's order: oversold",
        "not-own": "A gives the lock back, and it was not its own",
    },
    how=HOW,
    why=WHY,
    simulated=simulated,
    real=real,
)
