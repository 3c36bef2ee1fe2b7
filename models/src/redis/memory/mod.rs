//! `maxmemory`: what keys weigh, and which of them go when there are too many.
//!
//! Before each command Redis looks whether it has taken more than `maxmemory`. If so it evicts keys
//! until it has not, by the policy; where it may not or cannot, commands that may need memory are
//! refused.
//!
//! What differs from Redis 7.0.15: clients and their buffers weigh nothing; a sample of keys is drawn
//! without regard to how they lie in a hash table; an eviction takes no time, so it is never put off
//! (`maxmemory-eviction-tenacity`).
//!
//! ```text
//! weight            what a key takes
//! ledger            what all of a database take
//! pool              candidates
//! ```

mod ledger;
mod pool;
mod weight;

pub(crate) use self::weight::{EMPTY_SERVER_BYTES, usage_bytes, used_bytes};

use bytes::Bytes;
use smallvec::SmallVec;

use self::ledger::Ledger;
use self::pool::{Candidate, Pool};
use self::weight::bytes_besides_keys;
use super::engine::Data;
use super::keyspace::{Database, Keyspace};
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
    /// One for each database.
    ledgers: [Ledger; Database::COUNT as usize],
    pool: Pool,
    /// From which database a key was taken last that any policy would do for: `next_db`.
    last: Database,
    random: Random,
}

impl Memory {
    /// The memory of a server that has a limit from now on: the keyspace notes down what is done to
    /// keys. One number is drawn from `random`.
    pub(crate) fn new(settings: &RedisSettings, data: &mut Data, random: &mut Random) -> Self {
        data.keyspace.iter_mut().for_each(Keyspace::note_events);
        Self {
            limit_bytes: settings.maxmemory_bytes,
            policy: settings.maxmemory_policy,
            samples: settings.maxmemory_samples as usize,
            ledgers: Default::default(),
            pool: Pool::default(),
            last: Database::default(),
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
        for (ledger, keyspace) in self.ledgers.iter_mut().zip(data.keyspace.iter_mut()) {
            ledger.follow(keyspace);
        }
    }

    /// Evicts keys until no more than the limit is taken. False when that cannot be.
    ///
    /// Source: `evict.c`, `performEvictions`.
    pub(crate) fn make_room(&mut self, data: &mut Data) -> bool {
        self.follow(data);
        while self.used_bytes(data) > self.limit_bytes {
            let Some((database, key)) = self.choose(data) else {
                return false;
            };
            data.evict(database, &key);
            self.follow(data);
        }
        true
    }

    /// What the server has taken: [`used_bytes`], without a count.
    fn used_bytes(&self, data: &Data) -> u64 {
        bytes_besides_keys(&data.keyspace) + self.ledgers.iter().map(Ledger::bytes).sum::<u64>()
    }

    /// The key that has to go next.
    fn choose(&mut self, data: &mut Data) -> Option<Candidate> {
        use MaxmemoryPolicy::{AllKeysRandom, NoEviction, VolatileRandom};
        match self.policy {
            NoEviction => None,
            AllKeysRandom | VolatileRandom => self.choose_any(data),
            _ => self.choose_best(data),
        }
    }

    /// Any key of the next database that has one.
    fn choose_any(&mut self, data: &mut Data) -> Option<Candidate> {
        for _ in Database::all() {
            self.last = self.last.next();
            if let Some(key) = self.sample(1, self.last, data).pop() {
                return Some((self.last, key));
            }
        }
        None
    }

    fn choose_best(&mut self, data: &mut Data) -> Option<Candidate> {
        loop {
            let mut is_empty = true;
            for database in Database::all() {
                for key in self.sample(self.samples, database, data) {
                    is_empty = false;
                    let score = self.score(database, &key, data);
                    self.pool.offer(score, (database, key));
                }
            }
            if is_empty {
                return None;
            }
            // Some of the pool may be gone, or may have lost their expiry.
            while let Some((database, key)) = self.pool.pop() {
                let keyspace = data.keyspace.of(database);
                let is_there = match self.takes_all() {
                    true => keyspace.get(&key).is_some(),
                    false => keyspace.expiry(&key).is_some(),
                };
                if is_there {
                    return Some((database, key));
                }
            }
        }
    }

    /// The higher, the better it is that the key goes. Source: `evict.c`, `evictionPoolPopulate`.
    fn score(&self, database: Database, key: &Bytes, data: &Data) -> u64 {
        use MaxmemoryPolicy::VolatileTtl;
        let (keyspace, tracker) = (data.keyspace.of(database), &data.tracker);
        if self.policy == VolatileTtl {
            let at_ms = keyspace.expiry(key).and_then(|at_ms| u64::try_from(at_ms).ok());
            return u64::MAX - at_ms.unwrap_or(0);
        }
        keyspace.usage(key).map_or(0, |usage| match tracker.counts_uses() {
            true => u64::from(u8::MAX - tracker.frequency(usage)),
            false => u64::from(tracker.idle_s(usage)),
        })
    }

    fn sample(&mut self, count: usize, database: Database, data: &mut Data) -> Sample {
        if self.takes_all() {
            self.ledgers[database.place()].sample(count, &mut self.random)
        } else {
            data.keyspace.of_mut(database).sample_volatile(count, &mut self.random)
        }
    }

    fn takes_all(&self) -> bool {
        use MaxmemoryPolicy::{AllKeysLfu, AllKeysLru, AllKeysRandom};
        matches!(self.policy, AllKeysLru | AllKeysLfu | AllKeysRandom)
    }
}

#[cfg(test)]
mod tests;
