"""kazoo's own tests, as its source has them, in pytest.

What they need beside the checkout is pytest, pytest-timeout, and what kazoo's tests import: objgraph, pyOpenSSL, pyjks.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

from suites.outcome import FAILED, OUTSIDE, PASSED, SKIPPED, Outcome, numbered

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = [
    "lock",
    "client",
    "connection",
    "watchers",
    "election",
    "lease",
    "barrier",
    "counter",
    "party",
    "queue",
    "cache",
    "partitioner",
    "retry",
    "interrupt",
]
FILES = [f"kazoo/tests/test_{name}.py" for name in NAMES]
NOTE = """
Of kazoo's files these are the ones that speak to a server, but for those about Kerberos, TLS and other ways of running
threads. The servers are new for each class of tests, and stopped and started where a test asks for it: those of
`fencepost serve` by its console. Sessions are lost and expired by the tests themselves.
"""
# That of the model, and of the real servers beside it.
ZOOKEEPER = "3.8.0"
# So long a test may take: it waits for sessions to expire.
PATIENCE_S = 120
VERDICTS = {"passed": PASSED, "failed": FAILED, "skipped": SKIPPED}


def version(checkout):
    """Whose tests they are, and which real servers they are compared on."""
    with open(os.path.join(checkout, "kazoo", "version.py"), encoding="utf-8") as file:
        tests = re.search(r'__version__ = "(.*)"', file.read())[1]
    return f"the tests of kazoo {tests}, against ZooKeeper {ZOOKEEPER}"


def run(checkout, file, fencepost, left_out):
    """What became of the tests of a file, against `fencepost serve`, or against real servers where it is None."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as results:
        environment = dict(os.environ, SUITES_RESULTS=results.name)
        environment["PYTHONPATH"] = os.pathsep.join([os.path.abspath(checkout), os.path.dirname(HERE)])
        # So the tests know what the servers can do, and need not ask them by words of four letters.
        environment.update(CI="1", ZOOKEEPER_VERSION=ZOOKEEPER)
        environment.pop("FENCEPOST", None)
        if fencepost:
            environment["FENCEPOST"] = os.path.abspath(fencepost)
        command = [sys.executable, "-m", "pytest", "-p", "suites.kazoo_plugin", "-o", "addopts=", "-q", file]
        command += ["--timeout", str(PATIENCE_S), "-p", "no:cacheprovider"]
        for name in left_out:
            command += ["--deselect", f"{file}::{name}"]
        ended = subprocess.run(
            command, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        lines = [json.loads(line) for line in results]
    if not lines:
        return [Outcome(OUTSIDE, FAILED, ended.stdout.decode("utf-8", "replace").strip().split("\n")[-1])]
    outcomes = {}
    for line in lines:
        # The last word on a test: where it passed and could not be cleared up after, it failed.
        outcomes[line["name"]] = Outcome(line["name"], VERDICTS[line["verdict"]], line["why"])
    left = [Outcome(name, SKIPPED, "left out") for name in left_out]
    return numbered([*outcomes.values(), *left])
