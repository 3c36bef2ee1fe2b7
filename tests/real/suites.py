"""Redis's own tests and kazoo's against `fencepost serve`.

    cargo build -p fencepost
    python3 tests/real/suites.py redis --checkout PATH    Redis's source: its tests against `fencepost serve redis`
    python3 tests/real/suites.py kazoo --checkout PATH    kazoo's: those against `fencepost serve zookeeper`
    … --beside-real                                       and against the real servers too
    … --only multi                                        files with that in their name alone
    … --markdown docs/suites.md                           writes the suite's part of that page

Nothing is fetched: a checkout is at hand, at the version of the model for Redis (7.0.15). Redis's tests need Tcl;
kazoo's need `pip install pytest pytest-timeout objgraph pyopenssl pyjks`, as they say themselves. The real servers are
redis-server, and Java with ZooKeeper's jars (Debian: redis-server, zookeeper). Everything is on 127.0.0.1.

What fails for a known reason is listed in `tests/real/suites/known.toml`. Exit codes: 0 all else passes, and what is
listed fails; 1 not.
"""

import argparse
import os
import sys

from fixtures import REPOSITORY
from suites import kazoo_tests, redis_tcl
from suites.outcome import FAILED, Known
from suites.page import Suite, write

SUITES = {"redis": redis_tcl, "kazoo": kazoo_tests}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--checkout", required=True, metavar="PATH")
    parser.add_argument("--beside-real", action="store_true")
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--fencepost", default=os.path.join(REPOSITORY, "target", "debug", "fencepost"), metavar="FILE")
    parser.add_argument("--markdown", metavar="FILE.md")
    options = parser.parse_args()
    if options.markdown and (options.only or not options.beside_real):
        parser.error("the page has all files, beside the real servers: no --only, and --beside-real")
    return options


def main():
    options = arguments()
    module, known = SUITES[options.suite], Known(options.suite)
    suite = Suite(options.suite, module, options.checkout, known)
    surprises = []
    for file in module.FILES:
        if options.only not in file:
            continue
        left_out = list(known.left_out.get(file, {}))
        served = module.run(options.checkout, file, options.fencepost, left_out)
        # What kazoo's tests are not given, the real servers do not have here either.
        beside = left_out if module is kazoo_tests else []
        real = module.run(options.checkout, file, None, beside) if options.beside_real else None
        suite.add(file, served, real)
        print(suite.line(file), flush=True)
        for outcome in served:
            if outcome.verdict == FAILED:
                print(f"    fails: {outcome.name}: {outcome.why[:150]}")
        for outcome in real or []:
            if outcome.verdict == FAILED:
                print(f"    fails on the real server: {outcome.name}: {outcome.why[:150]}")
                surprises.append(f"{file}: {outcome.name}: fails on the real server")
        surprises += known.surprises(file, served)
    print(suite.line())
    for surprise in surprises:
        print(f"NOT as listed: {surprise}")
    if options.markdown:
        write(options.markdown, suite)
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
