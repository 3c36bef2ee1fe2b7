//! Who serves which slots: each master claims its own in every message, and the claim with the
//! greater epoch wins.

use super::turn::shown;
use super::{Body, BusMessage, Cluster, NodeName, Order, SlotSet, Turn};

impl Cluster {
    /// What a node's ping says of slots.
    pub(super) fn hear_slots(&mut self, sender: NodeName, message: &BusMessage, turn: Turn<'_>) {
        let Some(node) = self.node(sender) else { return };
        let is_master = node.is_master();
        let claimer = if is_master { Some(sender) } else { node.master };
        let known = claimer.and_then(|name| self.node(name));
        // Most of the time nothing is new.
        if known.is_some_and(|node| node.slots != message.slots) {
            if is_master {
                self.hear_claim(sender, message.config_epoch, &message.slots, turn);
            }
            self.correct_claim(sender, message, turn);
        }
        let is_master = self.node(sender).is_some_and(|node| node.is_master());
        if is_master && self.myself.is_master() && message.config_epoch == self.myself.config_epoch
        {
            self.resolve_collision(sender);
        }
    }

    /// A master claims slots. Those that nobody claims, or somebody under a smaller epoch, are its
    /// own from now on. Whoever loses all its slots that way has been replaced, and becomes a replica
    /// of the one that took the last.
    ///
    /// Source: `cluster.c`, `clusterUpdateSlotsConfigWith`.
    pub(super) fn hear_claim(
        &mut self,
        sender: NodeName,
        epoch: u64,
        claimed: &SlotSet,
        turn: Turn<'_>,
    ) {
        if sender == self.myself.name {
            return;
        }
        let Some(node) = self.node(sender) else { return };
        let held = node.slots.clone();
        // What it holds and does not claim any longer stays with it until somebody else claims it:
        // clients would be told that the cluster is down.
        let still_claimed = held.intersection(claimed);
        self.not_claimed = self.not_claimed.minus(&still_claimed).union(&held.minus(claimed));
        let importing: SlotSet = self.importing.keys().copied().collect();
        let wanted = claimed.minus(&held).minus(&importing);

        let me = self.myself.name;
        let my_shard = if self.myself.is_master() { Some(me) } else { self.myself.master };
        let with_keys = turn.facts.keys;
        let (mut taken, mut dirty, mut from_my_shard) = (SlotSet::EMPTY, SlotSet::EMPTY, 0);
        let owners: Vec<NodeName> = self.nodes().map(|node| node.name).collect();
        let mut free = wanted.clone();
        for owner in owners {
            let Some(node) = self.node(owner) else { continue };
            let contested = wanted.intersection(&node.slots);
            if contested.is_empty() {
                continue;
            }
            free = free.minus(&contested);
            let lost = if node.config_epoch < epoch {
                contested
            } else {
                contested.intersection(&self.not_claimed)
            };
            if lost.is_empty() {
                continue;
            }
            if owner == me {
                dirty = lost.intersection(&with_keys.slots());
                self.note("slots-lost", format!("{lost} to {}", self.shown(sender)));
            }
            if Some(owner) == my_shard {
                from_my_shard += lost.len();
            }
            self.take_slots(owner, &lost);
            taken = taken.union(&lost);
        }
        taken = taken.union(&free);
        if !taken.is_empty() {
            self.give_slots(sender, &taken);
            self.not_claimed = self.not_claimed.minus(&taken);
            self.todo.save_and_sync();
            self.todo.update_state = true;
        }
        let is_left_without = my_shard
            .and_then(|name| self.node(name))
            .is_some_and(|node| from_my_shard > 0 && node.slots.is_empty());
        if is_left_without
            && (self.settings.allow_replica_migration || claimed.len() == from_my_shard)
        {
            self.follow(sender);
        } else if let Some(grandmaster) = self.grandmaster() {
            self.follow(grandmaster);
        } else if !dirty.is_empty() {
            self.orders.push(Order::DeleteKeys(dirty));
        }
    }

    /// The master of this node's master, which should not have one, unless that is this node.
    fn grandmaster(&self) -> Option<NodeName> {
        let grandmaster = self.node(self.myself.master?)?.master?;
        (grandmaster != self.myself.name).then_some(grandmaster)
    }

    /// Becomes a node's replica. Source: `cluster.c`, `clusterSetMaster`, and what its callers mark.
    pub(super) fn follow(&mut self, master: NodeName) {
        self.replicate(master);
        self.todo.save_and_sync();
        self.todo.update_state = true;
    }

    /// Tells a node that claims slots which somebody else has under a greater epoch. It may have
    /// been cut off when that one took over, and that one may be cut off now.
    ///
    /// One message, about the owner of the first such slot, as in Redis: the others follow with the
    /// next pings.
    fn correct_claim(&mut self, sender: NodeName, message: &BusMessage, turn: Turn<'_>) {
        let claimed = message.slots.minus(&self.not_claimed);
        let better = self
            .nodes()
            .filter(|node| node.name != sender && node.config_epoch > message.config_epoch)
            .filter_map(|node| Some((claimed.intersection(&node.slots).first()?, node)));
        let Some((_, owner)) = better.min_by_key(|(first, _)| *first) else { return };
        let body = Body::Update {
            about: owner.name,
            config_epoch: owner.config_epoch,
            slots: owner.slots.minus(&self.not_claimed),
        };
        let message = self.compose(body, turn);
        self.send(sender, message.into());
    }

    /// Takes slots from a node. Source: `cluster.c`, `clusterDelSlot`.
    pub(super) fn take_slots(&mut self, owner: NodeName, slots: &SlotSet) {
        if let Some(node) = self.node_mut(owner) {
            node.slots = node.slots.minus(slots);
            self.drop_shard_channels(owner, slots);
        }
    }

    /// Gives a node slots that are nobody's. Source: `cluster.c`, `clusterAddSlot`.
    pub(super) fn give_slots(&mut self, owner: NodeName, slots: &SlotSet) {
        let is_with_replicas = self.nodes().any(|node| node.is_replica() && node.master.is_some());
        if let Some(node) = self.node_mut(owner) {
            if node.slots.is_empty() && is_with_replicas {
                node.flags.set(super::Flags::MIGRATE_TO);
            }
            node.slots = node.slots.union(slots);
        }
    }

    /// Slots leave a node: if it is of this shard, the shard's channels in them leave this node.
    pub(super) fn drop_shard_channels(&mut self, owner: NodeName, slots: &SlotSet) {
        let Some(node) = self.node(owner) else { return };
        let shard = if node.is_master() { Some(owner) } else { node.master };
        let is_mine =
            shard == Some(self.myself.name) || shard.is_some() && shard == self.myself.master;
        if is_mine && !slots.is_empty() {
            self.orders.push(Order::DropShardChannels(slots.clone()));
        }
    }

    /// The node that serves a slot. Source: `cluster.c`, `server.cluster->slots`.
    #[inline]
    pub(super) fn owner(&self, slot: u16) -> Option<&super::node::Node> {
        self.nodes().find(|node| node.slots.contains(slot))
    }

    /// A node's address, as notes name it.
    pub(super) fn shown(&self, name: NodeName) -> String {
        shown(self.node(name).and_then(|node| node.address))
    }
}
