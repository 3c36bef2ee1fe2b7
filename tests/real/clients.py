"""Real clients, as they are, against `fencepost serve` and against the real servers.

    pip install redis kazoo pottery
    (cd tests/real/node && npm install --no-package-lock)
    cargo build -p fencepost
    python3 tests/real/clients.py                      against `fencepost serve`
    python3 tests/real/clients.py --beside-real        against the real servers too, and what differs
    python3 tests/real/clients.py --only kazoo         cases with that in their name alone

Of the real servers and their own clients it needs redis-server and redis-cli, Java with a compiler, ZooKeeper's jars and
Curator's (Debian: redis-server, redis-tools, default-jdk-headless, zookeeper, libcurator-recipes-java); for the clients
in other languages node and cargo. Everything is on 127.0.0.1, at ports that are free. Exit codes: 0 every case came out
as it does on the real servers, or to its end where they were not asked; 1 not.
"""

import argparse
import os
import sys

from cases import CASES, steps_of
from families import kazoo_client, mutex, redis_cli, redis_python, redis_sentinel, redlock, zookeeper_cli  # noqa: F401
from fixtures import REPOSITORY


def differing(steps, real):
    """What the real servers gave, where it is not the same: by the place of the step."""
    most = max(len(steps), len(real))
    pairs = [(at, (steps[at : at + 1], real[at : at + 1])) for at in range(most)]
    return {at: there[0] if there else ("nothing", "") for at, (here, there) in pairs if here != there}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fencepost", default=os.path.join(REPOSITORY, "target", "debug", "fencepost"))
    parser.add_argument("--beside-real", action="store_true")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    is_good = True
    for function, served, real in CASES:
        if arguments.only not in function.__name__:
            continue
        print(f"{function.__name__}: {' '.join(function.__doc__.split())}", flush=True)
        steps = steps_of(function, lambda served=served: served(arguments.fencepost))
        beside = steps_of(function, real) if arguments.beside_real else steps
        differences = differing(steps, beside)
        for at, (step, outcome) in enumerate(steps):
            print(f"  {step}: {outcome}")
            if at in differences:
                print(f"    on the real servers: {': '.join(differences[at])}")
        for at in range(len(steps), len(beside)):
            print(f"  only on the real servers: {': '.join(beside[at])}")
        if arguments.beside_real:
            print("  NOT the same on the real servers" if differences else "  the same on the real servers", flush=True)
        is_good &= not differences and all(step != "died of" for step, _ in steps)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
