//! When a key was last used, or how often: what Redis keeps in 24 bits of each object.
//!
//! Which of the two it is, the policy for eviction says, whether memory has a limit or not. After a
//! change of the policy the bits are read the other way: "LRU and LFU data will take some time to
//! adjust", as `OBJECT` puts it.
//!
//! A small number that several keys share has one such field in Redis; here each key has its own.
//!
//! Source: `evict.c`; `server.h`, `LRU_BITS`. `lfu-log-factor` and `lfu-decay-time` have their
//! defaults.

use super::settings::{MaxmemoryPolicy, RedisSettings};
use super::unix_time;
use crate::random::Random;
use crate::time::Wall;

/// The 24 bits: seconds, or minutes and a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage(u32);

/// What is kept of a key's use, and the time that it is written with.
///
/// Redis looks at its clock for it in `serverCron`, ten times a second; here at each command.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tracker {
    now: Wall,
    counts_uses: bool,
    /// Each key has a small number for itself.
    owns_numbers: bool,
}

/// Source: `server.h`, `LRU_CLOCK_MAX`.
const LRU_CLOCK_MAX: u32 = (1 << 24) - 1;
/// Source: `server.h`, `LFU_INIT_VAL`.
const LFU_INIT_VAL: u8 = 5;

/// Seconds, of which the last 24 bits are kept. Source: `evict.c`, `getLRUClock`; `server.h`,
/// `LRU_CLOCK_RESOLUTION`.
pub(crate) const fn lru_clock(unix_s: u64) -> u32 {
    (unix_s & LRU_CLOCK_MAX as u64) as u32
}

impl Tracker {
    /// Says what time it is: whatever is used from now on is used then.
    pub(crate) const fn set_now(&mut self, now: Wall) {
        self.now = now;
    }

    /// Goes by other settings from now on. A small number is no more shared once each key has to
    /// know when it was used. Source: `object.c`, `tryObjectEncoding`; `server.h`,
    /// `MAXMEMORY_FLAG_NO_SHARED_INTEGERS`.
    pub(crate) const fn set(&mut self, settings: &RedisSettings) {
        use MaxmemoryPolicy::{AllKeysLfu, AllKeysLru, VolatileLfu, VolatileLru};
        let policy = settings.maxmemory_policy;
        self.counts_uses = matches!(policy, AllKeysLfu | VolatileLfu);
        let goes_by_use = self.counts_uses || matches!(policy, AllKeysLru | VolatileLru);
        self.owns_numbers = settings.maxmemory_bytes > 0 && goes_by_use;
    }

    /// True when it is kept how often keys are used, false when it is kept when they were.
    pub(crate) const fn counts_uses(&self) -> bool {
        self.counts_uses
    }

    /// True when keys that hold the same small number share it.
    pub(crate) const fn shares_numbers(&self) -> bool {
        !self.owns_numbers
    }

    /// Of a key that is new. Source: `object.c`, `createObject`.
    pub(crate) const fn fresh(&self) -> Usage {
        if self.counts_uses { self.counted(LFU_INIT_VAL) } else { self.used_now() }
    }

    /// Of a key that was looked up. Source: `db.c`, `lookupKey` and `updateLFU`; `evict.c`,
    /// `LFULogIncr`.
    pub(crate) fn used(&self, usage: Usage, random: &mut Random) -> Usage {
        /// Source: `config.c`, `lfu-log-factor`.
        const LFU_LOG_FACTOR: u64 = 10;
        if !self.counts_uses {
            return self.used_now();
        }
        let counter = self.frequency(usage);
        let above = u64::from(counter.saturating_sub(LFU_INIT_VAL));
        let is_more = counter < u8::MAX && random.ratio(1, above * LFU_LOG_FACTOR + 1);
        self.counted(counter + u8::from(is_more))
    }

    /// Of a key that has another value: how often it was used stays. Source: `db.c`, `dbOverwrite`.
    pub(crate) const fn overwritten(&self, usage: Usage) -> Usage {
        if self.counts_uses { usage } else { self.used_now() }
    }

    /// For how many seconds a key was not used. It was not in the future: the counter has begun again
    /// since, or the wall clock was set back and the key seems to be old.
    ///
    /// Source: `evict.c`, `estimateObjectIdleTime`.
    pub(crate) const fn idle_s(&self, usage: Usage) -> u32 {
        let now = self.second();
        if now >= usage.0 { now - usage.0 } else { now + (LRU_CLOCK_MAX - usage.0) }
    }

