//! What each key weighs, and how it was used.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Sample;
use super::usage::Usage;
use super::weight::{bytes_besides_keys, key_bytes};
use crate::random::Random;
use crate::redis::keyspace::{KeyEvent, Keyspace};
use crate::time::Wall;

/// What each key weighs, and how it was used. The keyspace notes down what is done to keys, and
/// the ledger follows.
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
    usage: Usage,
    /// Where the key stands in the list.
    slot: usize,
}

impl Ledger {
    /// Follows what was done to the keys.
    pub(super) fn follow(
        &mut self,
        keyspace: &mut Keyspace,
        counts_uses: bool,
        now: Wall,
        random: &mut Random,
    ) {
        for event in keyspace.take_events() {
            match event {
                KeyEvent::Cleared => *self = Self::default(),
                KeyEvent::Used(key) => {
                    if let Some(account) = self.accounts.get_mut(&key) {
                        match counts_uses {
                            true => account.usage.counted(now, random),
                            false => account.usage.used(now),
                        }
                    }
                    self.weigh(key, keyspace, now);
                }
                KeyEvent::Changed(key) => {
                    if let Some(account) = self.accounts.get_mut(&key) {
                        account.usage.used(now);
                    }
                    self.weigh(key, keyspace, now);
                }
            }
        }
    }

    /// What the server has taken: [`used_bytes`](super::used_bytes), without a count.
    pub(super) fn used_bytes(&self, keyspace: &Keyspace) -> u64 {
        bytes_besides_keys(keyspace) + self.bytes
    }

    /// How a key was used.
    pub(super) fn usage(&self, key: &Bytes) -> Option<Usage> {
        self.accounts.get(key).map(|account| account.usage)
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
    fn weigh(&mut self, key: Bytes, keyspace: &Keyspace, now: Wall) {
        let Some(value) = keyspace.get(&key) else {
            return self.strike_out(&key);
        };
        let bytes = key_bytes(&key, value, keyspace.expiry(&key).is_some());
        self.bytes += bytes;
        match self.accounts.get_mut(&key) {
            Some(account) => self.bytes -= std::mem::replace(&mut account.bytes, bytes),
            None => {
                let account = Account { bytes, usage: Usage::new(now), slot: self.keys.len() };
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
