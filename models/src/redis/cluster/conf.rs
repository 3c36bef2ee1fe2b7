//! `nodes.conf`: what a node knows of the cluster, kept over restarts.
//!
//! Redis writes the file in place and syncs it, in its only thread: until the disk is done, it does
//! nothing else, and what it has to say is sent after that. The model replaces the file as a whole,
//! so that it is never half written.
//!
//! Source: `cluster.c`, `clusterLoadConfig`, `clusterSaveConfig`.

use bytes::Bytes;

use super::node::Node;
use super::out::Out;
use super::{Cluster, Flags, KnownNode, NodeName, SLOTS, SlotSet};
use crate::machine::{DiskOperation, DiskToken};
use crate::redis::address::node as node_at;

/// The file's name. Source: `config.c`, `cluster-config-file`.
pub(crate) const CONF_FILE: &str = "nodes.conf";

/// The file could not be read: Redis ends when it finds that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Unrecoverable error: corrupted cluster config file \"{CONF_FILE}\", line {line}.")]
pub(crate) struct BadConf {
    /// Which line, counted from 1; 0 for the file as a whole.
    pub(crate) line: usize,
}

impl Cluster {
    const WRITE: DiskToken = DiskToken(16);
    const SYNC: DiskToken = DiskToken(17);

    /// True while the thread for commands waits for the disk: until then nothing that has come up is
    /// sent, and nothing that comes is taken.
    pub(crate) const fn is_blocking(&self) -> bool {
        self.disk_calls > 0
    }

    /// The disk is done with something. True when that was this file's.
    pub(crate) const fn disk_done(&mut self, token: DiskToken) -> bool {
        let is_mine = token.0 == Self::WRITE.0 || token.0 == Self::SYNC.0;
        if is_mine {
            self.disk_calls = self.disk_calls.saturating_sub(1);
        }
        is_mine
    }

    /// Writes the file, and syncs it.
    pub(super) fn save(&mut self, sync: bool) {
        self.todo.save = false;
        self.todo.sync = false;
        let bytes = Bytes::from(self.conf());
        self.disk_calls += 1;
        let operation = DiskOperation::Replace { file: CONF_FILE, bytes };
        self.out.push(Out::Disk { token: Self::WRITE, operation });
        if sync {
            self.disk_calls += 1;
            let operation = DiskOperation::Sync { file: CONF_FILE };
            self.out.push(Out::Disk { token: Self::SYNC, operation });
        }
    }

    /// What the file holds.
    fn conf(&self) -> String {
        let mut text = self.describe_nodes(Flags::HANDSHAKE);
        let (current, voted) = (self.current_epoch, self.last_vote_epoch);
        text.push_str(&format!("vars currentEpoch {current} lastVoteEpoch {voted}\n"));
        text
    }

    /// Takes over what the file says.
    ///
    /// # Errors
    ///
    /// It is no such file.
    pub(super) fn load(&mut self, file: &[u8], now_ms: i64) -> Result<(), BadConf> {
        let text = std::str::from_utf8(file).map_err(|_| BadConf { line: 0 })?;
        let mut is_with_myself = false;
        for (line, number) in text.lines().zip(1..) {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let is_read = match words.as_slice() {
                [] => Some(()),
                ["vars", vars @ ..] => self.load_vars(vars),
                words => self.load_node(words, now_ms, &mut is_with_myself),
            };
            is_read.ok_or(BadConf { line: number })?;
        }
        if !is_with_myself {
            return Err(BadConf { line: 0 });
        }
        self.current_epoch = self.greatest_epoch();
        Ok(())
    }

    fn load_vars(&mut self, vars: &[&str]) -> Option<()> {
        for pair in vars.chunks(2) {
            let [name, value] = pair else { return None };
            match *name {
                "currentEpoch" => self.current_epoch = value.parse().ok()?,
                "lastVoteEpoch" => self.last_vote_epoch = value.parse().ok()?,
                _ => {}
            }
        }
        Some(())
    }

