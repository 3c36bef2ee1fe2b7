"""Real clients, as they are, against `fencepost serve` and against the real servers.

    pip install redis kazoo pottery
    cargo build -p fencepost
    python3 tests/real/clients.py                      against `fencepost serve`
    python3 tests/real/clients.py --beside-real        against the real servers too, and what differs
    python3 tests/real/clients.py --only kazoo         cases with that in their name alone

Of the real servers it needs redis-server and redis-cli (Debian: redis-server, redis-tools), Java and ZooKeeper's jars
(Debian: zookeeper). Everything is on 127.0.0.1, at ports that are free. Exit codes: 0 every case came out as it says
here and, where both were asked, as it does on the real servers; 1 not.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
import traceback

from fixtures import PATIENCE, REPOSITORY, RealRedis, RealZooKeeper, Served, until

SENTINEL_SCENARIO = """
title = "A group for real clients"
lock.recipe = "none"
[backend]
kind = "redis-sentinel"
down_after = "1s"
"""

CASES = []


def case(served, real):
    """Registers a case: how its servers are had, behind real sockets and for real."""

    def register(function):
        CASES.append((function.__name__, served, real, function))
        return function

    return register


def on_redis(function):
    return case(lambda binary: Served(binary, "redis"), lambda: RealRedis(["redis"]))(function)


def on_masters(function):
    names = [f"redis-{number}" for number in range(1, 6)]
    return case(lambda binary: Served(binary, "redis-independent"), lambda: RealRedis(names))(function)


def on_group(function):
    names = ["redis-1", "redis-2", "redis-3"]
    return case(
        lambda binary: Served(binary, "redis-sentinel", SENTINEL_SCENARIO), lambda: RealRedis(names, sentinels=3)
    )(function)


def on_cluster(function):
    return case(lambda binary: Served(binary, "redis-cluster"), None)(function)


def on_ensemble(function):
    return case(lambda binary: Served(binary, "zookeeper"), RealZooKeeper)(function)


def redis_at(servers, name="redis", **options):
    import redis

    host, port = servers.address(name)
    return redis.Redis(host=host, port=port, socket_timeout=PATIENCE, **options)


# redis-cli


@on_redis
def redis_cli(servers):
    """Take, contend, expire, release with a script."""
    host, port = servers.address("redis")

    def ask(*words):
        command = ["redis-cli", "-h", host, "-p", str(port), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout.strip() + done.stderr.strip()

    release = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end"
    yield "take", ask("SET", "lock", "one", "NX", "PX", "60000")
    yield "contend", ask("SET", "lock", "other", "NX", "PX", "60000")
    yield "is held by", ask("GET", "lock")
    yield "release another's", ask("EVAL", release, "1", "lock", "other")
    yield "release", ask("EVAL", release, "1", "lock", "one")
    yield "take for a moment", ask("SET", "lock", "one", "NX", "PX", "100")
    until("expiry", lambda: ask("EXISTS", "lock") == "0")
    yield "take again", ask("SET", "lock", "other", "NX")
    yield "RESP3", ask("-3", "HSET", "h", "field", "value") + " " + ask("-3", "HGETALL", "h")
    yield "an error", ask("INCR", "lock")
    yield "no command", ask("NOSUCH", "a")


# redis-py


def lock_of(client, **options):
    # Another thread than the one that has taken it releases it, in this story.
    return client.lock("lock", thread_local=False, **options)


def lock_story(servers, protocol):
    import redis

    one, other = (redis_at(servers, protocol=protocol) for _ in range(2))
    first = lock_of(one, timeout=60)
    second = lock_of(other, timeout=60)
    yield "take", first.acquire(blocking=False)
    yield "contend", second.acquire(blocking=False)
    yield "owned", (first.owned(), second.owned(), first.locked())
    yield "extend", first.extend(30)
    release = threading.Timer(0.3, first.release)
    release.start()
    yield "wait for it", second.acquire(blocking_timeout=PATIENCE)
    release.join()
    second.release()
    brief = lock_of(one, timeout=0.2)
    yield "take for a moment", brief.acquire(blocking=False)
    yield "take when it is over", lock_of(other, timeout=60).acquire(blocking_timeout=PATIENCE)
    try:
        brief.release()
        yield "release what is another's", "done"
    except redis.exceptions.LockNotOwnedError as error:
        yield "release what is another's", type(error).__name__


@on_redis
def redis_py_lock_resp2(servers):
    """Take, contend, wait, extend, expire, lose: in RESP2."""
    yield from lock_story(servers, 2)


@on_redis
def redis_py_lock_resp3(servers):
    """The same in RESP3."""
    yield from lock_story(servers, 3)


@on_redis
def redis_py_pubsub_and_transactions(servers):
    """Subscriptions, transactions and scripts, in both protocols."""
    for protocol in (2, 3):
        client = redis_at(servers, protocol=protocol, decode_responses=True)
        heard = client.pubsub()
        heard.subscribe("channel")
        yield f"subscribed {protocol}", heard.get_message(timeout=PATIENCE)["type"]
        yield f"published {protocol}", client.publish("channel", "hello")
        yield f"heard {protocol}", heard.get_message(timeout=PATIENCE)["data"]
        heard.close()
        with client.pipeline(transaction=True) as pipeline:
            pipeline.set("key", 1).incr("key").hset("hash", "a", "b").hgetall("hash").get("nosuch")
            yield f"transaction {protocol}", pipeline.execute()
        client.delete("key", "hash")
        script = client.register_script("return {KEYS[1], ARGV[1], false, 1.9}")
        yield f"script {protocol}", script(keys=["k"], args=["a"])
        yield f"config {protocol}", client.config_get("maxmemory-policy")
        yield f"info {protocol}", client.info("server")["redis_version"]


# pottery


@on_masters
def pottery_redlock(servers):
    """RedLock on five masters: take, contend, extend, release, with two of them gone; nothing with three gone."""
    from pottery import Redlock

    def lock():
        masters = {redis_at(servers, name) for name in servers.names("redis")}
        return Redlock(key="lock", masters=masters, auto_release_time=30)

    one, other = lock(), lock()
    yield "take", one.acquire(blocking=False)
    yield "contend", other.acquire(blocking=False)
    yield "held for a while", 0 < one.locked() <= 30
    one.extend()
    one.release()
    yield "take what was released", other.acquire(blocking=False)
    other.release()
    servers.crash("redis-1")
    servers.crash("redis-2")
    yield "take with two gone", one.acquire(blocking=False)
    one.release()
    servers.crash("redis-3")
    try:
        yield "take with three gone", one.acquire(blocking=False)
    except Exception as error:  # pylint: disable=broad-except
        yield "take with three gone", type(error).__name__


# redis-py's Sentinel


@on_group
def redis_py_sentinel(servers):
    """Find the master, take a lock there that replicas have too, find it again after a failover."""
    from redis.sentinel import MasterNotFoundError, Sentinel

    sentinels = [servers.address(name) for name in servers.names("sentinel")]
    group = Sentinel(sentinels, socket_timeout=PATIENCE)
    first = group.discover_master("mymaster")
    yield "master", first == servers.address("redis-1")
    yield "replicas", len(group.discover_slaves("mymaster"))
    client = group.master_for("mymaster", socket_timeout=PATIENCE)
    lock = client.lock("lock", timeout=60)
    yield "take", lock.acquire(blocking=False)
    yield "contend", client.lock("lock", timeout=60).acquire(blocking=False)
    yield "reaches replicas", client.wait(2, PATIENCE * 1000)
    servers.crash("redis-1")

    def new_master():
        try:
            found = group.discover_master("mymaster")
        except MasterNotFoundError:
            return None
        return found if found != first else None

    second = until("another master", new_master)
    yield "another master", second in [servers.address(name) for name in ("redis-2", "redis-3")]
    yield "the lock has come along", until("an answer", lambda: client.get("lock")) == lock.local.token
    lock.release()
    yield "take at the new one", client.lock("lock", timeout=60).acquire(blocking_timeout=PATIENCE)


def on_faulty_group(function):
    return case(lambda binary: Served(binary, "redis-sentinel", SENTINEL_SCENARIO), None)(function)


@on_faulty_group
def redis_py_lock_lost_in_failover(servers):
    """Take a lock that no replica hears of; the master crashes, and another takes it too. The real ones need a cut."""
    from redis.sentinel import MasterNotFoundError, Sentinel

    group = Sentinel([servers.address(name) for name in servers.names("sentinel")], socket_timeout=PATIENCE)
    first = group.discover_master("mymaster")
    servers.order("partition between=redis-1 and=redis-2,redis-3")
    client = redis_at(servers, "redis-1")
    lock = client.lock("lock", timeout=600)
    yield "take", lock.acquire(blocking=False)
    servers.crash("redis-1")

    def has_moved():
        try:
            return group.discover_master("mymaster") != first
        except MasterNotFoundError:
            return False

    until("another master", has_moved)
    other = group.master_for("mymaster", socket_timeout=PATIENCE).lock("lock", timeout=600)
    yield "take what is held", other.acquire(blocking=False)


# redis-py's cluster client


@on_cluster
def redis_py_cluster(servers):
    """Keys of all slots, through redirections; take and contend."""
    from redis.cluster import ClusterNode, RedisCluster

    nodes = [ClusterNode(*servers.address(name)) for name in servers.names("redis")]
    client = RedisCluster(startup_nodes=nodes, socket_timeout=PATIENCE)
    yield "all slots", len({client.keyslot(f"key-{number}") % 3 for number in range(30)})
    yield "set", all(client.set(f"key-{number}", number) for number in range(30))
    yield "get", [int(client.get(f"key-{number}")) for number in range(30)] == list(range(30))
    yield "take", client.set("lock", "one", nx=True, px=60_000)
    yield "contend", client.set("lock", "other", nx=True, px=60_000)


# kazoo


def kazoo_at(servers, *names, timeout=4.0):
    from kazoo.client import KazooClient

    hosts = ",".join("{}:{}".format(*servers.address(name)) for name in names or servers.names("zk"))
    client = KazooClient(hosts=hosts, timeout=timeout)
    client.start(timeout=PATIENCE)
    return client


@on_ensemble
def kazoo_lock(servers):
    """Take, contend, wait in a queue, release."""
    one, other = kazoo_at(servers, "zk-1"), kazoo_at(servers, "zk-2")
    first, second = one.Lock("/locks/a", "one"), other.Lock("/locks/a", "other")
    yield "take", first.acquire(timeout=PATIENCE)
    yield "contend", second.acquire(blocking=False)
    yield "who waits", first.contenders()
    release = threading.Timer(0.3, first.release)
    release.start()
    yield "wait for it", second.acquire(timeout=PATIENCE)
    release.join()
    yield "who holds", second.contenders()
    second.release()
    yield "nobody", first.contenders()
    for client in (one, other):
        client.stop()


HOLDER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from kazoo.client import KazooClient
client = KazooClient(hosts=sys.argv[2], timeout=4.0)
client.start(timeout=60)
print(client.Lock("/locks/b", "holder").acquire(timeout=60), flush=True)
time.sleep(600)
"""


