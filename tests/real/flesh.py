"""Four anomalies of the corpus in the flesh: with real servers and real client processes, beside the simulated run.

    pip install -r tests/real/requirements.txt
    cargo build -p fencepost
    python3 tests/real/flesh.py                        the four tables; it takes a good minute
    python3 tests/real/flesh.py --only redlock         one of them
    python3 tests/real/flesh.py --out flesh.html       a page that shows both runs side by side
    python3 tests/real/flesh.py --runs 3 --markdown docs/in-the-flesh.md

Of the real servers it needs redis-server (Debian: redis-server), Java and ZooKeeper's jars (Debian: zookeeper).
Everything is on 127.0.0.1. Nothing is scaled: a lease of ten seconds takes ten seconds. Exit codes: 0 each real run
has its events in the order of the simulated one and the same comes of it; 1 not; 2 something that it needs is missing.
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import sys

import versions
from flesh.compare import compare
from flesh.page import page
from flesh.paused_holder import PAUSED_HOLDER
from flesh.redlock import REDLOCK
from flesh.sentinel import SENTINEL
from flesh.words import alone, cells, columns, markdown, verdicts
from flesh.zookeeper import ZOOKEEPER
from fixtures import REPOSITORY, ensemble

ANOMALIES = [PAUSED_HOLDER, SENTINEL, ZOOKEEPER, REDLOCK]
# What the clients are called, and what they are called at PyPI.
CLIENTS = {"redis-py": "redis", "kazoo": "kazoo"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fencepost", default=os.path.join(REPOSITORY, "target", "debug", "fencepost"), metavar="FILE")
    parser.add_argument("--only", choices=[anomaly.key for anomaly in ANOMALIES], help="this anomaly alone")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="so many real runs of each")
    parser.add_argument("--out", metavar="FILE.html", help="writes a page")
    parser.add_argument("--markdown", metavar="FILE.md", help="writes the tables")
    return parser.parse_args()


def missing(options):
    """What is not there, in sentences."""
    for program in ("redis-server", "java"):
        if not shutil.which(program):
            yield f"{program} is not in the path"
    for package in CLIENTS.values():
        try:
            versions.python(package)
        except importlib.metadata.PackageNotFoundError:
            yield f"pip install {package}"
    if not versions.jar("zookeeper"):
        yield f"no ZooKeeper in {ensemble.JARS}; ZOOKEEPER_JARS says where"
    if not os.access(options.fencepost, os.X_OK):
        yield "no fencepost; cargo build -p fencepost"


def recorded_with():
    redis, zookeeper = versions.said("redis-server"), versions.jar("zookeeper")
    clients = ", ".join(f"{name} {versions.python(package)}" for name, package in CLIENTS.items())
    return f"Redis {redis}, ZooKeeper {zookeeper}, {clients}, Python {platform.python_version()}"


def table(comparison):
    head = ["seconds since A was granted the lock", *columns(comparison)]
    rows = [head] + [cells(row) for row in comparison.rows()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        yield "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])


def tell(comparison):
    print(f"\n{comparison.anomaly.name}\n{comparison.run.command}   {alone(comparison)}\n")
    print(*table(comparison), "", *verdicts(comparison), sep="\n")
    for difference in comparison.differences():
        print(f"DIFFERENT  {difference}")


def say(text):
    print(text, file=sys.stderr, flush=True)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def main():
    options = arguments()
    lacking = list(missing(options))
    if lacking:
        print(*lacking, sep="\n", file=sys.stderr)
        return 2
    comparisons, is_same = [], True
    for anomaly in ANOMALIES:
        if options.only not in (None, anomaly.key):
            continue
        try:
            comparison = compare(anomaly, options.fencepost, options.runs, say)
        except (RuntimeError, TimeoutError) as error:
            print(f"DIFFERENT  {anomaly.name}: {error}")
            is_same = False
            continue
        tell(comparison)
        comparisons.append(comparison)
        is_same = is_same and not comparison.differences()
    if options.out:
        write(options.out, page(comparisons, recorded_with()))
    if options.markdown:
        command = f"python3 tests/real/flesh.py --runs {options.runs}"
        write(options.markdown, markdown(comparisons, recorded_with(), command))
    print("\nthe same order, and the same comes of it" if is_same else "\nnot the same")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
