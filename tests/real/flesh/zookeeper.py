"""The holder that paused past its session: a client of an ensemble stands still until its session is over."""

import glob
import os
import struct

from fixtures import RealZooKeeper, number, until

from .anomaly import Anomaly, in_the_shop, in_the_simulated_shop, order_for, tell_real
from .simulated import seconds
from .stage import Buyers, Shop

HOW = """Three servers of an ensemble, and buyers that are processes with kazoo and its Lock. A stops itself with
`SIGSTOP` when it has read the stock and is let run on with `SIGCONT`. Put in: who asks first, and what each buyer's
own code takes. When A's session was ended is what the leader wrote into its transaction log."""
WHY = """A session of six seconds is over six seconds after the last that was heard of the client, at the end of a
tick of two seconds, and clients ping about every two seconds: that is four to eight seconds after the stop, by where
it falls. What comes later for B follows from that. kazoo calls the ensemble again at once when it runs on; the
simulated client is Java's, which waits up to a second first."""
# Source: ZooKeeper 3.8.0, `ZooDefs.OpCode.closeSession`.
CLOSE_SESSION = -11


def simulated(run, first, second):
    return {
        **in_the_simulated_shop(run, first, second),
        "granted-a": run.first("acquired", node=first),
        "stopped": run.first("paused", node=first),
        "session-over": run.first("session-expired"),
        "granted-b": run.first("acquired", node=second),
        "continued": run.first("resumed", node=first),
        "told": run.first("released", node=first, outcome="not-held"),
    }


def transactions(folder):
    """A server's transaction log: session, time in milliseconds, and kind, one after the other. Source: ZooKeeper
    3.8.0, `FileTxnLog.java` and `TxnHeader` in `zookeeper.jute`: a header of 16 bytes; then per transaction a
    checksum, a length, that many bytes, and one byte as an end."""
    for path in sorted(glob.glob(f"{folder}/version-2/log.*")):
        with open(path, "rb") as file:
            log = file.read()
        place = 16
        while place + 12 <= len(log):
            _, length = struct.unpack_from(">qi", log, place)
            if length <= 0:
                # Allocated and not written yet.
                break
            session, _, _, time_ms, kind = struct.unpack_from(">qiqqi", log, place + 12)
            yield session, time_ms, kind
            place += 12 + length + 1


def session_ended(ensemble, session):
    """When the ensemble ended a session, in milliseconds, as its leader's log has it."""
    folder = os.path.join(ensemble.folder, str(number(ensemble.leader())))
    ends = (time for one, time, kind in transactions(folder) if kind == CLOSE_SESSION and f"{one:#x}" == session)
    return next(ends, None)


def real(run):
    scenario, pause = run.scenario, run.fault("pause")
    with RealZooKeeper() as ensemble, Shop(scenario["shop"]["stock"]) as shop:
        setup = {
            "servers": {name: ensemble.address(name) for name in ensemble.names("zk")},
            "session_timeout": seconds(scenario["lock"]["session_timeout"]),
            "shop": shop.address("store"),
            "books": shop.books,
        }
        orders = {name: order_for(run, name, **setup, stops=name == pause["node"]) for name in run.holders()}
        with Buyers(orders) as buyers:
            return play(run, ensemble, shop, buyers)


def play(run, ensemble, shop, buyers):
    first = buyers[run.holders()[0]]
    first.go()
    granted = first.hears("acquired")
    for buyer in buyers.others(first):
        buyer.go()
    stopped, continued = first.stands_still(seconds(run.fault("pause")["for"]))
    second = buyers.second_holder()
    told = first.hears("session", state="LOST")
    first.hears("written")
    ended = until("the end of A's session", lambda: session_ended(ensemble, told["session"]))
    moments = {
        **in_the_shop(shop, first, second),
        "granted-a": granted["at_ns"],
        "stopped": stopped,
        "session-over": ended * 1_000_000,
        "granted-b": second.noted("acquired")["at_ns"],
        "continued": continued,
        "told": told["at_ns"],
    }
    return tell_real(moments, buyers, shop)


ZOOKEEPER = Anomaly(
    key="zookeeper",
    name="The holder that paused past its session",
    file="seeds/zookeeper-paused-holder.toml",
    events={
        "granted-a": "A is granted the lock",
        "read-a": "A reads that one piece is left",
        "stopped": "A is stopped",
        "session-over": "the ensemble ends A's session",
        "granted-b": "B is granted the lock: two holders",
        "read-b": "B reads that one piece is left",
        "write-b": "the store takes B's order",
        "continued": "A runs on",
        "write-a": "the store takes A's order: oversold",
        "told": "A is told that its session is over",
    },
    how=HOW,
    why=WHY,
    simulated=simulated,
    real=real,
)
