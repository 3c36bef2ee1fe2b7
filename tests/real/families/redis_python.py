"""redis-py: its lock, its pub/sub, transactions and scripts, its Sentinel and its cluster client."""

import threading

import redis
from cases import on_cluster, on_group, on_redis
from families.failover import loses_in_failover
from fixtures import PATIENCE, until
from redis.cluster import ClusterNode, RedisCluster
from redis.sentinel import MasterNotFoundError, Sentinel


def redis_at(servers, name="redis", **options):
    host, port = servers.address(name)
    return redis.Redis(host=host, port=port, socket_timeout=PATIENCE, **options)


def lock_of(client, **options):
    # Another thread than the one that has taken it releases it, in this story.
    return client.lock("lock", thread_local=False, **options)


def lock_story(servers, protocol):
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
    yield "release what is another's", said(brief.release)


def said(attempt):
    try:
        return attempt()
    except redis.exceptions.LockError as error:
        return type(error).__name__


@on_redis
def redis_py_lock_resp2(servers):
    """Take, contend, wait, extend, expire, release: in RESP2."""
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


def sentinels_of(servers):
    return Sentinel([servers.address(name) for name in servers.names("sentinel")], socket_timeout=PATIENCE)


@on_group
def redis_py_sentinel(servers):
    """Find the master, take a lock there that replicas have too, find it again after a failover."""
    group = sentinels_of(servers)
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


class AtMaster:
    """redis-py's lock at the master that its Sentinel client finds, one for each of the two."""

    def __init__(self, servers):
        self.group = sentinels_of(servers)
        self.client = self.group.master_for("mymaster", socket_timeout=PATIENCE)
        self.locks = {who: self.client.lock("lock") for who in ("one", "other")}

    def take(self, who, ms):
        self.locks[who].timeout = ms / 1000
        return self.locks[who].acquire(blocking=False)

    def release(self, who):
        return said(self.locks[who].release)

    def refresh(self):
        """Its pool looks for the master itself when a connection breaks."""
        try:
            return self.client.ping()
        except redis.exceptions.ConnectionError:
            return False


@on_group
def redis_py_failover(servers):
    """Take, contend, expire, release; lose the lock in a failover."""
    yield from loses_in_failover(servers, AtMaster(servers))


@on_cluster
def redis_py_cluster(servers):
    """Keys of all slots, through redirections; take and contend."""
    nodes = [ClusterNode(*servers.address(name)) for name in servers.names("redis")]
    client = RedisCluster(startup_nodes=nodes, socket_timeout=PATIENCE)
    yield "all slots", len({client.keyslot(f"key-{number}") % 3 for number in range(30)})
    yield "set", all(client.set(f"key-{number}", number) for number in range(30))
    yield "get", [int(client.get(f"key-{number}")) for number in range(30)] == list(range(30))
    yield "take", client.set("lock", "one", nx=True, px=60_000)
    yield "contend", client.set("lock", "other", nx=True, px=60_000)
