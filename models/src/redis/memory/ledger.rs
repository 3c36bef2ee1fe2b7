//! What each key of a database weighs.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Sample;
use super::weight::key_bytes;
use crate::random::Random;
use crate::redis::keyspace::{KeyEvent, Keyspace};

/// What each key of a database weighs. The keyspace notes down what is done to keys, and the ledger
/// follows.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accounts: BTreeMap<Bytes, Account>,
    /// The keys in no particular order, so that some can be taken at random.
    keys: Vec<Bytes>,
    bytes: u64,
}

#[derive(Debug)]
struct Account {
    bytes: u64,
    /// Where the key stands in the list.
    slot: usize,
}

impl Ledger {
    /// Follows what was done to the keys.
    pub(super) fn follow(&mut self, keyspace: &mut Keyspace) {
        for event in keyspace.take_events() {
            match event {
                KeyEvent::Cleared => *self = Self::default(),
                KeyEvent::Changed(key) => self.weigh(key, keyspace),
            }
        }
    }

    /// What all keys weigh.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// At most `count` different keys, each equally likely.
    pub(super) fn sample(&mut self, count: usize, random: &mut Random) -> Sample {
        let count = count.min(self.keys.len());
        for slot in 0..count {
            // The first steps of a shuffle.
            let others = (self.keys.len() - slot) as u64;
            self.swap(slot, slot + random.below(others) as usize);
        }
        self.keys[..count].iter().cloned().collect()
    }

    /// Writes down what a key weighs now; strikes it out if it is gone.
    fn weigh(&mut self, key: Bytes, keyspace: &Keyspace) {
        let Some(value) = keyspace.get(&key) else {
            return self.strike_out(&key);
        };
        let bytes = key_bytes(&key, value, keyspace.expiry(&key).is_some());
        self.bytes += bytes;
        match self.accounts.get_mut(&key) {
            Some(account) => self.bytes -= std::mem::replace(&mut account.bytes, bytes),
            None => {
                let account = Account { bytes, slot: self.keys.len() };
                self.keys.push(key.clone());
                self.accounts.insert(key, account);
            }
        }
    }

    fn strike_out(&mut self, key: &Bytes) {
        let Some(account) = self.accounts.remove(key) else {
            return;
        };
        self.bytes -= account.bytes;
        self.keys.swap_remove(account.slot);
        if account.slot < self.keys.len() {
            self.write_slot(account.slot);
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.keys.swap(one, other);
        self.write_slot(one);
        self.write_slot(other);
    }

    /// Tells the key that stands at `slot` that it does.
    fn write_slot(&mut self, slot: usize) {
        if let Some(account) = self.accounts.get_mut(&self.keys[slot]) {
            account.slot = slot;
        }
    }
}
