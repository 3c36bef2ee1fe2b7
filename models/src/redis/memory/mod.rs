//! `maxmemory`: what keys weigh, and which of them go when there are too many.
//!
//! Before each command Redis looks whether it has taken more than `maxmemory`. If so it evicts keys
//! until it has not, by the policy; where it may not or cannot, commands that may need memory are
//! refused.
//!
//! What differs from Redis 7.0.15: clients and their buffers weigh nothing; a sample of keys is drawn
//! without regard to how they lie in a hash table; an eviction takes no time, so it is never put off
//! (`maxmemory-eviction-tenacity`). A limit that `CONFIG SET` sets takes effect at the next command,
//! and until there is a limit nobody counts how keys are used.
//!
//! ```text
//! weight            what a key takes
//! ledger  usage     what all take, and how they were used
//! pool              candidates
//! ```

mod ledger;
mod pool;
mod usage;
mod weight;

pub(crate) use self::weight::{EMPTY_SERVER_BYTES, used_bytes};

use bytes::Bytes;
use smallvec::SmallVec;

use self::ledger::Ledger;
use self::pool::Pool;
use super::engine::Data;
use super::settings::{MaxmemoryPolicy, RedisSettings};
use crate::random::Random;

/// Some keys.
type Sample = SmallVec<[Bytes; 20]>;

/// The memory of a Redis that has a limit.
#[derive(Debug)]
pub(crate) struct Memory {
    limit_bytes: u64,
    policy: MaxmemoryPolicy,
    samples: usize,
    ledger: Ledger,
    pool: Pool,
    random: Random,
}

impl Memory {
    /// The memory of a server that has a limit from now on: the keyspace notes down what is done to
    /// keys. One number is drawn from `random`.
    pub(crate) fn new(settings: &RedisSettings, data: &mut Data, random: &mut Random) -> Self {
        data.keyspace.note_events();
        Self {
            limit_bytes: settings.maxmemory_bytes,
            policy: settings.maxmemory_policy,
            samples: settings.maxmemory_samples as usize,
            ledger: Ledger::default(),
            pool: Pool::default(),
            random: Random::new(random.bits(), 0),
        }
    }

    /// Takes over other settings; what is known of the keys stays.
    pub(crate) fn set(&mut self, settings: &RedisSettings) {
        self.limit_bytes = settings.maxmemory_bytes;
        self.policy = settings.maxmemory_policy;
        self.samples = settings.maxmemory_samples as usize;
    }

    /// Takes note of what was done to the keys.
    pub(crate) fn follow(&mut self, data: &mut Data) {
        use MaxmemoryPolicy::{AllKeysLfu, VolatileLfu};
        let counts_uses = matches!(self.policy, AllKeysLfu | VolatileLfu);
        let now = data.wall();
        self.ledger.follow(&mut data.keyspace, counts_uses, now, &mut self.random);
    }

    /// Evicts keys until no more than the limit is taken. False when that cannot be.
    ///
    /// Source: `evict.c`, `performEvictions`.
    pub(crate) fn make_room(&mut self, data: &mut Data) -> bool {
        self.follow(data);
        while self.ledger.used_bytes(&data.keyspace) > self.limit_bytes {
            let Some(key) = self.choose(data) else {
                return false;
            };
            data.evict(&key);
            self.follow(data);
        }
        true
    }

    /// The key that has to go next.
    fn choose(&mut self, data: &mut Data) -> Option<Bytes> {
        use MaxmemoryPolicy::{AllKeysRandom, NoEviction, VolatileRandom};
        match self.policy {
            NoEviction => None,
            AllKeysRandom | VolatileRandom => self.sample(1, data).pop(),
            _ => self.choose_best(data),
        }
    }

    fn choose_best(&mut self, data: &mut Data) -> Option<Bytes> {
        loop {
            let sample = self.sample(self.samples, data);
            if sample.is_empty() {
                return None;
            }
            for key in &sample {
                let score = self.score(key, data);
                self.pool.offer(score, key);
            }
            // Some of the pool may be gone, or may have lost their expiry.
            while let Some(key) = self.pool.pop() {
                let is_there = match self.takes_all() {
                    true => data.keyspace.get(&key).is_some(),
                    false => data.keyspace.expiry(&key).is_some(),
                };
                if is_there {
                    return Some(key);
                }
            }
        }
    }

    /// The higher, the better it is that the key goes. Source: `evict.c`, `evictionPoolPopulate`.
    fn score(&self, key: &Bytes, data: &Data) -> u64 {
        use MaxmemoryPolicy::{AllKeysLfu, VolatileLfu, VolatileTtl};
        let (usage, now) = (self.ledger.usage(key), data.wall());
        match self.policy {
            VolatileTtl => {
                let at_ms = data.keyspace.expiry(key).and_then(|at_ms| u64::try_from(at_ms).ok());
                u64::MAX - at_ms.unwrap_or(0)
            }
            AllKeysLfu | VolatileLfu => {
                usage.map_or(0, |usage| u64::from(u8::MAX - usage.counter(now)))
            }
            _ => usage.map_or(0, |usage| usage.idle_seconds(now)),
        }
    }

    fn sample(&mut self, count: usize, data: &mut Data) -> Sample {
        if self.takes_all() {
            self.ledger.sample(count, &mut self.random)
        } else {
            data.keyspace.sample_volatile(count, &mut self.random)
        }
    }

    fn takes_all(&self) -> bool {
        use MaxmemoryPolicy::{AllKeysLfu, AllKeysLru, AllKeysRandom};
        matches!(self.policy, AllKeysLru | AllKeysLfu | AllKeysRandom)
    }
}

#[cfg(test)]
mod tests;
