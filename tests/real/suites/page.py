"""The page: what passes and what does not, a part for each suite."""

import os
import re
import textwrap

from suites.outcome import FAILED, PASSED, SKIPPED, Outcome

TITLE = "# Published suites against `fencepost serve`"
INTRODUCTION = """
Redis's own tests and kazoo's, unchanged, from a checkout that the script is given: against `fencepost serve`, and
against the real servers on the same machine. What fails for a known reason is listed below, and the script fails when one of
those passes or another one fails. Not run are those that the suite skips by itself, for a server that it has not
started, those that have been left out, which are listed too, and those behind an error that ends a block of tests.
"""
NAMES = {"redis": "Redis's tests", "kazoo": "kazoo's tests"}


def counts(outcomes):
    """How many have passed, failed, and not been run."""
    return [sum(outcome.verdict == verdict for outcome in outcomes) for verdict in (PASSED, FAILED, SKIPPED)]


class Suite:
    """What has been run of a suite."""

    def __init__(self, name, module, checkout, known):
        self.name = name
        self.about = f"Recorded with {module.version(checkout)}. {' '.join(module.NOTE.split())}"
        self.known = known
        self.served = {}
        self.real = {}

    def add(self, file, served, real):
        """Takes what came of a file; `real` is None where the real servers were not asked.

        What they have been asked and the served ones have not, since the block of tests had ended, has not been run."""
        seen = {outcome.name for outcome in served}
        missed = [outcome for outcome in real or [] if outcome.name not in seen]
        self.served[file] = served + [Outcome(outcome.name, SKIPPED, "not reached") for outcome in missed]
        if real is not None:
            self.real[file] = real

    def row(self, file=None):
        """The counts of a file, or of all."""
        sides = [self.served, self.real] if self.real else [self.served]
        outcomes = [side[file] if file else [one for all_of in side.values() for one in all_of] for side in sides]
        return [count for side in outcomes for count in counts(side)]

    def line(self, file=None):
        """The same in words."""
        words = "{} passed, {} failed, {} not run".format(*self.row(file)[:3])
        real = "; real {} passed, {} failed, {} not run".format(*self.row(file)[3:]) if self.real else ""
        return f"{file or 'all'}: {words}{real}"

    def markdown(self):
        """Its part of the page."""
        head = ["file", "passed", "failed", "not run", "real: passed", "failed", "not run"]
        rows = [head, ["---"] + ["--:"] * 6]
        rows += [[f"`{file}`", *map(str, self.row(file))] for file in self.served]
        rows += [["all", *map(str, self.row())]]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        command = f"python3 tests/real/suites.py {self.name} --checkout PATH --beside-real"
        parts = [f"## {NAMES[self.name]}", f"    {command}", "\n".join(textwrap.wrap(self.about, 118)), table]
        parts += self.reasons("What fails, and why", self.known.failing)
        parts += self.reasons("What is left out, and why", self.known.left_out)
        outcomes = [(file, one) for file, all_of in self.real.items() for one in all_of]
        real = [f"* `{file}`: {one.name}: {one.why}" for file, one in outcomes if one.verdict == FAILED]
        if real:
            parts += ["What fails on the real servers:", "\n".join(real)]
        return "\n\n".join(parts) + "\n"

    def reasons(self, title, listed):
        """The tests of a list, by their reasons."""
        if not listed:
            return
        yield f"### {title}"
        for reason, text in self.known.reasons.items():
            tests = {file: [test for test in tests if tests[test] == reason] for file, tests in listed.items()}
            number = sum(map(len, tests.values()))
            if number:
                lines = [f"  * `{file}`: {'; '.join(tests[file])}" for file in tests if tests[file]]
                yield "\n".join([f"* {' '.join(text.split())} ({number})", *lines])


def write(path, suite):
    """Writes the suite's part of the page, in place of what it had there."""
    text = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
    parts = {name: part_of(text, name) for name in NAMES}
    parts[suite.name] = suite.markdown()
    whole = [TITLE + "\n", INTRODUCTION.lstrip("\n"), *(part for part in parts.values() if part)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(whole))


def part_of(text, name):
    """A suite's part of the page, if it has one."""
    found = re.search(rf"^## {NAMES[name]}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[0].rstrip("\n") + "\n" if found else ""
