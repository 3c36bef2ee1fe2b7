"""A run of a scenario by the command, and what there is to take from it."""

import json
import os
import re
import subprocess
import tempfile
import tomllib

from fixtures import REPOSITORY

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
# The simulated wall clock at the start of a run, in milliseconds: 2026-01-01, as the notes about keys have it.
EPOCH_MS = 1_767_225_600_000


def seconds(text):
    """`"15s"` in seconds."""
    number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", text).groups()
    return float(number) * UNITS[unit]


class Simulated:
    """One scenario of the corpus: its settings, and the run, record by record."""

    def __init__(self, fencepost, file, seed=None):
        self.fencepost, self.file, self.seed = fencepost, file, seed
        self.path = os.path.join(REPOSITORY, file)
        with open(self.path, "rb") as scenario:
            self.scenario = tomllib.load(scenario)
        lines = self.run(self.path, "jsonl").splitlines()
        self.verdict = json.loads(lines[-1])["verdict"]
        self.records = [record for record in map(json.loads, lines) if "record" in record]

    def run(self, path, form):
        command = [self.fencepost, "run", path, "--format", form]
        if self.seed is not None:
            command += ["--seed", str(self.seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # 1 says that it did not come out as the file expects; what came out is looked at here.
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{self.command}: {done.stderr.strip()}")
        return done.stdout

    @property
    def command(self):
        return f"fencepost run {self.file}" + (f" --seed {self.seed}" if self.seed is not None else "")

    def fenced(self):
        """What comes of the same run when the store checks tokens on reads and on writes."""
        with open(self.path) as scenario:
            text, count = re.subn(r'(?m)^fencing = "off"$', 'fencing = "reads-and-writes"', scenario.read())
        if count != 1:
            raise RuntimeError(f"{self.file}: no fencing to switch on")
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(text)
            file.flush()
            return json.loads(self.run(file.name, "json"))

    def each(self, event, **fields):
        """The records of an event whose fields have those values. A note's own fields count, its kind as the event."""
        for record in self.records:
            seen = record
            if record["event"] == "noted":
                seen = {**record, **record["note"], "event": record["note"]["kind"]}
                if record["note"]["kind"] in ("sentinel", "zoo-keeper"):
                    seen["event"] = record["note"]["event"]
            if seen["event"] == event and all(seen.get(name) == value for name, value in fields.items()):
                yield seen

    def first(self, event, of="", **fields):
        """The first of them; `of` is how its detail begins, where it has one."""
        matching = (seen for seen in self.each(event, **fields) if str(seen.get("detail", "")).startswith(of))
        seen = next(matching, None)
        if not seen:
            raise RuntimeError(f"{self.command}: no {event} {of}{fields or ''}")
        return seen

    def holders(self):
        """The buyers in the order in which each was granted the lock for the first time."""
        holders = list(dict.fromkeys(record["node"] for record in self.each("acquired")))
        if len(holders) < 2:
            raise RuntimeError(f"{self.command}: no two buyers were granted the lock")
        return holders

    def fault(self, kind):
        """The scenario's one fault of that kind."""
        (fault,) = [fault for fault in self.scenario["faults"] if fault["kind"] == kind]
        return fault

    def work(self, buyer):
        """What the buyer's code took in its first hold, in seconds: before it read, before it wrote, before it gave
        the lock back. A time that it stood still is not work."""
        granted = self.first("acquired", node=buyer)
        read = self.first("sent", node=buyer, to="store", name="read")
        seen = self.first("stock-seen", node=buyer)
        stood = sum(
            ended["at_ns"] - began["at_ns"]
            for began, ended in zip(self.each("paused", node=buyer), self.each("resumed", node=buyer))
        )
        writes = list(self.each("sent", node=buyer, to="store", name="write"))
        if not writes:
            # It found nothing left.
            return [since(granted, read), 0, 0]
        written = writes[0]
        releasing = self.first("releasing", node=buyer)
        answers = self.each("delivered", node=buyer, **{"from": "store"})
        answered = next((answer for answer in answers if answer["record"] > written["record"]), written)
        return [since(granted, read), since(seen, written) - stood / 1e9, max(0, since(answered, releasing))]


def since(earlier, later):
    return (later["at_ns"] - earlier["at_ns"]) / 1e9
