"""Two tellings side by side: whether they say the same, and how far their times lie apart."""

import statistics
import time
from dataclasses import dataclass

from .anomaly import Anomaly, tell_simulated
from .simulated import Simulated
from .told import Told


# All processes of a real run go by the host's wall clock. It may be slewed, by half a thousandth at most, and not set.
CLOCK_TOLERANCE = 0.05


@dataclass
class Comparison:
    """An anomaly, its simulated run and the real ones."""

    anomaly: Anomaly
    run: Simulated
    simulated: Told
    real: list[Told]

    def differences(self):
        """What is not the same, in sentences."""
        found = []
        for number, real in enumerate(self.real, 1):
            where = f"{self.anomaly.name}, real run {number}"
            missing = [event for event in self.anomaly.events if event not in real.moments]
            if missing:
                found.append(f"{where}: not seen: {', '.join(missing)}")
            if real.order() != self.simulated.order():
                ours, theirs = (", ".join(told.order()) for told in (real, self.simulated))
                found.append(f"{where}: another order: {ours}; simulated: {theirs}")
            if real.violations != self.simulated.violations:
                found.append(f"{where}: {sorted(real.violations)}; simulated: {sorted(self.simulated.violations)}")
            for name in ("plain", "fenced"):
                ours, theirs = getattr(real, name), getattr(self.simulated, name)
                if ours and ours.oversold != theirs.oversold:
                    found.append(f"{where}: {name} book oversold by {ours.oversold}; simulated: {theirs.oversold}")
        return found

    def rows(self):
        """Each event in its order: its sentence, when it was in the simulated run and in the real ones, in seconds
        since A was granted the lock, and how far the real runs' median is from the simulated one."""
        for event in self.simulated.order():
            simulated = self.simulated.at(event)
            real = [told.at(event) if event in told.moments else None for told in self.real]
            known = [time for time in real if time is not None]
            apart = statistics.median(known) - simulated if known else None
            yield event, self.anomaly.events[event], simulated, real, apart


def compare(anomaly, fencepost, runs, say):
    run = anomaly.simulate(fencepost)
    simulated = tell_simulated(anomaly, run)
    if anomaly.seed is not None:
        by_default = tell_simulated(anomaly, Simulated(fencepost, anomaly.file))
        if by_default.order() != simulated.order():
            raise RuntimeError(f"{anomaly.file}: another order under seed {anomaly.seed} than under its own")
    real = []
    for number in range(runs):
        say(f"{anomaly.name}: real run {number + 1} of {runs}")
        ahead = wall_ahead()
        real.append(anomaly.real(run))
        if abs(wall_ahead() - ahead) > CLOCK_TOLERANCE:
            raise RuntimeError("the wall clock, which all of them go by, was set during the run")
    return Comparison(anomaly, run, simulated, real)


def wall_ahead():
    """How far the wall clock is ahead of the monotonic one, in seconds."""
    return time.time() - time.monotonic()
