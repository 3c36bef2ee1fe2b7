//! Slots that move from one master to another, key by key: `CLUSTER SETSLOT`.
//!
//! The source marks the slot as leaving, the target as coming. A key that the source has not any
//! longer is asked for at the target (`ASK`). `MIGRATE` moves keys. At the end both are told whose
//! the slot is, and the target takes a new epoch, without a vote, so that its claim wins.
//!
//! `MIGRATE` itself is the server's: `session/migrate.rs`.
//!
//! Source: `cluster.c`, `clusterCommand`, `setslot`.

use super::SlotSet;
use crate::redis::cluster::gossip::Audience;
use crate::redis::cluster::{Cluster, NodeName, Turn};

impl Cluster {
    /// `CLUSTER SETSLOT slot NODE name`: the slot is a node's from now on, as far as this one is
    /// concerned.
    pub(in crate::redis::cluster) fn assign_slot(
        &mut self,
        slot: u16,
        to: NodeName,
        turn: Turn<'_>,
    ) {
        let me = self.myself.name;
        let has_keys = turn.facts.keys.slots().contains(slot);
        if !has_keys {
            self.migrating.remove(&slot);
        }
        let slots = SlotSet::range(slot..=slot);
        let owner = self.owner(slot).map(|node| node.name);
        if let Some(owner) = owner {
            self.take_slots(owner, &slots);
        }
        self.give_slots(to, &slots);
        let was_last = owner == Some(me) && to != me && self.myself.slots.is_empty();
        if was_last && self.settings.allow_replica_migration {
            self.follow(to);
        }
        if to == me && self.importing.contains_key(&slot) {
            self.bump_epoch();
            self.importing.remove(&slot);
            self.broadcast_pong(Audience::All, turn);
        }
    }
}
