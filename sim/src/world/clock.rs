//! The clocks of one node, and the only place where true time becomes local time.

use std::time::Duration;

use fencepost_models::time::{LocalClock, Mono, Wall};

use super::time::SimTime;

/// Where every wall clock stands when the simulation begins: 2026-01-01T00:00:00Z.
const WALL_EPOCH_NANOS: i128 = 1_767_225_600_000_000_000;

/// Parts in a million.
const MILLION: i128 = 1_000_000;

/// The two clocks of a node. Both run at the same, possibly wrong, rate; the wall clock can be
/// set, the monotonic one cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeClock {
    /// When the rate was last changed, and what the clocks showed then.
    since: SimTime,
    /// May lie before the Unix epoch after a jump; [`NodeClock::read`] does not go there.
    wall: i128,
    mono: u64,
    /// As asked for; [`NodeClock::rate`] is what comes of it.
    drift_ppm: i64,
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
            wall: Wall::from_nanos(clamp(self.wall + i128::from(elapsed))),
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
            let rate = self.rate();
            clamp((i128::from(local) * MILLION + rate - 1) / rate)
        };
        now.max(self.since.plus_nanos(elapsed))
    }

    /// Lets both clocks run so many parts in a million faster than they do (or, below zero,
    /// slower). What is added can be taken away again, whatever came between.
    pub fn add_drift(&mut self, now: SimTime, ppm: i64) {
        self.rebase(now);
        self.drift_ppm = self.drift_ppm.saturating_add(ppm);
    }

    /// The present drift: never so slow that the clocks stand still.
    pub fn drift_ppm(&self) -> i32 {
        i32::try_from(self.rate() - MILLION).unwrap_or(i32::MAX)
    }

    /// Sets the wall clock forwards or backwards. It shows nothing below the Unix epoch.
    pub fn jump(&mut self, by_nanos: i64) {
        self.wall += i128::from(by_nanos);
    }

    /// Sets the wall clock so that it shows a time since the Unix epoch at some moment.
    pub fn show(&mut self, at: SimTime, unix_time: Duration) {
        self.wall = unix_time.as_nanos().cast_signed() - i128::from(self.local_nanos(at));
    }

    /// The host boots: its monotonic clock begins anew, and the battery has kept the wall clock.
    pub fn boot(&mut self, now: SimTime) {
        self.rebase(now);
        self.mono = 0;
    }

    fn rebase(&mut self, now: SimTime) {
        let elapsed = self.local_nanos(now);
        self.since = now;
        self.wall += i128::from(elapsed);
        self.mono = self.mono.saturating_add(elapsed);
    }

    /// How many parts the clocks advance in a million parts of true time.
    fn rate(&self) -> i128 {
        (MILLION + i128::from(self.drift_ppm)).max(1)
    }

    #[inline]
    fn local_nanos(&self, now: SimTime) -> u64 {
        let elapsed = now.as_nanos().saturating_sub(self.since.as_nanos());
        if self.drift_ppm == 0 {
            return elapsed;
        }
        clamp(i128::from(elapsed) * self.rate() / MILLION)
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
        clock.jump(-5_000_000_000);
        let after = clock.read(second(10));
        assert_eq!(before.wall.saturating_since(after.wall), Duration::from_secs(5));
        assert_eq!(before.mono, after.mono);
    }

    #[test]
    fn drift_moves_both_and_a_timer_waits_for_the_drifting_clock() {
        let mut clock = NodeClock::new(Duration::ZERO);
        clock.add_drift(second(0), -500_000);
        let half = clock.read(second(10));
        assert_eq!(half.mono, Mono::from_nanos(5_000_000_000));
        assert_eq!(clock.when(Mono::from_nanos(5_000_000_000), second(0)), second(10));
    }

    #[test]
    fn what_a_fault_did_to_a_clock_can_be_undone_even_beyond_its_bounds() {
        let mut clock = NodeClock::new(Duration::ZERO);
        clock.add_drift(second(0), -3_000_000);
        clock.jump(i64::MIN);
        assert_eq!(clock.drift_ppm(), -999_999);
        assert_eq!(clock.read(second(1)).wall, Wall::from_nanos(0));
        clock.add_drift(second(0), 3_000_000);
        clock.jump(i64::MAX);
        assert_eq!(clock.drift_ppm(), 0);
        let expected = WALL_EPOCH_NANOS + 1_000_000_000 - 1;
        assert_eq!(i128::from(clock.read(second(1)).wall.as_nanos()), expected);
    }

    proptest! {
        #[test]
        fn a_timer_never_fires_before_its_clock_shows_its_time(
            uptime in 0..10_000_000_000_u64,
            ppm in -900_000..5_000_000_i64,
            since in 0..100_000_000_000_u64,
            delay in 0..100_000_000_000_u64,
        ) {
            let since = SimTime::from_nanos(since);
            let mut clock = NodeClock::new(Duration::from_nanos(uptime));
            clock.add_drift(since, ppm);
            let due = clock.read(since).mono + Duration::from_nanos(delay);
            let when = clock.when(due, since);
            prop_assert!(clock.read(when).mono >= due);
            let just_before = SimTime::from_nanos(when.as_nanos().saturating_sub(1));
            prop_assert!(when == since || clock.read(just_before).mono < due);
        }
    }
}
