//! What is asked of hosts, and what is seen of them.

use bytes::Bytes;

use super::{Rig, Told};
use crate::machine::{ConnectionId, DiskToken};
use crate::redis::cluster::{BusMessage, CONF_FILE, Cluster};
use crate::redis::resp::Reply;

impl Rig {
    /// From now on the disk does not answer.
    pub(in super::super) fn hold_disk(&mut self, place: usize) {
        self.hosts[place].held_disk = Some(Vec::new());
    }

    /// What it has not answered.
    pub(in super::super) fn held_disk(&mut self, place: usize) -> Vec<DiskToken> {
        self.hosts[place].held_disk.take().unwrap_or_default()
    }

    pub(in super::super) fn file(&self, place: usize) -> String {
        let file = self.hosts[place].files.get(CONF_FILE);
        String::from_utf8(file.expect("written").to_vec()).expect("text")
    }

    /// Sends a command, and gives the answer.
    pub(in super::super) fn command(&mut self, place: usize, line: &str) -> Reply {
        let words: Vec<Bytes> =
            line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        self.tell(place, Told::Command(&words)).expect("an answer")
    }

    /// The data of a host are loaded.
    pub(in super::super) fn verify_keys(&mut self, place: usize) {
        self.tell(place, Told::Verify);
    }

    /// A message is published at a host.
    pub(in super::super) fn publish(&mut self, place: usize, channel: &str, sharded: bool) {
        self.tell(place, Told::Publish(channel, sharded));
    }

    /// Gives a host a message of another one, on the connection that the latter has opened to it.
    pub(in super::super) fn deliver(&mut self, from: usize, to: usize, message: BusMessage) {
        let name = self.cluster(from).myself.name;
        let inbound = self.cluster(to).node(name).and_then(|node| node.inbound);
        self.tell(to, Told::Message(inbound.expect("connected"), from, &message));
    }

    /// Gives a host a message of somebody whom it does not know.
    pub(in super::super) fn deliver_from_stranger(&mut self, to: usize, message: BusMessage) {
        self.tell(to, Told::Message(ConnectionId(u32::MAX), 99, &message));
    }

    pub(in super::super) fn cluster(&self, place: usize) -> &Cluster {
        &self.hosts[place].cluster
    }

    pub(in super::super) fn name(&self, place: usize) -> String {
        self.cluster(place).myself.name.to_string()
    }

    pub(in super::super) fn is_master(&self, place: usize) -> bool {
        self.cluster(place).myself.is_master()
    }

    /// When a host noted an event after a moment.
    pub(in super::super) fn noted(&self, place: usize, event: &str, since_ms: u64) -> Option<u64> {
        let notes = &self.hosts[place].notes;
        let found = notes.iter().find(|(at_ms, noted, _)| *noted == event && *at_ms >= since_ms);
        found.map(|(at_ms, ..)| *at_ms)
    }

    /// Details of all notes of an event.
    pub(in super::super) fn details(&self, place: usize, event: &str) -> Vec<&str> {
        let notes = self.hosts[place].notes.iter().filter(|(_, noted, _)| *noted == event);
        notes.map(|(.., detail)| detail.as_str()).collect()
    }

    /// The host that serves a slot, as another one sees it.
    pub(in super::super) fn owner(&self, slot: u16, seen_by: usize) -> Option<usize> {
        let owner = self.cluster(seen_by).owner(slot)?;
        owner.address.map(|node| usize::from(node.0))
    }
}
