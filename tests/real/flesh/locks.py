"""The recipes of the corpus for real clients: redis-py and kazoo. Each has `acquire()` and `release()`, and `lost`,
an event that is set when the client is told that it may hold the lock no longer.

`acquire()` gives the fencing token, or none, and the servers that have granted it, where several were asked.
"""

import random
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor

KEY = "lock:stock"
# As the corpus has them, `models/src/locks/redis/mod.rs`: the client waits so long, in seconds, for a connection or
# an answer, and polls so often.
TIMEOUT = 2
POLL = (0.1, 0.15)
# And RedLock, `models/src/locks/redlock/settings.rs`.
NODE_TIMEOUT = 0.05
RETRY_DELAY = (0.05, 0.25)

ACQUIRE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return false
"""
DELETE_IF_OWN = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


def no_retries():
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Retry(NoBackoff(), 0)


class SetNx:
    """`SET NX PX` on one Redis, or on the master that Sentinels name, with a counter beside it."""

    def __init__(self, servers, ttl_ms, sentinels=()):
        import redis
        from redis.sentinel import Sentinel

        self.lost = threading.Event()
        self.ttl_ms, self.errors = ttl_ms, (redis.exceptions.RedisError, OSError)
        options = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "retry": no_retries()}
        if sentinels:
            group = Sentinel([tuple(place) for place in sentinels], sentinel_kwargs=dict(options))
            self.client = group.master_for("mymaster", **options)
        else:
            host, port = servers["redis"]
            self.client = redis.Redis(host=host, port=port, **options)

    def acquire(self):
        while True:
            self.value = secrets.token_hex(20)
            try:
                token = self.client.eval(ACQUIRE, 2, KEY, f"{KEY}:token", self.value, self.ttl_ms)
                if token is not None:
                    return token, []
            except self.errors:
                pass  # An attempt without an answer: the next one has a value of its own.
            time.sleep(random.uniform(*POLL))

    def release(self):
        try:
            return "removed" if self.client.eval(DELETE_IF_OWN, 1, KEY, self.value) else "not-held"
        except self.errors:
            return "unknown"


class Node:
    """One of RedLock's servers: one connection, which is made anew only after it has failed."""

    def __init__(self, name, host, port):
        import redis

        self.name, self.errors = name, (redis.exceptions.RedisError, OSError)
        options = {"socket_timeout": NODE_TIMEOUT, "socket_connect_timeout": NODE_TIMEOUT, "protocol": 2}
        self.connection = redis.Connection(host=host, port=port, retry=no_retries(), **options)

    def ask(self, *words):
        try:
            self.connection.send_command(*words)
            return self.connection.read_response()
        except self.errors:
            self.connection.disconnect()
            return None


class RedLock:
    """RedLock as redsync has it: all are asked in parallel and waited for, and a failed try is taken back."""

    def __init__(self, servers, ttl_ms, tries_at):
        self.lost = threading.Event()
        self.nodes = [Node(name, *place) for name, place in servers.items()]
        self.pool = ThreadPoolExecutor(len(self.nodes))
        self.ttl_ms, self.tries_at = ttl_ms, tries_at

    def everywhere(self, *words):
        return list(self.pool.map(lambda node: node.ask(*words), self.nodes))

    def acquire(self):
        begun = time.monotonic()
        self.value = secrets.token_hex(20)
        for at in self.tries_at:
            time.sleep(max(0, begun + at - time.monotonic()))
            granted = self.attempt()
            if granted:
                return None, granted
        while not (granted := self.attempt()):
            time.sleep(random.uniform(*RETRY_DELAY))
        return None, granted

    def attempt(self):
        begun = time.monotonic()
        answers = self.everywhere("SET", KEY, self.value, "NX", "PX", self.ttl_ms)
        granted = [node.name for node, answer in zip(self.nodes, answers) if answer == b"OK"]
        # 1 % for clocks that drift.
        is_valid = time.monotonic() - begun < self.ttl_ms * 0.99 / 1000
        if len(granted) > len(self.nodes) // 2 and is_valid:
            return granted
        self.release()
        return None

    def release(self):
        removed = self.everywhere("EVAL", DELETE_IF_OWN, 1, KEY, self.value).count(1)
        return "removed" if removed > len(self.nodes) // 2 else "unknown"


class ZooKeeperLock:
    """kazoo's Lock. The token is the transaction that created the holder's node. Whoever is told that it is not
    connected takes the lock for lost."""

    PATH = "/locks/stock"

    def __init__(self, servers, session_timeout, on_state):
        from kazoo.client import KazooClient

        self.lost = threading.Event()
        hosts = ",".join(f"{host}:{port}" for host, port in servers.values())
        self.client = KazooClient(hosts=hosts, timeout=session_timeout)
        self.client.start(timeout=30)
        self.lock = self.client.Lock(self.PATH)

        def listen(state):
            if state != "CONNECTED":
                self.lost.set()
            on_state(state, self.session)

        self.session = f"{self.client.client_id[0]:#x}"
        self.client.add_listener(listen)

    def acquire(self):
        self.lock.acquire()
        stat = self.client.exists(f"{self.PATH}/{self.lock.node}")
        return stat.czxid, []

    def release(self):
        return "removed" if self.lock.release() else "not-held"
