//! The keyspace: keys, values and when they expire.
//!
//! A key's expiry is a time on the server's *wall* clock, Unix milliseconds. Nothing here looks
//! at a clock: the [`engine`](super::engine) decides what has expired.

use std::collections::BTreeMap;

use bytes::Bytes;
use smallvec::SmallVec;

pub use self::hash::Hash;
use super::lru::LruClock;
use crate::random::Random;

mod hash;

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string of bytes; also a number, in decimal.
    String(Bytes),
    /// Fields with their values.
    Hash(Hash),
}

impl Value {
    /// The name of its type, as `TYPE` gives it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Hash(_) => "hash",
        }
    }
}

/// Where a string comes from: Redis stores it accordingly, and `OBJECT` tells how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was an argument, or a sum of integers.
    Given,
    /// It is the copy of such a string.
    Copied,
    /// It is a sum of fractions.
    Printed,
    /// A part of it has been changed.
    Edited,
}

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    expiry: Option<Expiry>,
    origin: Origin,
    used: LruClock,
}

impl Entry {
    fn set(&mut self, value: Value, now: LruClock) {
        (self.value, self.origin, self.used) = (value, Origin::Given, now);
    }
}

/// When a key expires, and its place among those that do.
#[derive(Clone, Copy, Debug)]
struct Expiry {
    at_ms: i64,
    slot: usize,
}

/// What was done to a key, for whoever keeps account of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyEvent {
    /// It was looked up, perhaps to be changed in place.
    Used(Bytes),
    /// It was set or removed, or its expiry was.
    Changed(Bytes),
    /// All keys were removed.
    Cleared,
}

/// Keys with their values.
///
/// Those that have an expiry also stand in a list in no particular order, so that the active
/// expiry cycle can take some of them at random: Redis keeps a second hash table for it.
#[derive(Clone, Debug, Default)]
pub struct Keyspace {
    entries: BTreeMap<Bytes, Entry>,
    volatile: Vec<Bytes>,
    /// What was done to the keys, in order, where somebody wants to know.
    events: Option<Vec<KeyEvent>>,
    now: LruClock,
}

impl Keyspace {
    /// Says what time it is, in Unix seconds: whatever is used from now on is used then.
    pub(crate) fn set_now(&mut self, unix_s: u64) {
        self.now = LruClock::at(unix_s);
    }

    /// How many keys there are, those included that have expired and were not looked at since.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many keys have an expiry.
    pub fn volatile_len(&self) -> usize {
        self.volatile.len()
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Notes down from now on what is done to the keys. Those that are there come first, as if they
    /// had been set just now.
    pub(crate) fn note_events(&mut self) {
        self.events = Some(self.keys().cloned().map(KeyEvent::Changed).collect());
    }

    /// Nobody wants to know any more what is done to the keys.
    pub(crate) fn ignore_events(&mut self) {
        self.events = None;
    }

    /// What was done to the keys since this was last called; nothing unless it is noted down.
    pub(crate) fn take_events(&mut self) -> Vec<KeyEvent> {
        self.events.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The value of a key that is used: to be read, or to be changed in place.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut Value> {
        let entry = self.entries.get_mut(key)?;
        entry.used = self.now;
        if let Some(events) = &mut self.events {
            events.push(KeyEvent::Used(Bytes::copy_from_slice(key)));
        }
        Some(&mut entry.value)
    }

    /// How long a key has not been used, in seconds.
    pub(crate) fn idle_s(&self, key: &[u8]) -> Option<u32> {
        self.entries.get(key).map(|entry| self.now.seconds_since(entry.used))
    }

    /// Where the string comes from that a key holds.
    pub(crate) fn origin(&self, key: &[u8]) -> Option<Origin> {
        self.entries.get(key).map(|entry| entry.origin)
    }

    /// Says where the string comes from that a key holds; whatever is set counts as given.
    pub(crate) fn set_origin(&mut self, key: &[u8], origin: Origin) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.origin = origin;
        }
    }

