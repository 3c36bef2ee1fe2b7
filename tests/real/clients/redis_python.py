"""redis-py: its lock, its pub/sub, transactions and scripts, its Sentinel and its cluster client."""

import threading

import redis
from fixtures import PATIENCE, until
from redis.cluster import ClusterNode, RedisCluster
from redis.sentinel import MasterNotFoundError, Sentinel

from .cases import on_cluster, on_group, on_redis
from .failover import loses_in_failover
from .lease import expires


def redis_at(servers, name="redis", **options):
    host, port = servers.address(name)
    return redis.Redis(host=host, port=port, socket_timeout=PATIENCE, **options)


class Locks:
    """redis-py's lock, one for each of the two."""

    def __init__(self, one, other):
        # Another thread than the one that has taken it releases it, in one story.
        self.locks = {who: client.lock("lock", thread_local=False) for who, client in (("one", one), ("other", other))}

    def take(self, who, ms):
        self.locks[who].timeout = ms / 1000
        return self.locks[who].acquire(blocking=False)

    def extend(self, who, ms):
        return said(lambda: self.locks[who].extend(ms / 1000, replace_ttl=True))

    def release(self, who):
        return said(self.locks[who].release)


def said(attempt):
    try:
        return attempt()
    except redis.exceptions.LockError as error:
        return type(error).__name__


def lock_story(servers, protocol):
    """redis-py's Lock on one server, in RESP2 or RESP3: take, contend, extend, wait, expire, release."""
    locks = Locks(*(redis_at(servers, protocol=protocol) for _ in range(2)))
    one, other = locks.locks["one"], locks.locks["other"]
    yield "take", locks.take("one", 60_000)
    yield "contend", locks.take("other", 60_000)
    yield "who has it", (one.owned(), other.owned(), one.locked())
    yield "extend", locks.extend("one", 30_000)
    yield "release another's", locks.release("other")
    release = threading.Timer(0.3, one.release)
    release.start()
    yield "take what is waited for", other.acquire(blocking_timeout=PATIENCE)
    release.join()
    yield "release", locks.release("other")
    yield from expires(locks, 500)


@on_redis("redis-py", lock_story)
def redis_py_lock_resp2(servers):
    yield from lock_story(servers, 2)


@on_redis("redis-py", lock_story)
def redis_py_lock_resp3(servers):
    yield from lock_story(servers, 3)


@on_redis("redis-py")
def redis_py_pubsub_and_transactions(servers):
    """What is no lock: subscriptions, transactions and scripts, in RESP2 and in RESP3."""
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


@on_group("redis-py")
def redis_py_sentinel(servers):
    """A failover that keeps the lock: find the master, take a lock there that replicas have too, find both again."""
    group = sentinels_of(servers)
    first = group.discover_master("mymaster")
    yield "master", first == servers.address("redis-1")
    yield "replicas", len(group.discover_slaves("mymaster"))
    client = group.master_for("mymaster", socket_timeout=PATIENCE)
    locks = Locks(client, client)
    yield "take", locks.take("one", 60_000)
    yield "contend", locks.take("other", 60_000)
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
    until("the client has found it", lambda: answers(client))
    yield "contend at the new one", locks.take("other", 60_000)
    yield "release at the new one", locks.release("one")
    yield "take at the new one", locks.take("other", 60_000)


def answers(client):
    """Whether it reaches the master: its pool looks for it anew when a connection breaks."""
    try:
        return client.ping()
    except redis.exceptions.ConnectionError:
        return False


class AtMaster(Locks):
    """Its lock at the master that its Sentinel client finds."""

    def __init__(self, servers):
        self.client = sentinels_of(servers).master_for("mymaster", socket_timeout=PATIENCE)
        super().__init__(self.client, self.client)

    def refresh(self):
        return answers(self.client)


@on_group("redis-py", loses_in_failover)
def redis_py_failover(servers):
    yield from loses_in_failover(servers, AtMaster(servers))


@on_cluster("redis-py")
def redis_py_cluster(servers):
    """A cluster: keys of all slots, through redirections; redis-py's Lock there."""
    nodes = [ClusterNode(*servers.address(name)) for name in servers.names("redis")]
    client = RedisCluster(startup_nodes=nodes, socket_timeout=PATIENCE)
    yield "keys' slots", sorted({client.keyslot(f"key-{number}") * 3 // 16384 for number in range(30)})
    yield "set", all(client.set(f"key-{number}", number) for number in range(30))
    yield "get", [int(client.get(f"key-{number}")) for number in range(30)] == list(range(30))
    locks = Locks(client, client)
    yield "take", locks.take("one", 60_000)
    yield "contend", locks.take("other", 60_000)
    yield "extend", locks.extend("one", 30_000)
    yield "release another's", locks.release("other")
    yield "release", locks.release("one")
    yield from expires(locks, 500)
