"""Servers for real clients: those of `fencepost serve`, and the real ones. Both on 127.0.0.1, both in a `with` block.

A fixture has `address(name)` and `names(kind)`, with the names of fencepost's nodes; an ensemble's has `leader()`. What
is done to a server is `crash(name)`, and to a Redis `pause(name, seconds)` and `heal()`, which starts what has crashed.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "models", "zookeeper", "measure"))
import ensemble  # noqa: E402  (the real ensemble, as the measurements start it)
from ensemble import PATIENCE, Processes, free_ports  # noqa: E402


def until(what, look):
    """Waits until `look()` gives something, and gives that."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.05)
    raise TimeoutError(what)


def said_by(place, line):
    """What a Redis there says to a line, if it says anything."""
    try:
        with socket.create_connection(place, timeout=1) as connection:
            connection.sendall(line.encode() + b"\r\n")
            return connection.recv(65536).decode()
    except OSError:
        return ""


class Named:
    """Servers with places, by the names that fencepost gives them: a kind and a number."""

    def address(self, name):
        return self.places[name]

    def names(self, kind):
        return [name for name in self.places if name.rsplit("-", 1)[0] == kind]


class Served(Named, Processes):
    """A backend of `fencepost serve`, at ports that the kernel picks."""

    def __init__(self, fencepost, backend, scenario=None):
        super().__init__()
        self.command = [fencepost, "serve", backend, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
        self.scenario = scenario

    def begin(self):
        command = self.command
        if self.scenario:
            path = f"{self.folder}/scenario.toml"
            with open(path, "w") as file:
                file.write(self.scenario)
            command = [*command, "--scenario", path]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.callback(self.end)
        self.places = {}
        while "control" not in self.places:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError("fencepost serve does not say where it listens")
            name, place = line.split()
            host, port = place.rsplit(":", 1)
            self.places[name] = (host, int(port))
        # The rest, which says what goes wrong, is read by nobody: it is little.

    def end(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        if code != 0:
            raise AssertionError(f"fencepost serve ended with {code}")

    def leader(self):
        """Of servers that began together the one with the highest number is elected."""
        return self.names("zk")[-1]

    def order(self, line):
        """Says a line on the console."""
        with socket.create_connection(self.places["control"], timeout=PATIENCE) as console:
            console.sendall(line.encode() + b"\n")
            answer = console.makefile().readline().strip()
        if not answer.startswith("ok"):
            raise AssertionError(f"{line}: {answer}")

    def crash(self, name):
        self.order(f"crash node={name}")

    def pause(self, name, seconds):
        self.order(f"pause node={name} for={seconds}s")

    def heal(self):
        self.order("heal")


class RealRedis(Named, Processes):
    """Real servers that know nothing of each other: `redis-server` from the path, without persistence."""

    def __init__(self, names):
        super().__init__()
        self.servers = list(names)

    def begin(self):
        self.crashed = set()
        self.places = {name: ("127.0.0.1", port) for name, port in zip(self.servers, free_ports(len(self.servers)))}
        for name in self.servers:
            self.start(name)
        for name in self.servers:
            until(name, lambda: self.answers(name))

    def start(self, name):
        port = str(self.places[name][1])
        command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.run(name, [*command, "--dir", self.folder, *self.options(name)])

    def options(self, _name):
        return []

    def ask(self, name, line):
        return said_by(self.places[name], line)

    def answers(self, name):
        return "PONG" in self.ask(name, "PING")

    def crash(self, name):
        self.processes[name].kill()
        self.processes[name].wait()
        self.crashed.add(name)

    def pause(self, name, seconds):
        process = self.processes[name]
        process.send_signal(signal.SIGSTOP)
        # Of a process that is gone by then nothing is asked: `send_signal` looks first.
        timer = threading.Timer(seconds, process.send_signal, [signal.SIGCONT])
        self.callback(timer.cancel)
        timer.start()

    def heal(self):
        for name in self.crashed:
            self.start(name)
            until(name, lambda: self.answers(name))
        self.crashed.clear()


class RealSentinel(RealRedis):
    """A master, its replicas, and three Sentinels that watch it."""

    def __init__(self, names, down_after_ms, failover_timeout_ms):
        super().__init__(names)
        self.times = {"down-after-milliseconds": down_after_ms, "failover-timeout": failover_timeout_ms}

    def begin(self):
        super().begin()
        sentinels = [f"sentinel-{number}" for number in (1, 2, 3)]
        for name, port in zip(sentinels, free_ports(len(sentinels))):
            self.places[name] = ("127.0.0.1", port)
            path = f"{self.folder}/{name}.conf"
            with open(path, "w") as file:
                file.write(f"port {port}\nbind 127.0.0.1\ndir {self.folder}\n")
                file.write(f"sentinel monitor mymaster 127.0.0.1 {self.places[self.servers[0]][1]} 2\n")
                file.writelines(f"sentinel {option} mymaster {ms}\n" for option, ms in self.times.items())
            self.run(name, ["redis-server", path, "--sentinel"])
        until("replicas and Sentinels", lambda: self.know_each_other(sentinels))

    def options(self, name):
        master = self.servers[0]
        return [] if name == master else ["--replicaof", "127.0.0.1", str(self.places[master][1])]

    def know_each_other(self, sentinels):
        replicas = len(self.servers) - 1
        known = f"slaves={replicas},sentinels={len(sentinels)}"
        return (
            all(known in self.ask(name, "INFO sentinel") for name in sentinels)
            and self.ask(self.servers[0], "INFO replication").count("state=online") == replicas
        )


class RealCluster(RealRedis):
    """Three masters that share the slots, and a replica of each."""

    def __init__(self):
        super().__init__(f"redis-{number}" for number in range(1, 7))

    def begin(self):
        super().begin()
        places = [f"{host}:{port}" for host, port in self.places.values()]
        command = ["redis-cli", "--cluster", "create", *places, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(command, check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL)
        for name in self.servers:
            until(name, lambda: "cluster_state:ok" in self.ask(name, "CLUSTER INFO"))

    def options(self, name):
        # Its bus listens 10000 above the port, unless it is told where.
        bus = str(free_ports(1)[0])
        return ["--cluster-enabled", "yes", "--cluster-config-file", f"{name}.conf", "--cluster-port", bus]


class RealZooKeeper(ensemble.Ensemble):
    """Three real servers of an ensemble."""

    def address(self, name):
        host, port = super().address(number(name)).split(":")
        return host, int(port)

    def names(self, _kind):
        return [f"zk-{server}" for server in self.ports]

    def leader(self):
        return f"zk-{super().leader()}"

    def crash(self, name):
        process = self.processes[number(name)]
        process.kill()
        process.wait()

    def heal(self):
        """Starts again what has crashed, with the files that it has."""
        for server in self.ports:
            if self.processes[server].poll() is not None:
                self.start(server)


def number(name):
    return int(name.rsplit("-", 1)[1])
