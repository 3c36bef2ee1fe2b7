//! Histories by hand, for the tests of judge and report: a store, a Redis, three buyers.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fencepost_faults::FaultKind;
use fencepost_models::machine::{ConnectionId, InputId, NodeId};
use fencepost_models::message::Message;
use fencepost_models::note::{Name, Note, ReleaseOutcome};
use fencepost_models::redis::resp::Reply;
use fencepost_models::shop::{ShopReply, ShopRequest};

use super::{JudgeSettings, LockHome, Verdict, Violation, ViolationKind, judge};
use crate::world::SimTime;
use crate::world::history::{Event, FaultId, History, MessageId, RecordId};

pub const STORE: NodeId = NodeId(0);
pub const REDIS: NodeId = NodeId(1);
/// `buyer-1`.
pub const A: NodeId = NodeId(2);
/// `buyer-2`.
pub const B: NodeId = NodeId(3);
/// `buyer-3`.
pub const C: NodeId = NodeId(4);

/// The lock that [`Story::acquire`] and [`Story::release`] are about.
pub const LOCK: &str = "lock:stock";

/// What the judge says of a story whose locks are on Redis.
pub fn verdict(story: &Story) -> Verdict {
    verdict_where(story, LockHome::Servers(vec![REDIS]))
}

/// What the judge says of a story whose locks are there, and stuck after 30 s.
pub fn verdict_where(story: &Story, locks: LockHome) -> Verdict {
    judge(&story.history, &JudgeSettings::new(Duration::from_secs(30), locks))
}

/// What the judge finds of one kind.
pub fn found_of_kind(story: &Story, kind: ViolationKind) -> Vec<Violation> {
    let found = verdict(story).violations.into_iter();
    found.filter(|violation| violation.kind == kind).collect()
}

/// A history in the making. What a node writes down is caused by what was last delivered to it at
/// the same moment; what it acquires was granted by what was last delivered to it since it did
/// the last time. It releases what it acquired last.
pub struct Story {
    pub history: History,
    now: SimTime,
    delivery: Option<(NodeId, RecordId)>,
    granted_by: BTreeMap<NodeId, InputId>,
    held: Vec<(NodeId, u32)>,
    acquired: u32,
}

impl Story {
    pub fn new() -> Self {
        let nodes = ["store", "redis", "buyer-1", "buyer-2", "buyer-3"];
        Self::of(&nodes)
    }

    pub fn of(nodes: &[&str]) -> Self {
        let history = History::new(nodes.iter().map(|name| (*name).to_owned()).collect(), vec![]);
        Self {
            history,
            now: SimTime::ZERO,
            delivery: None,
            granted_by: BTreeMap::new(),
            held: Vec::new(),
            acquired: 0,
        }
    }

    /// Goes on to that nanosecond.
    pub fn at(&mut self, nanos: u64) -> &mut Self {
        assert!(nanos >= self.now.as_nanos(), "a history goes forwards");
        (self.now, self.delivery) = (SimTime::from_nanos(nanos), None);
        self
    }

    /// Goes on to that millisecond.
    pub fn at_ms(&mut self, millis: u64) -> &mut Self {
        self.at(SimTime::after(Duration::from_millis(millis)).as_nanos())
    }

    /// Runs on until that millisecond, with or without records.
    pub fn end_ms(&mut self, millis: u64) -> &mut Self {
        self.history.close(SimTime::after(Duration::from_millis(millis)));
        self
    }

    /// Faults of these kinds are planned.
    pub fn faults(&mut self, kinds: &[FaultKind]) -> Vec<FaultId> {
        self.history.faults = kinds.to_vec();
        (0..kinds.len() as u32).map(FaultId).collect()
    }

    pub fn event(&mut self, node: NodeId, event: Event) -> &mut Self {
        self.history.push(self.now, None, node, event);
        self
    }

    pub fn note(&mut self, node: NodeId, note: Note) -> &mut Self {
        let cause = self.delivery.filter(|(to, _)| *to == node).map(|(_, record)| record);
        self.history.push_note(self.now, cause, node, note);
        self
    }

    pub fn send(&mut self, from: NodeId, to: NodeId, message: Message) -> MessageId {
        let connection = ConnectionId(u32::from(from.0));
        self.history.push_sent(self.now, None, [from, to], connection, message)
    }

    pub fn deliver(&mut self, message: MessageId) -> &mut Self {
        self.deliver_beside(message);
        if let Some((to, record)) = self.delivery {
            self.granted_by.insert(to, InputId(record.0));
        }
        self
    }

    /// Delivers a message that grants nothing.
    pub fn deliver_beside(&mut self, message: MessageId) -> &mut Self {
        let to = self.history.message(message).to;
        let record = self.history.push(self.now, None, to, Event::Delivered(message));
        self.delivery = Some((to, record));
        self
    }

    /// Redis tells a buyer that it has the lock.
    pub fn send_grant(&mut self, to: NodeId) -> MessageId {
        self.send(REDIS, to, Message::RedisReply(Reply::Int(1)))
    }

    /// A client's command to a server, by its name alone.
    pub fn send_command(&mut self, from: NodeId, to: NodeId, name: &'static str) -> MessageId {
        self.send(from, to, Message::Redis([Bytes::from_static(name.as_bytes())].into()))
    }

    pub fn key_set(&mut self, server: NodeId, key: &str, value: &str) -> &mut Self {
        let (key, value) = (Name::from(key), Name::from(value));
        self.note(server, Note::KeySet { key, value, expires_at_ms: None })
    }