@on_ensemble
def kazoo_session_expires(servers):
    """A holder is killed: its session ends, and the next one has the lock."""
    hosts = ",".join("{}:{}".format(*servers.address(name)) for name in servers.names("zk"))
    command = [sys.executable, "-c", HOLDER, os.path.dirname(__file__), hosts]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        yield "take", holder.stdout.readline().strip()
        other = kazoo_at(servers)
        lock = other.Lock("/locks/b", "other")
        yield "contend", lock.acquire(blocking=False)
        holder.send_signal(signal.SIGKILL)
        begun = time.monotonic()
        yield "take when its session has ended", lock.acquire(timeout=PATIENCE)
        yield "not before that", time.monotonic() - begun > 2
        lock.release()
        other.stop()


@on_ensemble
def kazoo_leader_crashes(servers):
    """A session outlives the leader."""
    client = kazoo_at(servers)
    lock = client.Lock("/locks/c", "one")
    yield "take", lock.acquire(timeout=PATIENCE)
    session = client.client_id[0]
    servers.crash("zk-3")
    yield "still there", until("an answer", lambda: answered(client, "/locks/c"))
    yield "the same session", client.client_id[0] == session
    other = kazoo_at(servers, "zk-1", "zk-2")
    yield "contend", other.Lock("/locks/c", "other").acquire(blocking=False)
    client.stop()
    other.stop()


