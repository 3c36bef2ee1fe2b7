//! The network between hosts: what is sent arrives a millisecond later, or, over a cut, when that is
//! healed.

use std::sync::Arc;

use super::{CRON_MS, Event, LATENCY_MS, Rig, Told};
use crate::machine::{DiskOperation, Effect};
use crate::message::Message;
use crate::note::Note;

impl Rig {
    pub(super) fn take(&mut self, event: Event) {
        let (from, to) = match &event {
            Event::Cron(place) => (*place, *place),
            Event::Connect { from, to, .. }
            | Event::Data { from, to, .. }
            | Event::Close { from, to, .. } => (*from, *to),
        };
        if self.apart.contains(&from) != self.apart.contains(&to) {
            return self.held.push_back(event);
        }
        let is_up = self.hosts[to].is_up;
        match event {
            Event::Cron(place) => {
                self.push(CRON_MS, Event::Cron(place));
                if is_up {
                    self.tell(place, Told::Cron);
                }
            }
            Event::Connect { connection, from, to } if is_up && self.hosts[from].is_up => {
                self.connections.insert(connection, (from, to));
                self.tell(from, Told::Connected(connection));
            }
            Event::Connect { connection, from, to } => {
                self.push(0, Event::Close { connection, from: to, to: from, refused: true });
            }
            Event::Data { connection, from, to, message } => {
                let Message::ClusterBus(message) = message else { return };
                if is_up && self.connections.contains_key(&connection) {
                    *self.delivered.entry(message.name().into_owned()).or_default() += 1;
                    self.tell(to, Told::Message(connection, from, &message));
                }
            }
            Event::Close { connection, to, refused, .. } => {
                let was_there = self.connections.remove(&connection).is_some();
                if is_up && (was_there || refused) {
                    self.tell(to, Told::Closed(connection));
                }
            }
        }
    }

    pub(super) fn carry_out(&mut self, place: usize, effect: Effect) {
        match effect {
            Effect::Connect { connection, peer } => {
                let to = usize::from(peer.0);
                self.push(LATENCY_MS, Event::Connect { connection, from: place, to });
            }
            Effect::Send { connection, message } => {
                if let Message::ClusterBus(message) = &message {
                    self.said.push((place, Arc::clone(message)));
                }
                if let Some((one, other)) = self.connections.get(&connection) {
                    let to = if *one == place { *other } else { *one };
                    self.push(LATENCY_MS, Event::Data { connection, from: place, to, message });
                }
            }
            Effect::Close { connection } => {
                if let Some((one, other)) = self.connections.get(&connection) {
                    let to = if *one == place { *other } else { *one };
                    let close = Event::Close { connection, from: place, to, refused: false };
                    self.push(LATENCY_MS, close);
                }
            }
            Effect::Disk { token, operation } => {
                let host = &mut self.hosts[place];
                match operation {
                    DiskOperation::Replace { file, bytes } => {
                        host.files.insert(file, bytes);
                    }
                    DiskOperation::Sync { .. } => host.synced = host.files.clone(),
                    DiskOperation::Append { .. } => panic!("nothing is appended"),
                }
                match &mut host.held_disk {
                    Some(held) => held.push(token),
                    None => assert!(host.cluster.disk_done(token)),
                }
            }
            Effect::Note(Note::Cluster { event, detail }) => {
                assert!(crate::note::NOTE_KINDS.contains(&event), "{event}");
                self.hosts[place].notes.push((self.now_ms, event, detail));
            }
            other => panic!("unexpected: {other:?}"),
        }
    }

    /// Cuts these hosts off from the others.
    pub(in super::super) fn cut(&mut self, apart: &[usize]) {
        self.apart = apart.iter().copied().collect();
    }

    /// Ends that: what has waited arrives.
    pub(in super::super) fn heal(&mut self) {
        self.apart.clear();
        for event in std::mem::take(&mut self.held) {
            self.push(LATENCY_MS, event);
        }
    }

    /// Ends a process: its peers see their connections close.
    pub(in super::super) fn crash(&mut self, place: usize) {
        self.hosts[place].is_up = false;
        let own: Vec<_> = self.connections.iter().map(|(id, ends)| (*id, *ends)).collect();
        for (connection, (one, other)) in own {
            if one == place || other == place {
                let to = if one == place { other } else { one };
                let close = Event::Close { connection, from: place, to, refused: false };
                self.push(LATENCY_MS, close);
            }
        }
    }
}
