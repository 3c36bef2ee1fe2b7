//! The clocks of one node, and the only place where true time becomes local time.

use std::time::Duration;

use fencepost_models::time::{LocalClock, Mono, Wall};

use super::time::SimTime;

/// Where every wall clock stands when the simulation begins: 2026-01-01T00:00:00Z.
const WALL_EPOCH_NANOS: u64 = 1_767_225_600_000_000_000;

/// Parts in a million.
const MILLION: i128 = 1_000_000;

/// The two clocks of a node. Both run at the same, possibly wrong, rate; the wall clock can be
/// set, the monotonic one cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeClock {
    /// When the rate was last changed, and what the clocks showed then.
    since: SimTime,
    wall: u64,
    mono: u64,
    drift_ppm: i32,
}

impl NodeClock {
    /// Clocks that run true; the monotonic one has been running for `uptime`.
    pub fn new(uptime: Duration) -> Self {
        let mono = SimTime::after(uptime).as_nanos();
        Self { since: SimTime::ZERO, wall: WALL_EPOCH_NANOS, mono, drift_ppm: 0 }
    }

    /// What the clocks show.
    #[inline]
    pub fn read(&self, now: SimTime) -> LocalClock {
        let elapsed = self.local_nanos(now);
        LocalClock {
            wall: Wall::from_nanos(self.wall.saturating_add(elapsed)),
            mono: Mono::from_nanos(self.mono.saturating_add(elapsed)),
        }
    }

    /// When the monotonic clock will show `reading`; now, if it has already.
    #[inline]
    pub fn when(&self, reading: Mono, now: SimTime) -> SimTime {
        let local = reading.as_nanos().saturating_sub(self.mono);
        let elapsed = if self.drift_ppm == 0 {
            local
        } else {
            // Rounded up: the clock must not be short of the reading by then.
            let rate = MILLION + i128::from(self.drift_ppm);
            clamp((i128::from(local) * MILLION + rate - 1) / rate)
        };
        now.max(self.since + Duration::from_nanos(elapsed))
    }

    /// Lets both clocks run `ppm` parts in a million too fast (or, below zero, too slow).
    /// At −1,000,000 they would stand still; the rate is kept above that.
    pub fn set_drift(&mut self, now: SimTime, ppm: i32) {
        self.rebase(now);
        self.drift_ppm = ppm.max(-999_999);
    }

    /// The present drift.
    pub const fn drift_ppm(&self) -> i32 {
        self.drift_ppm
    }

    /// Sets the wall clock forwards or backwards. It does not go below the Unix epoch.
    pub fn jump(&mut self, now: SimTime, by_nanos: i64) {
        self.rebase(now);
        self.wall = self.wall.saturating_add_signed(by_nanos);
    }

    fn rebase(&mut self, now: SimTime) {
        let clock = self.read(now);
        (self.since, self.wall, self.mono) = (now, clock.wall.as_nanos(), clock.mono.as_nanos());
    }

    #[inline]
    fn local_nanos(&self, now: SimTime) -> u64 {
        let elapsed = now.as_nanos().saturating_sub(self.since.as_nanos());
        if self.drift_ppm == 0 {
            return elapsed;
        }
        clamp(i128::from(elapsed) * (MILLION + i128::from(self.drift_ppm)) / MILLION)
    }
}

fn clamp(nanos: i128) -> u64 {
    u64::try_from(nanos).unwrap_or(if nanos < 0 { 0 } else { u64::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn second(n: u64) -> SimTime {
        SimTime::after(Duration::from_secs(n))
    }

    #[test]
    fn a_jump_moves_the_wall_clock_and_not_the_monotonic_one() {
        let mut clock = NodeClock::new(Duration::ZERO);
        let before = clock.read(second(10));
        clock.jump(second(10), -5_000_000_000);
        let after = clock.read(second(10));
        assert_eq!(before.wall.saturating_since(after.wall), Duration::from_secs(5));
        assert_eq!(before.mono, after.mono);
    }

    #[test]
    fn drift_moves_both_and_a_timer_waits_for_the_drifting_clock() {
        let mut clock = NodeClock::new(Duration::ZERO);
        clock.set_drift(second(0), -500_000);
        let half = clock.read(second(10));
        assert_eq!(half.mono, Mono::from_nanos(5_000_000_000));
        assert_eq!(clock.when(Mono::from_nanos(5_000_000_000), second(0)), second(10));
    }

    proptest! {
        #[test]
        fn a_timer_never_fires_before_its_clock_shows_its_time(
            uptime in 0..10_000_000_000_u64,
            ppm in -900_000..5_000_000_i32,
            since in 0..100_000_000_000_u64,
            delay in 0..100_000_000_000_u64,
        ) {
            let since = SimTime::from_nanos(since);
            let mut clock = NodeClock::new(Duration::from_nanos(uptime));
            clock.set_drift(since, ppm);
            let due = clock.read(since).mono + Duration::from_nanos(delay);
            let when = clock.when(due, since);
            prop_assert!(clock.read(when).mono >= due);
            let just_before = SimTime::from_nanos(when.as_nanos().saturating_sub(1));
            prop_assert!(when == since || clock.read(just_before).mono < due);
        }
    }
}
