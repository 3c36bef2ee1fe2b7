"""Three real servers of ZooKeeper on 127.0.0.1, in a temporary folder, with the settings of the sample."""

import contextlib
import glob
import os
import socket
import subprocess
import tempfile
import time

JARS = os.environ.get("ZOOKEEPER_JARS", "/usr/share/java")
NEEDED = ("zookeeper", "netty", "slf4j-api", "slf4j-simple", "jackson", "metrics", "snappy", "commons-cli", "audience")
PATIENCE = 60


class Processes(contextlib.ExitStack):
    """Programs in a temporary folder. They begin with the block and end with it, by their process numbers; also when
    not all of them could be started."""

    def __enter__(self):
        super().__enter__()
        try:
            self.folder = self.enter_context(tempfile.TemporaryDirectory())
            self.processes = {}
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    def run(self, name, command):
        """Starts one. A name may be used again when whoever had it is gone."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.processes[name] = subprocess.Popen(command, **quiet)
        self.callback(kill, self.processes[name])


def kill(process):
    process.kill()
    process.wait()


def free_ports(count):
    """So many ports at which nobody listens."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


class Ensemble(Processes):
    """Servers 1 to 3, at ports that are free."""

    def begin(self):
        ports = free_ports(9)
        self.ports = dict(zip((1, 2, 3), ports[:3]))
        # Two more each, for the others: one for what is agreed on, one for elections.
        among = {server: ports[3 + at :: 3] for at, server in enumerate(self.ports)}
        peers = "".join(f"server.{server}=127.0.0.1:{data}:{vote}\n" for server, (data, vote) in among.items())
        for server, port in self.ports.items():
            data = f"{self.folder}/{server}"
            os.makedirs(data)
            with open(f"{data}/myid", "w") as file:
                file.write(str(server))
            with open(f"{data}.cfg", "w") as file:
                file.write(f"tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir={data}\n")
                file.write(f"clientPort={port}\nclientPortAddress=127.0.0.1\n")
                file.write(f"admin.enableServer=false\n4lw.commands.whitelist=srvr\n{peers}")
            self.start(server)
        end = time.monotonic() + PATIENCE
        while not all(self.mode(server) for server in self.ports):
            if time.monotonic() > end:
                raise TimeoutError("the ensemble does not serve")
            time.sleep(0.2)

    def start(self, server):
        """Starts a server with the files that it has."""
        jars = sorted(jar for jar in glob.glob(f"{JARS}/*.jar") if os.path.basename(jar).startswith(NEEDED))
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        self.run(server, ["java", "-Xmx128m", "-cp", ":".join(jars), main, f"{self.folder}/{server}.cfg"])

    def mode(self, server):
        """What a server says that it is: `leader`, `follower`, or nothing while it does not serve."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports[server]), timeout=1) as connection:
                connection.settimeout(1)
                connection.sendall(b"srvr")
                text = b""
                while part := connection.recv(65536):
                    text += part
        except OSError:
            return None
        modes = [line.split()[1] for line in text.decode().splitlines() if line.startswith("Mode:")]
        return modes[0] if modes else None

    def leader(self):
        """Who leads."""
        return next(server for server in self.ports if self.mode(server) == "leader")

    def address(self, server):
        """Where a server's clients find it."""
        return f"127.0.0.1:{self.ports[server]}"
