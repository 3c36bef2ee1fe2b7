#!/usr/bin/env python3
"""How long failovers take on real servers: Redis 7.0.15 with Sentinel and as a cluster.

    python3 models/redis/measure/failover.py [--quick]

Starts servers on 127.0.0.1 in a temporary folder, does to them what is to be measured, three times each,
prints a table in Markdown and stops them by their process numbers. Takes about ten minutes; with --quick,
which leaves out the default timeouts, about four. Needs redis-server in the path and nothing else.
"""

import concurrent.futures
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

FIRST_PORT = 17100


class Client:
    """A connection that speaks RESP2."""

    def __init__(self, port, timeout=2.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.file = self.socket.makefile("rb")

    def send(self, *words):
        words = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))

    def read(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RuntimeError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self.file.read(int(rest) + 2)[:-2].decode()
        return None if rest == "-1" else [self.read() for _ in range(int(rest))]

    def call(self, *words):
        self.send(*words)
        return self.read()

    def close(self):
        self.socket.close()


class Servers:
    """Processes in a folder of their own."""

    def __init__(self, first_port):
        self.first_port, self.next_port = first_port, first_port
        self.folder = tempfile.mkdtemp(prefix="fencepost-measure-")
        self.processes = {}

    def start(self, *arguments, config=None, sentinel=False):
        port = self.next_port
        self.next_port += 1
        folder = os.path.join(self.folder, str(port))
        os.makedirs(folder)
        path = os.path.join(folder, "redis.conf")
        with open(path, "w") as file:
            file.write(f'port {port}\nbind 127.0.0.1\ndir {folder}\n')
            file.write("" if sentinel else 'save ""\n')
            file.write(config(port) if config else "")
        command = ["redis-server", path] + (["--sentinel"] if sentinel else []) + list(arguments)
        with open(os.path.join(folder, "log"), "wb") as log:
            self.processes[port] = subprocess.Popen(command, stdout=log, stderr=log)
        return port

    def signal(self, port, what):
        self.processes[port].send_signal(what)

    def stop(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_for(condition, limit_s, step_s=0.02):
    """Seconds until a condition holds; None when it never does."""
    begin = time.monotonic()
    while time.monotonic() - begin < limit_s:
        try:
            if condition():
                return time.monotonic() - begin
        except (OSError, RuntimeError, ConnectionError):
            pass
        time.sleep(step_s)
    return None


def info(port, field):
    client = Client(port)
    try:
        for line in client.call("INFO", "everything").split("\r\n"):
            if line.startswith(field + ":"):
                return line.split(":", 1)[1]
    finally:
        client.close()
    return None


def takes_writes(port):
    client = Client(port, 0.3)
    try:
        return client.call("SET", "k", "v") == "OK"
    except RuntimeError:
        return False
    finally:
        client.close()


def listen(port, events, stop):
    """Collects what a Sentinel publishes, with the time."""
    client = Client(port, timeout=None)
    threading.Thread(target=lambda: (stop.wait(), client.socket.shutdown(socket.SHUT_RDWR))).start()
    client.send("PSUBSCRIBE", "*")
    while not stop.is_set():
        try:
            message = client.read()
        except (OSError, ConnectionError):
            return
        if message[0] == "pmessage":
            events.append((time.monotonic(), port, message[2], message[3]))


def sentinel_group(first_port, down_after_ms):
    servers = Servers(first_port)
    master = servers.start()
    replicas = [servers.start("--replicaof", "127.0.0.1", str(master)) for _ in range(2)]

    def config(_):
        return (f"sentinel monitor mymaster 127.0.0.1 {master} 2\n"
                f"sentinel down-after-milliseconds mymaster {down_after_ms}\n")

    sentinels = [servers.start(config=config, sentinel=True) for _ in range(3)]
    assert wait_for(lambda: all(info(port, "master_link_status") == "up" for port in replicas), 30)
    known = lambda port: Client(port).call("SENTINEL", "CKQUORUM", "mymaster").startswith("OK 3")
    assert wait_for(lambda: all(known(port) for port in sentinels), 30)
    # Sentinels look at replicas in step every ten seconds. And the fault is to meet any phase of the pings,
    # which would otherwise depend on when the servers were started.
    time.sleep(12 + random.uniform(0, 1.1))
    return servers, master, replicas, sentinels


def measure_sentinel(first_port, down_after_ms, fault):
    """Times since the fault, in seconds, by the name of what happened."""
    servers, master, replicas, sentinels = sentinel_group(first_port, down_after_ms)
    events, stop = [], threading.Event()
    threads = [threading.Thread(target=listen, args=(port, events, stop)) for port in sentinels]
    [thread.start() for thread in threads]
    time.sleep(0.5)
    begin = time.monotonic()
    if fault == "failover":
        Client(sentinels[0]).call("SENTINEL", "FAILOVER", "mymaster")
    else:
        servers.signal(master, signal.SIGKILL if fault == "kill" else signal.SIGSTOP)
    first_write = wait_for(lambda: any(takes_writes(port) for port in replicas), 120, 0.01)
    wait_for(lambda: sum(event[2] == "+switch-master" for event in events) == 3, 60)
    woken = None
    if fault == "stop":
        time.sleep(2)
        servers.signal(master, signal.SIGCONT)
        woken = time.monotonic()
    if fault != "kill":
        wait_for(lambda: info(master, "role") == "slave", 40)
    demoted = time.monotonic()
    stop.set()
    [thread.join() for thread in threads]
    times = {}
    for name in ["+sdown", "+odown", "+try-failover", "+elected-leader", "+selected-slave",
                 "+promoted-slave", "+failover-end", "+switch-master", "+config-update-from"]:
        seen = [when - begin for when, _, event, text in events
                if event == name and (name != "+sdown" or text.startswith("master"))]
        if seen:
            times[name + " (first)"] = min(seen)
    switched = [when - begin for when, _, event, _ in events if event == "+switch-master"]
    if switched:
        times["+switch-master (last)"] = max(switched)
    times["first write taken by the new master"] = first_write
    if fault == "stop":
        times["old master follows, since it woke"] = demoted - woken
    if fault == "failover":
        times["old master follows"] = demoted - begin
    servers.stop()
    return times


def cluster(first_port, timeout_ms):
    servers = Servers(first_port)
    ports = [servers.start("--cluster-enabled", "yes", "--cluster-node-timeout", str(timeout_ms),
                           "--repl-diskless-sync-delay", "0") for _ in range(6)]
    assert wait_for(lambda: all(Client(port).call("PING") for port in ports), 10)
    nodes = [f"127.0.0.1:{port}" for port in ports]
    subprocess.run(["redis-cli", "--cluster", "create", *nodes, "--cluster-replicas", "1", "--cluster-yes"],
                   check=True, stdout=subprocess.DEVNULL)
    ok = lambda port: "cluster_state:ok" in Client(port).call("CLUSTER", "INFO")
    assert wait_for(lambda: all(ok(port) for port in ports), 30)
    masters = [port for port in ports if info(port, "role") == "master"]
    assert wait_for(lambda: all(info(port, "master_link_status") == "up" for port in ports if port not in masters), 30)
    time.sleep(5 + random.uniform(0, 1.1))
    return servers, ports, masters


def key_of(client, port):
    """A key whose slot is that server's."""
    for number in range(100_000):
        try:
            client.call("SET", f"key{number}", "v")
            return f"key{number}"
        except RuntimeError as error:
            if not str(error).startswith("MOVED"):
                raise
    raise RuntimeError("no key")


def measure_cluster(first_port, timeout_ms, fault):
    servers, ports, masters = cluster(first_port, timeout_ms)
    victim = masters[0]
    key = key_of(Client(victim), victim)
    replica = next(port for port in ports if port not in masters and info(port, "master_port") == str(victim))
    others = [port for port in ports if port != victim]
    begin = time.monotonic()
    servers.signal(victim, signal.SIGKILL if fault == "kill" else signal.SIGSTOP)
    clients = {port: Client(port) for port in others}
    times, limit_s = {}, timeout_ms / 1000 * 4 + 10
    while time.monotonic() - begin < limit_s and "first write taken" not in times:
        now = time.monotonic() - begin
        for port in others:
            text = clients[port].call("CLUSTER", "NODES")
            line = next(line for line in text.split("\n") if f":{victim}@" in line)
            flags = line.split(" ")[2].split(",")
            if "fail?" in flags:
                times.setdefault("pfail (first)", now)
            if "fail" in flags:
                times.setdefault("fail (first)", now)
        try:
            clients[replica].call("SET", key, "v")
            times["first write taken"] = time.monotonic() - begin
        except RuntimeError:
            pass
        time.sleep(0.005)
    servers.stop()
    return times


def measure_minority(first_port, timeout_ms, _):
    """A master that is alone: for how long it goes on taking writes."""
    servers, ports, masters = cluster(first_port, timeout_ms)
    alone = masters[0]
    client = Client(alone)
    key = key_of(client, alone)
    begin = time.monotonic()
    [servers.signal(port, signal.SIGSTOP) for port in ports if port != alone]
    refused = None
    while time.monotonic() - begin < timeout_ms / 1000 * 3 and refused is None:
        try:
            client.call("SET", key, "v")
        except RuntimeError:
            refused = time.monotonic() - begin
        time.sleep(0.005)
    servers.stop()
    return {"writes refused after": refused}


def measure_manual(first_port, timeout_ms, _):
    servers, ports, masters = cluster(first_port, timeout_ms)
    victim = masters[0]
    replica = next(port for port in ports if port not in masters and info(port, "master_port") == str(victim))
    key = key_of(Client(victim), victim)
    begin = time.monotonic()
    Client(replica).call("CLUSTER", "FAILOVER")

    def takes():
        try:
            return Client(replica).call("SET", key, "v")
        except RuntimeError:
            return False

    taken = wait_for(takes, 20, 0.002)
    servers.stop()
    return {"first write taken": taken}


def main():
    quick = "--quick" in sys.argv
    sentinel_timeouts = [5000] if quick else [5000, 30_000]
    cluster_timeouts = [5000] if quick else [5000, 15_000]
    cases = []
    for timeout in sentinel_timeouts:
        cases += [(f"Sentinel, down-after {timeout} ms, {what}", measure_sentinel, timeout, what) for what in ["kill", "stop"]]
    cases.append(("Sentinel, SENTINEL FAILOVER on a healthy group", measure_sentinel, 5000, "failover"))
    for timeout in cluster_timeouts:
        cases += [(f"Cluster, node timeout {timeout} ms, {what}", measure_cluster, timeout, what) for what in ["kill", "stop"]]
        cases.append((f"Cluster, node timeout {timeout} ms, a master alone", measure_minority, timeout, None))
    cases.append(("Cluster, CLUSTER FAILOVER on a healthy one", measure_manual, 5000, None))
    jobs = [(title, measure, timeout, what, run) for title, measure, timeout, what in cases for run in range(3)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=6) as pool:
        def run(numbered):
            place, (title, measure, timeout, what, _) = numbered
            return title, measure(FIRST_PORT + 10 * place, timeout, what)
        results = list(pool.map(run, enumerate(jobs)))
    for title in dict.fromkeys(title for title, _ in results):
        runs = [times for name, times in results if name == title]
        print(f"\n### {title}\n\n| seconds after the fault | run 1 | run 2 | run 3 | median |\n|---|--:|--:|--:|--:|")
        for row in dict.fromkeys(row for times in runs for row in times):
            values = [times.get(row) for times in runs]
            shown = ["-" if value is None else f"{value:.2f}" for value in values]
            known = [value for value in values if value is not None]
            median = f"{statistics.median(known):.2f}" if known else "-"
            print(f"| {row} | {' | '.join(shown)} | {median} |")


main()
