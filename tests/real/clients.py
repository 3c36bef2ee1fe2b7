"""Real clients, as they are, against `fencepost serve` and against the real servers.

    pip install -r tests/real/requirements.txt
    (cd tests/real/node && npm install --no-package-lock)
    cargo build -p fencepost
    python3 tests/real/clients.py                      against `fencepost serve`
    python3 tests/real/clients.py --beside-real        against the real servers too, and what differs
    python3 tests/real/clients.py --only kazoo         cases with that in their name alone
    python3 tests/real/clients.py --beside-real --runs 3 --markdown docs/real-clients.md

It needs redis-server and redis-cli, Java with a compiler, ZooKeeper's jars and Curator's (Debian: redis-server,
redis-tools, default-jdk-headless, zookeeper, libcurator-recipes-java); for the clients in other languages node and
cargo. Everything is on 127.0.0.1, at ports that are free. Exit codes: 0 every case came out as it does on the real
servers, or to its end where they were not asked; 1 not; 2 something that it needs is missing.
"""

import argparse
import importlib
import importlib.metadata
import logging
import os
import platform
import shutil
import sys

import versions
from clients.cases import CASES
from clients.told import CLIENTS, Told, lacking, markdown
from fixtures import REPOSITORY

FAMILIES = ["redis_cli", "redis_python", "redis_sentinel", "redlock", "kazoo_client", "mutex", "zookeeper_cli"]
PROGRAMS = ["redis-server", "redis-cli", "node", "cargo", "java", "javac"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fencepost", default=os.path.join(REPOSITORY, "target", "debug", "fencepost"), metavar="FILE")
    parser.add_argument("--beside-real", action="store_true", help="the same steps on the real servers")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="each case so many times")
    parser.add_argument("--only", default="", metavar="NAME", help="cases with that in their name alone")
    parser.add_argument("--markdown", metavar="FILE.md", help="writes the tables, of all cases")
    options = parser.parse_args()
    if options.markdown and (options.only or not options.beside_real):
        parser.error("--markdown is of all cases: with --beside-real and without --only")
    return options


def missing(options):
    """What is not there, in sentences."""
    yield from (f"{program} is not in the path" for program in PROGRAMS if not shutil.which(program))
    if not os.access(options.fencepost, os.X_OK):
        yield "no fencepost; cargo build -p fencepost"
    for client, version in CLIENTS.items():
        try:
            found = version()
        except (FileNotFoundError, importlib.metadata.PackageNotFoundError):
            found = None
        if not found:
            yield f"no {client}; `--help` says how it is had"


def tell(case, options):
    """Has a case done, and says so as it goes."""
    print(f"{case.name}: {case.asked}", flush=True)
    tellings = []
    for run in range(1, options.runs + 1):
        tellings.append((f"served, run {run}", case.steps(lambda: case.served(options.fencepost))))
        if options.beside_real:
            tellings.append((f"real servers, run {run}", case.steps(case.real)))
    told = Told(case, tellings)
    print(*told.sentences(), sep="\n")
    if len(tellings) > 1 and told.is_good():
        print(f"  the same, {len(tellings)} times", flush=True)
    return told


def servers():
    python, node, java = platform.python_version(), versions.said("node"), versions.said("java", "-version")
    redis, zookeeper = versions.said("redis-server"), versions.jar("zookeeper")
    return f"Redis {redis} and ZooKeeper {zookeeper}; Python {python}, Node.js {node}, Java {java}"


def main():
    options = arguments()
    missed = list(missing(options))
    if missed:
        print(*missed, sep="\n", file=sys.stderr)
        return 2
    # Only now, since they import the clients.
    for family in FAMILIES:
        importlib.import_module(f"clients.{family}")
    # It warns of each connection that a case has it lose.
    logging.getLogger("kazoo").setLevel(logging.ERROR)
    cases = [case for case in CASES if options.only in case.name]
    if not cases:
        print(f"no case has `{options.only}` in its name", file=sys.stderr)
        return 2
    told = [tell(case, options) for case in cases]
    amiss = [] if options.only else list(lacking(told))
    for sentence in amiss:
        print(sentence)
    if options.markdown:
        command = f"python3 tests/real/clients.py --beside-real --runs {options.runs} --markdown {options.markdown}"
        with open(options.markdown, "w") as file:
            file.write(markdown(told, servers(), command))
    return 1 if amiss or not all(one.is_good() for one in told) else 0


if __name__ == "__main__":
    sys.exit(main())
