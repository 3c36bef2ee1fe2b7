//! The clock by which Redis knows when a key was used last.

/// Seconds, as Redis counts them to know which key was used last: only the last 24 bits.
///
/// Source: `server.h`, `LRU_BITS` and `LRU_CLOCK_RESOLUTION`. Redis looks at its clock in
/// `serverCron`, ten times a second; here at each command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LruClock(u32);

impl LruClock {
    /// Source: `server.h`, `LRU_CLOCK_MAX`.
    const MAX: u32 = (1 << 24) - 1;

    /// The reading at that Unix second.
    pub(crate) const fn at(unix_s: u64) -> Self {
        Self((unix_s & Self::MAX as u64) as u32)
    }

    /// The number that `INFO` shows.
    pub(crate) const fn get(self) -> u32 {
        self.0
    }

    /// How long ago `used` was. It does not lie in the future: the counter has begun again since,
    /// or the wall clock was set back and the key seems to be old.
    ///
    /// Source: `evict.c`, `estimateObjectIdleTime`.
    pub(crate) const fn seconds_since(self, used: Self) -> u32 {
        if self.0 >= used.0 { self.0 - used.0 } else { self.0 + (Self::MAX - used.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_begins_again_after_194_days() {
        let (before, after) = (LruClock::at((1 << 24) - 10), LruClock::at((1 << 24) + 5));
        assert_eq!(after.seconds_since(after), 0);
        assert_eq!(after.seconds_since(before), 14, "one second is lost, as in Redis");
    }
}
