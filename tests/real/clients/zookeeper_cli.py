"""zkCli: ZooKeeper's own shell, with a lock by hand: whoever creates an ephemeral znode has it."""

import subprocess
import time

from fixtures import until

from . import drivers
from .cases import on_ensemble
from .mutex import SESSION_MS, ends_in_time

LOCK = "/lock"
# What it says of itself when it starts, and of its connection at any time.
NO_ANSWER = ("Connecting to", "Welcome to", "JLine support", "WATCHER::", "WatchedEvent")


class Shell(drivers.Driver):
    """A shell without a terminal: commands go in a line each, and nothing says where an answer ends."""

    def __init__(self, servers):
        main = "org.apache.zookeeper.ZooKeeperMain"
        # Part of what it says goes to standard error, where its log goes too.
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"
        command = ["java", "-Xmx64m", quiet, "-cp", drivers.jars(), main, "-timeout", str(SESSION_MS)]
        hosts = ",".join(drivers.places(servers, "zk"))
        super().__init__([*command, "-waitforconnection", "-server", hosts], stderr=subprocess.STDOUT)

    def ask(self, line):
        """What it says of a command, less what it says of watches and of the session meanwhile."""
        self.tell(line)
        # A setting that is only looked at: its answer is known, and ends that of the command. When its session is over
        # the shell says so of this as well, and that is read with the next answer.
        self.tell("printwatches")
        said = []
        while (answer := self.answer()) != "printwatches is on":
            said.append(answer)
        return " ".join(line for line in said if line and not line.startswith(NO_ANSWER))

    def heard(self, line):
        """What it says when it is connected: what is asked before is lost with the old connection."""

        def attempt():
            said = self.ask(line)
            # In a list, since to say nothing is an answer.
            return None if "ConnectionLoss" in said else [said]

        return until(line, attempt)[0]


@on_ensemble("zkCli")
def zkcli(servers):
    """An ephemeral znode by hand: take, contend, release; a holder sleeps until its session has expired, and finds that
    it has lost the lock; then the leader crashes."""
    with Shell(servers) as one, Shell(servers) as other:
        yield "take", one.ask(f"create -e {LOCK} one")
        yield "contend", other.ask(f"create -e {LOCK} other")
        yield "who has it", other.ask(f"get {LOCK}")
        yield "release", one.ask(f"delete {LOCK}")
        yield "release again", one.ask(f"delete {LOCK}")
        yield "in a row", [one.ask(f"create -s -e {LOCK}- {who}") for who in ("a", "b")]
        yield "who waits", other.ask("ls /")
        yield "take what was released", one.ask(f"create -e {LOCK} one")
        one.stop()
        begun = time.monotonic()
        create = f"create -e {LOCK} other"
        yield "expire: another takes it", until("the session's end", lambda: unless_taken(other.ask(create)))
        yield "expire: in its time", ends_in_time(begun)
        yield "who has it then", other.ask(f"get {LOCK}")
        one.go_on()
        # The first that it is asked may still fail with the session, or the connection; then the shell has none.
        over = "Not connected"
        yield "lose: who slept hears of it", until(over, lambda: over in one.ask(f"get {LOCK}") and over)
        yield "lose: release", one.ask(f"delete {LOCK}")
        servers.crash(servers.leader())
        yield "who has it without the leader", other.heard(f"get {LOCK}")
        yield "release without the leader", other.heard(f"delete {LOCK}")


def unless_taken(answer):
    return None if answer.startswith("Node already exists") else answer
