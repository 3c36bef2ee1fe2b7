#!/usr/bin/env python3
"""How long a real ensemble of ZooKeeper 3.8.0 takes to elect another leader, and to end a session.

    python3 models/zookeeper/measure/timings.py

Takes about two minutes. Needs kazoo, java and ZooKeeper's jars (in /usr/share/java, or where
ZOOKEEPER_JARS says).
"""

import signal
import subprocess
import sys
import time

from ensemble import Ensemble
from kazoo.client import KazooClient

HOLDER = """
import sys, time
from kazoo.client import KazooClient
client = KazooClient(hosts=sys.argv[1], timeout=4)
client.start()
client.create("/held", b"", ephemeral=True)
print("ready", flush=True)
time.sleep(100)
"""


def until(condition):
    """Seconds until something holds."""
    start = time.time()
    while not condition():
        time.sleep(0.005)
    return time.time() - start


def main():
    with Ensemble() as ensemble:
        watcher = KazooClient(hosts=ensemble.address(2), timeout=40)
        watcher.start()
        for server in (1, 3, 1, 3):
            arguments = [sys.executable, "-c", HOLDER, ensemble.address(server)]
            holder = subprocess.Popen(arguments, stdout=subprocess.PIPE)
            holder.stdout.readline()
            holder.kill()
            holder.wait()
            watcher.sync("/")
            took = until(lambda: not watcher.exists("/held"))
            print(f"a session of 4 s whose client is killed, through server {server}: over after {took:.2f} s")
        watcher.stop()
        for word in (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP, signal.SIGSTOP):
            leader = ensemble.leader()
            others = [server for server in (1, 2, 3) if server != leader]
            ensemble.processes[leader].send_signal(word)
            took = until(lambda: any(ensemble.mode(server) == "leader" for server in others))
            print(f"{word.name} of the leader: another one serves after {took:.2f} s")
            if word == signal.SIGKILL:
                ensemble.processes[leader].wait()
                ensemble.start(leader)
            else:
                ensemble.processes[leader].send_signal(signal.SIGCONT)
            until(lambda: ensemble.mode(leader) == "follower")
            time.sleep(1)


main()
