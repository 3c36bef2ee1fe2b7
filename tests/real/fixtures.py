"""Servers for real clients: those of `fencepost serve`, and the real ones. Both on 127.0.0.1, both in a `with` block.

A fixture has `address(name)`, `crash(name)`, `restart(name)` and `settle()`; names are those of fencepost's nodes.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "models", "zookeeper", "measure"))
import ensemble  # noqa: E402  (the real ensemble, as the measurements start it)

PATIENCE = 60


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

    is_real = False

    def __init__(self, fencepost, backend, scenario=None):
        self.command = [fencepost, "serve", backend, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
        self.folder = tempfile.mkdtemp()
        if scenario:
            path = f"{self.folder}/scenario.toml"
            with open(path, "w") as file:
                file.write(scenario)
            self.command += ["--scenario", path]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RealRedis:
    """Real servers: `redis-server` from the path. With Sentinels, the first is the master of the others."""

    is_real = True

    def __init__(self, names, sentinels=0):
        self.names_ = list(names)
        self.sentinels = [f"sentinel-{number + 1}" for number in range(sentinels)]

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        self.places = {name: ("127.0.0.1", free_port()) for name in self.names_ + self.sentinels}
        self.processes = {}
        for name in self.names_:
            follows = ["--replicaof", "127.0.0.1", str(self.places[self.names_[0]][1])]
            self.start(name, follows if self.sentinels and name != self.names_[0] else [])
        for name in self.names_:
            until(name, lambda: self.answers(name))
        for name in self.sentinels:
            self.start_sentinel(name)
        for name in self.sentinels:
            until(name, lambda: self.answers(name))
        if self.sentinels:
            until("replicas and Sentinels", self.know_each_other)
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def start(self, name, options):
        port = str(self.places[name][1])
        command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.popen(name, command + ["--dir", self.folder] + options)

    def start_sentinel(self, name):
        path = f"{self.folder}/{name}.conf"
        with open(path, "w") as file:
            file.write(f"port {self.places[name][1]}\nbind 127.0.0.1\ndir {self.folder}\n")
            file.write(f"sentinel monitor mymaster 127.0.0.1 {self.places[self.names_[0]][1]} 2\n")
            file.write("sentinel down-after-milliseconds mymaster 1000\n")
        self.popen(name, ["redis-server", path, "--sentinel"])

    def popen(self, name, command):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.processes[name] = subprocess.Popen(command, **quiet)

    def ask(self, name, line):
        try:
            with socket.create_connection(self.places[name], timeout=1) as connection:
                connection.sendall(line.encode() + b"\r\n")
                return connection.recv(65536).decode()
        except OSError:
            return ""

    def answers(self, name):
        return "PONG" in self.ask(name, "PING")

    def know_each_other(self):
        replicas = f"slaves={len(self.names_) - 1},sentinels={len(self.sentinels)}"
        known = all(replicas in self.ask(name, "INFO sentinel") for name in self.sentinels)
        return known and self.ask(self.names_[0], "INFO replication").count("state=online") == len(self.names_) - 1

    def address(self, name):
        return self.places[name]

    def names(self, kind):
        return [name for name in self.places if name.rsplit("-", 1)[0] == kind]

    def crash(self, name):
        self.processes[name].kill()
        self.processes[name].wait()


class RealZooKeeper(ensemble.Ensemble):
    """Three real servers of an ensemble."""

    is_real = True

    def address(self, name):
        host, port = super().address(int(name.rsplit("-", 1)[1])).split(":")
        return host, int(port)

    def names(self, kind):
        return ["zk-1", "zk-2", "zk-3"]

    def crash(self, name):
        process = self.processes[int(name.rsplit("-", 1)[1])]
        process.kill()
        process.wait()
