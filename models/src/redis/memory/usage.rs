//! When a key was last used, and how often: what Redis keeps in 24 bits of each object.
//!
//! Source: `evict.c`; `lfu-log-factor` and `lfu-decay-time` have their defaults.

use crate::random::Random;
use crate::redis::lru::LruClock;
use crate::redis::unix_time;
use crate::time::Wall;

/// When a key was last used, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    second: LruClock,
    /// In minutes, of which 16 bits are kept: `LFUGetTimeInMinutes`.
    minute: u16,
    /// Grows the more slowly the greater it is.
    counter: u8,
}

impl Usage {
    /// Source: `server.h`, `LFU_INIT_VAL`.
    const LFU_INIT_VAL: u8 = 5;
    /// Source: `config.c`, `lfu-log-factor`.
    const LFU_LOG_FACTOR: u64 = 10;

    /// Of a key that is new.
    pub(super) const fn new(now: Wall) -> Self {
        Self { second: second(now), minute: minute(now), counter: Self::LFU_INIT_VAL }
    }

    /// Somebody has looked the key up, for policies that go by the time; or the key has a new value:
    /// the counter is the old one's then. Source: `db.c`, `dbOverwrite`.
    pub(super) const fn used(&mut self, now: Wall) {
        self.second = second(now);
    }

    /// The same for policies that go by how often. Source: `db.c`, `updateLFU`; `evict.c`,
    /// `LFULogIncr`.
    pub(super) fn counted(&mut self, now: Wall, random: &mut Random) {
        let counter = self.counter(now);
        let above = u64::from(counter.saturating_sub(Self::LFU_INIT_VAL));
        let is_more = counter < u8::MAX && random.ratio(1, above * Self::LFU_LOG_FACTOR + 1);
        self.counter = counter + u8::from(is_more);
        self.minute = minute(now);
    }

    /// For how many seconds it was not used.
    pub(super) fn idle_seconds(&self, now: Wall) -> u64 {
        u64::from(second(now).seconds_since(self.second))
    }

    /// The counter, one less for each minute. Source: `LFUDecrAndReturn`, `LFUTimeElapsed`;
    /// `lfu-decay-time` is 1.
    pub(super) fn counter(&self, now: Wall) -> u8 {
        let now = minute(now);
        let passed =
            if now >= self.minute { now - self.minute } else { u16::MAX - self.minute + now };
        self.counter.saturating_sub(u8::try_from(passed).unwrap_or(u8::MAX))
    }
}

const fn second(now: Wall) -> LruClock {
    LruClock::at(unix_time::seconds(now))
}

const fn minute(now: Wall) -> u16 {
    ((now.as_millis() / 60_000) & u16::MAX as u64) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Wall {
        Wall::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_key_is_idle_since_it_was_last_used() {
        let mut usage = Usage::new(at(1_000_000));
        assert_eq!(usage.idle_seconds(at(1_000_007)), 7);
        usage.used(at(1_000_006));
        assert_eq!(usage.idle_seconds(at(1_000_007)), 1);
        assert!(usage.idle_seconds(at(1_000_005)) > 16_000_000, "the clock was set back");
    }

    #[test]
    fn the_counter_grows_slowly_and_decays_by_the_minute() {
        let (mut usage, mut random) = (Usage::new(at(0)), Random::new(1, 1));
        usage.counted(at(0), &mut random);
        assert_eq!(usage.counter(at(0)), 6, "the first step is certain");
        for _ in 0..1000 {
            usage.counted(at(0), &mut random);
        }
        // redis.conf has a table: about 18 after 1,000 hits with a factor of 10.
        let grown = usage.counter(at(0));
        assert!((12..=25).contains(&grown), "{grown}");
        assert_eq!(usage.counter(at(180)), grown - 3);
        assert_eq!(usage.counter(at(86_400)), 0);
    }
}