    /// The keys in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Bytes> {
        self.entries.keys()
    }

    /// When a key expires; `None` when it is not there or has no expiry.
    pub fn expiry(&self, key: &[u8]) -> Option<i64> {
        self.entries.get(key)?.expiry.map(|expiry| expiry.at_ms)
    }

    /// Sets a key's value and leaves its expiry alone, which it gives.
    pub fn set(&mut self, key: &Bytes, value: Value) -> Option<i64> {
        self.changed(key);
        match self.entries.get_mut(key) {
            Some(entry) => {
                entry.set(value, self.now);
                entry.expiry.map(|expiry| expiry.at_ms)
            }
            None => {
                self.add(key, value, None);
                None
            }
        }
    }

    /// Sets a key's value and when it expires, or that it does not.
    pub fn replace(&mut self, key: &Bytes, value: Value, expires_at_ms: Option<i64>) {
        self.changed(key);
        match (self.entries.get_mut(key), expires_at_ms) {
            (None, None) => self.add(key, value, None),
            (None, Some(at_ms)) => {
                let expiry = Some(Expiry { at_ms, slot: self.volatile.len() });
                self.volatile.push(key.clone());
                self.add(key, value, expiry);
            }
            (Some(entry), None) => {
                entry.set(value, self.now);
                self.persist(key);
            }
            (Some(entry), Some(at_ms)) => {
                entry.set(value, self.now);
                self.set_expiry(key, at_ms);
            }
        }
    }

    fn add(&mut self, key: &Bytes, value: Value, expiry: Option<Expiry>) {
        let entry = Entry { value, expiry, origin: Origin::Given, used: self.now };
        self.entries.insert(key.clone(), entry);
    }

    /// Sets when a key expires; false when the key is not there.
    pub fn set_expiry(&mut self, key: &Bytes, at_ms: i64) -> bool {
        self.changed(key);
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        match &mut entry.expiry {
            Some(expiry) => expiry.at_ms = at_ms,
            None => {
                entry.expiry = Some(Expiry { at_ms, slot: self.volatile.len() });
                self.volatile.push(key.clone());
            }
        }
        true
    }

    /// Takes a key's expiry away; false when it had none.
    pub fn persist(&mut self, key: &[u8]) -> bool {
        let Some(expiry) = self.entries.get_mut(key).and_then(|entry| entry.expiry.take()) else {
            return false;
        };
        self.changed(key);
        self.forget_slot(expiry.slot);
        true
    }

    /// Removes a key; false when it is not there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let Some(entry) = self.entries.remove(key) else {
            return false;
        };
        self.changed(key);
        if let Some(expiry) = entry.expiry {
            self.forget_slot(expiry.slot);
        }
        true
    }

    /// Removes every key; gives their names, in order.
    pub fn clear(&mut self) -> impl Iterator<Item = Bytes> + use<> {
        self.volatile.clear();
        if let Some(events) = &mut self.events {
            events.push(KeyEvent::Cleared);
        }
        std::mem::take(&mut self.entries).into_keys()
    }

    /// At most `count` different keys that have an expiry, each equally likely.
    pub fn sample_volatile(&mut self, count: usize, random: &mut Random) -> SmallVec<[Bytes; 20]> {
        let count = count.min(self.volatile.len());
        for slot in 0..count {
            // The first steps of a shuffle.
            let others = (self.volatile.len() - slot) as u64;
            self.swap_slots(slot, slot + random.below(others) as usize);
        }
        self.volatile[..count].iter().cloned().collect()
    }

    fn changed(&mut self, key: &[u8]) {
        if let Some(events) = &mut self.events {
            events.push(KeyEvent::Changed(Bytes::copy_from_slice(key)));
        }
    }

    fn swap_slots(&mut self, one: usize, other: usize) {
        self.volatile.swap(one, other);
        self.write_slot(one);
        self.write_slot(other);
    }

    /// Takes a key out of the list; the last one moves into its place.
    fn forget_slot(&mut self, slot: usize) {
        self.volatile.swap_remove(slot);
        if slot < self.volatile.len() {
            self.write_slot(slot);
        }
    }

    /// Tells the key that stands at `slot` that it does.
    fn write_slot(&mut self, slot: usize) {
        let entry = self.entries.get_mut(&self.volatile[slot]);
        if let Some(expiry) = entry.and_then(|entry| entry.expiry.as_mut()) {
            expiry.slot = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u8) -> Bytes {
        Bytes::from(vec![b'k', number])
    }

    proptest! {
        /// Against the plainest model there is: a map of expiries.
        #[test]
        fn the_list_of_keys_that_expire_is_always_right(
            steps in prop::collection::vec((0..6_u8, 0..6_u8, 0..100_i64), 0..60)
        ) {
            let mut keyspace = Keyspace::default();
            let mut model: BTreeMap<Bytes, Option<i64>> = BTreeMap::new();
            let mut random = Random::new(1, 1);
            for (what, number, at_ms) in steps {
                let key = key(number);
                match what {
                    0 => {
                        let expiry = keyspace.set(&key, Value::String(Bytes::new()));
                        prop_assert_eq!(expiry, *model.entry(key).or_default());
                    }
                    1 => {
                        let there = keyspace.set_expiry(&key, at_ms);
                        prop_assert_eq!(there, model.contains_key(&key));
                        model.entry(key).and_modify(|expiry| *expiry = Some(at_ms));
                    }
                    2 => {
                        let had = model.get_mut(&key).and_then(Option::take).is_some();
                        prop_assert_eq!(keyspace.persist(&key), had);
                    }
                    3 => prop_assert_eq!(keyspace.remove(&key), model.remove(&key).is_some()),
                    4 => {
                        let expires_at_ms = (at_ms % 2 == 0).then_some(at_ms);
                        keyspace.replace(&key, Value::String(Bytes::new()), expires_at_ms);
                        model.insert(key, expires_at_ms);
                    }
                    _ => {
                        let sample = keyspace.sample_volatile(usize::from(number), &mut random);
                        let mut distinct = sample.to_vec();
                        distinct.sort();
                        distinct.dedup();
                        prop_assert_eq!(distinct.len(), sample.len());
                    }
                }
                let expiring = model.values().flatten().count();
                prop_assert_eq!(keyspace.volatile_len(), expiring);
                prop_assert_eq!(keyspace.len(), model.len());
                for (key, expiry) in &model {
                    prop_assert_eq!(keyspace.expiry(key), *expiry);
                }
                let all = keyspace.clone().sample_volatile(99, &mut random);
                prop_assert!(all.iter().all(|key| model[key].is_some()));
                prop_assert_eq!(all.len(), expiring);
            }
        }
    }
}
