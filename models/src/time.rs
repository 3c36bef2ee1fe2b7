//! The two clocks of a host. Neither is true time: only the world knows that, and no model can
//! ask it.

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::Serialize;

/// A reading of a host's wall clock (`CLOCK_REALTIME`): nanoseconds since the Unix epoch.
///
/// It drifts, and it jumps when somebody sets it. Redis stamps its expirations with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Wall(u64);

/// A reading of a host's monotonic clock (`CLOCK_MONOTONIC`): nanoseconds since the host booted.
///
/// It drifts but never jumps. Timers and ZooKeeper's sessions run on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Mono(u64);

/// What a host's two clocks show at the moment it handles an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalClock {
    /// The wall clock.
    pub wall: Wall,
    /// The monotonic clock.
    pub mono: Mono,
}

macro_rules! clock_reading {
    ($name:ident) => {
        impl $name {
            /// The reading that lies `nanos` nanoseconds after the clock's zero.
            pub const fn from_nanos(nanos: u64) -> Self {
                Self(nanos)
            }

            /// Nanoseconds since the clock's zero.
            pub const fn as_nanos(self) -> u64 {
                self.0
            }

            /// Whole milliseconds since the clock's zero.
            pub const fn as_millis(self) -> u64 {
                self.0 / 1_000_000
            }

            /// How much later this reading is than `earlier`; zero when it is not later.
            pub const fn saturating_since(self, earlier: Self) -> Duration {
                Duration::from_nanos(self.0.saturating_sub(earlier.0))
            }
        }

        impl Add<Duration> for $name {
            type Output = Self;

            fn add(self, by: Duration) -> Self {
                Self(self.0.saturating_add(nanos(by)))
            }
        }

        impl Sub<Duration> for $name {
            type Output = Self;

            fn sub(self, by: Duration) -> Self {
                Self(self.0.saturating_sub(nanos(by)))
            }
        }
    };
}

clock_reading!(Wall);
clock_reading!(Mono);

/// A duration in whole nanoseconds; what does not fit (584 years) is cut off there.
#[inline]
pub fn nanos(duration: Duration) -> u64 {
    // In 64 bits: it is asked for with every message and every timer.
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_saturate_instead_of_wrapping() {
        assert_eq!(Mono::from_nanos(5) - Duration::from_secs(1), Mono::from_nanos(0));
        assert_eq!((Wall::from_nanos(1) + Duration::MAX).as_nanos(), u64::MAX);
        assert_eq!(Wall::from_nanos(3).saturating_since(Wall::from_nanos(9)), Duration::ZERO);
    }

    #[test]
    fn what_does_not_fit_into_nanoseconds_is_cut_off() {
        assert_eq!(nanos(Duration::new(3, 7)), 3_000_000_007);
        assert_eq!(nanos(Duration::from_nanos(u64::MAX)), u64::MAX);
        assert_eq!(nanos(Duration::from_nanos(u64::MAX) + Duration::from_nanos(1)), u64::MAX);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }

    #[test]
    fn milliseconds_round_down_as_redis_does() {
        assert_eq!(Wall::from_nanos(1_999_999).as_millis(), 1);
    }
}