    /// How often a key was used, on a scale that grows the more slowly the greater it is; one less for
    /// each minute.
    ///
    /// Source: `evict.c`, `LFUDecrAndReturn` and `LFUTimeElapsed`; `lfu-decay-time` is 1.
    pub(crate) const fn frequency(&self, usage: Usage) -> u8 {
        let [_, high, low, counter] = usage.0.to_be_bytes();
        let (then, now) = (u16::from_be_bytes([high, low]), self.minute());
        let passed = if now >= then { now - then } else { u16::MAX - then + now };
        if passed < counter as u16 { counter - passed as u8 } else { 0 }
    }

    const fn used_now(&self) -> Usage {
        Usage(self.second())
    }

    const fn counted(&self, counter: u8) -> Usage {
        Usage((self.minute() as u32) << 8 | counter as u32)
    }

    const fn second(&self) -> u32 {
        lru_clock(unix_time::seconds(self.now))
    }

    /// Source: `evict.c`, `LFUGetTimeInMinutes`: 16 bits of them.
    const fn minute(&self) -> u16 {
        ((self.now.as_millis() / 60_000) & u16::MAX as u64) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(policy: MaxmemoryPolicy, seconds: u64) -> Tracker {
        let settings = RedisSettings { maxmemory_policy: policy, ..RedisSettings::default() };
        let mut tracker = Tracker::default();
        tracker.set(&settings);
        tracker.set_now(Wall::from_nanos(seconds * 1_000_000_000));
        tracker
    }

    #[test]
    fn a_key_is_idle_since_it_was_last_used() {
        let (lru, mut random) = (MaxmemoryPolicy::AllKeysLru, Random::new(1, 1));
        let usage = at(lru, 1_000_000).fresh();
        assert_eq!(at(lru, 1_000_007).idle_s(usage), 7);
        let usage = at(lru, 1_000_006).used(usage, &mut random);
        assert_eq!(at(lru, 1_000_007).idle_s(usage), 1);
        assert!(at(lru, 1_000_005).idle_s(usage) > 16_000_000, "the clock was set back");
    }

    #[test]
    fn the_counter_of_seconds_begins_again_after_194_days() {
        let lru = MaxmemoryPolicy::AllKeysLru;
        let usage = at(lru, (1 << 24) - 10).fresh();
        assert_eq!(at(lru, (1 << 24) + 5).idle_s(usage), 14, "one second is lost, as in Redis");
    }

    #[test]
    fn the_counter_of_uses_grows_slowly_and_decays_by_the_minute() {
        let (lfu, mut random) = (MaxmemoryPolicy::AllKeysLfu, Random::new(1, 1));
        let mut usage = at(lfu, 0).fresh();
        assert_eq!(at(lfu, 0).frequency(usage), 5);
        usage = at(lfu, 0).used(usage, &mut random);
        assert_eq!(at(lfu, 0).frequency(usage), 6, "the first step is certain");
        for _ in 0..1000 {
            usage = at(lfu, 0).used(usage, &mut random);
        }
        // redis.conf has a table: about 18 after 1,000 hits with a factor of 10.
        let grown = at(lfu, 0).frequency(usage);
        assert!((12..=25).contains(&grown), "{grown}");
        assert_eq!(at(lfu, 180).frequency(usage), grown - 3);
        assert_eq!(at(lfu, 86_400).frequency(usage), 0);
        assert_eq!(at(lfu, 60).overwritten(usage), usage, "a new value is no use");
    }

    #[test]
    fn after_a_change_of_the_policy_the_bits_are_read_the_other_way() {
        let (lru, lfu) = (MaxmemoryPolicy::AllKeysLru, MaxmemoryPolicy::VolatileLfu);
        let seconds = 0x0001_02FF;
        let usage = at(lru, seconds).fresh();
        // The minute 0x0102 with 0xFF uses; since then 0x0102 to 1,104 minutes have passed.
        let passed = i64::try_from(seconds / 60).expect("is small") - 0x0102;
        assert_eq!(i64::from(at(lfu, seconds).frequency(usage)), (0xFF - passed).max(0));
        assert_eq!(at(lfu, 0x0102 * 60).frequency(usage), 0xFF);
    }
}
