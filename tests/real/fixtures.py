"""Servers for real clients: those of `fencepost serve`, and the real ones. Both on 127.0.0.1, both in a `with` block.

A fixture has `address(name)` and `names(kind)`, with the names of fencepost's nodes, and three things to do to a server:
`crash(name)`, `pause(name, seconds)`, and `heal()`, which starts again whatever has crashed.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "models", "zookeeper", "measure"))
import ensemble  # noqa: E402  (the real ensemble, as the measurements start it)

PATIENCE = 60
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def until(what, look):
    """Waits until `look()` gives something, and gives that."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.05)
    raise TimeoutError(what)


class Served:
    """A backend of `fencepost serve`, at ports that the kernel picks."""

    def __init__(self, fencepost, backend, scenario=None):
        self.command = [fencepost, "serve", backend, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
        self.scenario = scenario

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        command = self.command
        if self.scenario:
            path = f"{self.folder}/scenario.toml"
            with open(path, "w") as file:
                file.write(self.scenario)
            command = [*command, "--scenario", path]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.places = {}
        while "control" not in self.places:
            name, place = self.process.stdout.readline().split()
            host, port = place.rsplit(":", 1)
            self.places[name] = (host, int(port))
        # The rest, which says what goes wrong, is read by nobody: it is little.
        return self

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        shutil.rmtree(self.folder)
        if code != 0:
            raise AssertionError(f"fencepost serve ended with {code}")

    def address(self, name):
        return self.places[name]

    def names(self, kind):
        return [name for name in self.places if name.rsplit("-", 1)[0] == kind]

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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RealRedis:
    """Real servers that know nothing of each other: `redis-server` from the path, without persistence."""

    def __init__(self, names):
        self.servers = list(names)

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        self.places = {}
        self.processes = {}
        self.crashed = set()
        for name in self.servers:
            self.places[name] = ("127.0.0.1", free_port())
            self.start(name)
        for name in self.servers:
            until(name, lambda: self.answers(name))
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def start(self, name):
        port = str(self.places[name][1])
        command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--dir", self.folder, *self.options(name)]
        self.processes[name] = subprocess.Popen(command, **QUIET)

    def options(self, _name):
        return []

    def ask(self, name, line):
        try:
            with socket.create_connection(self.places[name], timeout=1) as connection:
                connection.sendall(line.encode() + b"\r\n")
                return connection.recv(65536).decode()
        except OSError:
            return ""

    def answers(self, name):
        return "PONG" in self.ask(name, "PING")

    def address(self, name):
        return self.places[name]

    def names(self, kind):
        return [name for name in self.places if name.rsplit("-", 1)[0] == kind]

    def crash(self, name):
        self.processes[name].kill()
        self.processes[name].wait()
        self.crashed.add(name)

    def pause(self, name, seconds):
        pause(self.processes[name], seconds)

    def heal(self):
        for name in self.crashed:
            self.start(name)
            until(name, lambda: self.answers(name))
        self.crashed.clear()


class RealSentinel(RealRedis):
    """A master, its replicas, and three Sentinels that watch it."""

    def __enter__(self):
        super().__enter__()
        sentinels = [f"sentinel-{number}" for number in (1, 2, 3)]
        for name in sentinels:
            self.places[name] = ("127.0.0.1", free_port())
            path = f"{self.folder}/{name}.conf"
            with open(path, "w") as file:
                file.write(f"port {self.places[name][1]}\nbind 127.0.0.1\ndir {self.folder}\n")
                file.write(f"sentinel monitor mymaster 127.0.0.1 {self.places[self.servers[0]][1]} 2\n")
                file.write("sentinel down-after-milliseconds mymaster 1000\n")
                file.write("sentinel failover-timeout mymaster 3000\n")
            self.processes[name] = subprocess.Popen(["redis-server", path, "--sentinel"], **QUIET)
        until("replicas and Sentinels", lambda: self.know_each_other(sentinels))
        return self

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

    def __enter__(self):
        super().__enter__()
        places = [f"{host}:{port}" for host, port in self.places.values()]
        command = ["redis-cli", "--cluster", "create", *places, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(command, check=True, timeout=PATIENCE, **QUIET)
        for name in self.servers:
            until(name, lambda: "cluster_state:ok" in self.ask(name, "CLUSTER INFO"))
        return self

    def options(self, name):
        # Its bus listens 10000 above the port, unless it is told where.
        return ["--cluster-enabled", "yes", "--cluster-config-file", f"{name}.conf", "--cluster-port", str(free_port())]


class RealZooKeeper(ensemble.Ensemble):
    """Three real servers of an ensemble."""

    def __enter__(self):
        self.crashed = set()
        return super().__enter__()

    @staticmethod
    def number(name):
        return int(name.rsplit("-", 1)[1])

    def address(self, name):
        host, port = super().address(self.number(name)).split(":")
        return host, int(port)

    def names(self, _kind):
        return ["zk-1", "zk-2", "zk-3"]

    def crash(self, name):
        process = self.processes[self.number(name)]
        process.kill()
        process.wait()
        self.crashed.add(name)

    def pause(self, name, seconds):
        pause(self.processes[self.number(name)], seconds)

    def heal(self):
        for name in self.crashed:
            self.start(self.number(name))
            until(name, lambda: self.mode(self.number(name)))
        self.crashed.clear()


def pause(process, seconds):
    process.send_signal(signal.SIGSTOP)
    # Of a process that is gone by then nothing is asked: `send_signal` looks first.
    timer = threading.Timer(seconds, process.send_signal, [signal.SIGCONT])
    timer.daemon = True
    timer.start()
