//! True time, which only the world knows.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use fencepost_models::time::nanos;
use serde::Serialize;

/// A moment of the simulation: nanoseconds since it began.
///
/// No model ever sees one: a model is given its host's [`fencepost_models::time::LocalClock`].
///
/// ```
/// use std::time::Duration;
/// use fencepost::world::SimTime;
///
/// let later = SimTime::after(Duration::from_millis(1_500));
/// assert_eq!(later.to_string(), "1.500s");
/// assert_eq!(later.saturating_since(SimTime::ZERO), Duration::from_millis(1_500));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SimTime(u64);

impl SimTime {
    /// The begin of the simulation.
    pub const ZERO: Self = Self(0);

    /// The moment that lies `nanos` nanoseconds after the begin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment that lies `duration` after the begin.
    pub fn after(duration: Duration) -> Self {
        Self(nanos(duration))
    }

    /// Nanoseconds since the begin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the begin.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The time since the begin.
    pub const fn elapsed(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// The moment that lies `nanos` nanoseconds later.
    pub const fn plus_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// How much later this moment is than `earlier`; zero when it is not later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for SimTime {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }
}

impl fmt::Display for SimTime {
    /// Seconds with three places: `12.345s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1_000_000_000, self.as_millis() % 1_000)
    }
}
