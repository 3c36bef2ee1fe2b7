"""Three real servers of ZooKeeper on 127.0.0.1, in a temporary folder, with the settings of the sample."""

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time

FIRST_PORT = 27100
JARS = os.environ.get("ZOOKEEPER_JARS", "/usr/share/java")
NEEDED = ("zookeeper", "netty", "slf4j-api", "slf4j-simple", "jackson", "metrics", "snappy", "commons-cli", "audience")


class Ensemble:
    """Servers 1 to 3. Leaving the block kills them by their process numbers."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        self.processes = {}
        for server in (1, 2, 3):
            data = f"{self.folder}/{server}"
            os.makedirs(data)
            with open(f"{data}/myid", "w") as file:
                file.write(str(server))
            peers = "".join(f"server.{one}=127.0.0.1:{FIRST_PORT + 100 + one}:{FIRST_PORT + 200 + one}\n" for one in (1, 2, 3))
            with open(f"{data}.cfg", "w") as file:
                file.write(f"tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir={data}\n")
                file.write(f"clientPort={FIRST_PORT + server}\nclientPortAddress=127.0.0.1\n")
                file.write(f"admin.enableServer=false\n4lw.commands.whitelist=srvr\n{peers}")
            self.start(server)
        while not all(self.mode(server) for server in (1, 2, 3)):
            time.sleep(0.2)
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def start(self, server):
        """Starts a server with the files that it has."""
        jars = sorted(jar for jar in glob.glob(f"{JARS}/*.jar") if os.path.basename(jar).startswith(NEEDED))
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        command = ["java", "-Xmx128m", "-cp", ":".join(jars), main, f"{self.folder}/{server}.cfg"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.processes[server] = subprocess.Popen(command, **quiet)

    def mode(self, server):
        """What a server says that it is: `leader`, `follower`, or nothing while it does not serve."""
        try:
            with socket.create_connection(("127.0.0.1", FIRST_PORT + server), timeout=1) as connection:
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
        return next(server for server in (1, 2, 3) if self.mode(server) == "leader")

    @staticmethod
    def address(server):
        """Where a server's clients find it."""
        return f"127.0.0.1:{FIRST_PORT + server}"
