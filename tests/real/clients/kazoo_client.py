"""kazoo's client and its Lock, in this process."""

import threading
import time

from fixtures import PATIENCE, until
from kazoo import exceptions
from kazoo.client import KazooClient
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KazooState

from .cases import on_ensemble


def kazoo_at(servers, *names, timeout=4.0):
    hosts = ",".join("{}:{}".format(*servers.address(name)) for name in names or servers.names("zk"))
    client = KazooClient(hosts=hosts, timeout=timeout)
    client.start(timeout=PATIENCE)
    return client


@on_ensemble("kazoo")
def kazoo_lock(servers):
    """kazoo's Lock: take, contend, wait in a queue, release."""
    one, other = kazoo_at(servers, "zk-1"), kazoo_at(servers, "zk-2")
    first, second = one.Lock("/locks/a", "one"), other.Lock("/locks/a", "other")
    yield "take", first.acquire(timeout=PATIENCE)
    yield "contend", second.acquire(blocking=False)
    yield "who waits", first.contenders()
    release = threading.Timer(0.3, first.release)
    release.start()
    yield "take what is waited for", second.acquire(timeout=PATIENCE)
    release.join()
    yield "who has it", second.contenders()
    yield "release", second.release()
    yield "nobody has it", first.contenders()
    for client in (one, other):
        client.stop()


@on_ensemble("kazoo")
def kazoo_leader_crashes(servers):
    """A crash of the leader: a session outlives it, and a lock with it."""
    client = kazoo_at(servers)
    lock = client.Lock("/locks/c", "one")
    yield "take", lock.acquire(timeout=PATIENCE)
    session = client.client_id[0]
    leader = servers.leader()
    servers.crash(leader)
    yield "still there", until("an answer", lambda: answered(client, "/locks/c"))
    yield "the same session", client.client_id[0] == session
    other = kazoo_at(servers, *(name for name in servers.names("zk") if name != leader))
    yield "contend", other.Lock("/locks/c", "other").acquire(blocking=False)
    client.stop()
    other.stop()


def answered(client, path):
    try:
        return len(client.get_children(path))
    except (exceptions.KazooException, KazooTimeoutError):
        return None


@on_ensemble("kazoo")
def kazoo_requests(servers):
    """Requests to an ensemble: all that a lock needs, and what is wrong with some of them."""
    client = kazoo_at(servers)
    yield "state", client.state == KazooState.CONNECTED
    yield "create", client.create("/r", b"data", makepath=True)
    yield "sequence", [client.create("/r/s-", sequence=True, ephemeral=True) for _ in range(2)]
    yield "data", client.get("/r")[0]
    stat = client.exists("/r")
    yield "stat", (stat.version, stat.cversion, stat.data_length, stat.numChildren, stat.ephemeralOwner)
    yield "its transactions", stat.czxid == stat.mzxid < stat.pzxid
    yield "created just now", abs(stat.ctime / 1000 - time.time()) < PATIENCE
    yield "set", client.set("/r", b"other").version
    yield "children", sorted(client.get_children("/r"))
    yield "acl", client.get_acls("/r")[0]
    yield "sync", client.sync("/r")
    for name, attempt in {
        "no node": lambda: client.get("/nosuch"),
        "exists": lambda: client.create("/r"),
        "bad version": lambda: client.set("/r", b"", version=7),
        "not empty": lambda: client.delete("/r"),
        "ephemerals have no children": lambda: client.create("/r/s-0000000000/x"),
    }.items():
        try:
            yield name, attempt()
        except exceptions.KazooException as error:
            yield name, type(error).__name__
    transaction = client.transaction()
    transaction.create("/r/t", b"")
    transaction.check("/r", version=1)
    transaction.set_data("/r/t", b"x")
    transaction.delete("/r/t")
    yield "transaction", [str(part) if isinstance(part, str) else type(part).__name__ for part in transaction.commit()]
    failing = client.transaction()
    failing.create("/r/t", b"")
    failing.check("/r", version=7)
    yield "transaction that fails", [type(part).__name__ for part in failing.commit()]
    seen = threading.Event()
    events = []
    client.get_children("/r", watch=lambda event: (events.append((event.type, event.path)), seen.set()))
    client.create("/r/u")
    yield "watch", seen.wait(PATIENCE) and events
    yield "delete", client.delete("/r", recursive=True)
    client.stop()