    /// A node's line: name, address, flags, master, ping, pong, epoch, link, slots.
    fn load_node(&mut self, words: &[&str], now_ms: i64, with_myself: &mut bool) -> Option<()> {
        let [name, address, flags, master, ping, pong, epoch, _, slots @ ..] = words else {
            return None;
        };
        let name = NodeName::parse(name.as_bytes())?;
        let (host, ports) = address.split_once(':')?;
        let port = ports.split('@').next()?;
        let flags = Flags::parse(flags)?;
        let is_set = |time: &str| time.parse().is_ok_and(|time: i64| time != 0);
        let mut node = Node::new(name, node_at(host.as_bytes(), port.as_bytes()), flags, now_ms);
        node.ping_sent_ms = if is_set(ping) { now_ms } else { 0 };
        node.pong_received_ms = if is_set(pong) { now_ms } else { 0 };
        node.failed_ms = if node.has_failed() { now_ms } else { 0 };
        if *master != "-" {
            node.master = Some(NodeName::parse(master.as_bytes())?);
        }
        let is_replica = node.is_replica() && node.master.is_some();
        node.config_epoch = if is_replica { 0 } else { epoch.parse().ok()? };
        let mut owned = SlotSet::EMPTY;
        for word in slots {
            match word.strip_prefix('[') {
                Some(open) => self.load_open_slot(open.strip_suffix(']')?)?,
                None => owned = owned.union(&range(word)?),
            }
        }
        // Source: `clusterAddSlot`: a slot that somebody has is not given again.
        node.slots = self.others.values().fold(owned, |owned, other| owned.minus(&other.slots));
        if flags.any_of(Flags::MYSELF) {
            *with_myself = true;
            node.address = self.myself.address;
            self.myself = node;
        } else {
            self.add_node(node);
        }
        Some(())
    }

    /// `5->-NAME` for a slot that leaves, `5-<-NAME` for one that comes.
    fn load_open_slot(&mut self, text: &str) -> Option<()> {
        let (slot, rest) = text.split_once('-')?;
        let slot = slot.parse().ok().filter(|slot| *slot < SLOTS)?;
        let (direction, name) = rest.split_once('-')?;
        let name = NodeName::parse(name.as_bytes())?;
        match direction {
            ">" => self.migrating.insert(slot, name),
            "<" => self.importing.insert(slot, name),
            _ => return None,
        };
        Some(())
    }

    /// Takes over what nodes a new node knows. Where there is a master, it is one of them.
    pub(super) fn introduce(&mut self, known: &[KnownNode], now_ms: i64) {
        for introduced in known {
            let role = if introduced.master.is_some() { Flags::REPLICA } else { Flags::MASTER };
            let name = NodeName::of(introduced.node);
            let is_myself = name == self.myself.name;
            let flags = if is_myself { role.with(Flags::MYSELF) } else { role };
            let mut node = Node::new(name, Some(introduced.node), flags, now_ms);
            node.master = introduced.master.map(NodeName::of);
            node.slots = introduced.slots.clone();
            node.pong_received_ms = now_ms;
            if introduced.master.is_none() {
                node.config_epoch = introduced.config_epoch;
            }
            self.current_epoch = self.current_epoch.max(introduced.config_epoch);
            if is_myself {
                self.myself = node;
            } else {
                self.add_node(node);
            }
        }
    }

    /// Marks the masters that have replicas, as they are marked when the replicas are added one by
    /// one.
    pub(super) fn mark_masters(&mut self) {
        let pairs: Vec<_> = self.nodes().map(|node| (node.name, node.master)).collect();
        for (name, master) in pairs {
            self.set_replica_of(name, master);
        }
    }
}

fn range(word: &str) -> Option<SlotSet> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first < SLOTS && last < SLOTS).then(|| SlotSet::range(first..=last))
}