def answered(client, path):
    from kazoo.exceptions import KazooException
    from kazoo.handlers.threading import KazooTimeoutError

    try:
        return len(client.get_children(path))
    except (KazooException, KazooTimeoutError):
        return None


@on_ensemble
def kazoo_requests(servers):
    """Every request that a lock needs, and what is wrong with some."""
    from kazoo import exceptions
    from kazoo.protocol.states import KazooState

    client = kazoo_at(servers)
    yield "state", client.state == KazooState.CONNECTED
    yield "create", client.create("/r", b"data", makepath=True)
    yield "sequence", [client.create("/r/s-", sequence=True, ephemeral=True) for _ in range(2)]
    yield "data", client.get("/r")[0]
    stat = client.exists("/r")
    yield "stat", (stat.version, stat.cversion, stat.data_length, stat.numChildren, stat.ephemeralOwner)
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


def run(name, servers_of, function):
    """What a case gives, step by step; the last step says what it died of, if it did."""
    seen = []
    try:
        with servers_of as servers:
            for step, outcome in function(servers):
                seen.append((step, repr(outcome)))
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        seen.append(("died of", f"{type(error).__name__}: {error}"))
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fencepost", default=os.path.join(REPOSITORY, "target", "debug", "fencepost"))
    parser.add_argument("--beside-real", action="store_true")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    is_good = True
    for name, served, real, function in CASES:
        if arguments.only not in name:
            continue
        print(f"{name}: {function.__doc__}")
        steps = run(name, served(arguments.fencepost), function)
        beside = run(name, real(), function) if arguments.beside_real and real else None
        for number, (step, outcome) in enumerate(steps):
            print(f"  {step}: {outcome}")
            if beside is not None and beside[number : number + 1] != [(step, outcome)]:
                print(f"    on the real servers: {': '.join(beside[number]) if number < len(beside) else 'nothing'}")
        is_good &= all(step != "died of" for step, _ in steps)
        if beside is not None:
            same = beside == steps
            print("  the same on the real servers" if same else "  NOT the same on the real servers")
            is_good &= same
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
