//! What a cluster sees of the data of its node.

use bytes::Bytes;

use super::Data;
use crate::redis::cluster::{Keys, SlotSet, key_slot};
use crate::redis::keyspace::{Database, Keyspace};

/// The keys of the only database that a node of a cluster has.
pub(crate) struct OnlyDatabase<'a>(pub(crate) &'a Data);

impl OnlyDatabase<'_> {
    fn keyspace(&self) -> &Keyspace {
        self.0.keyspace.of(Database::default())
    }
}

impl Keys for OnlyDatabase<'_> {
    fn is_empty(&self) -> bool {
        self.keyspace().is_empty()
    }

    fn contains(&self, key: &[u8]) -> bool {
        let is_over = self.keyspace().expiry(key).is_some_and(|at_ms| self.0.now_ms() > at_ms);
        self.keyspace().get(key).is_some() && !is_over
    }

    fn slots(&self) -> SlotSet {
        self.keyspace().keys().map(|key| key_slot(key)).collect()
    }

    fn of_slot(&self, slot: u16) -> Vec<Bytes> {
        self.keyspace().keys().filter(|key| key_slot(key) == slot).cloned().collect()
    }
}