    pub fn key_deleted(&mut self, server: NodeId, key: &str) -> &mut Self {
        self.note(server, Note::KeyDeleted { key: Name::from(key) })
    }

    pub fn key_expired(&mut self, server: NodeId, key: &str) -> &mut Self {
        self.note(server, Note::KeyExpired { key: Name::from(key) })
    }

    /// Begins to wait for the lock.
    pub fn wait(&mut self, node: NodeId) -> &mut Self {
        self.note(node, Note::Acquiring { lock: Name::from(LOCK), thread: 0 })
    }

    /// Waits no longer, without having got the lock.
    pub fn give_up(&mut self, node: NodeId) -> &mut Self {
        self.note(node, Note::GaveUp { lock: Name::from(LOCK), thread: 0 })
    }

    pub fn acquire(&mut self, node: NodeId, token: Option<u64>) -> &mut Self {
        self.acquire_named(node, LOCK, token)
    }

    pub fn acquire_named(&mut self, node: NodeId, lock: &str, token: Option<u64>) -> &mut Self {
        self.acquired((node, 0), lock, token, false);
        self
    }

    /// A thread of the node's process acquires.
    pub fn acquire_on_thread(
        &mut self,
        node: NodeId,
        thread: u32,
        token: Option<u64>,
    ) -> &mut Self {
        self.acquired((node, thread), LOCK, token, false);
        self
    }

    /// Acquires, and says under which number.
    pub fn acquire_numbered(&mut self, node: NodeId, token: Option<u64>) -> u32 {
        self.acquired((node, 0), LOCK, token, false)
    }

    /// Enters the lock once more.
    pub fn reenter(&mut self, node: NodeId) -> &mut Self {
        self.reenter_with(node, None)
    }

    /// Enters the lock once more, and is told the token again.
    pub fn reenter_with(&mut self, node: NodeId, token: Option<u64>) -> &mut Self {
        self.acquired((node, 0), LOCK, token, true);
        self
    }

    fn acquired(
        &mut self,
        (node, thread): (NodeId, u32),
        lock: &str,
        token: Option<u64>,
        reentered: bool,
    ) -> u32 {
        let (hold, granted_by) = (self.acquired, self.granted_by.remove(&node));
        self.acquired += 1;
        if lock == LOCK {
            self.held.push((node, hold));
        }
        let lock = Name::from(lock);
        self.note(node, Note::Acquired { lock, hold, thread, token, reentered, granted_by });
        hold
    }

    /// Releases what the node has acquired last and not released yet; if there is nothing, a hold
    /// that it never had.
    pub fn release(&mut self, node: NodeId) -> &mut Self {
        let last = self.held.iter().rfind(|(holder, _)| *holder == node);
        let hold = last.map_or(u32::MAX, |(_, hold)| *hold);
        self.release_numbered(node, hold)
    }

    pub fn release_numbered(&mut self, node: NodeId, hold: u32) -> &mut Self {
        self.held.retain(|held| *held != (node, hold));
        self.note(node, Note::Releasing { lock: Name::from(LOCK), hold })
    }

    /// What the node did under that hold is dropped.
    pub fn abandon(&mut self, node: NodeId, hold: u32) -> &mut Self {
        self.held.retain(|held| *held != (node, hold));
        self.note(node, Note::Abandoned { lock: Name::from(LOCK), hold })
    }

    pub fn released(&mut self, node: NodeId, outcome: ReleaseOutcome) -> &mut Self {
        self.note(node, Note::Released { lock: Name::from(LOCK), outcome })
    }

    pub fn lose(&mut self, node: NodeId) -> &mut Self {
        let lock = Name::from(LOCK);
        self.note(node, Note::LockLost { lock, hold: None, reason: "its session expired" })
    }

    pub fn stock(&mut self, stock: u64) -> &mut Self {
        self.note(STORE, Note::StockInitial { stock })
    }

    /// A buyer's write sets out.
    pub fn send_write(&mut self, from: NodeId, order: u64, stock: u64) -> MessageId {
        self.send(from, STORE, Message::Shop(ShopRequest::Write { order, stock, token: None }))
    }

    /// The store answers what a client has asked, on the client's connection, and the client gets it.
    pub fn answer(&mut self, to: NodeId, reply: ShopReply) -> &mut Self {
        let (connection, message) = (ConnectionId(u32::from(to.0)), Message::ShopReply(reply));
        let sent = self.history.push_sent(self.now, None, [STORE, to], connection, message);
        self.deliver(sent)
    }

    /// The store takes a write, whoever may have sent it when.
    pub fn taken(&mut self, from: NodeId, order: u64, before: u64, after: u64) -> &mut Self {
        self.note(STORE, Note::WriteTaken { from, order, before, after, token: None })
    }

    /// The store takes a write of the stock alone.
    pub fn stock_written(&mut self, from: NodeId, order: u64, after: u64) -> &mut Self {
        let before = after + 1;
        self.note(STORE, Note::StockWritten { from, order, before, after, token: None })
    }

    /// The orders' own store, which is another process on the store's node here, records one.
    pub fn recorded(&mut self, from: NodeId, order: u64) -> &mut Self {
        self.note(STORE, Note::OrderRecorded { from, order })
    }

    /// The store serves a read.
    pub fn served(&mut self, to: NodeId, stock: u64) -> &mut Self {
        self.note(STORE, Note::StockServed { to, stock, token: None })
    }
}
