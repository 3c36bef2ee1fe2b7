"""Redis's own tests, as its source has them, in the mode for a server that is there already (`--host`, `--port`).

What they need of the checkout is `tests/` alone, and Tcl. A server is new for each file, as is their custom, and may be
sent `DEBUG`, as Redis's own runs against an external server have it (`.github/workflows/external.yml`).
"""

import os
import re
import subprocess
import tempfile

from fixtures import RealRedis, Served

from suites.outcome import FAILED, OUTSIDE, PASSED, SKIPPED, Outcome, numbered

HERE = os.path.dirname(os.path.abspath(__file__))
# With `unit/scripting` stands what runs it: without the half that runs each script as a function.
FILES = {
    "unit/type/string": None,
    "unit/type/incr": None,
    "unit/type/hash": None,
    "unit/expire": None,
    "unit/keyspace": None,
    "unit/scan": None,
    "unit/multi": None,
    "unit/scripting": os.path.join(HERE, "scripting_eval"),
    "unit/pubsub": None,
    "unit/quit": None,
    "unit/protocol": None,
    "unit/pause": None,
}
SCENARIO = """
title = "Redis's own tests"
lock.recipe = "none"
[backend]
kind = "redis"
enable_debug_command = true
"""
NOTE = """
Of Redis's files these are the ones about strings, hashes, keys and their expiry, transactions, scripts, pub/sub, pauses
and the protocol; the others are about types and about administration that the model leaves out, or about servers that
they start themselves. A server is new for each file, and clients may send `DEBUG`. `unit/scripting` runs nearly all of its tests twice, each
script as a function and by `EVAL`: run is the second half, on the real server too, since the model has no functions.
`DEBUG DIGEST-VALUE` is not asked for (`--ignore-digest`).
"""
# So long a test may say nothing.
PATIENCE_S = 60
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# What the tests tell of one of them, with what follows of it on the next lines.
TOLD = re.compile(r"^\[(ok|err|skip|ignore|exception|TIMEOUT)\]: ?(.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)


class RealWithDebug(RealRedis):
    """A real server as Redis's own runs against an external one start it."""

    def options(self, _name):
        return ["--enable-debug-command", "yes", "--enable-protected-configs", "yes"]


def version(checkout):
    """Whose tests they are, and which real server they are compared on."""
    with open(os.path.join(checkout, "src", "version.h"), encoding="utf-8") as file:
        tests = re.search(r'REDIS_VERSION "(.*)"', file.read())[1]
    answer = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout
    return f"the tests of Redis {tests}, against redis-server {re.search(r'v=([0-9.]+)', answer)[1]}"


def servers_of(fencepost):
    """A server: one of `fencepost serve`, or a real one where there is no such program given."""
    return Served(fencepost, "redis", SCENARIO) if fencepost else RealWithDebug(["redis"])


def run(checkout, file, fencepost, left_out):
    """What became of the tests of a file, against `fencepost serve`, or against a real server where it is None."""
    tests = os.path.join(os.path.abspath(checkout), "tests")
    unit = os.path.relpath(FILES[file], tests) if FILES[file] else file
    with servers_of(fencepost) as servers, tempfile.NamedTemporaryFile("w") as skipped:
        host, port = servers.address("redis")
        skipped.write("\n".join(left_out))
        skipped.flush()
        # Durable: an error that is no assertion ends a test, not all of them. The digest of a value is `DEBUG`'s.
        command = ["./runtest", "--host", host, "--port", str(port), "--durable", "--timeout", str(PATIENCE_S)]
        command += ["--ignore-digest", "--skipfile", skipped.name, "--single", unit]
        ended = subprocess.run(command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = ended.stdout.decode("utf-8", "replace")
    outcomes = list(told(output))
    return numbered(outcomes) if outcomes else [Outcome(OUTSIDE, FAILED, output.strip().split("\n")[-1])]


def told(output):
    """What the output says of each test."""
    last = "the beginning"
    for match in TOLD.finditer(COLOURS.sub("", output).split("The End")[0]):
        kind, (first, *rest) = match[1], match[2].strip().split("\n")
        if kind == "ok":
            last = re.sub(r" \(\d+ ms\)$", "", first)
            yield Outcome(last, PASSED)
        elif kind == "skip":
            yield Outcome(first, SKIPPED, "left out")
        elif kind == "ignore":
            yield Outcome(first, SKIPPED, "its tags are not for a server that is there already")
        elif kind == "err" and (name := re.fullmatch(r"(.*) in \S+\.tcl", first)):
            last = name[1]
            yield Outcome(last, FAILED, rest[0] if rest else "")
        else:
            # What is no test's error ends what is left of a block, or of the file.
            yield Outcome(f"(no test, after {last})", FAILED, " ".join([kind, first, *rest[:2]]))
