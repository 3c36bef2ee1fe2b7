"""The ensembles that kazoo's tests run against."""

import os

from fixtures import RealZooKeeper, Served

# What kazoo starts its servers with beside what its harness asks for (`kazoo/testing/common.py`), as far as it is not
# about encryption.
PROPERTIES = ["-Dfile.encoding=UTF-8", "-Dreadonlymode.enabled=true"]


class RealAsKazooHasIt(RealZooKeeper):
    """The real ensemble, with more lines in its files and more of Java's properties."""

    def __init__(self, lines, properties):
        super().__init__()
        self.lines = ["maxClientCnxns=0", *lines]
        self.properties = [*PROPERTIES, *properties]

    def start(self, server):
        if server not in self.processes:
            with open(f"{self.folder}/{server}.cfg", "a", encoding="utf-8") as file:
                file.write("\n".join(self.lines) + "\n")
        os.environ["JAVA_TOOL_OPTIONS"] = " ".join(self.properties)
        super().start(server)


def servers_of(fencepost, lines, properties):
    """Three servers: those of `fencepost serve`, or real ones where there is no such program given."""
    return Served(fencepost, "zookeeper") if fencepost else RealAsKazooHasIt(lines, properties)
