//! The keyspace: keys, values and when they expire.
//!
//! A key's expiry is a time on the server's *wall* clock, Unix milliseconds. Nothing here looks
//! at a clock: the [`engine`](super::engine) decides what has expired.

use std::collections::BTreeMap;

use bytes::Bytes;
use smallvec::SmallVec;

pub(crate) use self::databases::{Database, Databases};
pub(crate) use self::encoding::Encoding;
pub use self::hash::{Hash, ListLimits};
use super::usage::{Tracker, Usage};
use crate::random::Random;

mod databases;
mod encoding;
mod hash;

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string of bytes; also a number, in decimal.
    String(Bytes),
    /// Fields with their values.
    Hash(Hash),
}

impl Default for Value {
    /// The empty string.
    fn default() -> Self {
        Self::String(Bytes::new())
    }
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
    /// It was an argument, or a sum of integers; a small number is shared by all keys that hold it.
    Given,
    /// The same, but it is this key's alone: it is a copy, or it was set while none were shared.
    Own,
    /// It is a sum of fractions.
    Printed,
    /// A part of it has been changed.
    Edited,
}

/// What belongs to a key, without the key: it can be given to another one.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) value: Value,
    pub(crate) expires_at_ms: Option<i64>,
    pub(crate) origin: Origin,
    pub(crate) usage: Usage,
}

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    expiry: Option<Expiry>,
    origin: Origin,
    usage: Usage,
}

impl Entry {
    fn set(&mut self, value: Value, tracker: &Tracker) {
        self.value = value;
        self.origin = origin(tracker);
        self.usage = tracker.overwritten(self.usage);
    }
}

/// Of a string that is set.
const fn origin(tracker: &Tracker) -> Origin {
    if tracker.shares_numbers() { Origin::Given } else { Origin::Own }
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
    /// It was set or removed, or its expiry was; or it was looked up, perhaps to be changed in place.
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
}

impl Keyspace {
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

    /// These are other keys than before: whoever wants to know what is done to them begins anew.
    fn note_all_anew(&mut self) {
        if self.events.is_some() {
            let all = self.keys().cloned().map(KeyEvent::Changed);
            self.events = Some(std::iter::once(KeyEvent::Cleared).chain(all).collect());
        }
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
    pub(crate) fn get_mut(
        &mut self,
        key: &[u8],
        tracker: &Tracker,
        random: &mut Random,
    ) -> Option<&mut Value> {
        let entry = self.entries.get_mut(key)?;
        entry.usage = tracker.used(entry.usage, random);
        if let Some(events) = &mut self.events {
            events.push(KeyEvent::Changed(Bytes::copy_from_slice(key)));
        }
        Some(&mut entry.value)
    }

    /// The value of a key that was looked up before, to be changed in place.
    pub(crate) fn peek_mut(&mut self, key: &[u8]) -> Option<&mut Value> {
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    /// When a key was used, or how often.
    pub(crate) fn usage(&self, key: &[u8]) -> Option<Usage> {
        self.entries.get(key).map(|entry| entry.usage)
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
    pub(crate) fn set(&mut self, key: &Bytes, value: Value, tracker: &Tracker) -> Option<i64> {
        let Some(entry) = self.entries.get_mut(key) else {
            self.add(key, value, None, tracker);
            return None;
        };
        entry.set(value, tracker);
        let expires_at_ms = entry.expiry.map(|expiry| expiry.at_ms);
        self.changed(key);
        expires_at_ms
    }

    /// Sets a key's value and when it expires, or that it does not.
    pub(crate) fn replace(
        &mut self,
        key: &Bytes,
        value: Value,
        expires_at_ms: Option<i64>,
        tracker: &Tracker,
    ) {
        let Some(entry) = self.entries.get_mut(key) else {
            return self.add(key, value, expires_at_ms, tracker);
        };
        entry.set(value, tracker);
        match expires_at_ms {
            Some(at_ms) => {
                self.set_expiry(key, at_ms);
            }
            None if self.persist(key) => {}
            None => self.changed(key),
        }
    }

    /// Adds a key that is not there.
    fn add(&mut self, key: &Bytes, value: Value, expires_at_ms: Option<i64>, tracker: &Tracker) {
        let (origin, usage) = (origin(tracker), tracker.fresh());
        self.put(key, Item { value, expires_at_ms, origin, usage });
    }

    /// Makes a key of what belonged to another one; there must be none of that name.
    pub(crate) fn put(&mut self, key: &Bytes, item: Item) {
        self.changed(key);
        let Item { value, expires_at_ms, origin, usage } = item;
        let expiry = expires_at_ms.map(|at_ms| Expiry { at_ms, slot: self.volatile.len() });
        if expiry.is_some() {
            self.volatile.push(key.clone());
        }
        self.entries.insert(key.clone(), Entry { value, expiry, origin, usage });
    }

    /// Removes a key; gives what belonged to it.
    pub(crate) fn take(&mut self, key: &[u8]) -> Option<Item> {
        let Entry { value, expiry, origin, usage } = self.entries.remove(key)?;
        self.changed(key);
        if let Some(expiry) = expiry {
            self.forget_slot(expiry.slot);
        }
        let expires_at_ms = expiry.map(|expiry| expiry.at_ms);
        Some(Item { value, expires_at_ms, origin, usage })
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
        self.take(key).is_some()
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
mod tests;
