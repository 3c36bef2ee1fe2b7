"""Clients in other languages, and clients in processes of their own: a program that is told what to do a line each on
its standard input, and says what came of it a line each on its standard output."""

import functools
import glob
import os
import signal
import subprocess
import sys
import tempfile
import threading

from fixtures import PATIENCE, REPOSITORY, ensemble

HERE = os.path.join(REPOSITORY, "tests", "real")


class Driver:
    """A running program. Leaving the block ends it."""

    def __init__(self, command, stderr=subprocess.DEVNULL):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": stderr, "text": True}
        self.process = subprocess.Popen(command, **pipes)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # It may be stopped, so that it is not asked.
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(self, line):
        """Says a line, and gives the answer."""
        self.tell(line)
        return self.answer()

    def tell(self, line):
        """Says a line."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        """The next line that it says. Whoever says nothing for too long is killed."""
        patience = threading.Timer(PATIENCE, self.process.kill)
        patience.start()
        line = self.process.stdout.readline()
        patience.cancel()
        if not line:
            raise EOFError(f"{self.process.args} is gone")
        return line.rstrip("\n")

    def stop(self):
        """Lets it sleep: none of its threads does anything."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Wakes it up."""
        self.process.send_signal(signal.SIGCONT)


class Told:
    """The two clients of a story, who are one driver's."""

    def __init__(self, driver):
        self.driver = driver

    def take(self, who, ms):
        return self.driver.ask(f"take {who} {ms}")

    def extend(self, who, ms):
        return self.driver.ask(f"extend {who} {ms}")

    def release(self, who):
        return self.driver.ask(f"release {who}")

    def refresh(self):
        return self.driver.ask("refresh") == "refreshed"


def places(servers, kind):
    """Where servers of a kind are, a word each."""
    return ["{}:{}".format(*servers.address(name)) for name in servers.names(kind)]


def python(name, *arguments):
    """A driver written in Python."""
    return Driver([sys.executable, f"{HERE}/clients/{name}", *arguments])


def node(*arguments):
    """The one for Node.js."""
    return Driver(["node", f"{HERE}/node/driver.js", *arguments])


def rust(*arguments):
    """The one in Rust, built if need be: a project of its own."""
    manifest = f"{HERE}/rust/Cargo.toml"
    # From there, since the workspace's own flags are for the simulator.
    subprocess.run(["cargo", "build", "--quiet", "--manifest-path", manifest], check=True, cwd=f"{HERE}/rust")
    return Driver([f"{HERE}/rust/target/debug/driver", *arguments])


CURATOR = ("curator-", "guava", "failureaccess")


def jars(*more):
    """A class path: ZooKeeper's jars, as the real ensemble has them, and more."""
    found = sorted(glob.glob(f"{ensemble.JARS}/*.jar"))
    return ":".join(jar for jar in found if os.path.basename(jar).startswith((*ensemble.NEEDED, *more)))


@functools.cache
def classes():
    """Where the compiled one in Java is, until the end."""
    folder = tempfile.TemporaryDirectory()
    command = ["javac", "-cp", jars(*CURATOR), "-d", folder.name, f"{HERE}/java/CuratorDriver.java"]
    subprocess.run(command, check=True)
    return folder


def java(*arguments):
    """The one in Java."""
    path = f"{classes().name}:{jars(*CURATOR)}"
    return Driver(["java", "-Xmx128m", "-cp", path, "CuratorDriver", *arguments])
