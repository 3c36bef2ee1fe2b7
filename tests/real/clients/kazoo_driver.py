"""One client's kazoo Lock: a line in, a line out. `take MS`, `release`, `holds`, and `state`, which is LOST once a
session was lost."""

import sys

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, LockTimeout


def main():
    hosts, path, session_ms = sys.argv[1:]
    client = KazooClient(hosts=hosts, timeout=int(session_ms) / 1000)
    states = []
    client.add_listener(states.append)
    client.start(timeout=60)
    lock = client.Lock(path, "client")

    def take(ms):
        try:
            return "taken" if lock.acquire(timeout=int(ms) / 1000) else "refused"
        except LockTimeout:
            return "refused"

    verbs = {
        "take": take,
        "release": lambda: "released" if lock.release() else "not held",
        "holds": lambda: lock.is_acquired,
        "state": lambda: "LOST" if "LOST" in states else client.state,
    }
    for line in sys.stdin:
        verb, *arguments = line.split()
        try:
            print(verbs[verb](*arguments), flush=True)
        except KazooException as error:
            print(type(error).__name__, flush=True)


main()
