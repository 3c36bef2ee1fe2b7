"""zkCli: ZooKeeper's own shell, with a lock by hand: whoever creates an ephemeral znode has it."""

import subprocess
import time

import drivers
from cases import on_ensemble
from fixtures import until

LOCK = "/lock"
# What it says of itself when it starts, and of its connection at any time.
NO_ANSWER = ("Connecting to", "Welcome to", "JLine support", "WATCHER::", "WatchedEvent")


class Shell(drivers.Driver):
    """A shell without a terminal: commands go in a line each, and nothing says where an answer ends."""

    def __init__(self, servers, *names):
        hosts = ",".join("{}:{}".format(*servers.address(name)) for name in names)
        main = "org.apache.zookeeper.ZooKeeperMain"
        # Part of what it says goes to standard error, where its log goes too.
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"
        command = ["java", "-Xmx64m", quiet, "-cp", drivers.jars(), main, "-timeout", "4000"]
        super().__init__([*command, "-waitforconnection", "-server", hosts], stderr=subprocess.STDOUT)

    def ask(self, line):
        """What it says of a command, less what it says of watches and of the session meanwhile."""
        self.tell(line)
        # A setting that is only looked at: its answer is known, and ends that of the command.
        self.tell("printwatches")
        said = []
        while (answer := self.answer()) != "printwatches is on":
            said.append(answer)
        return " ".join(line for line in said if line and not line.startswith(NO_ANSWER))


@on_ensemble
def zkcli(servers):
    """Take, contend, release; a holder sleeps until its session has expired, and finds that it has lost the lock."""
    with Shell(servers, "zk-1") as one, Shell(servers, "zk-2") as other:
        yield "take", one.ask(f"create -e {LOCK} one")
        yield "contend", other.ask(f"create -e {LOCK} other")
        yield "who holds it", other.ask(f"get {LOCK}")
        yield "release", one.ask(f"delete {LOCK}")
        yield "release again", one.ask(f"delete {LOCK}")
        yield "in a row", [one.ask(f"create -s -e {LOCK}- {who}") for who in ("a", "b")]
        yield "who waits", other.ask("ls /")
        yield "take what was released", one.ask(f"create -e {LOCK} one")
        one.stop()
        begun = time.monotonic()
        while other.ask(f"create -e {LOCK} other").startswith("Node already exists"):
            time.sleep(0.1)
        yield "not before its session has expired", time.monotonic() - begun > 2
        yield "who holds it then", other.ask(f"get {LOCK}")
        one.go_on()
        # What was asked before it has heard is lost with the connection.
        yield "who slept hears of it", until("another answer", lambda: unless_lost(one.ask(f"get {LOCK}")))


def unless_lost(answer):
    return None if "ConnectionLoss" in answer else answer
