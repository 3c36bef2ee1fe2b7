"""What became of the tests of a file, and what is known of those that fail."""

import dataclasses
import os
import tomllib

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
# What goes by the name of a test where none has been run.
OUTSIDE = "outside of any test"
KNOWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known.toml")


@dataclasses.dataclass
class Outcome:
    """A test of a file."""

    name: str
    verdict: str
    why: str = ""


def numbered(outcomes):
    """The outcomes, where those of one name are told from each other: the second is `name #2`."""
    seen = {}
    for outcome in outcomes:
        seen[outcome.name] = count = seen.get(outcome.name, 0) + 1
        if count > 1:
            outcome.name = f"{outcome.name} #{count}"
    return outcomes


class Known:
    """The tests of a suite that are known to fail, each with the name of its reason, and those that are left out."""

    def __init__(self, suite):
        with open(KNOWN, "rb") as file:
            listed = tomllib.load(file)[suite]
        self.reasons = listed["reasons"]
        self.failing = self.reasons_of(listed["failing"])
        self.left_out = self.reasons_of(listed.get("left-out", {}))

    def reasons_of(self, listed):
        """By file and test: the reason. A file's tests are listed by reason."""
        reasons = {}
        for file, tests_of in listed.items():
            for reason, tests in tests_of.items():
                if reason not in self.reasons:
                    raise KeyError(f"{KNOWN}: {file}: there is no reason {reason!r}")
                reasons.setdefault(file, {}).update(dict.fromkeys(tests, reason))
        return reasons

    def surprises(self, file, outcomes):
        """What is not as the list has it, a line each."""
        failing = self.failing.get(file, {})
        verdicts = {outcome.name: outcome.verdict for outcome in outcomes}
        for outcome in outcomes:
            if outcome.verdict == FAILED and outcome.name not in failing:
                yield f"{file}: {outcome.name}: fails without a reason: {outcome.why}"
        for name in self.left_out.get(file, {}):
            if verdicts.get(name) != SKIPPED:
                yield f"{file}: {name}: is listed as left out, and is not there"
        for name in failing:
            if verdicts.get(name) == PASSED:
                yield f"{file}: {name}: passes, and is listed as failing"
            elif verdicts.get(name) != FAILED:
                yield f"{file}: {name}: is listed as failing, and was not run"
