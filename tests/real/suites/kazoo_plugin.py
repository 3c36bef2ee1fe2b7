"""A plugin of pytest that gives kazoo's tests the servers of a fixture, where they would start some of their own.

`kazoo.testing.harness` makes a `ZookeeperCluster` and asks it for addresses, to start, and to stop and start a server.
Which servers it gets is in the environment: `FENCEPOST` names the program to serve them, none the real ones. What came
of each test is written to `SUITES_RESULTS`, a line each.
"""

import json
import os

from kazoo.testing import harness
from suites.kazoo_servers import servers_of


class Server:
    """A server as the tests see it."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    @property
    def running(self):
        return self.cluster.fixture is not None and self.name not in self.cluster.stopped

    @property
    def address(self):
        host, port = self.cluster.fixture.address(self.name)
        return f"{host}:{port}"

    # There is no encryption: whoever asks for it is refused.
    secure_address = address

    def stop(self):
        """Ends it, and keeps what it has on disk."""
        self.cluster.fixture.crash(self.name)
        self.cluster.stopped.add(self.name)

    def run(self):
        """Starts it again; with it all that have been stopped."""
        self.cluster.fixture.heal()
        self.cluster.stopped.clear()


class Cluster:
    """Servers that come into being with the first `start` and go with `terminate`."""

    def __init__(self, configuration_entries, java_system_properties, **_settings):
        self.settings = (configuration_entries, java_system_properties)
        self.fixture = None
        self.stopped = set()
        self.servers = [Server(self, f"zk-{number}") for number in (1, 2, 3)]

    def __iter__(self):
        return iter(self.servers)

    def __getitem__(self, place):
        return self.servers[place]

    def start(self):
        """Starts what is not running."""
        if self.fixture is None:
            self.fixture = servers_of(os.environ.get("FENCEPOST"), *self.settings).__enter__()
        elif self.stopped:
            self.servers[0].run()

    def terminate(self):
        """Ends all, and forgets what they have stored."""
        if self.fixture is not None:
            self.fixture.__exit__(None, None, None)
            self.fixture = None
            self.stopped.clear()

    def get_logs(self):
        """Nothing is kept."""
        return []


harness.ZookeeperCluster = Cluster


def pytest_runtest_logreport(report):
    """Writes down what came of a test: of its preparation and its end too, where those failed."""
    if report.when != "call" and report.outcome == "passed":
        return
    why = ""
    if report.outcome != "passed":
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message.split("\n")[0] if crash else str(report.longrepr).strip().split("\n")[-1]
    name = report.nodeid.split("::", 1)[1]
    line = {"name": name, "verdict": report.outcome, "why": why}
    with open(os.environ["SUITES_RESULTS"], "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
